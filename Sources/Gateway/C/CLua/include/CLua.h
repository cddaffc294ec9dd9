#ifndef PELLUCID_CLUA_H
#define PELLUCID_CLUA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// LuaJIT in a sandbox: no JIT (so that the instruction limit holds), a cap on memory, no files, processes, clocks, byte code or debug library.
// Everything that can raise a Lua error happens on this side of the border, in protected calls. A state belongs to one thread at a time.
typedef struct pellucid_lua pellucid_lua;

enum pellucid_lua_result {
    PELLUCID_LUA_OK = 0,
    // The code does not compile, or raised an error; the text says where.
    PELLUCID_LUA_ERROR,
    PELLUCID_LUA_INSTRUCTIONS,
    PELLUCID_LUA_MEMORY,
};

// NULL when memory is short. `memory` is what all code in the state may have at once, bytes.
pellucid_lua *pellucid_lua_create(size_t memory);
void pellucid_lua_destroy(pellucid_lua *lua);

// Compiles a program: named functions (each a chunk that returns a value or a function) and expressions. Texts are NUL-terminated.
// On PELLUCID_LUA_OK `*program` names it.
int pellucid_lua_load(
    pellucid_lua *lua, const char *const *function_names, const char *const *function_sources, size_t functions, const char *const *expressions, size_t expression_count,
    int *program, char *error, size_t error_capacity);
void pellucid_lua_unload(pellucid_lua *lua, int program);

// Evaluates expressions of a program, all in one environment. It holds the variables, and each function's result under its name, computed when first used: a function
// gets, for each parameter, what the environment holds under the parameter's name.
//
// Values travel as bytes: 'n' | 't' | 'f' | 'd' double | 's' length bytes | 'a' count value… | 'o' count (length bytes value)…; lengths and counts are 32-bit, host order.
// `variables` is an 'o'. `*result` is an 'a' with a value for each expression; it is the state's own, valid until the next call.
int pellucid_lua_run(
    pellucid_lua *lua, int program, const uint8_t *variables, size_t variable_count, const uint32_t *which, size_t count, long instructions, const uint8_t **result,
    size_t *result_count, char *error, size_t error_capacity);

size_t pellucid_lua_memory(const pellucid_lua *lua);

#endif
