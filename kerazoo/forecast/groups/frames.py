"""`forecast_frame`: a pure function from a long frame to its forecasts, for Spark, Dask and pools of processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo._columns import FORECAST, bound_columns
from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._runtime.ignored_warnings import warnings_ignored
from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.write import write_forecast
from kerazoo.forecast.forecaster import Forecaster
from kerazoo.forecast.global_nets.passes import equal_passes
from kerazoo.forecast.groups.reading import Failure, Rules, frames_of, in_halves, panels_of, without_failing
from kerazoo.forecast.groups.sharing import Shared, fit_series, read_shared
from kerazoo.forecast.options import read_levels

__all__ = ["FrameSchema", "forecast_frame", "forecast_schema"]

#: dtype of `ds` in pandas, and its type in Spark.
DATES = {"timestamp": ("datetime64[us]", "timestamp"), "integer": ("int64", "bigint")}
#: The preset of a series that is forecast by itself, which needs no training.
MODEL = "preset:forecast_small"


@dataclass(frozen=True)
class FrameSchema:
    """The columns of :func:`forecast_frame`.

    Attributes:
        columns: tuple of (name, pandas dtype, Spark type).

    >>> forecast_schema(level=80).spark
    'unique_id string, ds timestamp, forecast double, lower_80 double, upper_80 double, error string'
    """

    columns: tuple[tuple[str, str, str], ...]

    @property
    def spark(self) -> str:
        """As Spark's `applyInPandas` takes it."""
        return ", ".join(f"{name} {kind}" for name, _, kind in self.columns)

    @property
    def empty(self) -> pd.DataFrame:
        """A frame without rows, as Dask's `meta` takes it."""
        return self.frame({name: [] for name, _, _ in self.columns})

    def frame(self, columns: dict[str, Any]) -> pd.DataFrame:
        """A frame with these columns and dtypes."""
        return pd.DataFrame({name: pd.Series(columns[name]).astype(dtype) for name, dtype, _ in self.columns})


def forecast_schema(level: float | Sequence[float] | None = None, dates: str = "timestamp") -> FrameSchema:
    """The columns that :func:`forecast_frame` returns, for any frame.

    Args:
        level: levels of prediction intervals, as there.
        dates: `"timestamp"` or `"integer"`, as there.

    >>> forecast_schema().empty.dtypes.astype(str).to_dict()["forecast"]
    'float64'
    """
    check_choice("dates", dates, DATES)
    numbers = [FORECAST, *(label for each in read_levels(level) for label in bound_columns(each))]
    return FrameSchema(
        (
            ("unique_id", "str", "string"),
            ("ds", *DATES[dates]),
            *((name, "float64", "double") for name in numbers),
            ("error", "str", "string"),
        )
    )


def forecast_frame(
    frame: Any,
    horizon: int,
    level: float | Sequence[float] | None = None,
    *,
    like: str | os.PathLike[str] | None = None,
    dates: str = "timestamp",
    **parameters: Any,
) -> pd.DataFrame:
    """Forecast the series of a long frame: a pure function, for the tasks of any engine.

    A forecast depends on its series alone (and on `like`), not on the others of the frame. Columns and dtypes do not
    depend on the frame (:func:`forecast_schema`). A series that cannot be forecast is one row with the reason in
    `error`.

    Args:
        frame: long DataFrame of whole series: `unique_id`, `ds` and `y`, rows in any order. Other columns are refused:
            what is known of future dates has no place in it.
        horizon: int >= 1, steps.
        level: levels of prediction intervals, as for :meth:`kerazoo.Forecaster.predict`.
        like: the file `shared-00000.kerazoo` of a :meth:`kerazoo.Forecaster.fit_groups`, which all processes can read:
            series are forecast with the networks and weights of its sample, in some milliseconds each. None: each
            series is fitted by itself, which takes some tenths of a second.
        dates: `"integer"` if `ds` has integers. Dates are timestamps; periods become their start, and times with a zone
            UTC.
        **parameters: of :class:`kerazoo.Forecaster`; not with `like`. The default of `model` is
            `"preset:forecast_small"`, which needs no training.

    Returns:
        `unique_id` (text), `ds`, `forecast`, the bounds of the intervals, and `error` ("" for forecasts), ordered by
        series and date.

    Raises:
        InvalidArgumentError: `frame` is no long frame, or an argument is out of range.
        StorageError: the file `like` does not exist or is damaged.

    >>> days = pd.date_range("2024-01-01", periods=30)
    >>> shop = pd.DataFrame({"unique_id": "shop", "ds": days, "y": np.arange(30.0)})
    >>> found = forecast_frame(pd.concat([shop, shop[:0], shop[:4].assign(unique_id="new", y=np.nan)]), 2, epochs=0)
    >>> found["forecast"].round().tolist(), found["error"].str[:20].tolist()
    ([nan, 30.0, 31.0], ['InvalidArgumentError', '', ''])
    """
    prefer_fast_kernels()
    schema = forecast_schema(level, dates)
    levels = read_levels(level)
    horizon = check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    frame = pandas_of(frame, "frame")
    _check(frame)
    if like is not None and parameters:
        raise InvalidArgumentError(f"{', '.join(parameters)} with like; expected none: they are those of its fit.")
    parts: list[pd.DataFrame] = []
    failures: list[Failure] = []
    # Of constant series, in every task.
    with threadpool_limits(1, user_api="blas"), equal_passes(), warnings_ignored(UserWarning):
        if len(frame):
            if like is None:
                parts, failures = _each(frame, horizon, levels, {"model": MODEL, "verbose": 0, **parameters})
            else:
                parts, failures = _like(frame, horizon, levels, _read(os.fspath(like)))
    rows = [_rows(part, schema, dates) for part in parts] + [_failing(each, schema, dates) for each in failures]
    if not rows:
        return schema.empty
    found = pd.concat(rows, ignore_index=True)
    order = found["unique_id"].to_numpy(object).argsort(kind="stable")
    return found.iloc[order].reset_index(drop=True)


def _check(frame: Any) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise InvalidArgumentError(f"frame is a {type(frame).__name__}; expected a long DataFrame.")
    if set(frame.columns) != {"unique_id", "ds", "y"}:
        raise InvalidArgumentError(
            f"frame has the columns {', '.join(map(str, frame.columns))}; expected unique_id, ds and y, and no others."
        )
    if frame["unique_id"].isna().any():
        raise InvalidArgumentError("unique_id is missing in a row of frame; expected an id in each.")


def _each(
    frame: pd.DataFrame, horizon: int, levels: Sequence[float], parameters: dict[str, Any]
) -> tuple[list[pd.DataFrame], list[Failure]]:
    """Forecasts of each series by itself."""
    Forecaster(**parameters)  # unknown names are no failures of a series
    parts, failures = [], []
    for part in frames_of(frame):
        for label, rows in part.groupby("unique_id", sort=False, observed=True):

            def forecast(some: list[pd.DataFrame]) -> pd.DataFrame:
                fitted = Forecaster(**{"horizon": horizon, **parameters}).fit(some[0])
                return fitted.predict(horizon, level=list(levels) or None)

            found, failing = in_halves([rows], forecast)
            parts += found
            failures += [Failure.of(label, error) for _, error in failing]
    return parts, failures


@lru_cache(maxsize=2)
def _read(path: str) -> Shared:
    return read_shared(path)


def _like(
    frame: pd.DataFrame, horizon: int, levels: Sequence[float], shared: Shared
) -> tuple[list[pd.DataFrame], list[Failure]]:
    """Forecasts with what a sample has taught."""
    base = shared.fitted
    if base.panel.covariate_names:
        raise InvalidArgumentError(
            f"like has the covariates {', '.join(base.panel.covariate_names)}; expected a fit without any."
        )
    longest = max((each.index for each in base.panel.series), key=len)
    rules = Rules(shared.params["missing"], base.floor, shared.params["loss"], longest, ())

    def forecast(panel: Panel) -> pd.DataFrame:
        futures = read_future(panel, None, horizon)
        return write_forecast(panel, fit_series(shared, panel).forecast(panel, futures, horizon, levels))

    parts, failures = [], []
    for panels, failing in panels_of(frame, rules):
        failures += failing
        for panel in panels:
            found, more = without_failing(panel, forecast)
            parts += [each for _, each in found]
            failures += more
    return parts, failures


def _rows(part: pd.DataFrame, schema: FrameSchema, dates: str) -> pd.DataFrame:
    columns = {name: part[name] for name in part.columns}
    columns |= {"unique_id": part["unique_id"].astype(str), "error": [""] * len(part)}
    ds = part["ds"]
    if dates == "integer":
        if not pd.api.types.is_integer_dtype(ds.dtype):
            raise InvalidArgumentError("dates='integer', but ds has dates; expected dates='timestamp'.")
    elif isinstance(ds.dtype, pd.PeriodDtype):
        ds = ds.dt.to_timestamp()
    elif pd.api.types.is_integer_dtype(ds.dtype):
        raise InvalidArgumentError("ds has integers; expected dates='integer'.")
    elif getattr(ds.dtype, "tz", None) is not None:
        ds = ds.dt.tz_convert("UTC").dt.tz_localize(None)
    return schema.frame({**columns, "ds": ds})


def _failing(failure: Failure, schema: FrameSchema, dates: str) -> pd.DataFrame:
    columns: dict[str, Any] = {name: [np.nan] for name, _, _ in schema.columns}
    columns |= {"unique_id": [failure.unique_id], "error": [f"{failure.error}: {failure.message}"]}
    columns["ds"] = [-1] if dates == "integer" else [pd.NaT]  # integers have no missing value
    return schema.frame(columns)
