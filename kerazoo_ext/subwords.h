/* Character n-grams of words, and the buckets that they are hashed to (Bojanowski et al. 2017, section 3.2).
 *
 * A word is enclosed in < and >. Its n-grams are all sequences of min_n to max_n code points of that, by position and then
 * by length, without < and > alone. The bucket is FNV-1a (32 bits) of the UTF-8 bytes, modulo the number of buckets.
 * fastText extends the sign of each byte to 32 bits before it is combined, and its files depend on that.
 */
#ifndef KERAZOO_SUBWORDS_H
#define KERAZOO_SUBWORDS_H

#include "rng.h"

#define KZ_FNV_BASIS UINT32_C(2166136261)
#define KZ_FNV_PRIME UINT32_C(16777619)

static inline uint8_t kz_enclosed(const uint8_t *word, int64_t n, int64_t i) {
    return i == 0 ? '<' : i == n + 1 ? '>' : word[i - 1];
}

/* Whether a character starts at byte i of the enclosed word. */
static inline int kz_is_start(const uint8_t *word, int64_t n, int64_t i) {
    return (kz_enclosed(word, n, i) & 0xC0) != 0x80;
}

/* Writes the buckets of the n-grams of a word of n bytes to `out`, unless it is NULL; returns their number. */
static int64_t kz_ngrams(const uint8_t *word, int64_t n, int64_t min_n, int64_t max_n, uint32_t bucket, int32_t *out) {
    const int64_t end = n + 2;
    int64_t found = 0;
    for (int64_t i = 0; i < end; i++) {
        if (!kz_is_start(word, n, i)) continue;
        uint32_t hash = KZ_FNV_BASIS;
        for (int64_t j = i, length = 1; j < end && length <= max_n; length++) {
            do {
                hash ^= (uint32_t)(int32_t)(int8_t)kz_enclosed(word, n, j++);
                hash *= KZ_FNV_PRIME;
            } while (j < end && !kz_is_start(word, n, j));
            if (length < min_n || (length == 1 && (i == 0 || j == end))) continue;
            if (out) out[found] = (int32_t)(hash % bucket);
            found++;
        }
    }
    return found;
}

KZ_CLONES static void kz_add_row(double *restrict sums, const float *restrict row, int64_t size) {
    for (int64_t d = 0; d < size; d++) sums[d] += row[d];
}

/* out[w] = (own[w] + sum of ngrams[r] for the rows r of w) / (1 + number of rows). */
static void kz_means(const float *own, const float *ngrams, const int64_t *offsets, const int32_t *rows, int64_t n_words,
                     int64_t size, double *sums, float *out) {
    for (int64_t word = 0; word < n_words; word++) {
        const double count = 1.0 + (double)(offsets[word + 1] - offsets[word]);
        for (int64_t d = 0; d < size; d++) sums[d] = own[word * size + d];
        for (int64_t e = offsets[word]; e < offsets[word + 1]; e++) kz_add_row(sums, ngrams + rows[e] * size, size);
        for (int64_t d = 0; d < size; d++) out[word * size + d] = (float)(sums[d] / count);
    }
}

#endif
