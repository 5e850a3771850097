/* The ways into the kernel that 32-bit code of a 64-bit process has: SYSCALL with no argument, SYSENTER with one,
 * INT 80H with two. Exits with the errno of SYSCALL. */
        .text
        .globl _start
_start: mov     (%rsp), %rdi
        mov     $stack, %esp
        push    $0x23
        push    $compat
        lretq

        .code32
compat: cmp     $2, %edi
        je      1f
        ja      2f
        mov     $20, %eax               /* getpid */
        syscall
        push    %eax                    /* SS must be usable */
        pop     %ebx
        ljmp    $0x33, $back
1:      sysenter
2:      mov     $20, %eax
        int     $0x80

        .code64
back:   mov     %ebx, %edi
        neg     %edi
        mov     $60, %eax
        syscall

        .bss
        .skip   4096
stack:
        .section .note.GNU-stack, "", @progbits
