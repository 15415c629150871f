"""A fit of networks takes over a learner that an earlier one compiled, and neither fit sees the other."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo._runtime.idle import IdleModels
from kerazoo.errors import TrainingError
from kerazoo.forecast import chain_networks
from kerazoo.forecast.nets.members import member_nets
from kerazoo.forecast.nets.trainer import Learner
from kerazoo.zoo import RNNSpec
from tests.forecast.helpers import without_xla
from tests.forecast.test_backends import series, tiny

pytestmark = pytest.mark.backend


@pytest.fixture
def made(monkeypatch):
    """The learners that are made, with no idle ones at first."""
    found = []
    make = Learner.__init__

    def noted(self, *args, **kwargs):
        found.append(self)
        make(self, *args, **kwargs)

    monkeypatch.setattr(Learner, "__init__", noted)
    monkeypatch.setattr(chain_networks, "_idle", IdleModels(4))
    with without_xla():
        yield found


def fitted(y, **changes):
    return tiny(**{"epochs": 2, "n_members": 1} | changes).fit(y)


def test_fits_of_one_kind_share_a_learner_and_are_those_of_a_new_one(made, tmp_path):
    y = series()
    other = pd.Series(30 - 2 * y.to_numpy()[::-1], y.index)
    first = fitted(y)
    expected, weights = first.predict(5), first._fitted.ensemble.nets.values_of([0])
    changed = fitted(other, learning_rate=0.1)
    assert len(made) == 1
    again = fitted(y, checkpoint_dir=tmp_path, checkpoint_minutes=0)
    assert len(made) == 1
    keras.backend.clear_session()
    last = fitted(y)
    assert len(made) == 1
    for each in (again, last):
        np.testing.assert_array_equal(each.predict(5), expected)
        assert each.history_ == first.history_
    # The networks of a fit are its own.
    np.testing.assert_array_equal(first.predict(5), expected)
    for one, same in zip(first._fitted.ensemble.nets.values_of([0]), weights, strict=True):
        np.testing.assert_array_equal(one, same)
    assert changed.history_ != first.history_


@pytest.mark.parametrize(
    "changes", [{"model": "gru_1x3"}, {"n_members": 2}, {"loss": "mae"}, {"lookback": 11}, {"batch_size": 3}], ids=str
)
def test_fits_of_another_kind_have_learners_of_their_own(made, changes):
    fitted(series())
    fitted(series(), **changes)
    assert len(made) == 2


def test_learners_that_something_else_may_hold_are_not_kept(made):
    callback = keras.callbacks.LambdaCallback()
    for changes in ({"callbacks": [callback]}, {"callbacks": [callback]}, {"model": "gru_1x2_dropout10"}):
        fitted(series(), **changes)
    fitted(series(), model="gru_1x2_dropout10")
    assert len(made) == 4


def test_after_an_error_no_learner_is_kept(made):
    changes = {"model": "rnn_1x4_linear", "transforms": ["difference"]}
    with pytest.raises(TrainingError, match="diverges"):
        fitted(series(), learning_rate=1e30, **changes)
    fitted(series())
    assert len(made) == 2


def test_networks_of_a_fit_take_no_names_of_the_program():
    """TensorFlow keeps a kernel for each name of a variable."""
    spec = RNNSpec.from_name("lstm_1x3")
    names = []
    keras.layers.LSTMCell(2)
    for _ in range(2):
        nets = member_nets(spec, [1, 2], 5)
        names.append([cell.name for cell in nets._template.stack.cells])
    assert names[0] == names[1]
    first, second = keras.layers.LSTMCell(2).name, keras.layers.LSTMCell(2).name
    assert int(second.rpartition("_")[2]) == int(first.rpartition("_")[2]) + 1
