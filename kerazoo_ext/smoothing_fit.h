/* Exponential smoothing fitted by least squares: ETS(A, N | A | Ad, N | A) in innovations form.
 *
 *   mu = l + phi b + s_1 + ... + s_J      e = y - mu
 *   l <- l + phi b + alpha e              b <- phi b + beta e              s_j <- s_j + gamma_j e
 *
 * (Hyndman, Koehler, Ord and Snyder 2008, Forecasting with Exponential Smoothing, chapter 2; several seasons: Taylor 2003,
 * Journal of the Operational Research Society 54, equation 6.) At a missing value e = 0. Smoothing weights lie in the usual
 * region, 0 < alpha < 1, 0 < beta < alpha, 0 < gamma_j < (1 - alpha) / J, .8 < phi < .98, by logistic functions.
 *
 * Weights and initial states together minimise the sum of the squared one-step errors, with priors, without which short
 * series would follow their noise: E (1 + Q / n) + P, where E is that sum, Q the squared distance of the logistic arguments
 * of the weights from usual ones, and P that of the initial slope and season from those of a decomposition.
 * Levenberg-Marquardt with exact derivatives, which follow the same recursion.
 */
#ifndef KERAZOO_SMOOTHING_FIT_H
#define KERAZOO_SMOOTHING_FIT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "rng.h"
#include "seasonality.h"

/* Priors, as chosen on the training parts of M3 and Tourism. */
#define KZ_PRIOR_SEASON 4.0 /* an initial state of a season, in errors */
#define KZ_PRIOR_SLOPE 1.0  /* the initial slope, in errors */
#define KZ_PRIOR_ALPHA 0.5  /* 1 / variance of the logistic arguments: of alpha, */
#define KZ_PRIOR_PHI 1.0    /* of phi, */
#define KZ_PRIOR_PART 1.5   /* of beta / alpha and J gamma / (1 - alpha); */
#define KZ_USUAL_ALPHA -0.5 /* and their means */
#define KZ_USUAL_BETA -3.0
#define KZ_USUAL_GAMMA -3.0
#define KZ_USUAL_PHI 0.0
#define KZ_FREE_STATES 24   /* longer seasons start from the decomposition */
#define KZ_FREE_SEASONS 25  /* so do seasons of longer series, which forget how they started */
#define KZ_COLUMNS 40       /* 3 + 4 weights, level, slope and free states, rounded up */
#define KZ_LIMIT 8.0        /* of the arguments of the logistic functions */
#define KZ_SMALLEST_PHI 0.8
#define KZ_RANGE_PHI 0.18
#define KZ_EXACT 1e-18
#define KZ_TOLERANCE 1e-5   /* stop when an iteration lowers the objective by less than this fraction */

enum { KZ_NO_TREND, KZ_TREND, KZ_DAMPED };

typedef struct {
    const double *y; /* mean 0 and variance 1; NaN: missing */
    int64_t n, horizon;
    const kz_seasons *seasons; /* with n = 0: no season */
    int trend;
    int free_states;       /* whether the initial states of the season are fitted */
    const double *prior;   /* initial states of all seasons */
    double prior_slope;
    int width;             /* columns: alpha, [beta], [phi], gamma_1 .. gamma_J, level, [slope], [states] */
    int beta, phi, gamma, level, slope, states; /* the column of each, or -1 */
    double *season, *by_season; /* scratch: states, and their derivatives (total, KZ_COLUMNS) */
} kz_form;

typedef struct {
    double alpha, beta, phi, gamma[KZ_SEASONS];
} kz_weights;

static inline double kz_logistic(double u) { return 1.0 / (1.0 + exp(-u)); }

/* Names the columns; returns their number. */
static int kz_columns(kz_form *form) {
    int width = 1;
    form->beta = form->trend != KZ_NO_TREND ? width++ : -1;
    form->phi = form->trend == KZ_DAMPED ? width++ : -1;
    form->gamma = form->seasons->n ? width : -1;
    width += form->seasons->n;
    form->level = width++;
    form->slope = form->trend != KZ_NO_TREND ? width++ : -1;
    form->states = form->free_states ? width : -1;
    if (form->free_states) width += (int)form->seasons->total;
    return form->width = width;
}

static kz_weights kz_weights_of(const kz_form *form, const double *p) {
    kz_weights w;
    int j, n = form->seasons->n;
    w.alpha = kz_logistic(p[0]);
    w.beta = form->beta >= 0 ? w.alpha * kz_logistic(p[form->beta]) : 0.0;
    w.phi = form->phi >= 0 ? KZ_SMALLEST_PHI + KZ_RANGE_PHI * kz_logistic(p[form->phi])
                           : (form->trend == KZ_TREND ? 1.0 : 0.0);
    for (j = 0; j < n; j++) w.gamma[j] = (1.0 - w.alpha) * kz_logistic(p[form->gamma + j]) / n;
    return w;
}

static void kz_start(const kz_form *form, const double *p, double *level, double *slope) {
    *level = p[form->level];
    *slope = form->slope >= 0 ? p[form->slope] : 0.0;
    if (form->seasons->n)
        memcpy(form->season, form->states >= 0 ? p + form->states : form->prior,
               (size_t)form->seasons->total * sizeof(double));
}

static inline void kz_nudge(const kz_seasons *seasons, int j, double *states, int64_t t, double by) {
    double *own = states + seasons->first[j];
    int64_t slot = seasons->slot[j][t], next;
    double share;
    if (!seasons->share[j]) {
        own[slot] += by;
        return;
    }
    share = seasons->share[j][t];
    next = slot + 1 == seasons->slots[j] ? 0 : slot + 1;
    own[slot] += (1.0 - share) * by;
    own[next] += share * by;
}

/* Prior mean of the argument of a logistic function, and its strength. */
static inline double kz_usual(const kz_form *form, int column, double *strength) {
    *strength = column == 0 ? KZ_PRIOR_ALPHA : (column == form->phi ? KZ_PRIOR_PHI : KZ_PRIOR_PART);
    if (column == 0) return KZ_USUAL_ALPHA;
    if (column == form->beta) return KZ_USUAL_BETA;
    return column == form->phi ? KZ_USUAL_PHI : KZ_USUAL_GAMMA;
}

/* The squared distance of the weights from their prior. */
static double kz_unusual(const kz_form *form, const double *p) {
    double total = 0.0, strength, distance;
    int c;
    for (c = 0; c < form->level; c++) {
        distance = p[c] - kz_usual(form, c, &strength);
        total += strength * distance * distance;
    }
    return total;
}

/* The objective E (1 + Q / n) + P. */
static double kz_penalty(const kz_form *form, const double *p, double errors) {
    double total = errors * (1.0 + kz_unusual(form, p) / (double)form->n), distance;
    int64_t i;
    if (form->slope >= 0) {
        distance = p[form->slope] - form->prior_slope;
        total += KZ_PRIOR_SLOPE * distance * distance;
    }
    if (form->states >= 0)
        for (i = 0; i < form->seasons->total; i++) {
            distance = p[form->states + i] - form->prior[i];
            total += KZ_PRIOR_SEASON * distance * distance;
        }
    return total;
}

/* Runs the filter; the sum of the squared errors. `path`, if not NULL, gets the one-step forecasts and those of the
 * horizon (n + horizon). */
static double kz_filter(const kz_form *form, const double *p, double *path) {
    kz_weights w = kz_weights_of(form, p);
    const kz_seasons *seasons = form->seasons;
    double level, slope, total = 0.0;
    int64_t t, end = form->n + (path ? form->horizon : 0);
    int j, n_seasons = seasons->n;
    kz_start(form, p, &level, &slope);
    for (t = 0; t < end; t++) {
        double ahead, mu, e;
        slope *= w.phi;
        ahead = level + slope;
        mu = ahead;
        for (j = 0; j < n_seasons; j++) mu += kz_season_at(seasons, j, form->season, t);
        if (path) path[t] = mu;
        level = ahead;
        if (t >= form->n || isnan(form->y[t])) continue;
        e = form->y[t] - mu;
        total += e * e;
        level += w.alpha * e;
        slope += w.beta * e;
        for (j = 0; j < n_seasons; j++) kz_nudge(seasons, j, form->season, t, w.gamma[j] * e);
    }
    return total;
}

static double kz_objective(const kz_form *form, const double *p) {
    return kz_penalty(form, p, kz_filter(form, p, NULL));
}

/* The filter with its derivatives by all columns, the weights themselves and not their logistic arguments:
 * hessian (KZ_COLUMNS, KZ_COLUMNS) += de de', its lower triangle, gradient += e de. */
KZ_CLONES static double kz_derive(const kz_form *form, const double *p, double *hessian, double *gradient) {
    kz_weights w = kz_weights_of(form, p);
    const kz_seasons *seasons = form->seasons;
    double by_level[KZ_COLUMNS] = {0}, by_slope[KZ_COLUMNS] = {0}, change[KZ_COLUMNS] = {0};
    double level, slope, total = 0.0;
    int width = (form->width + 3) / 4 * 4; /* whole vectors; the columns beyond the last stay 0 */
    int j, c, r, n_seasons = seasons->n;
    int64_t t, i;
    kz_start(form, p, &level, &slope);
    memset(hessian, 0, KZ_COLUMNS * KZ_COLUMNS * sizeof(double));
    memset(gradient, 0, KZ_COLUMNS * sizeof(double));
    memset(form->by_season, 0, (size_t)seasons->total * KZ_COLUMNS * sizeof(double));
    by_level[form->level] = 1.0;
    if (form->slope >= 0) by_slope[form->slope] = 1.0;
    if (form->states >= 0)
        for (i = 0; i < seasons->total; i++) form->by_season[i * KZ_COLUMNS + form->states + i] = 1.0;
    for (t = 0; t < form->n; t++) {
        double mu, e, before = slope;
        slope *= w.phi;
        level += slope;
        for (c = 0; c < width; c++) {
            by_slope[c] *= w.phi;
            if (c == form->phi) by_slope[c] += before;
        }
        for (c = 0; c < width; c++) by_level[c] += by_slope[c];
        if (isnan(form->y[t])) continue;
        mu = level;
        for (c = 0; c < width; c++) change[c] = -by_level[c];
        for (j = 0; j < n_seasons; j++) {
            int64_t slot = seasons->slot[j][t], first = seasons->first[j];
            double share = seasons->share[j] ? seasons->share[j][t] : 0.0;
            const double *by = form->by_season + (first + slot) * KZ_COLUMNS;
            mu += kz_season_at(seasons, j, form->season, t);
            for (c = 0; c < width; c++) change[c] -= (1.0 - share) * by[c];
            if (share != 0.0) {
                by = form->by_season + (first + (slot + 1 == seasons->slots[j] ? 0 : slot + 1)) * KZ_COLUMNS;
                for (c = 0; c < width; c++) change[c] -= share * by[c];
            }
        }
        e = form->y[t] - mu;
        total += e * e;
        for (r = 0; r < form->width; r++) {
            double *row = hessian + r * KZ_COLUMNS, factor = change[r];
            int stop = (r + 4) / 4 * 4;
            for (c = 0; c < stop; c++) row[c] += factor * change[c];
        }
        for (c = 0; c < width; c++) gradient[c] += e * change[c];
        level += w.alpha * e;
        slope += w.beta * e;
        for (c = 0; c < width; c++) by_level[c] += w.alpha * change[c];
        by_level[0] += e;
        if (form->beta >= 0) {
            for (c = 0; c < width; c++) by_slope[c] += w.beta * change[c];
            by_slope[form->beta] += e;
        }
        for (j = 0; j < n_seasons; j++) {
            int64_t slot = seasons->slot[j][t], first = seasons->first[j];
            double share = seasons->share[j] ? seasons->share[j][t] : 0.0, factor = w.gamma[j] * (1.0 - share);
            double *by = form->by_season + (first + slot) * KZ_COLUMNS;
            for (c = 0; c < width; c++) by[c] += factor * change[c];
            by[form->gamma + j] += (1.0 - share) * e;
            if (share != 0.0) {
                by = form->by_season + (first + (slot + 1 == seasons->slots[j] ? 0 : slot + 1)) * KZ_COLUMNS;
                factor = w.gamma[j] * share;
                for (c = 0; c < width; c++) by[c] += factor * change[c];
                by[form->gamma + j] += share * e;
            }
            kz_nudge(seasons, j, form->season, t, w.gamma[j] * e);
        }
    }
    return total;
}

/* From derivatives by the weights to those by their logistic arguments, and the priors: the whole symmetric matrix. */
static void kz_chain(const kz_form *form, const double *p, double errors, double *hessian, double *gradient) {
    kz_weights w = kz_weights_of(form, p);
    double jacobian[3 + KZ_SEASONS][3 + KZ_SEASONS] = {{0}}, mixed[3 + KZ_SEASONS];
    int n_weights = form->level, n = form->seasons->n, width = form->width, a, b, j;
    double by_alpha = w.alpha * (1.0 - w.alpha), part;
    int64_t i;
    jacobian[0][0] = by_alpha;
    if (form->beta >= 0) {
        part = kz_logistic(p[form->beta]);
        jacobian[form->beta][0] = part * by_alpha;
        jacobian[form->beta][form->beta] = w.alpha * part * (1.0 - part);
    }
    if (form->phi >= 0) {
        part = kz_logistic(p[form->phi]);
        jacobian[form->phi][form->phi] = KZ_RANGE_PHI * part * (1.0 - part);
    }
    for (j = 0; j < n; j++) {
        part = kz_logistic(p[form->gamma + j]);
        jacobian[form->gamma + j][0] = -part / n * by_alpha;
        jacobian[form->gamma + j][form->gamma + j] = (1.0 - w.alpha) / n * part * (1.0 - part);
    }
    for (a = 0; a < width; a++)
        for (b = a + 1; b < width; b++) hessian[a * KZ_COLUMNS + b] = hessian[b * KZ_COLUMNS + a];
    for (b = 0; b < width; b++) { /* J' H */
        for (a = 0; a < n_weights; a++) {
            mixed[a] = 0.0;
            for (j = 0; j < n_weights; j++) mixed[a] += jacobian[j][a] * hessian[j * KZ_COLUMNS + b];
        }
        for (a = 0; a < n_weights; a++) hessian[a * KZ_COLUMNS + b] = mixed[a];
    }
    for (b = 0; b < width; b++) { /* (J' H) J */
        for (a = 0; a < n_weights; a++) {
            mixed[a] = 0.0;
            for (j = 0; j < n_weights; j++) mixed[a] += hessian[b * KZ_COLUMNS + j] * jacobian[j][a];
        }
        for (a = 0; a < n_weights; a++) hessian[b * KZ_COLUMNS + a] = mixed[a];
    }
    for (a = 0; a < n_weights; a++) {
        mixed[a] = 0.0;
        for (j = 0; j < n_weights; j++) mixed[a] += jacobian[j][a] * gradient[j];
    }
    for (a = 0; a < n_weights; a++) gradient[a] = mixed[a];
    part = 1.0 + kz_unusual(form, p) / (double)form->n;
    for (a = 0; a < width; a++) {
        gradient[a] *= part;
        for (b = 0; b < width; b++) hessian[a * KZ_COLUMNS + b] *= part;
    }
    for (a = 0; a < n_weights; a++) {
        double usual = kz_usual(form, a, &part), force = errors / (double)form->n * part;
        hessian[a * KZ_COLUMNS + a] += force;
        gradient[a] += force * (p[a] - usual);
    }
    if (form->slope >= 0) {
        hessian[form->slope * KZ_COLUMNS + form->slope] += KZ_PRIOR_SLOPE;
        gradient[form->slope] += KZ_PRIOR_SLOPE * (p[form->slope] - form->prior_slope);
    }
    if (form->states >= 0)
        for (i = 0; i < form->seasons->total; i++) {
            a = form->states + (int)i;
            hessian[a * KZ_COLUMNS + a] += KZ_PRIOR_SEASON;
            gradient[a] += KZ_PRIOR_SEASON * (p[a] - form->prior[i]);
        }
}

/* Solves A x = b for the symmetric A with `damping` of its diagonal added (Cholesky); 0 if A is not positive. */
static int kz_solve(const double *matrix, const double *b, int width, double damping, double *factor, double *x) {
    int a, c, k;
    for (a = 0; a < width; a++) {
        for (c = 0; c <= a; c++) {
            double sum = matrix[a * KZ_COLUMNS + c];
            if (a == c) sum += damping * sum + 1e-12;
            for (k = 0; k < c; k++) sum -= factor[a * KZ_COLUMNS + k] * factor[c * KZ_COLUMNS + k];
            if (a != c) {
                factor[a * KZ_COLUMNS + c] = sum / factor[c * KZ_COLUMNS + c];
            } else {
                if (!(sum > 0.0)) return 0;
                factor[a * KZ_COLUMNS + a] = sqrt(sum);
            }
        }
    }
    for (a = 0; a < width; a++) {
        double sum = b[a];
        for (k = 0; k < a; k++) sum -= factor[a * KZ_COLUMNS + k] * x[k];
        x[a] = sum / factor[a * KZ_COLUMNS + a];
    }
    for (a = width - 1; a >= 0; a--) {
        double sum = x[a];
        for (k = a + 1; k < width; k++) sum -= factor[k * KZ_COLUMNS + a] * x[k];
        x[a] = sum / factor[a * KZ_COLUMNS + a];
    }
    return 1;
}

/* Minimises from `p` (KZ_COLUMNS) on, in at most `iterations` accepted or refused steps; the objective. */
static double kz_descend(const kz_form *form, double *p, int iterations) {
    double hessian[KZ_COLUMNS * KZ_COLUMNS], factor[KZ_COLUMNS * KZ_COLUMNS], gradient[KZ_COLUMNS], step[KZ_COLUMNS];
    double trial[KZ_COLUMNS], damping = 0.01, best = kz_objective(form, p), value, errors;
    int fresh = 0, iteration, c;
    for (iteration = 0; iteration < iterations; iteration++) {
        if (!(best > KZ_EXACT)) break; /* the errors are those of rounding */
        if (!fresh) {
            errors = kz_derive(form, p, hessian, gradient);
            kz_chain(form, p, errors, hessian, gradient);
            fresh = 1;
        }
        if (!kz_solve(hessian, gradient, form->width, damping, factor, step)) {
            damping = damping * 10.0 + 1e-6;
            continue;
        }
        for (c = 0; c < form->width; c++) {
            trial[c] = p[c] - (c < form->level ? fmax(-2.0, fmin(2.0, step[c])) : step[c]);
            if (c < form->level) trial[c] = fmax(-KZ_LIMIT, fmin(KZ_LIMIT, trial[c]));
        }
        value = kz_objective(form, trial);
        if (value < best) { /* false for NaN */
            double gain = (best - value) / best;
            memcpy(p, trial, (size_t)form->width * sizeof(double));
            best = value;
            damping = fmax(damping * 0.1, 1e-9);
            fresh = 0;
            if (gain < KZ_TOLERANCE) break;
        } else {
            damping *= 10.0;
            if (damping > 1e6) break;
        }
    }
    return best;
}

/* The best of a few starting points, with the initial states of the decomposition. */
static double kz_coarse(const kz_form *form, double level, double *p) {
    static const double ALPHA[4] = {-2.2, -0.85, 0.4, 1.4}, PART[2] = {-3.0, -0.85};
    double trial[KZ_COLUMNS], best = INFINITY, value;
    int a, b, g, j;
    for (a = 0; a < 4; a++)
        for (b = 0; b < (form->beta >= 0 ? 2 : 1); b++)
            for (g = 0; g < (form->gamma >= 0 ? 2 : 1); g++) {
                trial[0] = ALPHA[a];
                if (form->beta >= 0) trial[form->beta] = PART[b];
                if (form->phi >= 0) trial[form->phi] = 0.0;
                for (j = 0; j < form->seasons->n; j++) trial[form->gamma + j] = PART[g];
                trial[form->level] = level;
                if (form->slope >= 0) trial[form->slope] = form->prior_slope;
                if (form->states >= 0)
                    memcpy(trial + form->states, form->prior, (size_t)form->seasons->total * sizeof(double));
                value = kz_objective(form, trial);
                if (value < best) {
                    best = value;
                    memcpy(p, trial, (size_t)form->width * sizeof(double));
                }
            }
    return best;
}

#endif
