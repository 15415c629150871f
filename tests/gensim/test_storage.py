"""Files of the drop-in class, gensim's files, and both classes' models as those of the other."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.test.utils import common_texts

import kerazoo
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.gensim import Word2Vec
from kerazoo.word2vec import load_vectors
from tests.gensim.test_model import MODELS

TINY = {"vector_size": 6, "min_count": 1, "sample": 0}


def assert_same(first, second):
    assert first.wv.key_to_index == second.wv.key_to_index
    assert np.array_equal(first.wv.vectors, second.wv.vectors)
    for name in ("syn1", "syn1neg"):
        assert hasattr(first, name) == hasattr(second, name)
        if hasattr(first, name):
            assert np.array_equal(getattr(first, name), getattr(second, name))
    for name in first.wv.expandos:
        assert all(map(np.array_equal, first.wv.expandos[name], second.wv.expandos[name]))
    for name in (
        "sg",
        "hs",
        "negative",
        "window",
        "alpha",
        "corpus_count",
        "corpus_total_words",
        "train_count",
        "seed",
    ):
        assert getattr(first, name) == getattr(second, name), name


@pytest.mark.parametrize("model", MODELS)
def test_a_file_has_all_of_the_model(tmp_path, model):
    path = tmp_path / "model"
    made = Word2Vec(common_texts, comment="tiny", workers=1, **TINY, **MODELS[model])
    made.save(path)
    loaded = Word2Vec.load(path)
    assert_same(made, loaded)
    assert loaded.comment == "tiny"
    assert [event["event"] for event in loaded.lifecycle_events] == [event["event"] for event in made.lifecycle_events]
    for each in (made, loaded):
        each.build_vocab([["graph", "theory", "theory"]], update=True)
        each.train([["graph", "theory", "theory"]], total_examples=1, epochs=3)
    assert_same(made, loaded)


def test_mapped_arrays_are_copied_when_they_are_trained(tmp_path):
    path = str(tmp_path / "model")
    Word2Vec(common_texts, **TINY).save(path, sep_limit=0)
    loaded = Word2Vec.load(path, mmap="r")
    assert not loaded.wv.vectors.flags.writeable
    assert loaded.wv.most_similar("graph")
    loaded.train(common_texts, total_examples=9, epochs=1)
    assert not np.array_equal(loaded.wv.vectors, Word2Vec.load(path).wv.vectors)


def test_models_without_words_and_raw_counts_are_kept(tmp_path):
    path = tmp_path / "model"
    Word2Vec(sg=1).save(path)
    assert (len(Word2Vec.load(path).wv), Word2Vec.load(path).sg) == (0, 1)
    model = Word2Vec(**TINY)
    model.build_vocab(common_texts, keep_raw_vocab=True)
    model.save(path)
    assert dict(Word2Vec.load(path).raw_vocab) == dict(model.raw_vocab)


def test_what_cannot_be_saved_or_loaded_says_so(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(InvalidArgumentError, match=r"the word [12] is of type int; expected a str"):
        Word2Vec([[1, 2], [2, 1]], **TINY).save(path)
    with open(tmp_path / "other", "wb") as handle, pytest.raises(InvalidArgumentError, match="expected a path"):
        Word2Vec(**TINY).save(handle)
    Word2Vec(common_texts, **TINY).save(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StorageError):
        Word2Vec.load(path)
    with pytest.raises(FileNotFoundError):
        Word2Vec.load(str(tmp_path / "nothing"))
    with pytest.raises(AttributeError, match="class"):
        Word2Vec(**TINY).load(path)


@pytest.mark.parametrize("model", MODELS)
def test_files_of_gensim_are_loaded_and_trained_further(tmp_path, model):
    path = str(tmp_path / "model")
    theirs = GensimWord2Vec(common_texts, workers=1, **TINY, **MODELS[model])
    theirs.save(path)
    loaded = Word2Vec.load(path)
    assert type(loaded) is Word2Vec
    assert_same(theirs, loaded)
    if theirs.hs:
        assert loaded.score(common_texts) == pytest.approx(theirs.score(common_texts), rel=0.04)
    loaded.build_vocab([["graph", "theory"]], update=True)
    loaded.train([["graph", "theory"]], total_examples=1, epochs=3)
    assert "theory" in loaded.wv


def test_other_models_of_gensim_are_refused(tmp_path):
    path = str(tmp_path / "model")
    FastText(common_texts, bucket=10, **TINY).save(path)
    with pytest.raises(AttributeError, match="type FastText"):
        Word2Vec.load(path)


def test_gensim_gets_copies(tmp_path):
    path = str(tmp_path / "model")
    made = Word2Vec(common_texts, hs=1, **TINY)
    theirs = made.to_gensim()
    assert_same(made, theirs)
    theirs.save(path)
    again = GensimWord2Vec.load(path)
    assert type(again) is GensimWord2Vec
    again.train(common_texts, total_examples=9, epochs=1)
    theirs.train(common_texts, total_examples=9, epochs=1)
    assert not np.array_equal(made.wv.vectors, theirs.wv.vectors)


def test_a_file_of_another_class_names_what_reads_it(tmp_path):
    path = tmp_path / "model"
    Word2Vec(common_texts, **TINY).save(path)
    for read in (kerazoo.Word2Vec.load, kerazoo.Word2Vec.from_gensim, kerazoo.FastText.load, load_vectors):
        with pytest.raises(StorageError, match=r"kerazoo\.gensim\.Word2Vec\.load opens it"):
            read(path)
    for cls in (kerazoo.Word2Vec, kerazoo.FastText):
        cls(vector_size=4, min_count=1, epochs=1, verbose=0).fit(common_texts).save(path)
        with pytest.raises(StorageError, match=rf"kerazoo\.{cls.__name__}\.load opens it"):
            Word2Vec.load(path)
