"""Innovations of exponential smoothing. See `_smoothing.pyi`."""

from libc.stdint cimport int64_t


cdef inline double step(
    double value, double alpha, double beta, double gamma, double phi, double *level, double *slope, double *season,
) noexcept nogil:
    """Filter one value: update the states and return the innovation."""
    cdef double damped = phi * slope[0]
    cdef double ahead = level[0] + damped
    cdef double error = value - (ahead + season[0])
    level[0] = ahead + alpha * error
    slope[0] = damped + beta * error
    season[0] += gamma * error
    return error


cdef void run(
    const double *y, int64_t steps, double alpha, double beta, double gamma, double phi,
    double *states, int64_t period, int64_t width, double *out,
) noexcept nogil:
    cdef int64_t t, column
    cdef double *slope = states + width
    cdef double *season
    for t in range(steps):
        season = states + (2 + t % period) * width
        out[0] = step(y[t], alpha, beta, gamma, phi, states, slope, season)
        for column in range(1, width):
            out[column] = step(0.0, alpha, beta, gamma, phi, states + column, slope + column, season + column)
        out += width


cdef double descend(
    const double *y, int64_t steps, double alpha, double beta, double gamma, double phi,
    double *states, int64_t period, double *gradient,
) noexcept nogil:
    cdef int64_t t, which
    cdef double *level = states
    cdef double *slope = states + 5
    cdef double *season
    cdef double total = 0.0, error, before, damped, ahead, change
    for which in range(4):
        gradient[which] = 0.0
    for t in range(steps):
        season = states + (2 + t % period) * 5
        before = slope[0]
        error = step(y[t], alpha, beta, gamma, phi, level, slope, season)
        total += error * error
        # The derivative of the step by alpha, beta, gamma and phi.
        for which in range(4):
            damped = phi * slope[1 + which] + (before if which == 3 else 0.0)
            ahead = level[1 + which] + damped
            change = -(ahead + season[1 + which])
            gradient[which] += 2.0 * error * change
            level[1 + which] = ahead + alpha * change + (error if which == 0 else 0.0)
            slope[1 + which] = damped + beta * change + (error if which == 1 else 0.0)
            season[1 + which] += gamma * change + (error if which == 2 else 0.0)
    return total


def innovations(
    const double[::1] y, double alpha, double beta, double gamma, double phi, double[:, ::1] states, double[:, ::1] out,
):
    cdef Py_ssize_t steps = y.shape[0], width = states.shape[1]
    if states.shape[0] < 3 or width < 1:
        raise ValueError("states must have a row for level, slope and each season, and at least one column")
    if out.shape[0] != steps or out.shape[1] != width:
        raise ValueError("out must have a row for each value and the columns of states")
    if steps == 0:
        return
    with nogil:
        run(&y[0], steps, alpha, beta, gamma, phi, &states[0, 0], states.shape[0] - 2, width, &out[0, 0])


def squares(
    const double[::1] y, double alpha, double beta, double gamma, double phi, double[:, ::1] states, double[::1] gradient,
):
    cdef Py_ssize_t steps = y.shape[0]
    cdef double total
    if states.shape[0] < 3 or states.shape[1] != 5:
        raise ValueError("states must have a row for level, slope and each season, and five columns")
    if steps < 1 or gradient.shape[0] != 4:
        raise ValueError("there must be a value, and a gradient of four")
    with nogil:
        total = descend(&y[0], steps, alpha, beta, gamma, phi, &states[0, 0], states.shape[0] - 2, &gradient[0])
    return total
