// SPDX-License-Identifier: Apache-2.0
// lz: compression with a sliding window and hash chains, decompression, comparison.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_BYTES = 32768,
    OUTPUT_BYTES = INPUT_BYTES * 2,
    HASH_BITS = 12,
    CHAIN_MAX = 16,
    MATCH_MIN = 4,
    MATCH_MAX = 259,
    WINDOW = 16384
};

static uint8_t input[INPUT_BYTES];
static uint8_t packed[OUTPUT_BYTES];
static uint8_t unpacked[INPUT_BYTES];
static int32_t heads[1 << HASH_BITS];
static int32_t previous[INPUT_BYTES];

/// Something between text and records: repeated phrases, counters and some noise.
static void make_input(uint32_t seed) {
    size_t at = 0;
    while (at < INPUT_BYTES) {
        seed = seed * 1664525u + 1013904223u;
        const uint32_t choice = seed >> 28;
        if (choice < 9 && at > 64) {
            const size_t distance = 1 + (seed >> 8) % (at < 9000 ? at : 9000);
            for (size_t length = 5 + (seed >> 4 & 31); length > 0 && at < INPUT_BYTES; --length)
                input[at] = input[at - distance], ++at;
        } else if (choice < 14) {
            for (size_t length = 8; length > 0 && at < INPUT_BYTES; --length) {
                seed = seed * 1664525u + 1013904223u;
                input[at++] = (uint8_t)("etaoinshrdlu, .\n"[seed >> 28]);
            }
        } else {
            input[at++] = (uint8_t)(seed >> 13);
        }
    }
}

static uint32_t hash_at(size_t at) {
    uint32_t four;
    memcpy(&four, input + at, sizeof four);
    return four * 2654435761u >> (32 - HASH_BITS);
}

static size_t match_length(size_t candidate, size_t at) {
    const size_t most = INPUT_BYTES - at < MATCH_MAX ? INPUT_BYTES - at : MATCH_MAX;
    size_t length = 0;
    while (length < most && input[candidate + length] == input[at + length]) ++length;
    return length;
}

static void insert(size_t at) {
    if (at + MATCH_MIN > INPUT_BYTES) return;
    const uint32_t hash = hash_at(at);
    previous[at] = heads[hash];
    heads[hash] = (int32_t)at;
}

/// One flag byte before each eight items; an item is a literal or (distance, length).
static size_t compress(void) {
    memset(heads, 0xff, sizeof heads);
    size_t size = 0, flags_at = 0;
    unsigned item = 8;
    for (size_t at = 0; at < INPUT_BYTES;) {
        if (item == 8) {
            flags_at = size++;
            packed[flags_at] = 0;
            item = 0;
        }
        size_t best = 0, best_distance = 0;
        if (at + MATCH_MIN <= INPUT_BYTES) {
            int32_t candidate = heads[hash_at(at)];
            for (int tries = CHAIN_MAX; candidate >= 0 && tries > 0; --tries) {
                if (at - (size_t)candidate > WINDOW) break;
                const size_t length = match_length((size_t)candidate, at);
                if (length > best) {
                    best = length;
                    best_distance = at - (size_t)candidate;
                }
                candidate = previous[candidate];
            }
        }
        if (best >= MATCH_MIN) {
            packed[flags_at] |= (uint8_t)(1u << item);
            packed[size++] = (uint8_t)best_distance;
            packed[size++] = (uint8_t)(best_distance >> 8);
            packed[size++] = (uint8_t)(best - MATCH_MIN);
            while (best-- > 0) insert(at++);
        } else {
            packed[size++] = input[at];
            insert(at++);
        }
        ++item;
    }
    return size;
}

static size_t decompress(size_t size) {
    size_t out = 0;
    for (size_t at = 0; at < size;) {
        const uint8_t flags = packed[at++];
        for (unsigned item = 0; item < 8 && at < size; ++item) {
            if (flags >> item & 1) {
                const size_t distance = packed[at] | (size_t)packed[at + 1] << 8;
                size_t length = (size_t)packed[at + 2] + MATCH_MIN;
                at += 3;
                if (distance == 0 || distance > out || length > INPUT_BYTES - out) return 0;
                for (; length > 0; --length, ++out) unpacked[out] = unpacked[out - distance];
            } else {
                if (out == INPUT_BYTES) return 0;
                unpacked[out++] = packed[at++];
            }
        }
    }
    return out;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50;
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        make_input(i + 1);
        const size_t size = compress();
        for (int again = 0; again < 3; ++again)
            if (decompress(size) != INPUT_BYTES) return 1;
        if (memcmp(input, unpacked, INPUT_BYTES) != 0) return 1;
        for (size_t at = 0; at < size; ++at) checksum = checksum * 31 + packed[at];
        checksum += (uint32_t)size;
    }
    printf("lz %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
