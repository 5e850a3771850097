/* Pid namespaces (pid_namespaces(7)): the numbers that tasks have in them besides their own. */
#include "kernel/namespace/namespace.h"

#include "kernel/task/task.h"

int64_t rf_pid_namespace_create(struct rf_kernel *k, struct rf_pid_namespace *parent,
                                struct rf_user_namespace *owner, struct rf_pid_namespace **out)
{
    if (parent->level >= RF_NS_MAX_LEVEL)
        return -RF_ENOSPC;
    struct rf_pid_namespace *ns = rf_kalloc(k, sizeof *ns);
    if (!ns)
        return -RF_ENOMEM;
    rf_namespace_begin(k, &ns->ns, RF_NS_PID, owner);
    ns->parent = parent;
    rf_namespace_get(&parent->ns);
    ns->level = parent->level + 1;
    *out = ns;
    return 0;
}

bool rf_pid_register(struct rf_kernel *k, struct rf_pid_namespace *ns, int32_t global)
{
    for (; ns->parent; ns = ns->parent) {
        struct rf_pid_entry *entry = rf_kalloc(k, sizeof *entry);
        if (!entry)
            return false;
        *entry = (struct rf_pid_entry){ ns->entries, global, ++ns->last };
        ns->entries = entry;
    }
    return true;
}

static bool in_use(const struct rf_kernel *k, int32_t global)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task) {
        const struct rf_process *p = task->process;
        if (task->tid == global || (p && (p->pid == global || p->pgid == global || p->sid == global)))
            return true;
    }
    return false;
}

/* Also numbers of groups and sessions whose leader went before, and whose last member this may have been. */
void rf_pid_forget(struct rf_kernel *k, struct rf_pid_namespace *ns, int32_t global)
{
    (void)global;
    for (; ns->parent; ns = ns->parent) {
        for (struct rf_pid_entry **link = &ns->entries; *link;) {
            struct rf_pid_entry *entry = *link;
            if (in_use(k, entry->global)) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            rf_kfree(k, entry);
        }
    }
}

int32_t rf_pid_in(const struct rf_pid_namespace *ns, int32_t global)
{
    if (!ns->parent)
        return global;
    for (const struct rf_pid_entry *entry = ns->entries; entry; entry = entry->next)
        if (entry->global == global)
            return entry->local;
    return 0;
}

int32_t rf_pid_global(const struct rf_pid_namespace *ns, int32_t local)
{
    if (!ns->parent)
        return local;
    for (const struct rf_pid_entry *entry = ns->entries; entry; entry = entry->next)
        if (entry->local == local)
            return entry->global;
    return 0;
}

int32_t rf_pid_shown(const struct rf_kernel *k, int32_t global)
{
    const struct rf_pid_namespace *ns = k->current ? k->current->namespaces.pid : NULL;
    return ns ? rf_pid_in(ns, global) : global;
}

/* A number nobody has stays one that nobody has: INT32_MAX is never given. */
int32_t rf_pid_given(const struct rf_kernel *k, int32_t local)
{
    const struct rf_pid_namespace *ns = k->current->namespaces.pid;
    if (!ns->parent || local == 0 || local == -1 || local == INT32_MIN)
        return local;
    int32_t global = rf_pid_global(ns, local < 0 ? -local : local);
    if (!global)
        global = INT32_MAX;
    return local < 0 ? -global : global;
}

bool rf_pid_namespace_is_within(const struct rf_pid_namespace *ns, const struct rf_pid_namespace *above)
{
    for (; ns; ns = ns->parent)
        if (ns == above)
            return true;
    return false;
}
