// SPDX-License-Identifier: Apache-2.0
// life: Conway's game on a torus, once cell by cell and once with 64 cells in a word.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64 };

static uint8_t cells[2][SIDE][SIDE];
static uint64_t rows[SIDE];

static void step_cells(int from) {
    for (int y = 0; y < SIDE; ++y) {
        const uint8_t* above = cells[from][(y + SIDE - 1) % SIDE];
        const uint8_t* here = cells[from][y];
        const uint8_t* below = cells[from][(y + 1) % SIDE];
        for (int x = 0; x < SIDE; ++x) {
            const int l = (x + SIDE - 1) % SIDE, r = (x + 1) % SIDE;
            const int n = above[l] + above[x] + above[r] + here[l] + here[r] + below[l] +
                          below[x] + below[r];
            cells[1 - from][y][x] = n == 3 || (n == 2 && here[x]);
        }
    }
}

static uint64_t left(uint64_t row) { return row << 1 | row >> 63; }
static uint64_t right(uint64_t row) { return row >> 1 | row << 63; }

static void step_rows(void) {
    uint64_t next[SIDE];
    for (int y = 0; y < SIDE; ++y) {
        const uint64_t a = rows[(y + SIDE - 1) % SIDE], h = rows[y], b = rows[(y + 1) % SIDE];
        const uint64_t neighbours[8] = {left(a), a, right(a), left(h),
                                        right(h), left(b), b, right(b)};
        uint64_t ones = 0, twos = 0, fours = 0;
        for (int i = 0; i < 8; ++i) {
            const uint64_t carry = ones & neighbours[i];
            ones ^= neighbours[i];
            fours |= twos & carry;
            twos ^= carry;
        }
        next[y] = twos & ~fours & (ones | h);
    }
    memcpy(rows, next, sizeof rows);
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1500;
    uint64_t state = 88172645463325252u, checksum = 0;
    for (int y = 0; y < SIDE; ++y)
        for (int x = 0; x < SIDE; ++x) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            cells[0][y][x] = (uint8_t)(state >> 20 & 1);
            rows[y] |= (uint64_t)cells[0][y][x] << x;
        }
    for (uint32_t i = 0; i < iterations; ++i) {
        step_cells((int)(i & 1));
        step_rows();
        uint8_t (*now)[SIDE] = cells[1 - (i & 1)];
        const uint32_t y = i % SIDE;
        for (int x = 0; x < SIDE; ++x)
            if (now[y][x] != (rows[y] >> x & 1)) return 1;
        checksum = (checksum << 1 | checksum >> 63) ^ rows[y];
        if (i % 200 == 199) {  // keep the field from settling
            rows[y] ^= 0xff;
            for (int x = 0; x < 8; ++x) cells[1 - (i & 1)][y][x] ^= 1;
        }
    }
    printf("life %u %016llx\n", (unsigned)iterations, (unsigned long long)checksum);
    return 0;
}
