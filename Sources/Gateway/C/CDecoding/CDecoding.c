#include "CDecoding.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>

struct pellucid_decoder {
    pellucid_coding coding;
    z_stream stream;
    BrotliDecoderState *brotli;
    _Bool is_begun;
    _Bool is_complete;
};

pellucid_decoder *pellucid_decoder_create(pellucid_coding coding) {
    pellucid_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->coding = coding;
    if (coding == PELLUCID_BROTLI) {
        decoder->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        decoder->is_begun = 1;
        if (!decoder->brotli) {
            free(decoder);
            return NULL;
        }
    }
    return decoder;
}

void pellucid_decoder_destroy(pellucid_decoder *decoder) {
    if (decoder->brotli) BrotliDecoderDestroyInstance(decoder->brotli);
    if (decoder->is_begun && decoder->coding != PELLUCID_BROTLI) inflateEnd(&decoder->stream);
    free(decoder);
}

static _Bool step_brotli(pellucid_decoder *decoder, const uint8_t *in, size_t in_count, size_t *taken, uint8_t *out, size_t capacity, size_t *written) {
    size_t in_left = in_count, out_left = capacity;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(decoder->brotli, &in_left, &in, &out_left, &out, NULL);
    *taken = in_count - in_left;
    *written = capacity - out_left;
    decoder->is_complete = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result != BROTLI_DECODER_RESULT_ERROR;
}

// 15 + 16: gzip; 15: zlib, which HTTP calls deflate; -15: bare deflate, which some servers call so (RFC 9110 section 8.4.1.2).
static int window_bits(const pellucid_decoder *decoder, uint8_t first) {
    if (decoder->coding == PELLUCID_GZIP) return 15 + 16;
    return (first & 0x0f) == 8 && first >> 4 <= 7 ? 15 : -15;
}

_Bool pellucid_decoder_step(pellucid_decoder *decoder, const uint8_t *in, size_t in_count, size_t *taken, uint8_t *out, size_t capacity, size_t *written) {
    *taken = 0;
    *written = 0;
    if (decoder->coding == PELLUCID_BROTLI) return step_brotli(decoder, in, in_count, taken, out, capacity, written);
    if (!decoder->is_begun) {
        if (in_count == 0) return 1;
        if (inflateInit2(&decoder->stream, window_bits(decoder, in[0])) != Z_OK) return 0;
        decoder->is_begun = 1;
    }
    if (decoder->is_complete) {
        if (in_count == 0) return 1;
        // Another member of a gzip file (RFC 1952 section 2.2); anything else is no content.
        if (decoder->coding != PELLUCID_GZIP || inflateReset(&decoder->stream) != Z_OK) return 0;
        decoder->is_complete = 0;
    }
    decoder->stream.next_in = (Bytef *)in;
    decoder->stream.avail_in = (uInt)in_count;
    decoder->stream.next_out = out;
    decoder->stream.avail_out = (uInt)capacity;
    int result = inflate(&decoder->stream, Z_NO_FLUSH);
    *taken = in_count - decoder->stream.avail_in;
    *written = capacity - decoder->stream.avail_out;
    if (result == Z_STREAM_END) decoder->is_complete = 1;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

_Bool pellucid_decoder_is_complete(const pellucid_decoder *decoder) { return decoder->is_complete; }
