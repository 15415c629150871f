"""Blocks of kept tokens with halos, and the distinct words in them. See `_blocks.pyi`."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free

from kerazoo_ext._source cimport kz_source, source_of

cdef extern from "blocks.h" nogil:
    ctypedef struct kz_block_span:
        int64_t tokens
        int64_t first
        int64_t end
    int kz_make_block(
        const kz_source *, int64_t, int64_t, int64_t, int64_t, int32_t *, int32_t *, int32_t *, kz_block_span *
    ) noexcept
    int64_t kz_unique(
        const int32_t *, int64_t, const int32_t *, int64_t, uint64_t *, int32_t *, int64_t, int32_t *, int64_t,
        int32_t *, int32_t *
    ) noexcept


def make(
    const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys,
    int window, bint shrink, int max_contexts, long long chunk, long long skip, long long first,
    int[::1] block, int[::1] left, int[::1] right,
):
    cdef kz_source source = source_of(ids, offsets, keep, keys, window, shrink, max_contexts)
    cdef Py_ssize_t size = left.shape[0]
    cdef kz_block_span span
    cdef int failed
    if size < 1 or right.shape[0] != size or block.shape[0] != size + 2 * <Py_ssize_t> window:
        raise ValueError("left and right must be of one length >= 1, and block 2 * window longer")
    if chunk < 0 or skip < 0 or first < 0:
        raise ValueError("chunk, skip and first must be >= 0")
    block[:] = 0
    left[:] = 0
    right[:] = 0
    with nogil:
        failed = kz_make_block(
            &source, chunk, skip, first, size, <int32_t *> &block[0], <int32_t *> &left[0], <int32_t *> &right[0], &span
        )
    if failed:
        raise MemoryError
    return span.tokens, span.first, span.end


def unique(
    const int[::1] a, const int[::1] b, long long n_values, int[::1] values, int[::1] places_a, int[::1] places_b,
):
    cdef int64_t n_words = (n_values + 63) // 64, found
    cdef uint64_t *bits
    cdef const int32_t *second = NULL
    cdef int32_t *second_places = NULL
    if n_values < 1 or a.shape[0] < 1 or places_a.shape[0] != a.shape[0] or places_b.shape[0] != b.shape[0]:
        raise ValueError("there must be values, and as many places as values")
    if values.shape[0] < min(n_values, a.shape[0] + b.shape[0]):
        raise ValueError("values has no room for as many distinct values as there may be")
    if b.shape[0]:
        second = <const int32_t *> &b[0]
        second_places = <int32_t *> &places_b[0]
    with nogil:
        bits = <uint64_t *> calloc(n_words, sizeof(uint64_t) + sizeof(int32_t))
        if bits != NULL:
            found = kz_unique(
                <const int32_t *> &a[0], a.shape[0], second, b.shape[0], bits, <int32_t *> (bits + n_words), n_words,
                <int32_t *> &values[0], values.shape[0], <int32_t *> &places_a[0], second_places,
            )
            free(bits)
    if bits == NULL:
        raise MemoryError
    return found
