/* The stream of kept tokens, the common source of pairs, token blocks, training and the plan of an epoch.
 *
 * A corpus is a concatenation of documents of ids, with offsets. Subsampling drops words, and windows are placed over
 * the remaining words, without gaps (as in gensim). The stream processes raw positions in chunks. For each kept token it
 * has the id, the raw position and the number of contexts on each side: the radius drawn for its position, clipped at
 * the ends of its document. All draws depend on (key, position) only, so a stream can be opened at any chunk.
 */
#ifndef KERAZOO_WINDOWS_H
#define KERAZOO_WINDOWS_H

#include <stdlib.h>
#include <string.h>
#include "rng.h"

/* Raw positions per chunk. A batch starts at the chunk that contains its first pair, so on average half a chunk per batch
 * is processed for nothing: little compared with the 1,500 to 2,000 words of a usual batch. The plan takes two int64 per
 * 256 words. */
#define KZ_CHUNK_BITS 8
#define KZ_CHUNK (1 << KZ_CHUNK_BITS)
#define KZ_SLACK 16 /* ids that a fixed-width copy may read past the last one */

typedef struct {
    const int32_t *ids;      /* (n_tokens,) */
    const int64_t *offsets;  /* (n_documents + 1,) */
    int64_t n_documents;
    int64_t n_tokens;
    const uint32_t *keep;    /* (n_words,): keep iff the high half of the draw is <= keep[id]; NULL keeps all */
    uint64_t key;
    uint64_t skip_key;       /* key of the draws that select contexts, if max_contexts > 0 */
    int32_t window;
    int32_t shrink;          /* radius uniform from 1..window, else always window */
    int32_t max_contexts;    /* maximum number of contexts per centre; 0: all */
} kz_source;

typedef struct {
    kz_source source;
    int64_t position;        /* next raw position */
    int64_t document;        /* the document that contains it */
    int64_t document_kept;   /* kept tokens of that document so far */
    int64_t begin, ready, n; /* tokens begin..ready-1 are final and new to the caller; n are in the buffer */
    int32_t *ids, *left, *right;
    int64_t *positions;
    int64_t *units, *kept;   /* (n_chunks,) counters of the plan, or NULL */
    void *memory;
} kz_stream;

KZ_INLINE int64_t kz_min(int64_t a, int64_t b) { return a < b ? a : b; }
KZ_INLINE int64_t kz_max(int64_t a, int64_t b) { return a > b ? a : b; }

/* Number of pairs of a centre with these numbers of contexts. */
KZ_INLINE int64_t kz_units(const kz_source *s, int64_t left, int64_t right) {
    return s->max_contexts ? kz_min(left + right, s->max_contexts) : left + right;
}

KZ_CLONES static void kz_draw_many(uint64_t key, uint64_t first, int64_t n, uint64_t window,
                                   uint32_t *restrict high, int32_t *restrict radius) {
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = kz_draw(key, first + (uint64_t)i);
        high[i] = (uint32_t)(r >> 32);
        radius[i] = 1 + (int32_t)(((r & KZ_LOW) * window) >> 32);
    }
}

KZ_INLINE int kz_is_kept(const kz_source *s, int64_t position) {
    if (!s->keep) return 1;
    return (uint32_t)(kz_draw(s->key, (uint64_t)position) >> 32) <= s->keep[s->ids[position]];
}

/* Opens a stream at a raw position. Returns 0, or -1 if out of memory. */
static int kz_open(kz_stream *t, const kz_source *source, int64_t position) {
    int64_t window = source->window, room = KZ_CHUNK + 3 * window + KZ_SLACK;
    memset(t, 0, sizeof *t);
    t->source = *source;
    t->position = position;
    t->memory = calloc((size_t)room, 3 * sizeof(int32_t) + sizeof(int64_t));
    if (!t->memory) return -1;
    t->positions = (int64_t *)t->memory;
    t->ids = (int32_t *)(t->positions + room);
    t->left = t->ids + room;
    t->right = t->left + room;
    if (position >= source->n_tokens) return 0;

    int64_t low = 0, high = source->n_documents; /* offsets[low] <= position < offsets[high] */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (source->offsets[middle] <= position) low = middle; else high = middle;
    }
    t->document = low;
    /* The contexts before the first token: walk back to `window` kept tokens or to the start of the document. */
    int64_t found = 0;
    for (int64_t p = position - 1; p >= source->offsets[low] && found < window; p--)
        if (kz_is_kept(source, p)) t->ids[window - 1 - found++] = source->ids[p];
    memmove(t->ids, t->ids + window - found, (size_t)found * sizeof(int32_t));
    t->document_kept = t->begin = t->ready = t->n = found;
    return 0;
}

static void kz_close(kz_stream *t) { free(t->memory); }

/* Clips the contexts after the last tokens of a document at its end. */
KZ_INLINE void kz_end_document(kz_stream *t) {
    int64_t first = t->n - kz_min(t->source.window, t->document_kept);
    for (int64_t j = t->n - 1; j >= first; j--) {
        int64_t right = kz_min(t->right[j], t->n - 1 - j);
        if (t->units)
            t->units[t->positions[j] >> KZ_CHUNK_BITS] -=
                kz_units(&t->source, t->left[j], t->right[j]) - kz_units(&t->source, t->left[j], right);
        t->right[j] = (int32_t)right;
    }
}

/* Reads the next chunk; returns 0 if there is none. After that, tokens begin..ready-1 (possibly none) are final, and
 * `ids` has the ids of their contexts around them. */
static int kz_advance(kz_stream *t) {
    const kz_source *s = &t->source;
    int64_t window = s->window;
    uint32_t high[KZ_CHUNK];
    int32_t radius[KZ_CHUNK];
    if (t->position >= s->n_tokens) return 0;

    int64_t base = kz_max(0, t->ready - window), held = t->n - base;
    if (base) {
        memmove(t->ids, t->ids + base, (size_t)held * sizeof(int32_t));
        memmove(t->left, t->left + base, (size_t)held * sizeof(int32_t));
        memmove(t->right, t->right + base, (size_t)held * sizeof(int32_t));
        memmove(t->positions, t->positions + base, (size_t)held * sizeof(int64_t));
    }
    t->begin = t->ready - base;
    t->n = held;

    int64_t chunk = t->position >> KZ_CHUNK_BITS;
    int64_t first = t->position, end = kz_min((chunk + 1) << KZ_CHUNK_BITS, s->n_tokens);
    if (s->keep || s->shrink) kz_draw_many(s->key, (uint64_t)first, end - first, (uint64_t)window, high, radius);
    if (!s->shrink)
        for (int64_t i = 0; i < end - first; i++) radius[i] = s->window;

    int open = 0;
    while (t->position < end) {
        int64_t stop = kz_min(end, s->offsets[t->document + 1]), from = t->n, n = from;
        if (s->keep) {
            for (int64_t p = t->position; p < stop; p++) { /* branchless: always written, counted if kept */
                int32_t id = s->ids[p];
                t->ids[n] = id;
                t->left[n] = radius[p - first];
                t->positions[n] = p;
                n += high[p - first] <= s->keep[id];
            }
        } else {
            n += stop - t->position;
            memcpy(t->ids + from, s->ids + t->position, (size_t)(n - from) * sizeof(int32_t));
            memcpy(t->left + from, radius + (t->position - first), (size_t)(n - from) * sizeof(int32_t));
            for (int64_t j = from; j < n; j++) t->positions[j] = t->position + (j - from);
        }
        memcpy(t->right + from, t->left + from, (size_t)(n - from) * sizeof(int32_t));
        for (int64_t j = from; j < n && t->document_kept + (j - from) < window; j++)
            t->left[j] = (int32_t)kz_min(t->left[j], t->document_kept + (j - from));
        t->n = n;
        t->document_kept += n - from;
        if (t->units) {
            int64_t sum = 0;
            for (int64_t j = from; j < n; j++) sum += kz_units(s, t->left[j], t->right[j]);
            t->units[chunk] += sum;
            t->kept[chunk] += n - from;
        }
        t->position = stop;
        open = stop < s->offsets[t->document + 1];
        if (!open) {
            kz_end_document(t);
            t->document_kept = 0;
            do t->document++; while (t->document < s->n_documents && s->offsets[t->document + 1] == stop);
        }
    }
    t->ready = t->n;
    if (open) {
        int64_t unfinished = kz_min(window, t->document_kept);
        t->ready = kz_max(t->begin, t->n - unfinished);
    }
    return 1;
}

#endif
