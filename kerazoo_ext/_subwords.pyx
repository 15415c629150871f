"""Buckets of the character n-grams of words. See `_subwords.pyi`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

cdef extern from "subwords.h" nogil:
    int64_t kz_ngrams(const uint8_t *, int64_t, int64_t, int64_t, uint32_t, int32_t *) noexcept
    void kz_means(const float *, const float *, const int64_t *, const int32_t *, int64_t, int64_t, double *, float *) noexcept


def count(const unsigned char[::1] text, const long long[::1] ends, int min_n, int max_n, long long[::1] counts):
    cdef Py_ssize_t word, n_words = counts.shape[0]
    cdef const uint8_t *bytes_of
    check(text, ends, n_words, min_n, max_n)
    if not n_words:
        return
    bytes_of = <const uint8_t *> &text[0] if text.shape[0] else <const uint8_t *> &ends[0]
    with nogil:
        for word in range(n_words):
            counts[word] = kz_ngrams(bytes_of + ends[word], ends[word + 1] - ends[word], min_n, max_n, 1, NULL)


def hash_ngrams(
    const unsigned char[::1] text, const long long[::1] ends, int min_n, int max_n, unsigned int bucket,
    const long long[::1] offsets, int[::1] buckets,
):
    cdef Py_ssize_t word, n_words = offsets.shape[0] - 1
    cdef const uint8_t *bytes_of
    check(text, ends, n_words, min_n, max_n)
    if not 1 <= bucket < 2**31:
        raise ValueError("bucket must be from 1 to 2^31 - 1")
    if offsets[0] != 0 or offsets[n_words] != buckets.shape[0]:
        raise ValueError("offsets must start at 0 and end at len(buckets)")
    if not buckets.shape[0]:
        return
    bytes_of = <const uint8_t *> &text[0] if text.shape[0] else <const uint8_t *> &ends[0]
    with nogil:
        for word in range(n_words):
            if offsets[word + 1] > offsets[word]:
                kz_ngrams(
                    bytes_of + ends[word], ends[word + 1] - ends[word], min_n, max_n, bucket,
                    <int32_t *> &buckets[offsets[word]],
                )


def means(
    const float[:, ::1] own, const float[:, ::1] ngrams, const long long[::1] offsets, const int[::1] rows, float[:, ::1] out
):
    cdef Py_ssize_t n_words = own.shape[0], size = own.shape[1]
    cdef double *sums
    if ngrams.shape[1] != size or out.shape[0] != n_words or out.shape[1] != size:
        raise ValueError("own, ngrams and out must have vectors of one size, and out a row per word")
    if offsets.shape[0] != n_words + 1 or offsets[0] != 0 or offsets[n_words] != rows.shape[0]:
        raise ValueError("offsets must start at 0, end at len(rows) and have one element more than there are words")
    if rows.shape[0] and not ngrams.shape[0]:
        raise ValueError("rows must be of ngrams, which has none")
    if not n_words or not size:
        return
    sums = <double *> malloc(size * sizeof(double))
    if not sums:
        raise MemoryError
    with nogil:
        kz_means(
            &own[0, 0], &ngrams[0, 0] if ngrams.shape[0] else NULL, <const int64_t *> &offsets[0],
            <const int32_t *> &rows[0] if rows.shape[0] else NULL, n_words, size, sums, &out[0, 0],
        )
        free(sums)


cdef int check(
    const unsigned char[::1] text, const long long[::1] ends, Py_ssize_t n_words, int min_n, int max_n
) except -1:
    if ends.shape[0] != n_words + 1 or n_words < 0 or ends[0] != 0 or ends[n_words] != text.shape[0]:
        raise ValueError("ends must start at 0, end at len(text) and have one element more than there are words")
    if min_n < 0 or max_n < 0:
        raise ValueError("min_n and max_n must be >= 0")
    return 0
