/* Words as means of rows (fastText): their vectors are computed when a span of text begins to need them, and what the span
 * has learned is added to the rows at its end. Included before skipgram_lanes.h, once per instruction set.
 *
 * A span is a few groups of windows. Each distinct word of it is composed once and its rows are updated once, not once per
 * pair: a word has about twenty rows, which would be most of the work and do not fit into the caches.
 */

#define KZ_PIECE 8 /* rows that are prefetched and combined together */

KZ_INLINE void KZ_FN(prefetch_piece)(const kz_job *job, int64_t from, int64_t end) {
    for (int64_t e = from; e < kz_min(from + KZ_PIECE, end); e++)
        kz_prefetch_row(job->inputs + job->parts[e] * job->stride, job->size);
}

/* Composes the words from `first` on: x = sum of the rows / number of rows. */
static void KZ_FN(compose)(const kz_job *job, kz_scratch *s, int64_t first) {
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const float *rows[KZ_PIECE];
    if (first < s->n_local)
        KZ_FN(prefetch_piece)(job, job->part_offsets[s->words[first]], job->part_offsets[s->words[first] + 1]);
    for (int64_t local = first; local < s->n_local; local++) {
        const int64_t begin = job->part_offsets[s->words[local]], end = job->part_offsets[s->words[local] + 1];
        const int64_t next = local + 1 < s->n_local ? s->words[local + 1] : s->words[local];
        const float share = 1.0f / (float)(end - begin);
        float *out = s->composed + local * stride;
        memset(out, 0, (size_t)width * sizeof(float));
        for (int64_t e = begin; e < end; e += KZ_PIECE) {
            const int64_t n = kz_min(KZ_PIECE, end - e);
            if (e + KZ_PIECE < end) KZ_FN(prefetch_piece)(job, e + KZ_PIECE, end);
            else KZ_FN(prefetch_piece)(job, job->part_offsets[next], job->part_offsets[next + 1]);
            for (int64_t i = 0; i < n; i++) rows[i] = job->inputs + job->parts[e + i] * stride;
            KZ_FN(combine)(out, rows, &share, 0, n, width);
        }
        KZ_FN(copy)(s->initial + local * stride, out, width);
    }
}

/* Adds the change of every word to each of its rows in full, as fastText does, so that the mean changes as much. A row that
 * the word has several times gets it once, unlike in fastText, where the mean of "aaaaaaaa" would change many times as much. */
static void KZ_FN(scatter)(const kz_job *job, kz_scratch *s) {
    static const float ones[KZ_PIECE] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    float *rows[KZ_PIECE];
    for (int64_t local = 0; local < s->n_local; local++) {
        const int64_t begin = job->part_offsets[s->words[local]], end = job->distinct_ends[s->words[local]];
        const int64_t next = local + 1 < s->n_local ? s->words[local + 1] : s->words[local];
        float *change = s->composed + local * stride;
        const float *initial = s->initial + local * stride;
        if (!memcmp(change, initial, (size_t)width * sizeof(float))) continue; /* only in the windows of other spans */
        for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(change + d, KZ_LOAD(change + d) - KZ_LOAD(initial + d));
        for (int64_t e = begin; e < end; e += KZ_PIECE) {
            const int64_t n = kz_min(KZ_PIECE, end - e);
            if (e + KZ_PIECE < end) KZ_FN(prefetch_piece)(job, e + KZ_PIECE, end);
            else KZ_FN(prefetch_piece)(job, job->part_offsets[next], job->distinct_ends[next]);
            for (int64_t i = 0; i < n; i++) rows[i] = job->inputs + job->parts[e + i] * stride;
            KZ_FN(spread)(rows, ones, n, change, width);
        }
    }
}

#undef KZ_PIECE
