/* What programs give and get with a message: addresses, and ancillary data (cmsg(3)). */
#include "kernel/net/message.h"

#include "kernel/task/task.h"

#include <string.h>

/* --- addresses --- */

int64_t rf_socket_address_from_user(struct rf_kernel *k, struct rf_socket_address *out, uint64_t user, int32_t size)
{
    memset(out, 0, sizeof *out);
    if (size < 0 || (size_t)size > sizeof out->bytes)
        return -RF_EINVAL;
    out->length = (uint32_t)size;
    return size ? rf_copy_from_user(k, out->bytes, user, (size_t)size) : 0;
}

int64_t rf_socket_address_to_user(struct rf_kernel *k, const struct rf_socket_address *address, uint64_t user,
                                  uint64_t length_user)
{
    int32_t room;
    if (RF_GET_USER(k, room, length_user))
        return -RF_EFAULT;
    if (room < 0)
        return -RF_EINVAL;
    uint32_t size = (uint32_t)room < address->length ? (uint32_t)room : address->length;
    if (size && rf_copy_to_user(k, user, address->bytes, size))
        return -RF_EFAULT;
    return RF_PUT_USER(k, length_user, address->length);
}

/* --- ancillary data that is sent --- */

int64_t rf_control_from_user(struct rf_kernel *k, struct rf_control *control, uint64_t user, uint64_t size)
{
    if (size > INT32_MAX || size > RF_SCM_MOST_CONTROL)
        return -RF_ENOBUFS;
    if (size == 0)
        return 0;
    control->raw = rf_kalloc(k, size);
    if (!control->raw)
        return -RF_ENOBUFS;
    control->raw_size = size;
    return rf_copy_from_user(k, control->raw, user, size);
}

void rf_control_free(struct rf_kernel *k, struct rf_control *control)
{
    for (uint32_t i = 0; i < control->file_count; i++)
        rf_file_put(k, control->files[i]);
    rf_kfree(k, control->files);
    rf_kfree(k, control->raw);
    control->files = NULL;
    control->raw = NULL;
    control->file_count = 0;
    control->raw_size = 0;
}

const struct rf_cmsghdr *rf_control_next(const struct rf_control *control, uint64_t *at, int64_t *error)
{
    uint64_t left = control->raw_size - *at;
    *error = 0;
    if (*at > control->raw_size || left < sizeof(struct rf_cmsghdr))
        return NULL;
    const struct rf_cmsghdr *c = (const void *)(control->raw + *at);
    if (c->cmsg_len < sizeof *c || c->cmsg_len > left) {
        *error = -RF_EINVAL;
        return NULL;
    }
    *at += RF_CMSG_ALIGN(c->cmsg_len);
    return c;
}

/* scm_fp_copy: several SCM_RIGHTS add up. */
static int64_t add_files(struct rf_kernel *k, struct rf_control *control, const struct rf_cmsghdr *c)
{
    uint64_t count = (c->cmsg_len - sizeof *c) / sizeof(int32_t);
    if (count == 0)
        return 0;
    if (count > RF_SCM_MAX_FD)
        return -RF_EINVAL;
    if (!control->files && !(control->files = rf_kalloc(k, RF_SCM_MAX_FD * sizeof(struct rf_file *))))
        return -RF_ENOMEM;
    if (control->file_count + count > RF_SCM_MAX_FD)
        return -RF_EINVAL;
    const int32_t *fds = (const int32_t *)(c + 1);
    for (uint64_t i = 0; i < count; i++) {
        struct rf_file *file = rf_fd_file_or_path(k, fds[i]);
        if (!file)
            return -RF_EBADF;
        rf_file_get(file);
        control->files[control->file_count++] = file;
    }
    return 0;
}

static bool is_mine(const struct rf_kernel *k, const struct rf_ucred *given, uint32_t uid, uint32_t gid)
{
    const struct rf_credentials *c = &k->current->credentials;
    bool pid_ok = rf_pid_given(k, given->pid) == k->current->process->pid ||
                  rf_capable_in(k, k->current->namespaces.pid->ns.owner, RF_CAP_SYS_ADMIN);
    bool uid_ok = uid == c->uid || uid == c->euid || uid == c->suid || rf_capable_here(k, RF_CAP_SETUID);
    bool gid_ok = gid == c->gid || gid == c->egid || gid == c->sgid || rf_capable_here(k, RF_CAP_SETGID);
    return pid_ok && uid_ok && gid_ok;
}

/* scm_check_creds, and what __scm_send asks besides. */
static int64_t set_credentials(struct rf_kernel *k, struct rf_control *control, const struct rf_cmsghdr *c)
{
    struct rf_ucred given;
    if (c->cmsg_len != RF_CMSG_LEN(sizeof given))
        return -RF_EINVAL;
    memcpy(&given, c + 1, sizeof given);
    uint32_t uid = rf_uid_given(k, given.uid), gid = rf_gid_given(k, given.gid);
    if (uid == RF_NO_ID || gid == RF_NO_ID)
        return -RF_EINVAL;
    if (!is_mine(k, &given, uid, gid))
        return -RF_EPERM;
    int32_t pid = rf_pid_given(k, given.pid);
    if (pid != k->current->process->pid && !(pid > 0 && rf_task_find(k, pid)))
        return -RF_ESRCH;
    control->credentials = (struct rf_socket_credentials){ pid, uid, gid };
    control->has_credentials = true;
    return 0;
}

static int64_t take_one(struct rf_kernel *k, struct rf_control *control, const struct rf_cmsghdr *c, bool rights)
{
    if (c->cmsg_level != RF_SOL_SOCKET)
        return 0;
    if (c->cmsg_type == RF_SCM_RIGHTS && rights)
        return add_files(k, control, c);
    if (c->cmsg_type == RF_SCM_CREDENTIALS)
        return set_credentials(k, control, c);
    return -RF_EINVAL;
}

int64_t rf_control_scm(struct rf_kernel *k, struct rf_control *control, bool rights)
{
    const struct rf_credentials *c = &k->current->credentials;
    control->credentials = (struct rf_socket_credentials){ k->current->process->pid, c->uid, c->gid };
    uint64_t at = 0;
    int64_t error = 0;
    for (const struct rf_cmsghdr *one; !error && (one = rf_control_next(control, &at, &error));)
        error = take_one(k, control, one, rights);
    return error;
}

/* --- ancillary data that is received --- */

bool rf_control_add(struct rf_control *control, int level, int type, const void *data, uint32_t size)
{
    uint64_t space = RF_CMSG_SPACE(size);
    if (space > sizeof control->extra - control->extra_size)
        return false;
    const struct rf_cmsghdr header = { RF_CMSG_LEN(size), level, type };
    uint8_t *at = control->extra + control->extra_size;
    memset(at, 0, space);
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, data, size);
    control->extra_size += (uint32_t)space;
    return true;
}

/* Where cmsgs go in user memory. */
struct cursor {
    struct rf_kernel *k;
    uint64_t user, left;
    uint32_t flags; /* RF_MSG_CTRUNC */
};

static void advance(struct cursor *at, uint64_t space)
{
    if (space > at->left)
        space = at->left;
    at->user += space;
    at->left -= space;
}

/* put_cmsg: as much as there is room for. */
static void put(struct cursor *at, int level, int type, const void *data, uint64_t size)
{
    struct rf_cmsghdr header = { RF_CMSG_LEN(size), level, type };
    if (at->left < sizeof header) {
        at->flags |= RF_MSG_CTRUNC;
        return;
    }
    if (at->left < header.cmsg_len) {
        at->flags |= RF_MSG_CTRUNC;
        header.cmsg_len = at->left;
    }
    if (RF_PUT_USER(at->k, at->user, header) ||
        rf_copy_to_user(at->k, at->user + sizeof header, data, header.cmsg_len - sizeof header))
        return;
    advance(at, RF_CMSG_SPACE(size));
}

static void put_credentials(struct cursor *at, const struct rf_socket_credentials *c)
{
    /* who was not told is nobody (from_kuid_munged) */
    const struct rf_ucred shown = { rf_pid_shown(at->k, c->pid), c->uid == RF_NO_ID ? RF_OVERFLOW_ID : rf_uid_shown(at->k, c->uid),
                                    c->gid == RF_NO_ID ? RF_OVERFLOW_ID : rf_gid_shown(at->k, c->gid) };
    put(at, RF_SOL_SOCKET, RF_SCM_CREDENTIALS, &shown, sizeof shown);
}

/* scm_detach_fds: descriptors for as many files as there is room for. */
static void put_files(struct cursor *at, struct rf_control *control, bool close_on_exec)
{
    uint64_t most = at->left <= sizeof(struct rf_cmsghdr) ? 0 : (at->left - sizeof(struct rf_cmsghdr)) / sizeof(int32_t);
    uint32_t done = 0;
    for (; done < control->file_count && done < most; done++) {
        struct rf_file *file = control->files[done];
        uint64_t user = at->user + sizeof(struct rf_cmsghdr) + done * sizeof(int32_t);
        rf_file_get(file);
        int32_t fd = (int32_t)rf_fd_install(at->k, file, 0, close_on_exec);
        if (fd < 0) {
            rf_file_put(at->k, file);
            break;
        }
        if (RF_PUT_USER(at->k, user, fd)) {
            rf_fd_close(at->k, fd);
            break;
        }
    }
    if (done) {
        const struct rf_cmsghdr header = { RF_CMSG_LEN(done * sizeof(int32_t)), RF_SOL_SOCKET, RF_SCM_RIGHTS };
        if (RF_PUT_USER(at->k, at->user, header) == 0)
            advance(at, RF_CMSG_SPACE(done * sizeof(int32_t)));
    }
    if (done < control->file_count)
        at->flags |= RF_MSG_CTRUNC;
}

uint64_t rf_control_to_user(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message, uint64_t user,
                            uint64_t size)
{
    struct rf_control *control = message->control;
    struct cursor at = { .k = k, .user = user, .left = user ? size : 0 };
    for (uint32_t done = 0; done < control->extra_size;) {
        const struct rf_cmsghdr *c = (const void *)(control->extra + done);
        put(&at, c->cmsg_level, c->cmsg_type, c + 1, c->cmsg_len - sizeof *c);
        done += (uint32_t)RF_CMSG_ALIGN(c->cmsg_len);
    }
    if (s->options.pass_credentials && control->has_credentials)
        put_credentials(&at, &control->credentials);
    if (control->file_count)
        put_files(&at, control, message->flags & RF_MSG_CMSG_CLOEXEC);
    message->out_flags |= at.flags;
    return at.user - user;
}
