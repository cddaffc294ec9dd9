#ifndef PELLUCID_CCURL_H
#define PELLUCID_CCURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One HTTP exchange on a libcurl multi handle. The variadic functions of libcurl and its callbacks stay on this side.
//
// Everything here is called on the one thread that owns the multi handle, except pellucid_multi_wakeup.
typedef struct pellucid_multi pellucid_multi;
typedef struct pellucid_transfer pellucid_transfer;

// Why a transfer ended without a response; the order is that of the Swift side.
enum pellucid_transfer_result {
    PELLUCID_TRANSFER_OK = 0,
    PELLUCID_TRANSFER_BAD_URL,
    PELLUCID_TRANSFER_RESOLVE,
    PELLUCID_TRANSFER_CONNECT,
    PELLUCID_TRANSFER_CONNECT_TIMEOUT,
    PELLUCID_TRANSFER_TLS,
    PELLUCID_TRANSFER_TIMEOUT,
    PELLUCID_TRANSFER_SEND,
    PELLUCID_TRANSFER_RECEIVE,
    PELLUCID_TRANSFER_TOO_LARGE,
    PELLUCID_TRANSFER_PROTOCOL,
    PELLUCID_TRANSFER_OTHER,
    PELLUCID_TRANSFER_ADDRESS,
};

// All strings are copied. NULL means "not given". Times are milliseconds, 0 is "no limit".
typedef struct {
    const char *method;
    const char *url;
    const uint8_t *body;
    size_t body_count;
    long connect_timeout;
    long total_timeout;
    size_t maximum_response;
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
    /* The same as PEM text instead of files; NULL: none. Copied. */
    const char *certificate_pem;
    const char *key_pem;
    const char *proxy;
    bool verifies_peer;
    // Asked about every numeric address before it is connected to, whatever name it came from; NULL admits all. Such a transfer shares no
    // connection with others. The context must live as long as the transfer.
    bool (*admits)(const void *context, const char *address);
    const void *admits_context;
} pellucid_transfer_options;

// Must be called once in the process before any other function.
void pellucid_curl_start(void);

// NULL when memory is short. At most `maximum_connections` idle connections are kept.
pellucid_multi *pellucid_multi_create(long maximum_connections);
void pellucid_multi_destroy(pellucid_multi *multi);
// Sends and receives what can be; returns the number of running transfers, or -1.
int pellucid_multi_perform(pellucid_multi *multi);
// Waits for network activity, a wakeup or the time.
void pellucid_multi_poll(pellucid_multi *multi, int milliseconds);
// From any thread.
void pellucid_multi_wakeup(pellucid_multi *multi);
// The next transfer that ended, or NULL; it is no longer part of the multi handle.
pellucid_transfer *pellucid_multi_next_ended(pellucid_multi *multi);

// NULL when memory is short or an option was refused (a malformed URL, a file name libcurl does not take).
pellucid_transfer *pellucid_transfer_create(const pellucid_transfer_options *options, void *owner);
// `line` is `name: value`; false when memory is short.
bool pellucid_transfer_add_header(pellucid_transfer *transfer, const char *line);
bool pellucid_transfer_begin(pellucid_multi *multi, pellucid_transfer *transfer);
// Takes a running transfer out; nothing is reported for it any more.
void pellucid_transfer_cancel(pellucid_multi *multi, pellucid_transfer *transfer);
void pellucid_transfer_destroy(pellucid_transfer *transfer);

void *pellucid_transfer_owner(const pellucid_transfer *transfer);
int pellucid_transfer_outcome(const pellucid_transfer *transfer);
int pellucid_transfer_status(const pellucid_transfer *transfer);
// Whether the whole request had been handed to the network, so that the other side may have acted on it.
bool pellucid_transfer_was_sent(const pellucid_transfer *transfer);
const uint8_t *pellucid_transfer_body(const pellucid_transfer *transfer, size_t *count);
// The header lines of the final response, each ended by CR LF, without the status line.
const uint8_t *pellucid_transfer_headers(const pellucid_transfer *transfer, size_t *count);

#endif
