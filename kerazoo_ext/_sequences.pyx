"""Windows over series of any dtype. See `_sequences.pyi`."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from libc.string cimport memcpy


cdef bint copy_windows(
    const unsigned long long *addresses, const long long *lengths, const long long *firsts, int64_t n_series,
    const long long *numbers, int64_t n, int64_t stride, int64_t shift, int64_t length, size_t row, unsigned char *out,
) noexcept nogil:
    cdef int64_t i, low = 0, high, middle, number, start
    for i in range(n):
        number = numbers[i]
        if not 0 <= number < firsts[n_series]:
            return False
        # Windows are mostly consecutive: try the series of the previous one before searching.
        if not firsts[low] <= number < firsts[low + 1]:
            low = 0
            high = n_series
            while high - low > 1:
                middle = low + (high - low) // 2
                if firsts[middle] <= number:
                    low = middle
                else:
                    high = middle
        start = (number - firsts[low]) * stride + shift
        # Addresses are trusted, steps are checked: a wrong one would read out of bounds.
        if start + length > lengths[low]:
            return False
        memcpy(
            out + <size_t> (i * length) * row,
            <const unsigned char *> <size_t> addresses[low] + <size_t> start * row,
            <size_t> length * row,
        )
    return True


def gather(
    const unsigned long long[::1] addresses, const long long[::1] lengths, const long long[::1] firsts,
    const long long[::1] numbers, long long stride, long long shift, long long length, long long row,
    unsigned char[::1] out,
):
    cdef Py_ssize_t n_series = addresses.shape[0], n = numbers.shape[0]
    cdef bint inside
    if stride < 1 or shift < 0 or length < 1 or row < 1 or out.shape[0] != n * length * row:
        raise ValueError("stride, length and row must be >= 1, and out must have n * length * row bytes")
    if n_series < 1 or lengths.shape[0] != n_series or firsts.shape[0] != n_series + 1 or firsts[0] != 0:
        raise ValueError("there must be a length for each series, and one first window more")
    if n == 0:
        return
    with nogil:
        inside = copy_windows(
            &addresses[0], &lengths[0], &firsts[0], n_series, &numbers[0], n, stride, shift, length, <size_t> row, &out[0]
        )
    if not inside:
        raise ValueError("a window reaches beyond its series")
