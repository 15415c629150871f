"""What happens to series once or a few times: level shifts, outliers, launches, saturation, rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators.parameters import LARGEST, Values, check_shape, log_uniform, parameter

__all__ = ["launch", "level_shifts", "outliers", "round_values", "saturate"]


def level_shifts(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    n_shifts: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    decay: ArrayLike | None = None,
) -> Values:
    """Sums of steps at random times, 0 before the first; with decay < 1 an effect fades away (Chen & Liu 1993).

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        n_shifts: the expected number, from 0 on; None: between 0.5 and 3.
        sd: of the normal sizes, from 0 on; None: 1.
        decay: what is left of an effect a step later, from 0 to 1; None: 1 for 7 of 10 series, else 0.5 to 0.98.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> steps = level_shifts(np.random.default_rng(1), 1, 100, n_shifts=3, decay=1)
    >>> int((np.diff(steps) != 0).sum())
    4
    """
    n_series, length = check_shape(rng, n_series, length)
    n_shifts = parameter("n_shifts", n_shifts, n_series, 0.0, LARGEST, lambda: log_uniform(rng, 0.5, 3.0, n_series))
    sd = parameter("sd", sd, n_series, 0.0, LARGEST, lambda: np.ones(n_series))
    decay = parameter(
        "decay",
        decay,
        n_series,
        0.0,
        1.0,
        lambda: np.where(rng.random(n_series) < 0.7, 1.0, rng.uniform(0.5, 0.98, n_series)),
    )
    happens = rng.random((n_series, length)) < (n_shifts / length)[:, None]
    happens[:, 0] = False
    values = np.zeros((n_series, length))
    values[happens] = rng.standard_normal(int(happens.sum())) * np.repeat(sd, happens.sum(axis=1))
    fading = np.flatnonzero((decay < 1) & happens.any(axis=1))
    staying = decay == 1
    values[staying] = np.cumsum(values[staying], axis=1)
    if len(fading):
        part = np.ascontiguousarray(values[fading].T)
        for step in range(1, length):
            part[step] += decay[fading] * part[step - 1]
        values[fading] = part.T
    return values


def outliers(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    share: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    patch: ArrayLike | None = None,
) -> Values:
    """Effects of single steps or of patches of steps, 0 elsewhere: strikes, errors of measurement, promotions.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        share: the probability that an outlier or a patch starts at a step, from 0 to 1; None: 0.002 to 0.03.
        sd: of the sizes, which have Student's distribution with 4 degrees of freedom; None: 1.
        patch: the expected number of steps, from 1 to 1e6; None: 1 for 7 of 10 series, else up to 8.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> effects = outliers(np.random.default_rng(1), 1, 1000, share=0.1, patch=1)
    >>> bool(0.05 < (effects != 0).mean() < 0.15)
    True
    """
    n_series, length = check_shape(rng, n_series, length)
    share = parameter("share", share, n_series, 0.0, 1.0, lambda: log_uniform(rng, 0.002, 0.03, n_series))
    sd = parameter("sd", sd, n_series, 0.0, LARGEST, lambda: np.ones(n_series))
    patch = parameter(
        "patch",
        patch,
        n_series,
        1.0,
        1e6,
        lambda: np.where(rng.random(n_series) < 0.7, 1.0, rng.uniform(1.0, 8.0, n_series)),
    )
    row, start = np.nonzero(rng.random((n_series, length)) < share[:, None])
    size = np.clip(rng.standard_t(4.0, len(row)), -50.0, 50.0) * sd[row]
    end = np.minimum(start + np.minimum(rng.geometric(1.0 / patch[row]), length), length)
    changes = np.zeros((n_series, length + 1))
    np.add.at(changes, (row, start), size)
    np.add.at(changes, (row, end), -size)
    effects = np.cumsum(changes[:, :-1], axis=1)
    # Sums that should be 0 are not quite.
    running = np.zeros((n_series, length + 1), np.int64)
    np.add.at(running, (row, start), 1)
    np.add.at(running, (row, end), -1)
    return np.where(np.cumsum(running[:, :-1], axis=1) > 0, effects, 0.0)


def launch(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    start: ArrayLike | None = None,
    ramp: ArrayLike | None = None,
) -> Values:
    """Factors of a product that is launched: 0 before the start, then 1 - exp(-steps since / ramp).

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        start: the share of the series before the launch, from 0 to 1; None: up to 0.6.
        ramp: steps, from 0 (at once) to 1e6; None: log-uniform between 0.1 and a quarter of the length.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> launch(np.random.default_rng(1), 1, 4, start=0.5, ramp=0)
    array([[0., 0., 1., 1.]])
    """
    n_series, length = check_shape(rng, n_series, length)
    start = parameter("start", start, n_series, 0.0, 1.0, lambda: rng.uniform(0.0, 0.6, n_series))
    ramp = parameter("ramp", ramp, n_series, 0.0, 1e6, lambda: log_uniform(rng, 0.1, max(0.2, length / 4), n_series))
    since = np.arange(1, length + 1) - np.floor(start * length)[:, None]
    return np.where(since > 0, -np.expm1(-np.maximum(since, 0.0) / np.maximum(ramp, 1e-3)[:, None]), 0.0)


def saturate(values: Values, share: ArrayLike) -> Values:
    """Series that cannot rise above a capacity: what is above a quantile of the series is cut.

    Args:
        values: float64 (S, T).
        share: of the steps that are cut, from 0 to 1; a number or one of each series.

    Raises:
        InvalidArgumentError: a share is out of range.

    >>> saturate(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), 0.5)
    array([[1., 2., 3., 3., 3.]])
    """
    values = _series(values)
    share = parameter("share", share, len(values), 0.0, 1.0, lambda: np.zeros(len(values)))
    ordered = np.sort(values, axis=1)
    position = np.floor((1.0 - share) * (values.shape[1] - 1) + 0.5).astype(np.int64)
    return np.minimum(values, np.take_along_axis(ordered, position[:, None], axis=1))


def round_values(values: Values, digits: ArrayLike) -> Values:
    """Series as they are published: rounded to so many decimal digits; negative digits round to tens, hundreds, ...

    Args:
        values: float64 (S, T).
        digits: integers from -15 to 15; a number or one of each series.

    Raises:
        InvalidArgumentError: a number of digits is out of range.

    >>> round_values(np.array([[12.345, 67.891]]), 1)
    array([[12.3, 67.9]])
    """
    values = _series(values)
    digits = np.round(parameter("digits", digits, len(values), -15.0, 15.0, lambda: np.zeros(len(values))))[:, None]
    factor = 10.0 ** np.abs(digits)
    with np.errstate(over="ignore", invalid="ignore"):
        # Powers with a positive exponent are exact, and so is the division: 12.3, not 12.299999.
        rounded = np.where(digits >= 0, np.rint(values * factor) / factor, np.rint(values / factor) * factor)
        return np.where((digits >= 0) & (np.abs(values * factor) > 2.0**53), values, rounded)  # nothing to round


def _series(values: Values) -> Values:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise InvalidArgumentError(f"values of shape {values.shape}; expected (S, T), a row for each series.")
    return values
