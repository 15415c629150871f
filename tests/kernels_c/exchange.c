/* exchange.h against loops over single numbers; and rows of one table that several threads pack and add.
 *
 *     exchange check|threads
 */
#include "check.h"
#include "exchange.h"

enum { THREADS = 3, ROWS = 300, WIDTH = 37 };

typedef struct {
    float *now, *base, *total, *scaled;
    const float *values;
    uint16_t *sent;
    int begin, end;
} worker;

/* Rows begin..end - 1: what has changed is packed, added to the total, applied, and scaled. */
static void *work(void *argument) {
    worker *w = argument;
    for (int row = w->begin; row < w->end; row++) {
        const int64_t at = (int64_t)row * WIDTH;
        kz_pack_change(w->now + at, w->base + at, w->sent + at, WIDTH);
        kz_add_packed(w->total + at, w->sent + at, WIDTH);
        kz_apply_packed(w->base + at, w->now + at, w->sent + at, WIDTH);
        kz_scale(w->scaled + at, w->values, (float)row * 0.1f, (float)(1 + row % 4), 1e-3f, WIDTH);
    }
    return NULL;
}

static float *random_floats(int64_t n) {
    float *values = zeros(n, sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = (float)random_normal();
    return values;
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "threads")), "exchange check|threads");
    const int threads = !strcmp(argv[1], "threads"), n = ROWS * WIDTH;
    float *now = random_floats(n), *base = random_floats(n), *total = random_floats(n), *scaled = random_floats(n);
    float *values = zeros(WIDTH, sizeof *values), *before[4] = {now, base, total, scaled};
    worker workers[THREADS];
    for (int d = 0; d < WIDTH; d++) values[d] = (float)random_uniform();
    for (int i = 0; i < 4; i++) {
        float *copy = zeros(n, sizeof *copy);
        before[i] = memcpy(copy, before[i], (size_t)n * sizeof *copy);
    }
    uint16_t *sent = zeros(n, sizeof *sent);
    for (int i = 0; i < THREADS; i++)
        workers[i] = (worker){now, base, total, scaled, values, sent, ROWS * i / THREADS, ROWS * (i + 1) / THREADS};
    if (threads) in_threads(THREADS, work, workers, sizeof *workers);
    for (int i = 0; i < THREADS && !threads; i++) work(workers + i);
    for (int i = 0; i < n; i++) {
        const float change = before[0][i] - before[1][i];
        const uint32_t bits = (uint32_t)sent[i] << 16;
        float rounded;
        memcpy(&rounded, &bits, sizeof rounded);
        CHECK(fabsf(rounded - change) <= fabsf(change) / 256, "%g was sent as %g", change, rounded);
        CHECK(total[i] == before[2][i] + rounded, "total %d", i);
        CHECK(base[i] == before[1][i] + rounded && now[i] == base[i], "row %d", i / WIDTH);
        const double way = (double)(float)(i / WIDTH * 0.1f) * values[i % WIDTH], workers_of = 1 + i / WIDTH % 4;
        const double ratio = way > 1e-3 ? -expm1(-way) / (workers_of * -expm1(-way / workers_of)) - 1 : 0;
        CHECK(fabs(scaled[i] - before[3][i] * ratio) < 1e-5 * (1 + fabs(before[3][i])), "scale %d: %g", i, scaled[i]);
    }
    int32_t ids[1000], counts[10] = {0}, sum = 0;
    for (int i = 0; i < 1000; i++) ids[i] = (int32_t)random_below(10);
    kz_count(ids, 1000, counts);
    for (int i = 0; i < 10; i++) sum += counts[i];
    CHECK(sum == 1000, "%d ids", sum);
    for (int i = 0; i < 4; i++) free(before[i]);
    free(now), free(base), free(total), free(scaled), free(values), free(sent);
    if (threads) printf("exchange: %d threads, equal\n", THREADS);
    else printf("exchange: equal\n");
    return 0;
}
