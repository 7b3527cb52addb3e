// SPDX-License-Identifier: Apache-2.0
// matmul: multiplication and LU decomposition of matrices of doubles.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64 };

static double left[N][N], right[N][N], product[N][N];

static void fill(uint32_t seed) {
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            seed = seed * 1664525u + 1013904223u;
            left[i][j] = (double)(seed >> 8) / 16777216.0;
            seed = seed * 1664525u + 1013904223u;
            right[i][j] = (double)(seed >> 8) / 16777216.0 - 0.5;
        }
        left[i][i] += (double)N;
    }
}

static void multiply(void) {
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            double sum = 0;
            for (int k = 0; k < N; ++k) sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
    }
}

/// In place, without pivoting: fill() makes the diagonal dominant. Returns the determinant's
/// diagonal as a sum, which a product would overflow.
static double decompose(double matrix[N][N]) {
    double trace = 0;
    for (int k = 0; k < N; ++k) {
        for (int i = k + 1; i < N; ++i) {
            const double factor = matrix[i][k] / matrix[k][k];
            matrix[i][k] = factor;
            for (int j = k + 1; j < N; ++j) matrix[i][j] -= factor * matrix[k][j];
        }
        trace += matrix[k][k];
    }
    return trace;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100;
    uint64_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        fill(i + 1);
        multiply();
        double sum = decompose(left);
        for (int j = 0; j < N; ++j) sum += product[j][(j * 7) % N];
        uint64_t sum_bits;
        memcpy(&sum_bits, &sum, sizeof sum_bits);
        checksum = (checksum << 7 | checksum >> 57) ^ sum_bits;
    }
    printf("matmul %u %016llx\n", (unsigned)iterations, (unsigned long long)checksum);
    return 0;
}
