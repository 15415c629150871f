"""`Forecaster.update`: new values without a fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, NotFittedError
from tests.forecast.helpers import assert_equal, covariates, frame, long, series, tiny

H = 3


def statistics(**changes):
    return Forecaster(epochs=0, horizon=H, verbose=0, **changes)


def ends(y, steps):
    """The part of `y` before the last steps of each series, and these."""
    if "unique_id" in getattr(y, "columns", ()):
        number = y.groupby("unique_id").cumcount(ascending=False)
        return y[number >= steps], y[number < steps]
    return y[:-steps], y[-steps:]


@pytest.mark.parametrize(
    "y", [frame(), long(), series(), series().to_numpy()], ids=["frame", "long", "series", "array"]
)
@pytest.mark.parametrize("make", [statistics, pytest.param(tiny, marks=[pytest.mark.backend, pytest.mark.slow])])
def test_an_update_equals_a_longer_history(y, make):
    before, after = ends(y, 4)
    forecaster = make().fit(before)
    expected = forecaster.predict(5, level=50, history=y)
    assert forecaster.update(after) is forecaster
    assert_equal(forecaster.predict(5, level=50), expected)
    again = make().fit(before)
    for step in range(4):
        again.update(ends(ends(y, 3 - step)[0], 1)[1] if step < 3 else ends(y, 1)[1])
    found, wanted = (np.asarray(each.predict(5))[..., -1].astype(float) for each in (again, forecaster))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)


def test_covariates_of_the_new_steps(tmp_path):
    y, X = frame(), covariates(64)
    forecaster = statistics().fit(y[:50], X[:50]).update(y[50:], X[50:60])
    expected = statistics().fit(y[:50], X[:50]).predict(H, X[60:], history=y, history_X=X[:60])
    assert_equal(forecaster.predict(H, X[60:]), expected)
    forecaster.save(tmp_path / "updated")
    assert_equal(Forecaster.load(tmp_path / "updated").predict(H, X[60:]), expected)
    with pytest.raises(InvalidArgumentError, match="X=None; expected the covariates"):
        forecaster.update(series(63)[60:].to_frame("a").assign(b=1.0))


def test_what_does_not_follow_is_refused():
    y = frame()
    with pytest.raises(NotFittedError):
        statistics().update(y)
    forecaster = statistics().fit(y[:50])
    with pytest.raises(InvalidArgumentError, match="follow"):
        forecaster.update(y[51:])
    with pytest.raises(InvalidArgumentError, match="series"):
        forecaster.update(y[["a"]][50:])
    with pytest.raises(InvalidArgumentError, match="not finite"):
        forecaster.update(y[50:] * np.nan)
    pd.testing.assert_frame_equal(forecaster.predict(), statistics().fit(y[:50]).predict())
