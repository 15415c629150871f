/* statistics.h: series of all kinds by one thread and by several, which must give the same to the bit; the forecasts that
 * have a formula against it.
 *
 *     statistics check|threads
 */
#include "check.h"
#include "statistics.h"

enum { THREADS = 3, SERIES = 24, HORIZON = 6, BACKS = 3, SEASON = 4 };

static const int64_t backs[BACKS] = {10, 8, 6};
static const double periods[] = {SEASON, 12};

static double *new_array(int64_t n) {
    double *array = zeros(n, sizeof *array);
    for (int64_t i = 0; i < n; i++) array[i] = NAN;
    return array;
}

/* A level, a trend, a season, noise; some series have gaps, one value, no value, or equal values. */
static double *random_series(int64_t *offsets) {
    double *values = zeros(SERIES * 80, sizeof *values);
    int64_t n = 0;
    for (int s = 0; s < SERIES; s++) {
        const int64_t length = s < 3 ? s : 8 + random_below(72);
        const double level = 10 + 100 * random_uniform(), trend = random_normal(), season = 5 * random_normal();
        for (int64_t i = 0; i < length; i++, n++) {
            values[n] = level + trend * (double)i + season * (double)(i % SEASON) + (s % 5 ? random_normal() : 0);
            if (s % 4 == 1 && random_below(9) == 0) values[n] = NAN;
            if (s == 7) values[n] = 3;
        }
        offsets[s + 1] = n;
    }
    return values;
}

typedef struct {
    const kz_panel *panel;
    int *next;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    kz_work scratch;
    CHECK(!kz_reserve(&scratch, w->panel, 80), "no memory");
    for (;;) {
        const int s = __atomic_fetch_add(w->next, 1, __ATOMIC_RELAXED);
        if (s >= SERIES) break;
        if (w->panel->offsets[s + 1] > w->panel->offsets[s]) kz_fit_series(w->panel, &scratch, s);
    }
    kz_release(&scratch);
    return NULL;
}

enum { N_ARRAYS = 5 };

static const int64_t sizes[N_ARRAYS] = {
    SERIES * KZ_CANDIDATES * HORIZON, SERIES * BACKS * KZ_CANDIDATES * HORIZON, SERIES * (BACKS + 1) * KZ_CANDIDATES,
    SERIES * KZ_CANDIDATES * KZ_PARAMETERS, KZ_CANDIDATES * SERIES * 80,
};

/* Fits all series with `n` threads; the arrays of results. */
static void fit(const double *values, const int64_t *offsets, int n, double **arrays) {
    int next = 0;
    worker workers[THREADS];
    for (int i = 0; i < N_ARRAYS; i++) arrays[i] = new_array(sizes[i]);
    kz_panel panel = {
        .values = values, .offsets = offsets, .horizon = HORIZON, .n_backs = BACKS, .backs = backs, .n_seasons = 2,
        .periods = periods, .floor = -INFINITY, .ceiling = INFINITY, .rolled_iterations = 5, .forecasts = arrays[0],
        .rolled = arrays[1], .criteria = arrays[2], .parameters = arrays[3], .fitted = arrays[4],
        .n_values = offsets[SERIES],
    };
    for (int i = 0; i < n; i++) workers[i] = (worker){&panel, &next};
    if (n > 1) in_threads(n, work, workers, sizeof *workers);
    else work(workers);
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "threads")), "statistics check|threads");
    const int threads = !strcmp(argv[1], "threads");
    int64_t offsets[SERIES + 1] = {0}, finite = 0;
    double *values = random_series(offsets), *alone[N_ARRAYS], *together[N_ARRAYS];
    fit(values, offsets, 1, alone);
    fit(values, offsets, threads ? THREADS : 1, together);
    for (int i = 0; i < N_ARRAYS; i++) CHECK(!memcmp(alone[i], together[i], (size_t)sizes[i] * sizeof(double)), "array %d", i);
    for (int s = 3; s < SERIES; s++) {
        const double *y = values + offsets[s], *forecasts = alone[0] + s * KZ_CANDIDATES * HORIZON;
        const int64_t n = offsets[s + 1] - offsets[s];
        int64_t gaps = 0;
        for (int64_t i = 0; i < n; i++) gaps += isnan(y[i]);
        const int64_t lag = n > 24 ? 12 : SEASON; /* the longest season that the series has twice */
        for (int h = 0; h < HORIZON; h++) {
            for (int c = 0; c < KZ_CANDIDATES; c++) {
                const double value = forecasts[c * HORIZON + h];
                CHECK(!isinf(value), "candidate %d of series %d is infinite", c, s);
                finite += !isnan(value);
            }
            const double repeated = y[n - lag + h % lag], forecast = forecasts[KZ_SEASONAL_NAIVE * HORIZON + h];
            CHECK(gaps || fabs(forecast - repeated) < 1e-9 * fabs(repeated), "%g, not %g", forecast, repeated);
        }
        if (s == 7) /* equal values: every forecast is that value */
            for (int i = 0; i < KZ_CANDIDATES * HORIZON; i++)
                CHECK(isnan(forecasts[i]) || fabs(forecasts[i] - 3) < 1e-6, "%g for a constant", forecasts[i]);
    }
    CHECK(finite > SERIES * KZ_CANDIDATES * HORIZON / 2, "only %d forecasts", (int)finite);
    for (int i = 0; i < N_ARRAYS; i++) free(alone[i]), free(together[i]);
    free(values);
    if (threads) printf("statistics: %d threads, equal to one\n", THREADS);
    else printf("statistics: equal, %d forecasts\n", (int)finite);
    return 0;
}
