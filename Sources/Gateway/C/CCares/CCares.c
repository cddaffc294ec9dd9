#include "CCares.h"

#include <ares.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

struct pellucid_dns {
    ares_channel channel;
    int wake;
    int reads_hosts_variable;
    pellucid_dns_answer answer;
    void *owner;
};

typedef struct {
    pellucid_dns *dns;
    uint64_t token;
} pending;

static pending *make_pending(pellucid_dns *dns, uint64_t token) {
    pending *entry = malloc(sizeof *entry);
    if (entry) {
        entry->dns = dns;
        entry->token = token;
    }
    return entry;
}

static pellucid_dns_status sort_status(int status) {
    switch (status) {
    case ARES_SUCCESS: return PELLUCID_DNS_OK;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME: return PELLUCID_DNS_NOT_FOUND;
    case ARES_ETIMEOUT: return PELLUCID_DNS_TIMEOUT;
    default: return PELLUCID_DNS_FAILED;
    }
}

pellucid_dns *pellucid_dns_create(const char *servers, const char *hosts_file, int timeout_milliseconds, int tries, pellucid_dns_answer answer, void *owner) {
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) return NULL;
    pellucid_dns *dns = calloc(1, sizeof *dns);
    if (!dns) return NULL;
    dns->answer = answer;
    dns->owner = owner;
    dns->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // c-ares takes another hosts file from its environment only.
    if (hosts_file) dns->reads_hosts_variable = setenv("CARES_HOSTS", hosts_file, 1) == 0;
    struct ares_options options = {.timeout = timeout_milliseconds, .tries = tries};
    if (dns->wake < 0 || ares_init_options(&dns->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
        if (dns->wake >= 0) close(dns->wake);
        free(dns);
        return NULL;
    }
    if (servers && ares_set_servers_ports_csv(dns->channel, servers) != ARES_SUCCESS) {
        pellucid_dns_destroy(dns);
        return NULL;
    }
    return dns;
}

void pellucid_dns_destroy(pellucid_dns *dns) {
    ares_destroy(dns->channel);
    close(dns->wake);
    free(dns);
}

static void found_addresses(void *argument, int status, int timeouts, struct ares_addrinfo *result) {
    (void)timeouts;
    pending *entry = argument;
    pellucid_dns *dns = entry->dns;
    size_t count = 0;
    pellucid_dns_address addresses[64];
    for (struct ares_addrinfo_node *node = result ? result->nodes : NULL; node && count < sizeof addresses / sizeof *addresses; node = node->ai_next) {
        pellucid_dns_address *address = &addresses[count];
        address->ttl = node->ai_ttl;
        if (node->ai_family == AF_INET) {
            address->is_ipv6 = 0;
            memcpy(address->bytes, &((struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
        } else if (node->ai_family == AF_INET6) {
            address->is_ipv6 = 1;
            memcpy(address->bytes, &((struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
        } else {
            continue;
        }
        count++;
    }
    pellucid_dns_status sorted = sort_status(status);
    if (sorted == PELLUCID_DNS_OK && count == 0) sorted = PELLUCID_DNS_NOT_FOUND;
    dns->answer(dns->owner, entry->token, sorted, addresses, count, NULL, 0);
    if (result) ares_freeaddrinfo(result);
    free(entry);
}

void pellucid_dns_addresses(pellucid_dns *dns, const char *name, int is_ipv6, uint64_t token) {
    pending *entry = make_pending(dns, token);
    if (!entry) return dns->answer(dns->owner, token, PELLUCID_DNS_FAILED, NULL, 0, NULL, 0);
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT | (dns->reads_hosts_variable ? ARES_AI_ENVHOSTS : 0), .ai_family = is_ipv6 ? AF_INET6 : AF_INET, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(dns->channel, name, NULL, &hints, found_addresses, entry);
}

static void found_message(void *argument, int status, int timeouts, unsigned char *message, int length) {
    (void)timeouts;
    pending *entry = argument;
    entry->dns->answer(entry->dns->owner, entry->token, sort_status(status), NULL, 0, message, length > 0 ? (size_t)length : 0);
    free(entry);
}

void pellucid_dns_query(pellucid_dns *dns, const char *name, int type, uint64_t token) {
    pending *entry = make_pending(dns, token);
    if (!entry) return dns->answer(dns->owner, token, PELLUCID_DNS_FAILED, NULL, 0, NULL, 0);
    ares_query(dns->channel, name, 1, type, found_message, entry);
}

void pellucid_dns_wait(pellucid_dns *dns, int maximum_milliseconds) {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd polled[ARES_GETSOCK_MAXNUM + 1];
    int mask = ares_getsock(dns->channel, sockets, ARES_GETSOCK_MAXNUM);
    int count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        short events = (ARES_GETSOCK_READABLE(mask, i) ? POLLIN : 0) | (ARES_GETSOCK_WRITABLE(mask, i) ? POLLOUT : 0);
        if (events) polled[count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    polled[count] = (struct pollfd){.fd = dns->wake, .events = POLLIN};
    struct timeval limit = {.tv_sec = maximum_milliseconds / 1000, .tv_usec = (maximum_milliseconds % 1000) * 1000}, storage;
    struct timeval *wait = ares_timeout(dns->channel, &limit, &storage);
    int milliseconds = wait ? (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000) : maximum_milliseconds;
    int ready = poll(polled, (nfds_t)count + 1, milliseconds);
    if (ready > 0 && polled[count].revents) {
        uint64_t value;
        // Only empties the counter; there is nothing to learn from it.
        ssize_t got = read(dns->wake, &value, sizeof value);
        (void)got;
    }
    int processed = 0;
    for (int i = 0; ready > 0 && i < count; i++) {
        if (!polled[i].revents) continue;
        ares_process_fd(dns->channel, polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd : ARES_SOCKET_BAD,
                        polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
        processed = 1;
    }
    // Time-outs and retries.
    if (!processed) ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void pellucid_dns_wake(pellucid_dns *dns) {
    uint64_t one = 1;
    // A full counter wakes as well.
    ssize_t put = write(dns->wake, &one, sizeof one);
    (void)put;
}
