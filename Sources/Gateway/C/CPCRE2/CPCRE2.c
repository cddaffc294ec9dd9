#include "CPCRE2.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct cpcre2_code {
    pcre2_code *code;
    pcre2_match_context *context;
    cpcre2_limits limits;
    int is_compiled; // to machine code that finds the same as the interpreter
    uint32_t captures;
    uint32_t names;
    uint32_t name_entry_size;
    const uint8_t *name_table;
};

// One match block and one context a thread, grown to the largest number of pairs seen: creating one per match costs more than the match.
// The just-in-time code gets a stack of its own, since its default of 32 KiB fails on long subjects that backtrack a little.
typedef struct {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    uint32_t pairs;
} thread_scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void free_scratch(void *pointer) {
    thread_scratch *scratch = pointer;
    if (scratch != NULL) {
        pcre2_match_data_free(scratch->data);
        pcre2_match_context_free(scratch->context);
        pcre2_jit_stack_free(scratch->stack);
        free(scratch);
    }
}

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free_scratch); }

// Called by a match; the thread's scratch is there by then. Without one the engine takes its default.
static pcre2_jit_stack *stack_of_thread(void *unused) {
    (void)unused;
    thread_scratch *scratch = pthread_getspecific(scratch_key);
    return scratch == NULL ? NULL : scratch->stack;
}

static thread_scratch *scratch_for(uint32_t pairs) {
    pthread_once(&scratch_once, make_scratch_key);
    thread_scratch *scratch = pthread_getspecific(scratch_key);
    if (scratch == NULL) {
        scratch = calloc(1, sizeof *scratch);
        if (scratch == NULL) return NULL;
        scratch->stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);
        if (pthread_setspecific(scratch_key, scratch) != 0) {
            pcre2_jit_stack_free(scratch->stack);
            free(scratch);
            return NULL;
        }
    }
    if (scratch->data == NULL || scratch->pairs < pairs) {
        pcre2_match_data *grown = pcre2_match_data_create(pairs, NULL);
        if (grown == NULL) return NULL;
        pcre2_match_data_free(scratch->data);
        scratch->data = grown;
        scratch->pairs = pairs;
    }
    return scratch;
}

cpcre2_code *cpcre2_compile(const uint8_t *pattern, size_t length, int caseless, int anchored, int unicode, int windowed, cpcre2_limits limits,
                            int *error_code, size_t *error_offset) {
    // \C would let a pattern read half a character; backtracking verbs and callouts stay, they only cost the pattern's own limit.
    uint32_t options = PCRE2_NEVER_BACKSLASH_C;
    if (caseless) options |= PCRE2_CASELESS;
    if (anchored) options |= PCRE2_ANCHORED;
    if (windowed) options |= PCRE2_USE_OFFSET_LIMIT;
    // A subject with broken UTF-8 is searched in its valid parts instead of failing the match.
    if (unicode) options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF;
    PCRE2_SIZE offset = 0;
    int error = 0;
    pcre2_code *code = pcre2_compile(pattern, length, options, &error, &offset, NULL);
    if (code == NULL) {
        *error_code = error;
        *error_offset = offset;
        return NULL;
    }
    cpcre2_code *result = calloc(1, sizeof *result);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (result == NULL || context == NULL) {
        free(result);
        pcre2_match_context_free(context);
        pcre2_code_free(code);
        *error_code = PCRE2_ERROR_NOMEMORY;
        *error_offset = 0;
        return NULL;
    }
    pcre2_set_match_limit(context, limits.match_limit);
    pcre2_set_depth_limit(context, limits.depth_limit);
    pcre2_set_heap_limit(context, limits.heap_kibibytes);
    pthread_once(&scratch_once, make_scratch_key);
    pcre2_jit_stack_assign(context, stack_of_thread, NULL);
    // Without JIT the interpreter runs, slower but equal. It also looks after what the fast path into the machine code does not: broken UTF-8,
    // where the caller or the pattern itself, by (*UTF), asks for characters.
    uint32_t all_options = 0;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all_options);
    result->is_compiled = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0 && (all_options & PCRE2_UTF) == 0;
    result->limits = limits;
    result->code = code;
    result->context = context;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &result->captures);
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &result->names);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &result->name_entry_size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &result->name_table);
    return result;
}

void cpcre2_free(cpcre2_code *code) {
    if (code == NULL) return;
    pcre2_match_context_free(code->context);
    pcre2_code_free(code->code);
    free(code);
}

uint32_t cpcre2_capture_count(const cpcre2_code *code) { return code->captures; }

uint32_t cpcre2_name_count(const cpcre2_code *code) { return code->names; }

const char *cpcre2_name(const cpcre2_code *code, uint32_t index, uint32_t *group) {
    if (index >= code->names) return NULL;
    const uint8_t *entry = code->name_table + (size_t)index * code->name_entry_size;
    *group = ((uint32_t)entry[0] << 8) | entry[1];
    return (const char *)(entry + 2);
}

static int match_in_context(const cpcre2_code *code, thread_scratch *scratch, pcre2_match_context *context, const uint8_t *subject, size_t length,
                            size_t start, size_t *offsets, size_t pairs) {
    pcre2_match_data *data = scratch->data;
    static const uint8_t empty = 0;
    if (subject == NULL) subject = &empty;
    if (start > length) return CPCRE2_BAD_SUBJECT;
    int result = code->is_compiled ? pcre2_jit_match(code->code, subject, length, start, 0, data, context)
                                   : pcre2_match(code->code, subject, length, start, 0, data, context);
    if (result >= 0) {
        const PCRE2_SIZE *vector = pcre2_get_ovector_pointer(data);
        size_t available = code->captures + 1;
        for (size_t i = 0; i < pairs; i++) {
            int known = i < available && (result == 0 || i < (size_t)result);
            offsets[2 * i] = known ? vector[2 * i] : SIZE_MAX;
            offsets[2 * i + 1] = known ? vector[2 * i + 1] : SIZE_MAX;
        }
        return CPCRE2_MATCHED;
    }
    switch (result) {
    case PCRE2_ERROR_NOMATCH: return CPCRE2_NO_MATCH;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT: return CPCRE2_LIMIT_EXCEEDED;
    case PCRE2_ERROR_NOMEMORY: return CPCRE2_NO_MEMORY;
    case PCRE2_ERROR_BADOFFSET: return CPCRE2_BAD_SUBJECT;
    default: return CPCRE2_OTHER_FAILURE;
    }
}

int cpcre2_match(const cpcre2_code *code, const uint8_t *subject, size_t length, size_t start, size_t *offsets, size_t pairs) {
    thread_scratch *scratch = scratch_for(code->captures + 1);
    if (scratch == NULL) return CPCRE2_NO_MEMORY;
    return match_in_context(code, scratch, code->context, subject, length, start, offsets, pairs);
}

int cpcre2_match_until(const cpcre2_code *code, const uint8_t *subject, size_t length, size_t start, size_t last, size_t *offsets, size_t pairs) {
    thread_scratch *scratch = scratch_for(code->captures + 1);
    if (scratch == NULL) return CPCRE2_NO_MEMORY;
    // The thread's own context: the code is shared by threads, the limit is the call's own.
    pcre2_match_context *context = scratch->context;
    if (context == NULL) {
        context = scratch->context = pcre2_match_context_create(NULL);
        if (context == NULL) return CPCRE2_NO_MEMORY;
        pcre2_jit_stack_assign(context, stack_of_thread, NULL);
    }
    pcre2_set_match_limit(context, code->limits.match_limit);
    pcre2_set_depth_limit(context, code->limits.depth_limit);
    pcre2_set_heap_limit(context, code->limits.heap_kibibytes);
    pcre2_set_offset_limit(context, last);
    return match_in_context(code, scratch, context, subject, length, start, offsets, pairs);
}

void cpcre2_error_text(int error_code, char *buffer, size_t size) {
    if (size == 0) return;
    if (pcre2_get_error_message(error_code, (PCRE2_UCHAR *)buffer, size) < 0) buffer[0] = '\0';
}
