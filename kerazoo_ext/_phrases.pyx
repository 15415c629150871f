"""Pairs of neighbouring words: counted, and joined to phrases. See _phrases.pyi."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

import numpy as np

from kerazoo_ext._use cimport begin_change, begin_read, kz_begin_read, kz_end_change, kz_end_read, kz_use

cdef extern from "phrases.h" nogil:
    ctypedef struct kz_pair_slot:
        uint64_t pair
        int64_t count
        int64_t value
        int32_t run1

    ctypedef struct kz_pair_table:
        kz_pair_slot *slots
        uint64_t mask
        uint64_t n

    ctypedef struct kz_runs:
        int32_t *ids
        int64_t *offsets
        int64_t n_ids
        int32_t n

    ctypedef struct kz_text:
        const int32_t *ids
        const int64_t *offsets
        int64_t n_documents
        const uint8_t *connector
        int64_t begin
        int64_t end

    int kz_runs_init(kz_runs *) noexcept
    void kz_runs_free(kz_runs *) noexcept
    int32_t kz_runs_add(kz_runs *, const int32_t *, int64_t) noexcept
    int kz_collect_runs(kz_runs *, const kz_text *) noexcept
    int kz_pairs_init(kz_pair_table *) noexcept
    void kz_pairs_free(kz_pair_table *) noexcept
    int kz_pairs_reserve(kz_pair_table *, uint64_t) noexcept
    void kz_pairs_add(kz_pair_table *, uint64_t, uint64_t, int32_t, int64_t, int64_t) noexcept
    uint64_t kz_pair_hash(uint64_t, int32_t) noexcept
    const kz_pair_slot *kz_pairs_find(const kz_pair_table *, uint64_t, uint64_t, int32_t) noexcept
    int kz_count_pairs(kz_pair_table *, const kz_runs *, const kz_text *, uint32_t, uint32_t, uint64_t) noexcept
    void kz_match_pairs(const kz_pair_table *, const kz_runs *, const kz_text *, int32_t *) noexcept
    int64_t kz_join_pairs(const kz_text *, int32_t *, int64_t *) noexcept


cdef kz_text text_of(
    const int[::1] ids, const long long[::1] offsets, const unsigned char[::1] connector, long long begin, long long end
) except *:
    cdef kz_text text
    if offsets.shape[0] < 1 or offsets[0] != 0 or offsets[offsets.shape[0] - 1] != ids.shape[0]:
        raise ValueError("offsets must start at 0 and end at len(ids)")
    if not 0 <= begin <= end <= ids.shape[0]:
        raise ValueError(f"tokens {begin} to {end} of {ids.shape[0]}")
    if ids.shape[0] and not connector.shape[0]:
        raise ValueError("connector must have one element per word of the vocabulary")
    text.ids = <const int32_t *> &ids[0] if ids.shape[0] else NULL
    text.offsets = <const int64_t *> &offsets[0]
    text.n_documents = offsets.shape[0] - 1
    text.connector = &connector[0] if connector.shape[0] else NULL
    text.begin = begin
    text.end = end
    return text


cdef class Runs:
    cdef kz_runs state
    cdef kz_use use

    def __cinit__(self):
        if kz_runs_init(&self.state):
            raise MemoryError("no memory for runs of connector words")

    def __dealloc__(self):
        kz_runs_free(&self.state)

    def __len__(self):
        return self.state.n

    def add(self, const int[::1] ids, const long long[::1] offsets):
        cdef Py_ssize_t i, n = offsets.shape[0] - 1
        cdef int32_t nothing = 0, number = 0
        if n < 0 or offsets[0] != 0 or offsets[n] != ids.shape[0] or np.any(np.diff(offsets) < 0):
            raise ValueError("offsets must rise from 0 to len(ids)")
        numbers = np.empty(n, np.int32)
        cdef int[::1] out = numbers
        begin_change(&self.use, "Runs")
        for i in range(n):
            number = kz_runs_add(
                &self.state, <const int32_t *> &ids[offsets[i]] if offsets[i] < ids.shape[0] else &nothing,
                offsets[i + 1] - offsets[i],
            )
            if number < 0:
                break
            out[i] = number
        kz_end_change(&self.use)
        if n and number < 0:
            raise MemoryError("no memory for runs of connector words")
        return numbers

    def collect(
        self, const int[::1] ids, const long long[::1] offsets, const unsigned char[::1] connector, long long begin,
        long long end,
    ):
        cdef kz_text text = text_of(ids, offsets, connector, begin, end)
        cdef int failed
        begin_change(&self.use, "Runs")
        with nogil:
            failed = kz_collect_runs(&self.state, &text)
            kz_end_change(&self.use)
        if failed:
            raise MemoryError("no memory for runs of connector words")

    def arrays(self):
        begin_read(&self.use, "Runs")
        try:
            return self.copied()
        finally:
            kz_end_read(&self.use)

    cdef object copied(self):
        ids, offsets = np.empty(self.state.n_ids, np.int32), np.empty(self.state.n + 1, np.int64)
        cdef int[::1] ids_view = ids
        cdef long long[::1] offsets_view = offsets
        cdef int64_t i
        for i in range(self.state.n_ids):
            ids_view[i] = self.state.ids[i]
        for i in range(self.state.n + 1):
            offsets_view[i] = self.state.offsets[i]
        return ids, offsets


cdef class PairTable:
    cdef kz_pair_table state
    cdef kz_use use

    def __cinit__(self):
        if kz_pairs_init(&self.state):
            raise MemoryError("no memory for a table of pairs")

    def __dealloc__(self):
        kz_pairs_free(&self.state)

    def __len__(self):
        return self.state.n

    def count(
        self, Runs runs not None, const int[::1] ids, const long long[::1] offsets,
        const unsigned char[::1] connector, long long begin, long long end, unsigned int shard, unsigned int n_shards,
        unsigned long long limit,
    ):
        cdef kz_text text = text_of(ids, offsets, connector, begin, end)
        cdef int failed
        if shard >= n_shards:
            raise ValueError(f"shard {shard} of {n_shards}")
        begin_change(&self.use, "PairTable")
        if not kz_begin_read(&runs.use):
            kz_end_change(&self.use)
            begin_read(&runs.use, "Runs")
        with nogil:
            failed = kz_count_pairs(&self.state, &runs.state, &text, shard, n_shards, limit)
            kz_end_read(&runs.use)
            kz_end_change(&self.use)
        if failed == -1:
            raise MemoryError(f"no memory for the table of pairs ({self.state.n} pairs)")
        return failed == 0

    def add(
        self, const unsigned long long[::1] pairs, const int[::1] runs, const long long[::1] counts,
        const long long[::1] values,
    ):
        cdef int64_t i, n = pairs.shape[0]
        cdef int failed
        if runs.shape[0] != n or counts.shape[0] != n or values.shape[0] != n:
            raise ValueError("pairs, runs, counts and values must be of one length")
        if np.any(np.less(runs, 0)):
            raise ValueError("the numbers of runs must be >= 0")
        begin_change(&self.use, "PairTable")
        try:
            with nogil:
                failed = kz_pairs_reserve(&self.state, n)
                if not failed:
                    for i in range(n):
                        kz_pairs_add(&self.state, kz_pair_hash(pairs[i], runs[i]), pairs[i], runs[i], counts[i], values[i])
        finally:
            kz_end_change(&self.use)
        if failed:
            raise MemoryError(f"no memory for the table of pairs ({self.state.n} and {n} pairs)")

    def find(self, const unsigned long long[::1] pairs, const int[::1] runs):
        cdef int64_t i, n = pairs.shape[0]
        cdef const kz_pair_slot *slot
        if runs.shape[0] != n:
            raise ValueError("pairs and runs must be of one length")
        values = np.empty(n, np.int64)
        cdef long long[::1] out = values
        begin_read(&self.use, "PairTable")
        try:
            with nogil:
                for i in range(n):
                    slot = kz_pairs_find(&self.state, kz_pair_hash(pairs[i], runs[i]), pairs[i], runs[i])
                    out[i] = slot.value if slot != NULL else -1
        finally:
            kz_end_read(&self.use)
        return values

    def arrays(self):
        begin_read(&self.use, "PairTable")
        try:
            return self.copied()
        finally:
            kz_end_read(&self.use)

    cdef object copied(self):
        cdef int64_t n = self.state.n, k = 0
        cdef uint64_t i
        pairs, runs = np.empty(n, np.uint64), np.empty(n, np.int32)
        counts, values = np.empty(n, np.int64), np.empty(n, np.int64)
        cdef unsigned long long[::1] pairs_view = pairs
        cdef int[::1] runs_view = runs
        cdef long long[::1] counts_view = counts, values_view = values
        cdef kz_pair_slot *slot
        with nogil:
            for i in range(self.state.mask + 1):
                slot = &self.state.slots[i]
                if slot.run1:
                    pairs_view[k] = slot.pair
                    runs_view[k] = slot.run1 - 1
                    counts_view[k] = slot.count
                    values_view[k] = slot.value
                    k += 1
        return pairs, runs, counts, values

    def match(
        self, Runs runs not None, const int[::1] ids, const long long[::1] offsets,
        const unsigned char[::1] connector, long long begin, long long end, int[::1] matches,
    ):
        cdef kz_text text = text_of(ids, offsets, connector, begin, end)
        if matches.shape[0] != ids.shape[0]:
            raise ValueError("matches must have one element per id")
        if begin == end:
            return
        begin_read(&self.use, "PairTable")
        if not kz_begin_read(&runs.use):
            kz_end_read(&self.use)
            begin_read(&runs.use, "Runs")
        with nogil:
            kz_match_pairs(&self.state, &runs.state, &text, <int32_t *> &matches[0])
            kz_end_read(&runs.use)
            kz_end_read(&self.use)


def join(
    const int[::1] ids, const long long[::1] offsets, const unsigned char[::1] connector, long long begin,
    long long end, int[::1] matches, long long[::1] ends,
):
    cdef kz_text text = text_of(ids, offsets, connector, begin, end)
    cdef int64_t n
    if matches.shape[0] != ids.shape[0] or ends.shape[0] != offsets.shape[0] - 1:
        raise ValueError("matches must have one element per id, ends one per document")
    if begin == end:
        return 0
    with nogil:
        n = kz_join_pairs(&text, <int32_t *> &matches[0], <int64_t *> &ends[0])
    return n
