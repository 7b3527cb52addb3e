// SPDX-License-Identifier: Apache-2.0
// mandelbrot: double arithmetic in a short loop with a data-dependent end.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 96, HEIGHT = 64, DEPTH = 120 };

static uint32_t escape(double real, double imaginary) {
    double x = 0, y = 0;
    uint32_t step = 0;
    for (; step < DEPTH; ++step) {
        const double xx = x * x, yy = y * y;
        if (xx + yy > 4.0) break;
        y = 2.0 * x * y + imaginary;
        x = xx - yy + real;
    }
    return step;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 40;
    uint32_t checksum = 0;
    double scale = 3.0;
    for (uint32_t i = 0; i < iterations; ++i) {
        for (int row = 0; row < HEIGHT; ++row) {
            for (int column = 0; column < WIDTH; ++column) {
                const double real = -0.7436 + scale * ((double)column / (double)WIDTH - 0.5);
                const double imaginary = 0.1318 + scale * ((double)row / (double)HEIGHT - 0.5);
                checksum = (checksum << 3 | checksum >> 29) ^ escape(real, imaginary);
            }
        }
        scale *= 0.95;
    }
    printf("mandelbrot %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
