// SPDX-License-Identifier: Apache-2.0
// simd: pictures blended, a signal filtered, text encoded and searched, points moved, 16 bytes at a time. Vectors
// are those of clang; what it has no operator for are intrinsics of wasm, and loops in the native build.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

typedef uint8_t U8x16 __attribute__((vector_size(16)));
typedef uint8_t U8x8 __attribute__((vector_size(8)));
typedef uint16_t U16x8 __attribute__((vector_size(16)));
typedef int16_t I16x8 __attribute__((vector_size(16)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef float F32x4 __attribute__((vector_size(16)));

enum { PIXELS = 1 << 14, SAMPLES = 1 << 12, TAPS = 32, TEXT_BYTES = 1 << 14, POINTS = 1 << 11 };

static uint8_t front[PIXELS], back[PIXELS], blended[PIXELS];
static int16_t samples[SAMPLES + TAPS], taps[TAPS];
static uint8_t text[TEXT_BYTES], encoded[2 * TEXT_BYTES];
static float points[4 * POINTS];

/// Products of neighbours, added in pairs.
static I32x4 dot(I16x8 a, I16x8 b) {
#ifdef __wasm_simd128__
    return (I32x4)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
#else
    I32x4 sum;
    for (int i = 0; i < 4; ++i) sum[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return sum;
#endif
}

/// `table[index]` in each lane; indices are below 16.
static U8x16 look_up(U8x16 table, U8x16 index) {
#ifdef __wasm_simd128__
    return (U8x16)wasm_i8x16_swizzle((v128_t)table, (v128_t)index);
#else
    U8x16 found;
    for (int i = 0; i < 16; ++i) found[i] = table[index[i]];
    return found;
#endif
}

/// A bit for each lane, of its top bit.
static uint32_t bit_mask(U8x16 lanes) {
#ifdef __wasm_simd128__
    return wasm_i8x16_bitmask((v128_t)lanes);
#else
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= (uint32_t)(lanes[i] >> 7) << i;
    return mask;
#endif
}

static U8x16 load_bytes(const uint8_t* at) {
    U8x16 value;
    memcpy(&value, at, sizeof value);
    return value;
}

static I16x8 load_samples(const int16_t* at) {
    I16x8 value;
    memcpy(&value, at, sizeof value);
    return value;
}

static F32x4 load_floats(const float* at) {
    F32x4 value;
    memcpy(&value, at, sizeof value);
    return value;
}

/// In each lane `a` where the mask is set, else `b`.
static F32x4 choose(I32x4 mask, F32x4 a, F32x4 b) {
    return (F32x4)(((I32x4)a & mask) | ((I32x4)b & ~mask));
}

static U16x8 weigh(U8x8 a, U8x8 b, uint16_t weight) {
    return (__builtin_convertvector(a, U16x8) * weight +
            __builtin_convertvector(b, U16x8) * (uint16_t)(256 - weight)) >>
           8;
}

/// The front over the back with a weight of 0 to 255, then brightened without wrapping around.
static void blend(uint8_t weight, uint8_t light) {
    for (int i = 0; i < PIXELS; i += 16) {
        const U8x16 a = load_bytes(front + i), b = load_bytes(back + i);
        const U16x8 low = weigh(__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7),
                                __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7), weight);
        const U16x8 high = weigh(__builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15),
                                 __builtin_shufflevector(b, b, 8, 9, 10, 11, 12, 13, 14, 15), weight);
        const U8x16 mixed = __builtin_shufflevector((U8x16)low, (U8x16)high, 0, 2, 4, 6, 8, 10, 12, 14, 16,
                                                    18, 20, 22, 24, 26, 28, 30);
        const U8x16 brighter = __builtin_elementwise_add_sat(mixed, (U8x16){0} + light);
        memcpy(blended + i, &brighter, sizeof brighter);
    }
}

static uint32_t filter(void) {
    uint32_t sum = 0;
    for (int i = 0; i < SAMPLES; ++i) {
        I32x4 partial = {0, 0, 0, 0};
        for (int tap = 0; tap < TAPS; tap += 8)
            partial += dot(load_samples(samples + i + tap), load_samples(taps + tap));
        sum = sum * 31 + (uint32_t)(partial[0] + partial[1] + partial[2] + partial[3]);
    }
    return sum;
}

/// Every byte as two hexadecimal digits.
static void encode(void) {
    U8x16 digits;
    memcpy(&digits, "0123456789abcdef", sizeof digits);
    for (int i = 0; i < TEXT_BYTES; i += 16) {
        const U8x16 bytes = load_bytes(text + i);
        const U8x16 high = look_up(digits, bytes >> 4), low = look_up(digits, bytes & 15);
        const U8x16 first = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                                    7, 23);
        const U8x16 second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                                     14, 30, 15, 31);
        memcpy(encoded + 2 * i, &first, sizeof first);
        memcpy(encoded + 2 * i + 16, &second, sizeof second);
    }
}

/// Counts a digit, and mixes in where it is.
static uint32_t search(uint8_t digit) {
    uint32_t sum = 0;
    for (int i = 0; i < 2 * TEXT_BYTES; i += 16) {
        uint32_t mask = bit_mask((U8x16)(load_bytes(encoded + i) == digit));
        for (; mask != 0; mask &= mask - 1) sum += (uint32_t)(i + __builtin_ctz(mask));
    }
    return sum;
}

/// Each point takes a step, and turns back at the walls of a box.
static void move(F32x4 step) {
    const F32x4 wall = {8, 8, 8, 8};
    for (int i = 0; i < 4 * POINTS; i += 4) {
        F32x4 at = load_floats(points + i);
        at = at * 0.999f + step / (1.0f + at * at);
        at = choose((I32x4)(at > wall), wall + wall - at, at);
        at = choose((I32x4)(at < -wall), -wall - wall - at, at);
        memcpy(points + i, &at, sizeof at);
    }
}

static void set_up(void) {
    uint32_t state = 7;
    for (int i = 0; i < PIXELS; ++i) {
        state = state * 1664525u + 1013904223u;
        front[i] = (uint8_t)(state >> 24);
        back[i] = (uint8_t)(state >> 16);
    }
    for (int i = 0; i < SAMPLES + TAPS; ++i) samples[i] = (int16_t)((i * 37 % 4001) - 2000);
    for (int i = 0; i < TAPS; ++i) taps[i] = (int16_t)((TAPS - i) * (i & 1 ? -3 : 5));
    for (int i = 0; i < TEXT_BYTES; ++i) text[i] = (uint8_t)(i * i >> 5);
    for (int i = 0; i < 4 * POINTS; ++i) points[i] = (float)(i % 13) - 6.0f;
}

static uint32_t sum_of(const void* memory, size_t size) {
    const uint8_t* const bytes = memory;
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i += 61) sum = sum * 33 + bytes[i];
    return sum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 500;
    set_up();
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        blend((uint8_t)(i * 5), (uint8_t)(i % 60));
        samples[i % SAMPLES] ^= (int16_t)i;
        checksum = checksum * 31 + filter();
        text[i % TEXT_BYTES] += 3;
        encode();
        checksum = checksum * 31 + search("0123456789abcdef"[i % 16]);
        move((F32x4){0.5f, -0.25f, 0.125f, (float)(i % 7)});
        checksum = checksum * 31 + sum_of(blended, sizeof blended);
    }
    printf("simd %u %08x %08x\n", (unsigned)iterations, (unsigned)checksum,
           (unsigned)sum_of(points, sizeof points));
    return 0;
}
