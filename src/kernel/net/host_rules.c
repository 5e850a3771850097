/* What of the host's network a machine may use. */
#include "kernel/net/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RULE 128u

/* --- reading them --- */

static rf_status refuse(struct rf_error *err, const char *rule, const char *why)
{
    return rf_error_set(err, RF_ERR_ARGUMENT,
                        "network rule '%.100s': %s; give connect=ADDRESS:PORT or listen=ADDRESS:PORT, where ADDRESS is "
                        "1.2.3.4, 10.0.0.0/8, [::1], [fd00::]/8 or *, and PORT a number, LOW-HIGH or *", rule, why);
}

static bool read_number(const char **at, unsigned long most, unsigned long *out)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *out = strtoul(*at, &end, 10);
    *at = end;
    return *out <= most;
}

/* The address in front, up to its end. */
static bool read_address(const char **at, struct rf_host_rule *rule)
{
    char text[64];
    bool bracket = **at == '[';
    if (**at == '*') {
        rule->any = true;
        ++*at;
        return true;
    }
    const char *begin = *at + bracket, *end = begin + strcspn(begin, bracket ? "]" : ":/");
    if ((size_t)(end - begin) >= sizeof text || (bracket && !*end))
        return false;
    memcpy(text, begin, (size_t)(end - begin));
    text[end - begin] = '\0';
    *at = end + bracket;
    rf_inet_set_any(rule->address, !bracket);
    return inet_pton(bracket ? AF_INET6 : AF_INET, text, bracket ? rule->address : rule->address + 12) == 1;
}

static bool read_ports(const char **at, struct rf_host_rule *rule)
{
    unsigned long low, high;
    rule->low = 0;
    rule->high = UINT16_MAX;
    if (**at != ':')
        return true;
    ++*at;
    if (**at == '*') {
        ++*at;
        return true;
    }
    if (!read_number(at, UINT16_MAX, &low))
        return false;
    high = low;
    if (**at == '-') {
        ++*at;
        if (!read_number(at, UINT16_MAX, &high))
            return false;
    }
    rule->low = (uint16_t)low;
    rule->high = (uint16_t)high;
    return low <= high;
}

static const char *read_rule(const char *text, struct rf_host_rule *rule)
{
    const char *at = text;
    unsigned long bits;
    if (strncmp(at, "listen=", 7) == 0)
        rule->listens = true;
    else if (strncmp(at, "connect=", 8) != 0)
        return "it is neither connect= nor listen=";
    at = strchr(at, '=') + 1;
    if (!read_address(&at, rule))
        return "its address cannot be read";
    uint32_t width = rf_inet_is_mapped(rule->address) ? 32 : 128;
    rule->prefix = 128;
    if (*at == '/') {
        at++;
        if (rule->any || !read_number(&at, width, &bits))
            return "its prefix length cannot be read";
        rule->prefix = 128 - width + (uint32_t)bits;
    }
    if (!read_ports(&at, rule))
        return "its port cannot be read";
    return *at ? "there is something after its end" : NULL;
}

static rf_status add_rule(struct rf_kernel *k, const char *text, struct rf_error *err)
{
    struct rf_host_rule *rule = rf_kalloc(k, sizeof *rule);
    if (!rule)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for network rules");
    const char *why = read_rule(text, rule);
    if (why) {
        rf_kfree(k, rule);
        return refuse(err, text, why);
    }
    rule->next = k->net->host->rules;
    k->net->host->rules = rule;
    return RF_OK;
}

rf_status rf_host_allow(struct rf_kernel *k, const char *rules, struct rf_error *err)
{
    if (!k->net->host) {
        k->net->host = rf_kalloc(k, sizeof *k->net->host);
        if (!k->net->host)
            return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for network rules");
        k->net->host->epoll = -1;
    }
    if (!rules || !*rules)
        rules = "connect=*,listen=*";
    rf_status status = RF_OK;
    while (!status) {
        char one[MOST_RULE];
        size_t length = strcspn(rules, ",");
        if (length >= sizeof one)
            return refuse(err, rules, "it is too long");
        memcpy(one, rules, length);
        one[length] = '\0';
        status = add_rule(k, one, err);
        if (!rules[length])
            break;
        rules += length + 1;
    }
    return status;
}

void rf_host_forget_rules(struct rf_kernel *k)
{
    struct rf_host_net *net = k->net->host;
    while (net->rules) {
        struct rf_host_rule *rule = net->rules;
        net->rules = rule->next;
        rf_kfree(k, rule);
    }
}

/* --- asking them --- */

static bool is_within(const uint8_t a[16], const struct rf_host_rule *rule)
{
    uint32_t whole = rule->prefix / 8, rest = rule->prefix % 8;
    if (rf_inet_is_mapped(a) != rf_inet_is_mapped(rule->address) || memcmp(a, rule->address, whole) != 0)
        return false;
    return !rest || (a[whole] ^ rule->address[whole]) >> (8 - rest) == 0;
}

/* The machine's own loopback is named by no "*": a rule must say it. */
static bool matches(const struct rf_host_rule *rule, enum rf_host_use use, const struct rf_inet_name *name)
{
    if (rule->listens != (use == RF_HOST_BIND) || name->port < rule->low || name->port > rule->high)
        return false;
    if (!rule->any)
        return is_within(name->address, rule);
    return rf_inet_kind(name->address) != RF_INET_LOCAL && rf_inet_kind(name->address) != RF_INET_MULTICAST;
}

bool rf_host_allows(const struct rf_host_net *net, enum rf_host_use use, const struct rf_inet_name *name)
{
    for (const struct rf_host_rule *rule = net ? net->rules : NULL; rule; rule = rule->next)
        if (matches(rule, use, name))
            return true;
    return false;
}
