"""Old names work for one version, warn at the caller's line, and name the new one."""

from __future__ import annotations

import inspect

import keras
import pytest

from kerazoo._runtime.callbacks import flatten_callbacks
from kerazoo._runtime.deprecation import renamed_arguments, renamed_attribute, renamed_method
from kerazoo.errors import InvalidArgumentError


class Thing:
    weight_ = 3
    share_ = renamed_attribute("Thing", "share_", "weight_")

    def new(self, a, *, b=2):
        return a + b

    old = renamed_method("Thing", "old", "new")

    @renamed_arguments(interval="level")
    def predict(self, horizon=1, *, level=None):
        return horizon, level


def test_arguments():
    with pytest.warns(
        DeprecationWarning, match=r"^interval= is deprecated and will be removed .* 0.3; use level=\."
    ) as w:
        assert Thing().predict(2, interval=0.8) == (2, 0.8)
    assert w[0].filename == __file__
    assert list(inspect.signature(Thing.predict).parameters) == ["self", "horizon", "level"]
    with pytest.raises(InvalidArgumentError, match="interval= and level= are both given"):
        Thing().predict(interval=1, level=1)
    with pytest.raises(TypeError, match="levels"):
        Thing().predict(levels=1)


@pytest.mark.filterwarnings("error")
def test_new_names_do_not_warn():
    assert Thing().predict(level=0.8) == (1, 0.8)
    assert Thing().new(1) == 3


def test_methods_and_attributes():
    with pytest.warns(DeprecationWarning, match=r"Thing\.old is deprecated.*use Thing\.new") as w:
        assert Thing().old(1, b=4) == 5
    assert w[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"Thing\.share_ is deprecated.*use Thing\.weight_") as w:
        assert Thing().share_ == 3
    assert w[0].filename == __file__


def test_callbacks_come_one_several_nested_or_none():
    one, two = keras.callbacks.TerminateOnNaN(), keras.callbacks.CSVLogger("x")
    assert flatten_callbacks(one) == [one]
    assert flatten_callbacks([one, (two, None)]) == [one, two]
    assert flatten_callbacks(keras.callbacks.CallbackList([two])) == [two]
    assert flatten_callbacks(None) == flatten_callbacks([]) == []
    with pytest.raises(InvalidArgumentError, match="callbacks contains the class EarlyStopping; expected"):
        flatten_callbacks(keras.callbacks.EarlyStopping)
    with pytest.raises(InvalidArgumentError, match="callbacks contains an object of type function"):
        flatten_callbacks([one, lambda: None])
