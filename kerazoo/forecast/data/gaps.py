"""Missing dates and values, read with `missing="skip"`: the rows that they would have had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import (
    MAX_GRID,
    best_grid,
    check_enough,
    check_order,
    check_repeated,
    dates_between,
    grid_like,
    listed,
    offset_text,
    ordinals,
    raise_irregular,
    text_of,
    typed_index,
    with_frequency,
    with_room,
)
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.data.types import Index, Values

__all__ = ["DATES_HINT", "SeriesCutter", "filled_index", "filled_indexes", "interpolated", "names_of_long", "spread"]

DATES_HINT = 'missing="skip" reads them as gaps.'
LONGEST = 20  # series of a long frame whose frequency is tried for all
REGULAR = 10  # dates at a fixed step that are no chance: a series of so many has this step


def interpolated(y: Values) -> Values:
    """Missing values replaced by those on the line between their neighbours.

    Args:
        y: float64 (T,), with at least one value unless it is empty.

    >>> interpolated(np.array([1.0, np.nan, 3.0, np.nan])).tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    known = np.isfinite(y)
    return y if known.all() else np.interp(np.arange(len(y)), np.flatnonzero(known), y[known])


def names_of_long(label: Any) -> tuple[str, str]:
    """How messages of `regular_index` name the dates of a series, without a remedy in code."""
    return f"ds of series {label!r}", ""


def spread(values: Values, rows: NDArray[np.intp], length: int) -> Values:
    """float64 (length,): the values in their rows, NaN in the others."""
    found = np.full(length, np.nan)
    found[rows] = values
    return found


class SeriesCutter:
    """Cuts off what is missing before the first value of a series, as the series has not begun.

    Series that begin together share the rest of an index and of covariates that are given to all of them.
    """

    def __init__(self) -> None:
        self._rests: dict[tuple[int, int], tuple[Index, Values, Values]] = {}

    def series(
        self, label: Any, values: Values, index: Index, covariates: Values, past: Values, what: str
    ) -> SeriesData:
        """The series from its first value on.

        Args:
            label: the id of the series.
            values: float64 (T,), NaN where missing.
            index: T dates.
            covariates: float64 (T, K).
            past: float64 (T, P).
            what: how messages name the series.

        Raises:
            InvalidArgumentError: no value is known.
        """
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            raise InvalidArgumentError(
                f"{what} has no value: all {len(values)} are missing; expected at least one. Leave the series out."
            )
        first = int(known[0])
        if first == 0:
            return SeriesData(label, values, index, covariates, past)
        key = id(index), first
        if key not in self._rests:
            self._rests[key] = index[first:], covariates[first:], past[first:]
        return SeriesData(label, values[first:].copy(), *self._rests[key])


def filled_index(index: Index, where: str = "index", owner: str = "y", like: Index | None = None) -> Index:
    """The regular index from the first to the last date of an index in which dates may be missing.

    Of the frequencies at which all dates lie on one grid, it takes the one that leaves the fewest gaps; so days of
    which every second one is missing become steps of two days.

    Args:
        index: DatetimeIndex with or without `freq`, PeriodIndex, or integers.
        where: str, the name of the index in messages.
        owner: str, the name of the data in messages, whose methods they suggest; "": messages contain no code.
        like: a regular index, whose frequency is taken if all dates have it; or None.

    Returns:
        As :func:`regular_index`.

    Raises:
        InvalidArgumentError: another kind of index; no dates; dates that are repeated, not sorted, or at no fixed step;
            more than a million missing dates.

    >>> filled_index(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"])).day.tolist()
    [1, 2, 3, 4, 5]
    >>> filled_index(pd.Index([3, 4, 7]))
    RangeIndex(start=3, stop=8, step=1)
    """
    index = typed_index(index, where, owner, ordered=False)
    check_order(index, where, owner)
    if not isinstance(index, pd.DatetimeIndex):
        return _all_counts(index, where, owner, like)
    index = with_room(index)
    if like is not None and isinstance(like, pd.DatetimeIndex) and str(like.tz) == str(index.tz):
        grid = grid_like(index[0], index[-1], like.as_unit(index.unit))
        if grid is not None and index.isin(grid).all():
            return grid.rename(index.name)
    found = with_frequency(index)
    if found is not None:
        return found
    check_enough(index, where, owner)
    best = best_grid(index)
    if best is None:
        raise_irregular(index, where, owner)
    grid = best[0].rename(index.name)
    # The frequency that the complete dates have, whatever led to them: months rather than three neighbouring ones.
    bare = grid.delete([])
    bare.freq = None
    found = with_frequency(bare)
    return grid if found is None else found


def _all_counts(index: Index, where: str, owner: str, like: Index | None) -> Index:
    """All periods or integers from the first to the last."""
    counts = ordinals(index)
    step = index.freq.n if isinstance(index, pd.PeriodIndex) else 1
    if not isinstance(index, pd.PeriodIndex) and len(index) > 1 and like is None:
        typed = int(np.gcd.reduce(np.diff(counts)))
        if typed > 1:
            typed_index(index, where, owner)  # raises: they are not consecutive
    n_missing = (int(counts[-1]) - int(counts[0])) // step + 1 - len(counts)
    if n_missing > MAX_GRID:
        raise InvalidArgumentError(
            f"{where}: {n_missing} dates are missing from {text_of(index[0])} to {text_of(index[-1])}; expected "
            f"at most {MAX_GRID}. Is a date wrong?"
        )
    if not isinstance(index, pd.PeriodIndex):
        return pd.RangeIndex(int(counts[0]), int(counts[-1]) + 1, name=index.name)
    grid = pd.period_range(index[0], index[-1], freq=index.freq, name=index.name)
    if not index.isin(grid).all():
        raise InvalidArgumentError(
            f"{where}: {listed(index[~index.isin(grid)])} are not a whole number of steps of {index.freqstr!r} after "
            f"{text_of(index[0])}; expected periods at a fixed step."
        )
    return grid


def filled_indexes(
    dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any], like: Index | None = None
) -> tuple[list[Index], NDArray[np.intp]]:
    """The regular index of each series of a long frame in which dates are missing.

    All have one frequency: that of the longest series at which the dates of all others lie on a grid. A series of ten
    or more dates at a longer fixed step (days among hours) has another frequency.

    Args:
        dates: the dates of all series, each series sorted.
        starts: row of the first date of each series.
        ends: row after the last.
        ids: the label of each series.
        like: a regular index whose frequency is tried first, or None.

    Returns:
        The indexes, and the number of each row among the rows of all indexes, one after the other.

    Raises:
        InvalidArgumentError: dates that are repeated or at no fixed step, or series of different frequencies.
    """
    if not isinstance(dates, pd.DatetimeIndex):
        return _filled_counts(dates, starts, ends, ids)
    dates = with_room(dates)
    longest = np.argsort(starts - ends, kind="stable")[:LONGEST]
    first: Index | None = None
    failure: InvalidArgumentError | None = None
    for number in [None, *longest.tolist()]:
        if number is None:
            candidate = like
        elif ends[number] - starts[number] < 3 and (first is not None or failure is not None):
            break
        else:
            try:
                candidate = filled_index(dates[starts[number] : ends[number]], *names_of_long(ids[number]))
            except InvalidArgumentError as error:  # perhaps another series has a frequency that suits it
                failure = failure or error
                continue
        if not isinstance(candidate, pd.DatetimeIndex):
            continue
        first = candidate if first is None else first
        found = _on_grid(dates, starts, ends, ids, candidate)
        if found is not None:
            return found
    if first is None:
        assert failure is not None
        raise failure
    _raise_frequencies(dates, starts, ends, ids, first, ids[longest[0]])
    raise failure or InvalidArgumentError(
        f"the series of the long frame have no common frequency; expected that of {ids[longest[0]]!r}, the longest: "
        f"{offset_text(first.freq)}. Leave out the others."
    )


def _filled_counts(
    dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any]
) -> tuple[list[Index], NDArray[np.intp]]:
    """The same for periods and integers, whose step is known; integers have the step that all series have."""
    like: Index | None = None
    if not isinstance(dates, pd.PeriodIndex):
        steps = np.diff(np.asarray(dates, np.int64))
        within = np.delete(steps, starts[1:] - 1)
        like = pd.RangeIndex(1) if len(within) and int(np.gcd.reduce(within)) == 1 else None
    indexes, rows, offset = [], np.empty(len(dates), np.intp), 0
    for start, end, label in zip(starts, ends, ids, strict=True):
        index = filled_index(dates[start:end], *names_of_long(label), like)
        rows[start:end] = offset + index.get_indexer(dates[start:end])
        offset += len(index)
        indexes.append(index)
    return indexes, rows


def _on_grid(
    dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any], first: Index
) -> tuple[list[Index], NDArray[np.intp]] | None:
    """The index of each series at the frequency of `first`; None if a series has dates between its steps."""
    # One grid for all series that lie on it: slicing it is many times faster than building one per series.
    grid = grid_like(dates.min(), dates.max(), first.as_unit(dates.unit))
    positions = np.full(len(dates), -1) if grid is None else grid.get_indexer(dates)
    indexes, rows, offset = [], np.empty(len(dates), np.intp), 0
    for start, end, label in zip(starts, ends, ids, strict=True):
        own = dates[start:end]
        if own.has_duplicates:
            check_repeated(own, names_of_long(label)[0])
        if grid is not None and (positions[start:end] >= 0).all():
            index = grid[positions[start] : positions[end - 1] + 1]
            rows[start:end] = offset + positions[start:end] - positions[start]
        else:
            found = dates_between(own[0], own[-1], first.freq, own.unit)
            if found is None or not own.isin(found).all():
                return None
            index = found.rename(dates.name)
            rows[start:end] = offset + index.get_indexer(own)
        if _has_longer_steps(own, len(index)):
            return None
        offset += len(index)
        indexes.append(index)
    return indexes, rows


def _has_longer_steps(dates: Index, length: int) -> bool:
    """Whether a series would be mostly gaps of a regular index of this length, and is regular without them."""
    return len(dates) >= REGULAR and length >= 2 * len(dates) - 1 and with_frequency(dates) is not None


def _raise_frequencies(
    dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any], first: Index, longest: Any
) -> None:
    """Raise with the first series whose dates are not at the frequency of `first`."""
    for start, end, label in zip(starts, ends, ids, strict=True):
        own = dates[start:end]
        grid = dates_between(own[0], own[-1], first.freq, own.unit)
        if grid is not None and own.isin(grid).all() and not _has_longer_steps(own, len(grid)):
            continue
        wanted = offset_text(first.freq)
        if len(own) < 3:
            raise InvalidArgumentError(
                f"{names_of_long(label)[0]}: {listed(own)} do not have the frequency {wanted} of {longest!r}, the "
                "longest series; expected one frequency for all series."
            )
        found = filled_index(own, *names_of_long(label))
        raise InvalidArgumentError(
            f"series {label!r} has the frequency {offset_text(found.freq)} and {longest!r}, the longest, {wanted}; "
            "expected one frequency for all series."
        )
