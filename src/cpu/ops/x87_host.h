/* The host's x87 unit at work for the guest's.
 *
 * From the first x87 operation on, and until rf_cpu_run gives the host its state back
 * (rf_x87_leave), the host's control word is the guest's. Between ops the host's register
 * stack is empty and its sticky flags are among the guest's. Operations are the very
 * instructions on 80-bit operands in memory; an exception that the guest unmasked is thus
 * reported as to the guest, and withdrawn by FNCLEX before the host could take it.
 *
 * On other hosts (RF_X87_NATIVE 0) x87_portable.c does what C's long double can. */
#ifndef RF_CPU_OPS_X87_HOST_H
#define RF_CPU_OPS_X87_HOST_H

#include "cpu/fpu_state.h"

#if defined(__x86_64__) && !defined(RF_PORTABLE)
#define RF_X87_NATIVE 1
#else
#define RF_X87_NATIVE 0
#endif

/* Give the host's x87 the guest's control word, or its own back. */
void rf_x87_enter(struct rf_fpu *fpu);
void rf_x87_leave(struct rf_fpu *fpu);
/* The guest's control word changed, or its flags were replaced. */
void rf_x87_reload(struct rf_fpu *fpu);

/* The stack after an operation that may push, pop, or do neither: `depth` values from the
 * top on. sw is the status word after it. */
struct rf_x87_result {
    union rf_x87_reg st[3];
    unsigned depth;
    uint16_t sw;
};

#if RF_X87_NATIVE

/* If an unmasked exception was raised (ES in AL), withdraw it. */
#define RF_X87_SETTLE "fnstsw %%ax\n\ttestb $0x80, %%al\n\tjz 1f\n\tfnclex\n1:\t"

/* d = d operation s, for an instruction that works on st and st(1). Returns the status word. */
#define RF_X87_BINARY(text, d, s)                                         \
    __extension__({                                                       \
        uint16_t sw_;                                                     \
        __asm__ volatile("fldt %[source]\n\tfldt %[dest]\n\t" text "\n\t" \
                         RF_X87_SETTLE "fstpt %[dest]\n\tfstp %%st(0)"    \
                         : "=&a"(sw_), [dest] "+m"(*(d))                  \
                         : [source] "m"(*(s))                             \
                         : "st", "st(1)", "cc");                          \
        sw_;                                                              \
    })

/* The same with a memory operand, the variable m. */
#define RF_X87_BINARY_MEMORY(text, d, m)                          \
    __extension__({                                               \
        uint16_t sw_;                                             \
        __asm__ volatile("fldt %[dest]\n\t" text " %[memory]\n\t" \
                         RF_X87_SETTLE "fstpt %[dest]"            \
                         : "=&a"(sw_), [dest] "+m"(*(d))          \
                         : [memory] "m"(m)                        \
                         : "st", "cc");                           \
        sw_;                                                      \
    })

/* Comparisons: the status word with C0, C2, C3. */
#define RF_X87_COMPARE(text, a, b)                                         \
    __extension__({                                                        \
        uint16_t sw_;                                                      \
        __asm__ volatile("fldt %[second]\n\tfldt %[first]\n\t" text "\n\t" \
                         RF_X87_SETTLE "fstp %%st(0)\n\tfstp %%st(0)"      \
                         : "=&a"(sw_)                                      \
                         : [first] "m"(*(a)), [second] "m"(*(b))           \
                         : "st", "st(1)", "cc");                           \
        sw_;                                                               \
    })
#define RF_X87_COMPARE_MEMORY(text, a, m)                          \
    __extension__({                                                \
        uint16_t sw_;                                              \
        __asm__ volatile("fldt %[first]\n\t" text " %[memory]\n\t" \
                         RF_X87_SETTLE "fstp %%st(0)"              \
                         : "=&a"(sw_)                              \
                         : [first] "m"(*(a)), [memory] "m"(m)      \
                         : "st", "cc");                            \
        sw_;                                                       \
    })

/* Store st into the variable m by an instruction that pops. If an unmasked exception
 * forbids the store, m is unchanged. */
#define RF_X87_STORE(text, s, m)                                         \
    __extension__({                                                      \
        uint16_t sw_;                                                    \
        __asm__ volatile("fldt %[source]\n\t" text " %[memory]\n\t"      \
                         "fnstsw %%ax\n\ttestb $0x80, %%al\n\tjz 2f\n\t" \
                         "fnclex\n\ttestw $0x3800, %%ax\n\tjz 2f\n\t"    \
                         "fstp %%st(0)\n2:"                              \
                         : "=&a"(sw_), [memory] "+m"(m)                  \
                         : [source] "m"(*(s))                            \
                         : "st", "cc");                                  \
        sw_;                                                             \
    })

/* Load by an instruction that pushes one value. */
#define RF_X87_LOAD(text, d) \
    __asm__ volatile(text "\n\tfstpt %[dest]" : [dest] "=m"(*(d)) : : "st")
#define RF_X87_LOAD_MEMORY(text, d, m)                  \
    __asm__ volatile(text " %[memory]\n\tfstpt %[dest]" \
                     : [dest] "=m"(*(d)) : [memory] "m"(m) : "st")

/* Any instruction on st (and st(1)); TOP tells how many values it left. The flags are its
 * own only. */
#define RF_X87_RUN(text, result, a, b)                                   \
    do {                                                                 \
        uint16_t sw_;                                                    \
        __asm__ volatile("fnclex\n\tfldt %[second]\n\tfldt %[first]\n\t" \
                         text "\n\tfnstsw %%ax\n\tfnclex\n\t"            \
                         "fstpt %[out0]\n\t"                             \
                         "movl %%eax, %%ecx\n\tandl $0x3800, %%ecx\n\t"  \
                         "cmpl $0x3800, %%ecx\n\tje 3f\n\t"              \
                         "fstpt %[out1]\n\t"                             \
                         "cmpl $0x3000, %%ecx\n\tje 3f\n\t"              \
                         "fstpt %[out2]\n3:"                             \
                         : "=&a"(sw_), [out0] "=m"((result)->st[0]),     \
                           [out1] "=m"((result)->st[1]),                 \
                           [out2] "=m"((result)->st[2])                  \
                         : [first] "m"(*(a)), [second] "m"(*(b))         \
                         : "st", "st(1)", "st(2)", "ecx", "cc");         \
        (result)->sw = sw_;                                              \
        (result)->depth = 8 - (sw_ >> 11 & 7);                           \
    } while (0)

#else

uint16_t rf_x87_portable_binary(const char *text, union rf_x87_reg *d, const union rf_x87_reg *s);
uint16_t rf_x87_portable_binary_memory(const char *text, union rf_x87_reg *d, const void *m,
                                       unsigned size);
uint16_t rf_x87_portable_compare(const char *text, const union rf_x87_reg *a,
                                 const union rf_x87_reg *b);
uint16_t rf_x87_portable_compare_memory(const char *text, const union rf_x87_reg *a, const void *m,
                                        unsigned size);
uint16_t rf_x87_portable_store(const char *text, const union rf_x87_reg *s, void *m, unsigned size);
void rf_x87_portable_load(const char *text, union rf_x87_reg *d, const void *m);
void rf_x87_portable_run(const char *text, struct rf_x87_result *result,
                         const union rf_x87_reg *a, const union rf_x87_reg *b);
#define RF_X87_BINARY(text, d, s) rf_x87_portable_binary(text, d, s)
#define RF_X87_BINARY_MEMORY(text, d, m) rf_x87_portable_binary_memory(text, d, &(m), sizeof(m))
#define RF_X87_COMPARE(text, a, b) rf_x87_portable_compare(text, a, b)
#define RF_X87_COMPARE_MEMORY(text, a, m) rf_x87_portable_compare_memory(text, a, &(m), sizeof(m))
#define RF_X87_STORE(text, s, m) rf_x87_portable_store(text, s, &(m), sizeof(m))
#define RF_X87_LOAD(text, d) rf_x87_portable_load(text, d, NULL)
#define RF_X87_LOAD_MEMORY(text, d, m) rf_x87_portable_load(text, d, &(m))
#define RF_X87_RUN(text, result, a, b) rf_x87_portable_run(text, result, a, b)

#endif
#endif
