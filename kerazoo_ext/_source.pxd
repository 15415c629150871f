"""The C struct of a token corpus and its window settings, shared by `_pairs`, `_blocks` and `_word2vec`."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "windows.h" nogil:
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


cdef inline kz_source source_of(
    const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys,
    int window, bint shrink, int max_contexts,
) except *:
    cdef kz_source source
    cdef const unsigned int[::1] thresholds
    if offsets.shape[0] < 2 or offsets[0] != 0 or offsets[offsets.shape[0] - 1] != ids.shape[0]:
        raise ValueError("offsets must start at 0 and end at len(ids)")
    if window < 1 or max_contexts < 0 or keys.shape[0] < 2:
        raise ValueError("window must be >= 1, max_contexts >= 0, and there must be two keys")
    source.ids = <const int32_t *> &ids[0] if ids.shape[0] else NULL
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
