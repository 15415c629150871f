"""Changes of rows as they go between workers. See `_exchange.pyi`."""

from libc.stdint cimport int32_t, int64_t, uint16_t

cdef extern from "exchange.h" nogil:
    void kz_pack_change(const float *now, const float *base, uint16_t *out, int64_t n) noexcept
    void kz_pack(const float *values, uint16_t *out, int64_t n) noexcept
    void kz_count(const int32_t *ids, int64_t n, int32_t *counts) noexcept
    void kz_add_packed(float *total, const uint16_t *sent, int64_t n) noexcept
    void kz_apply_packed(float *base, float *now, const uint16_t *change, int64_t n) noexcept
    void kz_scale(
        float *projected, const float *values, float updates, float workers, float flat, int64_t n
    ) noexcept



cdef int check(str name, const float[:, :] table, Py_ssize_t rows, Py_ssize_t width) except -1:
    """Rows of tables are padded, so only their last axis must be contiguous."""
    if table.shape[0] != rows or table.shape[1] < width:
        raise ValueError(f"{name} has the shape ({table.shape[0]}, {table.shape[1]}); expected ({rows}, {width})")
    if table.strides[1] != sizeof(float) and table.shape[1] > 1:
        raise ValueError(f"the last axis of {name} is not contiguous")
    return 0


def pack_change(const float[:, :] now, const float[:, :] base, uint16_t[:, ::1] out):
    cdef Py_ssize_t row, rows = out.shape[0], width = out.shape[1]
    check("now", now, rows, width)
    check("base", base, rows, width)
    if not width:
        return
    with nogil:
        for row in range(rows):
            kz_pack_change(&now[row, 0], &base[row, 0], &out[row, 0], width)


def pack(const float[:, :] values, uint16_t[:, ::1] out):
    cdef Py_ssize_t row, rows = out.shape[0], width = out.shape[1]
    check("values", values, rows, width)
    if not width:
        return
    with nogil:
        for row in range(rows):
            kz_pack(&values[row, 0], &out[row, 0], width)


def add_packed(float[:, :] total, const uint16_t[:, ::1] sent):
    cdef Py_ssize_t row, rows = sent.shape[0], width = sent.shape[1]
    check("total", total, rows, width)
    if not width:
        return
    with nogil:
        for row in range(rows):
            kz_add_packed(&total[row, 0], &sent[row, 0], width)


def count(const int32_t[::1] ids, int32_t[::1] counts):
    if ids.shape[0]:
        with nogil:
            kz_count(&ids[0], ids.shape[0], &counts[0])


def apply_packed(float[:, :] base, float[:, :] now, const uint16_t[:, ::1] change):
    cdef Py_ssize_t row, rows = change.shape[0], width = change.shape[1]
    check("base", base, rows, width)
    check("now", now, rows, width)
    if not width:
        return
    with nogil:
        for row in range(rows):
            kz_apply_packed(&base[row, 0], &now[row, 0], &change[row, 0], width)


def scale(
    float[:, ::1] projected,
    const float[::1] values,
    const float[::1] updates,
    const float[::1] workers,
    float flat,
):
    cdef Py_ssize_t row, rows = projected.shape[0], width = projected.shape[1]
    if values.shape[0] != width or updates.shape[0] != rows or workers.shape[0] != rows:
        raise ValueError(
            f"values, updates and workers have the lengths {values.shape[0]}, {updates.shape[0]} and "
            f"{workers.shape[0]}; expected {width}, {rows} and {rows}"
        )
    if not width:
        return
    with nogil:
        for row in range(rows):
            kz_scale(&projected[row, 0], &values[0], updates[row], workers[row], flat, width)
