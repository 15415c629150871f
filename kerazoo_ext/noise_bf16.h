/* The products of noise_lanes.h in bfloat16 (AVX512_BF16), twice as many per instruction as of float32. Included by
 * noise_lanes.h for this instruction set; halves.h has the layouts and the tiles.
 *
 * Rows and noise words are rounded for the products only. Sums, errors and tables stay float32, and so do long updates.
 */

/* The output rows of the noise words, transposed by pairs of neighbouring elements, and as pairs of words. */
static void kz_half_take_noise(const kz_job *job, kz_scratch *s) {
    const int64_t K = job->n_noise, stride = job->stride, n_vectors = stride / 16;
    const float *halves[16];
    for (int64_t first = 0; first < K; first += 16) {
        for (int64_t k = 0; k < 16; k++) {
            float *half = s->half_room + k * stride;
            kz_half_row(s->noise_rows[first + k], n_vectors, (__m512i *)half);
            halves[k] = half;
        }
        kz_bf16_transpose(halves, (job->size + 1) / 2, s->noise_columns + first * stride);
        for (int64_t k = 0; k < 16; k += 2)
            kz_half_two((const __m512i *)halves[k], (const __m512i *)halves[k + 1], n_vectors,
                        s->noise_pairs + (first + k) / 2 * stride);
    }
}

KZ_INLINE void kz_half_products_tile(const float *rows, int64_t stride, const int n, const float *columns, int64_t n_pairs,
                                     float *out, int64_t ld) {
    __m512 a[KZ_TILE_ROWS];
#pragma GCC unroll 16
    for (int r = 0; r < n; r++) a[r] = _mm512_setzero_ps();
    for (int64_t d = 0; d < n_pairs; d++) {
        const __m512i y = _mm512_load_si512(columns + d * 16);
#pragma GCC unroll 16
        for (int r = 0; r < n; r++) {
            int32_t pair;
            memcpy(&pair, rows + r * stride + d, sizeof pair);
            a[r] = KZ_DOT(a[r], y, _mm512_set1_epi32(pair));
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < n; r++) _mm512_store_ps(out + r * ld, a[r]);
}

/* Dot products of `n` rows with 16 others, transposed by pairs of elements: out[r * ld + k]. */
static void kz_half_products(const float *rows, int64_t stride, int64_t n, const float *columns, int64_t n_pairs, float *out,
                             int64_t ld) {
    const int64_t n_tiles = (n + KZ_TILE_ROWS - 1) / KZ_TILE_ROWS;
    for (int64_t tile = 0; tile < n_tiles; tile++) {
        const int64_t r = n * tile / n_tiles, now = n * (tile + 1) / n_tiles - r;
        switch (now) {
#define KZ_CASE(N) case N: kz_half_products_tile(rows + r * stride, stride, N, columns, n_pairs, out + r * ld, ld); break;
            KZ_CASE(1) KZ_CASE(2) KZ_CASE(3) KZ_CASE(4) KZ_CASE(5) KZ_CASE(6) KZ_CASE(7) KZ_CASE(8)
#undef KZ_CASE
        }
    }
}

/* Rounds s->rows: as halves, and as pairs of two neighbouring rows. */
static void kz_half_round_rows(const kz_job *job, kz_scratch *s, int64_t n_rows) {
    const int64_t stride = job->stride, n_vectors = stride / 16;
    for (int64_t r = 0; r < n_rows; r++) kz_half_row(s->rows[r], n_vectors, (__m512i *)(s->row_halves + r * stride));
    memset(s->row_halves + n_rows * stride, 0, (size_t)stride * sizeof(float)); /* beside the last of an odd number */
    for (int64_t r = 0; r < n_rows; r += 2)
        kz_half_two((const __m512i *)(s->row_halves + r * stride), (const __m512i *)(s->row_halves + (r + 1) * stride),
                    n_vectors, s->row_copies + r / 2 * stride);
}

/* The products of s->rows and the noise words, without offsets: s->errors[r * K + k]. */
static void kz_half_noise_logits(const kz_job *job, kz_scratch *s, int64_t n_rows) {
    for (int64_t k = 0; k < job->n_noise; k += 16)
        kz_half_products(s->row_halves, job->stride, n_rows, s->noise_columns + k * job->stride, (job->size + 1) / 2,
                         s->errors + k, job->n_noise);
}

/* add_rows of lanes.h with pairs. `out` may contain a row more than once. */
static void kz_half_add_rows(float *const *out, int64_t n_out, const uint32_t *coefficients, int64_t apart, int64_t step,
                             const float *const *pairs, int64_t n, int64_t n_vectors) {
    if (n_vectors == 7) kz_half_update(out, n_out, coefficients, apart, step, pairs, n, 7, 1); /* 97 to 112 dimensions */
    else kz_half_update(out, n_out, coefficients, apart, step, pairs, n, n_vectors, 1);
}

/* s->targets[i] += sum over k of s->coefficients[i][k] * noise word k. */
static void kz_half_add_noise(const kz_job *job, kz_scratch *s, int64_t n_out) {
    const int64_t K = job->n_noise, stride = job->stride;
    for (int64_t i = 0; i < n_out; i++)
        for (int64_t k = 0; k < K; k += 16)
            _mm256_store_si256((__m256i *)(s->half_errors + (i * K + k) / 2),
                               (__m256i)_mm512_cvtneps_pbh(_mm512_load_ps(s->coefficients[i] + k)));
    for (int64_t k = 0; k < K / 2; k++) s->pairs[k] = s->noise_pairs + k * stride;
    kz_half_add_rows(s->targets, n_out, s->half_errors, K / 2, 1, s->pairs, K / 2, stride / 16);
}

/* Adds the errors of the rows to all noise words, or to those that are not long. */
static void kz_half_update_noise(const kz_job *job, kz_scratch *s, int64_t n_rows) {
    const int64_t K = job->n_noise, stride = job->stride, n_vectors = stride / 16, n_pairs = (n_rows + 1) / 2;
    int n_long = 0;
    for (int64_t k = 0; k < K; k++) n_long += s->noise_totals[k] > KZ_SAFE;
    for (int64_t p = 0; p < n_pairs; p++) {
        const float *one = s->errors + 2 * p * K, *other = one + (2 * p + 1 < n_rows ? K : 0);
        const __m512 none = _mm512_setzero_ps();
        for (int64_t k = 0; k < K; k += 16) {
            const __m512i a = KZ_HALVES(_mm512_load_ps(one + k), none);
            const __m512i b = KZ_HALVES(other == one ? none : _mm512_load_ps(other + k), none);
            _mm512_store_si512(s->noise_errors + p * K + k, kz_half_pairs(a, b, 0));
        }
        s->pairs[p] = s->row_copies + p * stride;
    }
    if (!n_long) {
        kz_half_add_rows(s->noise_outputs, K, s->noise_errors, 1, K, s->pairs, n_pairs, n_vectors);
        return;
    }
    for (int64_t k = 0; k < K; k++)
        if (s->noise_totals[k] <= KZ_SAFE)
            kz_half_tile(s->noise_outputs + k, 1, s->noise_errors + k, 1, K, s->pairs, n_pairs, n_vectors);
}
