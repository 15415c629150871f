"""The arguments y, X, val and history of a forecaster, read into a `Panel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.following import check_series
from kerazoo.forecast.data.gaps import filled_index
from kerazoo.forecast.data.index import dates_from, index_like, kind_of, listed, renamed_if_equal, text_of
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import FORM_TEXTS, Panel, SeriesData
from kerazoo.forecast.data.read import read_panel
from kerazoo.forecast.data.static import read_static
from kerazoo.forecast.data.types import Index
from kerazoo.forecast.data.validation import check_same_kind, long_keys, plain_array

__all__ = ["panel_of", "read_history", "read_seed", "read_training"]

ARRAYS = (np.ndarray, list, tuple)


def panel_of(
    y: Any,
    X: Any = None,
    name: str = "y",
    missing: str = "error",
    like: Index | None = None,
    *,
    X_past: Any = None,
    static: Any = None,
) -> Panel:
    """Read series and covariates; a Panel is returned unchanged.

    Args:
        y: as for :func:`kerazoo.forecast.data.panel.read_panel`, or a Panel.
        X: covariates, or None.
        name: what the caller's argument is called, for messages.
        missing: "error" or "skip", as for `read_panel`; "error" refuses a Panel with gaps too.
        like: as for `read_panel`.
        X_past: covariates that are not known for future dates, or None.
        static: what holds for a whole series, or None.

    Raises:
        InvalidArgumentError: as `read_panel`.
    """
    for label, given in (("X", X), ("X_past", X_past), ("static", static)):
        if isinstance(y, Panel) and given is not None:
            raise InvalidArgumentError(
                f"{label} with {name}=Panel; expected {label}=None: a Panel contains its covariates."
            )
    try:
        return read_panel(y, X, missing, like, X_past=X_past, static=static)
    except InvalidArgumentError as error:
        if name == "y":
            raise
        others = [label for label, given in (("X", X), ("X_past", X_past)) if given is not None]
        more = "".join(f", and {name}_{label} as {label}" for label in others)
        raise InvalidArgumentError(f"{name}, taken as y{more}: {error}") from error


def read_training(
    y: Any, X: Any, val: Any, missing: str = "error", *, X_past: Any = None, static: Any = None
) -> tuple[Panel, int | None]:
    """Read the arguments of `fit`.

    Args:
        y: as for :func:`panel_of`.
        X: covariates, or None; they cover `val` too.
        val: None, an int, or a continuation of `y` in the same form.
        missing: "error" or "skip", as for :func:`panel_of`. Steps that are missing between `y` and `val` are held out.
        X_past: covariates that are not known for future dates, or None; they cover `val` too.
        static: what holds for a whole series, or None.

    Returns:
        The panel, which includes a continuation, and the number of steps to hold out; None without `val`.

    Raises:
        InvalidArgumentError: `y`, `X`, `X_past`, `static` or `val` has another form, or `val` does not continue `y`.
    """
    panel, n_held_out = _read_training(y, X, val, missing, {"X_past": X_past, "static": static})
    for each in panel.series:
        known = ~np.isnan(each.values)
        for column, label in enumerate(panel.covariate_names):
            values = each.values[known]
            if np.ptp(values) and np.array_equal(each.covariates[known, column], values):
                raise InvalidArgumentError(
                    f"X[{label!r}] has the values of y; expected covariates that are known for the dates of the "
                    "forecast. Searches of scikit-learn take the series alone: GridSearchCV(...).fit(y), without "
                    "scoring=."
                )
    return panel, n_held_out


def _read_training(y: Any, X: Any, val: Any, missing: str, more: dict[str, Any]) -> tuple[Panel, int | None]:
    y, val = pandas_of(y, "y"), pandas_of(val, "val")
    if val is None:
        return panel_of(y, X, missing=missing, **more), None
    if isinstance(val, int | np.integer) and not isinstance(val, bool):
        n_held_out = check_int("val", val, 0, hint="It is the number of steps to hold out; 0 holds out none.")
        return panel_of(y, X, missing=missing, **more), n_held_out
    if isinstance(y, Panel):
        raise InvalidArgumentError(f"val is a {type(val).__name__}; expected an int, as y is a Panel.")
    if isinstance(y, ARRAYS):
        return _continued_array(y, X, val, missing, more)
    if not isinstance(y, pd.Series | pd.DataFrame):
        return panel_of(y, X, missing=missing, **more), None  # which raises: y has another type
    if not isinstance(val, type(y)):
        raise InvalidArgumentError(f"val is a {type(val).__name__}; expected an int, or a {type(y).__name__} as y.")
    if not len(val):
        raise InvalidArgumentError("val has no rows; expected what follows y, or an int: 0 holds out nothing.")
    if isinstance(y, pd.DataFrame) and "unique_id" in y.columns:
        n_held_out = _steps_per_series(y, val, missing)
        with _continuation():
            panel = panel_of(pd.concat([y, val], ignore_index=True), X, missing=missing, **more)
        return panel, n_held_out if missing == "error" else _steps_after(panel, y)
    like = _regular_or_none(y.index) if missing == "skip" else None
    joined = _continued(y, val)
    with _continuation():
        panel = panel_of(joined, X, missing=missing, like=like, **more)
    if missing == "error":
        return panel, len(val)
    return panel, max(int((each.index > y.index[-1]).sum()) for each in panel.series)


@contextmanager
def _continuation() -> Iterator[None]:
    """Errors say that what they call y is both arguments."""
    try:
        yield
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"y, continued by val: {error}") from error


def _check_after(dates: Index, end: Any, where: str) -> None:
    """Raise if dates of `val` do not lie after the end of y."""
    early = dates[dates <= end]
    if len(early):
        raise InvalidArgumentError(
            f"{where} has {len(early)} of {len(dates)} dates up to {text_of(end)}, where y ends: {listed(early)}; "
            "expected those that follow it. Leave out the others, or give an int: the number of steps to hold out."
        )


def _regular_or_none(index: Any) -> Any:
    """A regular index, filled where dates are missing; None if it has no frequency."""
    try:
        return filled_index(index)
    except InvalidArgumentError:
        return None


def _steps_after(panel: Panel, y: pd.DataFrame) -> int:
    """The number of steps that each series of a panel has after its last row in a long `y`."""
    ends = y.groupby("unique_id", observed=True)["ds"].max()
    counts = {int((each.index > ends[each.id]).sum()) for each in panel.series}
    if len(counts) > 1:
        raise InvalidArgumentError(
            f"val ends {min(counts)} to {max(counts)} steps after the end of y; expected equally many of each series, "
            "or an int: the number of steps to hold out of each."
        )
    return counts.pop()


def _continued_array(y: Any, X: Any, val: Any, missing: str, more: dict[str, Any]) -> tuple[Panel, int]:
    if not isinstance(val, ARRAYS):
        raise InvalidArgumentError(f"val is a {type(val).__name__}; expected an int, or numbers as y.")
    if missing == "error":
        panel_of(val, name="val")  # raises where val is no series
    before, after = plain_array(y, "y", missing), plain_array(val, "val", missing)
    if after.shape[1:] != before.shape[1:] or not after.size:
        axes = f"{after.shape} and y {before.shape}"
        raise InvalidArgumentError(f"val has the shape {axes}; expected equal shapes except for the first axis.")
    return panel_of(np.concatenate([before, after]), X, missing=missing, **more), len(val)


def _continued(y: Any, val: Any) -> Any:
    """`y` followed by `val`: a Series or a DataFrame with one column per series."""
    labels, added = ([each.name] if isinstance(each, pd.Series) else list(each.columns) for each in (y, val))
    if isinstance(val, pd.DataFrame) and "unique_id" in added and "unique_id" not in labels:
        raise InvalidArgumentError(f"val is {FORM_TEXTS['long']}; expected {FORM_TEXTS['frame']}, as y.")
    check_series(labels, added, "val", "y")
    if len(labels) != len(added):
        raise InvalidArgumentError(f"val has the series {listed(added)}; expected {listed(labels)}, each once, as y.")
    if kind_of(val.index) != kind_of(y.index):
        raise InvalidArgumentError(f"val has {kind_of(val.index)}; expected {kind_of(y.index)}, as y.")
    is_ordered = isinstance(y.index, pd.DatetimeIndex | pd.PeriodIndex) or pd.api.types.is_integer_dtype(y.index)
    if len(y) and is_ordered and not val.index.hasnans:
        _check_after(val.index, y.index.max(), "val.index")
    joined = pd.concat([y, val if isinstance(y, pd.Series) else val[y.columns]])
    freq = getattr(y.index, "freq", None)
    if isinstance(y.index, pd.DatetimeIndex) and freq is not None:
        # Dates that do not continue y at its frequency keep an index without one; read_panel then names them.
        grid = dates_from(joined.index[0], len(joined), freq, joined.index.unit)
        same = renamed_if_equal(joined.index, grid)
        joined.index = joined.index if same is None else same
    return joined


def _steps_per_series(y: pd.DataFrame, val: pd.DataFrame, missing: str) -> int:
    """The number of steps that a long `val` has of each series."""
    if not {"unique_id", "ds", "y"} <= set(val.columns):
        raise InvalidArgumentError(f"val has the columns {listed(val.columns)}; expected unique_id, ds and y, as y.")
    counts = val.groupby("unique_id", observed=True).size()
    check_series(y["unique_id"].unique().tolist(), val["unique_id"].unique().tolist(), "val", "y")
    (dates, codes, uniques), (after, of, names) = long_keys(y, "y"), long_keys(val, "val")
    check_same_kind(after, dates, "val['ds']", "y['ds']")
    ends = pd.Index(pd.Series(dates).groupby(codes).max())[uniques.get_indexer(names)]
    early = np.flatnonzero(after <= ends[of])
    if len(early):
        number = of[early[0]]
        _check_after(after[of == number].sort_values(), ends[number], f"val['ds'] of series {names[number]!r}")
    if counts.nunique() != 1 and missing == "error":
        raise InvalidArgumentError(
            f"val has {counts.min()} to {counts.max()} steps per series; expected equally many of each, or an int: the "
            "number of steps to hold out of each."
        )
    return int(counts.iloc[0])


def read_history(
    fitted: Panel,
    history: Any,
    history_X: Any,
    name: str = "history",
    name_X: str = "history_X",
    *,
    any_series: bool = False,
    missing: str = "error",
    history_X_past: Any = None,
    static: Any = None,
    name_X_past: str = "history_X_past",
    linear_only: bool = False,
) -> Panel:
    """Read the series to forecast from: the fitted ones, longer or shorter.

    Args:
        fitted: the panel of `fit`, which is returned for None.
        history: as for :func:`panel_of`, or None.
        history_X: its covariates, or None.
        name: what the caller's argument `history` is called, for messages.
        name_X: what the caller's argument `history_X` is called.
        any_series: whether other series are allowed.
        missing: "error" or "skip", as for :func:`panel_of`; missing dates have the frequency of the fitted series.
        history_X_past: its covariates that are not known for future dates, or None.
        static: what holds for a whole series. Series of `fit` that have no row keep what they had there; None: all.
        name_X_past: what the caller's argument `history_X_past` is called.
        linear_only: whether only the covariates of the linear term are needed, as for statistics.

    Returns:
        A panel with the fitted series, in their order; with `any_series` those that were given.

    Raises:
        InvalidArgumentError: other series, covariates or columns of `static`, no row of `static` for a series that was
            not fitted, another form, frequency or kind of index than those of `fit`.
    """
    if history is None:
        for label, given in ((name_X, history_X), (name_X_past, history_X_past), ("static", static)):
            if given is not None:
                raise InvalidArgumentError(f"{label} is given, but not {name}; expected both, or neither.")
        return fitted
    panel = panel_of(history, history_X, name, missing, fitted.series[0].index, X_past=history_X_past)
    if panel.form != fitted.form:
        raise InvalidArgumentError(
            f"{name} is {FORM_TEXTS[panel.form]}; expected {FORM_TEXTS[fitted.form]}, as in fit."
        )
    by_label = {each.id: each for each in panel.series}
    if by_label.keys() != set(fitted.ids) and not any_series:
        raise InvalidArgumentError(
            f"{name} has the series {listed(panel.ids)}; expected {listed(fitted.ids)}, the names of the series in fit."
        )
    if panel.covariate_names != fitted.covariate_names:
        wanted, given = list(fitted.covariate_names), list(panel.covariate_names)
        raise InvalidArgumentError(f"{name} has the covariates {given}; expected {wanted}, as in fit ({name_X}).")
    if linear_only:
        fitted = replace(
            fitted,
            past_names=(),
            static_names=(),
            static=np.empty((len(fitted.series), 0)),
            category_names=(),
            categories=(),
        )
    if panel.past_names != fitted.past_names:
        wanted, given = list(fitted.past_names), list(panel.past_names)
        raise InvalidArgumentError(
            f"{name} has the past covariates {given}; expected {wanted}, as in fit ({name_X_past})."
        )
    where = (f"{name}['ds']", "") if panel.form == "long" else (f"{name}.index", name)
    indexes: dict[int, Any] = {}  # the series of a frame share one index: it is compared once
    series = []
    labels = fitted.ids if by_label.keys() == set(fitted.ids) else panel.ids
    for each in (by_label[label] for label in labels):
        if id(each.index) not in indexes:
            indexes[id(each.index)] = index_like(each.index, fitted.series[0].index, *where)
        series.append(replace(each, index=indexes[id(each.index)]))
    fields = _static_of(fitted, panel, labels, static, name)
    return replace(panel, series=tuple(series), **fields)


def _static_of(fitted: Panel, panel: Panel, labels: Sequence[Any], static: Any, name: str) -> dict[str, Any]:
    """The fields of the panel of a history that hold for a whole series, in the order of `labels`.

    They are those of `static` or of a Panel that was given as history; else, and for series without a row, those of
    `fit`.
    """
    names = [*fitted.static_names, *fitted.category_names]
    own = [*panel.static_names, *panel.category_names]
    if static is not None:
        if own or not names:
            where = f"{name} has them too" if own else "fit had none"
            raise InvalidArgumentError(f"static is given, but {where}; expected static=None.")
        return read_static(static, labels, panel.form, fitted=fitted)
    if own and (panel.static_names, panel.category_names) != (fitted.static_names, fitted.category_names):
        raise InvalidArgumentError(f"{name} has the static columns {own}; expected {names or 'none'}, as in fit.")
    source = panel if own else fitted
    rows = {label: row for row, label in enumerate(source.ids)}
    new = [label for label in labels if label not in rows]
    if new and names:
        raise InvalidArgumentError(
            f"{name} has {len(new)} series that fit did not have: {listed(new)}; expected static= with "
            f"{', '.join(names)} for them, as in fit."
        )
    places = [rows[label] for label in labels] if names else []
    return {
        "static": source.static[places], "static_names": fitted.static_names,
        "categories": tuple(source.categories[place] for place in places), "category_names": fitted.category_names,
    }  # fmt: skip


def read_seed(seed: Any, first: SeriesData, window: int) -> tuple[SeriesData, bool]:
    """Read the `seed` of :meth:`kerazoo.Forecaster.generate`.

    Args:
        seed: "zeros", an int or numbers (T,).
        first: the first fitted series.
        window: int, steps of a window.

    Returns:
        The series to continue, and whether the networks are shown zeros in place of its values.

    Raises:
        InvalidArgumentError: another string, an index outside the series, several series or too many numbers.
    """
    if isinstance(seed, str):
        check_choice("seed", seed, ("zeros",), hint="Or an index of the series, or numbers.")
        return first, True
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        start = check_int("seed", seed, 0, len(first.values) - 1, hint="It is an index of the fitted series.")
        end = min(start + window, len(first.values))
        return first.first(end), False
    panel = panel_of(seed, name="seed")
    values = panel.series[0].values
    if len(panel.series) > 1:
        raise InvalidArgumentError(f"seed has {len(panel.series)} series; expected one: numbers (T,).")
    if len(values) > len(first.values):
        raise InvalidArgumentError(
            f"seed has {len(values)} values; expected at most {len(first.values)}, the length of the fitted series."
        )
    return replace(first.first(len(values)), values=values), False
