#include "CZlib.h"

#include <string.h>
#include <zlib.h>

// Window bits of 31 ask deflate for the gzip format with the largest window (zlib.h, deflateInit2).
enum { GZIP_WINDOW_BITS = 31, MEMORY_LEVEL = 8 };

uint32_t pellucid_crc32(const void *bytes, size_t count) { return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, count); }

size_t pellucid_gzip_bound(size_t count) {
    // compressBound is for the zlib format, whose frame is 12 bytes shorter than gzip's.
    return compressBound(count) + 18;
}

size_t pellucid_gzip(const void *bytes, size_t count, void *out, size_t capacity, int level) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (count > UINT32_MAX || capacity > UINT32_MAX) return 0;
    if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)count;
    stream.next_out = out;
    stream.avail_out = (uInt)capacity;
    int code = deflate(&stream, Z_FINISH);
    size_t length = stream.total_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? length : 0;
}
