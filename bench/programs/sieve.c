// SPDX-License-Identifier: Apache-2.0
// sieve: the sieve of Eratosthenes, once with a byte and once with a bit per number.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100000 };

static uint8_t flags[LIMIT];
static uint32_t bits[LIMIT / 32 + 1];

static uint32_t sieve_bytes(void) {
    uint32_t primes = 0;
    memset(flags, 1, sizeof flags);
    for (uint32_t i = 2; i < LIMIT; ++i) {
        if (!flags[i]) continue;
        ++primes;
        for (uint32_t j = i + i; j < LIMIT; j += i) flags[j] = 0;
    }
    return primes;
}

static uint32_t sieve_bits(uint32_t limit) {
    uint32_t sum = 0;
    memset(bits, 0, sizeof bits);
    for (uint32_t i = 3; i < limit; i += 2) {
        if (bits[i >> 5] >> (i & 31) & 1) continue;
        sum += i;
        for (uint32_t j = i * 3; j < limit; j += 2 * i) bits[j >> 5] |= 1u << (j & 31);
    }
    return sum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 110;
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i)
        checksum = checksum * 33 + sieve_bytes() + sieve_bits(LIMIT - i % 64);
    printf("sieve %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
