#include "CCurl.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// The most header bytes of one response.
enum { MAXIMUM_HEADERS = 65536 };

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} growing;

struct pellucid_multi {
    CURLM *handle;
};

struct pellucid_transfer {
    CURL *easy;
    struct curl_slist *lines;
    void *owner;
    growing body;
    growing headers;
    size_t maximum_response;
    size_t request_body;
    bool is_too_large;
    bool is_refused;
    bool (*admits)(const void *context, const char *address);
    const void *admits_context;
    CURLcode code;
};

static bool append(growing *into, const void *bytes, size_t count) {
    if (count > into->capacity - into->count) {
        size_t capacity = into->capacity == 0 ? 1024 : into->capacity;
        while (capacity - into->count < count) capacity *= 2;
        uint8_t *larger = realloc(into->bytes, capacity);
        if (larger == NULL) return false;
        into->bytes = larger;
        into->capacity = capacity;
    }
    memcpy(into->bytes + into->count, bytes, count);
    into->count += count;
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t number, void *context) {
    pellucid_transfer *transfer = context;
    size_t count = size * number;
    if (count > transfer->maximum_response - transfer->body.count) {
        transfer->is_too_large = true;
        return 0;
    }
    return append(&transfer->body, bytes, count) ? count : 0;
}

static size_t on_header(char *bytes, size_t size, size_t number, void *context) {
    pellucid_transfer *transfer = context;
    size_t count = size * number;
    if (count >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        // A new response begins; an interim one or a proxy's answer came before.
        transfer->headers.count = 0;
        return count;
    }
    if (count > MAXIMUM_HEADERS - transfer->headers.count) {
        transfer->is_too_large = true;
        return 0;
    }
    return append(&transfer->headers, bytes, count) ? count : 0;
}

// Here the name has been resolved: nothing that a name server answers later can change what is connected to.
static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    pellucid_transfer *transfer = context;
    char text[INET6_ADDRSTRLEN];
    const void *bytes = NULL;
    if (address->family == AF_INET) bytes = &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr;
    if (address->family == AF_INET6) bytes = &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr;
    if (purpose != CURLSOCKTYPE_IPCXN || bytes == NULL || inet_ntop(address->family, bytes, text, sizeof text) == NULL ||
        !transfer->admits(transfer->admits_context, text)) {
        transfer->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool set_address_rule(pellucid_transfer *transfer, const pellucid_transfer_options *options) {
    if (options->admits == NULL) return true;
    transfer->admits = options->admits;
    transfer->admits_context = options->admits_context;
    CURLcode code = CURLE_OK;
    code |= curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    code |= curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETDATA, transfer);
    // A kept connection may lead where this transfer must not go.
    code |= curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    code |= curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    return code == CURLE_OK;
}

void pellucid_curl_start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

pellucid_multi *pellucid_multi_create(long maximum_connections) {
    pellucid_multi *multi = malloc(sizeof *multi);
    if (multi == NULL) return NULL;
    multi->handle = curl_multi_init();
    if (multi->handle == NULL) {
        free(multi);
        return NULL;
    }
    curl_multi_setopt(multi->handle, CURLMOPT_MAXCONNECTS, maximum_connections);
    return multi;
}

void pellucid_multi_destroy(pellucid_multi *multi) {
    if (multi == NULL) return;
    curl_multi_cleanup(multi->handle);
    free(multi);
}

int pellucid_multi_perform(pellucid_multi *multi) {
    int running = 0;
    return curl_multi_perform(multi->handle, &running) == CURLM_OK ? running : -1;
}

void pellucid_multi_poll(pellucid_multi *multi, int milliseconds) { curl_multi_poll(multi->handle, NULL, 0, milliseconds, NULL); }

void pellucid_multi_wakeup(pellucid_multi *multi) { curl_multi_wakeup(multi->handle); }

pellucid_transfer *pellucid_multi_next_ended(pellucid_multi *multi) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        pellucid_transfer *transfer = NULL;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->code = code;
        curl_multi_remove_handle(multi->handle, easy);
        return transfer;
    }
    return NULL;
}

static bool set_method(pellucid_transfer *transfer, const pellucid_transfer_options *options) {
    CURL *easy = transfer->easy;
    bool has_body = options->body_count > 0 || strcmp(options->method, "POST") == 0;
    CURLcode code = CURLE_OK;
    if (has_body) {
        // The size first: it tells libcurl how much to copy.
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_count);
        code |= curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, options->body_count > 0 ? (const char *)options->body : "");
    }
    if (strcmp(options->method, "HEAD") == 0) {
        code |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(options->method, has_body ? "POST" : "GET") != 0) {
        code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
    }
    return code == CURLE_OK;
}

static CURLcode set_text_blob(CURL *easy, CURLoption option, const char *text) {
    struct curl_blob blob = {.data = (void *)text, .len = strlen(text), .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

static bool set_tls(CURL *easy, const pellucid_transfer_options *options) {
    CURLcode code = CURLE_OK;
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verifies_peer ? 1L : 0L);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verifies_peer ? 2L : 0L);
    code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->ca_file != NULL) code |= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    if (options->certificate_file != NULL) code |= curl_easy_setopt(easy, CURLOPT_SSLCERT, options->certificate_file);
    if (options->key_file != NULL) code |= curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file);
    if (options->certificate_pem != NULL) code |= set_text_blob(easy, CURLOPT_SSLCERT_BLOB, options->certificate_pem);
    if (options->key_pem != NULL) code |= set_text_blob(easy, CURLOPT_SSLKEY_BLOB, options->key_pem);
    return code == CURLE_OK;
}

pellucid_transfer *pellucid_transfer_create(const pellucid_transfer_options *options, void *owner) {
    pellucid_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    transfer->owner = owner;
    transfer->maximum_response = options->maximum_response;
    transfer->request_body = options->body_count;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        free(transfer);
        return NULL;
    }
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
    code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_URL, options->url);
    code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    // A resolver that hangs must not hold up the end of the process.
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, options->connect_timeout);
    code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, options->total_timeout);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    if (options->proxy != NULL) code |= curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
    if (code != CURLE_OK || !set_method(transfer, options) || !set_tls(easy, options) || !set_address_rule(transfer, options)) {
        pellucid_transfer_destroy(transfer);
        return NULL;
    }
    return transfer;
}

bool pellucid_transfer_add_header(pellucid_transfer *transfer, const char *line) {
    struct curl_slist *longer = curl_slist_append(transfer->lines, line);
    if (longer == NULL) return false;
    transfer->lines = longer;
    return true;
}

bool pellucid_transfer_begin(pellucid_multi *multi, pellucid_transfer *transfer) {
    // Without this libcurl waits up to a second for "100 Continue" before it sends a large body.
    if (!pellucid_transfer_add_header(transfer, "Expect:")) return false;
    if (curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->lines) != CURLE_OK) return false;
    return curl_multi_add_handle(multi->handle, transfer->easy) == CURLM_OK;
}

void pellucid_transfer_cancel(pellucid_multi *multi, pellucid_transfer *transfer) { curl_multi_remove_handle(multi->handle, transfer->easy); }

void pellucid_transfer_destroy(pellucid_transfer *transfer) {
    if (transfer == NULL) return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->lines);
    free(transfer->body.bytes);
    free(transfer->headers.bytes);
    free(transfer);
}

void *pellucid_transfer_owner(const pellucid_transfer *transfer) { return transfer->owner; }

static bool is_connected(const pellucid_transfer *transfer) {
    curl_off_t connected = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    return connected > 0;
}

int pellucid_transfer_outcome(const pellucid_transfer *transfer) {
    if (transfer->is_too_large) return PELLUCID_TRANSFER_TOO_LARGE;
    switch (transfer->code) {
    case CURLE_OK: return PELLUCID_TRANSFER_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return PELLUCID_TRANSFER_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return PELLUCID_TRANSFER_RESOLVE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return transfer->is_refused ? PELLUCID_TRANSFER_ADDRESS : PELLUCID_TRANSFER_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return is_connected(transfer) ? PELLUCID_TRANSFER_TIMEOUT : PELLUCID_TRANSFER_CONNECT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_INVALIDCERTSTATUS: return PELLUCID_TRANSFER_TLS;
    case CURLE_SEND_ERROR: return PELLUCID_TRANSFER_SEND;
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return PELLUCID_TRANSFER_RECEIVE;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return PELLUCID_TRANSFER_PROTOCOL;
    default: return PELLUCID_TRANSFER_OTHER;
    }
}

int pellucid_transfer_status(const pellucid_transfer *transfer) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

bool pellucid_transfer_was_sent(const pellucid_transfer *transfer) {
    curl_off_t uploaded = 0;
    long head = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &head);
    return head > 0 && (size_t)uploaded >= transfer->request_body;
}

const uint8_t *pellucid_transfer_body(const pellucid_transfer *transfer, size_t *count) {
    *count = transfer->body.count;
    return transfer->body.bytes;
}

const uint8_t *pellucid_transfer_headers(const pellucid_transfer *transfer, size_t *count) {
    *count = transfer->headers.count;
    return transfer->headers.bytes;
}
