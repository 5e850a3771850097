/* At entry every general register but RSP is zero, RSP is a multiple of 16, RFLAGS has only IF and
 * the fixed bit, and x87/SSE control have their defaults (ELF_PLAT_INIT and start_thread of Linux).
 * Exits with 0, or the number of the first check that fails. */
    .globl _start
_start:
    mov     %rsp, %rsp
    .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    test    %\reg, %\reg
    jnz     bad1
    .endr
    test    $15, %spl
    jnz     bad2
    cmpq    $1, (%rsp)          /* argc at least 1 */
    jl      bad3
    pushfq
    pop     %rax
    and     $~0x246, %rax       /* TEST above sets ZF and PF; bits 1 and 9 */
    jnz     bad4
    sub     $16, %rsp
    stmxcsr (%rsp)
    cmpl    $0x1f80, (%rsp)
    jne     bad5
    fnstcw  (%rsp)
    cmpw    $0x37f, (%rsp)
    jne     bad6
    mov     %cs, %eax
    cmp     $0x33, %eax
    jne     bad7
    mov     %ss, %eax
    cmp     $0x2b, %eax
    jne     bad8
    mov     %ds, %eax
    mov     %es, %ebx
    mov     %fs, %ecx
    mov     %gs, %edx
    or      %ebx, %eax
    or      %ecx, %eax
    or      %edx, %eax
    jnz     bad9
    pxor    %xmm0, %xmm0
    .irp reg, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    por     %xmm\reg, %xmm0
    .endr
    movq    %xmm0, %rax
    test    %rax, %rax
    jnz     bad10
    xor     %edi, %edi
exit:
    mov     $231, %eax          /* exit_group */
    syscall
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
bad\n:
    mov     $\n, %edi
    jmp     exit
    .endr
