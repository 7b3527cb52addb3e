// SPDX-License-Identifier: Apache-2.0
// strings: generates a text, searches it in three ways and counts its words in a hash map.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 20000, SLOTS = 2048, PATTERNS = 8 };

typedef struct {
    const char* text;
    uint32_t length;
    uint32_t count;
} Slot;

static char text[TEXT_BYTES + 1];
static Slot slots[SLOTS];

static void make_text(uint32_t seed) {
    static const char* const syllables[] = {"ba", "ke", "lo", "mu", "ni", "ra", "so", "ti",
                                            "van", "der", "est", "ing", "qua", "ul", "op", "ex"};
    size_t at = 0;
    while (at < TEXT_BYTES - 16) {
        seed = seed * 1103515245u + 12345u;
        for (uint32_t count = 1 + (seed >> 16 & 3); count > 0; --count) {
            seed = seed * 1103515245u + 12345u;
            const char* syllable = syllables[seed >> 18 & 15];
            const size_t length = strlen(syllable);
            memcpy(text + at, syllable, length);
            at += length;
        }
        text[at++] = (seed >> 24) % 11 == 0 ? '\n' : ' ';
    }
    memset(text + at, 'z', TEXT_BYTES - at);
    text[TEXT_BYTES] = '\0';
}

static uint32_t search_plain(const char* pattern) {
    uint32_t found = 0;
    for (const char* at = text; (at = strstr(at, pattern)) != NULL; ++at)
        found = found * 3 + (uint32_t)(at - text);
    return found;
}

static uint32_t search_horspool(const char* pattern) {
    const size_t length = strlen(pattern);
    size_t skip[256];
    for (size_t i = 0; i < 256; ++i) skip[i] = length;
    for (size_t i = 0; i + 1 < length; ++i) skip[(uint8_t)pattern[i]] = length - 1 - i;
    uint32_t found = 0;
    for (size_t at = 0; at + length <= TEXT_BYTES;) {
        size_t i = length;
        while (i > 0 && text[at + i - 1] == pattern[i - 1]) --i;
        if (i == 0) {
            found = found * 3 + (uint32_t)at;
            ++at;
        } else {
            at += skip[(uint8_t)text[at + length - 1]];
        }
    }
    return found;
}

static uint32_t search_automaton(const char* pattern) {
    uint8_t back[32] = {0};
    const size_t length = strlen(pattern);
    for (size_t i = 1, k = 0; i < length; ++i) {
        while (k > 0 && pattern[i] != pattern[k]) k = back[k - 1];
        if (pattern[i] == pattern[k]) ++k;
        back[i] = (uint8_t)k;
    }
    uint32_t found = 0;
    for (size_t i = 0, k = 0; i < TEXT_BYTES; ++i) {
        while (k > 0 && text[i] != pattern[k]) k = back[k - 1];
        if (text[i] == pattern[k]) ++k;
        if (k == length) {
            found = found * 3 + (uint32_t)(i + 1 - length);
            k = back[k - 1];
        }
    }
    return found;
}

static uint32_t count_words(void) {
    uint32_t distinct = 0, checksum = 0;
    memset(slots, 0, sizeof slots);
    for (const char* at = text; *at != '\0';) {
        const size_t length = strcspn(at, " \n");
        uint32_t hash = 5381;
        for (size_t i = 0; i < length; ++i) hash = hash * 33 ^ (uint8_t)at[i];
        if (length > 0 && distinct < SLOTS / 4 * 3) {
            Slot* slot = &slots[hash & (SLOTS - 1)];
            while (slot->text != NULL &&
                   (slot->length != length || memcmp(slot->text, at, length) != 0))
                slot = slot == &slots[SLOTS - 1] ? slots : slot + 1;
            if (slot->text == NULL) {
                slot->text = at;
                slot->length = (uint32_t)length;
                ++distinct;
            }
            checksum += ++slot->count * (hash | 1);
        }
        at += length + (at[length] != '\0');
    }
    return checksum ^ distinct << 16;
}

int main(int argc, char** argv) {
    static const char* const patterns[PATTERNS] = {"estba", "quaulop", "ni", "zzzz",
                                                   "der der", "lolo", "exulest", "vanvanvan"};
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 110;
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        make_text(i + 1);
        for (uint32_t p = 0; p < PATTERNS; ++p) {
            const uint32_t plain = search_plain(patterns[p]);
            if (search_horspool(patterns[p]) != plain) return 1;
            if (p % 3 == 0 && search_automaton(patterns[p]) != plain) return 1;
            checksum = checksum * 31 + plain;
        }
        checksum = checksum * 31 + count_words();
    }
    printf("strings %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
