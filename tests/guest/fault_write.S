# Writes to an address where nothing is mapped, and dies.
    .globl _start
_start:
    mov $0x123456, %eax
    movl $1, (%rax)
