/* CBOW: the means (or sums) of the contexts of a group of neighbouring windows, against shared noise words. Included
 * after noise_lanes.h, once per instruction set. word2vec.h has the formulas.
 */

/* Writes the mean (or sum) of the contexts of centre i; returns the fraction of its error for each, 0 without contexts. */
KZ_INLINE float KZ_FN(window_mean)(const kz_job *job, const kz_stream *t, int64_t i, int64_t width, kz_scratch *s,
                                   float *out) {
    const int64_t left = t->left[i], m = left + t->right[i] + 1;
    float n_parts = (float)(m - 1); /* of all contexts */
    if (job->parts) {
        n_parts = 0.0f;
        for (int64_t j = 0; j < m; j++)
            if (j != left) n_parts += kz_n_parts(job, t->ids[i - left + j]);
    }
    const float share = m > 1 ? 1.0f / n_parts : 0.0f, weight = job->mean ? share : 1.0f;
    for (int64_t j = 0; j < m; j++) {
        s->window_rows[j] = s->inputs + s->input_ids[i - left + j] * job->stride;
        s->window_shares[j] = job->parts ? weight * kz_n_parts(job, t->ids[i - left + j]) : weight;
    }
    s->window_shares[left] = 0.0f; /* the centre itself */
    memset(out, 0, (size_t)width * sizeof(float));
    KZ_FN(combine)(out, s->window_rows, s->window_shares, 1, m, width);
    return m == 1 ? 0.0f : job->mean ? 1.0f : share;
}

static void KZ_FN(cbow_group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha, kz_scratch *s,
                              int measure, kz_sums *sums) {
    const int64_t stride = job->stride, K = job->n_noise, most = s->most_entries;
    const int64_t width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const int32_t *centres = t->ids + first;
    const float *copies[KZ_GROUP];
    int64_t low = first, high = first;
    float shares[KZ_GROUP], scores[KZ_GROUP + 8];
    int hits = 0;

    KZ_FN(take_noise)(job, s, width);
    for (int64_t i = 0; i < n; i++) {
        const int64_t place = first + i;
        low = kz_min(low, place - t->left[place]);
        high = kz_max(high, place + t->right[place]);
        copies[i] = s->centre_copies + i * stride;
        KZ_FN(copy)(s->centre_copies + i * stride, job->outputs + centres[i] * stride, width);
        s->centre_offsets[i] = kz_offset(job, centres[i]);
        shares[i] = KZ_FN(window_mean)(job, t, place, width, s, s->means + i * stride);
        s->rows[i] = s->means + i * stride;
        s->weights[i] = shares[i] > 0 ? job->noise_weight : 0.0f;
        if (job->remove_hits)
            for (int64_t k = 0; k < K; k++) {
                const int hit = s->noise[k] == centres[i];
                s->hit_weights[i * K + k] = hit ? 0.0f : s->weights[i];
                hits |= hit;
            }
        kz_call_ahead(job, s);
    }
    const int64_t n_rows = high - low + 1;
    if (job->softmax) hits = KZ_FN(softmax_noise)(job, s, n, centres, n);
    else KZ_FN(noise_errors)(job, s, n, alpha, hits, measure, sums);
    for (int64_t i = 0; i < n; i += 8) {
        kz_eight z, offset;
        KZ_FN(dots_paired)(s->rows + i, copies + i, kz_min(8, n - i), width, scores + i);
        memcpy(&z, scores + i, sizeof z);
        memcpy(&offset, s->centre_offsets + i, sizeof offset);
        z += offset;
        if (job->softmax) {
            memcpy(scores + i, &z, sizeof z);
            for (int64_t j = i; j < kz_min(i + 8, n); j++)
                if (shares[j] > 0)
                    KZ_FN(softmax_window)(job, s, j, 1, -1, centres[j], hits, alpha, scores + j, measure, sums);
            continue;
        }
        if (measure)
            for (int64_t j = i; j < kz_min(i + 8, n); j++)
                if (shares[j] > 0) sums->loss += kz_softplus(-z[j - i]);
        z = KZ_FN(within)(z, alpha * (1.0f - KZ_FN(sigmoid)(z)));
        memcpy(scores + i, &z, sizeof z);
    }

    if (job->softmax) KZ_FN(softmax_errors)(job, s, n, alpha, hits);
    KZ_FN(update_noise)(job, s, n, width);
    memset(s->counts, 0, (size_t)n_rows * sizeof *s->counts);
    memset(s->true_totals, 0, (size_t)n_rows * sizeof(float));
    for (int64_t i = 0; i < n; i++) {
        const int64_t place = first + i;
        const float score = shares[i] > 0 ? scores[i] : 0.0f;
        float *row = job->outputs + centres[i] * stride, *error = s->mean_errors + i * stride;
        KZ_FN(update)(row, s->rows + i, &score, 1, 1, width, score, s->update);
        if (job->biases) job->biases[centres[i]] += score;
        for (int64_t d = 0; d < width; d += KZ_LANES) KZ_STORE(error + d, KZ_ALL(score) * KZ_LOAD(copies[i] + d));
        s->targets[i] = error;
        s->coefficients[i] = s->errors + i * K;
        for (int64_t j = place - t->left[place]; j <= place + t->right[place]; j++) {
            const int64_t r = j - low, e = r * most + s->counts[r];
            s->entries[e] = shares[i];
            s->sources[e] = error;
            s->counts[r] += j != place;
            if (j != place) s->true_totals[r] += shares[i] * (score + s->totals[i]);
        }
        kz_call_ahead(job, s);
    }
    KZ_FN(add_rows)(s->targets, n, s->coefficients, 1, s->noise_rows, K, width);
    for (int64_t r = 0; r < n_rows; r++) {
        if (!s->counts[r]) continue;
        KZ_FN(update)(s->inputs + s->input_ids[low + r] * stride, s->sources + r * most, s->entries + r * most, 1, s->counts[r],
                      width, s->true_totals[r], s->update);
        kz_call_ahead(job, s);
    }
}
