/* Texts of /proc/<pid> about who a process is: ids, capabilities, limits, user namespace maps. */
#include "kernel/fs/procfs.h"

int32_t rf_proc_number(const struct rf_text *out, int32_t global)
{
    return out->pids ? rf_pid_in(out->pids, global) : global;
}

/* --- parts of status --- */

/* The process in each pid namespace from that of the mount down to its own. */
static void add_numbers(struct rf_text *out, const char *name, const struct rf_task *task, int32_t global)
{
    const struct rf_pid_namespace *chain[RF_NS_MAX_LEVEL + 1], *ns = task->namespaces.pid;
    unsigned count = 0;
    while (ns && count < RF_ARRAY_SIZE(chain)) {
        chain[count++] = ns;
        ns = ns == out->pids ? NULL : ns->parent;
    }
    rf_text_add(out, "%s:", name);
    while (count)
        rf_text_add(out, "\t%d", rf_pid_in(chain[--count], global));
    rf_text_add(out, "\n");
}

void rf_proc_add_ids(struct rf_text *out, const struct rf_kernel *k, const struct rf_task *task)
{
    const struct rf_credentials *c = &task->credentials;
    rf_text_add(out, "Uid:\t%u\t%u\t%u\t%u\n", rf_uid_shown(k, c->uid), rf_uid_shown(k, c->euid),
                rf_uid_shown(k, c->suid), rf_uid_shown(k, c->fsuid));
    rf_text_add(out, "Gid:\t%u\t%u\t%u\t%u\n", rf_gid_shown(k, c->gid), rf_gid_shown(k, c->egid),
                rf_gid_shown(k, c->sgid), rf_gid_shown(k, c->fsgid));
    if (task->files)
        rf_text_add(out, "FDSize:\t%u\n", task->files->capacity);
    rf_text_add(out, "Groups:\t");
    for (uint32_t i = 0; c->groups && i < c->groups->count; i++)
        rf_text_add(out, "%u ", rf_gid_shown(k, c->groups->gid[i]));
    if (!c->groups)
        rf_text_add(out, " ");
    rf_text_add(out, "\n");
    add_numbers(out, "NStgid", task, task->process->pid);
    add_numbers(out, "NSpid", task, task->tid);
    add_numbers(out, "NSpgid", task, task->process->pgid);
    add_numbers(out, "NSsid", task, task->process->sid);
}

void rf_proc_add_capabilities(struct rf_text *out, const struct rf_task *task)
{
    const struct rf_credentials *c = &task->credentials;
    rf_text_add(out, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
                (unsigned long long)c->inheritable, (unsigned long long)c->permitted,
                (unsigned long long)c->effective, (unsigned long long)c->bounding, (unsigned long long)c->ambient);
    rf_text_add(out, "NoNewPrivs:\t%d\n", task->no_new_privs);
}

/* --- limits, personality --- */

static const struct {
    const char *name, *unit;
} limits[RF_RLIM_NLIMITS] = {
    { "Max cpu time", "seconds" },         { "Max file size", "bytes" },       { "Max data size", "bytes" },
    { "Max stack size", "bytes" },         { "Max core file size", "bytes" },  { "Max resident set", "bytes" },
    { "Max processes", "processes" },      { "Max open files", "files" },      { "Max locked memory", "bytes" },
    { "Max address space", "bytes" },      { "Max file locks", "locks" },      { "Max pending signals", "signals" },
    { "Max msgqueue size", "bytes" },      { "Max nice priority", NULL },      { "Max realtime priority", NULL },
    { "Max realtime timeout", "us" },
};

static void add_limit(struct rf_text *out, uint64_t value)
{
    if (value == RF_RLIM_INFINITY)
        rf_text_add(out, "%-20s ", "unlimited");
    else
        rf_text_add(out, "%-20llu ", (unsigned long long)value);
}

void rf_proc_pid_limits(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k;
    rf_text_add(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < RF_ARRAY_SIZE(limits); i++) {
        rf_text_add(out, "%-25s ", limits[i].name);
        add_limit(out, task->process->rlimit[i].rlim_cur);
        add_limit(out, task->process->rlimit[i].rlim_max);
        if (limits[i].unit)
            rf_text_add(out, "%-10s", limits[i].unit);
        rf_text_add(out, "\n");
    }
}

void rf_proc_pid_personality(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k;
    rf_text_add(out, "%08x\n", task->personality);
}

/* --- user namespaces --- */

/* The lower ids are the reader's, or its parent's when it reads its own map. */
static void add_map(struct rf_text *out, const struct rf_kernel *k, const struct rf_task *task, bool groups)
{
    const struct rf_user_namespace *ns = task->credentials.user, *reader = k->current->credentials.user;
    const struct rf_id_map *map = groups ? &ns->gid : &ns->uid;
    if (!ns->ns.owner)
        rf_text_add(out, "%10u %10u %10u\n", 0u, 0u, UINT32_MAX);
    if (reader == ns && ns->ns.owner)
        reader = ns->ns.owner;
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t kernel = map->extents[i].kernel;
        uint32_t lower = groups ? rf_gid_from_kernel(reader, kernel) : rf_uid_from_kernel(reader, kernel);
        rf_text_add(out, "%10u %10u %10u\n", map->extents[i].first, lower, map->extents[i].count);
    }
}

void rf_proc_pid_uid_map(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    add_map(out, k, task, false);
}

void rf_proc_pid_gid_map(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    add_map(out, k, task, true);
}

void rf_proc_pid_setgroups(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k;
    rf_text_add(out, "%s\n", task->credentials.user->setgroups_denied ? "deny" : "allow");
}

int64_t rf_proc_write_uid_map(struct rf_kernel *k, struct rf_task *task, const struct rf_credentials *opener,
                              const char *text)
{
    return rf_user_map_write(k, task->credentials.user, false, opener, text);
}

int64_t rf_proc_write_gid_map(struct rf_kernel *k, struct rf_task *task, const struct rf_credentials *opener,
                              const char *text)
{
    return rf_user_map_write(k, task->credentials.user, true, opener, text);
}

int64_t rf_proc_write_setgroups(struct rf_kernel *k, struct rf_task *task, const struct rf_credentials *opener,
                                const char *text)
{
    (void)k, (void)opener;
    return rf_setgroups_write(task->credentials.user, text);
}
