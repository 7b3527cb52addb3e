// SPDX-License-Identifier: Apache-2.0
// What the drivers of calls.wat have in common: the same loops, counts and report. C and C++.
#ifndef WSB_BENCH_PEERS_CALLS_H
#define WSB_BENCH_PEERS_CALLS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static const int32_t host_calls = 2000000, guest_calls = 5000000, rounds = 9;

static inline double cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/// `sum` is what all rounds of `add` and the last runs of `calling` and `counting` came to: a wrong one is an
/// error.
static inline int report(double host_to_guest, double calling, double counting, int32_t add_sum,
                         int32_t calling_sum, int32_t counting_sum) {
    int32_t expected_add = 0, expected_loop = 0;
    for (int32_t i = 0; i < host_calls; ++i)
        expected_add = (int32_t)((uint32_t)expected_add + (uint32_t)i);
    for (int32_t i = guest_calls; i > 0; --i)
        expected_loop = (int32_t)((uint32_t)expected_loop + (uint32_t)i);
    if (add_sum != expected_add || calling_sum != expected_loop || counting_sum != expected_loop) {
        fprintf(stderr, "wrong sums: %d %d %d\n", add_sum, calling_sum, counting_sum);
        return 1;
    }
    printf("{\"host_to_guest_ns\": %.2f, \"guest_to_host_ns\": %.2f, \"loop_ns\": %.2f}\n",
           host_to_guest / host_calls, (calling - counting) / guest_calls, counting / guest_calls);
    return 0;
}

#endif
