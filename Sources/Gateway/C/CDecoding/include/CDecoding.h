#ifndef PELLUCID_CDECODING_H
#define PELLUCID_CDECODING_H

#include <stddef.h>
#include <stdint.h>

// Content codings of HTTP (RFC 9110 section 8.4.1, RFC 7932).
typedef enum { PELLUCID_GZIP = 0, PELLUCID_DEFLATE = 1, PELLUCID_BROTLI = 2 } pellucid_coding;

typedef struct pellucid_decoder pellucid_decoder;

// NULL when memory is short.
pellucid_decoder *pellucid_decoder_create(pellucid_coding coding);
void pellucid_decoder_destroy(pellucid_decoder *decoder);

// Decodes on: takes from `in`, writes at most `capacity` bytes, says how much of each. False when the content is malformed.
_Bool pellucid_decoder_step(pellucid_decoder *decoder, const uint8_t *in, size_t in_count, size_t *taken, uint8_t *out, size_t capacity, size_t *written);
// Whether the content's end was seen.
_Bool pellucid_decoder_is_complete(const pellucid_decoder *decoder);

#endif
