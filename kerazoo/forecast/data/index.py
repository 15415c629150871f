"""The index of a series: its frequency, the dates that break it, and the dates that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from kerazoo._runtime.ignored_warnings import warnings_ignored
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.types import Index

__all__ = ["future_index", "index_like", "regular_index"]

SHOWN = 3  # labels that a message lists
LAST_YEAR = 2200  # nanoseconds end in 2262: what follows later dates is counted in microseconds
MAX_GRID = 1_000_000  # no gap is explained by a step that needs a longer grid than this


def regular_index(index: Index, where: str = "index", owner: str = "y", hint: str = "") -> Index:
    """The index with a frequency, so that it can be continued; or an error that names the offending dates.

    Args:
        index: DatetimeIndex with or without `freq`, PeriodIndex, or consecutive integers.
        where: str, the name of the index in messages.
        owner: str, the name of the data in messages, whose methods they suggest; "": messages contain no code.
        hint: str, a further remedy of missing dates, which ends their message.

    Returns:
        A DatetimeIndex with a freq, a PeriodIndex, or a RangeIndex. Name, unit and time zone are kept, except that
        nanoseconds become microseconds after 2200: dates after 2262 have no nanoseconds.

    Raises:
        InvalidArgumentError: another kind of index; no dates; dates that are missing, repeated or not sorted.

    >>> regular_index(pd.DatetimeIndex(["2020-01-31", "2020-02-29", "2020-03-31"])).freq
    <MonthEnd>
    >>> regular_index(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"]))
    Traceback (most recent call last):
    ...
    kerazoo.errors.InvalidArgumentError: index: 2 dates are missing at the frequency 'D': 2020-01-03, 2020-01-04. To
    insert and fill them: y.asfreq('D').interpolate().
    """
    index = typed_index(index, where, owner, hint=hint)
    check_order(index, where, owner)
    if isinstance(index, pd.RangeIndex):
        return index
    if isinstance(index, pd.PeriodIndex):
        grid = pd.period_range(index[0], index[-1], freq=index.freq)
        if len(grid) != len(index):
            raise_missing(grid[~grid.isin(index)], index.freq, where, owner, hint)
        return index
    index = with_room(index)
    found = with_frequency(index)
    if found is not None:
        return found
    check_enough(index, where, owner)
    best = best_grid(index)
    if best is not None and len(best[0]) > len(index):
        grid, freq = best
        raise_missing(grid[~grid.isin(index)], freq, where, owner, hint)
    raise_irregular(index, where, owner)


def with_room(index: Index) -> Index:
    """Dates in a unit in which those that follow exist."""
    return index.as_unit("us") if index.unit == "ns" and index.max().year > LAST_YEAR else index


def check_enough(index: Index, where: str, owner: str) -> None:
    if len(index) < 3:
        remedy = f"a freq, as {owner}.asfreq('D') sets, or more dates" if owner else "at least three dates in a series"
        raise InvalidArgumentError(
            f"{where} has no freq, and {len(index)} dates are too few to infer one; expected {remedy}."
        )


def future_index(index: Index, horizon: int) -> Index:
    """The `horizon` dates that follow an index, with its type, frequency, unit, time zone and name.

    Days, weeks and months follow the local time of the time zone; hours and minutes follow elapsed time.

    Args:
        index: as for :func:`regular_index`.
        horizon: int >= 1.

    Raises:
        InvalidArgumentError: the index cannot be continued.

    >>> list(future_index(pd.period_range("2020Q1", "2021Q3", freq="Q"), 2).astype(str))
    ['2021Q4', '2022Q1']
    >>> future_index(pd.RangeIndex(5, name="step"), 3)
    RangeIndex(start=5, stop=8, step=1, name='step')
    """
    check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    index = regular_index(index)
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(index[-1] + 1, index[-1] + 1 + horizon, name=index.name)
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=horizon, freq=index.freq, name=index.name)
    try:
        # Not index[-1] + k * freq, which would change the hour of the day at a daylight saving transition.
        grid = pd.date_range(index[-1], periods=horizon + 1, freq=index.freq, name=index.name, unit=index.unit)
    except Exception as error:  # pytz and pandas raise different errors for hours that a time zone skips
        raise InvalidArgumentError(
            f"{horizon} dates after {text_of(index[-1])} at the frequency {offset_text(index.freq)} do not exist "
            f"({type(error).__name__}: {error}); expected fewer, or dates in UTC (y.tz_convert('UTC'))."
        ) from error
    return grid[1:]


def index_like(index: Index, fitted: Index, where: str = "index", owner: str = "history") -> Index:
    """A regular index with the frequency of another one, or an error: the same dates, continued at that frequency.

    For example, five days of one week are inferred to be daily; with a fitted index of business days they become those.

    Args:
        index: from :func:`regular_index`.
        fitted: index of the fitted series, from :func:`regular_index`.
        where: str, the name of the index in messages.
        owner: str, the name of the data in messages, whose methods they suggest; "": messages contain no code.

    Raises:
        InvalidArgumentError: another kind of index, another time zone, or dates at another frequency.

    >>> week = regular_index(pd.date_range("2021-03-01", periods=5))
    >>> index_like(week, pd.bdate_range("2020-01-01", periods=9)).freqstr
    'B'
    """
    found, wanted = kind_of(index), kind_of(fitted)
    if found != wanted:
        kinds = type(index), type(fitted)
        method = ""
        if kinds == (pd.DatetimeIndex, pd.PeriodIndex):
            method = f"to_period({fitted.freqstr!r})"
        elif kinds == (pd.PeriodIndex, pd.DatetimeIndex):
            method = "to_timestamp()"
        elif kinds == (pd.DatetimeIndex, pd.DatetimeIndex):
            method = f"tz_localize({None if fitted.tz is None else str(fitted.tz)!r})"
        remedy = f" {owner}.{method} converts it." if method and owner else ""
        raise InvalidArgumentError(f"{where} has {found}; expected {wanted}, as the fitted series.{remedy}")
    if not isinstance(index, pd.DatetimeIndex):
        return index
    if fitted.tz is not None:
        there = index.tz_convert(fitted.tz)
        if not (index.tz_localize(None) == there.tz_localize(None)).all():
            remedy = f" {owner}.tz_convert({str(fitted.tz)!r}) converts it." if owner else ""
            raise InvalidArgumentError(
                f"{where} has the time zone {index.tz}; expected {fitted.tz}, as the fitted series.{remedy}"
            )
        index = there
    same = renamed_if_equal(index, dates_from(index[0], len(index), fitted.freq, index.unit))
    if same is None:
        wanted = offset_text(fitted.freq)
        remedy = f" {owner}.resample({wanted}).mean(), or .sum(), converts it." if owner else ""
        raise InvalidArgumentError(
            f"{where} has the frequency {offset_text(index.freq)}: {listed(index[:SHOWN])}; expected {wanted}, as "
            f"the fitted series.{remedy}"
        )
    return same


def kind_of(labels: Index) -> str:
    """The name of an index type in messages. Labels of one kind can be compared; datetime units may differ."""
    if isinstance(labels, pd.DatetimeIndex):
        return "dates without a time zone" if labels.tz is None else "dates with a time zone"
    if isinstance(labels, pd.PeriodIndex):
        return f"periods {labels.freqstr}"
    return "integers" if pd.api.types.is_integer_dtype(labels.dtype) else f"values of the dtype {labels.dtype}"


def ordinals(dates: Index) -> NDArray[np.int64]:
    """Dates as integers, in their unit."""
    return np.asarray(dates.asi8 if hasattr(dates, "asi8") else dates, np.int64)


def typed_index(index: Index, where: str, owner: str, ordered: bool = True, hint: str = "") -> Index:
    """The index as a DatetimeIndex, a PeriodIndex or integers, without missing values.

    Args:
        index: any index.
        where: str, the name of the index in messages.
        owner: str, the name of the data in messages; "": messages contain no code.
        ordered: bool, integers must be consecutive, and become a RangeIndex.
        hint: str, a further remedy of missing integers.

    Raises:
        InvalidArgumentError: another type, no labels, missing labels, or integers that are not consecutive.
    """
    if not isinstance(index, pd.Index):
        raise InvalidArgumentError(f"{where} is a {type(index).__name__}; expected a pandas Index.")
    if not len(index):
        raise InvalidArgumentError(f"{where} has no dates; expected at least one.")
    if getattr(index.dtype, "kind", "") == "M" and not isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index)  # from Arrow
    integers = pd.api.types.is_integer_dtype(index.dtype)
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not integers:
        kind = "a MultiIndex" if isinstance(index, pd.MultiIndex) else f"the dtype {index.dtype}"
        hint = f" {owner}.reset_index() returns a long frame." if kind == "a MultiIndex" else ""
        if pd.api.types.is_object_dtype(index.dtype) or pd.api.types.is_string_dtype(index.dtype):
            hint = f" pd.to_datetime({where}) parses text." if kind != "a MultiIndex" else hint
        raise InvalidArgumentError(
            f"{where} has {kind}; expected dates (datetime64), periods, or consecutive integers.{hint}"
        )
    if index.hasnans:
        raise InvalidArgumentError(f"{where} is missing in {int(index.isna().sum())} rows; expected a date in each.")
    if not integers:
        return index
    index = pd.Index(np.asarray(index, np.int64), name=index.name)
    if not ordered:
        return index
    check_order(index, where, owner)
    steps = np.diff(index)
    if (steps != 1).any():
        if int(steps.min()) == int(steps.max()):
            found = f"has steps of {int(steps[0])}"
        else:
            gap = int(np.flatnonzero(steps != 1)[0])
            found = f"jumps from {index[gap]} to {index[gap + 1]}"
        reset = f" {owner}.reset_index(drop=True) renumbers the rows." if owner else ""
        more = f" {hint}" if hint and int(np.gcd.reduce(steps)) == 1 else ""
        raise InvalidArgumentError(f"{where} {found}; expected consecutive integers.{reset}{more}")
    return pd.RangeIndex(index[0], index[-1] + 1, name=index.name)


def check_order(index: Index, where: str, owner: str) -> None:
    check_repeated(index, where)
    backwards = np.flatnonzero(np.diff(ordinals(index)) < 0)
    freq = getattr(index, "freq", None)
    if len(backwards):
        position = int(backwards[0]) + 1
        late, early = text_of(index[position - 1]), text_of(index[position])
        remedy = f"{owner}.sort_index() sorts them." if owner else "Sort the rows."
        raise InvalidArgumentError(
            f"{where} is not sorted: at position {position}, {early} follows {late}; "
            f"expected increasing dates. {remedy}"
        )
    if freq is not None and freq.n < 1:
        raise InvalidArgumentError(f"{where} has the freq {freq.freqstr!r}; expected a positive step.")


def check_repeated(index: Index, where: str, shown: Index | None = None) -> None:
    """Raise if a label occurs more than once; messages show the labels of `shown` instead of those of `index`."""
    repeated = index.duplicated()
    if repeated.any():
        labels = (index if shown is None else shown)[repeated].unique()
        raise InvalidArgumentError(
            f"{where} has {len(labels)} {'date' if len(labels) == 1 else 'dates'} more than once: {listed(labels)}; "
            "expected each once. Drop the repeated rows, or average them."
        )


def same_labels(left: Index, right: Index) -> bool:
    """Whether the labels are equal. Unlike `Index.equals` of pandas 2, it ignores the unit of datetimes."""
    if isinstance(left, pd.DatetimeIndex) and isinstance(right, pd.DatetimeIndex):
        return (left.tz is None) == (right.tz is None) and len(left) == len(right) and bool((left == right).all())
    return bool(left.equals(right))


def dates_from(start: Any, periods: int, freq: Any, unit: str) -> Index | None:
    """The dates from `start`, or None if they do not exist.

    pandas and pytz raise various errors for hours that a time zone skips or repeats, and for dates beyond the range of
    the unit.
    """
    try:
        return pd.date_range(start, periods=periods, freq=freq, unit=unit)
    except Exception:
        return None


def dates_between(start: Any, end: Any, freq: Any, unit: str) -> Index | None:
    """The dates from `start` to `end`, or None if they do not exist (see `dates_from`) or are more than `MAX_GRID`."""
    try:
        step = (start + freq) - start
        if not step > pd.Timedelta(0) or (end - start) / step > MAX_GRID:
            return None
        return pd.date_range(start, end, freq=freq, unit=unit)
    except Exception:
        return None


def grid_like(start: Any, end: Any, like: Index) -> Index | None:
    """The dates from `start` to `end` with the frequency and name of `like`, or None: see `dates_between`."""
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, end, freq=like.freq, name=like.name)
    grid = dates_between(start, end, like.freq, like.unit)
    return None if grid is None else grid.rename(like.name)


def renamed_if_equal(index: Index, grid: Index | None) -> Index | None:
    """The grid, renamed like the index, if both have the same dates; else None."""
    if grid is None or len(grid) != len(index) or not (grid == index).all():
        return None
    return grid.rename(index.name)


def with_frequency(index: Index) -> Index | None:
    """The DatetimeIndex with the freq of its dates, or None if they have none."""
    if index.freq is not None and (index.tz is None or not isinstance(index.freq, pd.offsets.Day)):
        return index
    freq = index.freq if index.freq is not None else inferred(index)
    candidates = [] if freq is None else [freq]
    if index.tz is not None:
        # Steps of 24 hours change the hour of the day at daylight saving transitions; pandas 2 may call them days.
        passed = inferred(index.tz_convert("UTC")) if freq is None else freq
        if isinstance(passed, pd.offsets.Day):
            candidates.append(pd.offsets.Hour(24 * passed.n))
    if len(index) > 2:
        candidates += _months(index)[:1]
    for freq in candidates:
        found = renamed_if_equal(index, dates_from(index[0], len(index), freq, index.unit))
        if found is not None:
            return found
    return None


def inferred(index: Index) -> Any:
    """The offset that pandas infers, or None."""
    if len(index) < 3:
        return None
    with warnings_ignored():  # pandas 3.1 will return an offset; to_offset accepts both
        found = pd.infer_freq(index)
    return None if found is None else to_offset(found)


def _months(index: Index) -> list[Any]:
    """Candidate offsets of whole months: on the same day of the month, and at its end or start if all dates are."""
    steps = np.diff(index.year * 12 + index.month)
    step = Counter(steps.tolist()).most_common(1)[0][0]
    if step < 1:
        return []
    offsets = [pd.DateOffset(months=step)]
    if index.is_month_end.all():
        offsets.append(pd.offsets.MonthEnd(step))
    if index.is_month_start.all():
        offsets.append(pd.offsets.MonthBegin(step))
    return offsets


def best_grid(index: Index) -> tuple[Index, Any] | None:
    """The grid that contains all dates and leaves the fewest gaps, with its frequency; None if there is none."""
    best: tuple[Index, Any] | None = None
    for freq in _likely(index):
        grid = dates_between(index[0], index[-1], freq, index.unit)
        if grid is None or not index.isin(grid).all():
            continue
        if best is None or len(grid) < len(best[0]):
            best = grid, freq
    return best


def raise_irregular(index: Index, where: str, owner: str) -> NoReturn:
    steps = np.diff(ordinals(index))
    usual, count = Counter(steps.tolist()).most_common(1)[0]
    i = int(np.flatnonzero(steps != usual)[0]) if count < len(steps) else 0
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    remedy = f"{owner}.asfreq(freq) sets a frequency, {owner}.resample('D').mean() aggregates by day."
    raise InvalidArgumentError(
        f"{where} has no frequency: {count} of {len(steps)} steps are {step}, but {text_of(index[i + 1])} follows "
        f"{text_of(index[i])}; expected dates at a fixed step. {remedy if owner else 'Resample the series.'}"
    )


def _likely(index: Index) -> list[Any]:
    """Candidate frequencies: of three neighbouring dates, the most common first, then of the usual step."""
    positions = np.unique(np.linspace(0, len(index) - 3, min(len(index) - 2, 200)).astype(int))
    found = Counter(freq for freq in (inferred(index[i : i + 3]) for i in positions) if freq is not None)
    steps = Counter(np.diff(ordinals(index)).tolist())
    usual = min(steps, key=lambda step: (-steps[step], step))
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    days = [] if step % pd.Timedelta(days=1) else [pd.offsets.Day(step.days)]  # may be 23 or 25 hours in a time zone
    return [*(freq for freq, _ in found.most_common()), *days, to_offset(step), *reversed(_months(index))]


def raise_missing(missing: Index, freq: Any, where: str, owner: str, hint: str = "") -> NoReturn:
    """Raise an error that lists missing dates; `where`, `owner` and `hint` as for :func:`regular_index`."""
    text = repr(missing.freqstr) if isinstance(missing, pd.PeriodIndex) else offset_text(freq)
    remedy = "Add their rows."
    if owner:
        new = f"asfreq({text})"
        if isinstance(missing, pd.PeriodIndex):
            new = f"reindex(pd.period_range({where}[0], {where}[-1]))"
        remedy = f"To insert and fill them: {owner}.{new}.interpolate()."
        if type(freq) is pd.offsets.BusinessDay and not isinstance(missing, pd.PeriodIndex):
            remedy += f" If they are holidays: {owner}.asfreq(pd.offsets.CustomBusinessDay(holidays=[...]))."
    verb = "date is" if len(missing) == 1 else "dates are"
    raise InvalidArgumentError(
        f"{where}: {len(missing)} {verb} missing at the frequency {text}: {listed(missing)}. {remedy} {hint}".rstrip()
    )


def listed(labels: Iterable[Any]) -> str:
    """The first few labels and the number of the others, for messages."""
    everything = list(labels)
    more = f" and {len(everything) - SHOWN} more" if len(everything) > SHOWN else ""
    return ", ".join(text_of(label) for label in everything[:SHOWN]) + more


def text_of(label: Any) -> str:
    """A label as text for messages; dates at midnight without the time."""
    if isinstance(label, pd.Timestamp):
        return str(label.date()) if label.tz is None and label == label.normalize() else str(label)
    if isinstance(label, tuple):
        return f"({', '.join(text_of(each) for each in label)})"
    return repr(label) if isinstance(label, str) else str(label)


def offset_text(freq: Any) -> str:
    """An offset as code: 'MS', or pd.DateOffset(months=1) if it has no alias."""
    if type(freq) is pd.DateOffset:
        return f"pd.DateOffset({', '.join(f'{key}={value * freq.n}' for key, value in freq.kwds.items())})"
    return repr(freq.freqstr)
