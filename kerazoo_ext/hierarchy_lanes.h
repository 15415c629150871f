/* Hierarchical softmax (Morin & Bengio 2005; Mikolov et al. 2013a): one window against the inner nodes on the path to its
 * centre. Included after cbow_lanes.h, once per instruction set. word2vec.h has the formulas.
 */

/* The errors of up to eight logits, 0 where `mask` is 0. */
KZ_INLINE kz_eight KZ_FN(path_errors)(kz_eight z, kz_eight label, float alpha, kz_eight mask) {
    return KZ_FN(within)(z, mask * (alpha * (label - KZ_FN(sigmoid)(z))));
}

KZ_INLINE kz_eight KZ_FN(magnitude)(kz_eight x) { return (kz_eight)((kz_eight_ints)x & 0x7FFFFFFF); }

/* The errors of m rows at n_nodes nodes: s->node_errors[e * s->widest + j]. */
static void KZ_FN(window_errors)(kz_scratch *s, const int32_t *path, int64_t n_nodes, int64_t m, int64_t width, float alpha,
                                 int measure, kz_sums *sums) {
    for (int64_t first = 0; first < n_nodes; first += 4) {
        const float *nodes[4], *rows[4];
        float labels[16] __attribute__((aligned(64))), z[16] __attribute__((aligned(64)));
        const int64_t n = kz_min(4, n_nodes - first);
        for (int64_t i = 0; i < 4; i++) {
            const int64_t e = first + kz_min(i, n - 1);
            nodes[i] = s->node_rows[e];
            for (int j = 0; j < 4; j++) labels[4 * i + j] = path[e] & 1 ? 0.0f : 1.0f;
        }
        for (int64_t r = 0; r < m; r += 4) {
            for (int64_t j = 0; j < 4; j++) rows[j] = s->rows[kz_min(r + j, m - 1)];
            KZ_FN(dots_4x4)(nodes, rows, width, z);
            if (measure)
                for (int64_t i = 0; i < n; i++)
                    for (int64_t j = 0; j < kz_min(4, m - r); j++)
                        sums->loss += kz_softplus(labels[4 * i] > 0 ? -z[4 * i + j] : z[4 * i + j]);
            for (int i = 0; i < 16; i += KZ_LANES) {
                const KZ_VEC logits = KZ_LOAD(z + i);
                KZ_STORE(z + i, KZ_FN(all_within)(logits, alpha * (KZ_LOAD(labels + i) - KZ_FN(sigmoids)(logits))));
            }
            for (int64_t i = 0; i < n; i++)
                memcpy(s->node_errors + (first + i) * s->widest + r, z + 4 * i, 4 * sizeof(float));
        }
    }
}

/* Skip-gram: trains the window of centre i. s->row_copies has the input vectors from token `low` on, before the group. */
static void KZ_FN(hierarchy_window)(const kz_job *job, const kz_stream *t, int64_t i, int64_t low, float alpha,
                                    kz_scratch *s, int measure, kz_sums *sums) {
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES, step = s->widest;
    const int32_t *path = job->paths + job->path_offsets[t->ids[i]];
    const int64_t n_nodes = job->path_offsets[t->ids[i] + 1] - job->path_offsets[t->ids[i]];
    const int64_t first = i - t->left[i], m = t->left[i] + t->right[i];
    float **rows = s->row_targets;
    int64_t n_safe = 0;
    if (!m || !n_nodes) return;

    for (int64_t j = 0; j < m; j++) {
        const int64_t token = first + j + (j >= t->left[i]);
        rows[j] = s->input_rows[token];
        s->rows[j] = s->row_copies + (token - low) * stride;
    }
    for (int64_t e = 0; e < n_nodes; e++) {
        float *copy = s->node_copies + e * stride;
        s->path_nodes[e] = kz_node(job, s, path[e] >> 1);
        s->node_rows[e] = copy;
        KZ_FN(copy)(copy, s->path_nodes[e], width);
    }
    kz_call_ahead(job, s);
    KZ_FN(window_errors)(s, path, n_nodes, m, width, alpha, measure, sums);
    kz_call_ahead(job, s);

    /* No error exceeds alpha, so usually no update can be long. */
    for (int64_t e = 0; e < n_nodes; e++) {
        const float *errors = s->node_errors + e * step;
        float total = 0.0f;
        if (alpha * (float)m > KZ_SAFE)
            for (int64_t j = 0; j < m; j++) total += fabsf(errors[j]);
        if (total > KZ_SAFE) {
            KZ_FN(combine_clipped)(s->path_nodes[e], s->rows, errors, 1, m, width, s->update);
        } else {
            s->targets[n_safe] = s->path_nodes[e];
            s->coefficients[n_safe++] = errors;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, 1, s->rows, m, width);
    kz_call_ahead(job, s);

    n_safe = 0;
    for (int64_t j = 0; j < m; j++) {
        const float *errors = s->node_errors + j;
        float total = 0.0f;
        if (alpha * (float)n_nodes > KZ_SAFE)
            for (int64_t e = 0; e < n_nodes; e++) total += fabsf(errors[e * step]);
        if (total > KZ_SAFE) {
            KZ_FN(combine_clipped)(rows[j], s->node_rows, errors, step, n_nodes, width, s->update);
        } else {
            s->targets[n_safe] = rows[j];
            s->coefficients[n_safe++] = errors;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, step, s->node_rows, n_nodes, width);
}

/* Skip-gram: trains the windows of `n` centres from token `first` on. */
static void KZ_FN(hierarchy_windows)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha,
                                     kz_scratch *s, int measure, kz_sums *sums) {
    const int64_t width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    int64_t low, high;
    kz_context_range(t, first, n, &low, &high);
    for (int64_t r = low; r < high; r++) KZ_FN(copy)(s->row_copies + (r - low) * job->stride, s->input_rows[r], width);
    for (int64_t i = first; i < first + n; i++) KZ_FN(hierarchy_window)(job, t, i, low, alpha, s, measure, sums);
}

/* CBOW: trains the windows of `n` centres from token `first` on. */
static void KZ_FN(hierarchy_means)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha,
                                   kz_scratch *s, int measure, kz_sums *sums) {
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    float shares[KZ_GROUP], weights[KZ_GROUP];
    const KZ_FN(span) span = KZ_FN(window_means)(job, t, first, n, width, s, shares);
    for (int64_t i = 0; i < n; i++) {
        const int32_t word = t->ids[first + i], *path = job->paths + job->path_offsets[word];
        const int64_t n_nodes = job->path_offsets[word + 1] - job->path_offsets[word];
        const float *mean = s->means + i * stride;
        float *error = s->mean_errors + i * stride, *scores = s->node_errors;
        memset(error, 0, (size_t)width * sizeof(float));
        weights[i] = 0.0f;
        if (shares[i] == 0.0f || !n_nodes) continue;
        for (int64_t e = 0; e < n_nodes; e++) s->path_nodes[e] = kz_node(job, s, path[e] >> 1);
        KZ_FN(dots)(mean, (const float *const *)s->path_nodes, n_nodes, width, 0.0f, scores);
        kz_eight total = {0};
        for (int64_t e = 0; e < n_nodes; e += 8) {
            kz_eight z, label = {0}, use = {0};
            memcpy(&z, scores + e, sizeof z);
            for (int64_t j = 0; j < kz_min(8, n_nodes - e); j++) {
                label[j] = path[e + j] & 1 ? 0.0f : 1.0f;
                use[j] = 1.0f;
                if (measure) sums->loss += kz_softplus(label[j] > 0 ? -z[j] : z[j]);
            }
            z = KZ_FN(path_errors)(z, label, alpha, use);
            memcpy(scores + e, &z, sizeof z);
            total += KZ_FN(magnitude)(z);
        }
        weights[i] = KZ_FN(sum_of)(total);
        KZ_FN(combine)(error, (const float *const *)s->path_nodes, scores, 1, n_nodes, width);
        if (alpha <= KZ_SAFE) {
            KZ_FN(spread)(s->path_nodes, scores, n_nodes, mean, width);
        } else {
            for (int64_t e = 0; e < n_nodes; e++)
                KZ_FN(update)(s->path_nodes[e], &mean, scores + e, 1, 1, width, fabsf(scores[e]), s->update);
        }
        kz_call_ahead(job, s);
    }
    KZ_FN(receive_errors)(job, first, n, width, s, span, shares, weights);
}

#ifdef KZ_HALF
#include "skipgram_bf16.h"
#endif

/* Trains one group without the nodes: `n` centres at t->ids[first..]. */
static void KZ_FN(noise_group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                               int measure, kz_sums *sums) {
    int64_t n_pairs = 0;
    for (int64_t i = first; i < first + n; i++) {
        const int64_t contexts = t->left[i] + t->right[i];
        n_pairs += job->cbow ? contexts > 0 : contexts;
    }
    sums->pairs += n_pairs;
    if (measure) sums->measured += n_pairs;
    if (!job->n_noise) return;
    if (job->cbow) KZ_FN(cbow_group)(job, t, first, n, alpha, s, measure, sums);
#ifdef KZ_HALF
    else if (!job->softmax) kz_half_skipgram_group(job, t, first, n, alpha, s, measure, sums);
#endif
    else KZ_FN(skipgram_group)(job, t, first, n, alpha, s, measure, sums);
}

/* Trains one group. */
static void KZ_FN(group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                         int measure, kz_sums *sums) {
    KZ_FN(noise_group)(job, t, first, n, alpha, s, measure, sums);
    if (!job->nodes) return;
    if (job->cbow) KZ_FN(hierarchy_means)(job, t, first, n, alpha, s, measure, sums);
    else KZ_FN(hierarchy_windows)(job, t, first, n, alpha, s, measure, sums);
}
