/* word2vec.h against loops over double numbers, for every model and instruction set; and trained by several threads.
 *
 *     word2vec check              the results of one thread
 *     word2vec threads            three threads
 *     word2vec threads shared     the same, for ThreadSanitizer to find the deliberate races (see `map_tables`)
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#include "check.h"
#include "word2vec.h"
#include "reference.h"

typedef struct {
    const char *name;
    int nce, cbow, sum, hs, softmax, subwords, fixed;
    int64_t n_noise;
} model;

static const model MODELS[] = {
    {"nce", .nce = 1, .n_noise = 16},
    {"negative_sampling", .n_noise = 16},
    {"fixed biases", .fixed = 1, .n_noise = 16},
    {"cbow fixed biases", .fixed = 1, .cbow = 1, .n_noise = 16},
    {"cbow nce", .nce = 1, .cbow = 1, .n_noise = 16},
    {"cbow sum", .cbow = 1, .sum = 1, .n_noise = 48},
    {"sampled_softmax", .softmax = 1, .nce = 1, .n_noise = 64},
    {"cbow sampled_softmax", .softmax = 1, .nce = 1, .cbow = 1, .n_noise = 16},
    {"hs", .hs = 1},
    {"cbow hs", .hs = 1, .cbow = 1},
    {"cbow sum hs", .hs = 1, .cbow = 1, .sum = 1},
    {"hs and noise", .hs = 1, .n_noise = 16},
    {"subwords nce", .nce = 1, .subwords = 1, .n_noise = 16},
    {"subwords cbow", .cbow = 1, .subwords = 1, .n_noise = 16},
    {"subwords cbow sum", .cbow = 1, .sum = 1, .subwords = 1, .n_noise = 32},
    {"subwords hs", .hs = 1, .subwords = 1},
};
enum { N_MODELS = sizeof MODELS / sizeof *MODELS };

/* Tables of a job with room for its rows, 64-byte aligned, one after another in `memory`. */
typedef struct {
    int64_t n_rows, bytes;
    char *memory;
} tables;

/* Walker's alias method (Vose 1991): threshold << 32 | alias. */
static uint64_t *alias_table(const double *weights, int64_t n) {
    uint64_t *table = zeros(n, sizeof *table);
    double total = 0, *left = zeros(n, sizeof *left);
    for (int64_t i = 0; i < n; i++) total += weights[i];
    for (int64_t i = 0; i < n; i++) left[i] = weights[i] / total * (double)n;
    int *done = zeros(n, sizeof *done);
    for (int64_t step = 0; step < n; step++) {
        int64_t small = -1, large = -1;
        for (int64_t i = 0; i < n; i++) {
            if (done[i]) continue;
            if (small < 0 || left[i] < left[small]) small = i;
            if (large < 0 || left[i] > left[large]) large = i;
        }
        const double share = fmin(1, left[small]);
        table[small] = (uint64_t)fmin(4294967295.0, share * 4294967296.0) << 32 | (uint64_t)large;
        left[large] -= 1 - share;
        done[small] = 1;
    }
    free(left), free(done);
    return table;
}

/* The Huffman tree of the counts; the root is node n - 2, as in HuffmanTree. */
static void add_paths(kz_job *job, const double *counts) {
    const int64_t n = (int64_t)job->n_words;
    double *weights = zeros(2 * n, sizeof *weights);
    int32_t *parents = zeros(2 * n, sizeof *parents), *paths = zeros(n * n, sizeof *paths);
    int *used = zeros(2 * n, sizeof *used), *codes = zeros(2 * n, sizeof *codes);
    int64_t *offsets = zeros(n + 1, sizeof *offsets);
    memcpy(weights, counts, (size_t)n * sizeof *weights);
    for (int64_t node = n; node < 2 * n - 1; node++)
        for (int code = 0; code < 2; code++) {
            int64_t least = -1;
            for (int64_t i = 0; i < node; i++)
                if (!used[i] && (least < 0 || weights[i] < weights[least])) least = i;
            used[least] = 1, codes[least] = code, parents[least] = (int32_t)node;
            weights[node] += weights[least];
        }
    for (int64_t word = 0; word < n; word++) {
        int64_t length = 0;
        for (int64_t i = word; i != 2 * n - 2; i = parents[i]) length++;
        offsets[word + 1] = offsets[word] + length;
        job->longest_path = kz_max(job->longest_path, length);
        for (int64_t i = word, e = offsets[word + 1]; i != 2 * n - 2; i = parents[i])
            paths[--e] = (int32_t)(parents[i] - n) << 1 | codes[i];
    }
    free(weights), free(parents), free(used), free(codes);
    job->path_offsets = offsets, job->paths = paths;
}

/* A row of its own and up to six more, some of them twice: those are listed again after the distinct ones. */
static int64_t add_parts(kz_job *job) {
    const int64_t n = (int64_t)job->n_words, n_rows = n + 20;
    int64_t *offsets = zeros(n + 1, sizeof *offsets), *ends = zeros(n, sizeof *ends), total = 0;
    int32_t *parts = zeros(n * 10, sizeof *parts);
    for (int64_t word = 0; word < n; word++) {
        const int64_t first = n + random_below(20), more = random_below(7);
        offsets[word] = total;
        parts[total++] = (int32_t)word;
        for (int64_t i = 0; i < more; i++) parts[total++] = (int32_t)(n + (first - n + i) % 20);
        ends[word] = total;
        for (int64_t i = 0; i < more / 3; i++) parts[total++] = (int32_t)(n + (first - n + i) % 20);
    }
    offsets[n] = total;
    job->part_offsets = offsets, job->parts = parts, job->distinct_ends = ends;
    return n_rows;
}

/* A job on a random text. Its tables are set by `point_to`. Returns the rows of `inputs`. */
static int64_t make_job(kz_job *job, const model *m, int64_t n_words, int64_t size, int64_t n_documents,
                        const int64_t *lengths, int64_t *words_done) {
    int64_t n = 0, longest = 0, n_rows = n_words;
    int64_t *offsets = zeros(n_documents + 1, sizeof *offsets);
    uint32_t *keep = zeros(n_words, sizeof *keep);
    float *expected = zeros(n_words, sizeof *expected);
    double *counts = zeros(n_words, sizeof *counts), total = 0;
    for (int64_t i = 0; i < n_documents; i++) {
        offsets[i + 1] = n += lengths[i];
        longest = kz_max(longest, lengths[i]);
    }
    int32_t *ids = zeros(n, sizeof *ids);
    for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)kz_min(random_below(n_words), random_below(n_words));
    for (int64_t i = 0; i < n_words; i++) {
        keep[i] = (uint32_t)(4294967295.0 * (0.5 + 0.5 * (double)i / (double)n_words));
        total += counts[i] = (double)(1 + random_below(50));
    }
    for (int64_t i = 0; i < n_words; i++) expected[i] = (float)log(5 * counts[i] / total);
    memset(job, 0, sizeof *job);
    job->source = (kz_source){.ids = ids, .offsets = offsets, .n_documents = n_documents, .n_tokens = n, .keep = keep,
                              .key = random_bits(), .window = 5, .shrink = 1};
    job->alias_table = alias_table(counts, n_words);
    job->n_words = (uint64_t)n_words, job->noise_key = random_bits(), job->span = 3;
    job->cbow = m->cbow, job->mean = !m->sum, job->size = size, job->stride = (size + 15) / 16 * 16;
    job->reach = 5, job->group = 16, job->n_noise = m->n_noise, job->softmax = m->softmax, job->remove_hits = !m->nce;
    job->noise_weight = m->n_noise ? 5.0f / (float)m->n_noise : 0, job->measured_every = 3;
    job->alpha = 0.05, job->min_alpha = 0.01, job->words_before = 100, job->words = 2 * n + 100;
    job->words_done = words_done;
    job->log_expected = m->nce ? expected : NULL;
    job->logit_offset = m->fixed ? -0.8f : 0;
    if (m->hs) add_paths(job, counts);
    if (m->subwords) n_rows = add_parts(job);
    if (!m->nce) free(expected);
    free(counts);
    return n_rows;
}

static void free_job(kz_job *job) {
    const void *parts[] = {job->source.ids, job->source.offsets, job->source.keep, job->alias_table, job->log_expected,
                           job->path_offsets, job->paths, job->part_offsets, job->parts, job->distinct_ends};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free((void *)(uintptr_t)parts[i]);
}

/* Floats in the tables of a job: inputs, outputs, nodes and biases. */
static int64_t n_floats(const kz_job *job, int64_t n_rows) {
    const int64_t n = (int64_t)job->n_words;
    return (n_rows + 2 * n) * job->stride + (n + 15) / 16 * 16;
}

static void point_to(kz_job *job, const model *m, int64_t n_rows, float *memory) {
    const int64_t n = (int64_t)job->n_words;
    job->inputs = memory;
    memory += n_rows * job->stride;
    job->outputs = m->n_noise ? memory : NULL;
    memory += n * job->stride;
    job->nodes = m->hs ? memory : NULL;
    memory += n * job->stride;
    job->biases = m->nce ? memory : NULL;
}

static float *draw_tables(kz_job *job, const model *m, int64_t n_rows, double scale) {
    const int64_t n = (int64_t)job->n_words;
    float *memory = aligned_alloc(64, (size_t)n_floats(job, n_rows) * sizeof *memory);
    CHECK(memory, "no memory");
    memset(memory, 0, (size_t)n_floats(job, n_rows) * sizeof *memory);
    point_to(job, m, n_rows, memory);
    float *parts[] = {job->inputs, job->outputs, job->nodes};
    const int64_t rows[] = {n_rows, n, n - 1};
    for (int i = 0; i < 3; i++)
        for (int64_t row = 0; parts[i] && row < rows[i]; row++)
            for (int64_t d = 0; d < job->size; d++) parts[i][row * job->stride + d] = (float)(scale * random_normal());
    for (int64_t i = 0; job->biases && i < n; i++) job->biases[i] = (float)random_normal();
    return memory;
}

static double *as_doubles(const float *rows, int64_t n, int64_t size, int64_t stride) {
    double *values = zeros(n * size, sizeof *values);
    for (int64_t i = 0; i < n && rows; i++)
        for (int64_t d = 0; d < size; d++) values[i * size + d] = rows[i * stride + d];
    return values;
}

static double compare(const char *name, const float *rows, const double *expected, int64_t n, int64_t size, int64_t stride,
                      double tolerance) {
    double worst = 0;
    for (int64_t i = 0; i < n && rows; i++)
        for (int64_t d = 0; d < stride; d++) {
            const double error = fabs(rows[i * stride + d] - (d < size ? expected[i * size + d] : 0));
            CHECK(error <= tolerance, "%s: row %d, number %d: %g", name, (int)i, (int)d, error);
            worst = fmax(worst, error);
        }
    return worst;
}

/* Trains positions begin..end - 1 as one thread's work. */
static int train_range(const kz_job *job, int set, int64_t begin, int64_t end, kz_sums *sums) {
    kz_scratch scratch;
    if (kz_make_scratch(&scratch, job, set)) return -1;
    const int failed = kz_train(job, set, &scratch, begin, end, sums);
    kz_end_training(job, set, &scratch);
    return failed;
}

/* One model in all instruction sets of this CPU; the largest difference. */
static double check_model(const model *m, int64_t n_words, int64_t size, int64_t group, double scale,
                          double exact) {
    static const int64_t lengths[] = {230, 0, 1, 2, 5, 180};
    int64_t words_done = 0, n_rows;
    kz_job job;
    kz_sums expected = {0};
    double worst = 0;
    n_rows = make_job(&job, m, n_words, size, 6, lengths, &words_done);
    job.group = group;
    float *start = draw_tables(&job, m, n_rows, scale);
    const int64_t n = n_words, bytes = n_floats(&job, n_rows) * (int64_t)sizeof(float);
    reference r = {.job = &job, .n_rows = n_rows};
    r.inputs = as_doubles(job.inputs, n_rows, size, job.stride), r.outputs = as_doubles(job.outputs, n, size, job.stride);
    r.nodes = as_doubles(job.nodes, n - 1, size, job.stride), r.biases = as_doubles(job.biases, n, 1, 1);
    r.words = zeros(n * size, sizeof(double)), r.composed = zeros(n * size, sizeof(double));
    ref_train(&r, &expected);
    /* This reference does not round to bfloat16, so that it says nothing of updates that are clipped there; that of Python does. */
    const int widest = exact > 1e-4 && kz_widest() == 3 ? 2 : kz_widest();
    for (int set = 0; set <= widest; set++) {
        float *memory = aligned_alloc(64, (size_t)bytes);
        kz_sums sums = {0};
        /* Set 3 multiplies in bfloat16, with 8 bits. */
        const double tolerance = set == 3 ? 1.5e-2 * fmax(1, scale) : exact;
        CHECK(memory, "no memory");
        memcpy(memory, start, (size_t)bytes);
        point_to(&job, m, n_rows, memory);
        words_done = 0;
        CHECK(!train_range(&job, set, 0, job.source.n_tokens, &sums), "no memory");
        CHECK(words_done == job.source.n_tokens, "%s: %d words", m->name, (int)words_done);
        CHECK(sums.pairs == expected.pairs && sums.measured == expected.measured && sums.pairs > 0, "%s: %d and %d pairs",
              m->name, (int)sums.pairs, (int)expected.pairs);
        CHECK(fabs(sums.loss - expected.loss) <= fmax(5e-5, exact == tolerance ? exact : 8e-3) * expected.loss, "%s: loss %.9g, expected %.9g", m->name, sums.loss,
              expected.loss);
        worst = fmax(worst, compare(m->name, job.inputs, r.inputs, n_rows, size, job.stride, tolerance));
        worst = fmax(worst, compare(m->name, job.outputs, r.outputs, n, size, job.stride, tolerance));
        worst = fmax(worst, compare(m->name, job.nodes, r.nodes, n - 1, size, job.stride, tolerance));
        worst = fmax(worst, compare(m->name, job.biases, r.biases, n, 1, 1, tolerance));
        free(memory);
    }
    free(start), free(r.inputs), free(r.outputs), free(r.nodes), free(r.biases), free(r.words), free(r.composed);
    free_job(&job);
    return worst;
}

/* Tokens and windows of the stream against their definition. */
static void check_stream(void) {
    static const int64_t lengths[] = {700, 0, 1, 3, 256, 40};
    int64_t done = 0, next = 0;
    const model m = {.n_noise = 16};
    kz_job job;
    kz_stream t;
    make_job(&job, &m, 40, 8, 6, lengths, &done);
    const kz_source *s = &job.source;
    int64_t *kept = zeros(s->n_tokens, sizeof *kept), *document = zeros(s->n_tokens, sizeof *document), n = 0;
    for (int64_t p = 0, at = 0; p < s->n_tokens; p++) {
        while (s->offsets[at + 1] <= p) at++;
        if ((uint32_t)(kz_draw(s->key, (uint64_t)p) >> 32) <= s->keep[s->ids[p]]) document[n] = at, kept[n++] = p;
    }
    CHECK(!kz_open(&t, s, 0), "no memory");
    while (kz_advance(&t))
        for (int64_t i = t.begin; i < t.ready; i++, next++) {
            int64_t radius = 1 + kz_below(kz_draw(s->key, (uint64_t)kept[next]), 5), left = 0, right = 0;
            while (left < radius && next - left > 0 && document[next - left - 1] == document[next]) left++;
            while (right < radius && next + right + 1 < n && document[next + right + 1] == document[next]) right++;
            CHECK(t.positions[i] == kept[next] && t.ids[i] == s->ids[kept[next]], "token %d", (int)next);
            CHECK(t.left[i] == left && t.right[i] == right, "window of token %d", (int)next);
            for (int64_t j = -left; j <= right; j++) CHECK(t.ids[i + j] == s->ids[kept[next + j]], "context %d", (int)j);
        }
    CHECK(next == n && n < s->n_tokens, "%d of %d tokens", (int)next, (int)n);
    kz_close(&t), free(kept), free(document), free_job(&job);
}

static void check(void) {
    static const int64_t sizes[] = {1, 15, 16, 17, 100, 300};
    check_stream();
    for (int i = 0; i < N_MODELS; i++) {
        double worst = 0;
        const double most = 2e-5;
        for (int j = 0; j < 6; j++)
            worst = fmax(worst, check_model(MODELS + i, 31, sizes[j], 16, fmin(0.5, 1 / sqrt((double)sizes[j])), most));
        /* Sums of contexts are long, and with 9 words some updates are clipped: rounding errors grow. */
        worst = fmax(worst, check_model(MODELS + i, 9, 50, 7, 0.3, MODELS[i].sum ? 4e-4 : most));
        worst = fmax(worst, check_model(MODELS + i, 60, 33, 32, 0.2, most));
        /* Updates that are clipped, logits beyond the bound: there, rounding errors grow. */
        const double hard = check_model(MODELS + i, 4, 20, 1, 2.0, 4e-3);
        printf("word2vec, %s: largest difference %.1e; %.1e with clipped updates\n", MODELS[i].name, worst, hard);
    }
}

/* ---- several threads ---------------------------------------------------------------------------------------- */

enum { THREADS = 3, SLICE = 8 * KZ_CHUNK };

typedef struct {
    kz_job job;
    kz_sums sums;
    int64_t *next;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    kz_scratch scratch;
    CHECK(!kz_make_scratch(&scratch, &w->job, kz_widest()), "no memory");
    for (;;) {
        const int64_t begin = __atomic_fetch_add(w->next, SLICE, __ATOMIC_RELAXED);
        if (begin >= w->job.source.n_tokens) break;
        CHECK(!kz_train(&w->job, kz_widest(), &scratch, begin, kz_min(begin + SLICE, w->job.source.n_tokens), &w->sums),
              "no memory");
    }
    kz_end_training(&w->job, kz_widest(), &scratch);
    return NULL;
}

/* The tables of Hogwild are read and written by all threads without locks, on purpose. Here each thread has addresses of
 * its own for the same memory, so that ThreadSanitizer, which goes by addresses, is silent about the tables and about
 * nothing else. With `shared` addresses it must report them: that shows that it would see a race. */
static float *map_tables(int file, int64_t bytes) {
    float *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(memory != MAP_FAILED, "no memory");
    return memory;
}

static void train_in_threads(const model *m, int shared) {
    static const int64_t lengths[] = {9000, 0, 1, 7000, 2, 4200};
    int64_t words_done = 0, next = 0, pairs = 0;
    kz_job job;
    double loss = 0, measured = 0;
    worker workers[THREADS];
    const int64_t n_rows = make_job(&job, m, 300, 20, 6, lengths, &words_done), n = (int64_t)job.n_words;
    float *start = draw_tables(&job, m, n_rows, 0.1);
    const int64_t bytes = n_floats(&job, n_rows) * (int64_t)sizeof(float);
    const int file = memfd_create("tables", 0);
    CHECK(file >= 0 && !ftruncate(file, bytes), "no memory");
    float *memory = map_tables(file, bytes);
    memcpy(memory, start, (size_t)bytes);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.job = job, .next = &next};
        workers[i].job.held = 40; /* copies of frequent rows */
        point_to(&workers[i].job, m, n_rows, shared ? memory : map_tables(file, bytes));
    }
    in_threads(THREADS, work, workers, sizeof *workers);
    for (int i = 0; i < THREADS; i++) {
        pairs += workers[i].sums.pairs, measured += (double)workers[i].sums.measured, loss += workers[i].sums.loss;
        if (!shared) munmap(workers[i].job.inputs, (size_t)bytes);
    }
    CHECK(words_done == job.source.n_tokens, "%s: %d words of %d", m->name, (int)words_done, (int)job.source.n_tokens);
    /* The pairs do not depend on the number of threads. */
    kz_sums alone = {0};
    words_done = 0;
    for (int64_t begin = 0; begin < job.source.n_tokens; begin += SLICE)
        CHECK(!train_range(&job, kz_widest(), begin, kz_min(begin + SLICE, job.source.n_tokens), &alone), "no memory");
    CHECK(alone.pairs == pairs, "%s: %d pairs, %d alone", m->name, (int)pairs, (int)alone.pairs);
    const double mean = loss / measured, before = alone.loss / (double)alone.measured;
    CHECK(mean > 0.8 * before && mean < 1.25 * before, "%s: loss %g, %g alone", m->name, mean, before);
    for (int64_t i = 0; i < bytes / (int64_t)sizeof(float); i++) CHECK(isfinite(memory[i]), "%s: not finite", m->name);
    double changed = 0;
    for (int64_t i = 0; i < n * job.stride; i++) changed += fabs(memory[i] - (double)start[i]);
    munmap(memory, (size_t)bytes), close(file), free(start), free_job(&job);
    printf("word2vec, %s: %d threads, loss %.4f, alone %.4f\n", m->name, THREADS, mean, before);
}

int main(int argc, char **argv) {
    const int shared = argc > 2 && !strcmp(argv[2], "shared");
    CHECK(argc > 1 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "threads")), "word2vec check|threads [shared]");
    if (!strcmp(argv[1], "check")) check();
    else
        for (int i = 0; i < N_MODELS; i++) train_in_threads(MODELS + i, shared);
    return 0;
}
