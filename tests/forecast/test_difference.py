"""Differences: the values of NumPy, and their inverse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerazoo.forecast.transforms import Difference
from tests.forecast.transform_cases import series


def test_differences_are_those_of_numpy_and_undone_from_the_tail():
    y, index = series(29), pd.RangeIndex(29)
    z, tail = Difference().fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z[1:], np.diff(y))
    assert tail == {"last": [y[-1]]}
    z, tail = Difference(4).fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z[4:], y[4:] - y[:-4])
    assert tail == {"last": y[-4:].tolist()}
    # Zero differences repeat the last season.
    back = Difference(4).fit(y, index).undo(np.zeros((3, 10)), tail, pd.RangeIndex(29, 39))
    np.testing.assert_array_equal(back, np.tile(np.concatenate([y[-4:], y[-4:], y[-4:-2]]), (3, 1)))
