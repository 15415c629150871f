"""Losses of trainings of every form: a dict, Keras's History, an estimator."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from kerazoo import Forecaster, Word2Vec
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_history

matplotlib.use("agg")

from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def curves(ax):
    return {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()}


def test_the_history_of_word_vectors_is_their_loss():
    texts = [["red", "apple"], ["green", "apple"]] * 9
    model = Word2Vec(vector_size=4, min_count=1, sample=0, epochs=3, seed=1, verbose=0).fit(texts)
    for history in (model, model.history_):
        ax = plot_history(history)
        assert curves(ax) == {"loss": model.history_["loss"]}
        assert ax.get_ylabel() == "loss"
    assert curves(plot_history(model, curves=["seconds"])) == {"seconds": model.history_["seconds"]}
    assert curves(plot_history({"seconds": [1.0, 2.0]})) == {"seconds": [1.0, 2.0]}  # there is nothing else


def test_the_history_of_keras_is_taken_as_it_is():
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((8, 2)), np.ones((8, 1))
    history = model.fit(x, y, epochs=2, validation_split=0.25, verbose=0)
    assert curves(plot_history(history)) == {name: list(values) for name, values in history.history.items()}
    ax = plot_history(history, curves="mae")
    assert list(curves(ax)) == ["mae", "val_mae"]
    assert [line.get_linestyle() for line in ax.get_lines()] == ["-", "--"]
    assert ax.get_ylabel() == "mae"
    assert list(curves(plot_history(history, curves=["val_loss", "loss"]))) == ["val_loss", "loss"]


@pytest.mark.parametrize(
    ("log", "values", "scale"),
    [
        ("auto", [2.0, 1.0], "log"),
        ("auto", [2.0, 0.0], "linear"),
        (False, [2.0, 1.0], "linear"),
        (True, [2.0, np.nan], "log"),
    ],
)
def test_the_scale_can_be_chosen(log, values, scale):
    assert plot_history({"loss": values}, log=log).get_yscale() == scale


@pytest.mark.parametrize(
    ("history", "options", "match"),
    [
        ({"loss": [1.0]}, {"curves": ["lss"]}, "curves='lss'; expected one of 'loss'. Did you mean 'loss'"),
        ({"loss": [1.0]}, {"curves": []}, "lengths: {}; expected at least one"),
        ({"loss": [1.0, 0.0]}, {"log": True}, "log=True and the smallest value 0; expected positive values"),
        ({"loss": [1.0]}, {"log": "yes"}, "log='yes'; expected one of 'auto'"),
        (Word2Vec(), {}, "history is a Word2Vec; expected a dict.* It is not fitted: call fit first"),
        (Forecaster(), {}, "It is not fitted"),
    ],
)
def test_what_cannot_be_drawn_is_refused(history, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        plot_history(history, **options)
    assert pyplot.get_fignums() == []
