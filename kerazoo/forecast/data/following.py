"""The part that follows the series of a panel: its steps and values, for updates, scores and searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.gaps import spread
from kerazoo.forecast.data.index import (
    MAX_GRID,
    check_order,
    check_repeated,
    dates_between,
    future_index,
    kind_of,
    listed,
    offset_text,
    ordinals,
    same_labels,
    text_of,
    typed_index,
)
from kerazoo.forecast.data.panel import FORM_TEXTS, Panel
from kerazoo.forecast.data.types import Index, Values
from kerazoo.forecast.data.validation import check_finite, long_keys, numeric_column, plain_array

__all__ = ["check_series", "following_steps", "following_values"]

#: Ends the messages about parts that searches make.
SPLITS = "In searches of scikit-learn TimeSeriesSplit makes such parts, and cross_validation needs no splits."


def following_steps(panel: Panel, y: Any, name: str = "y", missing: str = "error") -> int:
    """The number of steps of a part that follows the series of a panel.

    Args:
        panel: the fitted series.
        y: the part, in the form of the series.
        name: what the caller's argument is called, for messages.
        missing: "skip": dates of `y` may be missing; "error": they are refused.

    Raises:
        InvalidArgumentError: another form, dates that do not follow, or not equally many steps of each series.
    """
    steps = [n for n, _ in _places(panel, y, name, missing, SPLITS)]
    _check_equal(panel, steps, name)
    return steps[0]


def following_values(
    panel: Panel, y: Any, missing: str = "error", name: str = "y", *, unequal: bool = False, hint: str = SPLITS
) -> list[Values]:
    """The values of a part that follows the series of a panel: float64 (H,) per series.

    Args:
        panel: the fitted series.
        y: the part, in the form of the series, with a row for each step.
        missing: "skip": missing values, and those of dates that are missing, are NaN; "error": they are refused.
        name: what the caller's argument is called, for messages.
        unequal: whether a long `y` may have more steps of some series than of others, and none of some.
        hint: ends messages about dates.

    Raises:
        InvalidArgumentError: another form, other series, dates that do not follow, or values that are no numbers or not
            finite.

    >>> from kerazoo.forecast.data.read import read_panel
    >>> panel = read_panel(pd.Series([3.0, 1.0], pd.period_range("2021-03", periods=2, freq="M")))
    >>> following_values(panel, pd.Series([2.0], pd.period_range("2021-05", periods=1, freq="M")))
    [array([2.])]
    """
    places = _places(panel, y, name, missing, hint)
    if not unequal:
        _check_equal(panel, [n for n, _ in places], name)
    if panel.form == "array":
        table = plain_array(y, name, missing).reshape(len(y), -1)
        whats = [name] if panel.ndim == 1 else [f"{name}[:, {number}]" for number in range(len(places))]
        steps = pd.RangeIndex(len(y))
        return [check_finite(table[:, i].copy(), what, steps, missing=missing) for i, what in enumerate(whats)]
    if panel.form == "long":
        rows_of_y = pd.MultiIndex.from_frame(y[["unique_id", "ds"]])
        values = numeric_column(y["y"], f"{name}['y']", rows_of_y, missing=missing)
        return [spread(values[rows], steps, n) for n, (steps, rows) in places]
    found = []
    for label, (n, (steps, _)) in zip(panel.ids, places, strict=True):
        column, what = (y, name) if panel.form == "series" else (y[label], f"{name}[{label!r}]")
        found.append(spread(numeric_column(column, what, y.index, missing=missing), steps, n))
    return found


def _check_equal(panel: Panel, steps: list[int], name: str) -> None:
    check_series(panel.ids, [label for label, n in zip(panel.ids, steps, strict=True) if n], name)
    if len(set(steps)) > 1:
        raise InvalidArgumentError(
            f"{name} has {min(steps)} to {max(steps)} steps per series; expected equally many of each. Leave out the "
            "last rows of those that have more."
        )


def _places(
    panel: Panel, y: Any, name: str, missing: str, hint: str
) -> list[tuple[int, tuple[NDArray[np.intp], NDArray[np.intp]]]]:
    """For each series the number of its steps, and of each of its rows the step and the number in `y`."""
    _check_form(panel, y, name)
    if not len(y):
        raise InvalidArgumentError(f"{name} has no rows; expected the steps that follow the fitted series.")
    if panel.form == "long":
        return _places_of_long(panel, y, name, missing, hint)
    every = np.arange(len(y))
    if panel.form == "array":
        shape = plain_array(y, name, missing).shape
        n = len(panel.ids)
        if len(shape) > 2 or (shape[1] if len(shape) == 2 else 1) != n:
            wanted = "(T,)" if panel.ndim == 1 else f"(T, {n})"
            raise InvalidArgumentError(
                f"{name} has the shape {shape}; expected {wanted}, as in fit: a row for each step"
                f"{'' if panel.ndim == 1 else ', a column for each series'}."
            )
        return [(len(y), (every, every))] * n
    if panel.form == "frame":
        check_series(panel.ids, list(y.columns), name)
        repeated = y.columns[y.columns.duplicated()]
        if len(repeated):
            raise InvalidArgumentError(f"{name} has the series {listed(repeated)} more than once; expected each once.")
    steps: dict[Any, tuple[int, NDArray[np.intp]]] = {}  # series that end together are looked at once
    for each in panel.series:
        end = each.index[-1]
        if end not in steps:
            steps[end] = _steps(y.index, each.index, f"{name}.index", name, missing, hint)
    return [(steps[each.index[-1]][0], (steps[each.index[-1]][1], every)) for each in panel.series]


def _places_of_long(
    panel: Panel, y: pd.DataFrame, name: str, missing: str, hint: str
) -> list[tuple[int, tuple[NDArray[np.intp], NDArray[np.intp]]]]:
    dates, codes, uniques = long_keys(y, name)
    check_series(panel.ids, uniques.tolist(), name, some=True)
    moments = ordinals(dates)
    order = np.lexsort((moments, codes))
    bounds = np.searchsorted(codes[order], np.arange(len(uniques) + 1))
    nothing = np.empty(0, np.intp)
    code_of = {label: code for code, label in enumerate(uniques.tolist())}
    known: dict[tuple[Any, bytes], tuple[int, NDArray[np.intp]]] = {}  # the same steps are looked at once
    places = []
    for each in panel.series:
        if each.id not in code_of:
            places.append((0, (nothing, nothing)))
            continue
        code = code_of[each.id]
        rows = order[bounds[code] : bounds[code + 1]]
        key = each.index[-1], moments[rows].tobytes()
        if key not in known:
            where = f"{name}['ds'] of series {each.id!r}"
            known[key] = _steps(dates[rows], each.index, where, "", missing, hint)
        n, steps = known[key]
        places.append((n, (steps, rows)))
    return places


def _check_form(panel: Panel, y: Any, name: str) -> None:
    columns = ("unique_id", "ds", "y")
    if panel.form == "long" and isinstance(y, pd.DataFrame):
        lacks = [column for column in columns if column not in y.columns]
        if lacks:
            raise InvalidArgumentError(
                f"{name} has no column {' and no '.join(map(repr, lacks))}; expected unique_id, ds and y, as in fit. "
                f"It has {listed(y.columns)}."
            )
        return
    form = None
    if isinstance(y, pd.Series):
        form = "series"
    elif isinstance(y, pd.DataFrame):
        form = "long" if set(columns) <= set(y.columns) else "frame"
    elif isinstance(y, np.ndarray | list | tuple):
        form = "array"
    if form == panel.form:
        return
    remedy = ""
    if (form, panel.form) == ("frame", "series") and y.shape[1] == 1:
        remedy = f" {name}.iloc[:, 0] is one."
    elif (form, panel.form) == ("series", "frame"):
        remedy = f" {name}.to_frame() makes one of a single series."
        if set(y.index) == set(panel.ids):
            remedy = f" {name}.to_frame().T makes one of a single step, if {name}.name is its date."
    elif (form, panel.form) == ("long", "frame"):
        remedy = f" {name}.pivot(index='ds', columns='unique_id', values='y') makes one."
    elif form == "array":
        remedy = " The dates of the steps must be in its index."
    shown = f"a {type(y).__name__}" if form is None else FORM_TEXTS[form]
    raise InvalidArgumentError(f"{name} is {shown}; expected {FORM_TEXTS[panel.form]}, as in fit.{remedy}")


def check_series(ids: Sequence[Any], given: Sequence[Any], name: str, owner: str = "fit", some: bool = False) -> None:
    """Raise if there are other series than those that are known, or fewer.

    Args:
        ids: the known series.
        given: those of another part.
        name: how messages call that.
        owner: how they call what is known.
        some: whether fewer are enough.

    Raises:
        InvalidArgumentError: which names those that are new or missing.
    """
    known, found = set(ids), set(given)
    new = [label for label in given if label not in known]
    lacks = [] if some else [label for label in ids if label not in found]
    if new or lacks:
        texts = [f"has {len(new)} series that {owner} did not have: {listed(new)}"] if new else []
        texts += [f"lacks {len(lacks)} of the {len(ids)} series: {listed(lacks)}"] if lacks else []
        as_owner = "as in fit" if owner == "fit" else f"as {owner}"
        raise InvalidArgumentError(f"{name} {', and '.join(texts)}; expected {listed(ids)}, {as_owner}.")


def _steps(found: Index, index: Index, where: str, owner: str, missing: str, hint: str) -> tuple[int, NDArray[np.intp]]:
    """The steps from the end of an index to the last of the dates that were found, and the step of each, from 0."""
    end, more = index[-1], f" {hint}" if hint else ""
    found = typed_index(found, where, owner, ordered=False)
    if kind_of(found) != kind_of(index):
        raise InvalidArgumentError(f"{where} has {kind_of(found)}; expected {kind_of(index)}, as in fit.")
    wanted = future_index(index[-1:], len(found))
    if same_labels(found, wanted):
        return len(found), np.arange(len(found))
    check_repeated(found, where)
    early = found <= end
    if early.any():
        text = f"{int(early.sum())} of {len(found)} dates" if len(found) > 1 else "a date"
        raise InvalidArgumentError(
            f"{where} has {text} up to {text_of(end)}, where the series of fit ends: {listed(found[early])}; expected "
            f"those that follow it, from {text_of(wanted[0])} on. Leave out the others.{more}"
        )
    check_order(found, where, owner)
    grid = _grid(index, wanted[0], found[-1])
    if grid is None or not found.isin(grid).all():
        strange = found if grid is None else found[~found.isin(grid)]
        step = f" at the frequency {offset_text(index.freq)}" if getattr(index, "freq", None) is not None else ""
        raise InvalidArgumentError(
            f"{where}: {listed(strange)} do not follow the series of fit, which ends at {text_of(end)}; expected dates"
            f"{step}: {listed(wanted)}.{more}"
        )
    lacks = grid[~grid.isin(found)]
    if missing == "error":
        raise InvalidArgumentError(
            f"{where} lacks {len(lacks)} of the {len(grid)} dates that follow the series of fit, "
            f"{text_of(grid[0])} to {text_of(grid[-1])}: {listed(lacks)}; expected each. Add their rows; "
            f'missing="skip" of the constructor reads them as gaps.{more}'
        )
    return len(grid), np.asarray(grid.get_indexer(found), np.intp)


def _grid(index: Index, start: Any, last: Any) -> Index | None:
    """The dates after an index, from `start` to `last`; None if they do not exist or are too many."""
    if isinstance(index, pd.DatetimeIndex):
        return dates_between(start, last, index.freq, index.unit)
    if isinstance(index, pd.PeriodIndex):
        grid = pd.period_range(start, last, freq=index.freq)
        return grid if len(grid) <= MAX_GRID else None
    return pd.RangeIndex(int(start), int(last) + 1) if last - start < MAX_GRID else None
