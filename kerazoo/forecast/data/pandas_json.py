"""Labels, dtypes and indexes of pandas to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.types import Index

__all__ = ["dtype_config", "dtype_from", "index_config", "index_from_config", "label_config", "label_from"]


def label_config(label: Any) -> Any:
    """A label of a series or column as JSON: text, number, Timestamp or tuple; others raise InvalidArgumentError."""
    if isinstance(label, np.generic):
        label = label.item()
    if label is None or isinstance(label, str | bool | int | float):
        return label
    if isinstance(label, tuple):
        return {"tuple": [label_config(each) for each in label]}
    if isinstance(label, pd.Timestamp):
        return {"timestamp": label.isoformat()}
    raise InvalidArgumentError(
        f"label {label!r} is a {type(label).__name__}; expected text, a number, a Timestamp or a tuple of them, "
        "which JSON can hold. Rename the series."
    )


def label_from(config: Any) -> Any:
    """The inverse of :func:`label_config`."""
    if isinstance(config, Mapping):
        return pd.Timestamp(config["timestamp"]) if "timestamp" in config else tuple(map(label_from, config["tuple"]))
    return config


def dtype_config(dtype: Any) -> Any:
    """A dtype as JSON; a categorical one with its categories."""
    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": [label_config(each) for each in dtype.categories], "ordered": bool(dtype.ordered)}
    return None if dtype is None else str(dtype)


def dtype_from(config: Any) -> Any:
    """The inverse of :func:`dtype_config`; None for a dtype that the installed pandas lacks."""
    if isinstance(config, Mapping):
        return pd.CategoricalDtype([label_from(each) for each in config["categories"]], config["ordered"])
    try:
        return None if config is None else pd.api.types.pandas_dtype(config)
    except (TypeError, ValueError, SyntaxError):  # a dtype of another version of pandas
        return None


def index_config(index: Index) -> dict[str, Any]:
    """A regular index as JSON; frequencies and time zones without a name raise InvalidArgumentError."""
    config: dict[str, Any] = {"name": label_config(index.name), "length": len(index)}
    if isinstance(index, pd.RangeIndex):
        return {**config, "kind": "range", "start": int(index[0])}
    if isinstance(index, pd.PeriodIndex):
        return {**config, "kind": "period", "start": int(index[0].ordinal), "freq": index.freqstr}
    # In UTC: a local time is ambiguous in the hour that repeats when daylight saving ends.
    start = index[0] if index.tz is None else index[0].tz_convert("UTC")
    zone = None if index.tz is None else _zone_config(index.tz)
    config.update(kind="datetime", start=start.isoformat(), tz=zone, unit=index.unit)
    return {**config, "freq": _offset_config(index.freq)}


def index_from_config(config: Mapping[str, Any]) -> Index:
    """The inverse of :func:`index_config`."""
    kind = check_choice("kind", config["kind"], ("datetime", "period", "range"))
    length, name, start = config["length"], label_from(config["name"]), config["start"]
    if kind == "range":
        return pd.RangeIndex(start, start + length, name=name)
    if kind == "period":
        first = pd.Period(ordinal=start, freq=config["freq"])
        return pd.period_range(first, periods=length, freq=first.freq, name=name)
    first = pd.Timestamp(start) if config["tz"] is None else pd.Timestamp(start).tz_convert(config["tz"])
    return pd.date_range(first, periods=length, freq=_offset(config["freq"]), name=name, unit=config["unit"])


def _zone_config(tz: Any) -> str:
    fixed = tz.utcoffset(None)
    if fixed is not None and fixed:
        minutes = int(fixed.total_seconds()) // 60
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    text = "UTC" if fixed is not None else str(tz)
    try:
        pd.Timestamp(0, tz=text)
    except Exception as error:  # zoneinfo and pytz raise different errors
        raise InvalidArgumentError(
            f"time zone {tz!r} has no name and cannot be saved; expected one as after y.tz_convert('Europe/Berlin')."
        ) from error
    return text


def _offset_config(freq: Any) -> str | dict[str, Any]:
    try:
        if to_offset(freq.freqstr) == freq:
            return str(freq.freqstr)
    except ValueError:
        pass
    if not freq.normalize:
        if type(freq) is pd.DateOffset and all(isinstance(value, int) for value in freq.kwds.values()):
            return {"n": freq.n, **freq.kwds}
        if type(freq) is pd.offsets.CustomBusinessDay and not freq.offset and isinstance(freq.weekmask, str):
            return {"n": freq.n, "weekmask": freq.weekmask, "holidays": [str(day) for day in freq.holidays]}
    raise InvalidArgumentError(
        f"freq {freq!r} cannot be saved; expected a pandas alias, a DateOffset of whole units, or a CustomBusinessDay."
    )


def _offset(config: str | Mapping[str, Any]) -> Any:
    if isinstance(config, str):
        return to_offset(config)
    if "weekmask" in config:
        holidays = [np.datetime64(day) for day in config["holidays"]]
        return pd.offsets.CustomBusinessDay(config["n"], weekmask=config["weekmask"], holidays=holidays)
    return pd.DateOffset(**config)
