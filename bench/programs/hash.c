// SPDX-License-Identifier: Apache-2.0
// hash: a 64-bit hash of four lanes over buffers, and an open-addressing table with string keys that grows,
// loses entries and is looked up.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 1 << 16, KEYS = 6000, KEY_BYTES = 24 };

static const uint64_t PRIME_A = 0x9e3779b97f4a7c55u, PRIME_B = 0xc2b2ae3d27d4eb4fu,
                      PRIME_C = 0x165667b19e3779f9u, PRIME_D = 0xd6e8feb86659fd93u;

static uint64_t rotate(uint64_t value, unsigned count) {
    return value << count | value >> (64 - count);
}

static uint64_t load64(const uint8_t* at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t mix(uint64_t lane, uint64_t input) {
    return rotate(lane + input * PRIME_B, 31) * PRIME_A;
}

/// Four independent lanes of 64 bits take 32 bytes a step; the rest is mixed in by words and bytes.
static uint64_t hash(const uint8_t* bytes, size_t size, uint64_t seed) {
    const uint8_t* at = bytes;
    const uint8_t* const end = bytes + size;
    uint64_t result = seed + PRIME_D;
    if (size >= 32) {
        uint64_t a = seed + PRIME_A + PRIME_B, b = seed + PRIME_B, c = seed, d = seed - PRIME_A;
        for (; end - at >= 32; at += 32) {
            a = mix(a, load64(at));
            b = mix(b, load64(at + 8));
            c = mix(c, load64(at + 16));
            d = mix(d, load64(at + 24));
        }
        result = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        result = (result ^ mix(0, a)) * PRIME_A + PRIME_D;
        result = (result ^ mix(0, d)) * PRIME_A + PRIME_D;
    }
    result += size;
    for (; end - at >= 8; at += 8) result = rotate(result ^ mix(0, load64(at)), 27) * PRIME_A + PRIME_D;
    for (; at < end; ++at) result = rotate(result ^ *at * PRIME_C, 11) * PRIME_A;
    result = (result ^ result >> 33) * PRIME_B;
    result = (result ^ result >> 29) * PRIME_C;
    return result ^ result >> 32;
}

/// A slot is empty without a key, and a grave with a key of no size: entries behind it stay reachable.
typedef struct {
    const char* key;
    uint32_t size;
    uint32_t value;
    uint64_t hash;
} Slot;

typedef struct {
    Slot* slots;
    uint32_t capacity;  // a power of two
    uint32_t used;      // entries and graves
    uint32_t entries;
} Table;

static void* allocate(size_t size) {
    void* const memory = calloc(1, size);
    if (memory == NULL) exit(1);
    return memory;
}

/// The slot of a key, or the empty one where it would go.
static Slot* find(const Table* table, const char* key, uint32_t size, uint64_t key_hash) {
    const uint32_t mask = table->capacity - 1;
    for (uint32_t at = (uint32_t)key_hash & mask;; at = (at + 1) & mask) {
        Slot* const slot = &table->slots[at];
        if (slot->key == NULL) return slot;
        if (slot->hash == key_hash && slot->size == size && memcmp(slot->key, key, size) == 0) return slot;
    }
}

static void grow(Table* table) {
    Table larger = {.capacity = table->capacity == 0 ? 16 : table->capacity * 2};
    larger.slots = allocate(larger.capacity * sizeof(Slot));
    for (uint32_t i = 0; i < table->capacity; ++i) {
        const Slot* const slot = &table->slots[i];
        if (slot->size == 0) continue;
        *find(&larger, slot->key, slot->size, slot->hash) = *slot;
        ++larger.entries;
    }
    larger.used = larger.entries;
    free(table->slots);
    *table = larger;
}

/// The value of a key, which is entered with 0 if it is new.
static uint32_t* entry(Table* table, const char* key, uint32_t size) {
    if (4 * (table->used + 1) > 3 * table->capacity) grow(table);
    const uint64_t key_hash = hash((const uint8_t*)key, size, 0);
    Slot* const slot = find(table, key, size, key_hash);
    if (slot->key == NULL) {
        *slot = (Slot){.key = key, .size = size, .hash = key_hash};
        ++table->used;
        ++table->entries;
    }
    return &slot->value;
}

static int take_out(Table* table, const char* key, uint32_t size) {
    Slot* const slot = find(table, key, size, hash((const uint8_t*)key, size, 0));
    if (slot->key == NULL) return 0;
    slot->size = 0;
    --table->entries;
    return 1;
}

static uint8_t buffer[BUFFER_BYTES];
static char keys[KEYS][KEY_BYTES];
static uint32_t sizes[KEYS];

static uint32_t next(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/// Keys with common beginnings, some of them twice.
static void make_keys(uint32_t seed) {
    static const char* const parts[] = {"user", "session", "cache", "item", "path", "node", "x", "total"};
    for (uint32_t i = 0; i < KEYS; ++i) {
        const char* const part = parts[next(&seed) % 8];
        size_t size = strlen(part);
        memcpy(keys[i], part, size);
        keys[i][size++] = '/';
        for (uint32_t number = next(&seed) % (KEYS * 2); number > 0; number /= 26)
            keys[i][size++] = (char)('a' + number % 26);
        sizes[i] = (uint32_t)size;
    }
}

static uint64_t use_table(uint32_t seed) {
    Table table = {0};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < KEYS; ++i) *entry(&table, keys[i], sizes[i]) += i;
    for (uint32_t i = 0; i < KEYS; i += 3) sum += (uint64_t)take_out(&table, keys[i], sizes[i]);
    for (uint32_t i = 0; i < 2 * KEYS; ++i) {
        const uint32_t which = next(&seed) % KEYS;
        const Slot* const slot =
            find(&table, keys[which], sizes[which], hash((const uint8_t*)keys[which], sizes[which], 0));
        sum = sum * 31 + (slot->key == NULL ? 1 : slot->value);
    }
    sum = sum * 31 + table.entries;
    free(table.slots);
    return sum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 40;
    uint32_t state = 1;
    uint64_t checksum = 0;
    for (uint32_t i = 0; i < BUFFER_BYTES; ++i) buffer[i] = (uint8_t)next(&state);
    for (uint32_t i = 0; i < iterations; ++i) {
        make_keys(i);
        checksum = checksum * 31 + use_table(i);
        for (size_t size = BUFFER_BYTES; size > 0; size = size * 3 / 4)
            checksum ^= hash(buffer, size, checksum);
    }
    printf("hash %u %016llx\n", (unsigned)iterations, (unsigned long long)checksum);
    return 0;
}
