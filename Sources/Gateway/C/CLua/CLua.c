#include "CLua.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <luajit-2.1/luajit.h>
#include <luajit-2.1/lualib.h>
#include <stdlib.h>
#include <string.h>

// Values nested deeper than this are refused in both directions.
enum { MAXIMUM_DEPTH = 64, HOOK_INTERVAL = 1000 };
// Functions of a program that need each other's results may be nested so deep; a circle ends here, and not at the end of the thread's stack.
enum { MAXIMUM_NESTING = 32 };

struct pellucid_lua {
    lua_State *state;
    size_t used;
    size_t limit;
    long instructions;
    bool is_over;
    int nesting;
    uint8_t *out;
    size_t out_count;
    size_t out_capacity;
};

// The state's owner is found by the allocator's context: hooks and C functions need no global.
static pellucid_lua *owner(lua_State *L) {
    void *context = NULL;
    lua_getallocf(L, &context);
    return context;
}

static void *allocate(void *context, void *block, size_t old, size_t size) {
    pellucid_lua *lua = context;
    if (block == NULL) old = 0;
    if (size == 0) {
        free(block);
        lua->used -= old;
        return NULL;
    }
    if (size > old && lua->used + (size - old) > lua->limit) return NULL;
    void *larger = realloc(block, size);
    if (larger == NULL) return NULL;
    lua->used = lua->used - old + size;
    return larger;
}

static void on_count(lua_State *L, lua_Debug *record) {
    (void)record;
    pellucid_lua *lua = owner(L);
    lua->instructions -= HOOK_INTERVAL;
    if (lua->instructions > 0) return;
    // From here on every instruction raises the error, so that no pcall of the script outlives it.
    lua->is_over = true;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    luaL_error(L, "instruction limit");
}

// The libraries a script may use; what reads or changes the world, or reaches around the environment, is left out.
static const char *const global_names[] = {"assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "unpack", "xpcall", NULL};
static const char *const string_names[] = {"byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse", "sub", "upper", NULL};
static const char *const table_names[] = {"concat", "insert", "maxn", "remove", "sort", NULL};
static const char *const math_names[] = {"abs",  "acos", "asin", "atan", "atan2", "ceil", "cos",  "deg", "exp", "floor", "fmod", "frexp", "huge",
                                         "ldexp", "log", "log10", "max",  "min",   "modf", "pi",   "pow", "rad", "sin",   "sqrt", "tan",   NULL};
static const char *const bit_names[] = {"arshift", "band", "bnot", "bor", "bswap", "bxor", "lshift", "rol", "ror", "rshift", "tobit", "tohex", NULL};

static void copy_names(lua_State *L, int from, int to, const char *const *names) {
    for (; *names != NULL; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, to, *names);
    }
}

static void copy_library(lua_State *L, int to, const char *library, const char *const *names) {
    lua_getglobal(L, library);
    lua_newtable(L);
    copy_names(L, lua_gettop(L) - 1, lua_gettop(L), names);
    lua_setfield(L, to, library);
    lua_pop(L, 1);
}

// A program's own copy of the libraries: what one program does to them no other sees.
static void push_libraries(lua_State *L) {
    lua_newtable(L);
    int table = lua_gettop(L);
    copy_names(L, LUA_GLOBALSINDEX, table, global_names);
    copy_library(L, table, "string", string_names);
    copy_library(L, table, "table", table_names);
    copy_library(L, table, "math", math_names);
    copy_library(L, table, "bit", bit_names);
    // Kong's functions use this for "no entries".
    lua_newtable(L);
    lua_setfield(L, table, "EMPTY_T");
}

static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    // Methods of strings are looked up here: without what makes byte code.
    lua_getglobal(L, "string");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    return 0;
}

pellucid_lua *pellucid_lua_create(size_t memory) {
    pellucid_lua *lua = calloc(1, sizeof *lua);
    if (lua == NULL) return NULL;
    lua->limit = memory;
    lua->state = lua_newstate(allocate, lua);
    if (lua->state == NULL || lua_cpcall(lua->state, open_libraries, NULL) != 0) {
        pellucid_lua_destroy(lua);
        return NULL;
    }
    return lua;
}

void pellucid_lua_destroy(pellucid_lua *lua) {
    if (lua == NULL) return;
    if (lua->state != NULL) lua_close(lua->state);
    free(lua->out);
    free(lua);
}

size_t pellucid_lua_memory(const pellucid_lua *lua) { return lua->used; }

// MARK: Values

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
} reader;

static void read_bytes(lua_State *L, reader *in, void *into, size_t count) {
    if (count > in->count - in->position) luaL_error(L, "truncated value");
    memcpy(into, in->bytes + in->position, count);
    in->position += count;
}

static uint32_t read_length(lua_State *L, reader *in) {
    uint32_t length = 0;
    read_bytes(L, in, &length, sizeof length);
    return length;
}

static void push_text(lua_State *L, reader *in) {
    uint32_t length = read_length(L, in);
    if (length > in->count - in->position) luaL_error(L, "truncated value");
    lua_pushlstring(L, (const char *)in->bytes + in->position, length);
    in->position += length;
}

static void push_value(lua_State *L, reader *in, int depth) {
    if (depth > MAXIMUM_DEPTH) luaL_error(L, "value nested too deeply");
    luaL_checkstack(L, 4, "value nested too deeply");
    uint8_t tag = 0;
    read_bytes(L, in, &tag, 1);
    switch (tag) {
    case 'n': lua_pushnil(L); return;
    case 't': lua_pushboolean(L, 1); return;
    case 'f': lua_pushboolean(L, 0); return;
    case 'd': {
        double number = 0;
        read_bytes(L, in, &number, sizeof number);
        lua_pushnumber(L, number);
        return;
    }
    case 's': push_text(L, in); return;
    case 'a': {
        uint32_t count = read_length(L, in);
        lua_newtable(L);
        for (uint32_t i = 1; i <= count; i++) {
            push_value(L, in, depth + 1);
            lua_rawseti(L, -2, (int)i);
        }
        return;
    }
    case 'o': {
        uint32_t count = read_length(L, in);
        lua_newtable(L);
        for (uint32_t i = 0; i < count; i++) {
            push_text(L, in);
            push_value(L, in, depth + 1);
            lua_rawset(L, -3);
        }
        return;
    }
    default: luaL_error(L, "unknown value");
    }
}

static void write_bytes(lua_State *L, pellucid_lua *lua, const void *bytes, size_t count) {
    if (count > lua->out_capacity - lua->out_count) {
        size_t capacity = lua->out_capacity == 0 ? 256 : lua->out_capacity;
        while (capacity - lua->out_count < count) capacity *= 2;
        if (capacity > lua->limit) luaL_error(L, "result too large");
        uint8_t *larger = realloc(lua->out, capacity);
        if (larger == NULL) luaL_error(L, "not enough memory");
        lua->out = larger;
        lua->out_capacity = capacity;
    }
    memcpy(lua->out + lua->out_count, bytes, count);
    lua->out_count += count;
}

static void write_tag(lua_State *L, pellucid_lua *lua, char tag) { write_bytes(L, lua, &tag, 1); }

static void write_text(lua_State *L, pellucid_lua *lua, int index) {
    size_t length = 0;
    const char *text = lua_tolstring(L, index, &length);
    uint32_t count = (uint32_t)length;
    write_bytes(L, lua, &count, sizeof count);
    write_bytes(L, lua, text, length);
}

static void write_value(lua_State *L, pellucid_lua *lua, int index, int depth);

static void write_table(lua_State *L, pellucid_lua *lua, int index, int depth) {
    size_t length = lua_objlen(L, index);
    uint32_t count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) count++;
    // An empty table is an object, as in Kong's encoder.
    if (length > 0 && length == count) {
        write_tag(L, lua, 'a');
        write_bytes(L, lua, &count, sizeof count);
        for (uint32_t i = 1; i <= count; i++) {
            lua_rawgeti(L, index, (int)i);
            write_value(L, lua, lua_gettop(L), depth + 1);
            lua_pop(L, 1);
        }
        return;
    }
    write_tag(L, lua, 'o');
    write_bytes(L, lua, &count, sizeof count);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        // A copy: converting the key itself would confuse lua_next.
        lua_pushvalue(L, -2);
        if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "a table's key is no string");
        write_text(L, lua, lua_gettop(L));
        lua_pop(L, 1);
        write_value(L, lua, lua_gettop(L), depth + 1);
    }
}

static void write_value(lua_State *L, pellucid_lua *lua, int index, int depth) {
    if (depth > MAXIMUM_DEPTH) luaL_error(L, "value nested too deeply");
    luaL_checkstack(L, 6, "value nested too deeply");
    switch (lua_type(L, index)) {
    case LUA_TNIL: write_tag(L, lua, 'n'); return;
    case LUA_TBOOLEAN: write_tag(L, lua, lua_toboolean(L, index) ? 't' : 'f'); return;
    case LUA_TNUMBER: {
        double number = lua_tonumber(L, index);
        write_tag(L, lua, 'd');
        write_bytes(L, lua, &number, sizeof number);
        return;
    }
    case LUA_TSTRING:
        write_tag(L, lua, 's');
        write_text(L, lua, index);
        return;
    case LUA_TTABLE: write_table(L, lua, index, depth); return;
    default: luaL_error(L, "a %s cannot be given out", luaL_typename(L, index));
    }
}

// MARK: Programs

typedef struct {
    const char *const *names;
    const char *const *sources;
    size_t functions;
    const char *const *expressions;
    size_t expression_count;
    int program;
} loading;

static void compile(lua_State *L, const char *source, const char *name) {
    // Text only: byte code can break out of any sandbox.
    if (luaL_loadbufferx(L, source, strlen(source), name, "t") != 0) lua_error(L);
}

static int load_program(lua_State *L) {
    loading *load = lua_touserdata(L, 1);
    lua_newtable(L);
    int program = lua_gettop(L);
    push_libraries(L);
    lua_setfield(L, program, "libraries");
    lua_newtable(L);
    for (size_t i = 0; i < load->functions; i++) {
        lua_pushfstring(L, "=%s", load->names[i]);
        compile(L, load->sources[i], lua_tostring(L, -1));
        lua_remove(L, -2);
        lua_setfield(L, -2, load->names[i]);
    }
    lua_setfield(L, program, "functions");
    lua_newtable(L);
    for (size_t i = 0; i < load->expression_count; i++) {
        lua_pushfstring(L, "return (%s\n)", load->expressions[i]);
        compile(L, lua_tostring(L, -1), "=expression");
        lua_remove(L, -2);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, program, "expressions");
    load->program = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

// Calls the function at the top with what the environment holds under its parameters' names; leaves one value.
static void call_by_names(lua_State *L, int environment, const char *name) {
    int function = lua_gettop(L);
    int count = 0;
    luaL_checkstack(L, 40, "too many parameters");
    lua_pushvalue(L, function);
    while (count < 32) {
        lua_pushvalue(L, function);
        const char *parameter = lua_getlocal(L, NULL, count + 1);
        lua_pop(L, 1);
        if (parameter == NULL) break;
        lua_getfield(L, environment, parameter);
        count++;
    }
    lua_call(L, count, 2);
    // A second result is how Kong's functions say that they failed.
    if (!lua_isnil(L, -1)) {
        const char *reason = lua_tostring(L, -1);
        luaL_error(L, "%s: %s", name, reason != NULL ? reason : "failed");
    }
    lua_pop(L, 1);
    lua_remove(L, function);
}

// __index of an environment; upvalues: the program.
static int lookup(lua_State *L) {
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    lua_getfield(L, lua_upvalueindex(1), "functions");
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    if (lua_isfunction(L, -1)) {
        pellucid_lua *lua = owner(L);
        if (++lua->nesting > MAXIMUM_NESTING) luaL_error(L, "functions need each other");
        lua_pushvalue(L, 1);
        lua_setfenv(L, -2);
        lua_call(L, 0, 1);
        if (lua_isfunction(L, -1)) call_by_names(L, 1, lua_tostring(L, 2));
        lua->nesting--;
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 1);
        return 1;
    }
    lua_getfield(L, lua_upvalueindex(1), "libraries");
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

typedef struct {
    pellucid_lua *lua;
    int program;
    reader variables;
    const uint32_t *which;
    size_t count;
} running;

static int run_program(lua_State *L) {
    running *run = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->program);
    int program = lua_gettop(L);
    push_value(L, &run->variables, 0);
    int environment = lua_gettop(L);
    if (!lua_istable(L, environment)) luaL_error(L, "variables are no table");
    lua_newtable(L);
    lua_pushvalue(L, program);
    lua_pushcclosure(L, lookup, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, environment);
    lua_getfield(L, program, "expressions");
    int expressions = lua_gettop(L);
    uint32_t count = (uint32_t)run->count;
    write_tag(L, run->lua, 'a');
    write_bytes(L, run->lua, &count, sizeof count);
    for (size_t i = 0; i < run->count; i++) {
        lua_rawgeti(L, expressions, (int)run->which[i] + 1);
        lua_pushvalue(L, environment);
        lua_setfenv(L, -2);
        lua_call(L, 0, 1);
        write_value(L, run->lua, lua_gettop(L), 0);
        lua_pop(L, 1);
    }
    return 0;
}

static int outcome(pellucid_lua *lua, int code, char *error, size_t capacity) {
    if (code == 0) return PELLUCID_LUA_OK;
    const char *text = lua_tostring(lua->state, -1);
    if (error != NULL && capacity > 0) {
        size_t length = 0;
        while (text != NULL && length < capacity - 1 && text[length] != 0) length++;
        if (length > 0) memcpy(error, text, length);
        error[length] = 0;
    }
    lua_settop(lua->state, 0);
    if (lua->is_over) return PELLUCID_LUA_INSTRUCTIONS;
    return code == LUA_ERRMEM ? PELLUCID_LUA_MEMORY : PELLUCID_LUA_ERROR;
}

int pellucid_lua_load(
    pellucid_lua *lua, const char *const *function_names, const char *const *function_sources, size_t functions, const char *const *expressions, size_t expression_count,
    int *program, char *error, size_t error_capacity) {
    loading load = {function_names, function_sources, functions, expressions, expression_count, LUA_NOREF};
    lua->is_over = false;
    int code = lua_cpcall(lua->state, load_program, &load);
    *program = load.program;
    return outcome(lua, code, error, error_capacity);
}

void pellucid_lua_unload(pellucid_lua *lua, int program) {
    luaL_unref(lua->state, LUA_REGISTRYINDEX, program);
    lua_gc(lua->state, LUA_GCSTEP, 200);
}

int pellucid_lua_run(
    pellucid_lua *lua, int program, const uint8_t *variables, size_t variable_count, const uint32_t *which, size_t count, long instructions, const uint8_t **result,
    size_t *result_count, char *error, size_t error_capacity) {
    running run = {lua, program, {variables, variable_count, 0}, which, count};
    lua->out_count = 0;
    lua->is_over = false;
    lua->nesting = 0;
    lua->instructions = instructions;
    lua_sethook(lua->state, on_count, LUA_MASKCOUNT, HOOK_INTERVAL);
    int code = lua_cpcall(lua->state, run_program, &run);
    lua_sethook(lua->state, NULL, 0, 0);
    *result = lua->out;
    *result_count = lua->out_count;
    int outcome_code = outcome(lua, code, error, error_capacity);
    // What a run leaves behind is garbage; collecting it here keeps one run from paying for another.
    if (outcome_code != PELLUCID_LUA_OK || lua->used > lua->limit / 2) lua_gc(lua->state, LUA_GCCOLLECT, 0);
    return outcome_code;
}
