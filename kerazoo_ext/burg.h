/* Linear autoregression of values, differences, differences with a drift, or seasonal differences, by Burg's method
 * (Burg 1967; Marple 1987, Digital Spectral Analysis, section 8.5), whose recursions never explode. The lowest AICc per
 * error decides on the order and on what is regressed.
 *
 * Missing values are filled by the caller for a first fit, then by the one-step forecasts of that fit for a second one.
 */
#ifndef KERAZOO_BURG_H
#define KERAZOO_BURG_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define KZ_ORDER 32      /* highest order */
#define KZ_AR_SHORTEST 8 /* errors that an autoregression needs */

enum { KZ_VALUES, KZ_DIFFERENCES, KZ_DRIFT, KZ_SEASONAL };

typedef struct {
    int kind, order;
    int64_t lag; /* of the difference; 0: none */
    double mean, variance, criterion, weights[KZ_ORDER];
} kz_ar;

/* z (n) with mean 0 is overwritten. Fills order, variance, criterion and weights of the best order; `extra` is the number
 * of other parameters. `back` is scratch (n). */
static void kz_burg(double *z, double *back, int64_t n, int extra, kz_ar *found) {
    double weights[KZ_ORDER] = {0}, former[KZ_ORDER], power = 0.0, criterion;
    int64_t most = n / 4 < KZ_ORDER ? n / 4 : KZ_ORDER, t;
    int p, k;
    for (t = 0; t < n; t++) power += z[t] * z[t];
    power /= (double)n;
    memcpy(back, z, (size_t)n * sizeof(double));
    found->criterion = INFINITY;
    for (p = 0; p <= most; p++) {
        double parameters = (double)(p + extra), spare = (double)n - parameters - 1.0;
        if (p) {
            double product = 0.0, squares = 0.0, reflection;
            for (t = p; t < n; t++) {
                product += z[t] * back[t - 1];
                squares += z[t] * z[t] + back[t - 1] * back[t - 1];
            }
            if (!(squares > 0.0)) break;
            reflection = 2.0 * product / squares;
            memcpy(former, weights, sizeof weights);
            for (k = 0; k < p - 1; k++) weights[k] = former[k] - reflection * former[p - 2 - k];
            weights[p - 1] = reflection;
            for (t = n - 1; t >= p; t--) { /* downwards: back[t - 1] is read before it is replaced */
                double forward = z[t], backward = back[t - 1];
                z[t] = forward - reflection * backward;
                back[t] = backward - reflection * forward;
            }
            power *= 1.0 - reflection * reflection;
        }
        if (spare <= 0.0) break;
        criterion = log(fmax(power, 1e-20)) + 2.0 * parameters * (1.0 + (parameters + 1.0) / spare) / (double)n;
        if (criterion < found->criterion) {
            found->criterion = criterion;
            found->order = p;
            found->variance = power;
            memcpy(found->weights, weights, (size_t)p * sizeof(double));
        }
    }
}

/* The forecast of x_t from the values before it; NaN if there are too few. */
static double kz_ar_step(const kz_ar *ar, const double *x, int64_t t) {
    double sum = ar->mean;
    int k;
    if (t < ar->order + ar->lag) return NAN;
    for (k = 1; k <= ar->order; k++)
        sum += ar->weights[k - 1] * (x[t - k] - (ar->lag ? x[t - k - ar->lag] : 0.0) - ar->mean);
    return sum + (ar->lag ? x[t - ar->lag] : 0.0);
}

/* The best kind from `first` to `last` for x (n), without missing values; 0 if none is possible. `scratch` is (2 n). */
static int kz_ar_select(
    const double *x, int64_t n, int64_t period, int first, int last, double *scratch, kz_ar *best) {
    kz_ar one;
    int kind;
    best->criterion = INFINITY;
    for (kind = first; kind <= last; kind++) {
        int64_t lag = kind == KZ_VALUES ? 0 : (kind == KZ_SEASONAL ? period : 1), m = n - lag, t;
        double mean = 0.0;
        if (m < KZ_AR_SHORTEST || (kind == KZ_SEASONAL && (period < 2 || m < period + 2))) continue;
        for (t = 0; t < m; t++) {
            scratch[t] = x[t + lag] - (lag ? x[t] : 0.0);
            mean += scratch[t];
        }
        mean = kind == KZ_DIFFERENCES ? 0.0 : mean / (double)m;
        for (t = 0; t < m; t++) scratch[t] -= mean;
        one.kind = kind;
        one.lag = lag;
        one.mean = mean;
        kz_burg(scratch, scratch + m, m, kind == KZ_DIFFERENCES ? 1 : 2, &one);
        if (one.criterion < best->criterion) *best = one;
    }
    return best->criterion < INFINITY;
}

/* One-step forecasts and those of the horizon in `path` (n + horizon). `y` may have missing values, which `x`
 * (n + horizon) has filled in its first n; x is overwritten. */
static int kz_autoregress(
    const double *y, double *x, int64_t n, int64_t horizon, int64_t period, int first, int last, double *scratch,
    double *path, kz_ar *ar) {
    int64_t t;
    int missing = 0;
    if (!kz_ar_select(x, n, period, first, last, scratch, ar)) return 0;
    for (t = 0; t < n; t++) {
        if (isnan(y[t]) && t >= ar->order + ar->lag) {
            x[t] = kz_ar_step(ar, x, t);
            missing = 1;
        }
    }
    if (missing) {
        if (!kz_ar_select(x, n, period, first, last, scratch, ar)) return 0;
        for (t = 0; t < n; t++)
            if (isnan(y[t]) && t >= ar->order + ar->lag) x[t] = kz_ar_step(ar, x, t);
    }
    for (t = 0; t < n + horizon; t++) {
        path[t] = kz_ar_step(ar, x, t);
        if (t >= n) x[t] = path[t];
    }
    return 1;
}

#endif
