/* An image that goes back to real-address mode at once: an INT there finds the vector table at 0, as the
 * firmware of a PC leaves IDTR. It leaves with 5. */
        .code32
        .globl _start
_start: jmp begin
        .balign 4
        .long 0x1badb002, 0, -0x1badb002
begin:  lgdt table
        ljmp $8, $1f
        .code16
1:      mov $16, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov %cr0, %eax
        and $~1, %eax
        mov %eax, %cr0
        ljmp $0x800, $2f - 0x8000
2:      xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $0x7000, %sp
        movw $handler - 0x8000, 0x60 * 4
        movw $0x800, 0x60 * 4 + 2
        mov $1, %eax
        int $0x60
        out %eax, $0xf4
        hlt
handler:
        mov $5, %eax
        iret
        .balign 8
gdt:    .quad 0, 0x9b000000ffff, 0x93000000ffff
table:  .word 23
        .long gdt
        .section .note.GNU-stack, "", @progbits
