// SPDX-License-Identifier: Apache-2.0
// memory: blocks copied, moved, filled and compared, and many small allocations.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 20, OBJECTS = 512 };

static uint8_t arena[ARENA_BYTES];
static uint8_t mirror[ARENA_BYTES];

static uint32_t next(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t copy_blocks(uint32_t* state) {
    uint32_t checksum = 0;
    for (int i = 0; i < 64; ++i) {
        const size_t length = 16u << (next(state) % 9);
        const size_t from = next(state) % (ARENA_BYTES - length);
        const size_t to = next(state) % (ARENA_BYTES - length);
        memcpy(mirror + to, arena + from, length);
        memmove(arena + from + (from + length + 8 <= ARENA_BYTES ? 8 : 0), arena + from, length);
        memset(arena + to, (int)(length + to), length / 4);
        checksum = checksum * 31 + (uint32_t)(memcmp(mirror + to, arena + from, length) != 0);
        checksum += mirror[to] + arena[from + length - 1];
    }
    return checksum;
}

/// A transposition with a stride that misses the first cache, done by plain loads and stores.
static uint32_t transpose(void) {
    uint32_t checksum = 0;
    for (uint32_t row = 0; row < 128; ++row)
        for (uint32_t column = 0; column < 128; ++column) {
            uint32_t value;
            memcpy(&value, arena + row * 4096 + column * 4, sizeof value);
            memcpy(mirror + column * 4096 + row * 4, &value, sizeof value);
            checksum += value;
        }
    return checksum;
}

static uint32_t allocate(uint32_t* state) {
    static uint32_t* objects[OBJECTS];
    uint32_t checksum = 0;
    for (int i = 0; i < 4 * OBJECTS; ++i) {
        uint32_t** slot = &objects[next(state) % OBJECTS];
        if (*slot != NULL) checksum += **slot;
        free(*slot);
        const uint32_t words = 1 + next(state) % 60;
        *slot = malloc(words * sizeof(uint32_t));
        if (*slot == NULL) exit(1);
        **slot = words;
    }
    for (int i = 0; i < OBJECTS; ++i) {
        free(objects[i]);
        objects[i] = NULL;
    }
    return checksum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 350;
    uint32_t state = 7, checksum = 0;
    for (size_t i = 0; i < ARENA_BYTES; ++i) arena[i] = (uint8_t)next(&state);
    for (uint32_t i = 0; i < iterations; ++i) {
        checksum = checksum * 31 + copy_blocks(&state);
        checksum = checksum * 31 + transpose();
        checksum = checksum * 31 + allocate(&state);
    }
    printf("memory %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
