/* Skip-gram pairs from the stream of kept tokens. */
#ifndef KERAZOO_PAIRS_H
#define KERAZOO_PAIRS_H

#include "windows.h"

typedef struct {
    int32_t *context, *centre; /* (count,) each; pair i is (context[i], centre[i]) */
    int64_t done, count;
} kz_pairs;

/* All pairs of the centres k..ready-1, while a window of fixed width fits. Every copy has `width` ids, and the next one
 * overwrites the excess: the radius is random, so a loop of that length would be mispredicted at almost every centre. */
KZ_INLINE int64_t kz_spread(const kz_stream *t, int64_t k, kz_pairs *out, const int64_t width) {
    const int32_t *ids = t->ids, *left = t->left, *right = t->right;
    int32_t *context = out->context, *centre = out->centre;
    int64_t done = out->done, last = out->count - 2 * width, ready = t->ready;
    for (; k < ready && done <= last; k++) {
        int64_t l = left[k], r = right[k];
        int32_t id = ids[k];
        memcpy(context + done, ids + k - l, (size_t)width * sizeof(int32_t));
        memcpy(context + done + l, ids + k + 1, (size_t)width * sizeof(int32_t));
        for (int64_t j = 0; j < 2 * width; j++) centre[done + j] = id;
        done += l + r;
    }
    out->done = done;
    return k;
}

KZ_CLONES static int64_t kz_spread_4(const kz_stream *t, int64_t k, kz_pairs *out) { return kz_spread(t, k, out, 4); }
KZ_CLONES static int64_t kz_spread_8(const kz_stream *t, int64_t k, kz_pairs *out) { return kz_spread(t, k, out, 8); }
KZ_CLONES static int64_t kz_spread_16(const kz_stream *t, int64_t k, kz_pairs *out) { return kz_spread(t, k, out, 16); }

/* The pairs of one centre, contexts in text order, without the first `skip`, as many as fit. */
KZ_INLINE void kz_put_all(const kz_stream *t, int64_t k, int64_t skip, kz_pairs *out) {
    int64_t l = t->left[k], n = l + t->right[k], room = out->count - out->done;
    for (int64_t j = skip; j < n && j - skip < room; j++) {
        out->context[out->done + j - skip] = t->ids[j < l ? k - l + j : k + 1 + j - l];
        out->centre[out->done + j - skip] = t->ids[k];
    }
    out->done += kz_min(n - skip, room);
}

/* One centre with `take` distinct contexts, drawn with the first steps of a Fisher-Yates shuffle. */
KZ_INLINE void kz_put_some(const kz_stream *t, int64_t k, int64_t skip, int64_t take, int32_t *places, kz_pairs *out) {
    int64_t l = t->left[k], n = l + t->right[k];
    uint64_t key = kz_draw(t->source.skip_key, (uint64_t)t->positions[k]);
    for (int64_t j = 0; j < n; j++) places[j] = (int32_t)j;
    for (int64_t j = 0; j < take && out->done < out->count; j++) {
        int64_t other = j + kz_below(kz_draw(key, (uint64_t)j), (uint32_t)(n - j));
        int32_t place = places[other];
        places[other] = places[j];
        if (j < skip) continue;
        out->context[out->done] = t->ids[place < l ? k - l + place : k + 1 + place - l];
        out->centre[out->done++] = t->ids[k];
    }
}

/* Writes up to `count` pairs whose centre is in `chunk` or later, without the first `skip` ones.
 * Returns their number, or -1 if out of memory. */
static int64_t kz_make_pairs(const kz_source *source, int64_t chunk, int64_t skip, int64_t count,
                             int32_t *context, int32_t *centre) {
    kz_pairs out = {context, centre, 0, count};
    kz_stream t;
    int32_t window = source->window;
    int choose = source->max_contexts && source->max_contexts < 2 * (int64_t)window;
    int32_t *places = NULL;
    if (kz_open(&t, source, chunk << KZ_CHUNK_BITS)) return -1;
    if (choose && !(places = (int32_t *)malloc((size_t)window * 2 * sizeof(int32_t)))) {
        kz_close(&t);
        return -1;
    }
    while (out.done < count && kz_advance(&t)) {
        int64_t k = t.begin;
        while (k < t.ready && skip >= kz_units(source, t.left[k], t.right[k])) {
            skip -= kz_units(source, t.left[k], t.right[k]);
            k++;
        }
        if (choose) {
            for (; k < t.ready && out.done < count; k++, skip = 0)
                kz_put_some(&t, k, skip, kz_units(source, t.left[k], t.right[k]), places, &out);
            continue;
        }
        if (skip && k < t.ready) {
            kz_put_all(&t, k++, skip, &out);
            skip = 0;
        }
        if (window <= 4) k = kz_spread_4(&t, k, &out);
        else if (window <= 8) k = kz_spread_8(&t, k, &out);
        else if (window <= KZ_SLACK) k = kz_spread_16(&t, k, &out);
        for (; k < t.ready && out.done < count; k++) kz_put_all(&t, k, 0, &out);
    }
    free(places);
    kz_close(&t);
    return out.done;
}

/* Counts pairs and kept tokens per chunk of raw positions; both must be zeroed. Returns 0, or -1 if out of memory. */
static int kz_count(const kz_source *source, int64_t *units, int64_t *kept) {
    kz_stream t;
    if (kz_open(&t, source, 0)) return -1;
    t.units = units;
    t.kept = kept;
    while (kz_advance(&t)) {}
    kz_close(&t);
    return 0;
}

#endif
