"""Settings of Word2Vec: the lists of names, the options of the engines, callbacks, and names of version 0.1."""

from __future__ import annotations

import importlib
import warnings

import keras
import numpy as np
import pytest
from sklearn.base import clone

import kerazoo.word2vec
from kerazoo import Word2Vec
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec import LOSSES
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.options import (
    BIASED_LOSSES,
    ENGINE_OPTIONS,
    ENGINES,
    LOSS_NAMES,
    TrainingSettings,
    checked_settings,
)
from tests.word2vec.test_estimator import small, two_topics

pytestmark = pytest.mark.backend


def test_the_names_of_losses_and_engines_are_the_same_everywhere():
    assert tuple(LOSSES) == LOSS_NAMES
    assert tuple(name for name, kind in LOSSES.items() if kind.biased) == BIASED_LOSSES
    assert tuple(ENGINE_OPTIONS) == ENGINES
    for engine in ENGINES:
        assert callable(importlib.import_module(f"kerazoo.word2vec.engines.{engine}").train)
    fields = set(TrainingSettings.__dataclass_fields__)
    assert all(name in fields for names in ENGINE_OPTIONS.values() for name in names)


def test_the_constructor_takes_one_positional_argument_and_stores_what_it_gets():
    options = {"block_size": np.int64(32)}
    model = Word2Vec(50, engine_options=options)
    assert model.vector_size == 50
    assert model.engine_options is options
    assert model.checkpoint_minutes == DEFAULT_MINUTES
    with pytest.raises(TypeError, match="positional"):
        Word2Vec(50, 5)
    with pytest.raises(TypeError, match="windw"):
        Word2Vec(windw=5)


def test_biases_are_learned_where_the_loss_has_them():
    def settings(**changes):
        return checked_settings(Word2Vec(**changes).get_params())

    assert not settings().has_biases
    assert settings(negative=4).logit_offset == pytest.approx(-np.log(4) / 2)
    assert settings(learn_biases=True).has_biases
    assert settings(loss="sampled_softmax").has_biases
    for changes in ({"learn_biases": True}, {"loss": "sampled_softmax"}, {"loss": "negative_sampling"}):
        assert settings(**changes).logit_offset == 0
    with pytest.raises(InvalidArgumentError, match=r"learn_biases=True .*, which has no biases"):
        settings(loss="negative_sampling", learn_biases=True)
    with pytest.raises(InvalidArgumentError, match="learn_biases='no'; expected True or False"):
        settings(learn_biases="no")


def test_one_callback_or_several():
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    for callbacks in (watch, [watch], [(watch,)]):
        small(engine="native", epochs=2, callbacks=callbacks).fit(two_topics(10))
    assert seen == [0, 1] * 3


OLD = [("block_size", 64), ("batch_size", 128), ("on_device", False)]


@pytest.mark.parametrize(("name", "value"), OLD)
def test_old_arguments_are_engine_options_and_warn(name, value):
    message = rf"{name}= is deprecated and will be removed in version 0\.3; use engine_options=\{{'{name}': \.\.\.\}}"
    with pytest.warns(DeprecationWarning, match=message) as caught:
        model = Word2Vec(**{name: value})
    assert caught[0].filename == __file__
    assert model.engine_options == {name: value}
    assert name not in model.get_params()
    with pytest.warns(DeprecationWarning, match=message) as caught:
        assert Word2Vec().set_params(window=3, **{name: value}).engine_options == {name: value}
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=rf"Word2Vec\.{name} is deprecated"):
        assert getattr(model, name) == value
    with pytest.warns(DeprecationWarning, match=message):
        setattr(model, name, None)
    assert model.engine_options is None
    with pytest.warns(DeprecationWarning, match=message):
        assert Word2Vec(**{name: None}).engine_options is None
    with pytest.raises(InvalidArgumentError, match=f"{name}= is given twice"):
        Word2Vec(engine_options={name: value}, **{name: value})


def test_old_arguments_train_as_the_new_ones_and_clones_do_not_warn():
    with pytest.warns(DeprecationWarning, match="block_size="):
        old = small(block_size=32, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        copy = clone(old)
    assert copy.get_params() == old.get_params()
    assert checked_settings(copy.get_params()).block_size == 32
    new = small(engine_options={"block_size": 32}, epochs=1)
    np.testing.assert_array_equal(old.fit(two_topics(20)).vectors_, new.fit(two_topics(20)).vectors_)


@pytest.mark.parametrize("name", ["CompensatedMean", "block_gradients"])
def test_internal_names_warn(name):
    assert name not in kerazoo.word2vec.__all__
    with pytest.warns(DeprecationWarning, match=f"kerazoo.word2vec.{name} is deprecated"):
        assert callable(getattr(kerazoo.word2vec, name))


def test_grown_is_extended():
    tree = HuffmanTree.from_counts([3, 2])
    with pytest.warns(DeprecationWarning, match=r"HuffmanTree\.grown is deprecated.*HuffmanTree\.extended"):
        grown = tree.grown(np.array([0, 1]), [3, 2, 1])
    np.testing.assert_array_equal(grown.parents, tree.extended(np.array([0, 1]), [3, 2, 1]).parents)


def test_numpy_values_of_engine_options_are_plain_afterwards():
    options = {"block_size": np.int64(64), "on_device": np.False_}
    settings = checked_settings(Word2Vec(engine_options=options).get_params())
    assert (type(settings.block_size), settings.on_device) == (int, False)
    assert type(settings.on_device) is bool


@pytest.mark.parametrize("options", ["x", [1], 3])
def test_an_old_argument_beside_engine_options_of_another_type(options):
    with pytest.raises(InvalidArgumentError, match="expected engine_options to be a dict or None"):
        Word2Vec(engine_options=options, block_size=64)


def test_an_option_given_twice_is_refused_everywhere():
    with pytest.raises(InvalidArgumentError, match="block_size= is given twice"):
        Word2Vec().set_params(block_size=128, engine_options={"block_size": 64})


def test_state_pickled_by_version_0_1():
    state = {**Word2Vec(vector_size=8).__dict__, "block_size": 256, "batch_size": None, "on_device": None}
    del state["engine_options"]
    model = Word2Vec.__new__(Word2Vec)
    model.__setstate__(state)
    assert model.get_params()["engine_options"] == {"block_size": 256}
    assert "block_size" not in model.__dict__


def test_a_loss_without_a_block_step_is_refused():
    from kerazoo.word2vec.engines.divergence import untrained_loss
    from kerazoo.word2vec.keras.block_gradients import has_shared_softmax

    with pytest.raises(InvalidArgumentError, match="loss='hinge' on blocks of text; expected 'nce'"):
        has_shared_softmax("hinge")
    with pytest.raises(InvalidArgumentError, match="loss='hinge'"):
        untrained_loss("hinge", 5)
