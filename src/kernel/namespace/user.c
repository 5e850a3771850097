/* User namespaces (user_namespaces(7), kernel/user_namespace.c): ids in and out, and who may write the maps. */
#include "kernel/namespace/namespace.h"

#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <string.h>

/* --- ids --- */

static uint32_t map_up(const struct rf_user_namespace *ns, const struct rf_id_map *map, uint32_t id)
{
    if (!ns->ns.owner) /* the initial one: everything is itself */
        return id;
    for (uint32_t i = 0; i < map->count; i++)
        if (id - map->extents[i].first < map->extents[i].count)
            return map->extents[i].kernel + (id - map->extents[i].first);
    return RF_NO_ID;
}

static uint32_t map_down(const struct rf_user_namespace *ns, const struct rf_id_map *map, uint32_t kernel)
{
    if (!ns->ns.owner)
        return kernel;
    for (uint32_t i = 0; i < map->count; i++)
        if (kernel - map->extents[i].kernel < map->extents[i].count)
            return map->extents[i].first + (kernel - map->extents[i].kernel);
    return RF_NO_ID;
}

uint32_t rf_uid_to_kernel(const struct rf_user_namespace *ns, uint32_t uid)
{
    return map_up(ns, &ns->uid, uid);
}

uint32_t rf_gid_to_kernel(const struct rf_user_namespace *ns, uint32_t gid)
{
    return map_up(ns, &ns->gid, gid);
}

uint32_t rf_uid_from_kernel(const struct rf_user_namespace *ns, uint32_t kernel)
{
    return map_down(ns, &ns->uid, kernel);
}

uint32_t rf_gid_from_kernel(const struct rf_user_namespace *ns, uint32_t kernel)
{
    return map_down(ns, &ns->gid, kernel);
}

static uint32_t or_overflow(uint32_t id)
{
    return id == RF_NO_ID ? RF_OVERFLOW_ID : id;
}

uint32_t rf_uid_as_seen(const struct rf_user_namespace *ns, uint32_t kernel)
{
    return or_overflow(rf_uid_from_kernel(ns, kernel));
}

uint32_t rf_uid_shown(const struct rf_kernel *k, uint32_t kernel)
{
    return k->current ? rf_uid_as_seen(k->current->credentials.user, kernel) : kernel;
}

uint32_t rf_gid_shown(const struct rf_kernel *k, uint32_t kernel)
{
    return k->current ? or_overflow(rf_gid_from_kernel(k->current->credentials.user, kernel)) : kernel;
}

uint32_t rf_uid_given(const struct rf_kernel *k, uint32_t uid)
{
    return uid == RF_NO_ID ? RF_NO_ID : rf_uid_to_kernel(k->current->credentials.user, uid);
}

uint32_t rf_gid_given(const struct rf_kernel *k, uint32_t gid)
{
    return gid == RF_NO_ID ? RF_NO_ID : rf_gid_to_kernel(k->current->credentials.user, gid);
}

/* --- birth --- */

int64_t rf_user_namespace_create(struct rf_kernel *k, struct rf_user_namespace **out)
{
    const struct rf_task *task = k->current;
    const struct rf_credentials *c = &task->credentials;
    if (c->user->level > RF_NS_MAX_LEVEL)
        return -RF_ENOSPC;
    if (!rf_fs_is_at_root(k, task->fs)) /* a user namespace would get it out of a chroot */
        return -RF_EPERM;
    if (rf_uid_from_kernel(c->user, c->euid) == RF_NO_ID || rf_gid_from_kernel(c->user, c->egid) == RF_NO_ID)
        return -RF_EPERM;
    struct rf_user_namespace *ns = rf_kalloc(k, sizeof *ns);
    if (!ns)
        return -RF_ENOMEM;
    rf_namespace_begin(k, &ns->ns, RF_NS_USER, c->user);
    ns->level = c->user->level + 1;
    ns->owner_uid = c->euid;
    ns->owner_gid = c->egid;
    ns->setgroups_denied = c->user->setgroups_denied;
    ns->parent_could_setfcap = c->effective & RF_CAP_BIT(RF_CAP_SETFCAP);
    *out = ns;
    return 0;
}

/* --- maps --- */

/* A decimal number up to white space or the end. */
static bool parse_number(const char **at, uint32_t *out)
{
    uint64_t value = 0;
    const char *p = *at;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if ((value = value * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
            return false;
    *out = (uint32_t)value;
    *at = p;
    return *p == '\0' || strchr(" \t\n\v\f\r", *p);
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\v\f\r");
}

/* first, lower, count; lower is still an id of the parent. */
static bool parse_line(const char **at, struct rf_id_extent *e)
{
    const char *p = skip_blanks(*at);
    if (!parse_number(&p, &e->first))
        return false;
    p = skip_blanks(p);
    if (!parse_number(&p, &e->kernel))
        return false;
    p = skip_blanks(p);
    if (!parse_number(&p, &e->count))
        return false;
    p = skip_blanks(p);
    if (*p != '\0' && *p != '\n')
        return false;
    *at = *p ? p + 1 : p;
    return e->first != RF_NO_ID && e->kernel != RF_NO_ID && e->count && e->first + e->count > e->first &&
           e->kernel + e->count > e->kernel;
}

static bool ranges_meet(uint32_t a, uint32_t b, uint32_t a_count, uint32_t b_count)
{
    return a <= b + (b_count - 1) && b <= a + (a_count - 1);
}

static bool overlaps(const struct rf_id_map *map, const struct rf_id_extent *e)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct rf_id_extent *o = &map->extents[i];
        if (ranges_meet(o->first, e->first, o->count, e->count) || ranges_meet(o->kernel, e->kernel, o->count, e->count))
            return true;
    }
    return false;
}

static int64_t parse_map(const char *text, struct rf_id_map *map)
{
    while (*text) {
        struct rf_id_extent e;
        if (!parse_line(&text, &e) || overlaps(map, &e) || map->count == RF_ID_EXTENTS)
            return -RF_EINVAL;
        map->extents[map->count++] = e;
    }
    return map->count ? 0 : -RF_EINVAL;
}

/* verify_root_map: the parent's root may be mapped by those alone who could give files capabilities. */
static bool may_map_root(const struct rf_user_namespace *ns, const struct rf_id_map *map,
                         const struct rf_credentials *opener)
{
    bool maps_root = false;
    for (uint32_t i = 0; i < map->count; i++)
        maps_root |= map->extents[i].kernel == 0;
    if (!maps_root)
        return true;
    if (opener->user == ns)
        return ns->parent_could_setfcap;
    return rf_credentials_capable(opener, ns->ns.owner, RF_CAP_SETFCAP);
}

/* new_idmap_permitted */
static bool may_map(const struct rf_kernel *k, const struct rf_user_namespace *ns, const struct rf_id_map *map,
                    bool groups, const struct rf_credentials *opener)
{
    const struct rf_user_namespace *parent = ns->ns.owner;
    int cap = groups ? RF_CAP_SETGID : RF_CAP_SETUID;
    if (!groups && !may_map_root(ns, map, opener))
        return false;
    if (map->count == 1 && map->extents[0].count == 1 && ns->owner_uid == opener->euid) {
        uint32_t id = map->extents[0].kernel; /* oneself */
        if (!groups && rf_uid_to_kernel(parent, id) == opener->euid)
            return true;
        if (groups && ns->setgroups_denied && rf_gid_to_kernel(parent, id) == opener->egid)
            return true;
    }
    return rf_capable_in(k, parent, cap) && rf_credentials_capable(opener, parent, cap);
}

static bool to_kernel_ids(const struct rf_user_namespace *parent, struct rf_id_map *map, bool groups)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct rf_id_extent *e = &map->extents[i];
        uint32_t first = groups ? rf_gid_to_kernel(parent, e->kernel) : rf_uid_to_kernel(parent, e->kernel);
        uint32_t end = e->kernel + e->count - 1;
        uint32_t last = groups ? rf_gid_to_kernel(parent, end) : rf_uid_to_kernel(parent, end);
        if (first == RF_NO_ID || last != first + e->count - 1) /* must lie in one range of the parent */
            return false;
        e->kernel = first;
    }
    return true;
}

int64_t rf_user_map_write(struct rf_kernel *k, struct rf_user_namespace *ns, bool groups,
                          const struct rf_credentials *opener, const char *text)
{
    struct rf_id_map *map = groups ? &ns->gid : &ns->uid, wanted = { 0 };
    if (!ns->ns.owner || (opener->user != ns && opener->user != ns->ns.owner))
        return -RF_EPERM;
    if (map->count || !rf_credentials_capable(opener, ns, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    wanted.extents = rf_kalloc(k, RF_ID_EXTENTS * sizeof *wanted.extents);
    if (!wanted.extents)
        return -RF_ENOMEM;
    int64_t error = parse_map(text, &wanted);
    if (!error && (!may_map(k, ns, &wanted, groups, opener) || !to_kernel_ids(ns->ns.owner, &wanted, groups)))
        error = -RF_EPERM;
    if (error)
        rf_kfree(k, wanted.extents);
    else
        *map = wanted;
    return error;
}

int64_t rf_setgroups_write(struct rf_user_namespace *ns, const char *text)
{
    bool allow = strncmp(text, "allow", 5) == 0;
    if (!allow && strncmp(text, "deny", 4) != 0)
        return -RF_EINVAL;
    text += allow ? 5 : 4;
    if (text[strspn(text, " \t\n\v\f\r")])
        return -RF_EINVAL;
    if (allow)
        return ns->setgroups_denied ? -RF_EPERM : 0;
    if (ns->gid.count || !ns->ns.owner)
        return -RF_EPERM;
    ns->setgroups_denied = true;
    return 0;
}

bool rf_may_setgroups(const struct rf_user_namespace *ns)
{
    return !ns->ns.owner || (ns->gid.count && !ns->setgroups_denied);
}
