/* Rows against the noise words that a group shares: logits, errors and updates. Included after lanes.h, once per
 * instruction set.
 *
 * Rows are the input vectors of contexts (skip-gram) or the means of windows (CBOW).
 */

#ifdef KZ_HALF
#include "noise_bf16.h"
#endif

/* Writes the output rows of the noise words in transposed form and their offsets. With `copied`, s->noise_rows are copies,
 * for a model that changes the table before their last use. */
static void KZ_FN(take_noise)(const kz_job *job, kz_scratch *s, int64_t width, int copied) {
    const int64_t stride = job->stride, K = job->n_noise;
    for (int64_t k = 0; k < K; k++) {
        s->noise_rows[k] = s->noise_outputs[k];
        if (copied) {
            KZ_FN(copy)(s->noise_copies + k * stride, s->noise_outputs[k], width);
            s->noise_rows[k] = s->noise_copies + k * stride;
        }
        s->noise_offsets[k] = kz_offset(job, s, s->noise[k]);
    }
#ifdef KZ_HALF
    kz_half_take_noise(job, s);
#else
    for (int64_t k = 0; k < K; k += 16)
        KZ_FN(transpose)(s->noise_rows + k, job->size, s->noise_columns + k * stride);
#endif
}

/* Must be called when s->rows are known, before `noise_logits`. */
static void KZ_FN(round_rows)(const kz_job *job, kz_scratch *s, int64_t n_rows) {
#ifdef KZ_HALF
    kz_half_round_rows(job, s, n_rows);
#else
    (void)job, (void)s, (void)n_rows;
#endif
}

/* The products of s->rows and the noise words, without offsets: s->errors[r * K + k]. */
static void KZ_FN(noise_logits)(const kz_job *job, kz_scratch *s, int64_t n_rows) {
#ifdef KZ_HALF
    kz_half_noise_logits(job, s, n_rows);
#else
    for (int64_t k = 0; k < job->n_noise; k += 16)
        KZ_FN(products)(s->rows, n_rows, s->noise_columns + k * job->stride, job->size, s->errors + k, job->n_noise);
#endif
}

/* Computes s->errors[r * K + k] and sums of their absolute values, s->totals and s->noise_totals, with s->weights. */
static void KZ_FN(noise_errors)(const kz_job *job, kz_scratch *s, int64_t n_rows, float alpha, int hits, int measure,
                                kz_sums *sums) {
    const int64_t K = job->n_noise;
    KZ_FN(noise_logits)(job, s, n_rows);
    if (measure)
        for (int64_t r = 0; r < n_rows; r++)
            for (int64_t k = 0; k < K; k++) {
                float w = hits ? s->hit_weights[r * K + k] : s->weights[r];
                if (w > 0) sums->loss += w * kz_softplus(s->errors[r * K + k] + s->noise_offsets[k]);
            }
    memset(s->noise_totals, 0, (size_t)K * sizeof(float));
    for (int64_t first = 0; first < n_rows; first += 8) { /* eight sums of rows are reduced together */
        const int64_t n = kz_min(8, n_rows - first);
        KZ_VEC sum[8] = {{0}};
        kz_eight totals;
        for (int64_t k = 0; k < K; k += KZ_LANES) {
            const KZ_VEC offset = KZ_LOAD(s->noise_offsets + k);
            KZ_VEC column = KZ_LOAD(s->noise_totals + k);
            for (int64_t i = 0; i < n; i++) {
                float *errors = s->errors + (first + i) * K + k;
                const KZ_VEC w = hits ? KZ_LOAD(s->hit_weights + (first + i) * K + k) : KZ_ALL(s->weights[first + i]);
                const KZ_VEC z = KZ_LOAD(errors) + offset;
                const KZ_VEC g = KZ_FN(all_within)(z, alpha * w * KZ_FN(sigmoids)(z));
                KZ_STORE(errors, -g);
                column += g;
                sum[i] += g;
            }
            KZ_STORE(s->noise_totals + k, column);
        }
        totals = KZ_FN(sums)(sum);
        memcpy(s->totals + first, &totals, sizeof totals);
    }
}

/* Adds the errors to the output rows of the noise words and to their biases. */
static void KZ_FN(update_noise)(const kz_job *job, kz_scratch *s, int64_t n_rows, int64_t width) {
    const int64_t K = job->n_noise;
    int64_t n = 0;
    for (int64_t k = 0; k < K; k++) {
        float *row = s->noise_outputs[k];
        if (s->noise_totals[k] > KZ_SAFE) {
            KZ_FN(combine_clipped)(row, s->rows, s->errors + k, K, n_rows, width, s->update);
        } else {
            s->targets[n] = row;
            s->coefficients[n++] = s->errors + k;
        }
        kz_add_bias(job, s, s->noise[k], -s->noise_totals[k]);
    }
#ifdef KZ_HALF
    kz_half_update_noise(job, s, n_rows);
#else
    KZ_FN(add_rows)(s->targets, n, s->coefficients, K, s->rows, n_rows, width);
#endif
}

/* s->targets[i] += sum over k of s->coefficients[i][k] * noise word k, from before `update_noise`. */
static void KZ_FN(add_noise)(const kz_job *job, kz_scratch *s, int64_t n, int64_t width) {
#ifdef KZ_HALF
    (void)width;
    kz_half_add_noise(job, s, n);
#else
    KZ_FN(add_rows)(s->targets, n, s->coefficients, 1, s->noise_rows, job->n_noise, width);
#endif
}
