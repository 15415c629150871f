"""In-place training of word2vec, vectorised for several instruction sets. See `_word2vec.pyi`."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from kerazoo_ext._source cimport kz_source, source_of
from kerazoo_ext._use cimport begin_change, kz_end_change, kz_use

cdef extern from "word2vec.h" nogil:
    enum: KZ_GROUP
    ctypedef struct kz_job:
        kz_source source
        const uint64_t *alias_table
        uint64_t n_words
        uint64_t noise_key
        float *inputs
        const int64_t *part_offsets
        const int32_t *parts
        const int64_t *distinct_ends
        int64_t span
        float *outputs
        float *biases
        const float *log_expected
        float logit_offset
        float *nodes
        const int64_t *path_offsets
        const int32_t *paths
        int64_t longest_path
        int cbow
        int mean
        int64_t size
        int64_t stride
        int64_t reach
        int64_t group
        int64_t n_noise
        float noise_weight
        int softmax
        int remove_hits
        int64_t held
        int64_t measured_every
        double alpha
        double min_alpha
        int64_t words_before
        int64_t words
        int64_t *words_done
    ctypedef struct kz_sums:
        double loss
        int64_t measured
        int64_t pairs
    ctypedef struct kz_scratch:
        void *memory
    int kz_widest() noexcept
    int kz_make_scratch(kz_scratch *, const kz_job *, int) noexcept
    int kz_train(const kz_job *, int, kz_scratch *, int64_t, int64_t, kz_sums *) noexcept
    void kz_end_training(const kz_job *, int, kz_scratch *) noexcept

INSTRUCTION_SETS = ("plain", "avx2", "avx512", "avx512_bf16")


def widest():
    return INSTRUCTION_SETS[kz_widest()]


cdef float *rows_of(float[:, ::1] table, str name, Py_ssize_t n_rows, Py_ssize_t size) except NULL:
    if n_rows < 1 or table.shape[0] != n_rows or table.shape[1] != (size + 15) // 16 * 16:
        raise ValueError(f"{name} must have {n_rows} rows as long as the vectors, rounded up to 16 floats")
    if <size_t> &table[0, 0] % 64:
        raise ValueError(f"{name} must be aligned to 64 bytes")
    return &table[0, 0]


cdef class Trainer:
    cdef kz_job job
    cdef kz_scratch scratch
    cdef int which
    cdef long long n_tokens
    cdef kz_use use
    cdef tuple kept

    def __init__(
        self, const int[::1] ids, const long long[::1] offsets, keep, const unsigned long long[::1] keys, int window, bint shrink,
        *, float[:, ::1] inputs, const unsigned long long[::1] alias_table, outputs, biases, log_expected, nodes,
        path_offsets, paths, int longest_path, bint cbow, bint mean, int size, int reach, int group, int n_noise, float noise_weight,
        bint remove_hits, int measured_every, double alpha, double min_alpha, long long words_before, long long words,
        long long[::1] words_done, str instruction_set, part_offsets=None, parts=None,
        distinct_ends=None, int span=1, bint softmax=False, int held=0, float logit_offset=0,
    ):
        if self.kept is not None:
            raise RuntimeError("a trainer can be made only once")
        cdef kz_job *job = &self.job
        cdef float[::1] bias_values
        cdef const float[::1] expected_values
        cdef const long long[::1] path_bounds
        cdef const int[::1] path_values
        cdef int which = INSTRUCTION_SETS.index(instruction_set)
        cdef const long long[::1] part_bounds, part_ends
        cdef const int[::1] part_values
        cdef Py_ssize_t n_words = alias_table.shape[0]
        job.source = source_of(ids, offsets, keep, keys, window, shrink, 0)
        if n_words < 1 or size < 1 or keys.shape[0] < 3 or words_done.shape[0] != 1:
            raise ValueError("there must be a word, a vector size, 3 keys and one count of words")
        if not 1 <= group <= KZ_GROUP:
            raise ValueError(f"group must be from 1 to {KZ_GROUP}")
        if held < 0:
            raise ValueError("held must be at least 0")
        if n_noise < 0 or n_noise % 16 or not 1 <= reach <= window or words < 1 or measured_every < 1:
            raise ValueError("n_noise must be a multiple of 16, reach from 1 to window, words and measured_every at least 1")
        if which > kz_widest():
            raise ValueError(f"this CPU has no {instruction_set}")
        job.alias_table = <const uint64_t *> &alias_table[0]
        job.n_words = n_words
        job.noise_key = keys[2]
        job.part_offsets = NULL
        job.parts = NULL
        job.distinct_ends = NULL
        job.span = span
        if parts is not None:
            part_bounds, part_values, part_ends = part_offsets, parts, distinct_ends
            if part_bounds.shape[0] != n_words + 1 or part_bounds[0] != 0 or part_bounds[n_words] != part_values.shape[0]:
                raise ValueError("part_offsets must rise from 0 to the number of parts, one more than there are words")
            if span < 1 or part_values.shape[0] < n_words or part_ends.shape[0] != n_words:
                raise ValueError("span must be at least 1, and every word must have a part and an end of its distinct parts")
            job.part_offsets = <const int64_t *> &part_bounds[0]
            job.parts = <const int32_t *> &part_values[0]
            job.distinct_ends = <const int64_t *> &part_ends[0]
        job.inputs = rows_of(inputs, "inputs", inputs.shape[0] if parts is not None else n_words, size)
        job.outputs = rows_of(outputs, "outputs", n_words, size) if n_noise else NULL
        job.logit_offset = logit_offset
        job.biases = NULL
        job.log_expected = NULL
        if biases is not None:
            bias_values, expected_values = biases, log_expected
            if bias_values.shape[0] != n_words or expected_values.shape[0] != n_words:
                raise ValueError("biases and log_expected must have one element per word")
            job.biases = &bias_values[0]
            job.log_expected = &expected_values[0]
        job.nodes = NULL  # also for a vocabulary of one word, which has no inner node
        job.path_offsets = NULL
        job.paths = NULL
        job.longest_path = 0
        if nodes is not None and n_words > 1:
            job.nodes = rows_of(nodes, "nodes", n_words - 1, size)
            job.longest_path = longest_path
            path_bounds, path_values = path_offsets, paths
            if path_bounds.shape[0] != n_words + 1 or path_bounds[0] != 0 or path_bounds[n_words] != path_values.shape[0]:
                raise ValueError("path_offsets must rise from 0 to the number of paths, one more than there are words")
            if longest_path < 0:
                raise ValueError("longest_path must be the length of the longest path")
            job.path_offsets = <const int64_t *> &path_bounds[0]
            job.paths = <const int32_t *> &path_values[0]
        job.cbow = cbow
        job.mean = mean
        job.size = size
        job.stride = inputs.shape[1]
        job.reach = reach
        job.group = group
        job.n_noise = n_noise
        job.noise_weight = noise_weight
        job.softmax = softmax
        job.remove_hits = remove_hits
        job.measured_every = measured_every
        job.held = held
        job.alpha = alpha
        job.min_alpha = min_alpha
        job.words_before = words_before
        job.words = words
        job.words_done = <int64_t *> &words_done[0]
        self.kept = (ids, offsets, keep, keys, inputs, alias_table, outputs, biases, log_expected, nodes, path_offsets, paths,
                     words_done, part_offsets, parts, distinct_ends)  # the job has pointers to them
        self.which, self.n_tokens = which, ids.shape[0]
        if kz_make_scratch(&self.scratch, job, self.which):
            raise MemoryError

    def train(self, long long begin, long long end):
        cdef kz_sums sums
        cdef int failed
        if begin < 0 or begin % 256 or end < begin or end > self.n_tokens:
            raise ValueError("begin must be the start of a chunk, and end lie in the corpus")
        sums.loss = 0
        sums.measured = sums.pairs = 0
        begin_change(&self.use, "a trainer")
        try:
            if self.scratch.memory is NULL:
                raise RuntimeError("this trainer is closed")
            with nogil:
                failed = kz_train(&self.job, self.which, &self.scratch, begin, end, &sums)
        finally:
            kz_end_change(&self.use)
        if failed:
            raise MemoryError
        return sums.loss, sums.measured, sums.pairs

    def close(self):
        begin_change(&self.use, "a trainer")
        try:
            if self.scratch.memory is not NULL:
                with nogil:
                    kz_end_training(&self.job, self.which, &self.scratch)
        finally:
            kz_end_change(&self.use)

    def __dealloc__(self):
        if self.scratch.memory is not NULL:
            kz_end_training(&self.job, self.which, &self.scratch)
