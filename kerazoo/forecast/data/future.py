"""`read_future`: the covariates of the steps to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import check_repeated, listed, text_of
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Index, Values
from kerazoo.forecast.data.validation import (
    as_frame,
    check_keys,
    check_same_kind,
    covariate_array,
    long_keys,
    numeric_column,
)

__all__ = ["read_future"]

# Of a forecast, with its dates, labels and methods, while it is made: 790 to 940 were measured.
BYTES_PER_STEP = 1000


def read_future(
    panel: Panel,
    X_future: Any,
    horizon: int | Sequence[int],
    name: str = "X_future",
    *,
    past: bool = False,
    missing: str = "error",
) -> list[Values]:
    """The covariates of the `horizon` steps after the end of each series.

    Args:
        panel: Panel, the series that were fitted.
        X_future: a DataFrame (or a Series, for one covariate) whose index holds the dates of the forecast, or for a
            long panel a long DataFrame. Columns are selected by name and rows by date; others are ignored. Or numbers
            (horizon, K), or (horizon,) if K is 1, in the order of `panel.covariate_names`; not for a long panel. None
            if the panel has no covariates.
        horizon: int >= 1; or, for a long panel, a number for each series, 0 for some.
        name: what the caller's argument is called, for messages.
        past: whether the covariates of `X_past` are read instead of those of `X`.
        missing: "skip": those of `X_past` may be missing, and so may their dates, but not all of a series: they are
            NaN, which is unknown. "error": they are refused.

    Returns:
        One float64 (horizon, K) per series. Series that share their covariates share the array.

    Raises:
        InvalidArgumentError: covariates or dates are missing, values are not finite, or the panel has no covariates.

    >>> from kerazoo.forecast.data.read import read_panel
    >>> panel = read_panel([3.0, 1.0, 2.0], X=[0, 1, 0])
    >>> read_future(panel, [1, 1], 2)
    [array([[1.],
           [1.]])]
    """
    if isinstance(horizon, Sequence):
        horizons = list(horizon)
    else:
        horizons = [check_int("horizon", horizon, hint="It is the number of steps to forecast.")] * len(panel.series)
    check_memory(
        BYTES_PER_STEP * sum(horizons),
        f"{len(panel.series):,} series and horizon={max(horizons)}",
        "A shorter horizon, or fewer series at a time, takes less.",
    )
    X_future = pandas_of(X_future, name)
    unknown = ("skip" if missing == "skip" else "error") if past else None  # as `missing` of `numeric_column`
    names = panel.past_names if past else panel.covariate_names
    if not names:
        if X_future is not None:
            kind = "X_past" if past else "covariates"
            raise InvalidArgumentError(f"{name} is given, but fit had no {kind}; expected None, or {kind} in both.")
        return [np.empty((steps, 0)) for steps in horizons]
    wanted = panel.future_indexes(horizons)
    if X_future is None:
        first = next(each for each in wanted if len(each))
        of_series = f" (series {panel.ids[0]!r})" if panel.form == "long" else ""
        raise InvalidArgumentError(
            f"{name}=None; expected the covariates of fit ({', '.join(names)}) for the {_dates_text(name)}: "
            f"{text_of(first[0])} to {text_of(first[-1])}{of_series}."
        )
    if isinstance(X_future, pd.Series | pd.DataFrame):
        if panel.form == "long":
            return _future_of_long(panel, X_future, wanted, names, name, unknown)
        columns = _named_columns(as_frame(X_future, names), names, name)
        values = _rows_of(columns, X_future.index, wanted[0], name, missing=unknown)
    elif isinstance(X_future, np.ndarray | list | tuple):
        if panel.form == "long":
            raise InvalidArgumentError(
                f"{name} is an array without dates; expected a DataFrame with unique_id, ds and the covariates, "
                "since y is a long frame, whose series may end at different dates."
            )
        values = covariate_array(X_future, horizons[0], name, "horizon", unknown)
        if values.shape[1] != len(names):
            raise InvalidArgumentError(
                f"{name} has {values.shape[1]} columns; expected {len(names)}: {', '.join(names)}."
            )
    else:
        raise InvalidArgumentError(
            f"{name} is a {type(X_future).__name__}; expected a pandas DataFrame, a Series or a NumPy array."
        )
    return [values] * len(panel.series)


def _future_of_long(
    panel: Panel, X_future: Any, wanted: list[Index], names: Sequence[str], name: str, missing: str | None
) -> list[Values]:
    if not isinstance(X_future, pd.DataFrame):
        raise InvalidArgumentError(f"{name} is a Series; expected a DataFrame with unique_id, ds and the covariates.")
    check_keys(X_future, name)
    columns = _named_columns(X_future, names, name)
    if not len(X_future):
        raise InvalidArgumentError(f"{name} has no rows; expected the dates of the forecast for each series.")
    dates, codes, uniques = long_keys(X_future, name)
    lacks = [of for of, each in zip(panel.ids, wanted, strict=True) if len(each) and of not in uniques]
    if lacks:
        raise InvalidArgumentError(
            f"{name} lacks {len(lacks)} of the {len(panel.ids)} series: {listed(lacks)}; expected rows of each."
        )
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(uniques) + 1))
    found = []
    for each, of in zip(wanted, panel.ids, strict=True):
        if not len(each):
            found.append(np.empty((0, len(names))))
            continue
        code = uniques.get_loc(of)
        rows = order[bounds[code] : bounds[code + 1]]
        of_rows = [(label, column.iloc[rows]) for label, column in columns]
        found.append(_rows_of(of_rows, dates[rows], each, name, f" of series {of!r}", missing))
    return found


def _named_columns(frame: pd.DataFrame, names: Sequence[str], owner: str) -> list[tuple[str, pd.Series]]:
    labels = [str(label) for label in frame.columns]
    lacks = [name for name in names if name not in labels]
    if lacks:
        raise InvalidArgumentError(
            f"{owner} has no column {', '.join(map(repr, lacks))}; expected the covariates of fit: {', '.join(names)}."
        )
    repeated = [name for name in names if labels.count(name) > 1]
    if repeated:
        raise InvalidArgumentError(f"{owner} has the column {repeated[0]!r} more than once; expected different names.")
    return [(name, frame.iloc[:, labels.index(name)]) for name in names]


def _rows_of(
    columns: list[tuple[str, pd.Series]],
    index: Index,
    wanted: Index,
    owner: str,
    of_series: str = "",
    missing: str | None = None,
) -> Values:
    """float64 (H, K): the rows of the wanted dates; with `missing="skip"` NaN for those of some of them."""
    check_same_kind(index, wanted, f"{owner}.index" if not of_series else f"{owner}['ds']", "the index of y")
    rows = np.flatnonzero(index.isin(wanted))
    kept = index[rows]
    check_repeated(kept, f"{owner}{of_series}")
    positions = kept.get_indexer(wanted)
    have = positions >= 0
    if not have.all() and (missing != "skip" or not have.any()):
        remedy = (
            ' missing="skip" of the constructor reads those of some dates as unknown.' if missing == "error" else ""
        )
        raise InvalidArgumentError(
            f"{owner}{of_series} lacks {int((~have).sum())} of the {len(wanted)} {_dates_text(owner)}: "
            f"{listed(wanted[~have])}; expected {text_of(wanted[0])} to {text_of(wanted[-1])}.{remedy}"
        )
    taken = rows[positions[have]]
    values = np.full((len(wanted), len(columns)), np.nan)
    for place, (name, column) in enumerate(columns):
        values[have, place] = numeric_column(
            column.iloc[taken], f"{owner}[{name!r}]{of_series}", wanted[have], missing=missing
        )
    return values


def _dates_text(name: str) -> str:
    """How messages call the dates of an argument."""
    return "dates of the forecast" if "future" in name else "new dates"
