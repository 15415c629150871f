"""Statistics of the series of a panel: fits, rolling origins and forecasts. See `_statistics.pyi`."""

from libc.stdint cimport int64_t

cdef extern from "statistics.h" nogil:
    enum:
        KZ_CANDIDATES
        KZ_PARAMETERS
        KZ_SEASONS
    ctypedef struct kz_panel:
        const double *values
        const int64_t *offsets
        int64_t horizon
        int64_t n_backs
        const int64_t *backs
        int n_seasons
        const double *periods
        double floor
        double ceiling
        int rolled_iterations
        double *forecasts
        double *rolled
        double *criteria
        double *parameters
        double *fitted
        int64_t n_values
    ctypedef struct kz_work:
        pass
    int kz_reserve(kz_work *, const kz_panel *, int64_t) noexcept
    void kz_release(kz_work *) noexcept
    void kz_fit_series(const kz_panel *, kz_work *, int64_t) noexcept

CANDIDATES = (
    "naive", "seasonal_naive", "mean", "ses", "holt", "damped", "log_ses", "log_holt", "log_damped",
    "ets_ana", "ets_aaa", "ets_aada", "log_ets_ana", "log_ets_aaa", "log_ets_aada", "ets", "theta",
    "level_ar", "ar", "log_ar", "seasonal_ar", "log_seasonal_ar",
)
PARAMETERS = KZ_PARAMETERS
MAX_SEASONS = KZ_SEASONS

assert len(CANDIDATES) == KZ_CANDIDATES


def fit(
    const double[::1] values, const int64_t[::1] offsets, Py_ssize_t first, Py_ssize_t last, const double[::1] periods,
    const int64_t[::1] backs, Py_ssize_t horizon, double floor, double ceiling, int rolled_iterations,
    double[:, :, ::1] forecasts, double[:, :, :, ::1] rolled, double[:, :, ::1] criteria, double[:, :, ::1] parameters,
    double[:, ::1] fitted,
):
    cdef kz_panel panel
    cdef kz_work work
    cdef Py_ssize_t s, j, n = offsets.shape[0] - 1, n_backs = backs.shape[0]
    cdef int64_t longest = 0, none = 0
    cdef double nothing = 0.0
    cdef int failed
    if n < 0 or not 0 <= first <= last <= n:
        raise ValueError(f"first={first}, last={last} of {n} series")
    if n and (offsets[0] != 0 or offsets[n] != values.shape[0]):
        raise ValueError("offsets must rise from 0 to the number of values")
    for s in range(n):
        if offsets[s + 1] < offsets[s]:
            raise ValueError("offsets must rise from 0 to the number of values")
    for s in range(first, last):
        longest = max(longest, offsets[s + 1] - offsets[s])
    if not 1 <= horizon <= 1 << 30 or rolled_iterations < 0 or not floor <= ceiling:
        raise ValueError("horizon must be at least 1, rolled_iterations at least 0, floor at most ceiling")
    if periods.shape[0] > KZ_SEASONS:
        raise ValueError(f"{periods.shape[0]} seasons; at most {KZ_SEASONS}")
    for j in range(periods.shape[0]):
        if not 2.0 <= periods[j] <= 1e8 or (j and not periods[j] > periods[j - 1]):
            raise ValueError("periods must be at least 2 and rise")
    for j in range(n_backs):
        if backs[j] < 1:
            raise ValueError("backs must be at least 1")
    if forecasts.shape[0] != n or forecasts.shape[1] != KZ_CANDIDATES or forecasts.shape[2] != horizon:
        raise ValueError("forecasts must have the shape (series, candidates, horizon)")
    if (rolled.shape[0] != n or rolled.shape[1] != n_backs or rolled.shape[2] != KZ_CANDIDATES
            or rolled.shape[3] != horizon):
        raise ValueError("rolled must have the shape (series, origins, candidates, horizon)")
    if criteria.shape[0] != n or criteria.shape[1] != n_backs + 1 or criteria.shape[2] != KZ_CANDIDATES:
        raise ValueError("criteria must have the shape (series, origins + 1, candidates)")
    if parameters.shape[0] != n or parameters.shape[1] != KZ_CANDIDATES or parameters.shape[2] != KZ_PARAMETERS:
        raise ValueError(f"parameters must have the shape (series, candidates, {KZ_PARAMETERS})")
    if fitted.shape[0] and (fitted.shape[0] != KZ_CANDIDATES or fitted.shape[1] != values.shape[0]):
        raise ValueError("fitted must have the shape (candidates, values), or no row")
    if first == last or not longest:
        return
    panel.values = &values[0]
    panel.offsets = &offsets[0]
    panel.horizon = horizon
    panel.n_backs = n_backs
    panel.backs = &backs[0] if n_backs else &none
    panel.n_seasons = <int> periods.shape[0]
    panel.periods = &periods[0] if periods.shape[0] else &nothing
    panel.floor = floor
    panel.ceiling = ceiling
    panel.rolled_iterations = rolled_iterations
    panel.forecasts = &forecasts[0, 0, 0]
    panel.rolled = &rolled[0, 0, 0, 0] if n_backs else NULL
    panel.criteria = &criteria[0, 0, 0]
    panel.parameters = &parameters[0, 0, 0]
    panel.fitted = &fitted[0, 0] if fitted.shape[0] else NULL
    panel.n_values = values.shape[0]
    with nogil:
        failed = kz_reserve(&work, &panel, longest)
        if not failed:
            for s in range(first, last):
                kz_fit_series(&panel, &work, s)
        kz_release(&work)
    if failed:
        raise MemoryError(f"no memory for a series of {longest} values")
