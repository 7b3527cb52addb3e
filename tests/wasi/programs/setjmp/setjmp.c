// SPDX-License-Identifier: Apache-2.0
// What code compiled with -wasm-enable-sjlj calls: an invocation of a function that called setjmp, and at which
// of its calls, is what a jump goes to. LLVM: lib/Target/WebAssembly/WebAssemblyLowerEmscriptenEHSjLj.cpp.
#include <stdint.h>

typedef struct {
    void* invocation;
    uint32_t label;
    struct {
        void* buffer;
        int value;
    } thrown;
} Buffer;

void __wasm_setjmp(void* buffer, uint32_t label, void* invocation) {
    Buffer* to = buffer;
    to->invocation = invocation;
    to->label = label;
}

uint32_t __wasm_setjmp_test(void* buffer, void* invocation) {
    const Buffer* to = buffer;
    return to->invocation == invocation ? to->label : 0;
}

void __wasm_longjmp(void* buffer, int value) {
    Buffer* to = buffer;
    to->thrown.buffer = buffer;
    to->thrown.value = value != 0 ? value : 1;
    __builtin_wasm_throw(1, &to->thrown);  // 1: the tag of C's jumps
}
