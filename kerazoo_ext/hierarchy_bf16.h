/* Hierarchical softmax in skip-gram with products of bfloat16: see halves.h. Included by word2vec.h after the other models of
 * this instruction set.
 */

/* Dot products of nodes a and b with `n` rows: a . x_0, b . x_0, a . x_1, ... */
KZ_INLINE __m512 kz_half_logits(const __m512i *a, const __m512i *b, const float *const *rows, const int n,
                                const int64_t n_vectors) {
    __m512 p[8], q[8], t[4], u[2];
    int64_t c = 0;
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) p[j] = q[j] = _mm512_setzero_ps();
    if (n_vectors % 2) { /* of the last halves only 16 count, which take half of the time */
        c = n_vectors / 2;
        const __m256bh y = (__m256bh)_mm512_castsi512_si256(a[c]), z = (__m256bh)_mm512_castsi512_si256(b[c]);
#pragma GCC unroll 8
        for (int j = 0; j < n; j++) {
            const __m256bh x = (__m256bh)_mm256_load_si256((const __m256i *)(rows[j] + 16 * c));
            p[j] = _mm512_zextps256_ps512(_mm256_dpbf16_ps(_mm256_setzero_ps(), x, y));
            q[j] = _mm512_zextps256_ps512(_mm256_dpbf16_ps(_mm256_setzero_ps(), x, z));
        }
    }
#pragma GCC unroll 4
    for (c = 0; c < n_vectors / 2; c++)
#pragma GCC unroll 8
        for (int j = 0; j < n; j++) {
            const __m512i x = _mm512_load_si512(rows[j] + 16 * c);
            p[j] = KZ_DOT(p[j], x, a[c]);
            q[j] = KZ_DOT(q[j], x, b[c]);
        }
    /* Horizontal sums of all of them together; blends are cheaper than shuffles. */
#pragma GCC unroll 8
    for (int j = 0; j < n; j++) /* a, a, b, b */
        p[j] = _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, p[j], q[j]), _mm512_shuffle_ps(p[j], q[j], 0x4E));
#pragma GCC unroll 4
    for (int j = 0; 2 * j < n; j++) { /* a, b of one row, a, b of the next one */
        const __m512 x = p[2 * j], y = 2 * j + 1 < n ? p[2 * j + 1] : x;
        t[j] = _mm512_add_ps(_mm512_shuffle_ps(x, y, 0x88), _mm512_shuffle_ps(x, y, 0xDD));
    }
#pragma GCC unroll 2
    for (int j = 0; 4 * j < n; j++) {
        const __m512 x = t[2 * j], y = 4 * j + 2 < n ? t[2 * j + 1] : x;
        u[j] = _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, x, y), _mm512_shuffle_f32x4(x, y, 0x4E));
    }
    if (n <= 4) u[1] = u[0];
    return _mm512_add_ps(_mm512_shuffle_f32x4(u[0], u[1], 0x88), _mm512_shuffle_f32x4(u[0], u[1], 0xDD));
}

/* Logits of the nodes of the path, two by two, at m rows, in s->node_errors: 16 numbers for two nodes and eight rows. Writes
 * the nodes as pairs into s->node_copies. `a` and `b` have room for the halves of two nodes. */
KZ_INLINE void kz_half_scores(kz_scratch *s, int64_t n_nodes, int64_t m, const int64_t n_vectors, __m512i *a, __m512i *b) {
    for (int64_t e = 0; e < n_nodes; e += 2) {
        float *scores = s->node_errors + e * s->widest;
        kz_half_row(s->path_nodes[e], n_vectors, a);
        kz_half_row(s->path_nodes[kz_min(e + 1, n_nodes - 1)], n_vectors, b);
        kz_half_two(a, b, n_vectors, s->node_copies + e / 2 * 16 * n_vectors);
        for (int64_t r = 0; r < m; r += 8) {
            __m512 z;
            switch (kz_min(8, m - r)) {
#define KZ_CASE(N) case N: z = kz_half_logits(a, b, s->rows + r, N, n_vectors); break;
                KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7)
                default: z = kz_half_logits(a, b, s->rows + r, 8, n_vectors);
#undef KZ_CASE
            }
            _mm512_store_ps(scores + 2 * r, z);
        }
    }
}

/* Turns the logits into errors, as pairs of rows for the nodes and as pairs of nodes for the rows. A loop of its own, because
 * one error after the other would be bound by latency. */
KZ_INLINE void kz_half_errors(kz_scratch *s, const int32_t *path, int64_t n_nodes, int64_t m, float alpha, int measure,
                              kz_sums *sums) {
    const int64_t half = s->widest / 2;
    const __m256i apart = _mm256_set_epi16(15, 13, 11, 9, 7, 5, 3, 1, 14, 12, 10, 8, 6, 4, 2, 0);
    for (int64_t e = 0; e < n_nodes; e += 2) {
        const int64_t other = kz_min(e + 1, n_nodes - 1);
        const __mmask16 nodes = other > e ? 0xFFFF : 0x5555;
        const __mmask16 labels = (path[e] & 1 ? 0 : 0x5555) | (path[other] & 1 ? 0 : 0xAAAA);
        const __m512 label = _mm512_maskz_mov_ps(labels, _mm512_set1_ps(alpha));
        for (int64_t r = 0; r < m; r += 8) {
            const __m512 z = _mm512_load_ps(s->node_errors + e * s->widest + 2 * r);
            const __mmask16 use = nodes & (__mmask16)((1u << 2 * kz_min(8, m - r)) - 1);
            if (measure) sums->loss += kz_half_softplus(_mm512_mask_sub_ps(z, labels, _mm512_setzero_ps(), z), use);
            const __mmask16 small = _mm512_mask_cmp_ps_mask(use, _mm512_abs_ps(z), _mm512_set1_ps(KZ_BEYOND), _CMP_LT_OQ);
            const __m512 g = _mm512_maskz_fnmadd_ps(small, kz_half_sigmoids(z), _mm512_set1_ps(alpha), label);
            const __m256i errors = (__m256i)_mm512_cvtneps_pbh(g);
            _mm256_store_si256((__m256i *)(s->row_coefficients + e / 2 * s->widest + r), errors);
            const __m256i split = _mm256_permutexvar_epi16(apart, errors);
            _mm_storeu_si128((__m128i *)(s->node_coefficients + e * half + r / 2), _mm256_castsi256_si128(split));
            _mm_storeu_si128((__m128i *)(s->node_coefficients + (e + 1) * half + r / 2), _mm256_extracti128_si256(split, 1));
        }
    }
}

/* Sum of the absolute values of n pairs of coefficients. */
static float kz_half_total(const uint32_t *coefficients, int64_t step, int64_t n) {
    float total = 0.0f;
    for (int64_t e = 0; e < n; e++)
        for (int shift = 0; shift < 2; shift++) {
            const uint32_t bits = (shift ? coefficients[e * step] : coefficients[e * step] << 16) & 0x7FFF0000u;
            float value;
            memcpy(&value, &bits, sizeof value);
            total += value;
        }
    return total;
}

/* Updates n_out rows by n pairs, one by one, as they may have to be clipped. */
static void kz_half_update_each(kz_scratch *s, float *const *out, int64_t n_out, const uint32_t *coefficients, int64_t apart,
                                int64_t step, const float *const *pairs, int64_t n, int64_t n_vectors) {
    for (int64_t r = 0; r < n_out; r++) {
        const uint32_t *own = coefficients + r * apart;
        if (kz_half_total(own, step, n) > KZ_SAFE) {
            memset(s->update, 0, (size_t)n_vectors * 64);
            kz_half_tile(&s->update, 1, own, apart, step, pairs, n, n_vectors);
            kz_avx512_add_clipped(out[r], s->update, 16 * n_vectors);
        } else {
            kz_half_tile(out + r, 1, own, apart, step, pairs, n, n_vectors);
        }
    }
}

/* The rows of a group from token `low` on, as halves and as pairs of each row and the next one. s->repeats[r] is the last
 * row that occurs again until row r, or -1. */
KZ_INLINE void kz_half_take_rows(const kz_stream *t, int64_t low, int64_t n_rows, int64_t reach, kz_scratch *s,
                                 const int64_t n_vectors) {
    const int64_t stride = 16 * n_vectors;
    const int32_t *ids = t->ids + low;
    for (int64_t r = 0; r < n_rows; r++)
        kz_half_row(s->input_rows[low + r], n_vectors, (__m512i *)(s->row_halves + r * stride));
    memset(s->row_halves + n_rows * stride, 0, (size_t)stride * sizeof(float));
    int64_t last = -1;
    for (int64_t r = 0; r < n_rows; r++) {
        kz_half_two((const __m512i *)(s->row_halves + r * stride), (const __m512i *)(s->row_halves + (r + 1) * stride),
                    n_vectors, s->row_copies + r * stride);
        for (int64_t q = kz_max(last + 1, r - 2 * reach); q < r; q++)
            if (ids[q] == ids[r]) last = q;
        s->repeats[r] = (int32_t)last;
    }
}

/* hierarchy_window of hierarchy_lanes.h; row 0 of the group is token `low`. */
KZ_INLINE void kz_half_window(const kz_job *job, const kz_stream *t, int64_t i, int64_t low, float alpha, kz_scratch *s,
                              int measure, kz_sums *sums, const int64_t n_vectors, __m512i *a, __m512i *b) {
    const int64_t stride = 16 * n_vectors;
    const int32_t *path = job->paths + job->path_offsets[t->ids[i]];
    const int64_t n_nodes = job->path_offsets[t->ids[i] + 1] - job->path_offsets[t->ids[i]];
    const int64_t first = i - t->left[i] - low, centre = i - low, m = t->left[i] + t->right[i];
    if (!m || !n_nodes) return;

    for (int64_t j = 0; j < m; j++) {
        const int64_t r = first + j + (first + j >= centre);
        s->rows[j] = s->row_halves + r * stride;
        s->row_targets[j] = s->input_rows[low + r];
    }
    for (int64_t e = 0; e < n_nodes; e++) s->path_nodes[e] = kz_node(job, s, path[e] >> 1);
    kz_call_ahead(job, s);
    kz_half_scores(s, n_nodes, m, n_vectors, a, b);
    kz_half_errors(s, path, n_nodes, m, alpha, measure, sums);
    kz_call_ahead(job, s);

    /* Pairs of contexts; the one around the centre is made here. */
    const float **pairs = s->node_rows;
    for (int64_t j = 0; j < m; j += 2) {
        const int64_t r = first + j + (first + j >= centre);
        pairs[j / 2] = s->row_copies + r * stride;
        if (j + 1 < m && r + 1 == centre) {
            kz_half_two((const __m512i *)s->rows[j], (const __m512i *)s->rows[j + 1], n_vectors, s->centre_pair);
            pairs[j / 2] = s->centre_pair;
        }
    }
    /* No error exceeds alpha, so usually no update can be long. */
    if (alpha * (float)m > KZ_SAFE)
        kz_half_update_each(s, s->path_nodes, n_nodes, s->node_coefficients, s->widest / 2, 1, pairs, (m + 1) / 2, n_vectors);
    else
        kz_half_update(s->path_nodes, n_nodes, s->node_coefficients, s->widest / 2, 1, pairs, (m + 1) / 2, n_vectors, 0);
    kz_call_ahead(job, s);
    for (int64_t e = 0; e < n_nodes; e += 2) pairs[e / 2] = s->node_copies + e / 2 * stride;
    if (alpha * (float)n_nodes > KZ_SAFE)
        kz_half_update_each(s, s->row_targets, m, s->row_coefficients, 1, s->widest, pairs, (n_nodes + 1) / 2, n_vectors);
    else
        kz_half_update(s->row_targets, m, s->row_coefficients, 1, s->widest, pairs, (n_nodes + 1) / 2, n_vectors,
                       s->repeats[first + m] >= first);
}

KZ_INLINE void kz_half_windows(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                               int measure, kz_sums *sums, const int64_t n_vectors, __m512i *a, __m512i *b) {
    int64_t low, high;
    kz_context_range(t, first, n, &low, &high);
    kz_half_take_rows(t, low, high - low, job->reach, s, n_vectors);
    for (int64_t i = first; i < first + n; i++)
        kz_half_window(job, t, i, low, alpha, s, measure, sums, n_vectors, a, b);
}

/* `group` of hierarchy_lanes.h */
static void kz_avx512_bf16_group(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                                 int measure, kz_sums *sums) {
    if (!job->nodes || job->cbow) {
        kz_bf16_group(job, t, first, n, alpha, s, measure, sums);
        return;
    }
    kz_bf16_noise_group(job, t, first, n, alpha, s, measure, sums);
    __m512i a[4], b[4];
    switch (job->stride / 16) { /* common sizes have loops of their own, with the halves of two nodes in registers */
#define KZ_CASE(N) case N: kz_half_windows(job, t, first, n, alpha, s, measure, sums, N, a, b); break;
        KZ_CASE(4) KZ_CASE(7) KZ_CASE(8)
#undef KZ_CASE
        default:
            kz_half_windows(job, t, first, n, alpha, s, measure, sums, job->stride / 16, (__m512i *)s->node_halves,
                            (__m512i *)(s->node_halves + job->stride));
    }
}
