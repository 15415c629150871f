/* Arithmetic on rows of tables, with vectors of KZ_LANES floats. Included once per instruction set, without an include
 * guard; KZ_FN(name) makes the names of each set unique.
 *
 * KZ_TILE_ROWS and KZ_TILE_VECTORS set how many sums are in registers at the same time.
 */

typedef float KZ_FN(vec) __attribute__((vector_size(4 * KZ_LANES)));
typedef int32_t KZ_FN(ints) __attribute__((vector_size(4 * KZ_LANES)));
#define KZ_VEC KZ_FN(vec)
#define KZ_LOAD(p) (*(const KZ_VEC *)(p))
#define KZ_STORE(p, v) (*(KZ_VEC *)(p) = (v))
#define KZ_ALL(x) ((x) - (KZ_VEC){0}) /* the same value in every lane */

KZ_INLINE kz_eight KZ_FN(sigmoid)(kz_eight x) { KZ_SIGMOID_BODY(kz_eight, kz_eight_ints) }
KZ_INLINE KZ_VEC KZ_FN(sigmoids)(KZ_VEC x) { KZ_SIGMOID_BODY(KZ_VEC, KZ_FN(ints)) }

/* g, or 0 if the magnitude of the logit is KZ_BEYOND or more. */
KZ_INLINE kz_eight KZ_FN(within)(kz_eight logit, kz_eight g) {
    return (kz_eight)((kz_eight_ints)g & ((kz_eight)((kz_eight_ints)logit & 0x7FFFFFFF) < KZ_BEYOND));
}
KZ_INLINE KZ_VEC KZ_FN(all_within)(KZ_VEC logit, KZ_VEC g) {
    return (KZ_VEC)((KZ_FN(ints))g & ((KZ_VEC)((KZ_FN(ints))logit & 0x7FFFFFFF) < KZ_BEYOND));
}

KZ_INLINE float KZ_FN(sum_of)(kz_eight a) { return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7])); }

/* Horizontal sums of eight vectors, in the order of the vectors. */
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

KZ_INLINE void KZ_FN(copy)(float *to, const float *from, int64_t width) {
    for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(to + d, KZ_LOAD(from + d));
}

/* Dot products of y with n rows, 1 <= n <= 8, each plus `offset`: out[0..7], of which the first n are valid. */
KZ_INLINE void KZ_FN(dots_1x8)(const float *y, const float *const *x, int64_t n, int64_t width, float offset, float *out) {
    const float *row[8];
    KZ_VEC a[8] = {{0}};
    kz_eight s;
    for (int j = 0; j < 8; j++) row[j] = x[kz_min(j, n - 1)];
    for (int64_t d = 0; d < width; d += KZ_LANES) {
        KZ_VEC p = KZ_LOAD(y + d);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) a[j] += p * KZ_LOAD(row[j] + d);
    }
    s = KZ_FN(sums)(a) + offset;
    memcpy(out, &s, sizeof s);
}

/* The same for up to four rows, with separate sums of odd and even vectors: only four sums would be bound by latency. */
KZ_INLINE void KZ_FN(dots_1x4)(const float *y, const float *const *x, int64_t n, int64_t width, float offset, float *out) {
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
    for (int j = 0; j < 4; j++) out[j] = s[j] + s[4 + j] + offset;
}

/* Dot products of y with n rows, each plus `offset`; `out` has room for n rounded up to a multiple of 8. */
KZ_INLINE void KZ_FN(dots)(const float *y, const float *const *x, int64_t n, int64_t width, float offset, float *out) {
    for (int64_t j = 0; j < n; j += 8)
        if (n - j > 4) KZ_FN(dots_1x8)(y, x + j, n - j, width, offset, out + j);
        else KZ_FN(dots_1x4)(y, x + j, n - j, width, offset, out + j);
}

/* Dot products of row x[j] with row y[j] for j below n, 1 <= n <= 8: out[0..7], of which the first n are valid. */
KZ_INLINE void KZ_FN(dots_paired)(const float *const *x, const float *const *y, int64_t n, int64_t width, float *out) {
    const float *p[8], *q[8];
    KZ_VEC a[8] = {{0}};
    for (int j = 0; j < 8; j++) {
        p[j] = x[kz_min(j, n - 1)];
        q[j] = y[kz_min(j, n - 1)];
    }
    for (int64_t d = 0; d < width; d += KZ_LANES)
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) a[j] += KZ_LOAD(p[j] + d) * KZ_LOAD(q[j] + d);
    kz_eight s = KZ_FN(sums)(a);
    memcpy(out, &s, sizeof s);
}

/* Dot products of four rows x[i] with four rows y[j]: out[4 * i + j]. */
KZ_INLINE void KZ_FN(dots_4x4)(const float *const *x, const float *const *y, int64_t width, float *out) {
#if KZ_LANES == 16
    KZ_VEC a[16] = {{0}};
    __m512 t[8], u[4];
    for (int64_t d = 0; d < width; d += KZ_LANES) {
        const KZ_VEC y0 = KZ_LOAD(y[0] + d), y1 = KZ_LOAD(y[1] + d), y2 = KZ_LOAD(y[2] + d), y3 = KZ_LOAD(y[3] + d);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const KZ_VEC p = KZ_LOAD(x[i] + d);
            a[4 * i] += p * y0;
            a[4 * i + 1] += p * y1;
            a[4 * i + 2] += p * y2;
            a[4 * i + 3] += p * y3;
        }
    }
    /* Sums of 16 vectors together: of pairs of elements, then of quarters. */
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        t[i] = _mm512_add_ps(_mm512_unpacklo_ps((__m512)a[2 * i], (__m512)a[2 * i + 1]),
                             _mm512_unpackhi_ps((__m512)a[2 * i], (__m512)a[2 * i + 1]));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m512d p = _mm512_castps_pd(t[2 * i]), q = _mm512_castps_pd(t[2 * i + 1]);
        u[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q)), _mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        t[i] = _mm512_add_ps(_mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0x88),
                             _mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0xDD));
    _mm512_store_ps(out, _mm512_add_ps(_mm512_shuffle_f32x4(t[0], t[1], 0x88), _mm512_shuffle_f32x4(t[0], t[1], 0xDD)));
#else
    for (int i = 0; i < 4; i += 2) { /* eight sums in registers */
        KZ_VEC a[8] = {{0}};
        for (int64_t d = 0; d < width; d += KZ_LANES) {
            const KZ_VEC p = KZ_LOAD(x[i] + d), q = KZ_LOAD(x[i + 1] + d);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                a[j] += p * KZ_LOAD(y[j] + d);
                a[4 + j] += q * KZ_LOAD(y[j] + d);
            }
        }
        const kz_eight s = KZ_FN(sums)(a);
        memcpy(out + 4 * i, &s, sizeof s);
    }
#endif
}

/* Transposes 16 rows: out[d * 16 + k] = rows[k][d] for d below size rounded up to 4 (16 with vectors of 16). */
KZ_INLINE void KZ_FN(transpose)(const float *const *rows, int64_t size, float *out) {
#if KZ_LANES == 16
    for (int64_t d = 0; d < size; d += 16) {
        __m512 a[16], b[16];
#pragma GCC unroll 16
        for (int k = 0; k < 16; k++) a[k] = _mm512_load_ps(rows[k] + d);
#pragma GCC unroll 16
        for (int k = 0; k < 16; k += 2) { /* pairs of rows */
            b[k] = _mm512_unpacklo_ps(a[k], a[k + 1]);
            b[k + 1] = _mm512_unpackhi_ps(a[k], a[k + 1]);
        }
#pragma GCC unroll 16
        for (int k = 0; k < 16; k += 4) { /* four rows: a[k + i] has columns i, i + 4, i + 8 and i + 12 */
#define KZ_UNPACK(op, x, y) _mm512_castpd_ps(op(_mm512_castps_pd(x), _mm512_castps_pd(y)))
            a[k] = KZ_UNPACK(_mm512_unpacklo_pd, b[k], b[k + 2]);
            a[k + 1] = KZ_UNPACK(_mm512_unpackhi_pd, b[k], b[k + 2]);
            a[k + 2] = KZ_UNPACK(_mm512_unpacklo_pd, b[k + 1], b[k + 3]);
            a[k + 3] = KZ_UNPACK(_mm512_unpackhi_pd, b[k + 1], b[k + 3]);
#undef KZ_UNPACK
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) { /* quarters: columns i and i + 8, then i + 4 and i + 12, of eight rows */
            b[i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0x88);
            b[4 + i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0xDD);
            b[8 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0x88);
            b[12 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0xDD);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            _mm512_store_ps(out + (d + i) * 16, _mm512_shuffle_f32x4(b[i], b[8 + i], 0x88));
            _mm512_store_ps(out + (d + 4 + i) * 16, _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0x88));
            _mm512_store_ps(out + (d + 8 + i) * 16, _mm512_shuffle_f32x4(b[i], b[8 + i], 0xDD));
            _mm512_store_ps(out + (d + 12 + i) * 16, _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0xDD));
        }
    }
#else
    for (int64_t d = 0; d < size; d += 4)
        for (int k = 0; k < 16; k += 4) {
            kz_four a[4], b[4];
            for (int i = 0; i < 4; i++) memcpy(a + i, rows[k + i] + d, sizeof *a);
            b[0] = KZ_SHUFFLE(a[0], a[1], 0, 4, 1, 5);
            b[1] = KZ_SHUFFLE(a[2], a[3], 0, 4, 1, 5);
            b[2] = KZ_SHUFFLE(a[0], a[1], 2, 6, 3, 7);
            b[3] = KZ_SHUFFLE(a[2], a[3], 2, 6, 3, 7);
            a[0] = KZ_SHUFFLE(b[0], b[1], 0, 1, 4, 5);
            a[1] = KZ_SHUFFLE(b[0], b[1], 2, 3, 6, 7);
            a[2] = KZ_SHUFFLE(b[2], b[3], 0, 1, 4, 5);
            a[3] = KZ_SHUFFLE(b[2], b[3], 2, 3, 6, 7);
            for (int i = 0; i < 4; i++) memcpy(out + (d + i) * 16 + k, a + i, sizeof *a);
        }
#endif
}

/* Dot products of `n` rows with 16 others in transposed form, all sums in registers: out[r * ld + k]. */
KZ_INLINE void KZ_FN(products_tile)(const float *const *rows, const int n, const float *columns, int64_t size, float *out,
                                    int64_t ld) {
    enum { PARTS = 16 / KZ_LANES };
    KZ_VEC a[KZ_TILE_ROWS][PARTS] = {{{0}}};
    for (int64_t d = 0; d < size; d++) {
        KZ_VEC y[PARTS];
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; p++) y[p] = KZ_LOAD(columns + d * 16 + p * KZ_LANES);
#pragma GCC unroll 16
        for (int r = 0; r < n; r++) {
            KZ_VEC x = KZ_ALL(rows[r][d]);
#pragma GCC unroll 4
            for (int p = 0; p < PARTS; p++) a[r][p] += x * y[p];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; p++) KZ_STORE(out + r * ld + p * KZ_LANES, a[r][p]);
}

KZ_INLINE void KZ_FN(products)(const float *const *rows, int64_t n, const float *columns, int64_t size, float *out,
                               int64_t ld) {
    const int64_t n_tiles = (n + KZ_TILE_ROWS - 1) / KZ_TILE_ROWS;
    for (int64_t tile = 0; tile < n_tiles; tile++) {
        const int64_t r = n * tile / n_tiles, now = n * (tile + 1) / n_tiles - r;
        switch (now) {
#define KZ_CASE(N) case N: if (N <= KZ_TILE_ROWS) KZ_FN(products_tile)(rows + r, N, columns, size, out + r * ld, ld); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7) KZ_CASE(8)
#undef KZ_CASE
        }
    }
}

/* out += sum over e of coefficients[e * step] * rows[e], for `n_vectors` vectors from element `at` on, all in registers. */
KZ_INLINE void KZ_FN(combine_part)(float *out, const float *const *rows, const float *coefficients, int64_t step,
                                   int64_t n, int64_t at, const int n_vectors) {
    KZ_VEC a[KZ_LARGEST_PART];
#pragma GCC unroll 16
    for (int i = 0; i < n_vectors; i++) a[i] = KZ_LOAD(out + at + i * KZ_LANES);
    for (int64_t e = 0; e < n; e++) {
        const float *row = rows[e] + at;
        KZ_OPAQUE(row); /* otherwise gcc keeps one address register per vector of the row, and runs out of registers */
        KZ_VEC c = KZ_ALL(coefficients[e * step]);
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) a[i] += c * KZ_LOAD(row + i * KZ_LANES);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n_vectors; i++) KZ_STORE(out + at + i * KZ_LANES, a[i]);
}

KZ_INLINE void KZ_FN(combine)(float *out, const float *const *rows, const float *coefficients, int64_t step, int64_t n,
                              int64_t width) {
    int64_t left = width / KZ_LANES, at = 0;
    while (left > 0) {
        int64_t parts = (left + KZ_LARGEST_PART - 1) / KZ_LARGEST_PART, now = (left + parts - 1) / parts;
        switch (now) {
#define KZ_CASE(N) case N: KZ_FN(combine_part)(out, rows, coefficients, step, n, at, N); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7)
            KZ_CASE(8) KZ_CASE(9) KZ_CASE(10) KZ_CASE(11) KZ_CASE(12) KZ_CASE(13)
#undef KZ_CASE
        }
        at += now * KZ_LANES;
        left -= now;
    }
}

/* out[j] += coefficients[j] * row for all j below n, for `n_vectors` vectors from element `at` on, in registers. */
KZ_INLINE void KZ_FN(spread_part)(float *const *out, const float *coefficients, int64_t n, const float *row, int64_t at,
                                  const int n_vectors) {
    KZ_VEC a[KZ_LARGEST_PART];
#pragma GCC unroll 16
    for (int i = 0; i < n_vectors; i++) a[i] = KZ_LOAD(row + at + i * KZ_LANES);
    for (int64_t j = 0; j < n; j++) {
        float *to = out[j] + at;
        KZ_OPAQUE(to);
        KZ_VEC c = KZ_ALL(coefficients[j]);
#pragma GCC unroll 16
        for (int i = 0; i < n_vectors; i++) KZ_STORE(to + i * KZ_LANES, KZ_LOAD(to + i * KZ_LANES) + c * a[i]);
    }
}

KZ_INLINE void KZ_FN(spread)(float *const *out, const float *coefficients, int64_t n, const float *row, int64_t width) {
    int64_t left = width / KZ_LANES, at = 0;
    while (left > 0) {
        int64_t parts = (left + KZ_LARGEST_PART - 1) / KZ_LARGEST_PART, now = (left + parts - 1) / parts;
        switch (now) {
#define KZ_CASE(N) case N: KZ_FN(spread_part)(out, coefficients, n, row, at, N); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7)
            KZ_CASE(8) KZ_CASE(9) KZ_CASE(10) KZ_CASE(11) KZ_CASE(12) KZ_CASE(13)
#undef KZ_CASE
        }
        at += now * KZ_LANES;
        left -= now;
    }
}

/* out += update, scaled to length 1 if it is longer: see KZ_SAFE. */
KZ_INLINE void KZ_FN(add_clipped)(float *out, const float *update, int64_t width) {
    float square = 0;
    for (int64_t d = 0; d < width; d++) square += update[d] * update[d];
    const float scale = square > 1 ? 1 / sqrtf(square) : 1;
    for (int64_t d = 0; d < width; d++) out[d] += scale * update[d];
}

static void KZ_FN(combine_clipped)(float *out, const float *const *rows, const float *coefficients, int64_t step, int64_t n,
                                   int64_t width, float *update) {
    memset(update, 0, (size_t)width * sizeof *update);
    KZ_FN(combine)(update, rows, coefficients, step, n, width);
    KZ_FN(add_clipped)(out, update, width);
}

/* out += sum over e of coefficients[e * step] * rows[e]; `total` is the sum of the coefficients' absolute values. */
KZ_INLINE void KZ_FN(update)(float *out, const float *const *rows, const float *coefficients, int64_t step, int64_t n,
                             int64_t width, float total, float *scratch) {
    if (total <= KZ_SAFE) KZ_FN(combine)(out, rows, coefficients, step, n, width);
    else KZ_FN(combine_clipped)(out, rows, coefficients, step, n, width, scratch);
}

/* `combine` for `n_out` rows together, for `n_vectors` vectors from element `at` on: each row is read once for all. */
KZ_INLINE void KZ_FN(add_part)(float *const *out, const int n_out, const float *const *coefficients, int64_t step,
                               const float *const *rows, int64_t n, int64_t at, const int n_vectors) {
    KZ_VEC a[4][KZ_TILE_VECTORS];
#pragma GCC unroll 4
    for (int r = 0; r < n_out; r++)
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) a[r][i] = KZ_LOAD(out[r] + at + i * KZ_LANES);
    for (int64_t e = 0; e < n; e++) {
        const float *row = rows[e] + at;
        KZ_VEC y[KZ_TILE_VECTORS];
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) y[i] = KZ_LOAD(row + i * KZ_LANES);
#pragma GCC unroll 4
        for (int r = 0; r < n_out; r++) {
            KZ_VEC c = KZ_ALL(coefficients[r][e * step]);
#pragma GCC unroll 8
            for (int i = 0; i < n_vectors; i++) a[r][i] += c * y[i];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < n_out; r++)
#pragma GCC unroll 8
        for (int i = 0; i < n_vectors; i++) KZ_STORE(out[r] + at + i * KZ_LANES, a[r][i]);
}

KZ_INLINE void KZ_FN(add_tile)(float *const *out, const int n_out, const float *const *coefficients, int64_t step,
                               const float *const *rows, int64_t n, int64_t width) {
    int64_t left = width / KZ_LANES, at = 0;
    while (left > 0) {
        int64_t parts = (left + KZ_TILE_VECTORS - 1) / KZ_TILE_VECTORS, now = (left + parts - 1) / parts;
        switch (now) {
#define KZ_CASE(N) \
    case N: if (N <= KZ_TILE_VECTORS) KZ_FN(add_part)(out, n_out, coefficients, step, rows, n, at, N); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4)
#undef KZ_CASE
        }
        at += now * KZ_LANES;
        left -= now;
    }
}

/* out[r] += sum over e of coefficients[r][e * step] * rows[e] for all r below n_out. `out` may contain a row more than
 * once; `rows` and `out` have no row in common. */
static void KZ_FN(add_rows)(float *const *out, int64_t n_out, const float *const *coefficients, int64_t step,
                            const float *const *rows, int64_t n, int64_t width) {
    const int64_t n_tiles = (n_out + 3) / 4;
    for (int64_t tile = 0; tile < n_tiles; tile++) {
        const int64_t r = n_out * tile / n_tiles, now = n_out * (tile + 1) / n_tiles - r;
        int twice = 0;
        for (int64_t i = r; i < r + now; i++)
            for (int64_t j = r; j < i; j++) twice |= out[i] == out[j];
        if (twice) {
            for (int64_t i = r; i < r + now; i++) KZ_FN(combine)(out[i], rows, coefficients[i], step, n, width);
            continue;
        }
        switch (now) {
#define KZ_CASE(N) case N: KZ_FN(add_tile)(out + r, N, coefficients + r, step, rows, n, width); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4)
#undef KZ_CASE
        }
    }
}

/* Adds to the table what this thread has changed in a held row, and takes the table's values. */
static void KZ_FN(exchange)(kz_held *h, float *table, float *biases, int64_t stride, int64_t local) {
    float *shared = table + (h->first + local) * stride, *own = h->own + local * stride, *base = h->base + local * stride;
    for (int64_t d = 0; d < stride; d += KZ_LANES) {
        const KZ_VEC now = KZ_LOAD(shared + d), mine = KZ_LOAD(own + d), before = KZ_LOAD(base + d);
        const KZ_FN(ints) same = now == before; /* to the bit, where no other thread has changed it */
        const KZ_VEC sum = now + (mine - before);
        const KZ_VEC value = (KZ_VEC)((same & (KZ_FN(ints))mine) | (~same & (KZ_FN(ints))sum));
        KZ_STORE(shared + d, value);
        KZ_STORE(own + d, value);
        KZ_STORE(base + d, value);
    }
    if (!biases) return;
    float *bias = biases + h->first + local, *mine = h->own_biases + local, *before = h->base_biases + local;
    *bias = *mine = *before = *bias == *before ? *mine : *bias + (*mine - *before);
}
