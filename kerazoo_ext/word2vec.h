/* Trains word2vec on a segment of text, in place and without locks: skip-gram and CBOW, with noise words and with
 * hierarchical softmax.
 *
 * A group consists of neighbouring centres. With x_r its rows, y_c the output rows of its centres and of the K' noise
 * words that the group shares:
 *
 *     g = alpha (1 - s(x_r . y_c + offset_c))            for each pair (r, c) of row and centre
 *     g = -alpha w_r s(x_r . y_c + offset_c)             for each row and noise word, w_r = K / K' * pairs of row r
 *     x_r += sum over c of g y_c,  y_c += sum over r of g x_r,  bias_c += sum over r of g
 *
 * all computed from the values before the group: the sum over the pairs of the gradients of the losses in
 * kerazoo/word2vec/keras/losses.py, with the expected gradient of K noise words per pair (Mikolov et al. 2013b, eq. 4; Mnih
 * & Kavukcuoglu 2013). Noise shared between windows: Ji et al. 2016. Skip-gram has one row per context and one pair per
 * context and centre. CBOW has one row per centre, the mean or sum of its contexts, and one pair (Mikolov et al. 2013a).
 * The error of a mean is added to each of its contexts in full, that of a sum divided by their number, as in word2vec.c and
 * gensim (the gradient is the other way round: Irsoy et al. 2021).
 *
 * With subwords (fastText, Bojanowski et al. 2017) the vector of a word is the mean of several rows of `inputs`: its own and
 * those of its character n-grams. The groups of a span of text train vectors that are composed for it; at its end the change
 * of each word is added to all its rows (subword_lanes.h). In CBOW the mean is over all rows of all contexts.
 *
 * Sampled softmax (Jean et al. 2015) has all K' noise words as the other classes of each pair, with
 * Z_rc = exp(x_r . y_c + offset_c) + sum over k of exp(x_r . y_k + offset_k), without noise words that equal c:
 *
 *     g = alpha (1 - exp(x_r . y_c + offset_c) / Z_rc)                   for each pair
 *     g = -alpha exp(x_r . y_k + offset_k) * sum over c of 1 / Z_rc      for each row and noise word
 *
 * Hierarchical softmax processes one window at a time: for row x and inner node v on the path to the centre (Morin & Bengio
 * 2005), g = alpha (1 - code - s(x . v)), x += sum of g v, v += sum of g x, from the values before the window.
 *
 * Threads update the same tables without locks (Hogwild, Recht et al. 2011). The code uses the vector types of gcc, so one
 * source serves all instruction sets. Products are summed in the order of the lanes, so results differ between the sets.
 */
#ifndef KERAZOO_WORD2VEC_H
#define KERAZOO_WORD2VEC_H

#include <math.h>
#include "windows.h"

#define KZ_GROUP 32        /* maximum number of centres in a group */
/* An update whose coefficients have a larger sum than this is clipped to length 1 (1 for a bias). In a group, a word may
 * get many updates from one stale value, which makes training with few words or a large rate diverge. Rare otherwise. */
#define KZ_SAFE 0.5f
/* Logits this large do not occur in successful training. They cause no update, so training that diverges ends with a large
 * loss instead of infinities (gensim does this from 6 on). */
#define KZ_BEYOND 30.0f
#define KZ_LARGEST_PART 13 /* vectors of an output row in registers: there are 16, and 3 are needed for other values */

#if !defined(__GNUC__) && !defined(__clang__)
#error "word2vec.h uses the vector types of gcc and clang: on Windows, clang-cl is needed (docs/packaging.md)"
#endif

#if defined(__GNUC__)
#define KZ_OPAQUE(pointer) __asm__("" : "+r"(pointer))
#define KZ_PREFETCH(pointer) __builtin_prefetch(pointer, 1, 3)
#else
#define KZ_OPAQUE(pointer)
#define KZ_PREFETCH(pointer) ((void)(pointer))
#endif

typedef float kz_four __attribute__((vector_size(16)));
typedef int32_t kz_four_ints __attribute__((vector_size(16)));
typedef float kz_eight __attribute__((vector_size(32)));
typedef int32_t kz_eight_ints __attribute__((vector_size(32)));

/* Elements of a and b together, by their numbers: clang has no __builtin_shuffle, gcc before 12 no __builtin_shufflevector. */
#if defined(__clang__)
#define KZ_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define KZ_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (kz_four_ints){__VA_ARGS__})
#endif

typedef struct {
    kz_source source;
    const uint64_t *alias_table;  /* (n_words,), see _noise.pyx */
    uint64_t n_words;
    uint64_t noise_key;
    float *inputs;                /* (n_words or n_rows, stride), 64-byte aligned, zero beyond the vector size */
    const int64_t *part_offsets;  /* (n_words + 1,) with subwords, else NULL */
    const int32_t *parts;         /* rows of `inputs`, one or more for each word, and again those that it has twice */
    const int64_t *distinct_ends; /* (n_words,), end of the distinct rows of each word in `parts` */
    int64_t span;                 /* groups for which words are composed once */
    float *outputs;               /* the same; only with noise */
    float *biases;                /* (n_words,) or NULL */
    const float *log_expected;    /* (n_words,) log(K q); only with biases */
    float *nodes;                 /* (n_words - 1, stride), inner nodes of hierarchical softmax, or NULL */
    const int64_t *path_offsets;  /* (n_words + 1,) */
    const int32_t *paths;         /* node << 1 | code, from the root down, for one word after another */
    int64_t longest_path;
    int cbow, mean;               /* skip-gram or CBOW; mean or sum of the contexts */
    int64_t size, stride;         /* dimension of the vectors; floats per row, a multiple of 16 */
    int64_t reach;                /* maximum contexts on one side: the window, or less if all documents are shorter */
    int64_t group;                /* centres per group, 1..KZ_GROUP */
    int64_t n_noise;              /* K', a multiple of 16; 0 without noise */
    float noise_weight;           /* K / K' */
    int softmax;                  /* sampled softmax instead of logistic losses */
    int remove_hits;              /* skip noise words that equal the centre of a pair; sampled softmax always does */
    int64_t measured_every;       /* the loss is computed for one group in this many */
    double alpha, min_alpha;      /* learning rate at the start and at the end of all epochs */
    int64_t words_before, words;  /* words of the previous epochs, and of all epochs */
    int64_t *words_done;          /* words of this epoch that all threads have processed */
} kz_job;

typedef struct {
    double loss;       /* over the measured pairs */
    int64_t measured;  /* pairs */
    int64_t pairs;     /* all pairs */
} kz_sums;

typedef struct {
    int64_t widest;       /* scores per centre, a multiple of 8 */
    int64_t most_entries; /* maximum number of centres that a row has pairs with */
    /* Noise words of this group and of the next one; copies of their rows, the same transposed, pointers to the copies. */
    int32_t *noise, *next_noise;
    uint64_t *places; /* positions in the alias table for the group after the next one */
    float *noise_copies, *noise_columns, *noise_offsets, *noise_totals;
    const float **noise_rows;
    /* Rows, up to KZ_GROUP + 2 reach + 1: their errors with the noise and, as lists of entries, with the centres (CBOW). */
    const float **rows, **sources;
    float **row_targets, *weights, *hit_weights, *errors, *totals, *true_totals, *entries, *long_updates;
    int32_t *counts;
    /* Centres. */
    float *centre_copies, *centre_offsets, *true_errors, *means, *mean_errors;
    /* A window. */
    const float **window_rows;
    float *window_shares;
    /* The path to a word. */
    const float **node_rows;
    float *node_copies, *node_errors;
    /* Input vectors and, for each token of the stream, its row: those of the job, or words that were composed. */
    float *inputs;
    const int32_t *input_ids;
    /* Composed words: each token's number in this span, the words and a hash table of them; vectors now and at first. */
    int32_t *local_ids, *words, *slots;
    float *composed, *initial;
    int64_t n_local, n_slots, n_groups;
    /* Arguments of add_rows, an update before it is clipped, and rows to prefetch for the next group. */
    float **targets;
    const float **coefficients, **calls;
    float *update;
    int64_t n_calls, next_call, calls_a_step;
    void *memory;
} kz_scratch;

static float kz_softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

/* Offset of the logits of a word: its bias minus log(K q). */
KZ_INLINE float kz_offset(const kz_job *job, int32_t word) {
    return job->biases ? job->biases[word] - job->log_expected[word] : 0.0f;
}

/* Rows that the vector of a word is made of. */
KZ_INLINE float kz_n_parts(const kz_job *job, int32_t word) {
    return (float)(job->part_offsets[word + 1] - job->part_offsets[word]);
}

KZ_INLINE void kz_prefetch_row(const float *row, int64_t size) {
    for (int64_t d = 0; d < size; d += 16) KZ_PREFETCH(row + d);
}

KZ_INLINE void kz_call_offset(const kz_job *job, int32_t word) {
    if (!job->biases) return;
    KZ_PREFETCH(job->biases + word);
    KZ_PREFETCH(job->log_expected + word);
}

/* Prefetches some rows of the next group. The prefetches are spread over the work on this group, because a core can have
 * about twenty cache lines in flight and stalls when it requests more. */
KZ_INLINE void kz_call_ahead(const kz_job *job, kz_scratch *s) {
    const int64_t end = kz_min(s->next_call + s->calls_a_step, s->n_calls);
    while (s->next_call < end) kz_prefetch_row(s->calls[s->next_call++], job->size);
}

/* Skip-gram: writes the weights of rows and noise words if some noise word equals a centre; returns 0 if none does. Row 0
 * of the group is `offset` tokens before its first centre. */
static int kz_note_hits(const kz_job *job, kz_scratch *s, const int32_t *centres, const int32_t *left, const int32_t *right,
                        int64_t offset, int64_t n, int64_t n_rows) {
    const int64_t K = job->n_noise;
    int found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < K; k++) found |= s->noise[k] == centres[i];
    if (!found) return 0;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t k = 0; k < K; k++) s->hit_weights[r * K + k] = s->weights[r];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < K; k++) {
            if (s->noise[k] != centres[i]) continue;
            for (int64_t j = -left[i]; j <= right[i]; j++)
                if (j) s->hit_weights[(offset + i + j) * K + k] -= job->noise_weight;
        }
    return 1;
}

static int kz_make_scratch(kz_scratch *s, const kz_job *job) {
    const int64_t reach = job->reach, K = job->n_noise, stride = job->stride, longest = job->longest_path;
    const int64_t window = 2 * reach + 1, rows = KZ_GROUP + window;
    /* Tokens in the buffer of the stream, and the most words that a span can have. */
    const int64_t room = KZ_CHUNK + 3 * (int64_t)job->source.window + KZ_SLACK;
    const int64_t most_words = job->parts ? kz_min((int64_t)job->n_words, job->span * (KZ_GROUP + 2 * reach)) : 0;
    memset(s, 0, sizeof *s);
    s->n_slots = 1;
    while (s->n_slots < 2 * most_words) s->n_slots *= 2;
    s->widest = (window + 7) / 8 * 8;
    s->most_entries = kz_min(KZ_GROUP, 2 * reach) + 1;
    const int64_t most = kz_max(rows, kz_max(K, longest)), n_calls = K + KZ_GROUP * (2 + longest);
    const struct { void *place; int64_t n, size; } parts[] = {
        {&s->noise, K, sizeof(int32_t)},
        {&s->next_noise, K, sizeof(int32_t)},
        {&s->places, K, sizeof(uint64_t)},
        {&s->noise_copies, K * stride, sizeof(float)},
        {&s->noise_columns, K * stride, sizeof(float)},
        {&s->noise_offsets, K, sizeof(float)},
        {&s->noise_totals, K, sizeof(float)},
        {&s->noise_rows, K, sizeof(float *)},
        {&s->rows, rows, sizeof(float *)},
        {&s->sources, job->cbow ? rows * s->most_entries : 0, sizeof(float *)},
        {&s->row_targets, rows, sizeof(float *)},
        {&s->long_updates, job->cbow || !K ? 0 : rows * stride, sizeof(float)},
        {&s->weights, rows, sizeof(float)},
        {&s->hit_weights, rows * K, sizeof(float)},
        {&s->errors, rows * K, sizeof(float)},
        {&s->totals, rows, sizeof(float)},
        {&s->true_totals, rows, sizeof(float)},
        {&s->entries, job->cbow ? rows * s->most_entries : 0, sizeof(float)},
        {&s->counts, rows + 1, sizeof(int32_t)},
        {&s->centre_copies, KZ_GROUP * stride, sizeof(float)},
        {&s->centre_offsets, KZ_GROUP, sizeof(float)},
        {&s->true_errors, KZ_GROUP * window + 16, sizeof(float)},
        {&s->means, job->cbow ? KZ_GROUP * stride : 0, sizeof(float)},
        {&s->mean_errors, job->cbow ? KZ_GROUP * stride : 0, sizeof(float)},
        {&s->window_rows, window, sizeof(float *)},
        {&s->window_shares, window, sizeof(float)},
        {&s->node_rows, longest, sizeof(float *)},
        {&s->node_copies, longest * stride, sizeof(float)},
        {&s->node_errors, longest * s->widest, sizeof(float)},
        {&s->local_ids, job->parts ? room : 0, sizeof(int32_t)},
        {&s->words, most_words, sizeof(int32_t)},
        {&s->slots, s->n_slots, sizeof(int32_t)},
        {&s->composed, most_words * stride, sizeof(float)},
        {&s->initial, most_words * stride, sizeof(float)},
        {&s->targets, most, sizeof(float *)},
        {&s->coefficients, most, sizeof(float *)},
        {&s->calls, n_calls, sizeof(float *)},
        {&s->update, stride, sizeof(float)},
    };
    const int n_parts = sizeof parts / sizeof *parts;
    size_t total = 64;
    for (int i = 0; i < n_parts; i++) total += ((size_t)parts[i].n * (size_t)parts[i].size + 63) / 64 * 64;
    s->memory = calloc(1, total);
    if (!s->memory) return -1;
    char *p = (char *)(((uintptr_t)s->memory + 63) & ~(uintptr_t)63);
    for (int i = 0; i < n_parts; i++) {
        memcpy(parts[i].place, &p, sizeof p);
        p += ((size_t)parts[i].n * (size_t)parts[i].size + 63) / 64 * 64;
    }
    memset(s->slots, -1, (size_t)s->n_slots * sizeof *s->slots);
    return 0;
}

/* The number of a word in this span; a new one is added to s->words. */
KZ_INLINE int32_t kz_local(kz_scratch *s, int32_t word) {
    int64_t slot = (int64_t)(((uint64_t)(uint32_t)word * KZ_GOLDEN) >> 32) & (s->n_slots - 1);
    while (s->slots[slot] >= 0 && s->words[s->slots[slot]] != word) slot = (slot + 1) & (s->n_slots - 1);
    if (s->slots[slot] < 0) {
        s->words[s->n_local] = word;
        s->slots[slot] = (int32_t)s->n_local++;
    }
    return s->slots[slot];
}

/* exp(x) = p 2^n for |x| < 80, p = exp(r), |r| <= ln(2) / 2: Cephes' polynomial. */
#define KZ_EXPONENTIAL_BODY \
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
    kz_eight_ints power = (__builtin_convertvector(n, kz_eight_ints) + 127) << 23;

/* For |x| < 80; `within` zeroes the rest. */
#define KZ_SIGMOID_BODY \
    x = -x; \
    KZ_EXPONENTIAL_BODY \
    return 1.0f / (1.0f + p * (kz_eight)power);

/* x86 with gcc: AVX-512 and AVX2 variants, selected when training starts. Other platforms use the plain variant. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define KZ_HAS_VARIANTS 1
#include <immintrin.h>
#endif

#define KZ_LANES 4
#define KZ_TILE_ROWS 3
#define KZ_TILE_VECTORS 3
#define KZ_FN(name) kz_plain_##name
#include "all_lanes.h"

#ifdef KZ_HAS_VARIANTS
#pragma GCC push_options
#pragma GCC target("avx2,fma,prfchw")
#define KZ_LANES 8
#define KZ_TILE_ROWS 6
#define KZ_TILE_VECTORS 3
#define KZ_FN(name) kz_avx2_##name
#include "all_lanes.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#define KZ_LANES 16
#define KZ_TILE_ROWS 8
#define KZ_TILE_VECTORS 4
#define KZ_FN(name) kz_avx512_##name
#include "all_lanes.h"
#pragma GCC pop_options
#endif

/* What is compiled per instruction set. */
typedef struct {
    void (*group)(const kz_job *, const kz_stream *, int64_t, int64_t, float, kz_scratch *, int, kz_sums *);
    void (*compose)(const kz_job *, kz_scratch *, int64_t);
    void (*scatter)(const kz_job *, kz_scratch *);
} kz_functions;

enum { KZ_PLAIN, KZ_AVX2, KZ_AVX512 };

/* The widest instruction set that this CPU supports. */
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

static kz_functions kz_choose(int set) {
#ifdef KZ_HAS_VARIANTS
    if (set == KZ_AVX512) return (kz_functions){kz_avx512_group, kz_avx512_compose, kz_avx512_scatter};
    if (set == KZ_AVX2) return (kz_functions){kz_avx2_group, kz_avx2_compose, kz_avx2_scatter};
#endif
    (void)set;
    return (kz_functions){kz_plain_group, kz_plain_compose, kz_plain_scatter};
}

/* Ends the span: its words are forgotten after their rows were updated. */
static void kz_end_span(const kz_job *job, const kz_functions *functions, kz_scratch *s) {
    if (!job->parts) return;
    functions->scatter(job, s);
    memset(s->slots, -1, (size_t)s->n_slots * sizeof *s->slots);
    s->n_local = s->n_groups = 0;
}

/* Numbers the words of a group and its windows, and composes those that are new. */
static void kz_enter_group(const kz_job *job, const kz_functions *functions, const kz_stream *t, int64_t from, int64_t to,
                           kz_scratch *s) {
    if (!job->parts) return;
    if (s->n_groups == job->span) kz_end_span(job, functions, s);
    s->n_groups++;
    const int64_t known = s->n_local, end = kz_min(t->n, to + job->reach);
    for (int64_t i = kz_max(0, from - job->reach); i < end; i++) s->local_ids[i] = kz_local(s, t->ids[i]);
    functions->compose(job, s, known);
}

/* Draws the noise of the group that starts at token `from`, as positions in the alias table, and prefetches them. */
KZ_INLINE void kz_draw_places(const kz_job *job, const kz_stream *t, int64_t from, kz_scratch *s) {
    const uint64_t key = kz_draw(job->noise_key, (uint64_t)t->positions[from]);
    for (int64_t j = 0; j < job->n_noise; j++) {
        const uint64_t r = kz_draw(key, (uint64_t)j);
        s->places[j] = (r >> 32) * job->n_words + (((r & KZ_LOW) * job->n_words) >> 32);
        KZ_PREFETCH(job->alias_table + (s->places[j] >> 32));
    }
}

/* Looks up the noise words of the group of centres from..to - 1, whose positions are drawn, and records the rows that the
 * group will need. The tables are larger than the caches; the work on the previous group hides the memory latency. */
KZ_INLINE void kz_prepare_group(const kz_job *job, const kz_stream *t, int64_t from, int64_t to, kz_scratch *s) {
    int64_t n = 0;
    for (int64_t j = 0; j < job->n_noise; j++) {
        const uint64_t place = s->places[j], entry = job->alias_table[place >> 32];
        /* Branchless, because the branch would be mispredicted half of the time. */
        const uint64_t own = -(uint64_t)((place & KZ_LOW) < (entry >> 32));
        s->next_noise[j] = (int32_t)((own & (place >> 32)) | (~own & (entry & KZ_LOW)));
        s->calls[n++] = job->outputs + s->next_noise[j] * job->stride;
        kz_call_offset(job, s->next_noise[j]);
    }
    for (int64_t k = from; k < to; k++) {
        if (job->n_noise) {
            s->calls[n++] = job->outputs + t->ids[k] * job->stride;
            kz_call_offset(job, t->ids[k]);
        }
        /* The contexts before `to` are already in the cache, from the previous group. */
        if (!job->parts && k + job->reach < t->n)
            s->calls[n++] = s->inputs + s->input_ids[k + job->reach] * job->stride;
        if (job->nodes) /* all paths share the first nodes, which stay in the cache */
            for (int64_t p = job->path_offsets[t->ids[k]] + 6; p < job->path_offsets[t->ids[k] + 1]; p++)
                s->calls[n++] = job->nodes + (job->paths[p] >> 1) * job->stride;
    }
    s->n_calls = n;
    s->next_call = 0;
    s->calls_a_step = n / (3 * (to - from)) + 1;
}

/* Trains the centres at raw positions begin..end - 1 (begin is the start of a chunk). Returns 0, or -1 if out of memory. */
static int kz_train(const kz_job *job, int set, int64_t begin, int64_t end, kz_sums *sums) {
    const kz_functions functions = kz_choose(set);
    kz_scratch scratch;
    kz_stream t;
    if (kz_open(&t, &job->source, begin)) return -1;
    if (kz_make_scratch(&scratch, job)) {
        kz_close(&t);
        return -1;
    }
    scratch.inputs = job->parts ? scratch.composed : job->inputs;
    scratch.input_ids = job->parts ? scratch.local_ids : t.ids;
    int64_t reported = begin, number = 0;
    int more = 1;
    while (more && (more = kz_advance(&t))) {
        int64_t k = t.begin, last = t.ready;
        while (k < last && t.positions[k] < begin) k++;
        while (last > k && t.positions[last - 1] >= end) {
            last--;
            more = 0;
        }
        /* The rate depends on the words processed, as in gensim; updated once per chunk. */
        const int64_t done = __atomic_load_n(job->words_done, __ATOMIC_RELAXED);
        double share = (double)(job->words_before + done) / (double)job->words;
        double rate = job->alpha - (job->alpha - job->min_alpha) * share;
        float alpha = (float)(rate > job->min_alpha ? rate : job->min_alpha);
        const int64_t n_groups = (last - k + job->group - 1) / job->group;
#define KZ_START(i) (k + (last - k) * (i) / n_groups)
        if (n_groups) {
            kz_draw_places(job, &t, k, &scratch);
            kz_prepare_group(job, &t, k, KZ_START(1), &scratch);
            if (n_groups > 1) kz_draw_places(job, &t, KZ_START(1), &scratch);
        }
        for (int64_t i = 0; i < n_groups; i++) {
            int32_t *noise = scratch.next_noise;
            scratch.next_noise = scratch.noise;
            scratch.noise = noise;
            scratch.n_calls = 0;
            if (i + 1 < n_groups) kz_prepare_group(job, &t, KZ_START(i + 1), KZ_START(i + 2), &scratch);
            if (i + 2 < n_groups) kz_draw_places(job, &t, KZ_START(i + 2), &scratch);
            kz_enter_group(job, &functions, &t, KZ_START(i), KZ_START(i + 1), &scratch);
            functions.group(job, &t, KZ_START(i), KZ_START(i + 1) - KZ_START(i), alpha, &scratch,
                  number++ % job->measured_every == 0, sums);
        }
#undef KZ_START
        int64_t now = kz_min(t.position, end);
        if (now > reported) {
            __atomic_fetch_add(job->words_done, now - reported, __ATOMIC_RELAXED);
            reported = now;
        }
    }
    kz_end_span(job, &functions, &scratch);
    if (end > reported) __atomic_fetch_add(job->words_done, kz_min(end, job->source.n_tokens) - reported, __ATOMIC_RELAXED);
    free(scratch.memory);
    kz_close(&t);
    return 0;
}

#endif
