/* Text scanner: UTF-8 bytes -> word ids, with one count per word. Used by _scan.pyx only.
 *
 * A chunk of text is read twice while it is in cache:
 *   kz_classify   finds white space and line ends, 64 bytes per step, and checks UTF-8; writes two bitmaps
 *   kz_encode     goes through the bitmap word by word and looks each word up in an open-addressing table (scan_lanes.h)
 * Two passes, because the first one determines how many ids to allocate, and because each is a tight loop.
 *
 * Words are always compared by their bytes: a word of up to 16 bytes is its own key inside the slot, a longer one is
 * compared with its copy in the arena. The hash only determines where to look. Its seed can be random, against texts
 * that were constructed to collide; no result depends on it.
 */
#ifndef KERAZOO_SCAN_H
#define KERAZOO_SCAN_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if !defined(KERAZOO_PORTABLE) && (defined(__SSE2__) || defined(_M_X64))
#define KZ_SSE2 1
#include <emmintrin.h>
#endif

#if defined(_MSC_VER)
#include <intrin.h>
#define KZ_PREFETCH(address) ((void)(address))
#else
#define KZ_PREFETCH(address) __builtin_prefetch(address)
#endif

/* Bytes that must be readable after the text: a block of 64, or two key loads, may start at its last byte. */
#define KZ_PADDING 64
/* Words hashed and prefetched before the first of them is looked up. */
#define KZ_BATCH 256

typedef struct {
    uint64_t key[2];  /* up to 16 bytes: the word, padded with NUL; longer: its hash and its offset in the arena */
    int64_t count;
    uint32_t length;  /* in bytes; 0 = free slot. Distinguishes "a" from "a\0", which have the same key. */
    int32_t id;       /* in order of first occurrence */
} kz_slot;            /* 32 bytes: a lookup touches one cache line */

typedef struct {
    kz_slot *slots;
    uint64_t mask;  /* slots - 1 */
    int32_t n_words;
    uint8_t *arena; /* the bytes of the words longer than 16 */
    size_t arena_used, arena_size;
    uint64_t seed[2];
    uint64_t *space, *newline; /* one bit per byte of the text */
    size_t n_blocks;           /* 64-bit words allocated in each bitmap */
} kz_scanner;

typedef struct {
    int64_t count;
    uint64_t prefix; /* the first 8 bytes, big-endian: compares like the bytes */
    const uint8_t *bytes;
    uint32_t length;
    int32_t id;
} kz_entry;

/* ---- helpers ----------------------------------------------------------------------------------------------- */

static inline int kz_lowest_bit(uint64_t bits) {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanForward64(&index, bits);
    return (int)index;
#else
    return __builtin_ctzll(bits);
#endif
}

static inline int kz_popcount(uint64_t bits) {
    /* In plain C: without -mpopcnt the builtin calls a function with a table. */
    bits -= (bits >> 1) & 0x5555555555555555ull;
    bits = (bits & 0x3333333333333333ull) + ((bits >> 2) & 0x3333333333333333ull);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (int)((bits * 0x0101010101010101ull) >> 56);
}

static inline uint64_t kz_load8(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, 8);
    return value;
}

/* Both halves of a 64 x 64 bit product, folded together (the mixer of wyhash, Wang Yi 2019). */
static inline uint64_t kz_mix(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & 0xffffffffu) * (b & 0xffffffffu), high = (a >> 32) * (b >> 32);
    uint64_t cross1 = (a >> 32) * (b & 0xffffffffu), cross2 = (a & 0xffffffffu) * (b >> 32);
    uint64_t middle = (low >> 32) + (cross1 & 0xffffffffu) + (cross2 & 0xffffffffu);
    high += (cross1 >> 32) + (cross2 >> 32) + (middle >> 32);
    return ((middle << 32) | (low & 0xffffffffu)) ^ high;
#endif
}

/* Bytes 8 - n to 15 - n, read as one number, mask the first n bytes of a load, on either endianness. */
static const uint8_t KZ_KEEP[16] = {255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0};

/* The key of a word of 1 to 16 bytes. Reads 16 bytes from `word` on; branchless, because lengths are unpredictable. */
static inline void kz_short_key(const uint8_t *word, size_t length, uint64_t key[2]) {
    size_t first = length < 8 ? length : 8, second = length - first;
    key[0] = kz_load8(word) & kz_load8(KZ_KEEP + 8 - first);
    key[1] = kz_load8(word + 8) & kz_load8(KZ_KEEP + 8 - second);
}

static inline uint64_t kz_short_hash(const kz_scanner *scanner, const uint64_t key[2], size_t length) {
    return kz_mix(key[0] ^ scanner->seed[0], key[1] ^ scanner->seed[1] ^ (length * 0x9e3779b97f4a7c15ull));
}

/* The hash of a word of more than 16 bytes; does not read beyond it. */
static inline uint64_t kz_long_hash(const kz_scanner *scanner, const uint8_t *word, size_t length) {
    uint64_t state = scanner->seed[0] ^ length;
    size_t i;
    for (i = 0; i + 16 < length; i += 16)
        state = kz_mix(kz_load8(word + i) ^ scanner->seed[1], kz_load8(word + i + 8) ^ state);
    return kz_mix(kz_load8(word + length - 16) ^ scanner->seed[1], kz_load8(word + length - 8) ^ state);
}

static inline const uint8_t *kz_word_bytes(const kz_scanner *scanner, const kz_slot *slot) {
    return slot->length <= 16 ? (const uint8_t *)slot->key : scanner->arena + slot->key[1];
}

/* ---- the table --------------------------------------------------------------------------------------------- */

static inline uint64_t kz_slot_hash(const kz_scanner *scanner, const kz_slot *slot) {
    return slot->length <= 16 ? kz_short_hash(scanner, slot->key, slot->length) : slot->key[0];
}

static int kz_init(kz_scanner *scanner, uint64_t seed0, uint64_t seed1) {
    memset(scanner, 0, sizeof *scanner);
    scanner->seed[0] = seed0;
    scanner->seed[1] = seed1;
    scanner->mask = 1023;
    scanner->slots = (kz_slot *)calloc(1024, sizeof(kz_slot));
    return scanner->slots ? 0 : -1;
}

static void kz_free(kz_scanner *scanner) {
    free(scanner->slots);
    free(scanner->arena);
    free(scanner->space);
    free(scanner->newline);
    memset(scanner, 0, sizeof *scanner);
}

/* Zeroed slots, to be released with free(). Large tables request huge pages: every lookup is at a random address, and
 * the first touch of 16 MiB in pages of 4 KiB takes longer than the lookup of a million words. */
static kz_slot *kz_new_slots(uint64_t size) {
#if defined(MADV_HUGEPAGE)
    size_t bytes = (size_t)size * sizeof(kz_slot);
    void *memory = NULL;
    if (bytes >= (size_t)1 << 22) {
        if (posix_memalign(&memory, (size_t)1 << 21, bytes)) return NULL;
        madvise(memory, bytes, MADV_HUGEPAGE); /* a hint: without it the table is only slower */
        memset(memory, 0, bytes);
        return (kz_slot *)memory;
    }
#endif
    return (kz_slot *)calloc((size_t)size, sizeof(kz_slot));
}

/* Grow the table so that it is at most 3/4 full after `extra` new words; -1 if out of memory. */
static int kz_reserve(kz_scanner *scanner, uint64_t extra) {
    uint64_t needed = ((uint64_t)scanner->n_words + extra) / 3 * 4 + 4, size = scanner->mask + 1, i;
    kz_slot *old = scanner->slots, *slots;
    if ((uint64_t)scanner->n_words + extra > 0x7fffffff) return -1; /* ids are int32 */
    if (needed <= size) return 0;
    while (size < needed) size *= 2;
    slots = kz_new_slots(size);
    if (!slots) return -1;
    for (i = 0; i <= scanner->mask; i++) {
        uint64_t place;
        if (!old[i].length) continue;
        place = kz_slot_hash(scanner, &old[i]) & (size - 1);
        while (slots[place].length) place = (place + 1) & (size - 1);
        slots[place] = old[i];
    }
    scanner->slots = slots;
    scanner->mask = size - 1;
    free(old);
    return 0;
}

static int kz_reserve_arena(kz_scanner *scanner, size_t extra) {
    size_t size = scanner->arena_size ? scanner->arena_size : 4096;
    uint8_t *arena;
    if (scanner->arena_used + extra <= scanner->arena_size) return 0;
    while (size < scanner->arena_used + extra) size *= 2;
    arena = (uint8_t *)realloc(scanner->arena, size);
    if (!arena) return -1;
    scanner->arena = arena;
    scanner->arena_size = size;
    return 0;
}

/* The slot of a word, found or new; needs a preceding kz_reserve. NULL if out of memory. */
static inline kz_slot *kz_find(kz_scanner *scanner, uint64_t place, const uint64_t key[2], const uint8_t *word,
                               size_t length) {
    kz_slot *slot;
    for (;; place++) {
        slot = &scanner->slots[place & scanner->mask];
        if (slot->length == (uint32_t)length && slot->key[0] == key[0]) {
            if (length <= 16 ? slot->key[1] == key[1] : !memcmp(scanner->arena + slot->key[1], word, length))
                return slot;
        } else if (!slot->length) {
            break;
        }
    }
    slot->key[0] = key[0];
    slot->key[1] = key[1];
    if (length > 16) {
        if (kz_reserve_arena(scanner, length)) return NULL;
        memcpy(scanner->arena + scanner->arena_used, word, length);
        slot->key[1] = scanner->arena_used;
        scanner->arena_used += length;
    }
    slot->length = (uint32_t)length;
    slot->id = scanner->n_words++;
    return slot;
}

/* ---- pass 1: white space, line ends, UTF-8 ------------------------------------------------------------------ */

static int kz_reserve_blocks(kz_scanner *scanner, size_t size) {
    size_t needed = size / 64 + 1; /* one bit more than there are bytes, so that the last word has an end */
    if (needed <= scanner->n_blocks) return 0;
    free(scanner->space);
    free(scanner->newline);
    scanner->n_blocks = 0;
    scanner->space = (uint64_t *)malloc(needed * sizeof(uint64_t));
    scanner->newline = (uint64_t *)malloc(needed * sizeof(uint64_t));
    if (!scanner->space || !scanner->newline) return -1;
    scanner->n_blocks = needed;
    return 0;
}

/* Bit i of each mask is about byte i of the 64: ASCII white space as in str.split(), '\n', beyond ASCII. */
static inline void kz_classify_block(const uint8_t *block, uint64_t *space, uint64_t *newline, uint64_t *wide) {
#if defined(KZ_SSE2)
    const __m128i tab = _mm_set1_epi8(0x09), four = _mm_set1_epi8(4), separator = _mm_set1_epi8(0x1c),
                  feed = _mm_set1_epi8('\n');
    int part;
    *space = *newline = *wide = 0;
    for (part = 0; part < 4; part++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(block + 16 * part));
        __m128i control = _mm_sub_epi8(bytes, tab), blank = _mm_sub_epi8(bytes, separator);
        /* x - first <= 4, unsigned: 09..0d and 1c..20 */
        control = _mm_cmpeq_epi8(_mm_min_epu8(control, four), control);
        blank = _mm_cmpeq_epi8(_mm_min_epu8(blank, four), blank);
        *space |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(control, blank)) << (16 * part);
        *newline |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed)) << (16 * part);
        *wide |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes) << (16 * part);
    }
#else
    int i;
    *space = *newline = *wide = 0;
    for (i = 0; i < 64; i++) {
        uint8_t byte = block[i];
        *space |= (uint64_t)((uint8_t)(byte - 0x09) <= 4 || (uint8_t)(byte - 0x1c) <= 4) << i;
        *newline |= (uint64_t)(byte == '\n') << i;
        *wide |= (uint64_t)(byte >> 7) << i;
    }
#endif
}

/* Length of the UTF-8 sequence that starts at `p` (before `end`) with a byte >= 0x80; 0 if it is not valid.
 * The table of well-formed sequences: Unicode 15, table 3-7. */
static inline int kz_sequence(const uint8_t *p, const uint8_t *end) {
    uint8_t lead = p[0], low = 0x80, high = 0xbf;
    int length, i;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (end - p < length) return 0;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f; /* surrogates */
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (p[1] < low || p[1] > high) return 0;
    for (i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return length;
}

/* White space of str.split() beyond ASCII: U+0085 U+00A0 U+1680 U+2000..200A U+2028 U+2029 U+202F U+205F U+3000. */
static inline int kz_wide_space(const uint8_t *p) {
    switch (p[0]) {
    case 0xc2: return p[1] == 0x85 || p[1] == 0xa0;
    case 0xe1: return p[1] == 0x9a && p[2] == 0x80;
    case 0xe2:
        if (p[1] == 0x80) return p[2] <= 0x8a || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf;
        return p[1] == 0x81 && p[2] == 0x9f;
    case 0xe3: return p[1] == 0x80 && p[2] == 0x80;
    default: return 0;
    }
}

/* Fill the bitmaps for text[0..size) and count words and lines. Returns -1, or the index of the first byte that is
 * not UTF-8. The text must not end inside a UTF-8 sequence. */
static int64_t kz_classify(kz_scanner *scanner, const uint8_t *text, size_t size, int64_t *n_words, int64_t *n_lines) {
    const uint8_t *end = text + size;
    size_t checked = 0;  /* UTF-8 is valid up to here */
    uint64_t spill = 0;  /* bits of a wide space that started in the previous block */
    uint64_t before = 1; /* is the previous byte white space? True at the start of the text */
    int64_t words = 0, lines = 0;
    size_t block, last = size / 64;
    assert(last < scanner->n_blocks);
    for (block = 0; block <= last; block++) {
        uint64_t space, newline, wide;
        kz_classify_block(text + 64 * block, &space, &newline, &wide);
        if (block == last) {
            uint64_t inside = ((uint64_t)1 << (size % 64)) - 1;
            newline &= inside;
            wide &= inside;
            space |= ~inside;
        }
        space |= spill;
        spill = 0;
        while (wide) {
            int bit = kz_lowest_bit(wide);
            size_t place = 64 * block + (size_t)bit;
            wide &= wide - 1;
            if (place >= checked) {
                int length = kz_sequence(text + place, end);
                if (!length) return (int64_t)place;
                if (kz_wide_space(text + place)) {
                    uint64_t run = ((uint64_t)1 << length) - 1;
                    space |= run << bit;
                    if (bit + length > 64) spill = run >> (64 - bit);
                }
                checked = place + (size_t)length;
            }
        }
        scanner->space[block] = space;
        scanner->newline[block] = newline;
        words += kz_popcount(~space & (space << 1 | before));
        if (newline) lines += kz_popcount(newline);
        before = space >> 63;
    }
    *n_words = words;
    *n_lines = lines;
    return -1;
}

/* ---- pass 2: words -> ids ----------------------------------------------------------------------------------- */

/* x86-64 with gcc or clang: variants for CPUs with BMI2 and with AVX-512 VBMI2, selected at run time. */
#if !defined(KERAZOO_PORTABLE) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define KZ_SCAN_VARIANTS 1
#include <immintrin.h>
#endif

#define KZ_SCAN_PLAIN 0
#define KZ_SCAN_BMI2 1
#define KZ_SCAN_AVX512 2

#define KZ_SCAN_SET KZ_SCAN_PLAIN
#define KZ_SCAN_FN(name) kz_plain_##name
#include "scan_lanes.h"

#ifdef KZ_SCAN_VARIANTS
#pragma GCC push_options
#pragma GCC target("bmi,bmi2,popcnt")
#define KZ_SCAN_SET KZ_SCAN_BMI2
#define KZ_SCAN_FN(name) kz_bmi2_##name
#include "scan_lanes.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")
#define KZ_SCAN_SET KZ_SCAN_AVX512
#define KZ_SCAN_FN(name) kz_avx512_##name
#include "scan_lanes.h"
#pragma GCC pop_options
#endif

/* The fastest variant that this CPU has. */
static int kz_scan_widest(void) {
#ifdef KZ_SCAN_VARIANTS
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("popcnt"))
        return KZ_SCAN_PLAIN;
    return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl")
               ? KZ_SCAN_AVX512
               : KZ_SCAN_BMI2;
#else
    return KZ_SCAN_PLAIN;
#endif
}

/* Write the ids of all words of the classified text, and for each line the number of words before its end.
 * Reads KZ_PADDING bytes beyond the text. Returns 0, or -1 if out of memory. */
static int kz_encode(kz_scanner *scanner, int set, const uint8_t *text, size_t size, int32_t *ids, int32_t *line_ends) {
#ifdef KZ_SCAN_VARIANTS
    if (set == KZ_SCAN_AVX512) return kz_avx512_encode(scanner, text, size, ids, line_ends);
    if (set == KZ_SCAN_BMI2) return kz_bmi2_encode(scanner, text, size, ids, line_ends);
#endif
    (void)set;
    return kz_plain_encode(scanner, text, size, ids, line_ends);
}

/* ---- after the scan ----------------------------------------------------------------------------------------- */

/* Add the words and counts of `other` (same seed) to `scanner`; places[i] = the id in `scanner` of its word i. */
static int kz_absorb(kz_scanner *scanner, const kz_scanner *other, int32_t *places) {
    uint64_t i;
    /* Reserve room for all of them first: filling a growing table in the hash order of another creates long runs. */
    if (kz_reserve(scanner, (uint64_t)other->n_words)) return -1;
    for (i = 0; i <= other->mask; i++) {
        const kz_slot *slot = &other->slots[i];
        kz_slot *own;
        if (!slot->length) continue;
        own = kz_find(scanner, kz_slot_hash(other, slot), slot->key, kz_word_bytes(other, slot), slot->length);
        if (!own) return -1;
        own->count += slot->count;
        places[slot->id] = own->id;
    }
    return 0;
}

static void kz_tally(const kz_scanner *scanner, int64_t *counts) {
    uint64_t i;
    for (i = 0; i <= scanner->mask; i++)
        if (scanner->slots[i].length) counts[scanner->slots[i].id] = scanner->slots[i].count;
}

/* The bucket of a word, 0 to n_buckets - 1: the same in every process and on every machine, unlike the hash of a table. */
static inline uint32_t kz_bucket(const kz_scanner *scanner, const kz_slot *slot, uint32_t n_buckets) {
    kz_scanner fixed; /* only its seed is read; the digits of pi */
    uint64_t hash;
    fixed.seed[0] = 0x243f6a8885a308d3ull;
    fixed.seed[1] = 0x13198a2e03707344ull;
    hash = slot->length <= 16 ? kz_short_hash(&fixed, slot->key, slot->length)
                              : kz_long_hash(&fixed, kz_word_bytes(scanner, slot), slot->length);
    return (uint32_t)(((hash >> 32) * n_buckets) >> 32);
}

/* Bytes of all words, each with a line end. */
static int64_t kz_text_size(const kz_scanner *scanner) {
    uint64_t i;
    int64_t size = scanner->n_words;
    for (i = 0; i <= scanner->mask; i++) size += scanner->slots[i].length;
    return size;
}

/* All words, each with a line end, bucket after bucket, by id within a bucket. order[k] = the id of word k; bucket b is
 * words word_begins[b] .. word_begins[b + 1] - 1 and bytes byte_begins[b] .. byte_begins[b + 1] - 1 of the text.
 * Returns 0, or -1 if out of memory. */
static int kz_export(const kz_scanner *scanner, uint32_t n_buckets, uint8_t *text, int32_t *order, int64_t *word_begins,
                     int64_t *byte_begins) {
    size_t n = (size_t)scanner->n_words;
    uint64_t *slot_of = (uint64_t *)malloc((n ? n : 1) * sizeof *slot_of), i;
    uint32_t *bucket_of = (uint32_t *)malloc((n ? n : 1) * sizeof *bucket_of), bucket;
    size_t id;
    if (!slot_of || !bucket_of) {
        free(slot_of);
        free(bucket_of);
        return -1;
    }
    for (i = 0; i <= scanner->mask; i++)
        if (scanner->slots[i].length) slot_of[scanner->slots[i].id] = i;
    memset(word_begins, 0, (n_buckets + 1) * sizeof *word_begins);
    memset(byte_begins, 0, (n_buckets + 1) * sizeof *byte_begins);
    for (id = 0; id < n; id++) {
        const kz_slot *slot = &scanner->slots[slot_of[id]];
        bucket_of[id] = kz_bucket(scanner, slot, n_buckets);
        word_begins[bucket_of[id] + 1]++;
        byte_begins[bucket_of[id] + 1] += (int64_t)slot->length + 1;
    }
    for (bucket = 1; bucket < n_buckets; bucket++) {
        word_begins[bucket + 1] += word_begins[bucket];
        byte_begins[bucket + 1] += byte_begins[bucket];
    }
    for (id = 0; id < n; id++) { /* the begins run ahead to the ends ... */
        const kz_slot *slot = &scanner->slots[slot_of[id]];
        uint8_t *target = text + byte_begins[bucket_of[id]];
        memcpy(target, kz_word_bytes(scanner, slot), slot->length);
        target[slot->length] = '\n';
        byte_begins[bucket_of[id]] += (int64_t)slot->length + 1;
        order[word_begins[bucket_of[id]]++] = (int32_t)id;
    }
    for (bucket = n_buckets; bucket > 0; bucket--) { /* ... which are the begins of the next */
        word_begins[bucket] = word_begins[bucket - 1];
        byte_begins[bucket] = byte_begins[bucket - 1];
    }
    word_begins[0] = byte_begins[0] = 0;
    free(slot_of);
    free(bucket_of);
    return 0;
}

/* Decreasing count, then code points (= the order of UTF-8 bytes). */
static int kz_compare(const void *left, const void *right) {
    const kz_entry *a = (const kz_entry *)left, *b = (const kz_entry *)right;
    int order;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
    order = memcmp(a->bytes, b->bytes, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Counts from here on share a bucket of kz_rank. */
#define KZ_COMMON 4096

/* The words that occur at least `min_count` times, in order of rank. Returns their number, or -1 if out of memory.
 * The caller must free `*entries`; it points into the scanner.
 *
 * Most words are rare, and many have the same count: they are put into buckets by count first, and each bucket is sorted
 * by their bytes. */
static int64_t kz_rank(const kz_scanner *scanner, int64_t min_count, kz_entry **entries) {
    int64_t begins[KZ_COMMON + 2] = {0}, n = 0; /* bucket b holds the words of count KZ_COMMON - b, or more for b = 0 */
    uint64_t i;
    int bucket, byte;
    for (i = 0; i <= scanner->mask; i++) {
        const kz_slot *slot = &scanner->slots[i];
        if (!slot->length || slot->count < min_count) continue;
        begins[KZ_COMMON - (slot->count < KZ_COMMON ? slot->count : KZ_COMMON) + 1]++;
        n++;
    }
    *entries = (kz_entry *)malloc((size_t)(n ? n : 1) * sizeof(kz_entry));
    if (!*entries) return -1;
    for (bucket = 0; bucket <= KZ_COMMON; bucket++) begins[bucket + 1] += begins[bucket];
    for (i = 0; i <= scanner->mask; i++) {
        const kz_slot *slot = &scanner->slots[i];
        kz_entry *entry;
        if (!slot->length || slot->count < min_count) continue;
        entry = *entries + begins[KZ_COMMON - (slot->count < KZ_COMMON ? slot->count : KZ_COMMON)]++;
        entry->count = slot->count;
        entry->bytes = kz_word_bytes(scanner, slot);
        entry->length = slot->length;
        entry->id = slot->id;
        entry->prefix = 0;
        for (byte = 0; byte < 8; byte++)
            entry->prefix = entry->prefix << 8 | (byte < (int)slot->length ? entry->bytes[byte] : 0);
    }
    for (bucket = 0; bucket <= KZ_COMMON; bucket++) { /* the begins have moved on to the ends */
        int64_t begin = bucket ? begins[bucket - 1] : 0;
        if (begins[bucket] - begin > 1)
            qsort(*entries + begin, (size_t)(begins[bucket] - begin), sizeof(kz_entry), kz_compare);
    }
    return n;
}

/* Replace ids by mapping[id] in place and remove those that map to -1; line ends (rising, <= n) are adjusted.
 * Returns the number of remaining ids. */
static int64_t kz_compact(int32_t *ids, int64_t n, const int32_t *mapping, int32_t *line_ends, int64_t n_lines) {
    int64_t i = 0, kept = 0, line;
    for (line = 0; line <= n_lines; line++) {
        int64_t stop = line < n_lines ? line_ends[line] : n;
        for (; i < stop; i++) {
            int32_t id = mapping[ids[i]];
            ids[kept] = id;
            kept += id >= 0;
        }
        if (line < n_lines) line_ends[line] = (int32_t)kept;
    }
    return kept;
}

#endif
