/* Skip-gram: a group of neighbouring windows against shared noise words. Included after noise_lanes.h, once per
 * instruction set. word2vec.h has the formulas.
 */

/* Updates the tables of the job for `n` centres at t->ids[first..] and the noise words in s->noise. */
static void KZ_FN(skipgram_group)(const kz_job *job, const kz_stream *t, int64_t first, int64_t n, float alpha,
                                  kz_scratch *s, int measure, kz_sums *sums) {
    const int64_t stride = job->stride, K = job->n_noise;
    const int64_t width = (job->size + KZ_LANES - 1) / KZ_LANES * KZ_LANES;
    const int32_t *left = t->left + first, *right = t->right + first;
    int64_t low = first, high = first; /* first and last token that is an input of a pair */
    int64_t places[KZ_GROUP + 1];      /* first score of each centre: one per row from its first context to its last */
    for (int64_t i = 0; i < n; i++) {
        low = kz_min(low, first + i - left[i]);
        high = kz_max(high, first + i + right[i]);
    }
    const int64_t n_rows = high - low + 1;
    const int32_t *centres = t->ids + first;
    float **outputs = s->output_rows + first;
    float *scores = s->true_errors;

    for (int64_t r = 0; r < n_rows; r++) s->rows[r] = s->row_targets[r] = s->input_rows[low + r];
    memset(s->counts, 0, (size_t)(n_rows + 1) * sizeof *s->counts);
    KZ_FN(take_noise)(job, s, width, 1);
    KZ_FN(round_rows)(job, s, n_rows);
    places[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = first + i - left[i] - low, m = left[i] + right[i] + 1;
        float *copy = s->centre_copies + i * stride;
        KZ_FN(copy)(copy, outputs[i], width);
        /* `dots` may write seven scores too many; there is room, and the next centre overwrites them. */
        KZ_FN(dots)(copy, s->rows + a, m, width, kz_offset(job, s, centres[i]), scores + places[i]);
        places[i + 1] = places[i] + m;
        s->counts[a]++;
        s->counts[a + m]--;
        kz_call_ahead(job, s);
    }
    for (int64_t r = 0, windows = 0; r < n_rows; r++) { /* pairs of row r: windows that contain it, except its own */
        windows += s->counts[r];
        s->counts[r] = (int32_t)(windows - (r >= first - low && r < first - low + n));
        s->weights[r] = job->noise_weight * (float)s->counts[r];
    }
    if (job->softmax) {
        const int hits = KZ_FN(softmax_noise)(job, s, n_rows, centres, n);
        for (int64_t i = 0; i < n; i++)
            KZ_FN(softmax_window)(job, s, first + i - left[i] - low, places[i + 1] - places[i], left[i], centres[i], hits,
                                  alpha, scores + places[i], measure, sums);
        KZ_FN(softmax_errors)(job, s, n_rows, alpha, hits);
    } else {
        const int hits = job->remove_hits && kz_note_hits(job, s, centres, left, right, first - low, n, n_rows);
        KZ_FN(noise_errors)(job, s, n_rows, alpha, hits, measure, sums);
        if (measure)
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j < places[i + 1] - places[i]; j++)
                    if (j != left[i]) sums->loss += kz_softplus(-scores[places[i] + j]);
        for (int64_t p = 0; p < places[n]; p += KZ_LANES) {
            const KZ_VEC z = KZ_LOAD(scores + p);
            KZ_STORE(scores + p, KZ_FN(all_within)(z, alpha * (1.0f - KZ_FN(sigmoids)(z))));
        }
    }
    KZ_FN(update_noise)(job, s, n_rows, width);

    /* True words: the updates of their output rows. */
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = first + i - left[i] - low, m = places[i + 1] - places[i];
        float total = 0.0f;
        scores[places[i] + left[i]] = 0.0f; /* the centre itself */
        for (int64_t j = 0; j < m; j++) total += scores[places[i] + j];
        KZ_FN(update)(outputs[i], s->rows + a, scores + places[i], 1, m, width, total, s->update);
        kz_add_bias(job, s, centres[i], total);
        kz_call_ahead(job, s);
    }

    /* Updates of rows; long ones are accumulated separately, because they must be clipped. */
    int64_t n_targets = 0, n_long = 0;
    for (int64_t r = 0; r < n_rows; r++) {
        float *row = s->row_targets[r], total = s->totals[r];
        if (total + alpha * (float)s->counts[r] > KZ_SAFE) { /* upper bound, as no error exceeds alpha; now exactly: */
            for (int64_t i = 0; i < n; i++) {
                const int64_t j = r - (first + i - left[i] - low);
                if (j >= 0 && j < places[i + 1] - places[i]) total += scores[places[i] + j];
            }
            if (total > KZ_SAFE) {
                row = s->long_updates + r * stride;
                memset(row, 0, (size_t)width * sizeof *row);
                n_long++;
            }
        }
        s->row_targets[r] = row;
        if (!s->counts[r]) continue;
        s->targets[n_targets] = row;
        s->coefficients[n_targets++] = s->errors + r * K;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t a = first + i - left[i] - low;
        const float *copy = s->centre_copies + i * stride, *own = scores + places[i];
        KZ_FN(spread)(s->row_targets + a, own, left[i], copy, width);
        KZ_FN(spread)(s->row_targets + a + left[i] + 1, own + left[i] + 1, right[i], copy, width);
        kz_call_ahead(job, s);
    }
    KZ_FN(add_noise)(job, s, n_targets, width);
    if (n_long)
        for (int64_t r = 0; r < n_rows; r++)
            if (s->row_targets[r] != s->rows[r])
                KZ_FN(add_clipped)(s->input_rows[low + r], s->row_targets[r], width);
}
