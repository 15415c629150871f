/* Rows against the noise words that a group shares: logits, errors and updates. Included after lanes.h, once per
 * instruction set.
 *
 * Rows are the input vectors of contexts (skip-gram) or the means of windows (CBOW).
 */

/* Copies the output rows of the noise words, because the table changes before their last use. */
static void KZ_FN(take_noise)(const kz_job *job, kz_scratch *s, int64_t width) {
    const int64_t stride = job->stride, K = job->n_noise;
    for (int64_t k = 0; k < K; k++) {
        KZ_FN(copy)(s->noise_copies + k * stride, s->noise_outputs[k], width);
        s->noise_rows[k] = s->noise_copies + k * stride;
        s->noise_offsets[k] = kz_offset(job, s, s->noise[k]);
    }
    for (int64_t k = 0; k < K; k += 16)
        KZ_FN(transpose)(s->noise_copies + k * stride, stride, job->size, s->noise_columns + k * stride);
}

/* Computes s->errors[r * K + k] and sums of their absolute values, s->totals and s->noise_totals, with s->weights. */
static void KZ_FN(noise_errors)(const kz_job *job, kz_scratch *s, int64_t n_rows, float alpha, int hits, int measure,
                                kz_sums *sums) {
    const int64_t K = job->n_noise;
    for (int64_t k = 0; k < K; k += 16)
        KZ_FN(products)(s->rows, n_rows, s->noise_columns + k * job->stride, job->size, s->errors + k, K);
    if (measure)
        for (int64_t r = 0; r < n_rows; r++)
            for (int64_t k = 0; k < K; k++) {
                float w = hits ? s->hit_weights[r * K + k] : s->weights[r];
                if (w > 0) sums->loss += w * kz_softplus(s->errors[r * K + k] + s->noise_offsets[k]);
            }
    memset(s->noise_totals, 0, (size_t)K * sizeof(float));
    for (int64_t r = 0; r < n_rows; r++) {
        kz_eight sum = {0};
        for (int64_t k = 0; k < K; k += 8) {
            kz_eight z, w, offset, column;
            memcpy(&z, s->errors + r * K + k, sizeof z);
            memcpy(&offset, s->noise_offsets + k, sizeof offset);
            if (hits) memcpy(&w, s->hit_weights + r * K + k, sizeof w);
            else w = s->weights[r] - (kz_eight){0};
            z += offset;
            z = KZ_FN(within)(z, -alpha * w * KZ_FN(sigmoid)(z));
            memcpy(s->errors + r * K + k, &z, sizeof z);
            memcpy(&column, s->noise_totals + k, sizeof column);
            column -= z;
            memcpy(s->noise_totals + k, &column, sizeof column);
            sum -= z;
        }
        s->totals[r] = KZ_FN(sum_of)(sum);
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
    KZ_FN(add_rows)(s->targets, n, s->coefficients, K, s->rows, n_rows, width);
}
