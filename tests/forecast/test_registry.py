"""The registry: names, configs, and subclasses written for an older version."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms import Chain, Log, Transform, list_transforms, register_transform, registry
from tests.forecast.transform_cases import MAKERS, series


def test_registered_transforms_are_known_by_name(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    @register_transform
    class Halve(Transform):
        name = "halve"

        def _fit(self, y, index):
            pass

        def _apply(self, y, index):
            return y / 2, {}

        def _undo(self, z, tail, index):
            return z * 2

    assert list_transforms()["halve"] is Halve
    y, index = series(9), pd.RangeIndex(9)
    chain = Chain(["halve", "difference"]).fit(y, index)
    _, tail = chain.apply(y, index)
    np.testing.assert_allclose(chain.undo([0.0], tail, pd.RangeIndex(9, 10)), y[-1:])
    with pytest.raises(InvalidArgumentError, match="is the name of Log"):
        register_transform(type("Other", (Transform,), {"name": "log"}))
    with pytest.raises(InvalidArgumentError, match="expected a class attribute"):
        register_transform(type("Nameless", (Transform,), {}))


def test_every_registered_transform_is_tested_here():
    assert {type(make()) for make in MAKERS.values()} == set(list_transforms().values())


def test_the_old_name_of_outputs_residuals_works_and_warns():
    with pytest.warns(DeprecationWarning, match=r"Transform.foretells is .* use Transform.outputs_residuals"):
        assert Log().foretells is False
    with pytest.warns(DeprecationWarning, match=r"Old.foretells is .* use Old.outputs_residuals"):

        class Old(Transform):
            @property
            def foretells(self):
                return True

    assert Chain([Old()]).outputs_residuals
