/* Windows over a panel of series for one network of all series: drawn at random, each scaled by itself.
 *
 * A window of L steps ends before step `end` of its series: its inputs are the values end - L .. end - 1, its targets the
 * values end .. end + H - 1. Values may be NaN (missing); steps outside the series are missing too. With the known values
 * y_1 .. y_n of the inputs,
 *
 *     centre = y_n,  scale = mean |y_i - y_(i-1)|,  unit = scale / level,
 *
 * where level is 1 for logarithms, whose differences are relative already, else mean |y_i|. So a unit is the relative
 * change from step to step, whatever the series is measured in. Counts have centre = 0 and scale = 1 + mean |y_i|
 * (Salinas et al. 2020, "DeepAR", section 3.3). As differences run between neighbours that are known, a scaled input is
 * never larger than the number of known differences.
 */
#ifndef KERAZOO_PANEL_WINDOWS_H
#define KERAZOO_PANEL_WINDOWS_H

#include <math.h>
#include "rng.h"

#define KZ_VALUES 0 /* kinds of series */
#define KZ_LOGARITHMS 1
#define KZ_COUNTS 2
#define KZ_WINDOW_FEATURES 3 /* scaled value, whether it is known, logarithm of the unit */
#define KZ_WINDOW_TARGETS 3  /* scaled value, whether it is known, unit (of counts the scale) */
#define KZ_LARGEST_TARGET 1e6

typedef struct {
    const double *values;   /* (n_values,): all series, one after the other */
    const int64_t *offsets; /* (n_series + 1,) */
    const uint8_t *kinds;   /* (n_series,) */
    int64_t lookback, horizon;
    double least_unit;      /* units are at least this, > 0 */
} kz_window_panel;

/* Draw `position` of the stream `key`: each of the `n` series in `eligible` is equally likely, and so is each end from
 * `history` to length - `future` of it. Both halves of one draw are used. */
KZ_INLINE void kz_draw_window(const int64_t *offsets, const int64_t *eligible, int64_t n, int64_t history, int64_t future,
                              uint64_t key, uint64_t position, int64_t *series, int64_t *end) {
    uint64_t r = kz_draw(key, position);
    int64_t s = eligible[kz_below(r, (uint32_t)n)];
    uint64_t ends = (uint64_t)(offsets[s + 1] - offsets[s] - history - future + 1);
    *series = s;
    *end = history + (int64_t)(((r >> 32) * ends) >> 32);
}

/* Mean of |y| over the known values, 0 if there is none. */
KZ_INLINE double kz_mean_size(const double *values, int64_t first, int64_t last) {
    double sum = 0.0;
    int64_t n = 0;
    for (int64_t i = first; i < last; i++)
        if (!isnan(values[i])) { sum += fabs(values[i]); n++; }
    return n ? sum / (double)n : 0.0;
}

/* One window: inputs (L, 3), targets (H, 3), centre and scale. Without a known value in the window, its centre is the last
 * one before it (else 0), and there are no targets. */
static void kz_fill_window(const kz_window_panel *p, int64_t series, int64_t end, float *inputs, float *targets,
                           double *centre, double *scale) {
    const double *y = p->values + p->offsets[series];
    int64_t length = p->offsets[series + 1] - p->offsets[series], start = end - p->lookback;
    int64_t first = start > 0 ? start : 0, n = 0;
    int kind = p->kinds[series];
    double sum = 0.0, before = 0.0;
    for (int64_t i = first; i < end; i++) {
        if (isnan(y[i])) continue;
        if (n++) sum += fabs(y[i] - before);
        before = y[i];
    }
    for (int64_t i = first - 1; n == 0 && i >= 0; i--) /* nothing known in the window: the last value before it */
        if (!isnan(y[i])) { before = y[i]; break; }
    double level = 1.0, middle = before, size = n > 1 ? sum / (double)(n - 1) : 0.0;
    if (kind != KZ_LOGARITHMS) {
        level = kz_mean_size(y, first, end);
        if (kind == KZ_COUNTS) {
            middle = 0.0;
            size = 1.0 + level;
        }
        if (!(level > 0.0)) level = kz_mean_size(y, 0, end); /* a window of zeros: what was before it */
        if (!(level > 0.0)) level = 1.0;
    }
    double unit = size / level;
    if (!(unit >= p->least_unit)) {
        unit = p->least_unit;
        size = unit * level;
    }
    float log_unit = (float)log(unit);
    for (int64_t j = 0; j < p->lookback; j++) {
        int64_t i = start + j;
        int known = i >= first && !isnan(y[i]);
        float *out = inputs + j * KZ_WINDOW_FEATURES;
        out[0] = known ? (float)((y[i] - middle) / size) : 0.0f;
        out[1] = known ? 1.0f : 0.0f;
        out[2] = log_unit;
    }
    for (int64_t j = 0; j < p->horizon; j++) {
        int64_t i = end + j;
        int known = n > 0 && i < length && !isnan(y[i]);
        float *out = targets + j * KZ_WINDOW_TARGETS;
        double value = known ? (y[i] - middle) / size : 0.0;
        /* A jump after constant values is large in their scale. */
        if (value > KZ_LARGEST_TARGET) value = KZ_LARGEST_TARGET;
        if (value < -KZ_LARGEST_TARGET) value = -KZ_LARGEST_TARGET;
        out[0] = (float)value;
        out[1] = known ? 1.0f : 0.0f;
        out[2] = (float)(kind == KZ_COUNTS ? size : unit);
    }
    *centre = middle;
    *scale = size;
}

#endif
