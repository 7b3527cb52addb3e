// SPDX-License-Identifier: Apache-2.0
// script: a small dynamically typed language (numbers, strings, tables, closures), compiled to instructions
// for registers, which one huge switch executes. Each iteration compiles and runs all scripts.
#include "compiler.h"
#include "scripts.h"
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>

static void run_script(const char* text) {
    strings_clear();
    arena_clear();
    Globals names = {.count = 0};
    library_open(&names);
    run(compile(parse(text, &names)));
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 30;
    for (uint32_t i = 0; i < iterations; ++i)
        for (int script = 0; script < SCRIPT_COUNT; ++script) run_script(scripts[script]);
    printf("script %u %08x\n", (unsigned)iterations, (unsigned)printed_hash);
    return 0;
}
