/* The stream of kept tokens: what pairs, token blocks and the plan of an epoch are all made from.
 *
 * A corpus is documents of ids laid end to end with offsets. Subsampling drops words, and the words that remain close
 * ranks before windows are laid (as gensim does). The stream walks raw positions in chunks and holds, for each kept
 * token, its id, its raw position and how many contexts it has on either side: the radius that was drawn for its
 * position, clipped at the borders of its document. Everything drawn depends on (key, position) alone, so a stream can
 * be opened at any chunk.
 */
#ifndef KERAZOO_WINDOWS_H
#define KERAZOO_WINDOWS_H

#include <stdlib.h>
#include <string.h>
#include "rng.h"

/* Raw positions a step. A batch starts at the chunk that holds its first pair, so half a chunk a batch is walked in
 * vain: small beside the 1,500 to 2,000 words of a usual batch, and the plan stays at 8 bytes for 256 words. */
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
    uint64_t skip_key;       /* stream of the draws that choose contexts, when max_contexts > 0 */
    int32_t window;
    int32_t shrink;          /* radius uniform from 1..window, else always window */
    int32_t max_contexts;    /* contexts used at most per centre; 0: all */
} kz_source;

typedef struct {
    kz_source source;
    int64_t position;        /* next raw position */
    int64_t document;        /* the document that holds it */
    int64_t document_kept;   /* kept tokens of that document so far */
    int64_t begin, ready, n; /* tokens begin..ready-1 are final and not yet handed out; n are in the buffer */
    int32_t *ids, *left, *right;
    int64_t *positions;
    int64_t *units, *kept;   /* (n_chunks,) counters of the plan, or NULL */
    void *memory;
} kz_stream;

KZ_INLINE int64_t kz_min(int64_t a, int64_t b) { return a < b ? a : b; }
KZ_INLINE int64_t kz_max(int64_t a, int64_t b) { return a > b ? a : b; }

/* Pairs that a centre with that many contexts on its sides gives. */
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

/* Opens a stream at a raw position; 0, or -1 where memory ran out. */
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
    /* The contexts on the left of the first token: walk back until there are `window` or the document begins. */
    int64_t found = 0;
    for (int64_t p = position - 1; p >= source->offsets[low] && found < window; p--)
        if (kz_is_kept(source, p)) t->ids[window - 1 - found++] = source->ids[p];
    memmove(t->ids, t->ids + window - found, (size_t)found * sizeof(int32_t));
    t->document_kept = t->begin = t->ready = t->n = found;
    return 0;
}

static void kz_close(kz_stream *t) { free(t->memory); }

/* The last tokens of a document that has ended have fewer contexts on the right than their radius. */
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

/* Reads one more chunk; 0 when there is none. Tokens begin..ready-1 (there may be none) are then final, the ids of
 * their contexts lie around them in `ids`. */
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
            for (int64_t p = t->position; p < stop; p++) { /* no branch: written always, counted when kept */
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
