"""Skip-gram pairs, and the plan that allows every batch to be made independently. See `_pairs.pyi`."""

from libc.stdint cimport int32_t, int64_t

from kerazoo_ext._source cimport KZ_CHUNK, kz_source, source_of

cdef extern from "pairs.h" nogil:
    int64_t kz_make_pairs(const kz_source *, int64_t, int64_t, int64_t, int32_t *, int32_t *) noexcept
    int kz_count(const kz_source *, int64_t *, int64_t *) noexcept

CHUNK = KZ_CHUNK


def count(
    const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys,
    int window, bint shrink, int max_contexts, long long[::1] pairs, long long[::1] kept,
):
    cdef kz_source source = source_of(ids, offsets, keep, keys, window, shrink, max_contexts)
    cdef Py_ssize_t n_chunks = (ids.shape[0] + KZ_CHUNK - 1) // KZ_CHUNK
    cdef int failed
    if pairs.shape[0] != n_chunks or kept.shape[0] != n_chunks:
        raise ValueError(f"pairs and kept must have {n_chunks} elements")
    if n_chunks == 0:
        return
    pairs[:] = 0
    kept[:] = 0
    with nogil:
        failed = kz_count(&source, <int64_t *> &pairs[0], <int64_t *> &kept[0])
    if failed:
        raise MemoryError


def make(
    const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys,
    int window, bint shrink, int max_contexts, long long chunk, long long skip, int[::1] context, int[::1] centre,
):
    cdef kz_source source = source_of(ids, offsets, keep, keys, window, shrink, max_contexts)
    cdef int64_t done
    if context.shape[0] != centre.shape[0] or chunk < 0 or skip < 0:
        raise ValueError("context and centre must be of one length; chunk and skip must be >= 0")
    if context.shape[0] == 0:
        return 0
    with nogil:
        done = kz_make_pairs(
            &source, chunk, skip, context.shape[0], <int32_t *> &context[0], <int32_t *> &centre[0]
        )
    if done < 0:
        raise MemoryError
    return done
