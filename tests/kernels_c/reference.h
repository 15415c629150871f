/* The training of word2vec.h as loops over double numbers, one pair and one class at a time: the formulas of its first
 * comment. tests/references/word2vec.py is the same in NumPy. The stream of tokens is that of windows.h, which word2vec.c
 * checks by itself.
 */
#ifndef KERAZOO_TESTS_REFERENCE_H
#define KERAZOO_TESTS_REFERENCE_H

#include "check.h"
#include "word2vec.h"

typedef struct {
    const kz_job *job; /* settings and text; its tables are not read */
    int64_t n_rows;    /* of `inputs` */
    double *inputs, *outputs, *biases, *nodes; /* (n, size) each */
    /* With subwords: vectors of the words now and when they were composed. */
    double *words, *composed;
} reference;

/* A sum of coefficients times vectors, that is clipped if the coefficients have a large sum. */
typedef struct {
    double *sum, total, signed_total;
} update;

static void ref_add(update *u, double coefficient, const double *x, int64_t size) {
    for (int64_t d = 0; d < size; d++) u->sum[d] += coefficient * x[d];
    u->total += fabs(coefficient);
    u->signed_total += coefficient;
}

static void ref_apply(double *row, const update *u, int64_t size) {
    double square = 0, scale = 1;
    for (int64_t d = 0; d < size; d++) square += u->sum[d] * u->sum[d];
    if (u->total > 0.5 && square > 1) scale = 1 / sqrt(square);
    for (int64_t d = 0; d < size; d++) row[d] += scale * u->sum[d];
}

static update *ref_updates(int64_t n, int64_t size) {
    update *updates = zeros(n, sizeof *updates);
    double *sums = zeros(n * size, sizeof *sums);
    for (int64_t i = 0; i < n; i++) updates[i].sum = sums + i * size;
    return updates;
}

static void ref_free(update *updates) {
    free(updates[0].sum);
    free(updates);
}

static double ref_dot(const double *x, const double *y, int64_t size) {
    double sum = 0;
    for (int64_t d = 0; d < size; d++) sum += x[d] * y[d];
    return sum;
}

static double ref_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static double ref_sigmoid_error(double label, double z) { return fabs(z) < 30 ? label - 1 / (1 + exp(-z)) : 0; }

static double ref_parts(const kz_job *job, int32_t word) {
    return job->parts ? (double)(job->part_offsets[word + 1] - job->part_offsets[word]) : 1;
}

/* One row of a window: tokens of the stream from `first` on without `skip`, what each gives to it and gets of its error. */
typedef struct {
    int64_t first, n, skip;
    double *x, given;
} ref_row;

/* The rows of the window of token i: one per context, or one in all (CBOW). Returns their number. */
static int64_t ref_rows(const reference *r, const kz_stream *t, int64_t i, const double *W, ref_row *rows) {
    const kz_job *job = r->job;
    const int64_t size = job->size, low = i - t->left[i], high = i + t->right[i];
    int64_t n = 0;
    if (!job->cbow) {
        for (int64_t j = low; j <= high; j++) {
            if (j == i) continue;
            rows[n].first = j, rows[n].n = 1, rows[n].skip = -1, rows[n].given = 1;
            memcpy(rows[n++].x, W + t->ids[j] * size, (size_t)size * sizeof(double));
        }
        return n;
    }
    if (low == high) return 0;
    double parts = 0;
    for (int64_t j = low; j <= high; j++) parts += j == i ? 0 : ref_parts(job, t->ids[j]);
    memset(rows->x, 0, (size_t)size * sizeof(double));
    for (int64_t j = low; j <= high; j++)
        for (int64_t d = 0; j != i && d < size; d++)
            rows->x[d] += (job->mean ? 1 / parts : 1) * ref_parts(job, t->ids[j]) * W[t->ids[j] * size + d];
    rows->first = low, rows->n = high - low + 1, rows->skip = i, rows->given = job->mean ? 1 : 1 / parts;
    return 1;
}

static void ref_give(const ref_row *row, update *contexts, double step, const double *y, int64_t size) {
    for (int64_t j = row->first; j < row->first + row->n; j++)
        if (j != row->skip) ref_add(contexts + j, row->given * step, y, size);
}

static double *ref_copy(const double *values, int64_t n) {
    double *copy = zeros(n, sizeof *copy);
    memcpy(copy, values, (size_t)n * sizeof *copy);
    return copy;
}

/* Noise words of a group: tokens from..to - 1. `rows` has room for the rows of a window. Returns the loss. */
static double ref_group(reference *r, const kz_stream *t, int64_t from, int64_t to, double alpha, ref_row *rows) {
    const kz_job *job = r->job;
    const int64_t size = job->size, K = job->n_noise, n = to - from, n_words = (int64_t)job->n_words;
    const uint64_t key = kz_draw(job->noise_key, (uint64_t)t->positions[from]);
    double *table = job->parts ? r->words : r->inputs, loss = 0;
    double *W = ref_copy(table, n_words * size), *C = ref_copy(r->outputs, n_words * size);
    update *contexts = ref_updates(t->n, size), *columns = ref_updates(n + K, size);
    int32_t *words = zeros(n + K, sizeof *words);
    double *offsets = zeros(n + K, sizeof *offsets), *logits = zeros(n + K, sizeof *logits);
    for (int64_t i = 0; i < n; i++) words[i] = t->ids[from + i];
    for (int64_t k = 0; k < K; k++) {
        const uint64_t bits = kz_draw(key, (uint64_t)k);
        const uint64_t place = (bits >> 32) * job->n_words + (((bits & KZ_LOW) * job->n_words) >> 32);
        const uint64_t entry = job->alias_table[place >> 32];
        words[n + k] = (int32_t)((place & KZ_LOW) < (entry >> 32) ? place >> 32 : entry & KZ_LOW);
    }
    for (int64_t c = 0; c < n + K && job->biases; c++) offsets[c] = r->biases[words[c]] - job->log_expected[words[c]];
    for (int64_t c = 0; c < n + K && !job->biases; c++) offsets[c] = job->logit_offset;
    for (int64_t i = 0; i < n; i++) {
        const int64_t n_rows = ref_rows(r, t, from + i, W, rows);
        for (int64_t p = 0; p < n_rows; p++) {
            double largest = -1e300, total = 0;
            for (int64_t c = 0; c < n + K; c++) { /* class i is the true one; those of the other centres are not used */
                logits[c] = ref_dot(rows[p].x, C + words[c] * size, size) + offsets[c];
                const int used = c == i || (c >= n && words[c] != words[i]);
                if (used && logits[c] > largest) largest = logits[c];
            }
            for (int64_t c = 0; c < n + K; c++)
                if (c == i || (c >= n && words[c] != words[i])) total += exp(logits[c] - largest);
            for (int64_t c = 0; c < n + K; c++) {
                double step;
                if (c != i && c < n) continue;
                if (c >= n && (job->softmax || job->remove_hits) && words[c] == words[i]) continue;
                if (job->softmax) {
                    step = alpha * ((c == i) - exp(logits[c] - largest) / total);
                    if (c == i) loss += log(total) + largest - logits[c];
                } else {
                    const double weight = c == i ? 1 : job->noise_weight;
                    step = alpha * weight * ref_sigmoid_error(c == i, logits[c]);
                    loss += weight * ref_softplus(c == i ? -logits[c] : logits[c]);
                }
                ref_give(rows + p, contexts, step, C + words[c] * size, size);
                ref_add(columns + c, step, rows[p].x, size);
            }
        }
    }
    for (int64_t c = 0; c < n + K; c++) {
        ref_apply(r->outputs + words[c] * size, columns + c, size);
        if (job->biases) r->biases[words[c]] += fmin(1, fmax(-1, columns[c].signed_total));
    }
    for (int64_t j = 0; j < t->n; j++) ref_apply(table + t->ids[j] * size, contexts + j, size);
    ref_free(contexts), ref_free(columns), free(words), free(offsets), free(logits), free(W), free(C);
    return loss;
}

/* Hierarchical softmax of the window of token i, with the inputs W. What its contexts receive is added to `contexts`.
 * Returns the loss. */
static double ref_path(reference *r, const kz_stream *t, int64_t i, double alpha, ref_row *rows, const double *W,
                       update *contexts) {
    const kz_job *job = r->job;
    const int64_t size = job->size, n_words = (int64_t)job->n_words;
    const int32_t *path = job->paths + job->path_offsets[t->ids[i]];
    const int64_t length = job->path_offsets[t->ids[i] + 1] - job->path_offsets[t->ids[i]];
    double loss = 0, *N = ref_copy(r->nodes, (n_words - 1) * size);
    update *nodes = ref_updates(length, size);
    const int64_t n_rows = ref_rows(r, t, i, W, rows);
    for (int64_t p = 0; p < n_rows; p++)
        for (int64_t e = 0; e < length; e++) {
            const double *y = N + (path[e] >> 1) * size, label = 1 - (path[e] & 1), z = ref_dot(rows[p].x, y, size);
            const double step = alpha * ref_sigmoid_error(label, z);
            loss += ref_softplus(label > 0 ? -z : z);
            ref_give(rows + p, contexts, step, y, size);
            ref_add(nodes + e, step, rows[p].x, size);
        }
    for (int64_t e = 0; e < length; e++) ref_apply(r->nodes + (path[e] >> 1) * size, nodes + e, size);
    ref_free(nodes), free(N);
    return loss;
}

/* Hierarchical softmax of a group: inputs are those before it. With CBOW a context gets one update, else one per window. */
static double ref_paths(reference *r, const kz_stream *t, int64_t from, int64_t to, double alpha, ref_row *rows) {
    const kz_job *job = r->job;
    const int64_t size = job->size;
    double *table = job->parts ? r->words : r->inputs, loss = 0;
    double *W = ref_copy(table, (int64_t)job->n_words * size);
    for (int64_t first = from, end; first < to; first = end) {
        end = job->cbow ? to : first + 1;
        update *contexts = ref_updates(t->n, size);
        for (int64_t i = first; i < end; i++) loss += ref_path(r, t, i, alpha, rows, W, contexts);
        for (int64_t j = 0; j < t->n; j++) ref_apply(table + t->ids[j] * size, contexts + j, size);
        ref_free(contexts);
    }
    free(W);
    return loss;
}

/* Adds what the words have learned to their distinct rows, and composes them anew. */
static void ref_span(reference *r) {
    const kz_job *job = r->job;
    const int64_t size = job->size;
    for (int64_t word = 0; word < (int64_t)job->n_words; word++)
        for (int64_t e = job->part_offsets[word]; e < job->distinct_ends[word]; e++)
            for (int64_t d = 0; d < size; d++)
                r->inputs[job->parts[e] * size + d] += r->words[word * size + d] - r->composed[word * size + d];
    memset(r->words, 0, (size_t)((int64_t)job->n_words * size) * sizeof(double));
    for (int64_t word = 0; word < (int64_t)job->n_words; word++)
        for (int64_t e = job->part_offsets[word]; e < job->part_offsets[word + 1]; e++)
            for (int64_t d = 0; d < size; d++)
                r->words[word * size + d] += r->inputs[job->parts[e] * size + d] / ref_parts(job, (int32_t)word);
    memcpy(r->composed, r->words, (size_t)((int64_t)job->n_words * size) * sizeof(double));
}

/* Trains the whole text, as kz_train does from position 0 to its end. */
static void ref_train(reference *r, kz_sums *sums) {
    const kz_job *job = r->job;
    const int64_t width = 2 * job->source.window + 1;
    ref_row *rows = zeros(width, sizeof *rows);
    kz_stream t;
    int64_t number = 0, done = 0;
    for (int64_t j = 0; j < width; j++) rows[j].x = zeros(job->size, sizeof(double));
    CHECK(!kz_open(&t, &job->source, 0), "no memory");
    while (kz_advance(&t)) {
        const double share = (double)(job->words_before + done) / (double)job->words;
        const double alpha = fmax(job->min_alpha, job->alpha - (job->alpha - job->min_alpha) * share);
        const int64_t n = t.ready - t.begin, n_groups = (n + job->group - 1) / job->group;
        for (int64_t g = 0; g < n_groups; g++) {
            const int64_t from = t.begin + n * g / n_groups, to = t.begin + n * (g + 1) / n_groups;
            double loss = 0;
            int64_t pairs = 0;
            if (job->parts && number % job->span == 0) ref_span(r);
            for (int64_t i = from; i < to; i++)
                pairs += job->cbow ? t.left[i] + t.right[i] > 0 : t.left[i] + t.right[i];
            if (job->n_noise) loss += ref_group(r, &t, from, to, alpha, rows);
            if (job->nodes) loss += ref_paths(r, &t, from, to, alpha, rows);
            sums->pairs += pairs;
            if (number++ % job->measured_every == 0) sums->loss += loss, sums->measured += pairs;
        }
        done = t.position;
    }
    if (job->parts) ref_span(r);
    kz_close(&t);
    for (int64_t j = 0; j < width; j++) free(rows[j].x);
    free(rows);
}

#endif
