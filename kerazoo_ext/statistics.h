/* Statistics of each series of a panel: candidates fitted at rolling origins and at the end, and their forecasts.
 *
 * A part of a series is its values before an origin. Every candidate is fitted to the part alone. The first and last values
 * that are missing are cut off, and forecasts start that many steps later; others are NaN and skipped. See _statistics.pyi for the candidates and the arrays.
 */
#ifndef KERAZOO_STATISTICS_H
#define KERAZOO_STATISTICS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "burg.h"
#include "seasonality.h"
#include "smoothing_fit.h"
#include "theta.h"

enum {
    KZ_NAIVE, KZ_SEASONAL_NAIVE, KZ_MEAN, KZ_SES, KZ_HOLT, KZ_DAMPED_HOLT, KZ_LOG_SES, KZ_LOG_HOLT, KZ_LOG_DAMPED,
    KZ_ANA, KZ_AAA, KZ_AADA, KZ_LOG_ANA, KZ_LOG_AAA, KZ_LOG_AADA, KZ_ETS, KZ_THETA, KZ_LEVEL_AR, KZ_AR, KZ_LOG_AR, KZ_SEASONAL_AR, KZ_LOG_SEASONAL_AR,
    KZ_CANDIDATES
};

#define KZ_PARAMETERS 6
#define KZ_ITERATIONS 25      /* of a fit that starts anew */
#define KZ_RANGES 3.0         /* forecasts stay within so many ranges beyond the values */
#define KZ_SMALLEST_RATIO 0.01 /* a multiplicative season below this is not trusted */

typedef struct {
    const double *values;
    const int64_t *offsets;
    int64_t horizon, n_backs;
    const int64_t *backs; /* steps from each origin to the end, falling */
    int n_seasons;
    const double *periods; /* rising */
    double floor, ceiling;
    int rolled_iterations; /* of fits that start from those of the origin before */
    double *forecasts, *rolled, *criteria, *parameters;
    double *fitted; /* (candidates, n_values), or NULL */
    int64_t n_values;
} kz_panel;

typedef struct {
    int width; /* 0: not fitted yet */
    double p[KZ_COLUMNS], centre, scale;
} kz_warm;

typedef struct {
    double *memory;
    double *y, *filled, *adjusted, *factor, *level, *log_level, *adjusted_level, *adjusted_log, *path, *best_path;
    double *lines, *scratch;
    double *states, *prior, *log_prior, *season, *by_season, *correlations;
    kz_seasons seasons;
    kz_warm warm[KZ_CANDIDATES];
} kz_work;

/* What a candidate sees: the values, perhaps adjusted, perhaps logarithms, with mean 0 and variance 1. */
typedef struct {
    const double *y;
    double centre, scale;
    int usable, logarithm, adjusted, multiplicative;
    double jacobian; /* to compare likelihoods of different views */
    int extra;       /* parameters of the adjustment */
} kz_view;

typedef struct {
    const kz_panel *panel;
    kz_work *work;
    int64_t n, known, start, series; /* values, those that are not missing, the place of the first in `values` */
    int64_t ahead, horizon; /* values that are missing at the end, after n; steps to forecast, with those */
    double unit, low, high, criterion;
    double *forecasts;  /* (candidates, horizon) */
    double *criteria;   /* (candidates) */
    int last, iterations;
    kz_seasons seasons;
} kz_part;

static int64_t kz_states_of(int n, const double *periods) {
    int64_t total = 0;
    int j;
    for (j = 0; j < n; j++) total += (int64_t)(periods[j] + 0.5);
    return total;
}

static void kz_release(kz_work *work) {
    int j;
    free(work->memory);
    for (j = 0; j < KZ_SEASONS; j++) {
        free(work->seasons.slot[j]);
        free(work->seasons.share[j]);
    }
}

/* Memory for series of up to `longest` values; -1 if there is none. */
static int kz_reserve(kz_work *work, const kz_panel *panel, int64_t longest) {
    int64_t steps = longest + panel->horizon, total = kz_states_of(panel->n_seasons, panel->periods);
    double **arrays[] = {&work->y, &work->filled, &work->adjusted, &work->factor, &work->level, &work->log_level,
                         &work->adjusted_level, &work->adjusted_log, &work->path, &work->best_path};
    double **seasonal[] = {&work->states, &work->prior, &work->log_prior, &work->season, &work->correlations};
    size_t n_arrays = sizeof arrays / sizeof *arrays, n_seasonal = sizeof seasonal / sizeof *seasonal, i;
    size_t size = (n_arrays + 4) * (size_t)steps + (n_seasonal + KZ_COLUMNS) * (size_t)(total + 2);
    double *next;
    int j;
    memset(work, 0, sizeof *work);
    work->memory = next = malloc(size * sizeof(double));
    if (!next) return -1;
    for (i = 0; i < n_arrays; i++, next += steps) *arrays[i] = next;
    work->lines = next;
    next += 2 * steps;
    work->scratch = next;
    next += 2 * steps;
    for (i = 0; i < n_seasonal; i++, next += total + 2) *seasonal[i] = next;
    work->by_season = next;
    work->seasons.n = panel->n_seasons;
    for (j = 0; j < panel->n_seasons; j++) {
        double period = panel->periods[j];
        work->seasons.period[j] = period;
        work->seasons.slots[j] = (int64_t)(period + 0.5);
        work->seasons.first[j] = work->seasons.total;
        work->seasons.total += work->seasons.slots[j];
        work->seasons.slot[j] = malloc((size_t)steps * sizeof(int32_t));
        if (period != floor(period)) work->seasons.share[j] = malloc((size_t)steps * sizeof(double));
        if (!work->seasons.slot[j] || (period != floor(period) && !work->seasons.share[j])) return -1;
        kz_place(&work->seasons, j, steps);
    }
    return 0;
}

/* z = (x - centre) / scale with mean 0 and variance 1 of the n values; 0 if they do not vary. */
static int kz_standardise(const double *x, int64_t n, double *z, kz_view *view) {
    double sum = 0.0, squares = 0.0, largest = 0.0;
    int64_t t, known = 0;
    for (t = 0; t < n; t++) {
        if (isnan(x[t])) continue;
        sum += x[t];
        largest = fmax(largest, fabs(x[t]));
        known++;
    }
    view->y = z;
    view->usable = 0;
    if (!known) return 0;
    view->centre = sum / (double)known;
    for (t = 0; t < n; t++)
        if (!isnan(x[t])) squares += (x[t] - view->centre) * (x[t] - view->centre);
    view->scale = sqrt(squares / (double)known);
    if (!(view->scale > 1e-10 * largest) || !isfinite(view->scale)) return 0;
    for (t = 0; t < n; t++) z[t] = (x[t] - view->centre) / view->scale; /* NaN stays */
    view->jacobian = 2.0 * (double)known * log(view->scale);
    return view->usable = 1;
}

/* Seasonal states of `y` by decomposition, one season after the other; each is removed before the next. With `test` only
 * those that are significant. `rest` gets the adjusted values. Returns the states that were estimated, or -1 if a
 * multiplicative season is too small to divide by. */
static int64_t kz_adjust(
    const kz_part *part, const double *y, int multiplicative, int test, double *states, double *rest) {
    kz_work *work = part->work;
    int64_t n = part->n, t, i, used = 0;
    int j;
    memcpy(rest, y, (size_t)n * sizeof(double));
    for (j = 0; j < part->seasons.n; j++) {
        double *own = states + part->seasons.first[j];
        kz_fill(rest, n, part->seasons.slots[j], work->filled);
        if (test && !kz_is_seasonal(work->filled, n, part->seasons.period[j], work->correlations)) {
            for (i = 0; i < part->seasons.slots[j]; i++) own[i] = multiplicative ? 1.0 : 0.0;
            continue;
        }
        kz_decompose(&part->seasons, j, rest, work->filled, n, multiplicative, states, work->correlations);
        used += part->seasons.slots[j] - 1;
        if (multiplicative)
            for (i = 0; i < part->seasons.slots[j]; i++)
                if (!(own[i] >= KZ_SMALLEST_RATIO)) return -1;
        for (t = 0; t < n; t++) {
            double at = kz_season_at(&part->seasons, j, states, t);
            rest[t] = multiplicative ? rest[t] / at : rest[t] - at;
        }
    }
    return used;
}

/* From what a candidate sees back to the units of the series, within the bounds; writes forecasts and fitted values. */
static void kz_emit(kz_part *part, int candidate, const kz_view *view, const double *path) {
    const kz_panel *panel = part->panel;
    double *out = part->forecasts + candidate * panel->horizon;
    int64_t origin = part->n + part->ahead, t, h;
    for (h = 0; h < panel->horizon; h++)
        if (isnan(path[origin + h])) return;
    t = part->last && panel->fitted ? 0 : origin;
    for (; t < origin + panel->horizon; t++) {
        double value = path[t];
        if (isnan(value)) continue;
        if (view) {
            value = view->centre + view->scale * value;
            if (view->logarithm) value = exp(value);
            if (view->adjusted)
                value = view->multiplicative ? value * part->work->factor[t] : value + part->work->factor[t];
        }
        value = fmax(part->low, fmin(part->high, value)) * part->unit;
        value = fmax(-DBL_MAX, fmin(DBL_MAX, value)); /* the bounds may lie beyond the largest number */
        value = fmax(panel->floor, fmin(panel->ceiling, value));
        if (t >= origin) out[t - origin] = value;
        else panel->fitted[candidate * panel->n_values + part->start + t] = value;
    }
}

/* Level before the first value and slope: the least squares line through the first values without their season. */
static void kz_first_line(
    const kz_part *part, const double *y, const double *prior, double scale, int seasonal, double *level, double *slope) {
    int64_t n = part->n, m = seasonal ? part->seasons.slots[part->seasons.n - 1] : 0, t;
    int64_t stop = 2 * m > 10 ? 2 * m : 10;
    kz_line_sums sums = {0, 0, 0, 0, 0};
    int j;
    for (t = 0; t < n && t < stop; t++) {
        double value = y[t];
        if (isnan(value)) continue;
        if (seasonal)
            for (j = 0; j < part->seasons.n; j++) value -= kz_season_at(&part->seasons, j, prior, t) / scale;
        kz_line_add(&sums, (double)(t + 1), value);
    }
    kz_line_of(&sums, level, slope);
}

/* Fits one model of exponential smoothing; 1 if it is the best so far by AICc. */
static int kz_smooth(
    kz_part *part, int candidate, const kz_view *view, int trend, int seasonal, const double *prior, double *path) {
    static const kz_seasons NONE;
    kz_work *work = part->work;
    kz_warm *warm = &work->warm[candidate];
    kz_form form;
    double p[KZ_COLUMNS] = {0}, level, slope, objective, errors, parameters, spare;
    int64_t needed = 3, i;
    int k, j;
    needed = trend == KZ_NO_TREND ? 3 : (trend == KZ_TREND ? 5 : 6);
    if (!view->usable || (seasonal && !part->seasons.n) || part->known < needed + (seasonal ? 2 : 0)) return 0;
    form.y = view->y;
    form.n = part->n;
    form.horizon = part->horizon;
    form.seasons = seasonal ? &part->seasons : &NONE;
    form.trend = trend;
    form.free_states = seasonal && part->seasons.total <= KZ_FREE_STATES
        && (double)part->n <= KZ_FREE_SEASONS * part->seasons.period[part->seasons.n - 1];
    form.season = work->season;
    form.by_season = work->by_season;
    kz_first_line(part, view->y, prior, view->scale, seasonal, &level, &slope);
    form.prior = work->states;
    if (seasonal)
        for (i = 0; i < part->seasons.total; i++) work->states[i] = prior[i] / view->scale;
    form.prior_slope = slope;
    kz_columns(&form);
    if (trend == KZ_NO_TREND) level += slope * fmin(5.0, 0.5 * (double)part->n);
    objective = kz_coarse(&form, level, p);
    if (warm->width == form.width) {
        double ratio = warm->scale / view->scale, old[KZ_COLUMNS];
        memcpy(old, warm->p, sizeof old);
        for (k = form.level; k < form.width; k++) old[k] *= ratio;
        old[form.level] += (warm->centre - view->centre) / view->scale;
        if (kz_objective(&form, old) < objective) memcpy(p, old, sizeof old);
        kz_descend(&form, p, part->iterations);
    } else {
        kz_descend(&form, p, KZ_ITERATIONS);
    }
    warm->width = form.width;
    warm->centre = view->centre;
    warm->scale = view->scale;
    memcpy(warm->p, p, sizeof p);
    errors = kz_filter(&form, p, path);
    if (!isfinite(errors)) return 0;
    kz_emit(part, candidate, view, path);
    parameters = form.level + 2.0 + (form.slope >= 0) + view->extra;
    if (seasonal) parameters += (double)(part->seasons.total - part->seasons.n);
    spare = (double)part->known - parameters - 1.0;
    part->criteria[candidate] = spare > 0.0
        ? (double)part->known * log(fmax(errors, 1e-18) / (double)part->known) + view->jacobian
            + 2.0 * parameters * (1.0 + (parameters + 1.0) / spare)
        : INFINITY;
    if (part->last) {
        kz_weights w = kz_weights_of(&form, p);
        double *out = part->panel->parameters + (part->series * KZ_CANDIDATES + candidate) * KZ_PARAMETERS;
        out[0] = w.alpha;
        out[1] = w.beta;
        out[2] = w.phi;
        for (j = 0; j < 2 && seasonal && j < part->seasons.n; j++) out[3 + j] = w.gamma[j];
        out[5] = sqrt(errors / (double)part->known) * view->scale * (view->logarithm ? 1.0 : part->unit);
    }
    return part->criteria[candidate] < part->criterion;
}

static void kz_keep(kz_part *part, int candidate, int better) {
    const kz_panel *panel = part->panel;
    int64_t t;
    if (!better) return;
    part->criterion = part->criteria[KZ_ETS] = part->criteria[candidate];
    memcpy(part->forecasts + KZ_ETS * panel->horizon, part->forecasts + candidate * panel->horizon,
           (size_t)panel->horizon * sizeof(double));
    if (!part->last) return;
    memcpy(panel->parameters + (part->series * KZ_CANDIDATES + KZ_ETS) * KZ_PARAMETERS,
           panel->parameters + (part->series * KZ_CANDIDATES + candidate) * KZ_PARAMETERS, KZ_PARAMETERS * sizeof(double));
    if (!panel->fitted) return;
    for (t = part->start; t < part->start + part->n + part->ahead; t++)
        panel->fitted[KZ_ETS * panel->n_values + t] = panel->fitted[candidate * panel->n_values + t];
}

/* The last value, the last season and the mean, of the adjusted values. */
static void kz_naive(kz_part *part, const double *y, const double *adjusted, kz_view *view) {
    kz_work *work = part->work;
    double *path = work->path, last = NAN, sum = 0.0;
    int64_t end = part->n + part->horizon, t, lag, known = 0;
    kz_view plain = *view;
    plain.centre = 0.0;
    plain.scale = 1.0;
    for (t = 0; t < end; t++) {
        path[t] = last;
        if (t < part->n && !isnan(adjusted[t])) last = adjusted[t];
    }
    kz_emit(part, KZ_NAIVE, &plain, path);
    for (t = 0; t < end; t++) {
        path[t] = known ? sum / (double)known : NAN;
        if (t >= part->n || isnan(adjusted[t])) continue;
        sum += adjusted[t];
        known++;
    }
    kz_emit(part, KZ_MEAN, &plain, path);
    if (!work->seasons.n) return;
    lag = work->seasons.slots[part->seasons.n ? part->seasons.n - 1 : 0]; /* the longest season that fits */
    for (t = 0; t < end; t++) { /* a value that is missing is that of the season before */
        double before = t < lag ? NAN : work->scratch[t - lag];
        path[t] = before;
        work->scratch[t] = t < part->n && !isnan(y[t]) ? y[t] : before;
    }
    kz_emit(part, KZ_SEASONAL_NAIVE, NULL, path);
}

static void kz_regress(kz_part *part, int candidate, const kz_view *view, int first, int last) {
    kz_work *work = part->work;
    kz_ar ar;
    double *out;
    int64_t period = part->seasons.n ? part->seasons.slots[part->seasons.n - 1] : 0;
    if (!view->usable) return;
    kz_fill(view->y, part->n, first == KZ_SEASONAL ? period : 0, work->filled);
    if (!kz_autoregress(view->y, work->filled, part->n, part->horizon, period, first, last, work->scratch,
                        work->path, &ar)) return;
    kz_emit(part, candidate, view, work->path);
    part->criteria[candidate] = ar.criterion * (double)part->known + view->jacobian;
    if (!part->last) return;
    out = part->panel->parameters + (part->series * KZ_CANDIDATES + candidate) * KZ_PARAMETERS;
    out[0] = (double)ar.kind;
    out[1] = (double)ar.order;
    out[2] = ar.mean * view->scale * (view->logarithm ? 1.0 : part->unit);
    out[5] = sqrt(ar.variance) * view->scale * (view->logarithm ? 1.0 : part->unit);
}

/* All candidates on `n` values from y on, the first and last of which are not missing. */
static void kz_fit_part(kz_part *part, const double *values) {
    kz_work *work = part->work;
    const kz_panel *panel = part->panel;
    double *y = work->y, smallest = INFINITY, largest = -INFINITY, range;
    double logs = 0.0, log_factors = 0.0;
    int64_t n = part->n, t, used = 0;
    int positive, multiplicative, trend, j;
    kz_view level = {0}, logarithm = {0}, adjusted = {0}, adjusted_log = {0};
    part->known = 0;
    for (t = 0; t < n; t++) {
        y[t] = values[t] / part->unit;
        if (isnan(y[t])) continue;
        smallest = fmin(smallest, y[t]);
        largest = fmax(largest, y[t]);
        part->known++;
    }
    range = largest - smallest;
    part->low = smallest - KZ_RANGES * range;
    part->high = largest + KZ_RANGES * range;
    part->criterion = INFINITY;
    positive = smallest > 0.0;
    part->seasons = work->seasons;
    while (part->seasons.n && (double)part->known < 2.0 * part->seasons.period[part->seasons.n - 1] + 1.0) part->seasons.n--;
    part->seasons.total = part->seasons.n
        ? part->seasons.first[part->seasons.n - 1] + part->seasons.slots[part->seasons.n - 1] : 0;
    multiplicative = positive;
    if (multiplicative) used = kz_adjust(part, y, 1, 1, work->states, work->adjusted);
    if (!multiplicative || used < 0) {
        multiplicative = 0;
        used = kz_adjust(part, y, 0, 1, work->states, work->adjusted);
    }
    for (t = 0; t < n + part->horizon; t++) {
        double factor = multiplicative ? 1.0 : 0.0;
        for (j = 0; j < part->seasons.n; j++) {
            double at = kz_season_at(&part->seasons, j, work->states, t);
            factor = multiplicative ? factor * at : factor + at;
        }
        work->factor[t] = factor;
        if (multiplicative && t < n && !isnan(y[t])) log_factors += log(factor);
    }
    adjusted.adjusted = 1;
    adjusted.multiplicative = multiplicative;
    adjusted.extra = (int)used;
    adjusted_log = adjusted;
    kz_naive(part, y, work->adjusted, &adjusted);
    if (kz_standardise(work->adjusted, n, work->adjusted_level, &adjusted)) adjusted.jacobian += 2.0 * log_factors;
    if (positive && (multiplicative || !used)) {
        adjusted_log.logarithm = 1;
        for (t = 0; t < n; t++) work->path[t] = log(work->adjusted[t]);
        for (t = 0; t < n; t++)
            if (!isnan(y[t])) logs += work->path[t];
        if (kz_standardise(work->path, n, work->adjusted_log, &adjusted_log))
            adjusted_log.jacobian += 2.0 * (logs + log_factors);
    }
    if (part->seasons.n) {
        kz_adjust(part, y, 0, 0, work->prior, work->path);
        kz_standardise(y, n, work->level, &level);
        if (positive) {
            logarithm.logarithm = 1;
            logs = 0.0;
            for (t = 0; t < n; t++) work->best_path[t] = log(y[t]);
            for (t = 0; t < n; t++)
                if (!isnan(y[t])) logs += work->best_path[t];
            kz_adjust(part, work->best_path, 0, 0, work->log_prior, work->path);
            if (kz_standardise(work->best_path, n, work->log_level, &logarithm)) logarithm.jacobian += 2.0 * logs;
        }
    }
    for (trend = KZ_NO_TREND; trend <= KZ_DAMPED; trend++) {
        kz_keep(part, KZ_SES + trend, kz_smooth(part, KZ_SES + trend, &adjusted, trend, 0, NULL, work->path));
        kz_keep(part, KZ_LOG_SES + trend, kz_smooth(part, KZ_LOG_SES + trend, &adjusted_log, trend, 0, NULL, work->path));
        kz_keep(part, KZ_ANA + trend, kz_smooth(part, KZ_ANA + trend, &level, trend, 1, work->prior, work->path));
        kz_keep(part, KZ_LOG_ANA + trend,
                kz_smooth(part, KZ_LOG_ANA + trend, &logarithm, trend, 1, work->log_prior, work->path));
    }
    if (adjusted.usable && part->known >= 6) {
        double found[3];
        kz_theta(adjusted.y, n, part->horizon, work->lines, work->path, found);
        kz_emit(part, KZ_THETA, &adjusted, work->path);
        if (part->last)
            memcpy(panel->parameters + (part->series * KZ_CANDIDATES + KZ_THETA) * KZ_PARAMETERS, found, 2 * sizeof(double));
    }
    kz_regress(part, KZ_LEVEL_AR, &adjusted, KZ_VALUES, KZ_VALUES);
    kz_regress(part, KZ_AR, &adjusted, KZ_DIFFERENCES, KZ_DRIFT);
    kz_regress(part, KZ_LOG_AR, &adjusted_log, KZ_DIFFERENCES, KZ_DRIFT);
    kz_regress(part, KZ_SEASONAL_AR, &level, KZ_SEASONAL, KZ_SEASONAL);
    kz_regress(part, KZ_LOG_SEASONAL_AR, &logarithm, KZ_SEASONAL, KZ_SEASONAL);
}

/* Everything about one series. The outputs are NaN before, and stay so where a candidate is impossible. */
static void kz_fit_series(const kz_panel *panel, kz_work *work, int64_t series) {
    int64_t first = panel->offsets[series], end = panel->offsets[series + 1], k, t;
    double largest = 0.0;
    kz_part part;
    int c;
    while (first < end && isnan(panel->values[first])) first++;
    for (t = first; t < end; t++)
        if (!isnan(panel->values[t])) largest = fmax(largest, fabs(panel->values[t]));
    for (c = 0; c < KZ_CANDIDATES; c++) work->warm[c].width = 0;
    part.panel = panel;
    part.work = work;
    part.series = series;
    part.start = first;
    part.unit = largest > 0.0 ? largest : 1.0;
    for (k = 0; k <= panel->n_backs; k++) {
        part.last = k == panel->n_backs;
        part.n = end - first - (part.last ? 0 : panel->backs[k]);
        if (part.n < 1) continue;
        /* A forecast from the last known value on: the fit knows nothing of what is missing after it. */
        for (part.ahead = 0; isnan(panel->values[first + part.n - 1]); part.ahead++) part.n--;
        part.horizon = panel->horizon + part.ahead;
        part.iterations = part.last ? KZ_ITERATIONS : panel->rolled_iterations;
        part.forecasts = part.last
            ? panel->forecasts + series * KZ_CANDIDATES * panel->horizon
            : panel->rolled + (series * panel->n_backs + k) * KZ_CANDIDATES * panel->horizon;
        part.criteria = panel->criteria + (series * (panel->n_backs + 1) + k) * KZ_CANDIDATES;
        kz_fit_part(&part, panel->values + first);
    }
}

#endif
