/* Hierarchical softmax (Morin & Bengio 2005; Mikolov et al. 2013a): one window against the inner nodes on the path to its
 * centre. Included after cbow_lanes.h, once per instruction set. word2vec.h has the formulas.
 */

/* Trains the window of centre i. */
static void KZ_FN(hierarchy_window)(const kz_job *job, const kz_stream *t, int64_t i, float alpha, kz_scratch *s,
                                    int measure, kz_sums *sums) {
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const int32_t *path = job->paths + job->path_offsets[t->ids[i]];
    const int64_t n_nodes = job->path_offsets[t->ids[i] + 1] - job->path_offsets[t->ids[i]];
    const int64_t own = job->cbow ? -1 : t->left[i], first = i - t->left[i];
    const int64_t m = job->cbow ? 1 : t->left[i] + t->right[i] + 1;
    const int64_t n_contexts = t->left[i] + t->right[i];
    float share = 1.0f, *totals = s->true_totals;
    int64_t n_safe = 0;
    if (!n_contexts || !n_nodes) return;

    if (job->cbow) {
        share = KZ_FN(window_mean)(job, t, i, width, s, s->means);
        s->rows[0] = s->means;
    } else {
        for (int64_t j = 0; j < m; j++) s->rows[j] = s->inputs + s->input_ids[first + j] * stride;
    }
    memset(totals, 0, (size_t)m * sizeof(float));
    for (int64_t e = 0; e < n_nodes; e++) {
        float *copy = s->node_copies + e * stride, *scores = s->node_errors + e * s->widest;
        KZ_FN(copy)(copy, job->nodes + (path[e] >> 1) * stride, width);
        s->node_rows[e] = copy;
        KZ_FN(dots)(copy, s->rows, m, width, 0.0f, scores);
    }
    for (int64_t e = 0; e < n_nodes; e++) {
        float *scores = s->node_errors + e * s->widest, total = 0.0f;
        const float label = path[e] & 1 ? 0.0f : 1.0f;
        if (measure)
            for (int64_t j = 0; j < m; j++)
                if (j != own) sums->loss += kz_softplus(label ? -scores[j] : scores[j]);
        for (int64_t j = 0; j < m; j += 8) {
            kz_eight z;
            memcpy(&z, scores + j, sizeof z);
            z = KZ_FN(within)(z, alpha * (label - KZ_FN(sigmoid)(z)));
            memcpy(scores + j, &z, sizeof z);
        }
        if (own >= 0) scores[own] = 0.0f;
        for (int64_t j = 0; j < m; j++) {
            totals[j] += fabsf(scores[j]);
            total += fabsf(scores[j]);
        }
        float *node = job->nodes + (path[e] >> 1) * stride;
        if (total > KZ_SAFE) {
            KZ_FN(combine_clipped)(node, s->rows, scores, 1, m, width, s->update);
        } else {
            s->targets[n_safe] = node;
            s->coefficients[n_safe++] = scores;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, 1, s->rows, m, width);

    if (job->cbow) {
        float *error = s->mean_errors;
        memset(error, 0, (size_t)width * sizeof(float));
        KZ_FN(combine)(error, s->node_rows, s->node_errors, s->widest, n_nodes, width);
        const float *source = error;
        for (int64_t j = 0; j <= n_contexts; j++)
            if (j != t->left[i])
                KZ_FN(update)(s->inputs + s->input_ids[first + j] * stride, &source, &share, 1, 1, width, share * totals[0],
                              s->update);
        return;
    }
    n_safe = 0;
    for (int64_t j = 0; j < m; j++) {
        float *row = s->inputs + s->input_ids[first + j] * stride;
        if (j == own) continue;
        if (totals[j] > KZ_SAFE) {
            KZ_FN(combine_clipped)(row, s->node_rows, s->node_errors + j, s->widest, n_nodes, width, s->update);
        } else {
            s->targets[n_safe] = row;
            s->coefficients[n_safe++] = s->node_errors + j;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, s->widest, s->node_rows, n_nodes, width);
}

/* Trains one group: `n` centres at t->ids[first..]. */
static void KZ_FN(group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                         int measure, kz_sums *sums) {
    int64_t n_pairs = 0;
    for (int64_t i = first; i < first + n; i++) {
        const int64_t contexts = t->left[i] + t->right[i];
        n_pairs += job->cbow ? contexts > 0 : contexts;
    }
    sums->pairs += n_pairs;
    if (measure) sums->measured += n_pairs;
    if (job->n_noise) {
        if (job->cbow) KZ_FN(cbow_group)(job, t, first, n, alpha, s, measure, sums);
        else KZ_FN(skipgram_group)(job, t, first, n, alpha, s, measure, sums);
    }
    if (job->nodes)
        for (int64_t i = first; i < first + n; i++) {
            KZ_FN(hierarchy_window)(job, t, i, alpha, s, measure, sums);
            kz_call_ahead(job, s);
        }
}
