/* Products of bfloat16 (AVX512_BF16): twice as many per instruction as of float32. Included by word2vec.h for this
 * instruction set; noise_bf16.h, skipgram_bf16.h and hierarchy_bf16.h have the models.
 *
 * Rows and errors are rounded to bfloat16 for the products only. Sums and tables stay float32. An instruction multiplies
 * pairs: of neighbouring elements in dot products, and in updates of the same element of two rows, so that their copies are
 * in two layouts:
 *
 *     halves   row[0], row[1], ...               of one row
 *     pairs    a[0], b[0], a[1], b[1], ...       of two rows a and b
 */

#define KZ_HALF_VECTORS 4 /* vectors of a row in a tile of an update */

/* Two vectors of floats as one of bfloat16. */
#define KZ_HALVES(low, high) ((__m512i)_mm512_cvtne2ps_pbh(high, low))
#define KZ_DOT(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))

/* For 16 elements of two rows, the first or the last ones of a vector of halves. */
KZ_INLINE __m512i kz_half_pairs(__m512i a, __m512i b, const int last) {
    const __m512i first_ones = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5,
                                                36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    return _mm512_permutex2var_epi16(a, last ? _mm512_add_epi16(first_ones, _mm512_set1_epi16(16)) : first_ones, b);
}

KZ_INLINE void kz_half_row(const float *row, const int64_t n_vectors, __m512i *out) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < n_vectors / 2; i++)
        out[i] = KZ_HALVES(_mm512_load_ps(row + 32 * i), _mm512_load_ps(row + 32 * i + 16));
    if (n_vectors % 2)
        out[n_vectors / 2] = KZ_HALVES(_mm512_load_ps(row + 16 * (n_vectors - 1)), _mm512_setzero_ps());
}

KZ_INLINE void kz_half_two(const __m512i *a, const __m512i *b, const int64_t n_vectors, float *pairs) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < n_vectors; i++)
        _mm512_store_si512(pairs + 16 * i, kz_half_pairs(a[i / 2], b[i / 2], i % 2));
}

/* exp(-x) to 1e-4, more than what is left of it in bfloat16. */
KZ_INLINE __m512 kz_half_exponentials(__m512 x) {
    const __m512 z = _mm512_mul_ps(x, _mm512_set1_ps(-1.44269504f)), n = _mm512_roundscale_ps(z, 8), r = _mm512_sub_ps(z, n);
    __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(0.0096181f), _mm512_set1_ps(0.0555041f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.2402265f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.6931472f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

KZ_INLINE __m512 kz_half_sigmoids(__m512 x) {
    return _mm512_rcp14_ps(_mm512_add_ps(kz_half_exponentials(x), _mm512_set1_ps(1.0f)));
}

/* Sum of the softplus of x where `use` is set: one logarithm for several numbers. */
static float kz_half_softplus(__m512 x, __mmask16 use) {
    const __m512 e = kz_half_exponentials(_mm512_abs_ps(x));
    const float product = _mm512_mask_reduce_mul_ps(use, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
    return _mm512_mask_reduce_add_ps(use, _mm512_max_ps(x, _mm512_setzero_ps())) + logf(product);
}

/* add_part of lanes.h with pairs: row r of `out` has the coefficients at coefficients + r * apart, each `step` further. */
KZ_INLINE void kz_half_part(float *const *out, const int n_out, const uint32_t *coefficients, int64_t apart, int64_t step,
                            const float *const *pairs, int64_t n, int64_t at, const int n_vectors) {
    __m512 a[4][KZ_HALF_VECTORS];
#pragma GCC unroll 4
    for (int r = 0; r < n_out; r++)
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) a[r][i] = _mm512_load_ps(out[r] + at + i * 16);
    for (int64_t e = 0; e < n; e++) {
        const float *pair = pairs[e] + at;
        __m512i y[KZ_HALF_VECTORS];
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) y[i] = _mm512_load_si512(pair + i * 16);
#pragma GCC unroll 4
        for (int r = 0; r < n_out; r++) {
            const __m512i c = _mm512_set1_epi32((int)coefficients[r * apart + e * step]);
#pragma GCC unroll 8
            for (int i = 0; i < n_vectors; i++) a[r][i] = KZ_DOT(a[r][i], c, y[i]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < n_out; r++)
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) _mm512_store_ps(out[r] + at + i * 16, a[r][i]);
}

KZ_INLINE void kz_half_tile(float *const *out, const int n_out, const uint32_t *coefficients, int64_t apart, int64_t step,
                            const float *const *pairs, int64_t n, const int64_t n_vectors) {
    int64_t at = 0;
#pragma GCC unroll 2
    for (; at + KZ_HALF_VECTORS <= n_vectors; at += KZ_HALF_VECTORS)
        kz_half_part(out, n_out, coefficients, apart, step, pairs, n, 16 * at, KZ_HALF_VECTORS);
    switch (n_vectors - at) {
#define KZ_CASE(N) case N: kz_half_part(out, n_out, coefficients, apart, step, pairs, n, 16 * at, N); break;
        KZ_CASE(1) KZ_CASE(2) KZ_CASE(3)
#undef KZ_CASE
    }
}

/* Updates n_out rows by n pairs; with `repeats`, rows may occur twice. */
KZ_INLINE void kz_half_update(float *const *out, int64_t n_out, const uint32_t *coefficients, int64_t apart, int64_t step,
                              const float *const *pairs, int64_t n, const int64_t n_vectors, int repeats) {
    while (n_out > 0) {
        int64_t now = n_out > 6 ? 4 : n_out > 4 ? 3 : n_out; /* without a last tile of one row */
        if (repeats)
            for (int64_t i = 1; i < now; i++)
                for (int64_t j = 0; j < i; j++)
                    if (out[i] == out[j]) now = i;
        switch (now) {
#define KZ_CASE(N) case N: kz_half_tile(out, N, coefficients, apart, step, pairs, n, n_vectors); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4)
#undef KZ_CASE
        }
        out += now;
        coefficients += now * apart;
        n_out -= now;
    }
}
