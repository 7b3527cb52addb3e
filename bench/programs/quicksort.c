// SPDX-License-Identifier: Apache-2.0
// quicksort: sorts records in place and through pointers, then searches them.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 4000 };

typedef struct {
    uint32_t key;
    int16_t group;
    uint8_t flags[2];
    double weight;
    uint32_t serial;
} Record;

static Record records[RECORDS];
static Record* order[RECORDS];

static int compare(const Record* a, const Record* b) {
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static void swap(Record* a, Record* b) {
    const Record saved = *a;
    *a = *b;
    *b = saved;
}

static void sort_records(Record* first, Record* last) {
    while (last - first > 12) {
        Record* middle = first + (last - first) / 2;
        if (compare(middle, first) < 0) swap(middle, first);
        if (compare(last - 1, first) < 0) swap(last - 1, first);
        if (compare(last - 1, middle) < 0) swap(last - 1, middle);
        const Record pivot = *middle;
        Record* low = first;
        Record* high = last - 1;
        while (low <= high) {
            while (compare(low, &pivot) < 0) ++low;
            while (compare(&pivot, high) < 0) --high;
            if (low <= high) swap(low++, high--);
        }
        // The smaller part by recursion, the larger by the loop: the depth stays logarithmic.
        if (high + 1 - first < last - low) {
            sort_records(first, high + 1);
            first = low;
        } else {
            sort_records(low, last);
            last = high + 1;
        }
    }
    for (Record* at = first + 1; at < last; ++at)
        for (Record* back = at; back > first && compare(back, back - 1) < 0; --back)
            swap(back, back - 1);
}

static int compare_weights(const void* left, const void* right) {
    const Record* a = *(Record* const*)left;
    const Record* b = *(Record* const*)right;
    if (a->weight != b->weight) return a->weight < b->weight ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static uint32_t lower_bound(const Record* wanted) {
    uint32_t low = 0, high = RECORDS;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare(&records[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 45;
    uint32_t state = 1, checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        for (uint32_t j = 0; j < RECORDS; ++j) {
            state = state * 1664525u + 1013904223u;
            records[j] = (Record){.key = state >> 4 & 0xffff,
                                  .group = (int16_t)((state >> 20 & 15) - 8),
                                  .flags = {(uint8_t)(state >> 9), (uint8_t)j},
                                  .weight = (double)(state % 10007) * 0.25,
                                  .serial = j};
        }
        sort_records(records, records + RECORDS);
        for (uint32_t j = 1; j < RECORDS; ++j)
            if (compare(&records[j - 1], &records[j]) >= 0) return 1;
        for (uint32_t j = 0; j < RECORDS; ++j) {
            order[j] = &records[j];
            checksum = checksum * 31 + records[j].key + records[j].flags[0];
        }
        qsort(order, RECORDS, sizeof order[0], compare_weights);
        for (uint32_t j = 0; j < RECORDS; j += 3) {
            checksum = checksum * 31 + order[j]->serial;
            if (lower_bound(order[j]) != (uint32_t)(order[j] - records)) return 1;
        }
    }
    printf("quicksort %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
