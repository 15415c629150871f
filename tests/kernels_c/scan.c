/* scan.h against a loop over bytes; and a text that several threads scan, each with a table of its own.
 *
 *     scan check|threads
 */
#include "check.h"
#include "scan.h"

enum { LONGEST = 40, MOST = 6000, THREADS = 3 };

typedef struct {
    uint8_t *bytes;
    size_t size;
} text;

/* Words of all lengths around 8 and 16 bytes, with letters of one to four bytes, and all kinds of white space. */
static text random_text(int64_t n_words) {
    static const char *const letters[] = {"a", "b", "7", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc2\xab"};
    static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "\x1c", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x89", "  "};
    text t = {zeros(n_words * (LONGEST * 4 + 4) + KZ_PADDING, 1), 0};
    for (int64_t i = 0; i < n_words; i++) {
        const int64_t length = random_below(4) ? 1 + random_below(3) : 1 + random_below(LONGEST / 4);
        for (int64_t j = 0; j < length; j++) {
            const char *letter = letters[random_below(random_below(3) ? 3 : 7)];
            memcpy(t.bytes + t.size, letter, strlen(letter));
            t.size += strlen(letter);
        }
        const char *space = spaces[random_below(9)];
        memcpy(t.bytes + t.size, space, strlen(space));
        t.size += strlen(space);
    }
    return t;
}

/* Length of the white space at p, or 0; of the character there in *length. */
static int is_space(const uint8_t *p, int *length) {
    *length = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (*length == 1) return (p[0] >= 9 && p[0] <= 13) || (p[0] >= 0x1c && p[0] <= 0x20);
    if (*length == 2) return p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0);
    if (*length == 3) {
        const int point = (p[0] & 15) << 12 | (p[1] & 63) << 6 | (p[2] & 63);
        return point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 ||
               point == 0x202f || point == 0x205f || point == 0x3000;
    }
    return 0;
}

/* Words in order of first occurrence, and the ids of the text. */
typedef struct {
    const uint8_t *words[MOST];
    size_t lengths[MOST];
    int64_t counts[MOST], n_ids, n_lines;
    int32_t n, *ids, *line_ends;
} expected;

static expected *expect(const text *t) {
    expected *e = zeros(1, sizeof *e);
    e->ids = zeros((int64_t)t->size, sizeof(int32_t)), e->line_ends = zeros((int64_t)t->size, sizeof(int32_t));
    for (size_t p = 0; p < t->size;) {
        size_t start = p;
        int length, id = 0;
        while (p < t->size && !is_space(t->bytes + p, &length)) p += (size_t)length;
        if (p > start) {
            while (id < e->n && (e->lengths[id] != p - start || memcmp(e->words[id], t->bytes + start, p - start))) id++;
            CHECK(id < MOST, "too many words");
            e->words[id] = t->bytes + start, e->lengths[id] = p - start, e->counts[id]++;
            e->n += id == e->n;
            e->ids[e->n_ids++] = id;
        }
        if (p < t->size) {
            is_space(t->bytes + p, &length);
            if (t->bytes[p] == '\n') e->line_ends[e->n_lines++] = (int32_t)e->n_ids;
            p += (size_t)length;
        }
    }
    return e;
}

static void free_expected(expected *e) { free(e->ids), free(e->line_ends), free(e); }

/* Scans a text; its ids and line ends must be these. */
static void scan(kz_scanner *scanner, const text *t, const expected *e) {
    int64_t n_words = 0, n_lines = 0;
    CHECK(!kz_reserve_blocks(scanner, t->size), "no memory");
    const int64_t bad = kz_classify(scanner, t->bytes, t->size, &n_words, &n_lines);
    CHECK(bad < 0, "not UTF-8 at %d", (int)bad);
    CHECK(n_words == e->n_ids && n_lines == e->n_lines, "%d words, %d lines", (int)n_words, (int)n_lines);
    int32_t *ids = zeros(n_words, sizeof *ids), *line_ends = zeros(n_lines, sizeof *line_ends);
    const int set = (int)(t->size % (size_t)(kz_scan_widest() + 1)); /* every instruction set gets some texts */
    CHECK(!kz_encode(scanner, set, t->bytes, t->size, ids, line_ends), "no memory");
    CHECK(!memcmp(ids, e->ids, (size_t)n_words * sizeof *ids), "ids differ");
    CHECK(!memcmp(line_ends, e->line_ends, (size_t)n_lines * sizeof *line_ends), "line ends differ");
    free(ids), free(line_ends);
}

/* Counts, ranks, export and compaction of a scanner that has seen the text `times` times. */
static void check_results(const kz_scanner *scanner, const text *t, const expected *e, int times) {
    int64_t *counts = zeros(e->n, sizeof *counts), words[4], bytes[4];
    kz_entry *entries;
    CHECK(scanner->n_words == e->n, "%d words", (int)scanner->n_words);
    kz_tally(scanner, counts);
    for (int32_t i = 0; i < e->n; i++) CHECK(counts[i] == times * e->counts[i], "count of word %d", i);
    const int64_t n = kz_rank(scanner, 1, &entries);
    CHECK(n == e->n, "%d ranked", (int)n);
    for (int64_t i = 0; i < n; i++) {
        const int32_t id = entries[i].id;
        CHECK(entries[i].count == counts[id] && entries[i].length == e->lengths[id], "rank %d", (int)i);
        CHECK(!memcmp(entries[i].bytes, e->words[id], e->lengths[id]), "word of rank %d", (int)i);
        if (i) CHECK(kz_compare(entries + i - 1, entries + i) < 0, "order of rank %d", (int)i);
    }
    const int64_t size = kz_text_size(scanner);
    uint8_t *exported = zeros(size, 1);
    int32_t *order = zeros(e->n, sizeof *order);
    CHECK(!kz_export(scanner, 3, exported, order, words, bytes), "no memory");
    const uint8_t *at = exported;
    for (int32_t k = 0; k < e->n; k++) {
        CHECK(!memcmp(at, e->words[order[k]], e->lengths[order[k]]) && at[e->lengths[order[k]]] == '\n', "word %d", k);
        at += e->lengths[order[k]] + 1;
    }
    CHECK(at == exported + size && words[3] == e->n && bytes[3] == size, "%d bytes", (int)size);
    /* Words that occur once are dropped. */
    int32_t *ids = zeros(e->n_ids, sizeof *ids), *ends = zeros(e->n_lines, sizeof *ends), *mapping = zeros(e->n, sizeof *ids);
    memcpy(ids, e->ids, (size_t)e->n_ids * sizeof *ids), memcpy(ends, e->line_ends, (size_t)e->n_lines * sizeof *ends);
    for (int32_t i = 0, next = 0; i < e->n; i++) mapping[i] = e->counts[i] > 1 ? next++ : -1;
    const int64_t kept = kz_compact(ids, e->n_ids, mapping, ends, e->n_lines);
    int64_t place = 0, line = 0;
    for (int64_t i = 0; i <= e->n_ids; i++) {
        for (; line < e->n_lines && e->line_ends[line] == i; line++) CHECK(ends[line] == place, "line %d", (int)line);
        if (i < e->n_ids && mapping[e->ids[i]] >= 0) CHECK(ids[place++] == mapping[e->ids[i]], "id %d", (int)i);
    }
    CHECK(kept == place, "%d of %d ids", (int)kept, (int)place);
    free(counts), free(entries), free(exported), free(order), free(ids), free(ends), free(mapping);
    (void)t;
}

static void check(void) {
    for (int i = 0; i < 40; i++) {
        const text t = random_text(random_below(400) + (i == 39 ? 20000 : 0));
        expected *e = expect(&t);
        kz_scanner scanner;
        CHECK(!kz_init(&scanner, random_bits(), random_bits()), "no memory");
        scan(&scanner, &t, e);
        check_results(&scanner, &t, e, 1);
        /* Every byte that is no UTF-8 is found. */
        if (t.size) {
            const size_t place = (size_t)random_below((int64_t)t.size);
            int64_t n_words, n_lines;
            t.bytes[place] = 0xff;
            const int64_t bad = kz_classify(&scanner, t.bytes, t.size, &n_words, &n_lines);
            CHECK(bad >= 0 && bad <= (int64_t)place && bad + 3 >= (int64_t)place, "bad byte %d at %d", (int)bad, (int)place);
        }
        kz_free(&scanner), free_expected(e), free(t.bytes);
    }
    printf("scan: equal\n");
}

typedef struct {
    kz_scanner scanner;
    const text *t;
    const expected *e;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    scan(&w->scanner, w->t, w->e);
    return NULL;
}

static void scan_in_threads(void) {
    const text t = random_text(20000);
    expected *e = expect(&t);
    const uint64_t seed0 = random_bits(), seed1 = random_bits();
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.t = &t, .e = e};
        CHECK(!kz_init(&workers[i].scanner, seed0, seed1), "no memory");
    }
    in_threads(THREADS, work, workers, sizeof *workers);
    int32_t *places = zeros(e->n, sizeof *places);
    for (int i = 1; i < THREADS; i++) {
        CHECK(!kz_absorb(&workers[0].scanner, &workers[i].scanner, places), "no memory");
        for (int32_t k = 0; k < e->n; k++) CHECK(places[k] == k, "place of word %d", k);
        kz_free(&workers[i].scanner);
    }
    check_results(&workers[0].scanner, &t, e, THREADS);
    kz_free(&workers[0].scanner), free(places), free_expected(e), free(t.bytes);
    printf("scan: %d threads, equal\n", THREADS);
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "threads")), "scan check|threads");
    if (!strcmp(argv[1], "check")) check();
    else scan_in_threads();
    return 0;
}
