#ifndef CPCRE2_H
#define CPCRE2_H

// PCRE2 with 8-bit code units. Its API is a layer of macros over suffixed names, which Swift does not import:
// these functions give the few calls the gateway needs plain names.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cpcre2_code cpcre2_code;

/// Outcome of one match.
enum {
    CPCRE2_NO_MATCH = 0,
    CPCRE2_MATCHED = 1,
    CPCRE2_LIMIT_EXCEEDED = -1,
    CPCRE2_BAD_SUBJECT = -2,
    CPCRE2_NO_MEMORY = -3,
    CPCRE2_OTHER_FAILURE = -4,
};

/// Limits of one match: backtracking steps, nesting depth, and heap in kibibytes.
typedef struct {
    uint32_t match_limit;
    uint32_t depth_limit;
    uint32_t heap_kibibytes;
} cpcre2_limits;

/// Compiles `pattern`; on failure returns NULL and fills `error_code` and `error_offset` (bytes from the start).
cpcre2_code *cpcre2_compile(const uint8_t *pattern, size_t length, int caseless, int anchored, int unicode, int windowed, cpcre2_limits limits,
                            int *error_code, size_t *error_offset);
/// Frees a compiled pattern; no match may be running.
void cpcre2_free(cpcre2_code *code);
/// Number of capturing groups, the whole match not counted.
uint32_t cpcre2_capture_count(const cpcre2_code *code);
/// Number of named groups.
uint32_t cpcre2_name_count(const cpcre2_code *code);
/// The name at `index` (alphabetical order) and its group number.
const char *cpcre2_name(const cpcre2_code *code, uint32_t index, uint32_t *group);
/// Searches `subject` from `start`. Writes up to `pairs` pairs of byte offsets (SIZE_MAX where a group did not take part).
/// Safe to call from several threads on one code.
int cpcre2_match(const cpcre2_code *code, const uint8_t *subject, size_t length, size_t start, size_t *offsets, size_t pairs);
/// As cpcre2_match, for a code compiled `windowed`: only matches that begin at `last` or before are looked for.
int cpcre2_match_until(const cpcre2_code *code, const uint8_t *subject, size_t length, size_t start, size_t last, size_t *offsets, size_t pairs);
/// Text of a PCRE2 error code.
void cpcre2_error_text(int error_code, char *buffer, size_t size);

#endif
