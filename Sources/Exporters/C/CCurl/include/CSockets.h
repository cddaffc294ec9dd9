#ifndef PELLUCID_CSOCKETS_H
#define PELLUCID_CSOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A TCP connection, with or without TLS, that is only written to. Made by libcurl, which does names, timeouts and certificates.
// Calls wait, so they belong to a thread that may.
typedef struct pellucid_connection pellucid_connection;

// NULL when it cannot be made; `result` then says why (enum pellucid_transfer_result). `server_name` is sent as SNI and checked instead of
// `host`; NULL takes `host`.
pellucid_connection *pellucid_connection_open(
    const char *host, int port, long timeout_milliseconds, bool uses_tls, bool verifies_peer, const char *server_name, int *result);
// Whether all was handed over within the time; `sent` is how much was.
bool pellucid_connection_send(pellucid_connection *connection, const uint8_t *bytes, size_t count, long timeout_milliseconds, size_t *sent);
// Whether the other side has closed.
bool pellucid_connection_is_closed(pellucid_connection *connection);
void pellucid_connection_close(pellucid_connection *connection);

// A socket that sends datagrams to one place; -1 with errno when it cannot be made. A host that cannot be resolved gives EHOSTUNREACH.
int pellucid_datagram_udp(const char *host, int port);
// The syslog socket of a machine: datagrams, or a stream where that is what listens there (`is_stream` says so).
int pellucid_datagram_unix(const char *path, bool *is_stream);
// 0 or errno.
int pellucid_datagram_send(int descriptor, const uint8_t *bytes, size_t count, int timeout_milliseconds);

#endif
