/* Hierarchical softmax (Morin & Bengio 2005; Mikolov et al. 2013a): one window against the inner nodes on the path to its
 * centre. Included after cbow_lanes.h, once per instruction set. word2vec.h has the formulas.
 */

/* The errors of up to eight logits, 0 where `mask` is 0. */
KZ_INLINE kz_eight KZ_FN(path_errors)(kz_eight z, kz_eight label, float alpha, kz_eight mask) {
    return KZ_FN(within)(z, mask * (alpha * (label - KZ_FN(sigmoid)(z))));
}

KZ_INLINE kz_eight KZ_FN(magnitude)(kz_eight x) { return (kz_eight)((kz_eight_ints)x & 0x7FFFFFFF); }

/* Skip-gram: trains the window of centre i. */
static void KZ_FN(hierarchy_window)(const kz_job *job, const kz_stream *t, int64_t i, float alpha, kz_scratch *s,
                                    int measure, kz_sums *sums) {
    const int64_t stride = job->stride, width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES, step = s->widest;
    const int32_t *path = job->paths + job->path_offsets[t->ids[i]];
    const int64_t n_nodes = job->path_offsets[t->ids[i] + 1] - job->path_offsets[t->ids[i]];
    const int64_t own = t->left[i], m = own + t->right[i] + 1, n_eights = (m + 7) / 8;
    float **rows = s->input_rows + (i - own), *totals = s->true_totals, *mask = s->weights;
    int64_t n_safe = 0;
    if (m == 1 || !n_nodes) return;

    for (int64_t j = 0; j < n_eights * 8; j++) mask[j] = j < m && j != own ? 1.0f : 0.0f;
    memset(totals, 0, (size_t)(n_eights * 8) * sizeof(float));
    for (int64_t e = 0; e < n_nodes; e++) {
        float *copy = s->node_copies + e * stride, *node = kz_node(job, s, path[e] >> 1);
        KZ_FN(copy)(copy, node, width);
        s->node_rows[e] = copy;
        s->path_nodes[e] = node;
        KZ_FN(dots)(copy, (const float *const *)rows, m, width, 0.0f, s->node_errors + e * step);
    }
    for (int64_t e = 0; e < n_nodes; e++) {
        float *scores = s->node_errors + e * step;
        const float label = path[e] & 1 ? 0.0f : 1.0f;
        kz_eight total = {0};
        if (measure)
            for (int64_t j = 0; j < m; j++)
                if (j != own) sums->loss += kz_softplus(label ? -scores[j] : scores[j]);
        for (int64_t j = 0; j < n_eights * 8; j += 8) {
            kz_eight z, use, sum;
            memcpy(&z, scores + j, sizeof z);
            memcpy(&use, mask + j, sizeof use);
            memcpy(&sum, totals + j, sizeof sum);
            z = KZ_FN(path_errors)(z, label - (kz_eight){0}, alpha, use);
            memcpy(scores + j, &z, sizeof z);
            z = KZ_FN(magnitude)(z);
            sum += z;
            total += z;
            memcpy(totals + j, &sum, sizeof sum);
        }
        if (KZ_FN(sum_of)(total) > KZ_SAFE) {
            KZ_FN(combine_clipped)(s->path_nodes[e], (const float *const *)rows, scores, 1, m, width, s->update);
        } else {
            s->targets[n_safe] = s->path_nodes[e];
            s->coefficients[n_safe++] = scores;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, 1, (const float *const *)rows, m, width);

    n_safe = 0;
    for (int64_t j = 0; j < m; j++) {
        if (j == own) continue;
        if (totals[j] > KZ_SAFE) {
            KZ_FN(combine_clipped)(rows[j], s->node_rows, s->node_errors + j, step, n_nodes, width, s->update);
        } else {
            s->targets[n_safe] = rows[j];
            s->coefficients[n_safe++] = s->node_errors + j;
        }
    }
    KZ_FN(add_rows)(s->targets, n_safe, s->coefficients, step, s->node_rows, n_nodes, width);
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
    if (!job->nodes) return;
    if (job->cbow) KZ_FN(hierarchy_means)(job, t, first, n, alpha, s, measure, sums);
    else
        for (int64_t i = first; i < first + n; i++) {
            KZ_FN(hierarchy_window)(job, t, i, alpha, s, measure, sums);
            kz_call_ahead(job, s);
        }
}
