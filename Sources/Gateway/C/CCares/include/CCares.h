#ifndef PELLUCID_CCARES_H
#define PELLUCID_CCARES_H

#include <stddef.h>
#include <stdint.h>

// One c-ares channel with the sockets it waits on. Everything but pellucid_dns_wake is called on one thread.
typedef struct pellucid_dns pellucid_dns;

typedef enum {
    PELLUCID_DNS_OK = 0,
    // The name does not exist, or has no record of the kind.
    PELLUCID_DNS_NOT_FOUND = 1,
    PELLUCID_DNS_TIMEOUT = 2,
    // Servers refused, failed or answered nonsense.
    PELLUCID_DNS_FAILED = 3,
} pellucid_dns_status;

// An address of a name: 4 or 16 bytes in network order.
typedef struct {
    int is_ipv6;
    uint8_t bytes[16];
    // Seconds; 0 where the source has none (the hosts file).
    int32_t ttl;
} pellucid_dns_address;

// Gets addresses, or the bytes of a DNS message; both last only as long as the call.
typedef void (*pellucid_dns_answer)(void *owner, uint64_t token, pellucid_dns_status status, const pellucid_dns_address *addresses, size_t address_count,
                                    const uint8_t *message, size_t message_length);

// `servers` is a list `host[:port],…`, or NULL for those of the system. NULL when c-ares cannot be set up or a server is none.
pellucid_dns *pellucid_dns_create(const char *servers, const char *hosts_file, int timeout_milliseconds, int tries, pellucid_dns_answer answer, void *owner);
void pellucid_dns_destroy(pellucid_dns *dns);

// Asks for the addresses of one family; hosts file and search domains as the system has them. May answer at once.
void pellucid_dns_addresses(pellucid_dns *dns, const char *name, int is_ipv6, uint64_t token);
// Asks for records of a type (RFC 1035 section 3.2.2) of class IN.
void pellucid_dns_query(pellucid_dns *dns, const char *name, int type, uint64_t token);

// Waits for answers, for pellucid_dns_wake or for `maximum_milliseconds`, and gives out what came.
void pellucid_dns_wait(pellucid_dns *dns, int maximum_milliseconds);
// Ends a wait. Any thread.
void pellucid_dns_wake(pellucid_dns *dns);

#endif
