/* The arithmetic of a group of windows for vectors of KZ_LANES floats. Included once for each instruction set, with
 * KZ_FN(name) giving every name a suffix of its own; no include guard. See skipgram.h for what is computed.
 */

typedef float KZ_FN(vec) __attribute__((vector_size(4 * KZ_LANES)));
#define KZ_VEC KZ_FN(vec)
#define KZ_LOAD(p) (*(const KZ_VEC *)(p))
#define KZ_STORE(p, v) (*(KZ_VEC *)(p) = (v))

/* Sums of eight vectors, in the order of the vectors. */
KZ_INLINE kz_eight KZ_FN(sums)(const KZ_VEC *a) {
#if KZ_LANES == 16
    __m256 h[8];
    for (int i = 0; i < 8; i++)
        h[i] = _mm256_add_ps(_mm512_castps512_ps256((__m512)a[i]), _mm512_extractf32x8_ps((__m512)a[i], 1));
#elif KZ_LANES == 8
    const __m256 *h = (const __m256 *)a;
#endif
#if KZ_LANES >= 8
    __m256 u = _mm256_hadd_ps(_mm256_hadd_ps(h[0], h[1]), _mm256_hadd_ps(h[2], h[3]));
    __m256 v = _mm256_hadd_ps(_mm256_hadd_ps(h[4], h[5]), _mm256_hadd_ps(h[6], h[7]));
    return (kz_eight)_mm256_add_ps(_mm256_permute2f128_ps(u, v, 0x20), _mm256_permute2f128_ps(u, v, 0x31));
#else
    kz_eight r;
    for (int i = 0; i < 8; i++) {
        float s = 0;
        for (int j = 0; j < KZ_LANES; j++) s += a[i][j];
        r[i] = s;
    }
    return r;
#endif
}

/* Dot products of two rows with four: out[0..3] and out[ld..ld + 3]. */
KZ_INLINE void KZ_FN(dots_2x4)(const float *x0, const float *x1, const float *y, int64_t stride, int64_t width,
                               float *out, int64_t ld) {
    KZ_VEC a[8] = {{0}};
    for (int64_t d = 0; d < width; d += KZ_LANES) {
        KZ_VEC p = KZ_LOAD(x0 + d), q = KZ_LOAD(x1 + d);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            KZ_VEC r = KZ_LOAD(y + j * stride + d);
            a[j] += p * r;
            a[4 + j] += q * r;
        }
    }
    kz_eight s = KZ_FN(sums)(a);
    for (int j = 0; j < 4; j++) {
        out[j] = s[j];
        out[ld + j] = s[4 + j];
    }
}

/* Dot products of y with n rows, 1 <= n <= 8: out[0..7], of which the first n count. */
KZ_INLINE void KZ_FN(dots_1x8)(const float *y, const float *const *x, int64_t n, int64_t width, float *out) {
    const float *row[8];
    KZ_VEC a[8] = {{0}};
    kz_eight s;
    for (int j = 0; j < 8; j++) row[j] = x[kz_min(j, n - 1)];
    for (int64_t d = 0; d < width; d += KZ_LANES) {
        KZ_VEC p = KZ_LOAD(y + d);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) a[j] += p * KZ_LOAD(row[j] + d);
    }
    s = KZ_FN(sums)(a);
    memcpy(out, &s, sizeof s);
}

/* The same for up to four rows, of which odd and even parts are summed apart: four sums alone would wait for each other. */
KZ_INLINE void KZ_FN(dots_1x4)(const float *y, const float *const *x, int64_t n, int64_t width, float *out) {
    const float *row[4];
    KZ_VEC a[8] = {{0}};
    int64_t d = 0;
    for (int j = 0; j < 4; j++) row[j] = x[kz_min(j, n - 1)];
    for (; d + 2 * KZ_LANES <= width; d += 2 * KZ_LANES) {
        KZ_VEC p = KZ_LOAD(y + d), q = KZ_LOAD(y + d + KZ_LANES);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            a[j] += p * KZ_LOAD(row[j] + d);
            a[4 + j] += q * KZ_LOAD(row[j] + d + KZ_LANES);
        }
    }
    for (; d < width; d += KZ_LANES)
        for (int j = 0; j < 4; j++) a[j] += KZ_LOAD(y + d) * KZ_LOAD(row[j] + d);
    kz_eight s = KZ_FN(sums)(a);
    for (int j = 0; j < 4; j++) out[j] = s[j] + s[4 + j];
}

/* out += sum over e of coefficients[e * ld] * rows[e], for `n_vectors` vectors from place `at` on, all in registers. */
KZ_INLINE void KZ_FN(combine_part)(float *out, const float *const *rows, const float *coefficients, int64_t ld, int64_t n,
                                   int64_t at, const int n_vectors) {
    KZ_VEC a[KZ_LARGEST_PART];
#pragma GCC unroll 16
    for (int i = 0; i < n_vectors; i++) a[i] = KZ_LOAD(out + at + i * KZ_LANES);
    for (int64_t e = 0; e < n; e++) {
        const float *row = rows[e] + at;
        KZ_OPAQUE(row); /* or gcc keeps a register for each place of the row, and runs out of them */
        KZ_VEC c = coefficients[e * ld] - (KZ_VEC){0}; /* the same value in every lane */
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) a[i] += c * KZ_LOAD(row + i * KZ_LANES);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n_vectors; i++) KZ_STORE(out + at + i * KZ_LANES, a[i]);
}

KZ_INLINE void KZ_FN(combine)(float *out, const float *const *rows, const float *coefficients, int64_t ld, int64_t n,
                              int64_t width) {
    int64_t left = width / KZ_LANES, at = 0;
    while (left > 0) {
        int64_t parts = (left + KZ_LARGEST_PART - 1) / KZ_LARGEST_PART, now = (left + parts - 1) / parts;
        switch (now) {
#define KZ_CASE(N) case N: KZ_FN(combine_part)(out, rows, coefficients, ld, n, at, N); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7)
            KZ_CASE(8) KZ_CASE(9) KZ_CASE(10) KZ_CASE(11) KZ_CASE(12) KZ_CASE(13)
#undef KZ_CASE
        }
        at += now * KZ_LANES;
        left -= now;
    }
}

/* g, or 0 where the logit is beyond KZ_BEYOND. */
KZ_INLINE kz_eight KZ_FN(within)(kz_eight logit, kz_eight g) {
    return (kz_eight)((kz_eight_ints)g & (logit < KZ_BEYOND) & (logit > -KZ_BEYOND));
}

/* `combine` for a row whose update may be long: see KZ_SAFE. */
static void KZ_FN(combine_clipped)(float *out, const float *const *rows, const float *coefficients, int64_t ld, int64_t n,
                                   int64_t width, float *update) {
    float square = 0;
    for (int64_t d = 0; d < width; d++) update[d] = 0;
    KZ_FN(combine)(update, rows, coefficients, ld, n, width);
    for (int64_t d = 0; d < width; d++) square += update[d] * update[d];
    const float scale = square > 1 ? 1 / sqrtf(square) : 1;
    for (int64_t d = 0; d < width; d++) out[d] += scale * update[d];
}

/* out += sum over e of coefficients[e * ld] * rows[e]; `total` is the sum of the coefficients' absolute values. */
KZ_INLINE void KZ_FN(update)(float *out, const float *const *rows, const float *coefficients, int64_t ld, int64_t n,
                             int64_t width, float total, kz_scratch *s) {
    if (total <= KZ_SAFE) KZ_FN(combine)(out, rows, coefficients, ld, n, width);
    else KZ_FN(combine_clipped)(out, rows, coefficients, ld, n, width, s->update);
}

/* One group: `n` centres at t->ids[first..], noise words in s->noise. Adds to the tables of the job. */
static void KZ_FN(group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                         int measure, kz_sums *sums) {
    const int64_t stride = job->stride, K = job->n_noise, ld = s->ld;
    const int64_t width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const int32_t *left = t->left + first, *right = t->right + first, *noise = s->noise;
    int64_t low = first, high = first; /* tokens that are inputs of pairs, both included */
    for (int64_t i = 0; i < n; i++) {
        low = kz_min(low, first + i - left[i]);
        high = kz_max(high, first + i + right[i]);
    }
    const int64_t n_rows = high - low + 1;
    const int32_t *row_ids = t->ids + low, *centres = t->ids + first;

    for (int64_t r = 0; r < n_rows; r++) {
        s->rows[r] = job->inputs + row_ids[r] * stride;
        s->counts[r] = 0;
        s->ends[r] = K;
    }
    if (n_rows & 1) s->rows[n_rows] = s->rows[n_rows - 1];
    /* Copies of the output rows: the tables change before they are used for the last time. */
    for (int64_t c = 0; c < n + K; c++) {
        const float *from = job->outputs + (c < n ? centres[c] : noise[c - n]) * stride;
        float *to = s->columns + c * stride;
        for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(to + d, KZ_LOAD(from + d));
    }
    const float *noise_rows = s->columns + n * stride;

    /* Logits. */
    for (int64_t r = 0; r < n_rows; r += 2)
        for (int64_t k = 0; k < K; k += 4)
            KZ_FN(dots_2x4)(s->rows[r], s->rows[r + 1], noise_rows + k * stride, stride, width,
                             s->errors + r * ld + k, ld);
    int64_t n_pairs = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = first + i - left[i] - low, m = left[i] + right[i] + 1;
        float *scores = s->true_errors + i * s->widest;
        for (int64_t j = 0; j < m; j += 8)
            if (m - j > 4) KZ_FN(dots_1x8)(s->columns + i * stride, s->rows + a + j, m - j, width, scores + j);
            else KZ_FN(dots_1x4)(s->columns + i * stride, s->rows + a + j, m - j, width, scores + j);
        for (int64_t j = 0; j < m; j++) s->counts[a + j] += j != left[i];
        n_pairs += m - 1;
    }
    for (int64_t r = 0; r < n_rows; r++) s->weights[r] = job->noise_weight * (float)s->counts[r];
    sums->pairs += n_pairs;

    /* Offsets of the logits: bias less log(K q). */
    for (int64_t c = 0; c < n + K; c++) {
        const int32_t word = c < n ? centres[c] : noise[c - n];
        s->offsets[c < n ? K + c : c - n] = job->biases ? job->biases[word] - job->log_expected[word] : 0.0f;
    }

    const int hits = job->remove_hits && kz_note_hits(job, s, noise, centres, left, right, first, low, n, n_rows);
    if (measure) {
        for (int64_t r = 0; r < n_rows; r++)
            for (int64_t k = 0; k < K; k++) {
                float w = hits ? s->hit_weights[r * K + k] : s->weights[r];
                if (w > 0) sums->loss += w * kz_softplus(s->errors[r * ld + k] + s->offsets[k]);
            }
        sums->measured += n_pairs;
    }
    for (int64_t k = 0; k < K; k++) s->noise_totals[k] = 0;
    for (int64_t r = 0; r < n_rows; r++) {
        kz_eight sum = {0};
        for (int64_t k = 0; k < K; k += 8) {
            kz_eight z, w, offset, column;
            memcpy(&z, s->errors + r * ld + k, sizeof z);
            memcpy(&offset, s->offsets + k, sizeof offset);
            if (hits) memcpy(&w, s->hit_weights + r * K + k, sizeof w);
            else w = s->weights[r] - (kz_eight){0};
            z += offset;
            z = KZ_FN(within)(z, -alpha * w * KZ_FN(sigmoid)(z));
            memcpy(s->errors + r * ld + k, &z, sizeof z);
            memcpy(&column, s->noise_totals + k, sizeof column);
            column -= z;
            memcpy(s->noise_totals + k, &column, sizeof column);
            sum -= z;
        }
        s->totals[r] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    }

    /* True words: errors, the entries of their rows, and the update of their columns. */
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = first + i - left[i] - low, m = left[i] + right[i] + 1;
        float *scores = s->true_errors + i * s->widest;
        const int32_t word = centres[i];
        const float offset = s->offsets[K + i];
        if (measure)
            for (int64_t j = 0; j < m; j++)
                if (j != left[i]) sums->loss += kz_softplus(-(scores[j] + offset));
        for (int64_t j = 0; j < m; j += 8) {
            kz_eight z;
            memcpy(&z, scores + j, sizeof z);
            z += offset;
            z = KZ_FN(within)(z, alpha * (1.0f - KZ_FN(sigmoid)(z)));
            memcpy(scores + j, &z, sizeof z);
        }
        scores[left[i]] = 0.0f; /* the centre itself */
        float total = 0.0f;
        for (int64_t j = 0; j < m; j++) {
            const int64_t r = a + j, e = r * ld + s->ends[r];
            s->errors[e] = scores[j];
            s->sources[e] = s->columns + i * stride;
            s->ends[r] += j != left[i];
            s->totals[r] += scores[j];
            total += scores[j];
        }
        KZ_FN(update)(job->outputs + word * stride, s->rows + a, scores, 1, m, width, total, s);
        if (job->biases) job->biases[word] += total < 1 ? total : 1;
    }
    for (int64_t k = 0; k < K; k++) {
        const float total = s->noise_totals[k];
        KZ_FN(update)(job->outputs + noise[k] * stride, s->rows, s->errors + k, ld, n_rows, width, total, s);
        if (job->biases) job->biases[noise[k]] -= total < 1 ? total : 1;
    }
    for (int64_t r = 0; r < n_rows; r++) {
        if (!s->counts[r]) continue;
        for (int64_t k = 0; k < K; k++) s->sources[r * ld + k] = noise_rows + k * stride;
        KZ_FN(update)(job->inputs + row_ids[r] * stride, s->sources + r * ld, s->errors + r * ld, 1, s->ends[r], width,
                      s->totals[r], s);
    }
}

#undef KZ_VEC
#undef KZ_LOAD
#undef KZ_STORE
