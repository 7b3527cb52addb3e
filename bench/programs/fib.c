// SPDX-License-Identifier: Apache-2.0
// fib: calls and little else. Fibonacci by the definition and Takeuchi's function.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static int32_t tak(int32_t x, int32_t y, int32_t z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4000;
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        // Arguments that depend on earlier results: a compiler cannot reuse or hoist the calls.
        checksum = checksum * 31 + fib(17 + (checksum & 3));
        checksum = checksum * 31 + (uint32_t)tak(12, 7 + (int32_t)(checksum & 1), 4);
    }
    printf("fib %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
