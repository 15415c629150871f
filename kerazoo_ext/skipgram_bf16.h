/* Skip-gram of logistic losses in bfloat16 (AVX512_BF16). Included by hierarchy_lanes.h for this instruction set.
 *
 * The true words are treated like noise words: each 16 centres against all rows near them at once, with a mask of the pairs.
 * This multiplies more than loops over windows of varying length would, in fewer instructions.
 */

#define KZ_BLOCK 16 /* centres: the lanes of a vector */

/* The errors of a block of centres, and the rows from `low` (even) to `high` - 1 that have pairs with them. */
typedef struct {
    int64_t low, high;
    float *errors;          /* (rows, 16) */
    uint32_t *coefficients; /* (pairs of rows, 16) */
    float totals[KZ_BLOCK]; /* of each centre */
} kz_block;

/* Rounds `n` centres; writes them as pairs, and transposed by pairs of elements. */
static void kz_half_take_centres(const kz_job *job, kz_scratch *s, float *const *outputs, int64_t n, float *pairs) {
    const int64_t stride = job->stride, n_vectors = stride / 16;
    const float *halves[KZ_BLOCK];
    for (int64_t i = 0; i < KZ_BLOCK; i++) {
        float *half = s->half_room + i * stride;
        halves[i] = half;
        if (i < n) kz_half_row(outputs[i], n_vectors, (__m512i *)half);
        else memset(half, 0, (size_t)stride * sizeof *half);
        kz_call_ahead(job, s);
    }
    kz_bf16_transpose(halves, (job->size + 1) / 2, s->centre_columns);
    for (int64_t i = 0; i < KZ_BLOCK; i += 2)
        kz_half_two((const __m512i *)halves[i], (const __m512i *)halves[i + 1], n_vectors, pairs + i / 2 * stride);
}

/* The errors of the pairs of one block, whose centres are `own`, `own` + 1, ... of the rows. `at` is where their pairs are in
 * the coefficients of a row, which are `ld` apart. */
static void kz_half_true_errors(const kz_job *job, kz_scratch *s, const int32_t *centres, const int32_t *left,
                                const int32_t *right, int64_t own, int64_t n, float alpha, int64_t at, int64_t ld,
                                kz_block *block, int measure, kz_sums *sums) {
    const int64_t stride = job->stride;
    int32_t from[KZ_BLOCK] = {0}, to[KZ_BLOCK] = {0}, place[KZ_BLOCK] = {0};
    float offsets[KZ_BLOCK] = {0};
    int64_t low = own, high = own + n;
    for (int64_t i = 0; i < n; i++) {
        place[i] = (int32_t)(own + i);
        from[i] = place[i] - left[i];
        to[i] = place[i] + right[i] + 1;
        offsets[i] = kz_offset(job, s, centres[i]);
        low = kz_min(low, from[i]);
        high = kz_max(high, to[i]);
    }
    block->low = low &= ~(int64_t)1;
    block->high = high;
    kz_half_products(s->row_halves + low * stride, stride, high - low, s->centre_columns, (job->size + 1) / 2, block->errors,
                     KZ_BLOCK);
    const __m512i first = _mm512_loadu_si512(from), end = _mm512_loadu_si512(to), itself = _mm512_loadu_si512(place);
    const __m512 offset = _mm512_loadu_ps(offsets), rate = _mm512_set1_ps(alpha);
    __m512 total = _mm512_setzero_ps();
    for (int64_t r = low; r < high; r++) {
        float *errors = block->errors + (r - low) * KZ_BLOCK;
        const __m512i row = _mm512_set1_epi32((int32_t)r);
        __mmask16 pairs = _mm512_cmple_epi32_mask(first, row);
        pairs = _mm512_mask_cmplt_epi32_mask(pairs, row, end);
        pairs = _mm512_mask_cmpneq_epi32_mask(pairs, row, itself);
        const __m512 z = _mm512_add_ps(_mm512_load_ps(errors), offset);
        if (measure) sums->loss += kz_half_softplus(_mm512_sub_ps(_mm512_setzero_ps(), z), pairs);
        s->counts[r] += __builtin_popcount(pairs);
        pairs = _mm512_mask_cmp_ps_mask(pairs, _mm512_abs_ps(z), _mm512_set1_ps(KZ_BEYOND), _CMP_LT_OQ);
        const __m512 g = _mm512_maskz_fnmadd_ps(pairs, kz_half_sigmoids(z), rate, rate);
        _mm512_store_ps(errors, g);
        _mm256_store_si256((__m256i *)(s->half_errors + r * ld + at), (__m256i)_mm512_cvtneps_pbh(g));
        total = _mm512_add_ps(total, g);
        if (r % 2) kz_call_ahead(job, s);
    }
    _mm512_storeu_ps(block->totals, total);
    for (int64_t r = low; r < high; r += 2) {
        const float *errors = block->errors + (r - low) * KZ_BLOCK;
        const __m512 other = r + 1 < high ? _mm512_load_ps(errors + KZ_BLOCK) : _mm512_setzero_ps();
        const __m512i a = KZ_HALVES(_mm512_load_ps(errors), other);
        _mm512_store_si512(block->coefficients + (r - low) / 2 * KZ_BLOCK, kz_half_pairs(a, _mm512_alignr_epi64(a, a, 4), 0));
    }
}

/* Updates the output rows of one block. */
static void kz_half_update_centres(const kz_job *job, kz_scratch *s, const int32_t *centres, float *const *outputs, int64_t n,
                                   const kz_block *block) {
    const int64_t stride = job->stride, n_vectors = stride / 16, n_pairs = (block->high - block->low + 1) / 2;
    int n_long = 0;
    for (int64_t i = 0; i < n; i++) n_long += block->totals[i] > KZ_SAFE;
    for (int64_t p = 0; p < n_pairs; p++) s->pairs[p] = s->row_copies + (block->low / 2 + p) * stride;
    if (!n_long) {
        kz_half_add_rows(outputs, n, block->coefficients, 1, KZ_BLOCK, s->pairs, n_pairs, n_vectors);
    } else {
        for (int64_t i = 0; i < n; i++)
            if (block->totals[i] > KZ_SAFE)
                kz_bf16_combine_clipped(outputs[i], s->rows + block->low, block->errors + i, KZ_BLOCK,
                                        block->high - block->low, 16 * n_vectors, s->update);
            else kz_half_tile(outputs + i, 1, block->coefficients + i, 1, KZ_BLOCK, s->pairs, n_pairs, n_vectors);
    }
    for (int64_t i = 0; i < n; i++) kz_add_bias(job, s, centres[i], block->totals[i]);
}

/* skipgram_group of skipgram_lanes.h. The coefficients of a row are those of the first block, of the noise words and of the
 * second block, so that a row in one block only has its own in sequence, too. */
static void kz_half_skipgram_group(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha,
                                   kz_scratch *s, int measure, kz_sums *sums) {
    const int64_t stride = job->stride, K = job->n_noise, n_vectors = stride / 16, width = stride;
    const int64_t noise_at = KZ_BLOCK / 2, second = noise_at + K / 2, ld = second + KZ_BLOCK / 2;
    const int32_t *left = t->left + first, *right = t->right + first, *centres = t->ids + first;
    float **outputs = s->output_rows + first;
    int64_t low, high, n_long = 0;
    kz_block blocks[2];
    kz_context_range(t, first, n, &low, &high);
    const int64_t n_rows = high - low, own = first - low, n_blocks = (n + KZ_BLOCK - 1) / KZ_BLOCK;

    for (int64_t r = 0; r < n_rows; r++) s->rows[r] = s->row_targets[r] = s->input_rows[low + r];
    memset(s->counts, 0, (size_t)n_rows * sizeof *s->counts);
    memset(s->half_errors, 0, (size_t)(n_rows * ld) * sizeof *s->half_errors);
    kz_bf16_take_noise(job, s, width, 0);
    kz_half_round_rows(job, s, n_rows);
    for (int64_t b = 0; b < n_blocks; b++) {
        const int64_t c = b * KZ_BLOCK, now = kz_min(KZ_BLOCK, n - c), most = KZ_BLOCK + 2 * job->reach + 2;
        blocks[b].errors = s->block_errors + b * most * KZ_BLOCK;
        blocks[b].coefficients = s->block_coefficients + b * most / 2 * KZ_BLOCK;
        kz_half_take_centres(job, s, outputs + c, now, s->centre_copies + c / 2 * stride);
        kz_half_true_errors(job, s, centres + c, left + c, right + c, own + c, now, alpha, b ? second : 0, ld,
                            blocks + b, measure, sums);
    }
    for (int64_t r = 0; r < n_rows; r++) s->weights[r] = job->noise_weight * (float)s->counts[r];
    const int hits = job->remove_hits && kz_note_hits(job, s, centres, left, right, own, n, n_rows);
    kz_bf16_noise_errors(job, s, n_rows, alpha, hits, measure, sums);
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t k = 0; k < K; k += 16)
            _mm256_store_si256((__m256i *)(s->half_errors + r * ld + noise_at + k / 2),
                               (__m256i)_mm512_cvtneps_pbh(_mm512_load_ps(s->errors + r * K + k)));

    kz_bf16_update_noise(job, s, n_rows, width);
    for (int64_t b = 0; b < n_blocks; b++)
        kz_half_update_centres(job, s, centres + b * KZ_BLOCK, outputs + b * KZ_BLOCK, kz_min(KZ_BLOCK, n - b * KZ_BLOCK),
                               blocks + b);

    /* Updates of rows; long ones are accumulated separately, because they must be clipped. */
    for (int64_t r = 0; r < n_rows; r++) {
        float total = s->totals[r];
        if (total + alpha * (float)s->counts[r] <= KZ_SAFE) continue; /* upper bound, as no error exceeds alpha */
        for (int64_t b = 0; b < n_blocks; b++)
            if (r >= blocks[b].low && r < blocks[b].high)
                total += _mm512_reduce_add_ps(_mm512_load_ps(blocks[b].errors + (r - blocks[b].low) * KZ_BLOCK));
        if (total <= KZ_SAFE) continue;
        s->row_targets[r] = s->long_updates + r * stride;
        memset(s->row_targets[r], 0, (size_t)width * sizeof(float));
        n_long++;
    }
    for (int64_t p = 0; p < KZ_BLOCK / 2; p++) {
        s->pairs[p] = s->centre_copies + p * stride;
        s->pairs[second + p] = s->centre_copies + (KZ_BLOCK / 2 + p) * stride;
    }
    for (int64_t p = 0; p < K / 2; p++) s->pairs[noise_at + p] = s->noise_pairs + p * stride;
    for (int64_t r = 0; r < n_rows; r += 4) {
        const int64_t now = kz_min(4, n_rows - r), from = r < blocks[0].high ? 0 : noise_at;
        const int64_t to = n_blocks > 1 && r + now > blocks[1].low ? ld : second;
        kz_half_add_rows(s->row_targets + r, now, s->half_errors + r * ld + from, ld, 1, s->pairs + from, to - from, n_vectors);
        kz_call_ahead(job, s);
    }
    for (int64_t r = 0; r < n_rows && n_long; r++)
        if (s->row_targets[r] != s->rows[r]) kz_bf16_add_clipped(s->input_rows[low + r], s->row_targets[r], width);
}
