/* Trains skip-gram with noise words on a stretch of text, in place and without locks.
 *
 * A group is some neighbouring centres. With x_r the input rows of its contexts, y_c the output rows of its centres and
 * of the K' noise words that the group shares:
 *
 *     g = alpha (1 - s(x_r . y_c + offset_c))            for each pair (r, c) of context and centre
 *     g = -alpha w_r s(x_r . y_c + offset_c)             for each row and noise word, w_r = K / K' * pairs of row r
 *     x_r += sum over c of g y_c,  y_c += sum over r of g x_r,  bias_c += sum over r of g
 *
 * all from the values before the group: the sum of the gradients of the losses of kerazoo/word2vec/losses.py over the
 * pairs, with the expectation of K noise words a pair (Mikolov et al. 2013b, eq. 4; Mnih & Kavukcuoglu 2013). Noise that
 * is shared between windows: Ji et al. 2016.
 *
 * Threads add to the same tables without locks (Hogwild, Recht et al. 2011). Vectors of floats are gcc's, so that one text
 * serves all instruction sets; the sums of products are in the order of the lanes, so results differ between the sets.
 */
#ifndef KERAZOO_SKIPGRAM_H
#define KERAZOO_SKIPGRAM_H

#include <math.h>
#include "windows.h"

#define KZ_GROUP 16        /* centres of a group at most */
/* An update whose coefficients sum up to more than this is clipped to length 1 (1 for a bias): in a group a word may meet
 * itself many times over at one stale value, which makes trainings with few words or a large rate diverge. Rare otherwise. */
#define KZ_SAFE 0.5f
/* A logit as large as this never occurs in a training that goes well. It gives no update, so that one that goes wrong ends in
 * a large loss and not in infinities (gensim does so from 6 on). */
#define KZ_BEYOND 30.0f
#define KZ_LARGEST_PART 13 /* vectors of an output row that are held in registers: 16 there are, 3 are needed otherwise */

#if defined(__GNUC__)
#define KZ_OPAQUE(pointer) __asm__("" : "+r"(pointer))
#else
#define KZ_OPAQUE(pointer)
#endif

typedef float kz_eight __attribute__((vector_size(32)));
typedef int32_t kz_eight_ints __attribute__((vector_size(32)));

typedef struct {
    kz_source source;
    const uint64_t *alias_table;  /* (n_words,), see _noise.pyx */
    uint64_t n_words;
    uint64_t noise_key;
    float *inputs, *outputs;      /* (n_words, stride), 64-byte aligned, zero beyond the vector size */
    float *biases;                /* (n_words,) or NULL */
    const float *log_expected;    /* (n_words,) log(K q), where there are biases */
    int64_t size, stride;         /* dimension of the vectors; floats a row, a multiple of 16 */
    int64_t reach;                /* contexts on one side at most: the window, or less where all documents are shorter */
    int64_t group;                /* centres of a group, 1..KZ_GROUP */
    int64_t n_noise;              /* K', a multiple of 8 */
    float noise_weight;           /* K / K' */
    int remove_hits;              /* leave out noise that equals the centre of a pair */
    int64_t measured_every;       /* one group in so many is measured for the loss */
    double alpha, min_alpha;      /* learning rate at the start and at the end of all epochs */
    int64_t words_before, words;  /* words of the epochs before this one, and of all epochs */
    int64_t *words_done;          /* of this epoch, by all threads */
} kz_job;

typedef struct {
    double loss;       /* over the measured pairs */
    int64_t measured;  /* pairs */
    int64_t pairs;     /* all that were trained */
} kz_sums;

typedef struct {
    int64_t ld;        /* entries a row of `errors` and `sources`: K' noise words, then true ones */
    int64_t widest;    /* scores a centre, a multiple of 8 */
    int32_t *noise, *next_noise;
    int32_t *counts;   /* pairs of each row */
    int32_t *ends;     /* entries of each row */
    float *weights, *hit_weights, *offsets /* of the noise words, then of the centres */, *errors, *true_errors, *columns;
    float *totals, *noise_totals /* sums of absolute coefficients, of rows and of noise words */, *update;
    const float **rows, **sources;
    void *memory;
} kz_scratch;

static float kz_softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

/* The weights of rows and noise words where some noise equals a centre; 0 if none does. */
static int kz_note_hits(const kz_job *job, kz_scratch *s, const int32_t *noise, const int32_t *centres,
                        const int32_t *left, const int32_t *right, int64_t first, int64_t low, int64_t n,
                        int64_t n_rows) {
    int found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < job->n_noise; k++) found |= noise[k] == centres[i];
    if (!found) return 0;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t k = 0; k < job->n_noise; k++) s->hit_weights[r * job->n_noise + k] = s->weights[r];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < job->n_noise; k++) {
            if (noise[k] != centres[i]) continue;
            for (int64_t j = -left[i]; j <= right[i]; j++)
                if (j) s->hit_weights[(first + i + j - low) * job->n_noise + k] -= job->noise_weight;
        }
    return 1;
}

static int kz_make_scratch(kz_scratch *s, const kz_job *job) {
    int64_t window = job->reach, K = job->n_noise, rows = KZ_GROUP + 2 * window + 1;
    memset(s, 0, sizeof *s);
    s->ld = (K + kz_min(KZ_GROUP, 2 * window) + 1 + 7) / 8 * 8;
    s->widest = (2 * window + 1 + 7) / 8 * 8;
    int64_t floats[] = {(KZ_GROUP + K) * job->stride, rows * s->ld, KZ_GROUP * s->widest, rows * K, rows, K + KZ_GROUP,
                        K, rows, rows, rows, K, job->stride, K};
    const int n_places = sizeof floats / sizeof *floats;
    size_t total = 0;
    for (int i = 0; i < n_places; i++) total += (size_t)(floats[i] + 15) / 16 * 64;
    total += (size_t)(rows + rows * s->ld) * sizeof(float *);
    s->memory = calloc(1, total + 64);
    if (!s->memory) return -1;
    char *p = (char *)(((uintptr_t)s->memory + 63) & ~(uintptr_t)63);
    void *places[sizeof floats / sizeof *floats];
    for (int i = 0; i < n_places; i++) {
        places[i] = p;
        p += (size_t)(floats[i] + 15) / 16 * 64;
    }
    s->columns = places[0];
    s->errors = places[1];
    s->true_errors = places[2];
    s->hit_weights = places[3];
    s->weights = places[4];
    s->offsets = places[5];
    s->noise = places[6];
    s->counts = places[7];
    s->ends = places[8];
    s->totals = places[9];
    s->noise_totals = places[10];
    s->update = places[11];
    s->next_noise = places[12];
    s->rows = (const float **)p;
    s->sources = s->rows + rows;
    return 0;
}

#define KZ_SIGMOID_BODY \
    /* exp(-x) = 2^n exp(r), |r| <= ln(2) / 2: Cephes' polynomial. Beyond 30 nothing changes in a float. */ \
    const kz_eight most = 30.0f - (kz_eight){0}; \
    kz_eight_ints beyond = -x > most; \
    x = (kz_eight)((beyond & (kz_eight_ints)most) | (~beyond & (kz_eight_ints)-x)); \
    beyond = x < -most; \
    x = (kz_eight)((beyond & (kz_eight_ints)-most) | (~beyond & (kz_eight_ints)x)); \
    kz_eight n = x * 1.44269504088896341f + 12582912.0f; \
    n -= 12582912.0f; \
    kz_eight r = x - n * 0.693359375f; \
    r -= n * -2.12194440e-4f; \
    kz_eight p = 1.9875691500e-4f * r + 1.3981999507e-3f; \
    p = p * r + 8.3334519073e-3f; \
    p = p * r + 4.1665795894e-2f; \
    p = p * r + 1.6666665459e-1f; \
    p = p * r + 5.0000001201e-1f; \
    p = p * r * r + r + 1.0f; \
    kz_eight_ints power = (__builtin_convertvector(n, kz_eight_ints) + 127) << 23; \
    return 1.0f / (1.0f + p * (kz_eight)power);

/* x86 with gcc: AVX-512 and AVX2 variants, chosen when a training starts. Everything else gets the plain one. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define KZ_HAS_VARIANTS 1
#include <immintrin.h>
#endif

#define KZ_LANES 4
#define KZ_FN(name) kz_plain_##name
KZ_INLINE kz_eight KZ_FN(sigmoid)(kz_eight x) { KZ_SIGMOID_BODY }
#include "skipgram_lanes.h"
#undef KZ_LANES
#undef KZ_FN

#ifdef KZ_HAS_VARIANTS
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define KZ_LANES 8
#define KZ_FN(name) kz_avx2_##name
KZ_INLINE kz_eight KZ_FN(sigmoid)(kz_eight x) { KZ_SIGMOID_BODY }
#include "skipgram_lanes.h"
#undef KZ_LANES
#undef KZ_FN
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#define KZ_LANES 16
#define KZ_FN(name) kz_avx512_##name
KZ_INLINE kz_eight KZ_FN(sigmoid)(kz_eight x) { KZ_SIGMOID_BODY }
#include "skipgram_lanes.h"
#undef KZ_LANES
#undef KZ_FN
#pragma GCC pop_options
#endif

typedef void (*kz_group_function)(const kz_job *, const kz_stream *, int64_t, int64_t, float, kz_scratch *, int, kz_sums *);

enum { KZ_PLAIN, KZ_AVX2, KZ_AVX512 };

/* The widest instruction set that this CPU has. */
static int kz_widest(void) {
#ifdef KZ_HAS_VARIANTS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return KZ_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KZ_AVX2;
#endif
    return KZ_PLAIN;
}

static kz_group_function kz_choose(int set) {
#ifdef KZ_HAS_VARIANTS
    if (set == KZ_AVX512) return kz_avx512_group;
    if (set == KZ_AVX2) return kz_avx2_group;
#endif
    (void)set;
    return kz_plain_group;
}

KZ_INLINE void kz_prefetch_row(const float *row, int64_t size) {
#if defined(__GNUC__)
    for (int64_t d = 0; d < size; d += 16) __builtin_prefetch(row + d, 1, 3);
#else
    (void)row, (void)size;
#endif
}

/* Draws the noise of the group of centres from..to - 1, and calls for the rows that it will need: the tables are larger than
 * the caches, and the group before it takes as long as memory takes to answer. */
KZ_INLINE void kz_prepare_group(const kz_job *job, const kz_stream *t, int64_t from, int64_t to, int32_t *noise) {
    uint64_t key = kz_draw(job->noise_key, (uint64_t)t->positions[from]);
    for (int64_t j = 0; j < job->n_noise; j++) {
        uint64_t r = kz_draw(key, (uint64_t)j);
        uint64_t place = (r >> 32) * job->n_words + (((r & KZ_LOW) * job->n_words) >> 32);
        uint64_t entry = job->alias_table[place >> 32];
        noise[j] = (int32_t)((place & KZ_LOW) < (entry >> 32) ? place >> 32 : entry & KZ_LOW);
    }
    for (int64_t j = 0; j < job->n_noise; j++) kz_prefetch_row(job->outputs + noise[j] * job->stride, job->size);
    for (int64_t k = from; k < to; k++) kz_prefetch_row(job->outputs + t->ids[k] * job->stride, job->size);
    /* The contexts before `to` are in the cache already, from the group before. */
    for (int64_t k = kz_min(from + job->reach, t->n); k < kz_min(to + job->reach, t->n); k++)
        kz_prefetch_row(job->inputs + t->ids[k] * job->stride, job->size);
}

/* Trains on the centres at raw positions begin..end - 1 (begin is the start of a chunk). 0, or -1 where memory ran out. */
static int kz_train(const kz_job *job, int set, int64_t begin, int64_t end, kz_sums *sums) {
    const kz_group_function group = kz_choose(set);
    kz_scratch scratch;
    kz_stream t;
    if (kz_open(&t, &job->source, begin)) return -1;
    if (kz_make_scratch(&scratch, job)) {
        kz_close(&t);
        return -1;
    }
    int64_t reported = begin, number = 0;
    int more = 1;
    while (more && (more = kz_advance(&t))) {
        int64_t k = t.begin, last = t.ready;
        while (k < last && t.positions[k] < begin) k++;
        while (last > k && t.positions[last - 1] >= end) {
            last--;
            more = 0;
        }
        /* The rate by the words that are done, as gensim does it, once a chunk. */
        double share = (double)(job->words_before + *job->words_done) / (double)job->words;
        double rate = job->alpha - (job->alpha - job->min_alpha) * share;
        float alpha = (float)(rate > job->min_alpha ? rate : job->min_alpha);
        int64_t n_groups = (last - k + job->group - 1) / job->group;
        if (n_groups) kz_prepare_group(job, &t, k, k + (last - k) / n_groups, scratch.next_noise);
        for (int64_t i = 0; i < n_groups; i++) {
            int64_t from = k + (last - k) * i / n_groups, to = k + (last - k) * (i + 1) / n_groups;
            int32_t *noise = scratch.next_noise;
            scratch.next_noise = scratch.noise;
            scratch.noise = noise;
            if (i + 1 < n_groups)
                kz_prepare_group(job, &t, to, k + (last - k) * (i + 2) / n_groups, scratch.next_noise);
            group(job, &t, from, to - from, alpha, &scratch, number++ % job->measured_every == 0, sums);
        }
        int64_t now = kz_min(t.position, end);
        if (now > reported) {
            __atomic_fetch_add(job->words_done, now - reported, __ATOMIC_RELAXED);
            reported = now;
        }
    }
    if (end > reported) __atomic_fetch_add(job->words_done, kz_min(end, job->source.n_tokens) - reported, __ATOMIC_RELAXED);
    free(scratch.memory);
    kz_close(&t);
    return 0;
}

#endif
