"""Data sets are freed after a call that trained on them, whatever the backend keeps of the call."""

from __future__ import annotations

import gc
import weakref

import keras
import numpy as np
import pytest

from kerazoo import Word2Vec, training, zoo
from kerazoo.batching import SequenceWindows
from kerazoo.text import EncodedCorpus
from kerazoo.training import Plan

pytestmark = pytest.mark.backend


def windows(**more):
    return SequenceWindows(np.arange(80, dtype="float32"), lookback=8, batch_size=16, target="sequence", seed=1, **more)


class Rows(keras.utils.PyDataset):
    """Somebody's own data set."""

    def __init__(self, **more):
        super().__init__(**more)
        self.epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        x = np.full((4, 8, 1), index, "float32")
        return x, x

    def on_epoch_end(self):
        self.epochs += 1


def model_of():
    model = zoo.build("lstm_1x4_t8", seed=1)
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("plan", [Plan(loop=False), "auto"])
@pytest.mark.parametrize("make", [windows, lambda: windows(workers=2), Rows, lambda: Rows(workers=2)])
def test_data_are_freed_after_a_fit(plan, make):
    data, held_out = make(), make()
    references = [weakref.ref(data), weakref.ref(held_out)]
    history = training.fit(model_of(), data, validation_data=held_out, epochs=2, verbose=0, shuffle=False, plan=plan)
    assert len(history.history["val_loss"]) == 2
    del data, held_out, history
    gc.collect()
    assert [reference() for reference in references] == [None, None]


@pytest.mark.parametrize("make", [windows, Rows])
@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_data_are_freed_after_a_call_of_a_model_of_the_zoo(call, make):
    data = make()
    reference = weakref.ref(data)
    getattr(model_of(), call)(data, verbose=0)
    del data
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("workers", [1, 2])
def test_epochs_are_those_of_the_data_set(workers):
    data, own = windows(), Rows(workers=workers)
    training.fit(model_of(), data, epochs=3, verbose=0, plan=Plan(loop=False))
    assert data.epoch == 3
    training.fit(model_of(), own, epochs=3, verbose=0, plan=Plan(loop=False))
    plain = Rows(workers=workers)
    keras.Model.fit(model_of(), plain, epochs=3, verbose=0)
    assert own.epochs == plain.epochs > 0


def test_errors_of_a_data_set_come_out():
    class Broken(Rows):
        def __getitem__(self, index):
            raise KeyError("no such file")

    with pytest.raises(Exception, match="no such file"):
        training.fit(model_of(), Broken(), verbose=0)


def test_the_text_is_freed_after_training_word_vectors():
    corpus = EncodedCorpus.from_source([["red", "apple", "green"]] * 40, min_count=1)
    reference = weakref.ref(corpus.ids)
    model = Word2Vec(engine="keras", vector_size=4, min_count=1, sample=0, epochs=2, seed=1, verbose=0).fit(corpus)
    del corpus
    gc.collect()
    assert reference() is None
    assert model.wv.vectors.shape == (3, 4)
