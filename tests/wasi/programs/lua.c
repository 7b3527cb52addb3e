// SPDX-License-Identifier: Apache-2.0
// Runs a Lua program: lua FILE ARGUMENTS...
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

// There are no temporary files.
FILE* tmpfile(void) {
    return NULL;
}

int main(int count, char** arguments) {
    lua_State* state = luaL_newstate();
    luaL_openlibs(state);
    lua_newtable(state);
    for (int i = 1; i < count; ++i) {
        lua_pushstring(state, arguments[i]);
        lua_rawseti(state, -2, i - 1);
    }
    lua_setglobal(state, "arg");
    if (count < 2 || luaL_dofile(state, arguments[1]) != LUA_OK) {
        fprintf(stderr, "lua: %s\n", count < 2 ? "no file" : lua_tostring(state, -1));
        return 1;
    }
    lua_close(state);
    return 0;
}
