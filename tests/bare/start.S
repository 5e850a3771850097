/* What a multiboot image begins with: 32-bit code that sets up PAE, identity pages of 2 MiB for the first
 * 4 GiB, EFER.LME and paging, and jumps to 64-bit code; then a GDT, a TSS and an IDT whose 256 entries
 * call interrupt() of image.c. */
        .section .init
        .code32
        .long 0x1badb002, 0, -0x1badb002
        .globl start
start:
        mov %eax, boot_magic
        mov %ebx, boot_info
        mov %cr0, %eax
        mov %eax, boot_cr0
        mov $stack_top, %esp
        lgdt gdt_pointer
        mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        mov %eax, %ss

        /* page tables */
        xor %ecx, %ecx
1:      mov %ecx, %eax
        shl $21, %eax
        or $0x83, %eax
        mov %eax, page_directories(, %ecx, 8)
        inc %ecx
        cmp $2048, %ecx
        jb 1b
        xor %ecx, %ecx
2:      mov %ecx, %eax
        shl $12, %eax
        add $page_directories + 3, %eax
        mov %eax, pdpt(, %ecx, 8)
        inc %ecx
        cmp $4, %ecx
        jb 2b
        movl $pdpt + 3, pml4

        call enter_long_mode
        ljmp $0x08, $start64

        /* called: a near return in 32-bit code on pages */
enter_long_mode:
        mov %cr4, %eax
        bts $5, %eax
        mov %eax, %cr4
        mov $pml4, %eax
        mov %eax, %cr3
        mov $0xc0000080, %ecx
        rdmsr
        bts $8, %eax
        wrmsr
        mov %cr0, %eax
        bts $31, %eax
        mov %eax, %cr0
        ret

        .code64
start64:
        mov $stack_top, %rsp
        mov $tss, %eax
        mov %ax, tss_descriptor + 2
        shr $16, %eax
        mov %al, tss_descriptor + 4
        mov %ah, tss_descriptor + 7
        mov $0x18, %eax
        ltr %ax
        call prepare
        call main
        mov %eax, %edi
        call finish

        .text
        /* Entry i: push an error code if the CPU has not, and the vector. */
        .globl entries
        .balign 16
entries:
        i = 0
        .rept 256
        .balign 16
        .if !(i == 8 || (i >= 10 && i <= 14) || i == 17 || i == 21)
        push $0
        .endif
        push $i
        jmp common
        i = i + 1
        .endr
common: push %rax
        push %rcx
        push %rdx
        push %rsi
        push %rdi
        push %r8
        push %r9
        push %r10
        push %r11
        cld
        lea 72(%rsp), %rdi
        call interrupt
        pop %r11
        pop %r10
        pop %r9
        pop %r8
        pop %rdi
        pop %rsi
        pop %rdx
        pop %rcx
        pop %rax
        add $16, %rsp
        iretq

        .data
        .balign 16
gdt:    .quad 0
        .quad 0x00af9b000000ffff /* 64-bit code */
        .quad 0x00cf93000000ffff /* data */
tss_descriptor:
        .quad 0x0000890000000067
        .quad 0
        .quad 0x00cf9b000000ffff /* 28h: 32-bit code */
        .quad 0x00cff3000000ffff /* 30h: user data */
        .quad 0x00affb000000ffff /* 38h: user code */
gdt_end:
gdt_pointer:
        .word gdt_end - gdt - 1
        .long gdt
        .globl boot_magic, boot_info, boot_cr0
boot_magic: .long 0
boot_info:  .long 0
boot_cr0:   .long 0
        .balign 16
tss:    .long 0
        .quad ring0_stack_top
        .zero 88
        .long 0x680000

        .bss
        .balign 4096
page_directories: .zero 4 * 4096
pdpt:   .zero 4096
        .globl pml4
pml4:   .zero 4096
stack:  .zero 16384
stack_top:
ring0_stack:  .zero 16384
ring0_stack_top:
        .section .note.GNU-stack, "", @progbits
