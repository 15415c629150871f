"""Scalings: the values of scikit-learn's scalers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from kerazoo.forecast.transforms import MinMaxScale, StandardScale
from tests.forecast.transform_cases import series


@pytest.mark.parametrize(
    ("transform", "scaler"),
    [
        (MinMaxScale(), MinMaxScaler()),
        (MinMaxScale((-3, 2)), MinMaxScaler((-3, 2))),
        (StandardScale(), StandardScaler()),
        (StandardScale(center=False), StandardScaler(with_mean=False)),
    ],
)
@pytest.mark.parametrize("y", [series(31), np.full(31, 7.0)], ids=["series", "constant"])
def test_scales_are_those_of_scikit_learn(transform, scaler, y):
    index = pd.RangeIndex(31)
    scaler.fit(y[:, None])
    z, tail = transform.fit(y, index).apply(y, index)
    np.testing.assert_array_equal(z, scaler.transform(y[:, None])[:, 0])
    later = np.array([[-1.0, 0.5, np.inf], [np.nan, -np.inf, 4.0]])
    back = transform.undo(later, tail, pd.RangeIndex(31, 34))
    finite = np.isfinite(later)
    np.testing.assert_array_equal(back[finite], scaler.inverse_transform(later[finite][:, None])[:, 0])
    np.testing.assert_array_equal(back[~finite], later[~finite])
