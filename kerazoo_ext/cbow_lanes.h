/* CBOW: the means (or sums) of the contexts of a group of neighbouring windows, against shared noise words. Included
 * after noise_lanes.h, once per instruction set. word2vec.h has the formulas.
 *
 * Windows are intervals of rows without their centres. So the sum of a window is the difference of two sums of all rows
 * before a row; and what the rows of a window receive is added at its first row and subtracted after its last one, and then
 * summed over the rows. Both take the same time for wide windows as for narrow ones.
 */

/* sums[r] = sum of weights[q] * rows[q] over q < r, for r = 0..n, in `n_vectors` vectors from element `at` on. */
KZ_INLINE void KZ_FN(sum_part)(float *sums, float *const *rows, const float *weights, int64_t n, int64_t stride, int64_t at,
                               const int n_vectors) {
    KZ_VEC a[KZ_LARGEST_PART] = {{0}};
    for (int64_t r = 0; r <= n; r++) {
        float *to = sums + r * stride + at;
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) KZ_STORE(to + i * KZ_LANES, a[i]);
        if (r == n) break;
        const float *row = rows[r] + at;
        const KZ_VEC w = KZ_ALL(weights[r]);
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) a[i] += w * KZ_LOAD(row + i * KZ_LANES);
    }
}

/* rows[r] += sum of differences[q] over q <= r, minus own[r], in `n_vectors` vectors from element `at` on. */
KZ_INLINE void KZ_FN(receive_part)(float *const *rows, const float *differences, const float *const *own, int64_t n,
                                   int64_t stride, int64_t at, const int n_vectors) {
    KZ_VEC a[KZ_LARGEST_PART] = {{0}};
    for (int64_t r = 0; r < n; r++) {
        const float *change = differences + r * stride + at, *less = own[r] + at;
        float *row = rows[r] + at;
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) {
            a[i] += KZ_LOAD(change + i * KZ_LANES);
            KZ_STORE(row + i * KZ_LANES, KZ_LOAD(row + i * KZ_LANES) + (a[i] - KZ_LOAD(less + i * KZ_LANES)));
        }
    }
}

#define KZ_BY_PARTS(FUNCTION, ...) \
    for (int64_t left = width / KZ_LANES, at = 0, now; left > 0; at += now * KZ_LANES, left -= now) { \
        const int64_t parts = (left + KZ_LARGEST_PART - 1) / KZ_LARGEST_PART; \
        now = (left + parts - 1) / parts; \
        switch (now) { \
            KZ_CASE(FUNCTION, 1, __VA_ARGS__) KZ_CASE(FUNCTION, 2, __VA_ARGS__) KZ_CASE(FUNCTION, 3, __VA_ARGS__) \
            KZ_CASE(FUNCTION, 4, __VA_ARGS__) KZ_CASE(FUNCTION, 5, __VA_ARGS__) KZ_CASE(FUNCTION, 6, __VA_ARGS__) \
            KZ_CASE(FUNCTION, 7, __VA_ARGS__) KZ_CASE(FUNCTION, 8, __VA_ARGS__) KZ_CASE(FUNCTION, 9, __VA_ARGS__) \
            KZ_CASE(FUNCTION, 10, __VA_ARGS__) KZ_CASE(FUNCTION, 11, __VA_ARGS__) KZ_CASE(FUNCTION, 12, __VA_ARGS__) \
            KZ_CASE(FUNCTION, 13, __VA_ARGS__) \
        } \
    }
#define KZ_CASE(FUNCTION, N, ...) case N: FUNCTION(__VA_ARGS__, at, N); break;

KZ_INLINE void KZ_FN(sum_rows)(float *sums, float *const *rows, const float *weights, int64_t n, int64_t stride,
                               int64_t width) {
    KZ_BY_PARTS(KZ_FN(sum_part), sums, rows, weights, n, stride)
}

KZ_INLINE void KZ_FN(receive)(float *const *rows, const float *differences, const float *const *own, int64_t n,
                              int64_t stride, int64_t width) {
    KZ_BY_PARTS(KZ_FN(receive_part), rows, differences, own, n, stride)
}

#undef KZ_CASE
#undef KZ_BY_PARTS

/* The rows that the windows of `n` centres from token `first` on consist of. */
typedef struct {
    int64_t low, n_rows;
} KZ_FN(span);

/* Writes the means (or sums) of the contexts of `n` centres to s->means, their first row and the row after their last one to
 * s->window_ends, and the fraction of its error that each context gets, 0 without contexts, to `shares`. */
static KZ_FN(span) KZ_FN(window_means)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, int64_t width,
                                       kz_scratch *s, float *shares) {
    const int64_t stride = job->stride;
    int64_t low = first, high = first;
    for (int64_t i = first; i < first + n; i++) {
        low = kz_min(low, i - t->left[i]);
        high = kz_max(high, i + t->right[i]);
    }
    const KZ_FN(span) span = {low, high - low + 1};
    for (int64_t r = 0; r < span.n_rows; r++) s->row_parts[r] = job->parts ? kz_n_parts(job, t->ids[low + r]) : 1.0f;
    KZ_FN(sum_rows)(s->row_sums, s->input_rows + low, s->row_parts, span.n_rows, stride, width);
    for (int64_t i = 0; i < n; i++) {
        const int64_t own = first + i - low, a = own - t->left[first + i], b = own + t->right[first + i] + 1;
        const float *before = s->row_sums + a * stride, *until = s->row_sums + b * stride, *row = s->input_rows[first + i];
        float n_parts = (float)(b - a - 1), *out = s->means + i * stride; /* of all contexts */
        if (job->parts) {
            n_parts = 0.0f;
            for (int64_t j = a; j < b; j++)
                if (j != own) n_parts += s->row_parts[j];
        }
        const float share = b - a > 1 ? 1.0f / n_parts : 0.0f, weight = job->mean ? share : b - a > 1 ? 1.0f : 0.0f;
        const KZ_VEC w = KZ_ALL(weight), p = KZ_ALL(s->row_parts[own]);
        for (int64_t d = 0; d < width; d += KZ_LANES)
            KZ_STORE(out + d, w * (KZ_LOAD(until + d) - KZ_LOAD(before + d) - p * KZ_LOAD(row + d)));
        s->window_ends[2 * i] = a;
        s->window_ends[2 * i + 1] = b;
        shares[i] = b - a == 1 ? 0.0f : job->mean ? 1.0f : share;
    }
    return span;
}

/* Adds the errors of the means, s->mean_errors, to the contexts of `n` centres. `weights` are the sums of the magnitudes of
 * the coefficients of each error. */
static void KZ_FN(receive_errors)(const kz_job *job, int64_t first, int64_t n, int64_t width, kz_scratch *s,
                                  KZ_FN(span) span, const float *shares, const float *weights) {
    const int64_t stride = job->stride, low = span.low, n_rows = span.n_rows;
    float **rows = s->input_rows + low, *totals = s->true_totals;
    float *none = s->update; /* nothing to subtract */
    memset(none, 0, (size_t)width * sizeof(float));
    memset(s->differences, 0, (size_t)((n_rows + 1) * stride) * sizeof(float));
    memset(totals, 0, (size_t)(n_rows + 1) * sizeof(float));
    for (int64_t r = 0; r < n_rows; r++) s->own_errors[r] = none;
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = s->window_ends[2 * i], b = s->window_ends[2 * i + 1], own = first + i - low;
        float *error = s->mean_errors + i * stride, *from = s->differences + a * stride, *until = s->differences + b * stride;
        const KZ_VEC share = KZ_ALL(shares[i]);
        for (int64_t d = 0; d < width; d += KZ_LANES) {
            const KZ_VEC e = share * KZ_LOAD(error + d);
            KZ_STORE(error + d, e);
            KZ_STORE(from + d, KZ_LOAD(from + d) + e);
            KZ_STORE(until + d, KZ_LOAD(until + d) - e);
        }
        s->own_errors[own] = error;
        totals[a] += shares[i] * weights[i];
        totals[b] -= shares[i] * weights[i];
    }
    /* Long updates, which must be clipped, go into rows of zeros first: rows that were summed are no longer needed. */
    int64_t n_long = 0;
    float total = 0.0f;
    for (int64_t r = 0; r < n_rows; r++) {
        const int64_t i = low + r - first;
        total += totals[r];
        s->row_targets[r] = rows[r];
        if (total - (i >= 0 && i < n ? shares[i] * weights[i] : 0.0f) <= KZ_SAFE) continue;
        s->row_targets[r] = s->row_sums + r * stride;
        memset(s->row_targets[r], 0, (size_t)width * sizeof(float));
        n_long++;
    }
    KZ_FN(receive)(s->row_targets, s->differences, s->own_errors, n_rows, stride, width);
    for (int64_t r = 0; r < n_rows && n_long; r++)
        if (s->row_targets[r] != rows[r]) KZ_FN(add_clipped)(rows[r], s->row_targets[r], width);
}

/* Nothing is copied: all that depends on the tables is computed before they are changed. */
static void KZ_FN(cbow_group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                              int measure, kz_sums *sums) {
    const int64_t stride = job->stride, K = job->n_noise;
    const int64_t width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const int32_t *centres = t->ids + first;
    float **outputs = s->output_rows + first;
    float shares[KZ_GROUP], weights[KZ_GROUP], scores[KZ_GROUP + 8];
    int hits = 0;

    KZ_FN(take_noise)(job, s, width, 0);
    const KZ_FN(span) span = KZ_FN(window_means)(job, t, first, n, width, s, shares);
    for (int64_t i = 0; i < n; i++) {
        s->centre_offsets[i] = kz_offset(job, s, centres[i]);
        s->rows[i] = s->means + i * stride;
        s->weights[i] = shares[i] > 0 ? job->noise_weight : 0.0f;
        if (job->remove_hits)
            for (int64_t k = 0; k < K; k++) {
                const int hit = s->noise[k] == centres[i];
                s->hit_weights[i * K + k] = hit ? 0.0f : s->weights[i];
                hits |= hit;
            }
        kz_call_ahead(job, s);
    }
    KZ_FN(round_rows)(job, s, n);
    if (job->softmax) hits = KZ_FN(softmax_noise)(job, s, n, centres, n);
    else KZ_FN(noise_errors)(job, s, n, alpha, hits, measure, sums);
    for (int64_t i = 0; i < n; i += 8) {
        kz_eight z, offset;
        KZ_FN(dots_paired)(s->rows + i, (const float *const *)outputs + i, kz_min(8, n - i), width, scores + i);
        memcpy(&z, scores + i, sizeof z);
        memcpy(&offset, s->centre_offsets + i, sizeof offset);
        z += offset;
        if (job->softmax) {
            memcpy(scores + i, &z, sizeof z);
            for (int64_t j = i; j < kz_min(i + 8, n); j++)
                if (shares[j] > 0)
                    KZ_FN(softmax_window)(job, s, j, 1, -1, centres[j], hits, alpha, scores + j, measure, sums);
            continue;
        }
        if (measure)
            for (int64_t j = i; j < kz_min(i + 8, n); j++)
                if (shares[j] > 0) sums->loss += kz_softplus(-z[j - i]);
        z = KZ_FN(within)(z, alpha * (1.0f - KZ_FN(sigmoid)(z)));
        memcpy(scores + i, &z, sizeof z);
    }
    if (job->softmax) KZ_FN(softmax_errors)(job, s, n, alpha, hits);

    for (int64_t i = 0; i < n; i++) {
        if (shares[i] == 0.0f) scores[i] = 0.0f;
        const KZ_VEC score = KZ_ALL(scores[i]);
        float *error = s->mean_errors + i * stride;
        for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(error + d, score * KZ_LOAD(outputs[i] + d));
        s->targets[i] = error;
        s->coefficients[i] = s->errors + i * K;
        weights[i] = scores[i] + s->totals[i];
        kz_call_ahead(job, s);
    }
    KZ_FN(add_noise)(job, s, n, width);
    KZ_FN(update_noise)(job, s, n, width);
    for (int64_t i = 0; i < n; i++) {
        if (scores[i] > KZ_SAFE) {
            KZ_FN(combine_clipped)(outputs[i], s->rows + i, scores + i, 1, 1, width, s->update);
        } else {
            const KZ_VEC score = KZ_ALL(scores[i]);
            float *row = outputs[i];
            const float *mean = s->rows[i];
            for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(row + d, KZ_LOAD(row + d) + score * KZ_LOAD(mean + d));
        }
        kz_add_bias(job, s, centres[i], scores[i]);
        kz_call_ahead(job, s);
    }
    KZ_FN(receive_errors)(job, first, n, width, s, span, shares, weights);
    kz_call_ahead(job, s);
}
