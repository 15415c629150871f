"""Random panels as people have them: lengths, scales, zeros, constants, launches, dtypes, kinds of index and gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

SEASONS = {"MS": 12, "ME": 12, "QS": 4, "QE": 4, "YS": 1, "D": 7, "B": 5, "W-SUN": 4, "h": 6, "15min": 4, "2MS": 6}
STARTS = ("1970-03-01", "2016-02-28", "2020-12-31", "1999-01-01")
KINDS = ("usual", "usual", "constant", "zeros", "launched", "ended", "counts", "growth", "walk", "same", "line",
         "outlier", "two")  # fmt: skip
DTYPES = ("float64", "float32", "int64", "int32", "uint8", "Float64", "Int64")


@dataclass
class Case:
    """What is fitted, and how.

    Attributes:
        y: in any form.
        X: covariates or None.
        X_future: those of the forecast.
        parameters: of the Forecaster.
        broken: whether the data are such that only an error is right.
        story: what was drawn, for messages.
    """

    y: Any
    X: Any = None
    X_future: Any = None
    parameters: dict[str, Any] = field(default_factory=dict)
    broken: bool = False
    story: list[str] = field(default_factory=list)


def random_case(number: int) -> Case:
    """The case with this number; always the same."""
    rng = np.random.default_rng([19, number])
    freq = str(rng.choice([*SEASONS, "range", "range"]))
    season = SEASONS.get(freq, 1)
    form = str(rng.choice(["series", "frame", "long", "array"], p=[0.35, 0.3, 0.25, 0.1]))
    n_series = 1 if form == "series" else int(rng.integers(1, 5))
    length = _length(rng, season)
    case = Case(None, story=[f"{freq}, {form}, {n_series} series of {length}"])
    columns = {f"s{i}": _values(rng, length, season, case) for i in range(n_series)}
    index = _index(rng, freq, length)
    case.parameters = {
        "horizon": int(rng.integers(1, 1 + max(2, min(2 * season, length // 3)))),
        "n_members": int(rng.integers(1, 4)),
        "epochs": 0,
        "seed": 1,
        "verbose": 0,
    }
    if rng.random() < 0.1:
        case.parameters["loss"] = "normal"
    if rng.random() < 0.15:
        case.parameters["strategy"] = (
            str(rng.choice(["direct", "mean"])) if "loss" not in case.parameters else "recursive"
        )
    if rng.random() < 0.15:
        case.parameters["period"] = int(rng.integers(1, 14))
    if rng.random() < 0.15 and all((each >= 0).all() for each in columns.values()):
        case.parameters["floor"] = 0.0
    if rng.random() < 0.1:
        case.parameters["calendar"] = ()
    case.story.append(str(case.parameters))
    _put_into_form(rng, case, form, columns, index)
    if rng.random() < 0.1:
        _break(rng, case, form)
    return case


def _length(rng: np.random.Generator, season: int) -> int:
    if rng.random() < 0.15:
        return int(rng.integers(1, 9))
    return int(rng.integers(8, 30) if season == 1 else rng.integers(2 * season - 2, 5 * season + 6))


def _values(rng: np.random.Generator, length: int, season: int, case: Case) -> Any:
    """One series of a random kind."""
    t = np.arange(length)
    kind = str(rng.choice(KINDS))
    scale = float(10.0 ** rng.integers(-9, 13)) if rng.random() < 0.5 else 1.0
    level = float(rng.choice([0.0, 1.0, 100.0, -50.0]))
    cycle = np.tile(rng.normal(size=season), -(-length // season))[:length]
    y = level + 0.1 * rng.normal() * t + 3 * cycle + rng.normal(size=length)
    cut = int(rng.integers(0, length + 1))
    if kind == "constant":
        y = np.full(length, level + 0.02)
    elif kind == "zeros":
        y = np.zeros(length)
    elif kind == "launched":
        y = np.where(t < cut, 0.0, 5000 + y)
    elif kind == "ended":
        y = np.where(t < cut, 50 + np.abs(y), 0.0)
    elif kind == "counts":
        y = rng.poisson(0.3, length).astype(float)
    elif kind == "growth":
        y = np.exp(0.1 * t + 0.2 * cycle + 0.05 * rng.normal(size=length))
    elif kind == "walk":
        y = rng.normal(size=length).cumsum()
    elif kind == "same":
        y = level + cycle
    elif kind == "line":
        y = level + 2.0 * t
    elif kind == "outlier":
        y[cut % length] = 1e6
    elif kind == "two":
        y = np.where(rng.random(length) < 0.5, 1.0, 2.0)
    dtype = str(rng.choice(DTYPES)) if rng.random() < 0.4 else "float64"
    y = y * scale
    if "nt" in dtype:
        limits = np.iinfo(dtype.lower())
        y = np.clip(np.round(y), limits.min / 2, limits.max / 2)
    case.story.append(f"{kind} x {scale:g} as {dtype}")
    return pd.Series(y).astype(dtype).array


def _index(rng: np.random.Generator, freq: str, length: int) -> Any:
    if freq == "range":
        return pd.RangeIndex(int(rng.integers(0, 5)), length + 5)[:length]
    start = str(rng.choice(STARTS))
    if rng.random() < 0.3 and freq not in ("2MS", "B"):
        name = {"MS": "M", "ME": "M", "QS": "Q", "QE": "Q", "YS": "Y"}.get(freq, freq)
        return pd.period_range(str(rng.choice(["1500-01-01", "2020-01-01", "2400-05-01"])), periods=length, freq=name)
    tz = str(rng.choice(["UTC", "Europe/Berlin"])) if rng.random() < 0.15 else None
    unit = str(rng.choice(["s", "us", "ns"]))
    index = pd.date_range(start, periods=length, freq=freq, tz=tz, unit=unit)
    if rng.random() < 0.5:
        index.freq = None  # as dates that were read from a file
    return index


def _put_into_form(rng: np.random.Generator, case: Case, form: str, columns: dict[str, Any], index: Any) -> None:
    length = len(index)
    horizon = case.parameters["horizon"]
    covariate = None
    if rng.random() < 0.2:
        covariate = np.where(rng.random(length + horizon) < 0.3, 1.0, 0.0) * float(10.0 ** rng.integers(-6, 7))
    if form == "array":
        table = np.stack([np.asarray(each, np.float64) for each in columns.values()], axis=1)
        case.y = table[:, 0] if table.shape[1] == 1 and rng.random() < 0.5 else table
        if covariate is not None:
            case.X, case.X_future = covariate[:length], covariate[length:]
        return
    if form == "long":
        parts = []
        for label, values in columns.items():
            first = int(rng.integers(0, max(1, length // 3))) if rng.random() < 0.4 else 0
            parts.append(
                pd.DataFrame({"unique_id": label, "ds": index[first:], "y": np.asarray(values, float)[first:]})
            )
        case.y = pd.concat(parts, ignore_index=True)
        if rng.random() < 0.3:
            case.y = case.y.sample(frac=1.0, random_state=1)
        return
    frame = pd.DataFrame(columns)
    frame.index = index
    case.y = frame.iloc[:, 0] if form == "series" else frame
    if covariate is not None and not isinstance(index, pd.RangeIndex) and length > 2:
        case.X = pd.DataFrame({"x": covariate[:length]}, index)
        case.X_future = covariate[length:]


def _break(rng: np.random.Generator, case: Case, form: str) -> None:
    """A gap, a missing value, repeated or unsorted rows."""
    how = str(rng.choice(["gap", "nan", "inf", "repeated", "unsorted", "text", "empty"]))
    if form == "array" and how in ("gap", "repeated", "unsorted", "text"):
        how = "nan"
    n = len(case.y)
    if n < 4:
        return
    case.X = case.X_future = None
    place = int(rng.integers(1, n - 1))
    if form == "array":
        case.y = case.y.copy() if how != "empty" else case.y[:0]
        if how != "empty":
            case.y[place] = np.inf if how == "inf" else np.nan
    elif how in ("nan", "inf"):
        case.y = case.y.astype({"y": float} if form == "long" else float)
        value = np.inf if how == "inf" else np.nan
        if form == "series":
            case.y.iloc[place] = value
        else:
            case.y.iloc[place, -1] = value
    elif how == "gap":
        case.y = case.y.drop(case.y.index[place])
    elif how == "repeated":
        case.y = pd.concat([case.y, case.y.iloc[place : place + 1]])
    elif how == "unsorted":
        if form == "long":
            return
        case.y = case.y.iloc[::-1]
    elif how == "text":
        case.y = case.y.astype(str)
    else:
        case.y = case.y.iloc[:0]
    case.broken = how != "gap" or not _may_lose_rows(case, form)
    case.story.append(f"broken: {how}")


def _may_lose_rows(case: Case, form: str) -> bool:
    """Without a row the dates may still have a step: every second of three, or the end of a series of a long frame."""
    return form == "long" or len(case.y) < 5
