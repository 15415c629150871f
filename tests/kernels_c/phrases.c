/* phrases.h against loops over all pairs; and pairs that several threads count and join, as kerazoo.text.phrases does.
 *
 *     phrases check|threads
 */
#include "check.h"
#include "phrases.h"

enum { THREADS = 3, WORDS = 30, DOCUMENTS = 40 };

typedef struct {
    int32_t *ids;
    int64_t offsets[DOCUMENTS + 1], n;
    uint8_t connector[WORDS];
} corpus;

static corpus random_corpus(int64_t longest) {
    corpus c = {.n = 0};
    c.ids = zeros(DOCUMENTS * longest, sizeof *c.ids);
    for (int d = 0; d < DOCUMENTS; d++) {
        const int64_t length = random_below(5) ? random_below(longest) : random_below(3);
        for (int64_t i = 0; i < length; i++)
            c.ids[c.n++] = (int32_t)(random_below(2) ? random_below(WORDS) : random_below(4));
        c.offsets[d + 1] = c.n;
    }
    for (int w = 0; w < WORDS; w++) c.connector[w] = w % 7 == 3;
    return c;
}

static kz_text part_of(const corpus *c, int64_t begin, int64_t end) {
    return (kz_text){c->ids, c->offsets, DOCUMENTS, c->connector, begin, end};
}

/* All pairs of the corpus: first word, last word, the connectors between. */
typedef struct {
    int64_t first, last;
} pair;

static pair *all_pairs(const corpus *c, int64_t *n) {
    pair *pairs = zeros(c->n, sizeof *pairs);
    *n = 0;
    for (int d = 0; d < DOCUMENTS; d++)
        for (int64_t p = c->offsets[d], before = -1; p < c->offsets[d + 1]; p++) {
            if (c->connector[c->ids[p]]) continue;
            if (before >= 0) pairs[(*n)++] = (pair){before, p};
            before = p;
        }
    return pairs;
}

static int same(const corpus *c, pair a, pair b) {
    return a.last - a.first == b.last - b.first &&
           !memcmp(c->ids + a.first, c->ids + b.first, (size_t)(a.last - a.first + 1) * sizeof *c->ids);
}

typedef struct {
    kz_pair_table table, *phrases;
    kz_runs *runs;
    const corpus *c;
    int shard, failed;
    int64_t begin, end, joined, *ends;
    int32_t *matches;
} worker;

static void *count(void *argument) {
    worker *w = argument;
    for (int64_t begin = 0; begin < w->c->n; begin += 100) {
        const kz_text part = part_of(w->c, begin, begin + 100 < w->c->n ? begin + 100 : w->c->n);
        w->failed |= kz_count_pairs(&w->table, w->runs, &part, (uint32_t)w->shard, THREADS, 1 << 20);
    }
    return NULL;
}

static void *match(void *argument) {
    worker *w = argument;
    const kz_text part = part_of(w->c, w->begin, w->end);
    kz_match_pairs(w->phrases, w->runs, &part, w->matches);
    return NULL;
}

static void *join(void *argument) {
    worker *w = argument;
    const kz_text part = part_of(w->c, w->begin, w->end);
    w->joined = kz_join_pairs(&part, w->matches, w->ends);
    return NULL;
}

/* Calls `step` for all workers, in threads or one after another. */
static void each(worker *workers, void *(*step)(void *), int threads) {
    if (threads) in_threads(THREADS, step, workers, sizeof *workers);
    for (int i = 0; i < THREADS && !threads; i++) step(workers + i);
}

/* Pairs that occur at least five times are phrases; the corpus with phrases, as `kz_join_pairs` documents it. */
static int32_t *joined_corpus(const corpus *c, const int32_t *matches, int64_t *n) {
    int32_t *out = zeros(c->n, sizeof *out);
    *n = 0;
    for (int d = 0; d < DOCUMENTS; d++)
        for (int64_t p = c->offsets[d]; p < c->offsets[d + 1];) {
            int64_t next = p + 1;
            while (next < c->offsets[d + 1] && c->connector[c->ids[next]]) next++;
            if (!c->connector[c->ids[p]] && next < c->offsets[d + 1] && matches[next] >= 0) {
                out[(*n)++] = matches[next];
                p = next + 1;
            } else {
                out[(*n)++] = c->ids[p++];
            }
        }
    return out;
}

static void run(int64_t longest, int threads) {
    corpus c = random_corpus(longest);
    kz_runs runs;
    kz_pair_table phrases;
    worker workers[THREADS];
    int64_t n, total = 0, distinct = 0, n_expected;
    pair *pairs = all_pairs(&c, &n);
    int32_t *expected = zeros(c.n, sizeof *expected), *matches = zeros(c.n, sizeof *matches);
    int64_t ends[DOCUMENTS] = {0};
    memset(expected, 0xff, (size_t)c.n * sizeof *expected);
    CHECK(!kz_runs_init(&runs) && !kz_pairs_init(&phrases), "no memory");
    const kz_text all = part_of(&c, 0, c.n);
    CHECK(!kz_collect_runs(&runs, &all), "no memory");
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.c = &c, .runs = &runs, .phrases = &phrases, .shard = i, .matches = matches, .ends = ends};
        CHECK(!kz_pairs_init(&workers[i].table), "no memory");
    }
    each(workers, count, threads);
    for (int i = 0; i < THREADS; i++) {
        CHECK(!workers[i].failed, "no memory");
        distinct += (int64_t)workers[i].table.n;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t first = 0, tally = 0, found = 0;
        while (!same(&c, pairs[first], pairs[i])) first++;
        if (first < i) continue;
        for (int64_t j = i; j < n; j++) tally += same(&c, pairs[j], pairs[i]);
        total++;
        const int32_t run = kz_runs_find(&runs, c.ids + pairs[i].first + 1, pairs[i].last - pairs[i].first - 1);
        const uint64_t key = (uint64_t)c.ids[pairs[i].first] << 32 | (uint64_t)c.ids[pairs[i].last];
        CHECK(run >= 0, "an unknown run");
        for (int k = 0; k < THREADS; k++) {
            const kz_pair_slot *slot = kz_pairs_find(&workers[k].table, kz_pair_hash(key, run), key, run);
            if (!slot) continue;
            CHECK(slot->count == tally && slot->value == pairs[i].first, "count of pair %d", (int)i);
            found++;
        }
        CHECK(found == 1, "a pair is in %d shards", (int)found);
        if (tally < 5) continue;
        CHECK(!kz_pairs_reserve(&phrases, 1), "no memory");
        kz_pairs_add(&phrases, kz_pair_hash(key, run), key, run, tally, WORDS + i);
        for (int64_t j = i; j < n; j++)
            if (same(&c, pairs[j], pairs[i])) expected[pairs[j].last] = (int32_t)(WORDS + i);
    }
    CHECK(total == distinct, "%d pairs, %d in the tables", (int)total, (int)distinct);
    /* Each thread has the documents of a third. */
    for (int i = 0; i < THREADS; i++) {
        workers[i].begin = c.offsets[DOCUMENTS * i / THREADS];
        workers[i].end = c.offsets[DOCUMENTS * (i + 1) / THREADS];
    }
    each(workers, match, threads);
    CHECK(!memcmp(matches, expected, (size_t)c.n * sizeof *matches), "matches differ");
    int32_t *joined = joined_corpus(&c, expected, &n_expected);
    each(workers, join, threads);
    int64_t place = 0;
    for (int i = 0; i < THREADS; i++) {
        CHECK(!memcmp(matches + workers[i].begin, joined + place, (size_t)workers[i].joined * sizeof *joined), "part %d", i);
        place += workers[i].joined;
    }
    CHECK(place == n_expected, "%d ids, expected %d", (int)place, (int)n_expected);
    for (int i = 0; i < THREADS; i++) kz_pairs_free(&workers[i].table);
    kz_runs_free(&runs), kz_pairs_free(&phrases), free(pairs), free(expected), free(matches), free(joined);
    free(c.ids);
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "threads")), "phrases check|threads");
    const int threads = !strcmp(argv[1], "threads");
    for (int i = 0; i < 5; i++) run(20 + 20 * i, threads);
    if (threads) printf("phrases: %d threads, equal\n", THREADS);
    else printf("phrases: equal\n");
    return 0;
}
