/* Blocks of kept tokens, and the distinct words of a block. */
#ifndef KERAZOO_BLOCKS_H
#define KERAZOO_BLOCKS_H

#include "windows.h"

typedef struct {
    int64_t tokens;  /* kept tokens in the block */
    int64_t first;   /* raw position of the first one, and (end) of the first one after the block */
    int64_t end;
} kz_block_span;

/* Writes kept tokens number first..first + size - 1 of the epoch, with up to `window` tokens more on each side.
 * `skip` tokens from the start of `chunk` precede token first - window (token 0, if that is negative).
 * ids (size + 2 * window,), left and right (size,) must be zeroed. Returns 0, or -1 if out of memory. */
static int kz_make_block(const kz_source *source, int64_t chunk, int64_t skip, int64_t first, int64_t size,
                         int32_t *ids, int32_t *left, int32_t *right, kz_block_span *span) {
    int64_t window = source->window, token = kz_max(0, first - window), end = first + size + window;
    kz_stream t;
    span->tokens = 0;
    span->first = first ? -1 : 0;
    span->end = source->n_tokens;
    if (kz_open(&t, source, chunk << KZ_CHUNK_BITS)) return -1;
    while (token < end && kz_advance(&t)) {
        int64_t from = t.begin + kz_min(skip, t.ready - t.begin), n = kz_min(t.ready - from, end - token);
        skip -= from - t.begin;
        memcpy(ids + (token - first + window), t.ids + from, (size_t)n * sizeof(int32_t));
        int64_t a = kz_max(token, first), b = kz_min(token + n, first + size); /* inside the block, without the halo */
        if (a < b) {
            memcpy(left + (a - first), t.left + from + (a - token), (size_t)(b - a) * sizeof(int32_t));
            memcpy(right + (a - first), t.right + from + (a - token), (size_t)(b - a) * sizeof(int32_t));
            span->tokens += b - a;
        }
        if (first && token <= first && first < token + n) span->first = t.positions[from + first - token];
        if (token <= first + size && first + size < token + n) span->end = t.positions[from + first + size - token];
        token += n;
    }
    kz_close(&t);
    return 0;
}

/* Number of 1 bits; without the builtin: Hacker's Delight, figure 5-2. */
KZ_INLINE int kz_popcount(uint64_t x) {
#if defined(__GNUC__)
    return __builtin_popcountll(x);
#else
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (int)((x * UINT64_C(0x0101010101010101)) >> 56);
#endif
}

/* Sorted distinct values of a and b together, and the index of every value among them. A bitmap over the vocabulary
 * avoids sorting: `bits` (n_bits / 64 rounded up) must be zeroed, `before` counts the 1 bits before each of its words.
 * `unique` has room for `capacity` values; the largest value fills the rest, which no index refers to. */
KZ_CLONES static int64_t kz_unique(const int32_t *a, int64_t n_a, const int32_t *b, int64_t n_b,
                                   uint64_t *bits, int32_t *before, int64_t n_words, int32_t *unique, int64_t capacity,
                                   int32_t *places_a, int32_t *places_b) {
    for (int64_t i = 0; i < n_a; i++) bits[a[i] >> 6] |= UINT64_C(1) << (a[i] & 63);
    for (int64_t i = 0; i < n_b; i++) bits[b[i] >> 6] |= UINT64_C(1) << (b[i] & 63);
    int64_t n = 0;
    for (int64_t w = 0; w < n_words; w++) {
        before[w] = (int32_t)n;
        for (uint64_t rest = bits[w]; rest; rest &= rest - 1)
            unique[n++] = (int32_t)(w << 6) + kz_popcount((rest & (0 - rest)) - 1);
    }
    for (int64_t i = n; i < capacity; i++) unique[i] = n ? unique[n - 1] : 0;
    for (int64_t i = 0; i < n_a; i++)
        places_a[i] = before[a[i] >> 6] + kz_popcount(bits[a[i] >> 6] & ((UINT64_C(1) << (a[i] & 63)) - 1));
    for (int64_t i = 0; i < n_b; i++)
        places_b[i] = before[b[i] >> 6] + kz_popcount(bits[b[i] >> 6] & ((UINT64_C(1) << (b[i] & 63)) - 1));
    return n;
}

#endif
