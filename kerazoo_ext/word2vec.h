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
 * Sums over windows are differences of the sums of all rows before them. The error of a mean is added to each of its contexts in full, that of a sum divided by their number, as in word2vec.c and
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
 * 2005), g = alpha (1 - code - s(x . v)), x += sum of g v, v += sum of g x, with v from before the window and x from before
 * the group.
 *
 * Threads update the same tables without locks (Hogwild, Recht et al. 2011). The code uses the vector types of gcc, so one
 * source serves all instruction sets but bfloat16 (halves.h). Products are summed in the order of the lanes, so results differ
 * between the sets.
 */
#ifndef KERAZOO_WORD2VEC_H
#define KERAZOO_WORD2VEC_H

#include <math.h>
#include "windows.h"

#if defined(__GNUC__)
#define KZ_OPAQUE(pointer) __asm__("" : "+r"(pointer))
#define KZ_PREFETCH(pointer) __builtin_prefetch(pointer, 1, 3)
#define KZ_PREFETCH_TO_READ(pointer) __builtin_prefetch(pointer, 0, 3)
#else
#define KZ_OPAQUE(pointer)
#define KZ_PREFETCH(pointer) ((void)(pointer))
#define KZ_PREFETCH_TO_READ(pointer) ((void)(pointer))
#endif

#include "held_rows.h"

#define KZ_GROUP 32        /* maximum number of centres in a group */
/* An update whose coefficients have a larger sum than this is clipped to length 1 (1 for a bias). In a group, a word may
 * get many updates from one stale value, which makes training with few words or a large rate diverge. Rare otherwise. */
#define KZ_SAFE 0.5f
/* Logits this large do not occur in successful training. They cause no update, so training that diverges ends with a large
 * loss instead of infinities (gensim does this from 6 on). */
#define KZ_BEYOND 30.0f
#define KZ_IN_CACHE 256    /* nodes next to the root that are not prefetched; they are two thirds of those of the paths */
#define KZ_LARGEST_PART 13 /* vectors of an output row in registers: there are 16, and 3 are needed for other values */

enum { KZ_PLAIN, KZ_AVX2, KZ_AVX512, KZ_AVX512_BF16 }; /* instruction sets */

#if !defined(__GNUC__) && !defined(__clang__)
#error "word2vec.h uses the vector types of gcc and clang: on Windows, clang-cl is needed (docs/packaging.md)"
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
    float logit_offset;           /* added to every logit; only without biases */
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
    int64_t held;                 /* rows of each table, the most frequent ones, of which a thread keeps copies; 0: none */
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

#include "buffers.h"

static float kz_softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

/* Rows of the three tables, or this thread's copies of them. */
KZ_INLINE float *kz_input(const kz_job *job, const kz_scratch *s, int64_t row) {
    return kz_held_row(&s->held_inputs, job->inputs, row, job->stride);
}
KZ_INLINE float *kz_output(const kz_job *job, const kz_scratch *s, int64_t row) {
    return kz_held_row(&s->held_outputs, job->outputs, row, job->stride);
}
KZ_INLINE float *kz_node(const kz_job *job, const kz_scratch *s, int64_t row) {
    return kz_held_row(&s->held_nodes, job->nodes, row, job->stride);
}

/* Offset of the logits of a word: its bias minus log(K q), or the same for all words. */
KZ_INLINE float kz_offset(const kz_job *job, const kz_scratch *s, int32_t word) {
    return job->biases ? *kz_held_bias(&s->held_outputs, job->biases, word) - job->log_expected[word] : job->logit_offset;
}

/* Adds to the bias of a word, at most 1. */
KZ_INLINE void kz_add_bias(const kz_job *job, const kz_scratch *s, int32_t word, float change) {
    if (job->biases) *kz_held_bias(&s->held_outputs, job->biases, word) += change > 1 ? 1 : change < -1 ? -1 : change;
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

/* The tokens low..high - 1 are centres from `first` on and all their contexts. */
KZ_INLINE void kz_context_range(const kz_stream *t, int64_t first, int64_t n, int64_t *low, int64_t *high) {
    *low = first;
    *high = first + n;
    for (int64_t i = first; i < first + n; i++) {
        *low = kz_min(*low, i - t->left[i]);
        *high = kz_max(*high, i + t->right[i] + 1);
    }
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

/* exp(x) = p 2^n for |x| < 80, p = exp(r), |r| <= ln(2) / 2: Cephes' polynomial. V and I are the types of the vectors. */
#define KZ_EXPONENTIAL_BODY(V, I) \
    V n = x * 1.44269504088896341f + 12582912.0f; \
    n -= 12582912.0f; \
    V r = x - n * 0.693359375f; \
    r -= n * -2.12194440e-4f; \
    V p = 1.9875691500e-4f * r + 1.3981999507e-3f; \
    p = p * r + 8.3334519073e-3f; \
    p = p * r + 4.1665795894e-2f; \
    p = p * r + 1.6666665459e-1f; \
    p = p * r + 5.0000001201e-1f; \
    p = p * r * r + r + 1.0f; \
    I power = (__builtin_convertvector(n, I) + 127) << 23;

/* For |x| < 80; `within` zeroes the rest. */
#define KZ_SIGMOID_BODY(V, I) \
    x = -x; \
    KZ_EXPONENTIAL_BODY(V, I) \
    return 1.0f / (1.0f + p * (V)power);

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
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prfchw")
#define KZ_LANES 16
#define KZ_TILE_ROWS 8
#define KZ_TILE_VECTORS 4
#define KZ_FN(name) kz_avx512_##name
#include "all_lanes.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma,prfchw")
#include "halves.h"
#define KZ_LANES 16
#define KZ_TILE_ROWS 8
#define KZ_TILE_VECTORS 4
#define KZ_HALF
#define KZ_FN(name) kz_bf16_##name
#include "all_lanes.h"
#include "hierarchy_bf16.h"
#undef KZ_HALF
#undef KZ_HALVES
#undef KZ_DOT
#pragma GCC pop_options
#endif

/* What is compiled per instruction set. */
typedef struct {
    void (*group)(const kz_job *, const kz_stream *, int64_t, int64_t, float, kz_scratch *, int, kz_sums *);
    void (*compose)(const kz_job *, kz_scratch *, int64_t);
    void (*scatter)(const kz_job *, kz_scratch *);
    void (*exchange)(kz_held *, float *, float *, int64_t, int64_t);
} kz_functions;

/* The widest instruction set that this CPU supports. */
static int kz_widest(void) {
#ifdef KZ_HAS_VARIANTS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return __builtin_cpu_supports("avx512bf16") ? KZ_AVX512_BF16 : KZ_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KZ_AVX2;
#endif
    return KZ_PLAIN;
}

static kz_functions kz_choose(int set) {
#ifdef KZ_HAS_VARIANTS
    if (set == KZ_AVX512_BF16)
        return (kz_functions){kz_avx512_bf16_group, kz_bf16_compose, kz_bf16_scatter, kz_bf16_exchange};
    if (set == KZ_AVX512) return (kz_functions){kz_avx512_group, kz_avx512_compose, kz_avx512_scatter, kz_avx512_exchange};
    if (set == KZ_AVX2) return (kz_functions){kz_avx2_group, kz_avx2_compose, kz_avx2_scatter, kz_avx2_exchange};
#endif
    (void)set;
    return (kz_functions){kz_plain_group, kz_plain_compose, kz_plain_scatter, kz_plain_exchange};
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
    for (int64_t i = kz_max(0, from - job->reach); i < end; i++)
        s->input_rows[i] = s->composed + kz_local(s, t->ids[i]) * job->stride;
    functions->compose(job, s, known);
}

/* Writes the rows of all tokens of the stream. */
KZ_INLINE void kz_locate_rows(const kz_job *job, const kz_stream *t, kz_scratch *s) {
    for (int64_t i = 0; i < t->n; i++) {
        if (!job->parts) s->input_rows[i] = kz_input(job, s, t->ids[i]);
        if (job->n_noise) s->output_rows[i] = kz_output(job, s, t->ids[i]);
    }
}

/* Exchanges the held row of a table whose turn it is, and prefetches the next one. */
static void kz_exchange_one(const kz_job *job, const kz_functions *functions, kz_held *h, float *table, float *biases) {
    if (!h->n) return;
    functions->exchange(h, table, biases, job->stride, h->turn);
    h->turn = h->turn + 1 < h->n ? h->turn + 1 : 0;
    kz_prefetch_row(table + (h->first + h->turn) * job->stride, job->size);
}

static void kz_exchange_all(const kz_job *job, const kz_functions *functions, kz_held *h, float *table, float *biases) {
    for (int64_t i = 0; i < h->n; i++) functions->exchange(h, table, biases, job->stride, i);
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

/* Prefetches the paths to the centres from..to - 1. */
KZ_INLINE void kz_call_paths(const kz_job *job, const kz_stream *t, int64_t from, int64_t to) {
    if (!job->nodes) return;
    for (int64_t k = from; k < to; k++) {
        KZ_PREFETCH_TO_READ(job->paths + job->path_offsets[t->ids[k]]);
        KZ_PREFETCH_TO_READ(job->paths + job->path_offsets[t->ids[k] + 1] - 1);
    }
}

/* Looks up the noise words of the group of centres from..to - 1, whose positions are drawn, and records the rows that the
 * group will need. The tables are larger than the caches; the work on the previous group hides the memory latency. */
KZ_INLINE void kz_prepare_group(const kz_job *job, const kz_stream *t, int64_t from, int64_t to, kz_scratch *s) {
    const int64_t in_cache = (int64_t)job->n_words - 1 - KZ_IN_CACHE;
    int64_t n = 0;
    for (int64_t j = 0; j < job->n_noise; j++) {
        const uint64_t place = s->places[j], entry = job->alias_table[place >> 32];
        /* Branchless, because the branch would be mispredicted half of the time. */
        const uint64_t own = -(uint64_t)((place & KZ_LOW) < (entry >> 32));
        s->next_noise[j] = (int32_t)((own & (place >> 32)) | (~own & (entry & KZ_LOW)));
        s->calls[n++] = s->next_noise_outputs[j] = kz_output(job, s, s->next_noise[j]);
        kz_call_offset(job, s->next_noise[j]);
    }
    for (int64_t k = from; k < to; k++) {
        if (job->n_noise) {
            s->calls[n++] = s->output_rows[k];
            kz_call_offset(job, t->ids[k]);
        }
        /* The contexts before `to` are already in the cache, from the previous group. */
        if (!job->parts && k + job->reach < t->n)
            s->calls[n++] = s->input_rows[k + job->reach];
        if (job->nodes) /* from the leaf up: all paths share the last nodes of the table, which stay in the cache */
            for (int64_t p = job->path_offsets[t->ids[k] + 1]; p-- > job->path_offsets[t->ids[k]];) {
                const int64_t node = job->paths[p] >> 1;
                if (node >= in_cache) break;
                s->calls[n++] = job->nodes + node * job->stride;
            }
    }
    s->n_calls = n;
    s->next_call = 0;
    s->calls_a_step = n / (3 * (to - from)) + 1;
}

/* Trains the centres at raw positions begin..end - 1 (begin is the start of a chunk). Returns 0, or -1 if out of memory. */
static int kz_train(const kz_job *job, int set, kz_scratch *s, int64_t begin, int64_t end, kz_sums *sums) {
    const kz_functions functions = kz_choose(set);
    kz_stream t;
    if (kz_open(&t, &job->source, begin)) return -1;
    int64_t reported = begin, number = 0;
    int more = 1;
    while (more && (more = kz_advance(&t))) {
        int64_t k = t.begin, last = t.ready;
        while (k < last && t.positions[k] < begin) k++;
        while (last > k && t.positions[last - 1] >= end) {
            last--;
            more = 0;
        }
        kz_locate_rows(job, &t, s);
        /* The rate depends on the words processed, as in gensim; updated once per chunk. */
        const int64_t done = __atomic_load_n(job->words_done, __ATOMIC_RELAXED);
        double share = (double)(job->words_before + done) / (double)job->words;
        double rate = job->alpha - (job->alpha - job->min_alpha) * share;
        float alpha = (float)(rate > job->min_alpha ? rate : job->min_alpha);
        const int64_t n_groups = (last - k + job->group - 1) / job->group;
#define KZ_START(i) (k + (last - k) * (i) / n_groups)
        if (n_groups) {
            kz_draw_places(job, &t, k, s);
            kz_prepare_group(job, &t, k, KZ_START(1), s);
            if (n_groups > 1) kz_draw_places(job, &t, KZ_START(1), s);
        }
        for (int64_t i = 0; i < n_groups; i++) {
            int32_t *noise = s->next_noise;
            s->next_noise = s->noise;
            s->noise = noise;
            float **rows = s->next_noise_outputs;
            s->next_noise_outputs = s->noise_outputs;
            s->noise_outputs = rows;
            s->n_calls = 0;
            if (i + 1 < n_groups) kz_prepare_group(job, &t, KZ_START(i + 1), KZ_START(i + 2), s);
            if (i + 2 < n_groups) {
                kz_draw_places(job, &t, KZ_START(i + 2), s);
                kz_call_paths(job, &t, KZ_START(i + 2), KZ_START(i + 3));
            }
            kz_enter_group(job, &functions, &t, KZ_START(i), KZ_START(i + 1), s);
            functions.group(job, &t, KZ_START(i), KZ_START(i + 1) - KZ_START(i), alpha, s,
                  number++ % job->measured_every == 0, sums);
            kz_exchange_one(job, &functions, &s->held_inputs, job->inputs, NULL);
            kz_exchange_one(job, &functions, &s->held_outputs, job->outputs, job->biases);
            kz_exchange_one(job, &functions, &s->held_nodes, job->nodes, NULL);
        }
#undef KZ_START
        int64_t now = kz_min(t.position, end);
        if (now > reported) {
            __atomic_fetch_add(job->words_done, now - reported, __ATOMIC_RELAXED);
            reported = now;
        }
    }
    kz_end_span(job, &functions, s);
    if (end > reported) __atomic_fetch_add(job->words_done, kz_min(end, job->source.n_tokens) - reported, __ATOMIC_RELAXED);
    kz_close(&t);
    return 0;
}

/* Ends the work of a thread: the tables get what it has changed. */
static void kz_end_training(const kz_job *job, int set, kz_scratch *s) {
    const kz_functions functions = kz_choose(set);
    kz_exchange_all(job, &functions, &s->held_inputs, job->inputs, NULL);
    kz_exchange_all(job, &functions, &s->held_outputs, job->outputs, job->biases);
    kz_exchange_all(job, &functions, &s->held_nodes, job->nodes, NULL);
    free(s->memory);
    s->memory = NULL;
}

#endif
