// SPDX-License-Identifier: Apache-2.0
// corelike: the mixture a small controller's program is made of: a linked list that is searched
// and sorted, small integer matrices, a state machine over text, and a CRC over all results.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 120, N = 10, TEXT_BYTES = 256 };

// --- CRC-16, polynomial 0x8005 reflected, bit by bit -----------------------------------------

static uint16_t crc_byte(uint16_t crc, uint8_t byte) {
    for (int i = 0; i < 8; ++i) {
        const unsigned low = (crc ^ byte) & 1u;
        crc >>= 1;
        byte >>= 1;
        if (low) crc ^= 0xa001;
    }
    return crc;
}

static uint16_t crc_word(uint16_t crc, uint32_t word) {
    crc = crc_byte(crc, (uint8_t)word);
    crc = crc_byte(crc, (uint8_t)(word >> 8));
    crc = crc_byte(crc, (uint8_t)(word >> 16));
    return crc_byte(crc, (uint8_t)(word >> 24));
}

// --- linked list -----------------------------------------------------------------------------

typedef struct {
    int16_t value;
    int16_t index;
} Info;

typedef struct Node {
    struct Node* next;
    Info* info;
} Node;

typedef int (*Compare)(const Info* a, const Info* b);

static Node nodes[NODES];
static Info infos[NODES];

static int by_value(const Info* a, const Info* b) { return a->value - b->value; }
static int by_index(const Info* a, const Info* b) { return a->index - b->index; }

static Node* make_list(uint32_t seed) {
    for (int i = 0; i < NODES; ++i) {
        seed = seed * 1664525u + 1013904223u;
        infos[i] = (Info){(int16_t)(seed >> 20 & 0x7ff), (int16_t)i};
        nodes[i] = (Node){i + 1 < NODES ? &nodes[i + 1] : NULL, &infos[i]};
    }
    return &nodes[0];
}

static Node* reverse_list(Node* list) {
    Node* reversed = NULL;
    while (list != NULL) {
        Node* next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static const Node* find_value(const Node* list, int16_t low_byte) {
    while (list != NULL && (list->info->value & 0xff) != low_byte) list = list->next;
    return list;
}

/// Merge sort from the bottom up, in place: runs of 1, 2, 4… are merged until one is left.
static Node* sort_list(Node* list, Compare compare) {
    for (int width = 1;; width *= 2) {
        Node* rest = list;
        Node* tail = NULL;
        int merges = 0;
        list = NULL;
        while (rest != NULL) {
            ++merges;
            Node* left = rest;
            int left_size = 0, right_size = width;
            while (left_size < width && rest != NULL) ++left_size, rest = rest->next;
            while (left_size > 0 || (right_size > 0 && rest != NULL)) {
                Node* taken;
                if (left_size > 0 && (right_size == 0 || rest == NULL ||
                                      compare(left->info, rest->info) <= 0)) {
                    taken = left;
                    left = left->next;
                    --left_size;
                } else {
                    taken = rest;
                    rest = rest->next;
                    --right_size;
                }
                if (tail != NULL)
                    tail->next = taken;
                else
                    list = taken;
                tail = taken;
            }
        }
        if (tail != NULL) tail->next = NULL;
        if (merges <= 1) return list;
    }
}

static uint16_t run_list(uint32_t seed, uint16_t crc) {
    Node* list = make_list(seed);
    int16_t found = 0;
    for (int16_t i = 0; i < 24; ++i) {
        const Node* node = find_value(list, (int16_t)((seed + (uint32_t)i * 7) & 0xff));
        if (node != NULL) found = (int16_t)(found + node->info->index);
        list = reverse_list(list);
    }
    list = sort_list(list, by_value);
    for (const Node* node = list; node != NULL; node = node->next)
        crc = crc_byte(crc, (uint8_t)node->info->value);
    list = sort_list(list, by_index);
    return crc_word(crc, (uint32_t)(found + list->info->value));
}

// --- matrices --------------------------------------------------------------------------------

static int16_t left[N][N], right[N][N];
static int32_t product[N][N];

static uint16_t run_matrices(uint32_t seed, uint16_t crc) {
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < N; ++j) {
            seed = seed * 1664525u + 1013904223u;
            left[i][j] = (int16_t)(seed >> 24);
            right[i][j] = (int16_t)(seed >> 16 & 0xff);
        }
    const int16_t scale = (int16_t)(seed >> 28);
    int32_t sum = 0, last = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j) left[i][j] = (int16_t)(left[i][j] * scale + round);
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j) {
                int32_t cell = 0;
                for (int k = 0; k < N; ++k) cell += left[i][k] * (right[k][j] >> (round & 1));
                product[i][j] = cell;
            }
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j) {
                const int32_t cell = product[i][j];
                sum += cell > last ? 10 : (cell >> 4 & 15) + 1;
                last = cell;
            }
    }
    return crc_word(crc, (uint32_t)sum);
}

// --- state machine: which parts of a text are numbers, and of which kind ------------------------

typedef enum { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, WRONG,
               STATES } State;

static State next_state(State state, char c) {
    const int digit = c >= '0' && c <= '9';
    switch (state) {
    case START: return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : WRONG;
    case SIGN: return digit ? INTEGER : c == '.' ? POINT : WRONG;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : WRONG;
    case POINT: return digit ? FRACTION : WRONG;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXPONENT : WRONG;
    case EXPONENT: return digit ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : WRONG;
    case EXPONENT_SIGN:
    case SCIENTIFIC: return digit ? SCIENTIFIC : WRONG;
    case WRONG:
    case STATES: break;
    }
    return WRONG;
}

static uint16_t run_states(uint32_t seed, uint16_t crc) {
    static const char* const words[] = {"5012", "-874", "+122", "35.54400", ".1234500", "-110.700",
                                        "+0.64400", "5.500e+3", "-.123e-2", "-87e+832", "+0.6e-12",
                                        "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^", "e"};
    char text[TEXT_BYTES + 16];
    uint32_t counts[STATES] = {0}, changes = 0;
    size_t size = 0;
    while (size < TEXT_BYTES - 12) {
        seed = seed * 1664525u + 1013904223u;
        const char* word = words[seed >> 28];
        const size_t length = strlen(word);
        memcpy(text + size, word, length);
        size += length;
        text[size++] = ',';
    }
    for (int pass = 0; pass < 2; ++pass) {
        State state = START;
        for (size_t i = 0; i < size; ++i) {
            if (text[i] == ',') {
                ++counts[state];
                state = START;
                continue;
            }
            const State next = next_state(state, text[i]);
            changes += next != state;
            state = next;
        }
        for (size_t i = seed & 7; i < size; i += 11)
            if (text[i] != ',') text[i] ^= 1;
    }
    for (int i = 0; i < STATES; ++i) crc = crc_byte(crc, (uint8_t)counts[i]);
    return crc_word(crc, changes);
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2500;
    uint16_t crc = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        crc = run_list(i + crc, crc);
        crc = run_matrices(i + crc, crc);
        crc = run_states(i + crc, crc);
    }
    printf("corelike %u %04x\n", (unsigned)iterations, (unsigned)crc);
    return 0;
}
