"""Windows over a panel of series, drawn at random and scaled one by one. See `_panel_windows.pyi`."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "panel_windows.h" nogil:
    enum:
        KZ_VALUES
        KZ_LOGARITHMS
        KZ_COUNTS
        KZ_WINDOW_FEATURES
        KZ_WINDOW_TARGETS
    ctypedef struct kz_window_panel:
        const double *values
        const int64_t *offsets
        const uint8_t *kinds
        int64_t lookback
        int64_t horizon
        double least_unit
    void kz_draw_window(
        const int64_t *, const int64_t *, int64_t, int64_t, int64_t, uint64_t, uint64_t, int64_t *, int64_t *
    ) noexcept
    void kz_fill_window(const kz_window_panel *, int64_t, int64_t, float *, float *, double *, double *) noexcept

VALUES = KZ_VALUES
LOGARITHMS = KZ_LOGARITHMS
COUNTS = KZ_COUNTS
FEATURES = KZ_WINDOW_FEATURES
TARGETS = KZ_WINDOW_TARGETS


cdef bint rises(const int64_t[::1] offsets, Py_ssize_t n_values):
    cdef Py_ssize_t s, n = offsets.shape[0] - 1
    if n < 0 or offsets[0] != 0 or (n_values >= 0 and offsets[n] != n_values):
        return False
    for s in range(n):
        if offsets[s + 1] < offsets[s]:
            return False
    return True


def draw(
    const int64_t[::1] offsets, const int64_t[::1] eligible, int64_t history, int64_t future, uint64_t key,
    uint64_t position, int64_t[::1] series, int64_t[::1] ends,
):
    cdef Py_ssize_t i, s, n = series.shape[0], n_eligible = eligible.shape[0]
    if ends.shape[0] != n or history < 0 or future < 0:
        raise ValueError("series and ends must be of one length, history and future >= 0")
    if not rises(offsets, -1):
        raise ValueError("offsets must rise from 0")
    if n == 0:
        return
    if not 1 <= n_eligible < 1LL << 32:
        raise ValueError("there must be 1 to 2^32 - 1 eligible series")
    for i in range(n_eligible):
        s = eligible[i]
        if not 0 <= s < offsets.shape[0] - 1:
            raise ValueError(f"series {s} of {offsets.shape[0] - 1} is eligible")
        if not history + future <= offsets[s + 1] - offsets[s] < 1LL << 32:
            raise ValueError(f"series {s} is eligible and has no window, or too many")
    with nogil:
        for i in range(n):
            kz_draw_window(
                &offsets[0], &eligible[0], n_eligible, history, future, key, position + <uint64_t> i, &series[i], &ends[i]
            )


def fill(
    const double[::1] values, const int64_t[::1] offsets, const uint8_t[::1] kinds, double least_unit,
    const int64_t[::1] series, const int64_t[::1] ends, float[:, :, ::1] inputs, float[:, :, ::1] targets,
    double[::1] centres, double[::1] scales,
):
    cdef kz_window_panel panel
    cdef Py_ssize_t i, n = series.shape[0], n_series = offsets.shape[0] - 1, horizon = targets.shape[1]
    cdef double no_value = 0.0
    cdef float no_target = 0.0
    if not rises(offsets, values.shape[0]) or kinds.shape[0] != n_series:
        raise ValueError("offsets must rise from 0 to the number of values, with a kind for each series")
    if inputs.shape[0] != n or inputs.shape[1] < 1 or inputs.shape[2] != KZ_WINDOW_FEATURES:
        raise ValueError(f"inputs must have the shape (windows, lookback, {KZ_WINDOW_FEATURES})")
    if targets.shape[0] != n or targets.shape[2] != KZ_WINDOW_TARGETS:
        raise ValueError(f"targets must have the shape (windows, horizon, {KZ_WINDOW_TARGETS})")
    if ends.shape[0] != n or centres.shape[0] != n or scales.shape[0] != n:
        raise ValueError("ends, centres and scales must have an element for each window")
    if not 0.0 < least_unit < 1e300:
        raise ValueError("least_unit must be > 0")
    for i in range(n_series):
        if kinds[i] > KZ_COUNTS:
            raise ValueError(f"kind {kinds[i]} is unknown; kinds must be 0, 1 or 2")
    for i in range(n):
        if not 0 <= series[i] < n_series:
            raise ValueError(f"series {series[i]} of {n_series}")
        if not 0 <= ends[i] <= offsets[series[i] + 1] - offsets[series[i]]:
            raise ValueError(f"a window ends at {ends[i]}, outside its series")
    if n == 0:
        return
    panel.values = &values[0] if values.shape[0] else &no_value
    panel.offsets = &offsets[0]
    panel.kinds = &kinds[0]
    panel.lookback = inputs.shape[1]
    panel.horizon = horizon
    panel.least_unit = least_unit
    with nogil:
        for i in range(n):
            kz_fill_window(
                &panel, series[i], ends[i], &inputs[i, 0, 0], &targets[i, 0, 0] if horizon else &no_target,
                &centres[i], &scales[i],
            )
