"""Lists of tokens to word ids: Python objects in, arrays out. See `_token_lists.pyi`.

Tokens are borrowed from their list, as long as no other thread can change it: with the GIL, until Python code runs, after
which the list is checked. Without the GIL (free-threaded Python) they are borrowed from a tuple that is made of the list.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import numpy as np

from kerazoo_ext._use cimport begin_change, kz_end_change, kz_use

cdef extern from "Python.h":
    PyObject *PyErr_Occurred()
    void PyErr_Clear()
    int PyErr_ExceptionMatches(object)
    long PyLong_AsLong(PyObject *) except? -1
    Py_ssize_t PySequence_Fast_GET_SIZE(object)
    PyObject **PySequence_Fast_ITEMS(object)
    int64_t hash_of "PyObject_Hash"(PyObject *) except? -1

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define kz_prefetch_object(object) __builtin_prefetch(object)
    #else
    #define kz_prefetch_object(object) ((void)(object))
    #endif
    """
    void prefetch "kz_prefetch_object"(PyObject *) noexcept nogil

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define kz_held(sequence) PySequence_Tuple(sequence)
    static PyObject *kz_find(PyObject *table, PyObject *token) {
        PyObject *found;
        return PyDict_GetItemRef(table, token, &found) == 1 ? found : NULL;
    }
    #define kz_release(found) Py_DECREF(found)
    #else
    #define kz_held(sequence) Py_NewRef(sequence)
    #define kz_find(table, token) PyDict_GetItemWithError(table, token)
    #define kz_release(found) ((void)(found))
    #endif
    """
    object held "kz_held"(object)  # a list or tuple whose items may be borrowed
    PyObject *find "kz_find"(dict, PyObject *)  # NULL if the token is missing, or with an error
    void release "kz_release"(PyObject *)


cdef inline bint changed(given, copy, Py_ssize_t n, PyObject **items):
    """Whether the list that a caller gave has changed; `copy` is what :func:`held` made of it."""
    return PySequence_Fast_GET_SIZE(given) != n or PySequence_Fast_ITEMS(copy) != items


cdef enum:
    AHEAD = 16  # tokens whose objects are fetched ahead: each is somewhere else in memory


class TokenError(TypeError):
    """A token that cannot be a word; `sentence` and `token` are its indices."""

    def __init__(self, int64_t sentence, int64_t token, str reason) -> None:
        super().__init__(reason)
        self.sentence, self.token = sentence, token


cdef class Buffer:
    """A growing array of int32, which keeps its memory."""

    cdef int32_t *values
    cdef int64_t size, capacity

    def __dealloc__(self):
        free(self.values)

    cdef int reserve(self, int64_t more) except -1:
        cdef int64_t wanted = self.size + more
        cdef void *memory
        if wanted > self.capacity:
            wanted = max(wanted, 2 * self.capacity, 1024)
            memory = realloc(self.values, wanted * sizeof(int32_t))
            if memory == NULL:
                raise MemoryError(f"no memory for {wanted} word ids")
            self.values = <int32_t *> memory
            self.capacity = wanted
        return 0

    cdef object taken(self):
        found = np.empty(self.size, np.int32)
        cdef int32_t[::1] view = found
        if self.size:
            memcpy(&view[0], self.values, self.size * sizeof(int32_t))
        return found


cdef int32_t new_word(dict table, object token, bint grow, int64_t sentence, int64_t index) except -2:
    """The id of a token that is not in the table, which gets one if the table may grow."""
    if PyErr_Occurred() != NULL:
        PyErr_Clear()
        raise TokenError(sentence, index, f"a token of type {type(token).__name__} cannot be hashed")
    if not grow:
        return -1
    cdef int64_t number = len(table)
    if number >= 2**31 - 1:
        raise OverflowError("more than 2**31 - 1 different words")
    if isinstance(token, str) and type(token) is not str:
        token = str(token)
    table[token] = number
    return <int32_t> number


def encode(sentences, dict table not None, bint grow):
    cdef Buffer ids = Buffer()
    cdef list ends = []
    cdef int64_t number = 0, n, i
    cdef PyObject **items
    cdef PyObject *found
    cdef int32_t id
    for sentence in sentences:
        if type(sentence) is not list and type(sentence) is not tuple:
            if not hasattr(sentence, "__len__"):
                raise TokenError(number, -1, f"a sentence of type {type(sentence).__name__}")
            sentence = list(sentence)
        copy = held(sentence)
        n = PySequence_Fast_GET_SIZE(copy)
        ids.reserve(n)
        items = PySequence_Fast_ITEMS(copy)
        for i in range(n):
            if i + AHEAD < n:
                prefetch(items[i + AHEAD])
            token = <object> items[i]  # held: its own __hash__ and __eq__ may change the sentence
            found = find(table, <PyObject *> token)
            if found != NULL:
                id = <int32_t> PyLong_AsLong(found)
                release(found)
            else:
                id = new_word(table, token, grow, number, i)
            if changed(sentence, copy, n, items):
                raise RuntimeError("a sentence changed while it was read")
            ids.values[ids.size] = id
            ids.size += 1
        ends.append(ids.size)
        number += 1
    return ids.taken(), np.array(ends, np.int64)


cdef int as_raised() except -1:
    """Raise the error that is set."""
    return -1


cdef bint is_word(object token):
    """Whether a token is a str, not empty, that UTF-8 can encode."""
    if not isinstance(token, str) or not token:
        return False
    if token.isascii():
        return True
    try:
        token.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


cdef class WordIds:
    cdef Buffer ids
    cdef readonly dict table
    cdef kz_use use

    def __cinit__(self):
        self.ids = Buffer()
        self.table = {}

    def __len__(self):
        return self.ids.size

    def add(self, document not None):
        if type(document) is not list and type(document) is not tuple:
            document = list(document)
        # A token's own __hash__ or __eq__ may run, and with it other threads, or this very method.
        begin_change(&self.use, "an object of word ids")
        try:
            return self.append(document, held(document))
        finally:
            kz_end_change(&self.use)

    cdef int64_t append(self, document, copy) except -1:
        cdef dict table = self.table
        cdef Buffer ids = self.ids
        cdef int64_t n = PySequence_Fast_GET_SIZE(copy), i
        cdef PyObject **items = PySequence_Fast_ITEMS(copy)
        cdef PyObject *found
        cdef int32_t id
        ids.reserve(n)
        for i in range(n):
            if i + AHEAD < n:
                prefetch(items[i + AHEAD])
            token = <object> items[i]  # held: its own __hash__ and __eq__ may change the document
            found = find(table, <PyObject *> token)
            if found != NULL:
                id = <int32_t> PyLong_AsLong(found)
                release(found)
            else:
                if PyErr_Occurred() != NULL:
                    if isinstance(token, str) or not PyErr_ExceptionMatches(TypeError):
                        as_raised()  # by its own __hash__ or __eq__
                    PyErr_Clear()
                    raise TokenError(-1, i, f"a token of type {type(token).__name__} cannot be hashed")
                if not is_word(token):
                    raise TokenError(-1, i, "a token that is no word")
                id = new_word(table, token, True, -1, i)
            if changed(document, copy, n, items):
                raise RuntimeError("a document changed while it was read")
            ids.values[ids.size] = id
            ids.size += 1
        return n

    def take(self):
        begin_change(&self.use, "an object of word ids")
        try:
            found = self.ids.taken()
            self.ids.size = 0
            return found
        finally:
            kz_end_change(&self.use)


def fingerprint(sentences):
    cdef uint64_t state = 0x243F6A8885A308D3
    cdef int64_t n, i
    cdef PyObject **items
    for sentence in sentences:
        if type(sentence) is not list and type(sentence) is not tuple:
            return None
        copy = held(sentence)
        n = PySequence_Fast_GET_SIZE(copy)
        items = PySequence_Fast_ITEMS(copy)
        state = (state ^ <uint64_t> n) * 0x9E3779B97F4A7C15ULL
        state ^= state >> 29
        for i in range(n):
            token = <object> items[i]
            state = (state ^ <uint64_t> hash_of(<PyObject *> token)) * 0xBF58476D1CE4E5B9ULL
            state ^= state >> 32
            if changed(sentence, copy, n, items):
                return None
    return state


def remap(int32_t[::1] ids, const int32_t[::1] mapping, int64_t[::1] ends):
    cdef int64_t n = ids.shape[0], n_ends = ends.shape[0], n_mapped = mapping.shape[0], i = 0, kept = 0, k
    cdef int32_t id
    if n_ends and ends[n_ends - 1] != n:
        raise ValueError("ends must rise to the number of ids")
    with nogil:
        for k in range(n_ends):
            while i < ends[k]:
                id = ids[i]
                if id >= 0 and n_mapped:
                    id = mapping[id]
                if id >= 0:
                    ids[kept] = id
                    kept += 1
                i += 1
            ends[k] = kept
    return kept
