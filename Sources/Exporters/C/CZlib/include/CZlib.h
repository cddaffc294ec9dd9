#ifndef PELLUCID_CZLIB_H
#define PELLUCID_CZLIB_H

#include <stddef.h>
#include <stdint.h>

// CRC-32 (ISO 3309, the one of gzip) of `count` bytes.
uint32_t pellucid_crc32(const void *bytes, size_t count);

// Most bytes that pellucid_gzip writes for `count` bytes.
size_t pellucid_gzip_bound(size_t count);

// Writes `bytes` as one gzip member (RFC 1952) and returns its length, or 0 when memory is short or `capacity` is too small.
// `level` is 1 (fast) to 9 (small).
size_t pellucid_gzip(const void *bytes, size_t count, void *out, size_t capacity, int level);

#endif
