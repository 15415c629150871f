"""The index of a series: whether it goes on at one step, what is in the way, and how it continues."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["future_index", "index_like", "regular_index"]

Index: TypeAlias = pd.Index

SHOWN = 3  # labels that a message lists
MOST_MISSING = 1_000_000  # a step that would need a longer grid than this explains no gap


def regular_index(index: Index, where: str = "index", owner: str = "y") -> Index:
    """The index as one that can be continued, or an error that names the dates which are in the way.

    Args:
        index: DatetimeIndex with or without `freq`, PeriodIndex, or integers that count up by 1.
        where: str, what messages call the index.
        owner: str, what messages call the data; its methods are the remedies.

    Returns:
        A DatetimeIndex with a freq, a PeriodIndex, or a RangeIndex. Name, unit and time zone are kept.

    Raises:
        InvalidArgumentError: another kind of index; no dates; dates that are missing, repeated or not in order.

    >>> regular_index(pd.DatetimeIndex(["2020-01-31", "2020-02-29", "2020-03-31"])).freq
    <MonthEnd>
    >>> regular_index(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"]))
    Traceback (most recent call last):
    ...
    kerazoo.errors.InvalidArgumentError: index: 2 dates are missing at the frequency 'D': 2020-01-03, 2020-01-04. To
    put them in and fill them: y.asfreq('D').interpolate().
    """
    index = typed_index(index, where, owner)
    _check_order(index, where, owner)
    if isinstance(index, pd.RangeIndex):
        return index
    if isinstance(index, pd.PeriodIndex):
        grid = pd.period_range(index[0], index[-1], freq=index.freq)
        if len(grid) != len(index):
            raise_missing(grid[~grid.isin(index)], index.freq, where, owner)
        return index
    found = _with_frequency(index)
    if found is not None:
        return found
    if len(index) < 3:
        remedy = f"a freq, as {owner}.asfreq('D') sets, or more dates" if owner else "three dates in a series at least"
        raise InvalidArgumentError(
            f"{where} has no freq and {len(index)} of the 3 dates that would show it; expected {remedy}."
        )
    _raise_irregular(index, where, owner)


def future_index(index: Index, horizon: int) -> Index:
    """The `horizon` dates that follow an index, of its kind, frequency, unit, time zone and name.

    Days, weeks and months go by the clock on the wall of the time zone, hours and minutes by the time that passes.

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
        # Not index[-1] + k * freq: across a change of the clocks that would leave the hour of the day.
        grid = pd.date_range(index[-1], periods=horizon + 1, freq=index.freq, name=index.name, unit=index.unit)
    except Exception as error:  # pytz and pandas have errors of their own for hours that a time zone skips
        raise InvalidArgumentError(
            f"{horizon} dates after {text_of(index[-1])} at the frequency {offset_text(index.freq)} do not exist "
            f"({type(error).__name__}: {error}); expected fewer, or dates in UTC (y.tz_convert('UTC'))."
        ) from error
    return grid[1:]


def index_like(index: Index, fitted: Index, where: str = "index", owner: str = "history") -> Index:
    """A regular index with the frequency of another one, or an error: the same dates, and the same that follow.

    Days of one week, for example, are seen to be daily, and not to be business days; here they become those.

    Args:
        index: as :func:`regular_index` gives it.
        fitted: index of the series that the frequency is of; also as from there.
        where: str, what messages call the index.
        owner: str, what messages call the data; its methods are the remedies.

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
        remedy = f" {owner}.{method} mends it." if method and owner else ""
        raise InvalidArgumentError(f"{where} has {found}; expected {wanted}, as the series that were fitted.{remedy}")
    if not isinstance(index, pd.DatetimeIndex):
        return index
    if fitted.tz is not None:
        there = index.tz_convert(fitted.tz)
        if not (index.tz_localize(None) == there.tz_localize(None)).all():
            remedy = f" {owner}.tz_convert({str(fitted.tz)!r}) has the same moments in it." if owner else ""
            raise InvalidArgumentError(
                f"{where} has the time zone {index.tz}; expected {fitted.tz}, that of the series that were fitted."
                f"{remedy}"
            )
        index = there
    same = renamed_if_equal(index, dates_from(index[0], len(index), fitted.freq, index.unit))
    if same is None:
        wanted = offset_text(fitted.freq)
        remedy = f" {owner}.resample({wanted}).mean(), or .sum(), brings it there." if owner else ""
        raise InvalidArgumentError(
            f"{where} has the frequency {offset_text(index.freq)}: {listed(index[:SHOWN])}; expected {wanted}, that of "
            f"the series that were fitted.{remedy}"
        )
    return same


def kind_of(labels: Index) -> str:
    """What messages call the labels of an index: those of one kind can be compared. Units of datetimes may differ."""
    if isinstance(labels, pd.DatetimeIndex):
        return "dates without a time zone" if labels.tz is None else "dates with a time zone"
    if isinstance(labels, pd.PeriodIndex):
        return f"periods {labels.freqstr}"
    return "integers" if pd.api.types.is_integer_dtype(labels.dtype) else f"values of the dtype {labels.dtype}"


def ordinals(dates: Index) -> NDArray[np.int64]:
    return np.asarray(dates.asi8 if hasattr(dates, "asi8") else dates, np.int64)


def typed_index(index: Index, where: str, owner: str, ordered: bool = True) -> Index:
    """A DatetimeIndex, a PeriodIndex or integers, without missing values; integers that count up as a RangeIndex."""
    if not isinstance(index, pd.Index):
        raise InvalidArgumentError(f"{where} is a {type(index).__name__}; expected a pandas Index.")
    if not len(index):
        raise InvalidArgumentError(f"{where} has no dates; expected at least one.")
    if getattr(index.dtype, "kind", "") == "M" and not isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index)  # from Arrow
    integers = pd.api.types.is_integer_dtype(index.dtype)
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not integers:
        kind = "a MultiIndex" if isinstance(index, pd.MultiIndex) else f"the dtype {index.dtype}"
        hint = f" {owner}.reset_index() gives columns, for a long frame." if kind == "a MultiIndex" else ""
        if pd.api.types.is_object_dtype(index.dtype) or pd.api.types.is_string_dtype(index.dtype):
            hint = f" pd.to_datetime({where}) reads dates from text." if kind != "a MultiIndex" else hint
        raise InvalidArgumentError(
            f"{where} has {kind}; expected dates (datetime64), periods, or integers that count up by 1.{hint}"
        )
    if index.hasnans:
        raise InvalidArgumentError(f"{where} is missing in {int(index.isna().sum())} rows; expected a date in each.")
    if not integers:
        return index
    index = pd.Index(np.asarray(index, np.int64), name=index.name)
    if not ordered:
        return index
    _check_order(index, where, owner)
    steps = np.diff(index)
    if (steps != 1).any():
        if int(steps.min()) == int(steps.max()):
            found = f"counts up by {int(steps[0])}"
        else:
            place = int(np.flatnonzero(steps != 1)[0])
            found = f"goes from {index[place]} to {index[place + 1]}"
        reset = f" {owner}.reset_index(drop=True) counts anew." if owner else ""
        raise InvalidArgumentError(f"{where} {found}; expected integers that count up by 1, without gaps.{reset}")
    return pd.RangeIndex(index[0], index[-1] + 1, name=index.name)


def _check_order(index: Index, where: str, owner: str) -> None:
    check_repeated(index, where)
    backwards = np.flatnonzero(np.diff(ordinals(index)) < 0)
    freq = getattr(index, "freq", None)
    if len(backwards):
        place = int(backwards[0]) + 1
        late, early = text_of(index[place - 1]), text_of(index[place])
        raise InvalidArgumentError(
            f"{where} is not in order: at position {place}, {early} follows {late}; "
            f"expected dates that increase. {owner}.sort_index() mends it."
        )
    if freq is not None and freq.n < 1:
        raise InvalidArgumentError(f"{where} has the freq {freq.freqstr!r}; expected one that goes forwards.")


def check_repeated(index: Index, where: str, shown: Index | None = None) -> None:
    repeated = index.duplicated()
    if repeated.any():
        labels = (index if shown is None else shown)[repeated].unique()
        raise InvalidArgumentError(
            f"{where} has {len(labels)} {'date' if len(labels) == 1 else 'dates'} more than once: {listed(labels)}; "
            "expected each once. Drop the rows, or take their mean with groupby."
        )


def same_labels(left: Index, right: Index) -> bool:
    """Whether the labels are the same. Index.equals of pandas 2 tells units of datetimes apart."""
    if isinstance(left, pd.DatetimeIndex) and isinstance(right, pd.DatetimeIndex):
        return (left.tz is None) == (right.tz is None) and len(left) == len(right) and bool((left == right).all())
    return bool(left.equals(right))


def dates_from(start: Any, periods: int, freq: Any, unit: str) -> Index | None:
    """The dates from `start`, or None if there are none: pandas and pytz have several errors for hours that a time
    zone skips or has twice, and for dates beyond the range of the unit."""
    try:
        return pd.date_range(start, periods=periods, freq=freq, unit=unit)
    except Exception:
        return None


def dates_between(start: Any, end: Any, freq: Any, unit: str) -> Index | None:
    """The dates from `start` to `end`; None if there are none, as above, or far too many."""
    try:
        step = (start + freq) - start
        if not step > pd.Timedelta(0) or (end - start) / step > MOST_MISSING:
            return None
        return pd.date_range(start, end, freq=freq, unit=unit)
    except Exception:
        return None


def grid_like(start: Any, end: Any, like: Index) -> Index | None:
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, end, freq=like.freq, name=like.name)
    grid = dates_between(start, end, like.freq, like.unit)
    return None if grid is None else grid.rename(like.name)


def renamed_if_equal(index: Index, grid: Index | None) -> Index | None:
    """The grid with the name of the index if it has the same dates, else None."""
    if grid is None or len(grid) != len(index) or not (grid == index).all():
        return None
    return grid.rename(index.name)


def _with_frequency(index: Index) -> Index | None:
    """A DatetimeIndex with a freq that its dates have, or None."""
    if index.freq is not None and (index.tz is None or not isinstance(index.freq, pd.offsets.Day)):
        return index
    freq = index.freq if index.freq is not None else inferred(index)
    candidates = [] if freq is None else [freq]
    if index.tz is not None:
        # Steps of 24 hours leave the hour of the day when the clocks change; pandas 2 may call them days.
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3.1 announces that it will give an offset; both are taken here
        found = pd.infer_freq(index)
    return None if found is None else to_offset(found)


def _months(index: Index) -> list[Any]:
    """Offsets of whole months that dates may have: at the same day of the month, at its end, at its start."""
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


def _raise_irregular(index: Index, where: str, owner: str) -> NoReturn:
    """Name the dates that are missing at the frequency that explains all others with the fewest gaps."""
    best: tuple[Index, Any] | None = None
    for freq in _likely(index):
        grid = dates_between(index[0], index[-1], freq, index.unit)
        if grid is None or not index.isin(grid).all():
            continue
        missing = grid[~grid.isin(index)]
        if best is None or len(missing) < len(best[0]):
            best = missing, freq
    if best is not None and len(best[0]):
        raise_missing(*best, where, owner)
    steps = np.diff(ordinals(index))
    usual, count = Counter(steps.tolist()).most_common(1)[0]
    place = int(np.flatnonzero(steps != usual)[0]) if count < len(steps) else 0
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    remedy = f"{owner}.asfreq(freq) sets one that dates do not show, {owner}.resample('D').mean() makes days of them."
    raise InvalidArgumentError(
        f"{where} has no frequency: {count} of {len(steps)} steps are {step}, but {text_of(index[place + 1])} follows "
        f"{text_of(index[place])}; expected dates at a fixed step. {remedy if owner else 'Resample the series.'}"
    )


def _likely(index: Index) -> list[Any]:
    """Frequencies that neighbouring dates have, the most common first."""
    places = np.unique(np.linspace(0, len(index) - 3, min(len(index) - 2, 200)).astype(int))
    found = Counter(freq for freq in (inferred(index[place : place + 3]) for place in places) if freq is not None)
    steps = Counter(np.diff(ordinals(index)).tolist())
    usual = min(steps, key=lambda step: (-steps[step], step))
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    days = [] if step % pd.Timedelta(days=1) else [pd.offsets.Day(step.days)]  # of 24 hours or, in a time zone, not
    return [*(freq for freq, _ in found.most_common()), *days, to_offset(step), *reversed(_months(index))]


def raise_missing(missing: Index, freq: Any, where: str, owner: str) -> NoReturn:
    text = repr(missing.freqstr) if isinstance(missing, pd.PeriodIndex) else offset_text(freq)
    remedy = "Add their rows."
    if owner:
        new = f"asfreq({text})"
        if isinstance(missing, pd.PeriodIndex):
            new = f"reindex(pd.period_range({where}[0], {where}[-1]))"
        remedy = f"To put them in and fill them: {owner}.{new}.interpolate()."
        if type(freq) is pd.offsets.BusinessDay and not isinstance(missing, pd.PeriodIndex):
            remedy += f" If they are holidays: {owner}.asfreq(pd.offsets.CustomBusinessDay(holidays=[...]))."
    verb = "date is" if len(missing) == 1 else "dates are"
    raise InvalidArgumentError(
        f"{where}: {len(missing)} {verb} missing at the frequency {text}: {listed(missing)}. {remedy}"
    )


def listed(labels: Iterable[Any]) -> str:
    everything = list(labels)
    more = f" and {len(everything) - SHOWN} more" if len(everything) > SHOWN else ""
    return ", ".join(text_of(label) for label in everything[:SHOWN]) + more


def text_of(label: Any) -> str:
    if isinstance(label, pd.Timestamp):
        return str(label.date()) if label.tz is None and label == label.normalize() else str(label)
    if isinstance(label, tuple):
        return f"({', '.join(text_of(each) for each in label)})"
    return repr(label) if isinstance(label, str) else str(label)


def offset_text(freq: Any) -> str:
    """An offset as code: 'MS', or pd.DateOffset(months=1) where there is no alias."""
    if type(freq) is pd.DateOffset:
        return f"pd.DateOffset({', '.join(f'{key}={value * freq.n}' for key, value in freq.kwds.items())})"
    return repr(freq.freqstr)
