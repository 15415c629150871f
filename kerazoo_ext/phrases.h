/* Pairs of neighbouring words in a corpus of ids: counted, and joined to phrases. Used by _phrases.pyx only.
 *
 * A pair is (first, run, last): two neighbouring words of a document that are no connector words, and the number of the
 * sequence of connector words between them (number 0: none). Mikolov et al. 2013, "Distributed representations of words
 * and phrases and their compositionality", section 4, without connectors; connectors as in gensim's `Phrases`.
 *
 * Pairs are compared by their ids, never by their hash alone. The hash only determines where to look, and which thread
 * counts a pair: each thread reads the whole corpus and counts a shard of the pairs in a table of its own, so no result
 * depends on the number of threads, and nothing has to be merged.
 */
#ifndef KERAZOO_PHRASES_H
#define KERAZOO_PHRASES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(_MSC_VER)
#define KZ_PREFETCH_SLOT(address) ((void)(address))
#else
#define KZ_PREFETCH_SLOT(address) __builtin_prefetch(address)
#endif

/* Pairs hashed and prefetched before the first of them is looked up. */
#define KZ_PAIR_BATCH 128

typedef struct {
    uint64_t pair;  /* first << 32 | last */
    int64_t count;
    int64_t value;  /* counting: the position of the first occurrence; otherwise the caller's */
    int32_t run1;   /* number of the run, plus 1; 0 = free slot */
    int32_t unused;
} kz_pair_slot; /* 32 bytes: half a cache line */

typedef struct {
    kz_pair_slot *slots;
    uint64_t mask; /* slots - 1 */
    uint64_t n;
} kz_pair_table;

typedef struct {
    int32_t *slots; /* number of a run, or -1 */
    uint64_t mask;
    int32_t *ids;     /* the runs, one after another */
    int64_t *offsets; /* n + 1 */
    int64_t n_ids, room_ids, room;
    int32_t n; /* run 0 is the empty one */
} kz_runs;

/* The part of a corpus that a call works on. */
typedef struct {
    const int32_t *ids;
    const int64_t *offsets; /* n_documents + 1 */
    int64_t n_documents;
    const uint8_t *connector; /* 1 for the ids that are connector words */
    int64_t begin, end;       /* tokens; of a pair, its last word is meant */
} kz_text;

/* ---- runs of connector words -------------------------------------------------------------------------------- */

static int kz_runs_init(kz_runs *runs) {
    memset(runs, 0, sizeof *runs);
    runs->mask = 63;
    runs->room = runs->room_ids = 64;
    runs->slots = (int32_t *)malloc(64 * sizeof(int32_t));
    runs->ids = (int32_t *)malloc(64 * sizeof(int32_t));
    runs->offsets = (int64_t *)calloc(65, sizeof(int64_t));
    if (!runs->slots || !runs->ids || !runs->offsets) return -1;
    memset(runs->slots, 0xff, 64 * sizeof(int32_t));
    runs->n = 1; /* the empty run has no slot: it is never looked up */
    return 0;
}

static void kz_runs_free(kz_runs *runs) {
    free(runs->slots);
    free(runs->ids);
    free(runs->offsets);
    memset(runs, 0, sizeof *runs);
}

static inline uint64_t kz_run_hash(const int32_t *ids, int64_t length) {
    uint64_t state = (uint64_t)length;
    int64_t i;
    for (i = 0; i < length; i++) state = kz_draw(state, (uint64_t)ids[i] + 1);
    return state;
}

/* The number of a run, or -1 if it is unknown. */
static inline int32_t kz_runs_find(const kz_runs *runs, const int32_t *ids, int64_t length) {
    uint64_t place;
    if (length == 0) return 0;
    for (place = kz_run_hash(ids, length);; place++) {
        int32_t run = runs->slots[place & runs->mask];
        if (run < 0) return -1;
        if (runs->offsets[run + 1] - runs->offsets[run] == length &&
            !memcmp(runs->ids + runs->offsets[run], ids, (size_t)length * sizeof(int32_t)))
            return run;
    }
}

static int kz_runs_grow(kz_runs *runs, int64_t length) {
    if (runs->n + 1 >= runs->room) {
        int64_t room = 2 * runs->room;
        int64_t *offsets = (int64_t *)realloc(runs->offsets, (size_t)(room + 1) * sizeof(int64_t));
        if (!offsets) return -1;
        runs->offsets = offsets;
        runs->room = room;
    }
    if (runs->n_ids + length > runs->room_ids) {
        int64_t room = 2 * (runs->n_ids + length);
        int32_t *ids = (int32_t *)realloc(runs->ids, (size_t)room * sizeof(int32_t));
        if (!ids) return -1;
        runs->ids = ids;
        runs->room_ids = room;
    }
    if (2 * ((uint64_t)runs->n + 1) > runs->mask) {
        uint64_t size = 2 * (runs->mask + 1);
        int32_t *slots = (int32_t *)malloc((size_t)size * sizeof(int32_t)), run;
        if (!slots) return -1;
        memset(slots, 0xff, (size_t)size * sizeof(int32_t));
        for (run = 1; run < runs->n; run++) {
            uint64_t place = kz_run_hash(runs->ids + runs->offsets[run], runs->offsets[run + 1] - runs->offsets[run]);
            while (slots[place & (size - 1)] >= 0) place++;
            slots[place & (size - 1)] = run;
        }
        free(runs->slots);
        runs->slots = slots;
        runs->mask = size - 1;
    }
    return 0;
}

/* The number of a run, which is added if it is new; -1 if out of memory. */
static int32_t kz_runs_add(kz_runs *runs, const int32_t *ids, int64_t length) {
    int32_t run = kz_runs_find(runs, ids, length);
    uint64_t place;
    if (run >= 0) return run;
    if (runs->n == 0x7ffffffe || kz_runs_grow(runs, length)) return -1;
    memcpy(runs->ids + runs->n_ids, ids, (size_t)length * sizeof(int32_t));
    runs->n_ids += length;
    runs->offsets[runs->n + 1] = runs->n_ids;
    for (place = kz_run_hash(ids, length); runs->slots[place & runs->mask] >= 0;) place++;
    runs->slots[place & runs->mask] = runs->n;
    return runs->n++;
}

/* ---- a walk over the pairs ---------------------------------------------------------------------------------- */

/* The number of the document that token `position` is in. */
static int64_t kz_document_of(const kz_text *text, int64_t position) {
    int64_t low = 0, high = text->n_documents - 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (text->offsets[middle] <= position) low = middle;
        else high = middle - 1;
    }
    return low;
}

typedef struct {
    const kz_text *text;
    int64_t document, document_end, position; /* next token */
    int64_t previous;                         /* the last word that is no connector, in this document, or -1 */
} kz_walk;

static void kz_walk_start(kz_walk *walk, const kz_text *text) {
    int64_t p;
    walk->text = text;
    walk->position = text->begin;
    walk->document = kz_document_of(text, text->begin);
    walk->document_end = text->offsets[walk->document + 1];
    walk->previous = -1;
    for (p = text->begin - 1; p >= text->offsets[walk->document] && walk->previous < 0; p--)
        if (!text->connector[text->ids[p]]) walk->previous = p;
}

/* The next pair: positions of its two words; 0 at the end of the text. */
static inline int kz_walk_next(kz_walk *walk, int64_t *first, int64_t *last) {
    const kz_text *text = walk->text;
    while (walk->position < text->end) {
        int64_t p = walk->position++;
        while (p >= walk->document_end) {
            walk->document_end = text->offsets[++walk->document + 1];
            walk->previous = -1;
        }
        if (text->connector[text->ids[p]]) continue;
        *first = walk->previous;
        *last = walk->previous = p;
        if (*first >= 0) return 1;
    }
    return 0;
}

/* Add the runs of the text; -1 if out of memory. */
static int kz_collect_runs(kz_runs *runs, const kz_text *text) {
    kz_walk walk;
    int64_t first, last;
    if (text->begin >= text->end) return 0;
    kz_walk_start(&walk, text);
    while (kz_walk_next(&walk, &first, &last))
        if (last - first > 1 && kz_runs_add(runs, text->ids + first + 1, last - first - 1) < 0) return -1;
    return 0;
}

/* ---- the table of pairs ------------------------------------------------------------------------------------- */

static inline uint64_t kz_pair_hash(uint64_t pair, int32_t run) { return kz_draw(pair, (uint64_t)run + 1); }

/* Zeroed slots. Large tables are mapped by themselves: the system's zeros are then the only pass over the memory before
 * it is used, and huge pages are requested, as every lookup is at a random address. */
#if defined(MADV_HUGEPAGE)
#define KZ_MAPPED_BYTES ((size_t)1 << 22)
#endif

static kz_pair_slot *kz_pair_slots(uint64_t size) {
#if defined(KZ_MAPPED_BYTES)
    size_t bytes = (size_t)size * sizeof(kz_pair_slot);
    if (bytes >= KZ_MAPPED_BYTES) {
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return NULL;
        madvise(memory, bytes, MADV_HUGEPAGE);
        return (kz_pair_slot *)memory;
    }
#endif
    return (kz_pair_slot *)calloc((size_t)size, sizeof(kz_pair_slot));
}

static void kz_pairs_release(kz_pair_slot *slots, uint64_t size) {
#if defined(KZ_MAPPED_BYTES)
    if (slots && (size_t)size * sizeof(kz_pair_slot) >= KZ_MAPPED_BYTES) {
        munmap(slots, (size_t)size * sizeof(kz_pair_slot));
        return;
    }
#endif
    free(slots);
}

static void kz_pairs_free(kz_pair_table *table) {
    kz_pairs_release(table->slots, table->mask + 1);
    table->slots = NULL;
}

static int kz_pairs_init(kz_pair_table *table) {
    table->n = 0;
    table->mask = 1023;
    table->slots = kz_pair_slots(1024);
    return table->slots ? 0 : -1;
}

/* Grow the table so that it is at most 3/4 full after `extra` new pairs; -1 if out of memory. */
static int kz_pairs_reserve(kz_pair_table *table, uint64_t extra) {
    uint64_t needed = (table->n + extra) / 3 * 4 + 4, size = table->mask + 1, i;
    kz_pair_slot *old = table->slots, *slots;
    if (needed <= size) return 0;
    while (size < needed) size *= 2;
    slots = kz_pair_slots(size);
    if (!slots) return -1;
    for (i = 0; i <= table->mask; i++) {
        uint64_t place;
        if (!old[i].run1) continue;
        place = kz_pair_hash(old[i].pair, old[i].run1 - 1) & (size - 1);
        while (slots[place].run1) place = (place + 1) & (size - 1);
        slots[place] = old[i];
    }
    kz_pairs_release(old, table->mask + 1);
    table->slots = slots;
    table->mask = size - 1;
    return 0;
}

static inline const kz_pair_slot *kz_pairs_find(const kz_pair_table *table, uint64_t hash, uint64_t pair, int32_t run) {
    for (;; hash++) {
        const kz_pair_slot *slot = &table->slots[hash & table->mask];
        if (!slot->run1) return NULL;
        if (slot->pair == pair && slot->run1 == run + 1) return slot;
    }
}

/* Needs a preceding kz_pairs_reserve. Of several values the smallest is kept. */
static inline void kz_pairs_add(kz_pair_table *table, uint64_t hash, uint64_t pair, int32_t run, int64_t count,
                                int64_t value) {
    kz_pair_slot *slot;
    for (;; hash++) {
        slot = &table->slots[hash & table->mask];
        if (slot->run1 == run + 1 && slot->pair == pair) {
            slot->count += count;
            if (value < slot->value) slot->value = value;
            return;
        }
        if (!slot->run1) break;
    }
    slot->pair = pair;
    slot->run1 = run + 1;
    slot->count = count;
    slot->value = value;
    table->n++;
}

/* Count the pairs of the text that belong to a shard. `runs` knows all runs of the text. Returns 0; -1 if out of memory;
 * -2 when the table has more than `limit` pairs. */
static int kz_count_pairs(kz_pair_table *table, const kz_runs *runs, const kz_text *text, uint32_t shard,
                          uint32_t n_shards, uint64_t limit) {
    uint64_t hashes[KZ_PAIR_BATCH], pairs[KZ_PAIR_BATCH];
    int64_t values[KZ_PAIR_BATCH], first, last;
    int32_t numbers[KZ_PAIR_BATCH];
    kz_walk walk;
    int filled, more = text->begin < text->end, i;
    if (more) kz_walk_start(&walk, text);
    while (more) {
        if (kz_pairs_reserve(table, KZ_PAIR_BATCH)) return -1;
        for (filled = 0; filled < KZ_PAIR_BATCH;) {
            uint64_t pair, hash;
            int32_t run;
            more = kz_walk_next(&walk, &first, &last);
            if (!more) break;
            run = kz_runs_find(runs, text->ids + first + 1, last - first - 1);
            pair = (uint64_t)text->ids[first] << 32 | (uint64_t)text->ids[last];
            hash = kz_pair_hash(pair, run);
            /* The high bits choose the shard, the low ones the slot. */
            if ((uint32_t)(((hash >> 32) * n_shards) >> 32) != shard) continue;
            hashes[filled] = hash;
            pairs[filled] = pair;
            numbers[filled] = run;
            values[filled] = first;
            KZ_PREFETCH_SLOT(&table->slots[hash & table->mask]);
            filled++;
        }
        for (i = 0; i < filled; i++) kz_pairs_add(table, hashes[i], pairs[i], numbers[i], 1, values[i]);
        if (table->n > limit) return -2;
    }
    return 0;
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

/* matches[p] for p in [begin, end): the value of the pair whose last word is at p, or -1. */
static void kz_match_pairs(const kz_pair_table *table, const kz_runs *runs, const kz_text *text, int32_t *matches) {
    uint64_t hashes[KZ_PAIR_BATCH], pairs[KZ_PAIR_BATCH];
    int64_t places[KZ_PAIR_BATCH], first, last;
    int32_t numbers[KZ_PAIR_BATCH];
    kz_walk walk;
    int filled, more = text->begin < text->end, i;
    if (!more) return;
    memset(matches + text->begin, 0xff, (size_t)(text->end - text->begin) * sizeof(int32_t));
    kz_walk_start(&walk, text);
    while (more) {
        for (filled = 0; filled < KZ_PAIR_BATCH;) {
            int32_t run;
            more = kz_walk_next(&walk, &first, &last);
            if (!more) break;
            run = kz_runs_find(runs, text->ids + first + 1, last - first - 1);
            if (run < 0) continue; /* no phrase has this run */
            pairs[filled] = (uint64_t)text->ids[first] << 32 | (uint64_t)text->ids[last];
            hashes[filled] = kz_pair_hash(pairs[filled], run);
            numbers[filled] = run;
            places[filled] = last;
            KZ_PREFETCH_SLOT(&table->slots[hashes[filled] & table->mask]);
            filled++;
        }
        for (i = 0; i < filled; i++) {
            const kz_pair_slot *slot = kz_pairs_find(table, hashes[i], pairs[i], numbers[i]);
            if (slot) matches[places[i]] = (int32_t)slot->value;
        }
    }
}

/* Replace phrases by their ids. A word is taken as the start of a phrase; it is joined with the next word that is no
 * connector if their pair matches; the word after a phrase starts anew.
 *
 * `matches` is overwritten with the result, from `begin` on; the number of remaining ids is returned. That is safe: at
 * token p at most p - begin ids are written. ends[d] of every document d that ends in (begin, end] is set to the number
 * of ids up to its end. `begin` must be the start of a document, or a word that is no connector and does not match. */
static int64_t kz_join_pairs(const kz_text *text, int32_t *matches, int64_t *ends) {
    const int32_t *ids = text->ids;
    int32_t *out = matches + text->begin;
    int64_t document, stop, p = text->begin, n = 0, start, i;
    if (text->begin >= text->end) return 0;
    for (document = kz_document_of(text, text->begin); p < text->end; document++) {
        stop = text->offsets[document + 1] < text->end ? text->offsets[document + 1] : text->end;
        for (start = -1; p < stop; p++) {
            int32_t match = matches[p];
            if (text->connector[ids[p]]) {
                if (start < 0) out[n++] = ids[p];
            } else if (start >= 0 && match >= 0) {
                out[n++] = match;
                start = -1;
            } else {
                if (start >= 0)
                    for (i = start; i < p; i++) out[n++] = ids[i];
                start = p;
            }
        }
        if (start >= 0)
            for (i = start; i < stop; i++) out[n++] = ids[i];
        if (text->offsets[document + 1] <= text->end) ends[document] = n;
    }
    /* Empty documents at the end. */
    for (; document < text->n_documents && text->offsets[document + 1] <= text->end; document++) ends[document] = n;
    return n;
}

#endif
