"""Series for the tests of many series."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerazoo import Forecaster


def series(n, length=40, seed=3):
    """A long frame of n series of months, which end together and begin at different dates."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2015-01-01", periods=length, freq="MS")
    parts = []
    for number in range(n):
        steps = length - int(rng.integers(0, length // 3))
        season = 10 * np.sin(np.arange(steps) * np.pi / 6 + number)
        values = 50 + season + rng.normal(size=steps).cumsum()
        parts.append(pd.DataFrame({"unique_id": f"shop {number}", "ds": dates[-steps:], "y": values}))
    return pd.concat(parts, ignore_index=True)


def forecaster(**parameters):
    """One that trains nothing."""
    return Forecaster(**{"horizon": 6, "epochs": 0, "seed": 1, "verbose": 0, **parameters})


def write_files(frame, folder, count):
    """The frame as parquet files, whose edges lie inside of series."""
    folder.mkdir()
    paths = []
    for number, rows in enumerate(np.array_split(np.arange(len(frame)), count)):
        paths.append(folder / f"part-{number}.parquet")
        frame.iloc[rows].to_parquet(paths[-1], index=False)
    return paths


def both(fitted, out, level=80, **arguments):
    """Forecasts and errors."""
    found = fitted.predict_groups(level=level, out=out, **arguments)
    return found.to_frame(), found.errors


def assert_equal(one, other):
    """To the bit."""
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
