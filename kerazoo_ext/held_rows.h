/* Copies of the most frequent rows of a table that one thread keeps for itself.
 *
 * Cores that write the same rows in turn wait for each other's caches: 40 ns a cache line where they share one, 200 ns and
 * more where they do not. The most frequent words are in nearly every group of every thread. A thread therefore works on
 * copies of their rows, and after each group adds what it has changed in one of them, in turn, to the table and takes the
 * table's values; it does so for all when it ends. In between, other threads see an older value, as they do within a group.
 * Where no other thread has changed a row, the table gets its values to the bit.
 */
#ifndef KERAZOO_HELD_ROWS_H
#define KERAZOO_HELD_ROWS_H

#include <string.h>
#include "rng.h"

typedef struct {
    int64_t first, n;  /* rows first..first + n - 1 of the table are held */
    float *own, *base; /* (n, stride): as this thread has changed them, and as they were in the table at the last exchange */
    float *own_biases, *base_biases; /* (n,), where rows have biases */
    uintptr_t origin;  /* where row 0 of the table would be, if all were held */
    int64_t turn;      /* the row that is exchanged next */
} kz_held;

/* The row of a table with this number, or this thread's copy of it. Branchless: the branch would often be mispredicted. */
KZ_INLINE float *kz_held_row(const kz_held *h, float *table, int64_t row, int64_t stride) {
    const uintptr_t origin = (uint64_t)(row - h->first) < (uint64_t)h->n ? h->origin : (uintptr_t)table;
    return (float *)(origin + (uintptr_t)(row * stride) * sizeof(float));
}

KZ_INLINE float *kz_held_bias(const kz_held *h, float *biases, int64_t row) {
    return ((uint64_t)row < (uint64_t)h->n ? h->own_biases : biases) + row;
}

/* Copies the rows from the table. */
static void kz_take_held(kz_held *h, const float *table, const float *biases, int64_t stride) {
    if (!h->n) return;
    h->origin = (uintptr_t)h->own - (uintptr_t)(h->first * stride) * sizeof(float);
    memcpy(h->own, table + h->first * stride, (size_t)(h->n * stride) * sizeof(float));
    memcpy(h->base, h->own, (size_t)(h->n * stride) * sizeof(float));
    if (!biases) return;
    memcpy(h->own_biases, biases + h->first, (size_t)h->n * sizeof(float));
    memcpy(h->base_biases, h->own_biases, (size_t)h->n * sizeof(float));
}

#endif
