/* The buffers of a thread that trains word2vec: what each is for, and how large it is. Included by word2vec.h. */
#ifndef KERAZOO_BUFFERS_H
#define KERAZOO_BUFFERS_H

typedef struct {
    int64_t widest;       /* scores per centre, a multiple of 8 */
    /* Noise words of this group and of the next one; copies of their rows, the same transposed, pointers to the copies. */
    int32_t *noise, *next_noise;
    float **noise_outputs, **next_noise_outputs; /* their rows in the table, or this thread's copies */
    uint64_t *places; /* positions in the alias table for the group after the next one */
    float *noise_copies, *noise_columns, *noise_offsets, *noise_totals;
    const float **noise_rows;
    /* Rows, up to KZ_GROUP + 2 reach + 1, and their errors with the noise. */
    const float **rows;
    float **row_targets, *weights, *hit_weights, *errors, *totals, *true_totals, *long_updates;
    int32_t *counts;
    /* Centres. */
    float *centre_copies, *centre_offsets, *true_errors, *means, *mean_errors;
    /* CBOW: sums of the rows before each row, and differences of what the rows receive. */
    float *row_sums, *differences, *row_parts;
    const float **own_errors;
    int64_t *window_ends;
    /* The path to a word. */
    const float **node_rows;
    float **path_nodes;
    float *node_copies, *node_errors;
    /* The rows of a group before it: copies, or pairs of bfloat16; and what else hierarchy_bf16.h needs. */
    float *row_copies, *row_halves, *node_halves, *centre_pair;
    uint32_t *node_coefficients, *row_coefficients;
    /* Noise words and errors of hierarchy_bf16.h. */
    float *noise_pairs, *half_room, *centre_columns, *block_errors;
    uint32_t *half_errors, *noise_errors, *block_coefficients;
    const float **pairs;
    int32_t *repeats;
    /* For each token of the stream, its input vector (a row of the table, this thread's copy of it, or a composed word),
     * and its output vector. */
    float **input_rows, **output_rows;
    kz_held held_inputs, held_outputs, held_nodes;
    /* Composed words: those of this span and a hash table of them; vectors now and at first. */
    int32_t *words, *slots;
    float *composed, *initial;
    int64_t n_local, n_slots, n_groups;
    /* Arguments of add_rows, an update before it is clipped, and rows to prefetch for the next group. */
    float **targets;
    const float **coefficients, **calls;
    float *update;
    int64_t n_calls, next_call, calls_a_step;
    void *memory;
} kz_scratch;

/* Takes the buffers of a thread that trains with an instruction set. Returns 0, or -1 if out of memory. */
static int kz_make_scratch(kz_scratch *s, const kz_job *job, int set) {
    const int64_t reach = job->reach, K = job->n_noise, stride = job->stride, longest = job->longest_path;
    const int64_t window = 2 * reach + 1, rows = KZ_GROUP + window;
    /* Tokens in the buffer of the stream, and the most words that a span can have. */
    const int64_t room = KZ_CHUNK + 3 * (int64_t)job->source.window + KZ_SLACK;
    const int64_t most_words = job->parts ? kz_min((int64_t)job->n_words, job->span * (KZ_GROUP + 2 * reach)) : 0;
    memset(s, 0, sizeof *s);
    s->n_slots = 1;
    while (s->n_slots < 2 * most_words) s->n_slots *= 2;
    const int64_t n_nodes = job->nodes ? (int64_t)job->n_words - 1 : 0, held = job->held;
    s->held_inputs.n = job->parts ? 0 : kz_min(held, (int64_t)job->n_words);
    s->held_outputs.n = K ? kz_min(held, (int64_t)job->n_words) : 0;
    s->held_nodes.n = kz_min(held, n_nodes);
    s->held_nodes.first = n_nodes - s->held_nodes.n; /* a Huffman tree has its root last */
    s->widest = (window + 7) / 8 * 8;
    const int paths = job->nodes && !job->cbow; /* skip-gram with hierarchical softmax */
    const int64_t half = set == KZ_AVX512_BF16 && (K || paths), half_K = half ? K : 0, half_paths = half && paths;
    const int64_t half_skipgram = half && !job->cbow;
    const int64_t most = kz_max(rows, kz_max(K, longest)), n_calls = K + KZ_GROUP * (2 + longest);
    const struct { void *place; int64_t n, size; } parts[] = {
        {&s->noise, K, sizeof(int32_t)},
        {&s->next_noise, K, sizeof(int32_t)},
        {&s->noise_outputs, K, sizeof(float *)},
        {&s->next_noise_outputs, K, sizeof(float *)},
        {&s->places, K, sizeof(uint64_t)},
        {&s->noise_copies, job->cbow ? 0 : K * stride, sizeof(float)},
        {&s->noise_columns, K * stride, sizeof(float)},
        {&s->noise_offsets, K, sizeof(float)},
        {&s->noise_totals, K, sizeof(float)},
        {&s->noise_rows, K, sizeof(float *)},
        {&s->rows, rows, sizeof(float *)},
        {&s->row_targets, rows, sizeof(float *)},
        {&s->long_updates, job->cbow || !K ? 0 : rows * stride, sizeof(float)},
        {&s->weights, rows + 8, sizeof(float)},
        {&s->hit_weights, rows * K, sizeof(float)},
        {&s->errors, rows * K, sizeof(float)},
        {&s->totals, rows + 8, sizeof(float)},
        {&s->true_totals, rows + 8, sizeof(float)},
        {&s->counts, rows + 1, sizeof(int32_t)},
        {&s->centre_copies, job->cbow ? 0 : KZ_GROUP * stride, sizeof(float)},
        {&s->centre_offsets, KZ_GROUP, sizeof(float)},
        {&s->true_errors, KZ_GROUP * window + 32, sizeof(float)},
        {&s->means, job->cbow ? KZ_GROUP * stride : 0, sizeof(float)},
        {&s->mean_errors, job->cbow ? KZ_GROUP * stride : 0, sizeof(float)},
        {&s->row_sums, job->cbow ? (rows + 1) * stride : 0, sizeof(float)},
        {&s->differences, job->cbow ? (rows + 1) * stride : 0, sizeof(float)},
        {&s->row_parts, job->cbow ? rows : 0, sizeof(float)},
        {&s->own_errors, job->cbow ? rows : 0, sizeof(float *)},
        {&s->window_ends, job->cbow ? 2 * KZ_GROUP : 0, sizeof(int64_t)},
        {&s->input_rows, room, sizeof(float *)},
        {&s->output_rows, room, sizeof(float *)},
        {&s->node_rows, kz_max(longest, window), sizeof(float *)},
        {&s->path_nodes, longest, sizeof(float *)},
        {&s->node_copies, longest * stride, sizeof(float)},
        {&s->node_errors, (longest + 1) * s->widest + 8, sizeof(float)},
        {&s->row_copies, half || paths ? rows * stride : 0, sizeof(float)},
        {&s->row_halves, half ? (rows + 1) * stride : 0, sizeof(float)},
        {&s->half_room, half * 16 * stride, sizeof(float)},
        {&s->noise_pairs, half_K / 2 * stride, sizeof(float)},
        {&s->half_errors, half * (rows + 1) * (K / 2 + 16), sizeof(uint32_t)},
        {&s->noise_errors, (rows + 1) / 2 * half_K, sizeof(uint32_t)},
        {&s->centre_columns, half_skipgram * 16 * stride, sizeof(float)},
        {&s->block_errors, half_skipgram * 2 * (16 + window + 1) * 16, sizeof(float)},
        {&s->block_coefficients, half_skipgram * (16 + window + 1) * 16, sizeof(uint32_t)},
        {&s->pairs, half * kz_max(rows, K + 16), sizeof(float *)},
        {&s->node_halves, half_paths * 2 * stride, sizeof(float)},
        {&s->centre_pair, half_paths * stride, sizeof(float)},
        {&s->node_coefficients, half_paths * (longest + 1) * s->widest, sizeof(uint32_t)},
        {&s->row_coefficients, half_paths * (longest + 1) * s->widest, sizeof(uint32_t)},
        {&s->repeats, half_paths * rows, sizeof(int32_t)},
        {&s->words, most_words, sizeof(int32_t)},
        {&s->slots, s->n_slots, sizeof(int32_t)},
        {&s->composed, most_words * stride, sizeof(float)},
        {&s->initial, most_words * stride, sizeof(float)},
#define KZ_HELD(h, with_biases) \
        {&s->h.own, s->h.n * stride, sizeof(float)}, \
        {&s->h.base, s->h.n * stride, sizeof(float)}, \
        {&s->h.own_biases, with_biases ? s->h.n : 0, sizeof(float)}, \
        {&s->h.base_biases, with_biases ? s->h.n : 0, sizeof(float)},
        KZ_HELD(held_inputs, 0)
        KZ_HELD(held_outputs, job->biases)
        KZ_HELD(held_nodes, 0)
#undef KZ_HELD
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
    kz_take_held(&s->held_inputs, job->inputs, NULL, stride);
    kz_take_held(&s->held_outputs, job->outputs, job->biases, stride);
    kz_take_held(&s->held_nodes, job->nodes, NULL, stride);
    return 0;
}

#endif
