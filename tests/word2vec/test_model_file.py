"""Saving and loading a Word2Vec: the same values, memory-mapped, and clear errors for other files."""

from __future__ import annotations

import errno
import mmap as mmap_module
import pickletools

import keras
import numpy as np
import pytest

from kerazoo import EncodedCorpus, Word2Vec
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError, VocabularyError

pytestmark = pytest.mark.backend


def documents():
    rng = np.random.default_rng(0)
    topics = [[f"{name}{i}" for i in range(10)] for name in ("fruit", "métal")]
    return [list(rng.choice(topics[i % 2], size=12)) for i in range(120)]


@pytest.fixture(scope="module", params=["nce", "negative_sampling"])
def fitted(request):
    settings = {"vector_size": 8, "min_count": 1, "sample": 0, "epochs": 8, "alpha": 0.1, "verbose": 0}
    return Word2Vec(loss=request.param, seed=np.int64(3), callbacks=[keras.callbacks.TerminateOnNaN()], **settings).fit(
        documents()
    )


def is_mapped(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array.obj if isinstance(array, memoryview) else array, mmap_module.mmap)


@pytest.mark.parametrize("mmap", [True, False])
def test_everything_is_restored(fitted, tmp_path, mmap):
    path = tmp_path / "model.kerazoo"
    fitted.save(path)
    loaded = Word2Vec.load(path, mmap=mmap)
    expected = {**fitted.get_params(), "callbacks": ()}
    assert loaded.get_params() == expected
    assert loaded.vocabulary_ == fitted.vocabulary_
    assert loaded.history_ == fitted.history_
    assert loaded.seed_ == fitted.seed_ == 3
    for name in ("vectors_", "output_vectors_", "output_biases_"):
        before, after = getattr(fitted, name), getattr(loaded, name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(before, after)
    assert is_mapped(loaded.vectors_) == mmap
    assert loaded.wv.most_similar("fruit1", topn=3) == fitted.wv.most_similar("fruit1", topn=3)
    assert loaded.wv.get_vecattr("métal2", "count") == fitted.wv.get_vecattr("métal2", "count")
    assert loaded.predict_output_word(["fruit1"]) == fitted.predict_output_word(["fruit1"])


def test_the_keras_model_is_made_from_a_loaded_one(fitted, tmp_path):
    fitted.save(tmp_path / "model.kerazoo")
    model = Word2Vec.load(tmp_path / "model.kerazoo").model_
    batch = {"input": np.array([0, 5]), "output": np.array([1, 2]), "noise": np.array([3, 4, 5])}
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(model(batch)), keras.ops.convert_to_numpy(fitted.model_(batch)), rtol=1e-6
    )


def test_no_pickle_in_the_file(fitted, tmp_path):
    fitted.save(tmp_path / "model.kerazoo")
    data = (tmp_path / "model.kerazoo").read_bytes()
    with pytest.raises(ValueError, match=r"opcode|unpack|expected|pickle"):
        list(pickletools.genops(data))


def test_files_that_are_no_model(fitted, tmp_path):
    path = tmp_path / "model.kerazoo"
    fitted.save(path)
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[: len(whole) // 2], b"", b"\x80\x04K\x01."):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"model\.kerazoo"):
            Word2Vec.load(path)
    EncodedCorpus.from_source(documents(), min_count=1).save(path)
    with pytest.raises(StorageError, match=r"kerazoo\.corpus"):
        Word2Vec.load(path)
    with pytest.raises(StorageError, match="nowhere"):
        Word2Vec.load(tmp_path / "nowhere.kerazoo")


def test_a_full_disk_leaves_the_old_file(fitted, tmp_path, monkeypatch):
    import os

    path = tmp_path / "model.kerazoo"
    fitted.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        fitted.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.kerazoo"]


def test_before_fit(tmp_path):
    for use in (lambda m: m.save(tmp_path / "x"), lambda m: m.predict_output_word(["a"]), lambda m: m.model_):
        with pytest.raises(NotFittedError, match=r"Call fit\(corpus\) first"):
            use(Word2Vec())


def test_predicted_words_are_of_the_topic_and_probabilities(fitted):
    predicted = fitted.predict_output_word(["fruit1", "fruit2", "unknown"], topn=8)
    assert len(predicted) == 8
    assert all(word.startswith("fruit") for word, _ in predicted)
    shares = [share for _, share in predicted]
    assert shares == sorted(shares, reverse=True)
    everything = fitted.predict_output_word(["fruit1"], topn=10**6)
    assert sum(share for _, share in everything) == pytest.approx(1)
    assert len(everything) == len(fitted.vocabulary_)


def test_frequent_words_are_more_probable_where_nce_has_fixed_biases():
    """Logits are W.C + log q: with vectors of zeros, the shares are those of the noise."""
    model = Word2Vec(vector_size=4, min_count=1, alpha=1e-6, min_alpha=0, epochs=1, seed=1, verbose=0)
    model.fit([["a"] * 16, ["a", "b"]] * 9)
    (first, share), (_, other) = model.predict_output_word(["b"], topn=2)
    assert first == "a"
    assert share / other == pytest.approx(17**0.75, rel=1e-3)


def test_words_that_are_not_in_the_vocabulary(fitted):
    with pytest.raises(VocabularyError, match=r"none of the words \['xyz'\] is in the vocabulary of 20 words"):
        fitted.predict_output_word(["xyz"])
    with pytest.raises(InvalidArgumentError, match=r"expected a list of words"):
        fitted.predict_output_word("fruit1")
