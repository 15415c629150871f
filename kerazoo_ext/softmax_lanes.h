/* Sampled softmax: the noise words of a group are the other classes of each of its pairs. Included after noise_lanes.h,
 * once per instruction set. word2vec.h has the formulas.
 */

/* exp(x) for x clamped to -80..KZ_BEYOND. */
KZ_INLINE kz_eight KZ_FN(exponential)(kz_eight x) {
    const kz_eight low = (kz_eight){0} - 80.0f, high = (kz_eight){0} + KZ_BEYOND;
    const kz_eight_ints above = x > high, below = x < low;
    x = (kz_eight)((above & (kz_eight_ints)high) | (~above & (kz_eight_ints)x));
    x = (kz_eight)((below & (kz_eight_ints)low) | (~below & (kz_eight_ints)x));
    KZ_EXPONENTIAL_BODY(kz_eight, kz_eight_ints)
    return p * (kz_eight)power;
}

/* Writes the exponentials of the noise logits, less the largest of each row, which goes to s->true_totals, to s->errors, and
 * their sum by row to s->totals; clears s->weights, and
 * s->hit_weights if a noise word equals a centre. Returns whether one does. */
static int KZ_FN(softmax_noise)(const kz_job *job, kz_scratch *s, int64_t n_rows, const int32_t *centres, int64_t n) {
    const int64_t K = job->n_noise;
    int hits = 0;
    KZ_FN(noise_logits)(job, s, n_rows);
    for (int64_t r = 0; r < n_rows; r++) {
        kz_eight sum = {0};
        float largest = -INFINITY;
        for (int64_t k = 0; k < K; k++) {
            float *z = s->errors + r * K + k;
            *z += s->noise_offsets[k];
            largest = *z > largest ? *z : largest;
        }
        s->true_totals[r] = largest;
        for (int64_t k = 0; k < K; k += 8) {
            kz_eight z;
            memcpy(&z, s->errors + r * K + k, sizeof z);
            z = KZ_FN(exponential)(z - largest);
            memcpy(s->errors + r * K + k, &z, sizeof z);
            sum += z;
        }
        s->totals[r] = KZ_FN(sum_of)(sum);
        s->weights[r] = 0.0f;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < K; k++) hits |= s->noise[k] == centres[i];
    if (hits) memset(s->hit_weights, 0, (size_t)(n_rows * K) * sizeof(float));
    return hits;
}

/* Turns the logits of the pairs of rows first..first + m - 1 with one centre into their errors, and adds 1 / Z of each
 * pair to s->weights. Row `skip` is not a pair. `scores` has room for m rounded up to a multiple of 8. */
static void KZ_FN(softmax_window)(const kz_job *job, kz_scratch *s, int64_t first, int64_t m, int64_t skip, int32_t centre,
                                  int hits, float alpha, float *scores, int measure, kz_sums *sums) {
    const int64_t K = job->n_noise;
    int own_hits = 0;
    if (hits)
        for (int64_t k = 0; k < K; k++) own_hits |= s->noise[k] == centre;
    for (int64_t j = 0; j < m; j += 8) {
        float logits[8], values[8];
        kz_eight z;
        memcpy(logits, scores + j, sizeof logits);
        for (int64_t i = 0; i < kz_min(8, m - j); i++) logits[i] -= s->true_totals[first + j + i];
        memcpy(&z, logits, sizeof z);
        z = KZ_FN(exponential)(z);
        memcpy(values, &z, sizeof z);
        for (int64_t i = 0; i < kz_min(8, m - j); i++) {
            const int64_t r = first + j + i;
            if (j + i == skip) continue;
            float others = s->totals[r];
            if (own_hits) { /* a difference would lose digits */
                others = 0.0f;
                for (int64_t k = 0; k < K; k++)
                    if (s->noise[k] != centre) others += s->errors[r * K + k];
            }
            const float total = others + values[i], share = 1.0f / total;
            if (measure) sums->loss += logits[i] > -20.0f ? log1pf(others / values[i]) : logf(total) - logits[i];
            scores[j + i] = alpha * others * share;
            s->weights[r] += share;
            if (own_hits)
                for (int64_t k = 0; k < K; k++)
                    if (s->noise[k] == centre) s->hit_weights[r * K + k] += share;
        }
    }
}

/* Turns the exponentials in s->errors into errors, with sums of their absolute values as by noise_errors. */
static void KZ_FN(softmax_errors)(const kz_job *job, kz_scratch *s, int64_t n_rows, float alpha, int hits) {
    const int64_t K = job->n_noise;
    memset(s->noise_totals, 0, (size_t)K * sizeof(float));
    for (int64_t r = 0; r < n_rows; r++) {
        kz_eight sum = {0};
        for (int64_t k = 0; k < K; k += 8) {
            kz_eight z, column, w = s->weights[r] - (kz_eight){0};
            if (hits) {
                kz_eight less;
                memcpy(&less, s->hit_weights + r * K + k, sizeof less);
                w -= less;
            }
            memcpy(&z, s->errors + r * K + k, sizeof z);
            z *= -alpha * w;
            memcpy(s->errors + r * K + k, &z, sizeof z);
            memcpy(&column, s->noise_totals + k, sizeof column);
            column -= z;
            memcpy(s->noise_totals + k, &column, sizeof column);
            sum -= z;
        }
        s->totals[r] = KZ_FN(sum_of)(sum);
    }
}
