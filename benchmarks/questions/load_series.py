"""Cases of load of forecasts; see `benchmarks.questions.load`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness.load_phases import Phases

__all__ = ["CASES"]

STEPS, HORIZON = 36, 6
SETTINGS: dict[str, Any] = {"seed": 1, "verbose": 0}


def long_frame(n: int, steps: int = STEPS) -> pd.DataFrame:
    """N random walks with a season of 12."""
    rng = np.random.default_rng(n)
    season = rng.normal(0.0, 0.1, (n, 12))[:, np.arange(steps) % 12]
    logs = rng.normal(5.0, 2.0, (n, 1)) + np.cumsum(rng.normal(0.002, 0.03, (n, steps)), axis=1) + season
    return pd.DataFrame(
        {"unique_id": np.repeat(np.arange(n), steps), "ds": np.tile(np.arange(steps), n), "y": np.exp(logs).ravel()}
    )


def walk(n: int) -> Any:
    """A random walk with a season of 12, n values."""
    rng = np.random.default_rng(n)
    return 100 + np.cumsum(rng.normal(0, 0.1, n)) + np.sin(np.arange(n) * np.pi / 6)


def _fit(phases: Phases, frame: pd.DataFrame, **settings: Any) -> None:
    from kerazoo import Forecaster

    made = Forecaster(horizon=HORIZON, period=12, **SETTINGS, **settings)
    with phases.phase("fit"):
        made.fit(frame)
    with phases.phase("predict, more steps, intervals"):
        found = made.predict(HORIZON + 1, level=[80])
    assert np.isfinite(found["forecast"].to_numpy()).all()
    assert len(found) == frame["unique_id"].nunique() * (HORIZON + 1)


def series_statistics(phases: Phases, n: int) -> None:
    """Fit and forecast n series of 36 values by statistics."""
    _fit(phases, long_frame(n), epochs=0)


def series_preset(phases: Phases, n: int) -> None:
    """Fit and forecast n series of 36 values by a preset and statistics."""
    _fit(phases, long_frame(n), model="preset:forecast_small")


def series_data(phases: Phases, n: int) -> None:
    """Read n series in long form, and write their forecasts by a seasonal naive forecast."""
    from kerazoo.forecast.inputs import read_training

    frame = long_frame(n)
    with phases.phase("read the long frame"):
        panel, _ = read_training(frame, None, None, "error")
    assert len(panel.series) == n


def horizon(phases: Phases, n: int) -> None:
    """Fit and forecast n steps of two series of 3 n values; of n up to 1,000 also of one series of 5 n values."""
    from kerazoo import Forecaster

    two = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(2), 3 * n), "ds": np.tile(np.arange(3 * n), 2), "y": np.tile(walk(3 * n), 2)}
    )
    forms = [("two series", two)] + [("one series", walk(5 * n))] * (n <= 1000)
    for name, y in forms:
        made = Forecaster(horizon=n, period=12, epochs=0, **SETTINGS)
        with phases.phase(f"fit, {name}"):
            made.fit(y)
        with phases.phase(f"predict, {name}"):
            made.predict(level=[80])


def horizon_beyond(phases: Phases, n: int) -> None:
    """Forecast n steps of series of 80 values, fitted for 12."""
    from kerazoo import Forecaster

    for y, name in ((walk(80), "one series"), (long_frame(10, 80), "10 series")):
        made = Forecaster(horizon=12, period=12, epochs=0, **SETTINGS).fit(y)
        with phases.phase(f"predict, {name}"):
            made.predict(n, level=[80])


def values(phases: Phases, n: int) -> None:
    """Fit and forecast one series of n values by compiled statistics, without rolling origins."""
    from kerazoo.forecast.statistics import fit_statistics

    y = walk(n)
    with phases.phase("fit, period=12"):
        fit_statistics([y], 12, 12, n_origins=0)
    y[n // 4 : n // 2] = np.nan
    with phases.phase("fit, no season, a gap of n / 4"):
        fit_statistics([y], 1, 12, n_origins=0)


def values_of_forecaster(phases: Phases, n: int) -> None:
    """Fit and forecast one series of n values with the defaults of the Forecaster, without a preset."""
    from kerazoo import Forecaster

    y = walk(n)
    made = Forecaster(horizon=12, period=12, epochs=0, **SETTINGS)
    with phases.phase("fit"):
        made.fit(y)
    with phases.phase("predict"):
        made.predict(level=[80])


def long_season(phases: Phases, n: int) -> None:
    """Compiled statistics of 5 n values with a season of n steps."""
    from kerazoo.forecast.statistics import fit_statistics

    rng = np.random.default_rng(1)
    y = np.tile(rng.normal(0, 1, n), 5) + rng.normal(0, 0.1, 5 * n)
    with phases.phase("fit, no origin"):
        fit_statistics([y], n, 12, n_origins=0)


def covariates(phases: Phases, n: int) -> None:
    """Fit and forecast a series of 200 values with n columns of covariates, and 10 such series."""
    from kerazoo import Forecaster

    rng = np.random.default_rng(1)
    steps, future = 200, 12
    names = [f"x{number}" for number in range(n)]
    X = pd.DataFrame(rng.normal(0, 1, (steps + future, n)), columns=names)
    y = pd.Series(walk(steps) + X["x0"][:steps])
    with phases.phase("fit, one series"):
        made = Forecaster(horizon=future, period=12, epochs=0, **SETTINGS).fit(y, X[:steps])
    with phases.phase("predict, one series"):
        made.predict(X_future=X[steps:])
    del made
    long = long_frame(3, steps)
    columns = pd.concat([X[:steps]] * 3, ignore_index=True)
    with phases.phase("fit, 3 series"):
        made = Forecaster(horizon=future, period=12, epochs=0, **SETTINGS).fit(
            long, pd.concat([long[["unique_id", "ds"]], columns], axis=1)
        )
    dates = np.tile(np.arange(steps, steps + future), 3)
    later = pd.DataFrame({"unique_id": np.repeat(np.arange(3), future), "ds": dates})
    columns = pd.concat([X[steps:]] * 3, ignore_index=True)
    with phases.phase("predict, 3 series"):
        made.predict(X_future=pd.concat([later, columns], axis=1))


def _quiet(function: Any) -> Any:
    def run(phases: Phases, n: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(phases, n)

    run.__doc__ = function.__doc__
    return run


#: name -> (function of phases and n, largest n)
CASES = {
    function.__name__: (_quiet(function), largest)
    for function, largest in (
        (series_data, 10**5), (series_statistics, 10**5), (series_preset, 10**5), (horizon, 10**4),
        (horizon_beyond, 10**6), (values, 10**7), (values_of_forecaster, 10**7), (long_season, 10**4),
        (covariates, 10**4),
    )
}  # fmt: skip
