/* The notes of a core file (fs/binfmt_elf.c, fill_note_info and write_note_info): registers of every thread, the
 * one that died first; the process, the signal, the auxiliary vector, the mapped files. */
#include "abi/linux_core.h"
#include "cpu/xsave.h"
#include "kernel/fs/procfs.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/coredump.h"
#include "kernel/signal/fpstate.h"
#include "kernel/signal/signal.h"
#include "kernel/start.h"
#include "kernel/task/clock.h"
#include "kernel/vfs/vfs.h"

#include <string.h>

/* --- the buffer --- */

static void put(struct rf_core_buffer *out, const void *bytes, size_t size)
{
    size_t room = out->room ? out->room : 4096;
    while (room < out->used + size)
        room *= 2;
    if (room > out->room && !out->failed) {
        uint8_t *larger = rf_heap_realloc(&out->k->heap, out->bytes, room);
        out->failed = !larger;
        out->bytes = larger ? larger : out->bytes;
        out->room = larger ? room : out->room;
    }
    if (out->failed)
        return;
    memcpy(out->bytes + out->used, bytes, size);
    out->used += size;
}

static void pad(struct rf_core_buffer *out)
{
    static const uint8_t zero[4];
    put(out, zero, -out->used & 3);
}

static void put_note(struct rf_core_buffer *out, const char *name, uint32_t type, const void *bytes, size_t size)
{
    const struct rf_elf_note head = { (uint32_t)strlen(name) + 1, (uint32_t)size, type };
    put(out, &head, sizeof head);
    put(out, name, head.n_namesz);
    pad(out);
    put(out, bytes, size);
    pad(out);
}

/* --- threads --- */

static struct rf_timeval to_timeval(uint64_t cycles)
{
    return rf_ns_timeval(cycles / RF_CYCLES_PER_NS);
}

/* The segment registers of the running task are in the CPU. */
static void fill_registers(struct rf_kernel *k, const struct rf_task *task, struct rf_user_regs *out)
{
    const struct rf_pt_regs *r = task->regs;
    struct rf_cpu_context now;
    const struct rf_cpu_context *c = &task->context;
    if (task == k->current) {
        rf_context_save(k, &now);
        c = &now;
    }
    *out = (struct rf_user_regs){
        .r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12, .rbp = r->rbp, .rbx = r->rbx,
        .r11 = r->r11, .r10 = r->r10, .r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx,
        .rdx = r->rdx, .rsi = r->rsi, .rdi = r->rdi, .orig_rax = r->orig_rax, .rip = r->rip,
        .cs = r->cs, .eflags = r->eflags, .rsp = r->rsp, .ss = r->ss,
        .fs_base = c->fs_base, .gs_base = c->kernel_gs_base, /* swapped in the kernel */
        .ds = c->ds, .es = c->es, .fs = c->fs, .gs = c->gs,
    };
}

static void put_prstatus(struct rf_core_buffer *out, const struct rf_task *task, const struct rf_siginfo *info)
{
    const struct rf_process *p = task->process;
    struct rf_elf_prstatus status = {
        .si_signo = info->si_signo, .si_code = info->si_code, .si_errno = info->si_errno,
        .pr_cursig = (int16_t)info->si_signo,
        .pr_sigpend = task->pending, .pr_sighold = task->blocked,
        .pr_pid = task->tid, .pr_ppid = p->parent ? p->parent->pid : 0, .pr_pgrp = p->pgid, .pr_sid = p->sid,
        .pr_utime = to_timeval(task == p->leader ? p->user_cycles : task->user_cycles),
        .pr_stime = to_timeval(task == p->leader ? p->kernel_cycles : task->kernel_cycles),
        .pr_cutime = to_timeval(p->child_user_cycles), .pr_cstime = to_timeval(p->child_kernel_cycles),
        .pr_fpvalid = 1,
    };
    fill_registers(out->k, task, &status.pr_reg);
    put_note(out, "CORE", RF_NT_PRSTATUS, &status, sizeof status);
}

static void put_fpu(struct rf_core_buffer *out, struct rf_task *task)
{
    uint8_t image[RF_FP_ROOM];
    size_t size = rf_fp_of_task(out->k, task, image, false);
    put_note(out, "CORE", RF_NT_PRFPREG, image, sizeof(struct rf_fxsave_area));
    if (!rf_fp_components(out->k->cpu))
        return;
    size = rf_fp_of_task(out->k, task, image, true);
    put_note(out, "LINUX", RF_NT_X86_XSTATE, image, size);
}

/* --- the process --- */

static void put_prpsinfo(struct rf_core_buffer *out, const struct rf_task *task)
{
    const struct rf_process *p = task->process;
    const struct rf_credentials *c = &task->credentials;
    const struct rf_mm *mm = task->mm;
    struct rf_elf_prpsinfo info = {
        .pr_sname = 'R', .pr_nice = (int8_t)task->nice, .pr_uid = c->uid, .pr_gid = c->gid, .pr_pid = p->pid,
        .pr_ppid = p->parent ? p->parent->pid : 0, .pr_pgrp = p->pgid, .pr_sid = p->sid,
    };
    memcpy(info.pr_fname, task->comm, sizeof info.pr_fname);
    size_t length = mm->arg_end > mm->arg_start ? (size_t)(mm->arg_end - mm->arg_start) : 0;
    if (length > sizeof info.pr_psargs - 1)
        length = sizeof info.pr_psargs - 1;
    if (!rf_peek_user(out->k, task->mm, mm->arg_start, info.pr_psargs, length))
        length = 0;
    for (size_t i = 0; i < length; i++)
        if (!info.pr_psargs[i])
            info.pr_psargs[i] = ' ';
    info.pr_psargs[length] = '\0';
    put_note(out, "CORE", RF_NT_PRPSINFO, &info, sizeof info);
}

/* fill_files_note: how many, the page size, where each is, and then their names. */
static void put_files(struct rf_core_buffer *out, const struct rf_mm *mm)
{
    struct rf_core_buffer places = { .k = out->k }, names = { .k = out->k };
    uint64_t head[2] = { 0, RF_PAGE_SIZE };
    for (const struct rf_vma *v = mm->vmas; v; v = v->next) {
        char path[RF_PATH_MAX];
        if (!v->file || rf_proc_file_name(out->k, v->file, path, sizeof path) < 0)
            continue;
        const uint64_t place[3] = { v->start, v->end, v->offset / RF_PAGE_SIZE };
        put(&places, place, sizeof place);
        put(&names, path, strlen(path) + 1);
        head[0]++;
    }
    struct rf_core_buffer note = { .k = out->k };
    put(&note, head, sizeof head);
    put(&note, places.bytes, places.used);
    put(&note, names.bytes, names.used);
    if (places.failed || names.failed || note.failed)
        out->failed = true;
    else if (head[0])
        put_note(out, "CORE", RF_NT_FILE, note.bytes, note.used);
    rf_kfree(out->k, places.bytes);
    rf_kfree(out->k, names.bytes);
    rf_kfree(out->k, note.bytes);
}

static void put_process(struct rf_core_buffer *out, const struct rf_task *task, const struct rf_siginfo *info)
{
    put_prpsinfo(out, task);
    put_note(out, "CORE", RF_NT_SIGINFO, info, sizeof *info);
    put_note(out, "CORE", RF_NT_AUXV, task->mm->auxv, task->mm->auxv_count * sizeof task->mm->auxv[0]);
    put_files(out, task->mm);
}

void rf_core_notes(struct rf_core_buffer *out, const struct rf_siginfo *info)
{
    struct rf_task *dying = out->k->current;
    rf_account_times(out->k);
    put_prstatus(out, dying, info);
    put_process(out, dying, info);
    put_fpu(out, dying);
    for (struct rf_task *task = out->k->tasks; task; task = task->next_task) {
        if (task->process != dying->process || task == dying || task->state == RF_TASK_ZOMBIE)
            continue;
        put_prstatus(out, task, info);
        put_fpu(out, task);
    }
}
