/* The Lua interpreter running a script of strings, tables, closures and floating point: indirect
 * jumps, hashing, allocation and garbage collection. The count is how often the script's body
 * runs. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "bench.h"

static const char script[] =
    "local rounds = ...\n"
    "local sum = 0\n"
    "local function mix(value) sum = (sum * 31 + value) & 0xffffffffffff end\n"
    "\n"
    "local function strings(round)\n"
    "    local words = {}\n"
    "    for i = 1, 200 do words[i] = string.format('%05d:%s', i * round % 9973, 'ring') end\n"
    "    table.sort(words)\n"
    "    local text = table.concat(words, ' ')\n"
    "    local count = 0\n"
    "    for number in text:gmatch('(%d+):ring') do count = count + tonumber(number) end\n"
    "    mix(count); mix(#text:gsub('0', 'zero')); mix(text:upper():byte(7))\n"
    "    mix(#text:reverse():rep(2)); mix(text:find('9', 1, true) or 0)\n"
    "end\n"
    "\n"
    "local function tables(round)\n"
    "    local counts = {}\n"
    "    for i = 1, 1000 do\n"
    "        local key = 'k' .. (i * i + round) % 97\n"
    "        counts[key] = (counts[key] or 0) + i\n"
    "    end\n"
    "    local keys = {}\n"
    "    for key in pairs(counts) do keys[#keys + 1] = key end\n"
    "    table.sort(keys, function(a, b)\n"
    "        return counts[a] > counts[b] or counts[a] == counts[b] and a < b\n"
    "    end)\n"
    "    for i, key in ipairs(keys) do mix(i * counts[key]) end\n"
    "end\n"
    "\n"
    "local point = {}\n"
    "point.__index = point\n"
    "function point:length() return math.sqrt(self.x * self.x + self.y * self.y) end\n"
    "point.__add = function(a, b)\n"
    "    return setmetatable({x = a.x + b.x, y = a.y + b.y}, point)\n"
    "end\n"
    "\n"
    "local function closures(round)\n"
    "    local function counter(step)\n"
    "        local value = round\n"
    "        return function() value = value + step; return value end\n"
    "    end\n"
    "    local counters = {}\n"
    "    for i = 1, 20 do counters[i] = counter(i) end\n"
    "    for _ = 1, 50 do for i = 1, 20 do mix(counters[i]()) end end\n"
    "    local produce = coroutine.wrap(function()\n"
    "        for i = 1, 200 do coroutine.yield(i * i) end\n"
    "        return 0\n"
    "    end)\n"
    "    for _ = 1, 200 do mix(produce()) end\n"
    "end\n"
    "\n"
    "local function floats(round)\n"
    "    local at = setmetatable({x = 0.0, y = 0.0}, point)\n"
    "    for i = 1, 500 do\n"
    "        at = at + setmetatable({x = i / 7.0, y = round / (i + 0.5)}, point)\n"
    "    end\n"
    "    mix(math.floor(at:length() * 1e6))\n"
    "    local x = 0.5\n"
    "    for _ = 1, 2000 do x = 3.75 * x * (1.0 - x) end\n"
    "    mix(math.floor(x * 2^40))\n"
    "    mix(math.floor(tonumber(string.format('%.12g', x)) * 1e9))\n"
    "end\n"
    "\n"
    "for round = 1, rounds do\n"
    "    strings(round); tables(round); closures(round); floats(round)\n"
    "end\n"
    "return sum\n";

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 1200);
    /* Only what the script needs: the other libraries would bring in the dynamic loader. */
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},          {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
        {LUA_COLIBNAME, luaopen_coroutine},
    };
    lua_State *lua = luaL_newstate();
    if (!lua) {
        fprintf(stderr, "lua_bench: out of memory\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    int failed = luaL_loadbuffer(lua, script, sizeof script - 1, "=script");
    if (!failed) {
        lua_pushinteger(lua, (lua_Integer)count);
        failed = lua_pcall(lua, 1, 1, 0);
    }
    if (failed) {
        fprintf(stderr, "lua_bench: %s\n", lua_tostring(lua, -1));
        lua_close(lua);
        return 1;
    }
    uint64_t sum = (uint64_t)lua_tointeger(lua, -1);
    lua_close(lua);
    return bench_report(sum);
}
