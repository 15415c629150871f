"""Scanner of UTF-8 text: scan.h has the algorithm, kerazoo.text the public interface.

Beyond the checks of each `def`, arguments are trusted. The loops run without the GIL. Only one thread at a time may
change a `Scanner`; others are refused meanwhile.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memmove

import numpy as np

from kerazoo_ext._use cimport begin_change, begin_read, kz_end_change, kz_end_read, kz_use

cdef extern from "scan.h" nogil:
    enum:
        KZ_PADDING

    ctypedef struct kz_scanner:
        int32_t n_words
        size_t arena_used

    ctypedef struct kz_entry:
        int64_t count
        const uint8_t *bytes
        unsigned int length
        int32_t id

    int kz_init(kz_scanner *scanner, uint64_t seed0, uint64_t seed1)
    void kz_free(kz_scanner *scanner)
    int kz_reserve_blocks(kz_scanner *scanner, size_t size)
    int64_t kz_classify(kz_scanner *scanner, const uint8_t *text, size_t size, int64_t *n_words, int64_t *n_lines)
    int kz_scan_widest()
    int kz_encode(kz_scanner *scanner, int set, const uint8_t *text, size_t size, int32_t *ids, int32_t *line_ends)
    int kz_absorb(kz_scanner *scanner, const kz_scanner *other, int32_t *places)
    int64_t kz_rank(const kz_scanner *scanner, int64_t min_count, kz_entry **entries)
    int64_t kz_compact(int32_t *ids, int64_t n, const int32_t *mapping, int32_t *line_ends, int64_t n_lines)
    void kz_tally(const kz_scanner *scanner, int64_t *counts)
    int64_t kz_text_size(const kz_scanner *scanner)
    int kz_export(const kz_scanner *scanner, uint32_t n_buckets, uint8_t *text, int32_t *order, int64_t *word_begins,
                  int64_t *byte_begins)

PADDING = KZ_PADDING
MAX_CHUNK = 2**31 - 1 - KZ_PADDING


INSTRUCTION_SETS = ("plain", "bmi2", "avx512")


def instruction_sets():
    """Those that this CPU has, the last of which a `Scanner` uses."""
    return INSTRUCTION_SETS[: kz_scan_widest() + 1]


class InvalidUtf8Error(ValueError):
    """The text is not UTF-8; `position` is the index of the first invalid byte."""

    def __init__(self, position: int) -> None:
        super().__init__(f"not UTF-8 at byte {position}")
        self.position = position


cdef class Scanner:
    """A hash table of words and their counts; `scan` fills it, `absorb` merges two of them."""

    # Two scanners of two threads may lie side by side. Each changes its state with every new word, so no cache line may
    # hold parts of both.
    cdef char before[64]
    cdef kz_scanner state
    cdef kz_use use
    cdef char behind[64]
    cdef readonly tuple seed
    cdef int set  # the instruction set
    cdef const uint8_t *counted  # the text of `count`, until it is encoded
    cdef Py_ssize_t size
    cdef int64_t n_words, n_lines

    def __cinit__(self, seed=(0, 0), instruction_set=None):
        self.seed = (int(seed[0]), int(seed[1]))
        self.set = kz_scan_widest()
        if instruction_set is not None:
            if instruction_set not in instruction_sets():
                raise ValueError(f"instruction_set={instruction_set!r}; this CPU has {instruction_sets()}")
            self.set = INSTRUCTION_SETS.index(instruction_set)
        if kz_init(&self.state, self.seed[0], self.seed[1]):
            raise MemoryError("no memory for a scanner")

    def __dealloc__(self):
        kz_free(&self.state)

    def __len__(self):
        return self.state.n_words

    @property
    def long_bytes(self):
        """Bytes of the words of more than 16 bytes, which the table holds beside its slots."""
        return self.state.arena_used

    def count(self, const uint8_t[::1] text, Py_ssize_t size):
        """Check that text[:size] is UTF-8 and count its words and lines: the first half of `scan`."""
        begin_change(&self.use, "a Scanner")
        try:
            return self.counted_in(text, size)
        finally:
            kz_end_change(&self.use)

    cdef object counted_in(self, const uint8_t[::1] text, Py_ssize_t size):
        cdef int64_t n_words = 0, n_lines = 0, bad
        cdef int failed
        if not 0 <= size <= MAX_CHUNK or text.shape[0] - size < KZ_PADDING:
            raise ValueError(f"size={size} of a buffer of {text.shape[0]} bytes; needs {KZ_PADDING} bytes of padding")
        cdef const uint8_t *start = &text[0]
        self.counted = NULL
        with nogil:
            failed = kz_reserve_blocks(&self.state, size)
            bad = -1
            if not failed:
                bad = kz_classify(&self.state, start, size, &n_words, &n_lines)
        if failed:
            raise MemoryError(f"no memory to scan a chunk of {size} bytes")
        if bad >= 0:
            raise InvalidUtf8Error(bad)
        self.counted, self.size, self.n_words, self.n_lines = start, size, n_words, n_lines
        return n_words, n_lines

    def encode(self, const uint8_t[::1] text, Py_ssize_t size, int32_t[::1] ids, int32_t[::1] line_ends):
        """Count each word of the text that `count` was called with last, and write the ids and line ends: the second half.

        `ids` has n_words elements, `line_ends` n_lines.
        """
        begin_change(&self.use, "a Scanner")
        try:
            self.encode_into(text, size, ids, line_ends)
        finally:
            kz_end_change(&self.use)

    cdef object encode_into(self, const uint8_t[::1] text, Py_ssize_t size, int32_t[::1] ids, int32_t[::1] line_ends):
        cdef int failed
        cdef int32_t nothing = 0
        cdef const uint8_t *start = &text[0]
        if start != self.counted or size != self.size:
            raise ValueError("encode takes the text that count was called with last")
        if ids.shape[0] != self.n_words or line_ends.shape[0] != self.n_lines:
            raise ValueError(f"expected room for {self.n_words} words and {self.n_lines} lines")
        cdef int32_t *ids_start = &ids[0] if self.n_words else &nothing
        cdef int32_t *ends_start = &line_ends[0] if self.n_lines else &nothing
        self.counted = NULL
        with nogil:
            failed = kz_encode(&self.state, self.set, start, size, ids_start, ends_start)
        if failed:
            raise MemoryError(f"no memory for the word table ({self.state.n_words} words)")

    def scan(self, text, Py_ssize_t size):
        """Count the words of text[:size] and return (ids int32 (n_words,), line_ends int32 (n_lines,))."""
        n_words, n_lines = self.count(text, size)
        ids, line_ends = np.empty(n_words, np.int32), np.empty(n_lines, np.int32)
        self.encode(text, size, ids, line_ends)
        return ids, line_ends

    def absorb(self, Scanner other not None):
        """Add all words and counts of `other`; returns the id in this scanner of each of its words, int32 (len(other),)."""
        if other is self or other.seed != self.seed:
            raise ValueError("absorb takes another scanner with the same seed")
        begin_change(&self.use, "a Scanner")
        try:
            begin_read(&other.use, "a Scanner")
            try:
                return self.absorbed(other)
            finally:
                kz_end_read(&other.use)
        finally:
            kz_end_change(&self.use)

    cdef object absorbed(self, Scanner other):
        places = np.empty(other.state.n_words + 1, np.int32)
        cdef int32_t[::1] view = places
        cdef int failed
        with nogil:
            failed = kz_absorb(&self.state, &other.state, &view[0])
        if failed:
            raise MemoryError(f"no memory to join {self.state.n_words} and {other.state.n_words} words")
        return places[: len(other)]

    def tally(self):
        """Count of each id, int64 (len(self),)."""
        begin_read(&self.use, "a Scanner")
        try:
            return self.tallied()
        finally:
            kz_end_read(&self.use)

    cdef object tallied(self):
        counts = np.empty(self.state.n_words + 1, np.int64)
        cdef int64_t[::1] view = counts
        with nogil:
            kz_tally(&self.state, &view[0])
        return counts[: len(self)]

    def export(self, int n_buckets=1):
        """All words as text, each with a line end, sorted into buckets by a hash that is the same in every process.

        Within a bucket the words are in the order of their ids. The ids are in order of first occurrence, so the same
        text is exported in the same way whatever the seed.

        Returns (text uint8 (n_bytes,), order int32 (len(self),), word_begins int64 (n_buckets + 1,), byte_begins int64
        (n_buckets + 1,)): `order` has the id of each word of the text, bucket b is words word_begins[b] to
        word_begins[b + 1] - 1, in the bytes byte_begins[b] to byte_begins[b + 1] - 1.
        """
        if not 1 <= n_buckets <= 1 << 20:
            raise ValueError(f"n_buckets={n_buckets}; expected 1 to {1 << 20}")
        begin_read(&self.use, "a Scanner")
        try:
            return self.exported(n_buckets)
        finally:
            kz_end_read(&self.use)

    cdef object exported(self, int n_buckets):
        cdef int64_t size = kz_text_size(&self.state)
        cdef int failed
        text = np.empty(size + 1, np.uint8)
        order = np.empty(self.state.n_words + 1, np.int32)
        words = np.empty(n_buckets + 1, np.int64)
        bytes_ = np.empty(n_buckets + 1, np.int64)
        cdef uint8_t[::1] text_view = text
        cdef int32_t[::1] order_view = order
        cdef int64_t[::1] words_view = words, bytes_view = bytes_
        with nogil:
            failed = kz_export(&self.state, n_buckets, &text_view[0], &order_view[0], &words_view[0], &bytes_view[0])
        if failed:
            raise MemoryError(f"no memory to export {self.state.n_words} words")
        return text[:size], order[: len(self)], words, bytes_

    def ranked(self, int64_t min_count=1, limit=None):
        """The words that occur at least `min_count` times, by decreasing count, then code point; at most `limit` of them."""
        begin_read(&self.use, "a Scanner")
        try:
            return self.ranked_words(min_count, limit)
        finally:
            kz_end_read(&self.use)

    cdef object ranked_words(self, int64_t min_count, limit):
        cdef Ranked found = Ranked.__new__(Ranked)
        cdef int64_t n
        found.scanner = self
        with nogil:
            n = kz_rank(&self.state, min_count, &found.entries)
        if n < 0:
            raise MemoryError(f"no memory to sort {self.state.n_words} words")
        if limit is not None:
            n = min(n, limit)
        found.n = n
        found.n_types = self.state.n_words
        found.counts = np.empty(n, np.int64)
        found.ids = np.empty(n, np.int32)
        if n:
            fill_ranked(found.entries, n, found.counts, found.ids)
        return found

    def rank(self, int64_t min_count=1, limit=None):
        """The words of :meth:`ranked` (list of str), their counts int64 (n,), and ids int32 (n,)."""
        cdef Ranked found = self.ranked(min_count, limit)
        return found.words(), found.counts, found.ids


cdef class Ranked:
    """Words in order of rank: `counts` int64 (n,) and `ids` int32 (n,). `words` makes the strings, which takes longer."""

    cdef Scanner scanner  # the entries point into it
    cdef kz_entry *entries
    cdef int64_t n
    cdef int32_t n_types
    cdef readonly object counts, ids

    def __dealloc__(self):
        free(self.entries)

    def words(self):
        """The words, list of str; only before the scanner takes more text."""
        cdef int64_t i
        begin_read(&self.scanner.use, "a Scanner")
        try:
            if self.scanner.state.n_words != self.n_types:
                raise ValueError("the scanner has taken more words since")
            return [self.entries[i].bytes[: self.entries[i].length].decode("utf-8") for i in range(self.n)]
        finally:
            kz_end_read(&self.scanner.use)


cdef fill_ranked(kz_entry *entries, int64_t n, int64_t[::1] counts, int32_t[::1] ids):
    cdef int64_t i
    for i in range(n):
        counts[i] = entries[i].count
        ids[i] = entries[i].id


def compact(int32_t[::1] ids, const int32_t[::1] mapping, int32_t[::1] line_ends):
    """Replace `ids` (n,) by mapping[ids] in place and remove those that map to -1; `line_ends` are adjusted.

    Returns the number of remaining ids, at the start of `ids`. Not checked: ids are within `mapping`, line ends rise
    from 0 to at most n.
    """
    cdef int64_t kept = 0, n = ids.shape[0], n_lines = line_ends.shape[0]
    cdef int32_t nothing = 0
    if n == 0:
        return 0
    if mapping.shape[0] == 0:
        raise ValueError("an empty mapping for ids")
    cdef int32_t *ends = &line_ends[0] if n_lines else &nothing
    with nogil:
        kept = kz_compact(&ids[0], n, &mapping[0], ends, n_lines)
    return kept


def move(int32_t[::1] ids, int64_t begin, int64_t end, int64_t to):
    """Move ids[begin:end] to ids[to:], also over themselves."""
    if not 0 <= begin <= end <= ids.shape[0] or not 0 <= to <= ids.shape[0] - (end - begin):
        raise ValueError(f"begin={begin}, end={end} and to={to} do not fit {ids.shape[0]} ids")
    if begin < end and to != begin:
        with nogil:
            memmove(&ids[to], &ids[begin], (end - begin) * sizeof(int32_t))


def first_outside(const int32_t[::1] ids, int64_t limit):
    """Index of the first id that is not in [0, limit), or -1."""
    cdef int64_t i, start, stop, n = ids.shape[0], found = -1
    cdef int32_t any_bad
    with nogil:
        start = 0
        while start < n and found < 0:
            stop = min(start + 4096, n)
            any_bad = 0
            for i in range(start, stop):  # no early exit, so that the compiler vectorises this loop
                any_bad |= (ids[i] < 0) | (ids[i] >= limit)
            if any_bad:
                for i in range(start, stop):
                    if ids[i] < 0 or ids[i] >= limit:
                        found = i
                        break
            start = stop
    return found
