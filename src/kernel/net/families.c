/* The socket families that there are: a new one is one file and one line here. */
#include "kernel/net/inet.h"
#include "kernel/net/socket.h"

extern const struct rf_socket_family rf_unix_family, rf_netlink_family;

const struct rf_socket_family *const rf_socket_families[] = {
    &rf_unix_family,
    &rf_inet_family,
    &rf_inet6_family,
    &rf_netlink_family,
    NULL,
};

const struct rf_socket_family *rf_socket_family_find(int domain)
{
    for (const struct rf_socket_family *const *family = rf_socket_families; *family; family++)
        if ((*family)->domain == domain)
            return *family;
    return NULL;
}
