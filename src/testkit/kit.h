/* Inside of a test kit: what its own files share. */
#ifndef RF_TESTKIT_KIT_H
#define RF_TESTKIT_KIT_H

#include <ringfort/testkit.h>

#define KIT_CODES 32

/* Code that was put into memory, so that addresses can be told as "name+offset". */
struct kit_code {
    uint64_t address;
    size_t size;
    char name[24];
};

/* Text that never overflows its buffer. */
struct kit_text {
    char *out;
    size_t size, used;
};
void kit_put(struct kit_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct rf_kit {
    rf_bare *bare;
    uint64_t next_table;     /* the next free page for page tables */
    uint64_t next_code;      /* where the next handler goes */
    struct kit_code code[KIT_CODES];
    unsigned code_count;
    rf_outcome outcome;
    rf_stats before;         /* figures when the run began */
    unsigned start_cpl;
    bool shadow_stacks, tracking; /* of the config */
    uint64_t handler_rip, handler_rsp, interrupted_rsp; /* where a handler of the kit's own stopped */
    rf_kit_failed *failed;
    void *failed_user;
    char error[256];
    char description[4096];
    char failure[8192];
};

/* kit.c */
/* Which exceptions push an error code. */
bool kit_pushes_error_code(unsigned vector);
/* The bytes of a handler before its VMCALL: ENDBR64, or none. */
unsigned kit_handler_prefix(const rf_kit *kit);
rf_status kit_error(rf_kit *kit, rf_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The bare machine's own line becomes the kit's. */
rf_status kit_bare_error(rf_kit *kit, rf_status status);
/* Names of code are "user" and "kernel" at the start of the text pages. Errors: RF_ERR_ARGUMENT. */
rf_status kit_place(rf_kit *kit, uint64_t address, const rf_guest_code *code, const char *name);

/* The next of several words separated by blanks: cut at 31 bytes. False: there is none. */
bool kit_word(const char **text, char word[32]);

/* paging.c: tables for the first 4 MiB. */
rf_status kit_build_tables(rf_kit *kit, bool five_levels);

/* text.c */
void kit_address(const rf_kit *kit, uint64_t address, char out[40]); /* "user+3", or a number */
unsigned kit_instruction(rf_kit *kit, uint64_t address, uint64_t cs, char *out, size_t size);
void kit_put_code(rf_kit *kit, struct kit_text *t);
/* Why: the walk of a page fault, the two return addresses of a #CP. */
void kit_put_reason(rf_kit *kit, struct kit_text *t);

/* cet.c */
rf_status kit_build_cet(rf_kit *kit, const rf_kit_config *config); /* all but CR4.CET */
void kit_begin_cet(rf_kit *kit, unsigned cpl); /* what rf_kit_set_cpl says of CET */
void kit_control_words(uint32_t code, char *out, size_t size); /* the error code of #CP */
void kit_put_returns(rf_kit *kit, struct kit_text *t);

/* values.c: "user_stack-0x28", "IF|2". False: not understood. */
bool kit_value(const char *text, uint64_t *out);
#endif
