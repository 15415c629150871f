/* Dynamic optimised theta (Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler 2016, International Journal of
 * Forecasting 32, section 3.2):
 *
 *   mu_t = l_{t-1} + k { (1 - alpha)^{t-1} A_{t-1} + (1 - (1 - alpha)^t) / alpha B_{t-1} },   k = 1 - 1 / theta
 *   l_t = alpha y_t + (1 - alpha) l_{t-1}
 *
 * A and B are intercept and slope of the least squares line through the values up to t - 1. Forecasts beyond one step are
 * fed back as values. mu is linear in l_0 and k, so for each alpha these two are solved for, with 0 <= k <= 1, and alpha is
 * searched in [.1, .99]. The first three errors do not count. Missing values are skipped.
 */
#ifndef KERAZOO_THETA_H
#define KERAZOO_THETA_H

#include <math.h>
#include <stdint.h>

#define KZ_THETA_GRID 12
#define KZ_THETA_GOLDEN 12
#define KZ_THETA_LOW 0.1
#define KZ_THETA_HIGH 0.99
#define KZ_THETA_FIRST 3 /* errors that do not count */

typedef struct {
    double n, t, tt, y, ty; /* sums over the values so far */
} kz_line_sums;

static inline void kz_line_add(kz_line_sums *sums, double t, double y) {
    sums->n += 1.0;
    sums->t += t;
    sums->tt += t * t;
    sums->y += y;
    sums->ty += t * y;
}

static inline void kz_line_of(const kz_line_sums *sums, double *intercept, double *slope) {
    double spread = sums->n * sums->tt - sums->t * sums->t;
    *slope = sums->n > 1.5 ? (sums->n * sums->ty - sums->t * sums->y) / spread : 0.0;
    *intercept = sums->n > 0.5 ? (sums->y - *slope * sums->t) / sums->n : 0.0;
}

/* The squared errors for this alpha with the best l_0 and k. `lines` (n, 2) has A and B before each value. */
static double kz_theta_solve(
    const double *y, const double *lines, int64_t n, double alpha, double *start, double *weight) {
    double level = 0.0, decay = 1.0, keep = 1.0 - alpha;
    double qq = 1e-8, qc = 0.0, cc = 0.0, qr = 1e-8 * y[0], cr = 0.0, rr = 1e-8 * y[0] * y[0], determinant;
    int64_t t;
    for (t = 0; t < n; t++) {
        double c, r;
        if (isnan(y[t])) continue;
        if (t >= KZ_THETA_FIRST) {
            c = decay * lines[2 * t] + (1.0 - keep * decay) / alpha * lines[2 * t + 1];
            r = y[t] - level;
            qq += decay * decay;
            qc += decay * c;
            cc += c * c;
            qr += decay * r;
            cr += c * r;
            rr += r * r;
        }
        level = alpha * y[t] + keep * level;
        decay *= keep;
    }
    determinant = qq * cc - qc * qc;
    *weight = determinant > 1e-12 * qq * cc ? (qq * cr - qc * qr) / determinant : 0.0;
    *weight = fmax(0.0, fmin(1.0, *weight));
    *start = (qr - *weight * qc) / qq;
    return rr - 2.0 * (*start * qr + *weight * cr) + *start * *start * qq + 2.0 * *start * *weight * qc
        + *weight * *weight * cc;
}

/* Fits and writes one-step forecasts and those of the horizon to `path` (n + horizon); found = alpha, theta, l_0. The
 * first value is not missing. `lines` is scratch (n, 2). */
static void kz_theta(const double *y, int64_t n, int64_t horizon, double *lines, double *path, double *found) {
    kz_line_sums sums = {0, 0, 0, 0, 0};
    double low, high, left, right, at_left, at_right, value, best = INFINITY, alpha = 0.5, start, weight, level, decay;
    const double golden = 0.6180339887498949, gap = (KZ_THETA_HIGH - KZ_THETA_LOW) / (KZ_THETA_GRID - 1);
    int64_t t;
    int i;
    for (t = 0; t < n; t++) {
        kz_line_of(&sums, &lines[2 * t], &lines[2 * t + 1]);
        if (!isnan(y[t])) kz_line_add(&sums, (double)(t + 1), y[t]);
    }
    for (i = 0; i < KZ_THETA_GRID; i++) {
        value = kz_theta_solve(y, lines, n, KZ_THETA_LOW + gap * i, &start, &weight);
        if (value < best) {
            best = value;
            alpha = KZ_THETA_LOW + gap * i;
        }
    }
    low = fmax(KZ_THETA_LOW, alpha - gap);
    high = fmin(KZ_THETA_HIGH, alpha + gap);
    left = high - golden * (high - low);
    right = low + golden * (high - low);
    at_left = kz_theta_solve(y, lines, n, left, &start, &weight);
    at_right = kz_theta_solve(y, lines, n, right, &start, &weight);
    for (i = 0; i < KZ_THETA_GOLDEN; i++) {
        if (at_left < at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - golden * (high - low);
            at_left = kz_theta_solve(y, lines, n, left, &start, &weight);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + golden * (high - low);
            at_right = kz_theta_solve(y, lines, n, right, &start, &weight);
        }
    }
    if (fmin(at_left, at_right) < best) alpha = at_left < at_right ? left : right;
    kz_theta_solve(y, lines, n, alpha, &start, &weight);
    memset(&sums, 0, sizeof sums);
    level = start;
    decay = 1.0;
    for (t = 0; t < n + horizon; t++) {
        double intercept, slope, known;
        kz_line_of(&sums, &intercept, &slope);
        path[t] = level + weight * (decay * intercept + (1.0 - (1.0 - alpha) * decay) / alpha * slope);
        if (t == 0) path[t] = y[0];
        known = t < n ? y[t] : path[t];
        if (isnan(known)) continue;
        kz_line_add(&sums, (double)(t + 1), known);
        level = alpha * known + (1.0 - alpha) * level;
        decay *= 1.0 - alpha;
    }
    found[0] = alpha;
    found[1] = weight < 1.0 ? 1.0 / (1.0 - weight) : INFINITY;
    found[2] = start;
}

#endif
