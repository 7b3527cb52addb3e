// SPDX-License-Identifier: Apache-2.0
// nbody: gravitation between a star and a few planets; doubles, square roots and divisions.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODIES = 6 };

typedef struct {
    double x, y, z;
    double vx, vy, vz;
    double mass;
} Body;

static Body bodies[BODIES];

/// A star in the middle and planets on nearly circular orbits, each slightly tilted.
static void set_up(void) {
    memset(bodies, 0, sizeof bodies);
    bodies[0].mass = 39.5;
    for (int i = 1; i < BODIES; ++i) {
        const double radius = 0.6 + 0.9 * i;
        const double speed = sqrt(bodies[0].mass / radius);
        bodies[i].x = i & 1 ? radius : -radius;
        bodies[i].vy = (i & 1 ? speed : -speed) * (1.0 - 0.01 * i);
        bodies[i].vz = 0.02 * speed * (i - 3);
        bodies[i].mass = 0.004 * i;
    }
}

static void advance(double dt) {
    for (int i = 0; i < BODIES; ++i) {
        Body* a = &bodies[i];
        for (int j = i + 1; j < BODIES; ++j) {
            Body* b = &bodies[j];
            const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            const double square = dx * dx + dy * dy + dz * dz + 1e-9;
            const double pull = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; ++i) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < BODIES; ++i) {
        const Body* a = &bodies[i];
        sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
        for (int j = i + 1; j < BODIES; ++j) {
            const Body* b = &bodies[j];
            const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 300;
    set_up();
    for (uint32_t i = 0; i < iterations; ++i)
        for (int step = 0; step < 1000; ++step) advance(0.0005);
    printf("nbody %u %.12e\n", (unsigned)iterations, energy());
    return 0;
}
