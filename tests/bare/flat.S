/* An image that stays in 32-bit protected mode without paging and is no ELF file: its header says where
 * it is loaded. It says hello and leaves with 7. */
        .code32
        .globl _start
_start: jmp begin
        .balign 4
header: .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        .long header, _start, end, bss_end, _start
begin:  mov $bss_end, %esp
        mov $text, %esi
        call say
        cmpl $0, end                  /* the bss is zero */
        jne 1f
        cmp $0x2badb002, %eax
        jne 1f
        cmpl $0, 4(%ebx)
        je 1f
        mov $7, %eax
        out %eax, $0xf4
1:      mov $1, %eax
        out %eax, $0xf4
        hlt

say:    push %eax
        mov $0x3f8, %edx
        cld
1:      lodsb
        test %al, %al
        jz 2f
        out %al, %dx
        jmp 1b
2:      pop %eax
        ret

text:   .asciz "hello in 32 bits\n"
        .balign 16
end:
        .set bss_end, end + 4096
        .section .note.GNU-stack, "", @progbits
