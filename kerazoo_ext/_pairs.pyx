"""Skip-gram pairs, and the plan that makes every batch of them reachable on its own. See `_pairs.pyi`."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "pairs.h" nogil:
    enum: KZ_CHUNK
    ctypedef struct kz_source:
        const int32_t *ids
        const int64_t *offsets
        int64_t n_documents
        int64_t n_tokens
        const uint32_t *keep
        uint64_t key
        uint64_t skip_key
        int32_t window
        int32_t shrink
        int32_t max_contexts
    int64_t kz_make_pairs(const kz_source *, int64_t, int64_t, int64_t, int32_t *, int32_t *) noexcept
    int kz_count(const kz_source *, int64_t *, int64_t *) noexcept

CHUNK = KZ_CHUNK


cdef kz_source source_of(
    const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys,
    int window, bint shrink, int max_contexts,
) except *:
    cdef kz_source source
    cdef const unsigned int[::1] thresholds
    if offsets.shape[0] < 2 or offsets[0] != 0 or offsets[offsets.shape[0] - 1] != ids.shape[0]:
        raise ValueError("offsets must start at 0 and end at len(ids)")
    if window < 1 or max_contexts < 0 or keys.shape[0] < 2:
        raise ValueError("window must be >= 1, max_contexts >= 0, and there must be two keys")
    source.ids = <const int32_t *> (&ids[0] if ids.shape[0] else NULL)
    source.offsets = <const int64_t *> &offsets[0]
    source.n_documents = offsets.shape[0] - 1
    source.n_tokens = ids.shape[0]
    source.keep = NULL
    if keep is not None:
        thresholds = keep
        if thresholds.shape[0]:
            source.keep = <const uint32_t *> &thresholds[0]
    source.key = keys[0]
    source.skip_key = keys[1]
    source.window = window
    source.shrink = shrink
    source.max_contexts = max_contexts
    return source


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
