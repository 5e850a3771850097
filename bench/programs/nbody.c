/* Five bodies under gravity, in double precision: scalar SSE2 arithmetic, division and square
 * root. The count is thousands of steps. */
#include <math.h>
#include <string.h>

#include "bench.h"

enum { BODIES = 5, STEPS = 1000 };

struct body {
    double position[3];
    double velocity[3];
    double mass;
};

/* A heavy body in the middle and four light ones around it, in arbitrary units. */
static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 40},
    {{4.75, -1.25, -0.125}, {0.5, 2.75, -0.0625}, 0.0375},
    {{8.25, 4.125, -0.5}, {-1.0, 1.75, 0.0078125}, 0.01125},
    {{12.875, -15.125, -0.25}, {1.0625, 0.875, -0.0109375}, 0.0017},
    {{15.5, -25.75, 0.1875}, {0.96875, 0.59375, -0.034375}, 0.002},
};

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double d[3];
            double square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = a->position[k] - b->position[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->velocity[k] -= d[k] * b->mass * pull;
                b->velocity[k] += d[k] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].position[k] += dt * bodies[i].velocity[k];
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 12000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        for (int s = 0; s < STEPS; s++)
            step(0.001);
        uint64_t bits;
        memcpy(&bits, &bodies[i % BODIES].position[0], sizeof bits);
        sum = bench_mix(sum, bits);
    }
    return bench_report(sum);
}
