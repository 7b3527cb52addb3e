// SPDX-License-Identifier: Apache-2.0
// setjmp for wasm32, as LLVM lowers it with -wasm-enable-sjlj. A buffer holds what setjmp.c puts there.
#pragma once

typedef struct {
    void* words[8];
} jmp_buf[1];

int setjmp(jmp_buf buffer) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf buffer, int value);
