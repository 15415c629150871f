"""`read_future`: the covariates of the steps to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

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


def read_future(
    panel: Panel, X_future: Any, horizon: int, name: str = "X_future", *, past: bool = False
) -> list[Values]:
    """The covariates of the `horizon` steps after the end of each series.

    Args:
        panel: Panel, the series that were fitted.
        X_future: a DataFrame (or a Series, for one covariate) whose index holds the dates of the forecast, or for a
            long panel a long DataFrame. Columns are selected by name and rows by date; others are ignored. Or numbers
            (horizon, K), or (horizon,) if K is 1, in the order of `panel.covariate_names`; not for a long panel. None
            if the panel has no covariates.
        horizon: int >= 1.
        name: what the caller's argument is called, for messages.
        past: whether the covariates of `X_past` are read instead of those of `X`.

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
    check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    X_future = pandas_of(X_future, name)
    names = panel.past_names if past else panel.covariate_names
    if not names:
        if X_future is not None:
            raise InvalidArgumentError(
                f"{name} is given, but fit had no covariates; expected None, or covariates in both."
            )
        return [np.empty((horizon, 0)) for _ in panel.series]
    wanted = panel.future_indexes(horizon)
    if X_future is None:
        first = wanted[0]
        of_series = "" if panel.form in ("series", "array") else f" (series {panel.ids[0]!r})"
        raise InvalidArgumentError(
            f"{name}=None; expected the covariates of fit ({', '.join(names)}) for the dates of the forecast: "
            f"{text_of(first[0])} to {text_of(first[-1])}{of_series}."
        )
    if isinstance(X_future, pd.Series | pd.DataFrame):
        if panel.form == "long":
            return _future_of_long(panel, X_future, wanted, names, name)
        columns = _named_columns(as_frame(X_future, names), names, name)
        values = _rows_of(columns, X_future.index, wanted[0], name)
    elif isinstance(X_future, np.ndarray | list | tuple):
        if panel.form == "long":
            raise InvalidArgumentError(
                f"{name} is an array without dates; expected a DataFrame with unique_id, ds and the covariates, "
                "since y is a long frame, whose series may end at different dates."
            )
        values = covariate_array(X_future, horizon, name, "horizon")
        if values.shape[1] != len(names):
            raise InvalidArgumentError(
                f"{name} has {values.shape[1]} columns; expected {len(names)}: {', '.join(names)}."
            )
    else:
        raise InvalidArgumentError(
            f"{name} is a {type(X_future).__name__}; expected a pandas DataFrame, a Series or a NumPy array."
        )
    return [values] * len(panel.series)


def _future_of_long(panel: Panel, X_future: Any, wanted: list[Index], names: Sequence[str], name: str) -> list[Values]:
    if not isinstance(X_future, pd.DataFrame):
        raise InvalidArgumentError(f"{name} is a Series; expected a DataFrame with unique_id, ds and the covariates.")
    check_keys(X_future, name)
    columns = _named_columns(X_future, names, name)
    if not len(X_future):
        raise InvalidArgumentError(f"{name} has no rows; expected the dates of the forecast for each series.")
    dates, codes, uniques = long_keys(X_future, name)
    lacks = [each for each in panel.ids if each not in uniques]
    if lacks:
        raise InvalidArgumentError(
            f"{name} lacks {len(lacks)} of the {len(panel.ids)} series: {listed(lacks)}; expected rows of each."
        )
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(uniques) + 1))
    found = []
    for each, of in zip(wanted, panel.ids, strict=True):
        code = uniques.get_loc(of)
        rows = order[bounds[code] : bounds[code + 1]]
        of_rows = [(label, column.iloc[rows]) for label, column in columns]
        found.append(_rows_of(of_rows, dates[rows], each, name, f" of series {of!r}"))
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
    columns: list[tuple[str, pd.Series]], index: Index, wanted: Index, owner: str, of_series: str = ""
) -> Values:
    """float64 (H, K): the rows of the wanted dates."""
    check_same_kind(index, wanted, f"{owner}.index" if not of_series else f"{owner}['ds']", "the index of y")
    rows = np.flatnonzero(index.isin(wanted))
    kept = index[rows]
    check_repeated(kept, f"{owner}{of_series}")
    positions = kept.get_indexer(wanted)
    if (positions < 0).any():
        raise InvalidArgumentError(
            f"{owner}{of_series} lacks {int((positions < 0).sum())} of the {len(wanted)} dates of the forecast: "
            f"{listed(wanted[positions < 0])}; expected {text_of(wanted[0])} to {text_of(wanted[-1])}."
        )
    taken = rows[positions]
    return np.stack(
        [numeric_column(column.iloc[taken], f"{owner}[{name!r}]{of_series}", wanted) for name, column in columns],
        axis=1,
    )
