// POLLRDHUP.
#define _GNU_SOURCE
#include "CSockets.h"
#include "CCurl.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct pellucid_connection {
    CURL *handle;
    struct curl_slist *route;
    curl_socket_t socket;
};

static int64_t now_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int reason(CURLcode code) {
    switch (code) {
    case CURLE_URL_MALFORMAT: return PELLUCID_TRANSFER_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST: return PELLUCID_TRANSFER_RESOLVE;
    case CURLE_COULDNT_CONNECT: return PELLUCID_TRANSFER_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return PELLUCID_TRANSFER_CONNECT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return PELLUCID_TRANSFER_TLS;
    default: return PELLUCID_TRANSFER_OTHER;
    }
}

pellucid_connection *pellucid_connection_open(
    const char *host, int port, long timeout_milliseconds, bool uses_tls, bool verifies_peer, const char *server_name, int *result) {
    *result = PELLUCID_TRANSFER_OTHER;
    pellucid_connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    connection->handle = curl_easy_init();
    char url[600];
    char route[1200];
    const char *named = uses_tls && server_name ? server_name : host;
    bool is_bare_v6 = strchr(named, ':') && named[0] != '[';
    bool fits = snprintf(url, sizeof url, is_bare_v6 ? "%s://[%s]:%d/" : "%s://%s:%d/", uses_tls ? "https" : "http", named, port) < (int)sizeof url;
    if (!connection->handle || !fits) goto failed;
    CURL *handle = connection->handle;
    if (named != host) {
        bool is_v6 = strchr(host, ':') && host[0] != '[';
        if (snprintf(route, sizeof route, is_v6 ? "%s:%d:[%s]:%d" : "%s:%d:%s:%d", named, port, host, port) >= (int)sizeof route) goto failed;
        connection->route = curl_slist_append(NULL, route);
        curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connection->route);
    }
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout_milliseconds > 0 ? timeout_milliseconds : 10000L);
    curl_easy_setopt(handle, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verifies_peer ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, verifies_peer ? 2L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    CURLcode code = curl_easy_perform(handle);
    if (code == CURLE_OK) code = curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &connection->socket);
    if (code == CURLE_OK && connection->socket != CURL_SOCKET_BAD) {
        *result = PELLUCID_TRANSFER_OK;
        return connection;
    }
    *result = reason(code);
failed:
    pellucid_connection_close(connection);
    return NULL;
}

bool pellucid_connection_send(pellucid_connection *connection, const uint8_t *bytes, size_t count, long timeout_milliseconds, size_t *sent) {
    int64_t end = now_milliseconds() + (timeout_milliseconds > 0 ? timeout_milliseconds : 10000);
    *sent = 0;
    while (*sent < count) {
        size_t part = 0;
        CURLcode code = curl_easy_send(connection->handle, bytes + *sent, count - *sent, &part);
        if (code == CURLE_OK) {
            *sent += part;
            continue;
        }
        if (code != CURLE_AGAIN) return false;
        int64_t left = end - now_milliseconds();
        if (left <= 0) return false;
        struct pollfd wait = {.fd = connection->socket, .events = POLLOUT};
        if (poll(&wait, 1, (int)left) < 0 && errno != EINTR) return false;
    }
    return true;
}

bool pellucid_connection_is_closed(pellucid_connection *connection) {
    // With TLS what is readable may be a session ticket; a hang-up is a hang-up.
    struct pollfd wait = {.fd = connection->socket, .events = POLLIN | POLLRDHUP};
    if (poll(&wait, 1, 0) <= 0) return false;
    return (wait.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void pellucid_connection_close(pellucid_connection *connection) {
    if (connection->handle) curl_easy_cleanup(connection->handle);
    curl_slist_free_all(connection->route);
    free(connection);
}

int pellucid_datagram_udp(const char *host, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int descriptor = -1;
    int code = EHOSTUNREACH;
    for (struct addrinfo *each = found; each && descriptor < 0; each = each->ai_next) {
        descriptor = socket(each->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (descriptor >= 0 && connect(descriptor, each->ai_addr, each->ai_addrlen) != 0) {
            code = errno;
            close(descriptor);
            descriptor = -1;
        }
    }
    freeaddrinfo(found);
    errno = code;
    return descriptor;
}

int pellucid_datagram_unix(const char *path, bool *is_stream) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    for (int attempt = 0; attempt < 2; attempt++) {
        *is_stream = attempt == 1;
        int descriptor = socket(AF_UNIX, (*is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
        if (descriptor < 0) return -1;
        if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
        int code = errno;
        close(descriptor);
        errno = code;
        if (code != EPROTOTYPE) return -1;
    }
    return -1;
}

int pellucid_datagram_send(int descriptor, const uint8_t *bytes, size_t count, int timeout_milliseconds) {
    size_t sent = 0;
    while (true) {
        ssize_t part = send(descriptor, bytes + sent, count - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (part >= 0) {
            sent += (size_t)part;
            if (sent >= count) return 0;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != ENOBUFS) return errno;
        struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
        if (poll(&wait, 1, timeout_milliseconds) == 0) return EAGAIN;
    }
}
