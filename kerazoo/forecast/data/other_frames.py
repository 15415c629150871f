"""Data frames of polars, pyarrow and others as those of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kerazoo.errors import InvalidArgumentError

__all__ = ["pandas_of"]

DATES = "ds"  # the column of dates, if several columns have dates


def pandas_of(data: Any, name: str = "y") -> Any:
    """A frame or series of polars, pyarrow or another library with `to_pandas` as one of pandas; others unchanged.

    Such frames have no index. Unless there is a column `unique_id`, which makes it a long frame, the column with dates
    becomes the index (`ds`, if several columns have dates), and a frame with one other column becomes a Series.

    Args:
        data: of any type. Nothing of the other library is imported.
        name: what the caller's argument is called, for messages.

    Raises:
        InvalidArgumentError: a lazy frame, or a frame with several columns of dates of which none is called `ds`.

    >>> class Frame:  # as one of polars
    ...     def to_pandas(self):
    ...         return pd.DataFrame({"day": pd.date_range("2021-01-01", periods=2), "sold": [3, 4]})
    >>> pandas_of(Frame())
    day
    2021-01-01    3
    2021-01-02    4
    Name: sold, dtype: int64
    """
    if isinstance(data, pd.Series | pd.DataFrame | pd.Index | np.ndarray | list | tuple) or data is None:
        return data
    if hasattr(data, "collect") and hasattr(data, "columns"):
        raise InvalidArgumentError(f"{name} is a {type(data).__name__}; expected data in memory: {name}.collect().")
    if not hasattr(data, "to_pandas"):
        return data
    found = _converted(data)
    if isinstance(found, pd.DataFrame):
        return _indexed(found, name)
    return found


def _converted(data: Any) -> Any:
    library = type(data).__module__.partition(".")[0]
    if library == "polars":
        # Its own to_pandas needs pyarrow.
        if hasattr(data, "get_columns"):
            return pd.DataFrame({str(each.name): _polars_column(each) for each in data.get_columns()})
        return pd.Series(_polars_column(data), name=data.name or None)
    if library == "pyarrow":
        return data.to_pandas(date_as_object=False)
    return data.to_pandas()


def _polars_column(column: Any) -> Any:
    values = column.to_numpy()
    zone = getattr(column.dtype, "time_zone", None)
    return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone) if zone else values


def _indexed(frame: pd.DataFrame, name: str) -> Any:
    """The frame with its dates as index."""
    labels = [str(label) for label in frame.columns]
    if "unique_id" in labels or not isinstance(frame.index, pd.RangeIndex):
        return frame
    dates = [label for label in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[label].dtype)]
    if len(dates) > 1:
        if DATES not in dates:
            raise InvalidArgumentError(
                f"{name} has the columns of dates {', '.join(map(repr, dates))}; expected one, or one that is called "
                f"{DATES!r}. Drop the others."
            )
        dates = [DATES]
    found = frame.set_index(dates[0]) if dates else frame
    return found.iloc[:, 0] if dates and found.shape[1] == 1 else found
