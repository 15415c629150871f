/* Pass 2 of scan.h. Included once per instruction set, without an include guard: KZ_SCAN_FN(name) makes the names of each
 * set unique, KZ_SCAN_SET is its number.
 */

/* Look up n <= KZ_BATCH words, given by begin and end; -1 if out of memory. */
static int KZ_SCAN_FN(lookup)(kz_scanner *scanner, const uint8_t *text, const uint32_t *borders, int n, int32_t *ids) {
    uint64_t keys[KZ_BATCH][2], places[KZ_BATCH], mask;
    kz_slot *slots;
    int i;
    if (kz_reserve(scanner, (uint64_t)n)) return -1;
    slots = scanner->slots; /* copies: the compiler cannot know that the counts are not part of the scanner */
    mask = scanner->mask;
    for (i = 0; i < n; i++) {
        const uint8_t *word = text + borders[2 * i];
        size_t length = borders[2 * i + 1] - borders[2 * i];
        if (length <= 16) {
#if KZ_SCAN_SET == KZ_SCAN_AVX512
            __m128i key = _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xffff, (uint32_t)length), word);
            _mm_storeu_si128((__m128i *)keys[i], key);
            places[i] = kz_mix((uint64_t)_mm_cvtsi128_si64(key) ^ scanner->seed[0],
                               (uint64_t)_mm_extract_epi64(key, 1) ^ scanner->seed[1] ^ (length * 0x9e3779b97f4a7c15ull));
#else
            kz_short_key(word, length, keys[i]);
            places[i] = kz_short_hash(scanner, keys[i], length);
#endif
        } else {
            places[i] = keys[i][0] = kz_long_hash(scanner, word, length);
            keys[i][1] = 0;
        }
        KZ_PREFETCH(&slots[places[i] & mask]);
    }
    for (i = 0; i < n; i++) {
        size_t length = borders[2 * i + 1] - borders[2 * i];
        kz_slot *slot = &slots[places[i] & mask];
        /* Most words are short and at their first place: one branch for all of that. */
        if (length > 16 || ((slot->key[0] ^ keys[i][0]) | (slot->key[1] ^ keys[i][1]) | (slot->length ^ length))) {
            slot = kz_find(scanner, places[i], keys[i], text + borders[2 * i], length);
            if (!slot) return -1;
        }
        slot->count++;
        ids[i] = slot->id;
    }
    return 0;
}

/* Write the positions of the bits of `bits`, plus `base`; returns their number. May write up to 64 elements. */
static inline int KZ_SCAN_FN(positions)(uint64_t bits, uint32_t base, uint32_t *positions) {
#if KZ_SCAN_SET == KZ_SCAN_AVX512
    int part, n = (int)_mm_popcnt_u64(bits);
    const __m512i offset = _mm512_set1_epi32((int)base);
    const __m512i all = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35,
        34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,
        3, 2, 1, 0);
    __m512i found = _mm512_maskz_compress_epi8(bits, all);
    uint8_t packed[64];
    _mm512_storeu_si512(positions, _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found))));
    _mm512_storeu_si512(positions + 16,
                        _mm512_add_epi32(offset, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 1))));
    if (n > 32) { /* rare: words of one letter */
        _mm512_storeu_si512(packed, found);
        for (part = 32; part < n; part++) positions[part] = base + packed[part];
    }
    return n;
#elif KZ_SCAN_SET == KZ_SCAN_BMI2
    int i, n = (int)_mm_popcnt_u64(bits), done = 0;
    do { /* always eight, so that the number of rounds is mostly predicted; what is beyond n is overwritten */
        for (i = 0; i < 8; i++) {
            positions[done + i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        done += 8;
    } while (bits);
    return n;
#else
    int n = 0;
    for (; bits; bits &= bits - 1) positions[n++] = base + (uint32_t)kz_lowest_bit(bits);
    return n;
#endif
}

static int KZ_SCAN_FN(encode)(kz_scanner *scanner, const uint8_t *text, size_t size, int32_t *ids, int32_t *line_ends) {
    uint32_t borders[2 * KZ_BATCH + 64]; /* begin, end, begin, end, ... of words that are not looked up yet */
    int filled = 0;
    int64_t started = 0; /* words that started in previous blocks */
    uint64_t before = 1;
    size_t block, last = size / 64;
    for (block = 0; block <= last; block++) {
        uint64_t space = scanner->space[block], newline = scanner->newline[block];
        uint64_t shifted = space << 1 | before, begins = ~space & shifted;
        if (newline) {
            int64_t so_far = started;
            for (; newline; newline &= newline - 1)
                *line_ends++ =
                    (int32_t)(so_far + kz_popcount(begins & (((uint64_t)1 << kz_lowest_bit(newline)) - 1)));
        }
#if KZ_SCAN_SET == KZ_SCAN_PLAIN
        started += kz_popcount(begins);
#else
        started += (int64_t)_mm_popcnt_u64(begins);
#endif
        before = space >> 63;
        filled += KZ_SCAN_FN(positions)(space ^ shifted, (uint32_t)(64 * block), borders + filled);
        if (filled >= 2 * KZ_BATCH) {
            if (KZ_SCAN_FN(lookup)(scanner, text, borders, KZ_BATCH, ids)) return -1;
            ids += KZ_BATCH;
            filled -= 2 * KZ_BATCH;
            memmove(borders, borders + 2 * KZ_BATCH, (size_t)filled * sizeof *borders);
        }
    }
    assert(filled % 2 == 0);
    return KZ_SCAN_FN(lookup)(scanner, text, borders, filled / 2, ids);
}

#undef KZ_SCAN_SET
#undef KZ_SCAN_FN
