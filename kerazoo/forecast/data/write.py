"""Forecasts and fitted values in the form of `y`.

| form | y | forecast alone | with intervals |
|---|---|---|---|
| `"series"` | Series | Series with the same name | DataFrame, one column per label |
| `"frame"` | DataFrame, one column per series | DataFrame with the same columns | columns (series, label) |
| `"long"` | DataFrame with unique_id, ds, y | DataFrame with unique_id, ds, label | the same, one column per label |
| `"array"` | NumPy (T,) or list | NumPy (H,) | DataFrame, one column per label |
| `"array"` | NumPy (T, n) | NumPy (H, n) | DataFrame with columns (series, label) |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Index, Values

__all__ = ["write_forecast", "write_steps"]


def write_forecast(panel: Panel, columns: Mapping[str, Sequence[Values]]) -> Any:
    """Forecasts in the form of `y`, over the dates that follow it.

    With one label, the forecast, the result has the type of `y`. With several, for intervals, it is a DataFrame. Its
    columns are the labels for one series and for a long frame; for several series they are pairs of series and label:
    `result["north"]["lower_80"]`, `result.xs("forecast", axis=1, level=-1)`. See the table at the top of this module.

    Args:
        panel: Panel.
        columns: label (`"forecast"`, `"lower_80"`, ...) -> one float64 (H,) per series, all of the same length.

    Returns:
        A Series, DataFrame or float64 array.

    Raises:
        InvalidArgumentError: no label, or arrays of the wrong number or shape.

    >>> from kerazoo.forecast.data.read import read_panel
    >>> y = pd.Series([1.0, 2, 3], pd.period_range("2020-01", periods=3, freq="M"), name="sold")
    >>> forecast, lower = [np.array([4.0, 5])], [np.array([3.0, 3.5])]
    >>> write_forecast(read_panel(y), {"forecast": forecast})
    2020-04    4.0
    2020-05    5.0
    Freq: M, Name: sold, dtype: float64
    >>> write_forecast(read_panel(y), {"forecast": forecast, "lower_80": lower})
             forecast  lower_80
    2020-04       4.0       3.0
    2020-05       5.0       3.5
    """
    if not columns:
        raise InvalidArgumentError("columns is empty; expected at least one label with its forecasts.")
    checked = {label: [np.asarray(each, np.float64) for each in arrays] for label, arrays in columns.items()}
    shapes = {each.shape for arrays in checked.values() for each in arrays}
    counts = {len(arrays) for arrays in checked.values()}
    if counts != {len(panel.series)} or len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise InvalidArgumentError(
            f"columns hold {sorted(counts)} arrays of the shapes {sorted(shapes)}; "
            f"expected {len(panel.series)} per label, one for each series, all of the same shape (H,)."
        )
    horizon = next(iter(shapes))[0]
    indexes = panel.future_indexes(horizon)
    alone = next(iter(checked.values())) if len(checked) == 1 else None
    if panel.form == "long":
        dates = indexes[0].append(indexes[1:])
        keys = {"unique_id": _repeated_ids(panel, horizon), "ds": dates.rename(None)}
        return pd.DataFrame({**keys, **{label: np.concatenate(arrays) for label, arrays in checked.items()}})
    if panel.form == "array" and alone is not None:
        return alone[0].copy() if panel.ndim == 1 else np.stack(alone, axis=1)
    if panel.form == "series" and alone is not None:
        return pd.Series(alone[0].copy(), indexes[0], name=panel.name)
    if panel.form == "series" or (panel.form == "array" and panel.ndim == 1):
        return pd.DataFrame({label: arrays[0] for label, arrays in checked.items()}, index=indexes[0])
    by_series = [arrays[i] for i in range(len(panel.series)) for arrays in checked.values()]
    table = np.stack(by_series, axis=1)
    if alone is not None:
        return pd.DataFrame(table, index=indexes[0], columns=_id_index(panel))
    pairs = [(*(each if isinstance(each, tuple) else (each,)), label) for each in panel.ids for label in checked]
    labels = pd.MultiIndex.from_tuples(pairs, names=[*panel.level_names, None])
    return pd.DataFrame(table, index=indexes[0], columns=labels)


def write_steps(panel: Panel, values: Sequence[Values]) -> Any:
    """One value per step of each series, in the form of `y` and over its dates.

    A series of a frame or an array that begins later than others (with leading NaN, read with `missing="skip"`) has NaN
    before; rows of a frame before the first value of any series are left out.

    Args:
        panel: Panel.
        values: one float64 (T,) per series.

    Returns:
        A Series, a DataFrame (for a long frame with the columns unique_id, ds and forecast) or a float64 array.

    >>> from kerazoo.forecast.data.read import read_panel
    >>> write_steps(read_panel([3.0, 1.0]), [np.array([np.nan, 3.0])])
    array([nan,  3.])
    """
    if panel.form == "series":
        return pd.Series(values[0], panel.series[0].index, name=panel.name)
    if panel.form == "array":
        # The rows of an array are known by their number alone: those before the first value are kept.
        table = _stacked(values, int(panel.series[0].index[-1]) + 1)
        return table[:, 0] if panel.ndim == 1 else table
    if panel.form == "frame":
        index = max((each.index for each in panel.series), key=len)
        return pd.DataFrame(_stacked(values, len(index)), index=index, columns=_id_index(panel))
    ids = _id_index(panel).repeat([len(each.values) for each in panel.series])
    dates = panel.series[0].index.append([each.index for each in panel.series[1:]])
    return pd.DataFrame({"unique_id": ids, "ds": dates.rename(None), "forecast": np.concatenate(values)})


def _stacked(values: Sequence[Values], length: int) -> Values:
    """float64 (length, series): series that end together, NaN before those that begin later."""
    table = np.full((length, len(values)), np.nan)
    for column, each in enumerate(values):
        table[length - len(each) :, column] = each
    return table


def _repeated_ids(panel: Panel, horizon: int) -> pd.Series:
    index = _id_index(panel)
    return pd.Series(index.repeat(horizon)).reset_index(drop=True)


def _id_index(panel: Panel) -> Index:
    """The ids as an index with the dtype of the input."""
    ids = list(panel.ids)
    if panel.form == "frame" and len(panel.level_names) > 1:
        return pd.MultiIndex.from_tuples(ids, names=panel.level_names)
    try:
        return pd.Index(ids, dtype=panel.id_dtype, name=panel.level_names[0])
    except (TypeError, ValueError):  # a dtype of another version of pandas
        return pd.Index(ids, name=panel.level_names[0])
