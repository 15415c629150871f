"""Files written by version 0.1 load without a warning, with the same values."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from kerazoo import Word2Vec
from kerazoo.word2vec import RowClippedSGD, SkipGram
from kerazoo.word2vec.io.model_file import KIND, storable
from kerazoo.word2vec.io.vector_files import read_vectors

pytestmark = pytest.mark.backend

FOLDER = Path(__file__).parents[1] / "data" / "version_0_1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.mark.parametrize("mmap", [True, False])
def test_a_model(mmap):
    expected = EXPECTED["word2vec"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Word2Vec.load(FOLDER / "word2vec.kerazoo", mmap=mmap)
        assert model.wv.index_to_key == expected["words"]
    assert model.vocabulary_.words == expected["words"]
    np.testing.assert_array_equal(model.vectors_, np.array(expected["vectors"], np.float32))
    assert model.history_["loss"] == expected["loss"]
    assert model.seed_ == expected["seed"]
    assert not {"block_size", "batch_size", "on_device"} & set(model.get_params())


def test_vectors_alone():
    vectors = read_vectors(FOLDER / "word2vec.kerazoo")
    np.testing.assert_array_equal(vectors.vectors, np.array(EXPECTED["word2vec"]["vectors"], np.float32))


def test_it_can_be_saved_and_trained_further(tmp_path):
    model = Word2Vec.load(FOLDER / "word2vec.kerazoo").set_params(verbose=0, callbacks=())
    model.save(tmp_path / "model.kerazoo")
    again = Word2Vec.load(tmp_path / "model.kerazoo")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.vectors_, model.vectors_)
    assert again.partial_fit([["red", "apple", "tree"], ["blue", "sea", "wave"]] * 20).n_fits_ == model.n_fits_ + 1


def test_arguments_of_one_engine_are_read_into_engine_options(tmp_path):
    """As version 0.1 wrote them when they were set."""
    from kerazoo._runtime.files import read_tensors, write_tensors

    arrays, metadata = read_tensors(FOLDER / "word2vec.kerazoo", kind=KIND, mmap=False)
    metadata["parameters"] |= {"block_size": 64, "batch_size": None, "on_device": False}
    write_tensors(tmp_path / "model.kerazoo", arrays, metadata, kind=KIND)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Word2Vec.load(tmp_path / "model.kerazoo")
    assert model.engine_options == {"block_size": 64, "on_device": False}
    assert storable(model.get_params())["engine_options"] == model.engine_options


def test_a_keras_model():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="__array__ implementation")  # Keras on TensorFlow with NumPy 2
        model = keras.models.load_model(FOLDER / "skip_gram.keras")
    assert isinstance(model, SkipGram)
    assert isinstance(model.optimizer, RowClippedSGD)
    batch = {"input": np.array([0, 1, 6]), "output": np.array([1, 2, 0]), "noise": np.array([3, 3, 0])}
    logits = keras.ops.convert_to_numpy(model(batch))
    np.testing.assert_allclose(logits, EXPECTED["skip_gram"], rtol=1e-5, atol=1e-6)
