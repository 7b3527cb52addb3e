// SPDX-License-Identifier: Apache-2.0
// The calls of calls.wat through wasm3's library. Usage: calls_wasm3 calls.wasm
#include "calls.h"
#include "m3_env.h"
#include "wasm3.h"

#include <stdlib.h>

static m3ApiRawFunction(host_add) {
    m3ApiReturnType(int32_t);
    m3ApiGetArg(int32_t, x);
    m3ApiGetArg(int32_t, y);
    m3ApiReturn((int32_t)((uint32_t)x + (uint32_t)y));
}

static void require(M3Result result) {
    if (result) {
        fprintf(stderr, "%s\n", result);
        exit(1);
    }
}

static double least(double x, double y) { return x < y ? x : y; }

/// The least time of several rounds of a function of one i32.
static double least_ns(IM3Function function, int32_t* sum) {
    double best = 1e18;
    for (int round = 0; round < rounds; ++round) {
        const double begin = cpu_ns();
        require(m3_CallV(function, guest_calls));
        best = least(best, cpu_ns() - begin);
        require(m3_GetResultsV(function, sum));
    }
    return best;
}

int main(int argc, char** argv) {
    static uint8_t bytes[1 << 16];
    FILE* file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: calls_wasm3 calls.wasm\n");
        return 1;
    }
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, 1 << 16, NULL);
    IM3Module module;
    require(m3_ParseModule(environment, &module, bytes, (uint32_t)size));
    require(m3_LoadModule(runtime, module));
    require(m3_LinkRawFunction(module, "host", "add", "i(ii)", host_add));
    IM3Function add, calling, counting;
    require(m3_FindFunction(&add, runtime, "add"));
    require(m3_FindFunction(&calling, runtime, "calling"));
    require(m3_FindFunction(&counting, runtime, "counting"));
    int32_t add_sum = 0, calling_sum = 0, counting_sum = 0;
    double host_to_guest = 1e18;
    for (int round = 0; round < rounds; ++round) {
        add_sum = 0;
        const double begin = cpu_ns();
        for (int32_t i = 0; i < host_calls; ++i) {
            require(m3_CallV(add, add_sum, i));
            require(m3_GetResultsV(add, &add_sum));
        }
        host_to_guest = least(host_to_guest, cpu_ns() - begin);
    }
    const double with_calls = least_ns(calling, &calling_sum);
    const double without = least_ns(counting, &counting_sum);
    return report(host_to_guest, with_calls, without, add_sum, calling_sum, counting_sum);
}
