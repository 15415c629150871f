/* Seasons: where a step lies in each of them, the test for a season, and classical decomposition.
 *
 * A season of P steps has M = P states if P is an integer. Otherwise M = round(P) states lie P / M steps apart, and a
 * step between two of them takes (1 - w) of the first and w of the second. Missing values are NaN.
 *
 *   test           |r_m| > 1.645 sqrt((1 + 2 (r_1^2 + ... + r_{m-1}^2)) / n), r the autocorrelations, m = round(P),
 *                  from three seasons on: the benchmark methods of the M4 competition (Makridakis et al. 2020)
 *   decomposition  mean ratios to, or differences from, a centred moving average of m steps, shrunk
 */
#ifndef KERAZOO_SEASONALITY_H
#define KERAZOO_SEASONALITY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define KZ_SEASONS 4         /* seasons of one series */
#define KZ_CRITICAL 1.645    /* two-sided 90 % of the normal distribution */
#define KZ_TEST_SEASONS 3.0  /* shorter series are not tested */

typedef struct {
    int n;                       /* number of seasons, the shortest first */
    double period[KZ_SEASONS];
    int64_t slots[KZ_SEASONS];   /* states of each season */
    int64_t first[KZ_SEASONS];   /* its first state among all of them */
    int64_t total;               /* states of all seasons */
    int32_t *slot[KZ_SEASONS];   /* of each step: the state, counted within the season */
    double *share[KZ_SEASONS];   /* of each step: the part w of the next state; NULL if P is an integer */
} kz_seasons;

/* Fills the table of one season for the steps 0 .. n - 1. */
static void kz_place(const kz_seasons *seasons, int j, int64_t n) {
    double period = seasons->period[j];
    int64_t slots = seasons->slots[j], t;
    for (t = 0; t < n; t++) {
        if (!seasons->share[j]) {
            seasons->slot[j][t] = (int32_t)(t % slots);
        } else {
            double position = fmod((double)t, period) * ((double)slots / period);
            int64_t slot = (int64_t)position;
            if (slot >= slots) slot = slots - 1; /* rounding */
            seasons->slot[j][t] = (int32_t)slot;
            seasons->share[j][t] = position - (double)slot;
        }
    }
}

/* The season j at step t; `states` are those of all seasons. */
static inline double kz_season_at(const kz_seasons *seasons, int j, const double *states, int64_t t) {
    const double *own = states + seasons->first[j];
    int64_t slot = seasons->slot[j][t], next;
    double share;
    if (!seasons->share[j]) return own[slot];
    share = seasons->share[j][t];
    next = slot + 1 == seasons->slots[j] ? 0 : slot + 1;
    return (1.0 - share) * own[slot] + share * own[next];
}

/* Copies y to out and fills missing values: from a season earlier, else from a season later, else linearly. */
static void kz_fill(const double *y, int64_t n, int64_t period, double *out) {
    int64_t t, before = -1, after = 0;
    memcpy(out, y, (size_t)n * sizeof(double));
    if (period > 1) {
        for (t = period; t < n; t++)
            if (isnan(out[t])) out[t] = out[t - period];
        for (t = n - period - 1; t >= 0; t--)
            if (isnan(out[t])) out[t] = out[t + period];
    }
    for (t = 0; t < n; t++) {
        if (!isnan(out[t])) {
            before = t;
            continue;
        }
        if (after <= t) /* the next known value of this gap: looked for once, as gaps may be long */
            for (after = t + 1; after < n && isnan(out[after]);) after++;
        if (before < 0) {
            out[t] = after < n ? out[after] : 0.0;
        } else if (after == n) {
            out[t] = out[before];
        } else {
            out[t] = out[before] + (out[after] - out[before]) * (double)(t - before) / (double)(after - before);
        }
        before = t;
    }
}

/* Whether the autocorrelation at one season is significant. `filled` has no missing values; `correlations` has m + 1. */
static int kz_is_seasonal(const double *filled, int64_t n, double period, double *correlations) {
    int64_t m = (int64_t)(period + 0.5), lag, t;
    double mean = 0.0, variance = 0.0, sum = 1.0;
    if (m < 2 || (double)n < KZ_TEST_SEASONS * period) return 0;
    for (t = 0; t < n; t++) mean += filled[t];
    mean /= (double)n;
    for (t = 0; t < n; t++) variance += (filled[t] - mean) * (filled[t] - mean);
    if (!(variance > 0.0)) return 0;
    for (lag = 1; lag <= m; lag++) {
        double product = 0.0;
        for (t = lag; t < n; t++) product += (filled[t] - mean) * (filled[t - lag] - mean);
        correlations[lag] = product / variance;
        if (lag < m) sum += 2.0 * correlations[lag] * correlations[lag];
    }
    return fabs(correlations[m]) > KZ_CRITICAL * sqrt(sum / (double)n);
}

/* The deviation of y_t from the centred moving average of m steps, a ratio if `multiplicative`; NaN if there is none. */
static double kz_deviation(const double *y, const double *filled, int64_t t, int64_t m, int multiplicative) {
    int64_t half = m / 2, i;
    double average = 0.0;
    if (isnan(y[t])) return NAN;
    for (i = t - half; i <= t + half; i++) average += filled[i];
    if (m % 2 == 0) average -= 0.5 * (filled[t - half] + filled[t + half]); /* half of each end: centred */
    average /= (double)m;
    if (!multiplicative) return y[t] - average;
    return average > 0.0 ? y[t] / average : NAN;
}

/* States of the season j from `y`, whose missing values `filled` has filled: mean deviations from the moving average,
 * whose mean is made 1 (ratios, if `multiplicative`) or 0, shrunk by what noise would yield: with the variance A of the
 * states and V = s^2 M / N of their errors, s^2 the variance of the N deviations around them, by the factor 1 - V / A (a
 * James-Stein estimate; Miller and Williams 2003, International Journal of Forecasting 19). `weight` is as long as the
 * season. */
static void kz_decompose(
    const kz_seasons *seasons, int j, const double *y, const double *filled, int64_t n, int multiplicative,
    double *states, double *weight) {
    int64_t m = (int64_t)(seasons->period[j] + 0.5), half = m / 2, slots = seasons->slots[j], t, i;
    double *own = states + seasons->first[j], total = 0.0, neutral = multiplicative ? 1.0 : 0.0;
    double noise = 0.0, spread = 0.0, count = 0.0, keep;
    for (i = 0; i < slots; i++) own[i] = weight[i] = 0.0;
    for (t = half; t < n - half; t++) {
        double change = kz_deviation(y, filled, t, m, multiplicative), share;
        int64_t slot = seasons->slot[j][t], next = slot + 1 == slots ? 0 : slot + 1;
        if (isnan(change)) continue;
        share = seasons->share[j] ? seasons->share[j][t] : 0.0;
        own[slot] += (1.0 - share) * change;
        weight[slot] += 1.0 - share;
        own[next] += share * change;
        weight[next] += share;
    }
    for (i = 0; i < slots; i++) {
        own[i] = weight[i] > 0.0 ? own[i] / weight[i] : neutral;
        total += own[i];
    }
    total /= (double)slots;
    for (i = 0; i < slots; i++) {
        if (!multiplicative) own[i] -= total;
        else own[i] = total > 0.0 ? own[i] / total : 1.0;
        spread += (own[i] - neutral) * (own[i] - neutral);
    }
    spread /= (double)(slots - 1);
    for (t = half; t < n - half; t++) {
        double change = kz_deviation(y, filled, t, m, multiplicative);
        if (isnan(change)) continue;
        change -= kz_season_at(seasons, j, states, t);
        noise += change * change;
        count += 1.0;
    }
    /* With one deviation for each state nothing tells noise from season. */
    noise = count > (double)slots ? noise / (count - (double)slots) * (double)slots / count : spread;
    keep = spread > noise ? 1.0 - noise / spread : 0.0;
    for (i = 0; i < slots; i++) own[i] = neutral + keep * (own[i] - neutral);
}

#endif
