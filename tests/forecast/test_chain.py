"""Chains: the order of their transforms, their three parts, configs and states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.transforms import (
    Autoregression,
    Chain,
    Detrend,
    Difference,
    ExponentialSmoothing,
    Log,
    MinMaxScale,
    PerDay,
    StandardScale,
    transform_from_config,
)
from tests.forecast.transform_cases import MONTHLY, T, series


def test_a_chain_does_one_after_the_other():
    y, index = series(T), MONTHLY["MS"](T)
    chain = Chain([Log(), Difference(12), Difference(), StandardScale()])
    z, tail = chain.fit(y, index).apply(y, index)
    assert chain.n_lost == 13
    twice = np.diff(np.log(y)[12:] - np.log(y)[:-12])
    np.testing.assert_allclose(z[13:], (twice - twice.mean()) / twice.std(), rtol=1e-9)
    assert [list(each) for each in tail["tails"]] == [[], ["last"], ["last"], []]


@pytest.mark.parametrize(
    ("made", "sizes"),
    [
        ([PerDay(), Log(), ExponentialSmoothing(12, "add"), StandardScale(center=False)], [2, 1, 1]),
        ([Log(), Difference(12), MinMaxScale(), Difference(), StandardScale()], [1, 3, 1]),
        ([Difference(), Log(), Chain([Detrend()]), Autoregression(3)], [0, 4, 0]),
        ([PerDay(), Log()], [2, 0, 0]),
        ([], [0, 0, 0]),
    ],
)
def test_the_parts_of_a_chain_are_the_chain(made, sizes):
    y, index = np.cumsum(series(T)), MONTHLY["MS"](T + 6)
    chain = Chain(made).fit(y, index[:T])
    parts = chain.parts()
    assert [len(part.transforms) for part in parts] == sizes
    z, tails = y, []
    for part in parts:
        z, tail = part.apply(z, index[:T])
        tails.append(tail)
    expected, tail = chain.apply(y, index[:T])
    np.testing.assert_array_equal(z, expected)
    ahead = np.arange(12.0).reshape(2, 6) / 10
    undone = ahead
    for part, its in zip(reversed(parts), reversed(tails), strict=True):
        undone = part.undo(undone, its, index[T:])
    np.testing.assert_array_equal(undone, chain.undo(ahead, tail, index[T:]))
    with pytest.raises(NotFittedError):
        Chain(["log"]).parts()


def test_a_chain_takes_transforms_and_their_configs():
    chain = Chain(["log", {"name": "difference", "lag": 3}, MinMaxScale()])
    assert repr(chain) == "Chain([Log(), Difference(lag=3), MinMaxScale(feature_range=[0, 1])])"
    again = transform_from_config(chain.to_config())
    assert again.get_config() == chain.get_config()
    with pytest.raises(InvalidArgumentError, match="twice in a chain"):
        Chain([chain.transforms[0], chain.transforms[0]])
    fitted = chain.fit(series(T), pd.RangeIndex(T))
    with pytest.raises(InvalidArgumentError, match="2 states for 3 transforms"):
        Chain(["log", "difference", "minmax"]).set_state({"n_fitted_": 3, "states": fitted.get_state()["states"][:2]})
