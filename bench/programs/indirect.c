// SPDX-License-Identifier: Apache-2.0
// indirect: calls through function pointers, of two types, in an order that is hard to predict.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint32_t (*Step)(uint32_t state);
typedef uint64_t (*Mix)(uint64_t left, uint32_t right);

static uint32_t step_shift(uint32_t s) { return s ^ (s << 13) ^ (s >> 7); }
static uint32_t step_multiply(uint32_t s) { return s * 2654435761u + 1; }
static uint32_t step_rotate(uint32_t s) { return (s << 9 | s >> 23) + 0x9e3779b9u; }
static uint32_t step_reverse(uint32_t s) {
    s = (s & 0x55555555u) << 1 | (s >> 1 & 0x55555555u);
    s = (s & 0x33333333u) << 2 | (s >> 2 & 0x33333333u);
    return (s & 0x0f0f0f0fu) << 4 | (s >> 4 & 0x0f0f0f0fu);
}
static uint32_t step_swap(uint32_t s) { return (s << 16 | s >> 16) ^ 0xa5a5a5a5u; }
static uint32_t step_odd(uint32_t s) { return s & 1 ? s * 3 + 1 : (s >> 1) + 0x80000001u; }
static uint32_t step_square(uint32_t s) { return s * s + (s >> 16) + 7; }
static uint32_t step_gray(uint32_t s) { return (s ^ (s >> 1)) + 0x1234567u; }

static uint64_t mix_add(uint64_t l, uint32_t r) { return l + r; }
static uint64_t mix_xor(uint64_t l, uint32_t r) { return l ^ ((uint64_t)r << 17); }
static uint64_t mix_multiply(uint64_t l, uint32_t r) { return l * (r | 1u); }
static uint64_t mix_rotate(uint64_t l, uint32_t r) { return (l << 5 | l >> 59) - r; }

static const Step steps[] = {step_shift, step_multiply, step_rotate, step_reverse,
                             step_swap,  step_odd,      step_square, step_gray};
static const Mix mixes[] = {mix_add, mix_xor, mix_multiply, mix_rotate};

/// A callback given as an argument, as qsort's is.
static uint32_t apply_times(Step step, uint32_t state, uint32_t times) {
    while (times-- > 0) state = step(state);
    return state;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1200;
    uint32_t state = 12345;
    uint64_t checksum = 1;
    for (uint32_t i = 0; i < iterations; ++i) {
        for (uint32_t j = 0; j < 5000; ++j) {
            state = steps[(state >> 11) & 7](state);
            checksum = mixes[(state >> 5) & 3](checksum, state);
        }
        state = apply_times(steps[i & 7], state, 2000);
    }
    printf("indirect %u %016llx\n", (unsigned)iterations,
           (unsigned long long)(checksum ^ state));
    return 0;
}
