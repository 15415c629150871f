"""Random permutations without a table. See `_order.pyi`."""

from libc.stdint cimport uint64_t

cdef extern from "permutation.h" nogil:
    uint64_t kz_permute(uint64_t value, uint64_t n, uint64_t key) noexcept


def permute_one(long long index, long long n, unsigned long long key):
    if not 0 <= index < n:
        raise ValueError(f"index {index} is out of range for {n} elements")
    return <long long> kz_permute(<uint64_t> index, <uint64_t> n, key)


def permute(long long first, long long n, unsigned long long key, long long[::1] out):
    cdef Py_ssize_t i
    if first < 0 or first > n - out.shape[0]:  # a sum could be beyond 2^63
        raise ValueError(f"{out.shape[0]} elements from {first} on are out of range for {n} elements")
    with nogil:
        for i in range(out.shape[0]):
            out[i] = <long long> kz_permute(<uint64_t> (first + i), <uint64_t> n, key)
