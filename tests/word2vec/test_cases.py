"""Trainings that others have tried: small folders, tiny corpora, changed parameters, edited vectors, callbacks."""

from __future__ import annotations

import errno
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.test.utils import common_texts

from kerazoo import Word2Vec
from kerazoo.errors import CorpusError, InvalidArgumentError, StorageError, TrainingError, VocabularyError
from kerazoo.word2vec.engines import native_tables

TEXT = ["red apple green apple", "hot iron cold iron"] * 20
ENGINES = ("native", "keras")


def small(**parameters):
    defaults = {"vector_size": 4, "min_count": 1, "sample": 0, "epochs": 2, "seed": 1, "verbose": 0, "workers": 1}
    return Word2Vec(**{**defaults, **parameters})


class FullDisk:
    """A temporary file that holds some bytes, and then the disk is full."""

    def __init__(self, room):
        self.room = room

    def write(self, data):
        self.room -= memoryview(data).nbytes
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self):
        pass

    def close(self):
        pass


@pytest.fixture
def no_room(monkeypatch):
    monkeypatch.setattr(native_tables.tempfile, "TemporaryFile", lambda: FullDisk(100))


def test_a_training_does_without_a_snapshot_that_cannot_be_written(no_room):
    with pytest.warns(RuntimeWarning, match=r"No space left on device.*it continues.*TMPDIR"):
        model = small().fit(TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(model.vectors_, small().fit(TEXT).vectors_)


def test_a_training_that_diverges_without_a_snapshot_keeps_nothing(no_room):
    model = small(alpha=1e9, min_alpha=1e9)
    with pytest.warns(RuntimeWarning, match="No space left"), pytest.raises(TrainingError, match="diverges"):
        model.fit(TEXT)
    assert not hasattr(model, "vectors_")


@pytest.mark.parametrize("parameters", [{}, {"sg": 0}, {"hs": 1, "negative": 0}])
def test_tiny_corpora_train_for_every_seed(parameters):
    learned = 0
    for seed in range(25):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = Word2Vec(vector_size=4, min_count=1, seed=seed, verbose=0, workers=1, **parameters)
            losses = model.fit(common_texts).history_["loss"]
        assert len(losses) == 5
        assert np.isfinite(losses).all()
        messages = [str(each.message) for each in caught if issubclass(each.category, UserWarning)]
        learned += not messages
        assert all("no epoch has a pair: sample=0.001" in message for message in messages)
    assert 12 < learned < 25  # most seeds leave a pair to some epoch


@pytest.mark.parametrize("parameters", [{}, {"sg": 0}, {"hs": 1, "negative": 0}, {"hs": 1}, {"engine": "keras"}])
def test_callbacks_see_the_vectors_of_their_epoch(parameters, tmp_path):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model.save(tmp_path / f"{epoch}.kerazoo")
            seen.append((model.wv["apple"].copy(), model.transform(["apple"])[0], logs["loss"]))

    model = small(callbacks=[keras.callbacks.History(), Look()], **parameters)
    model.fit(TEXT)
    np.testing.assert_array_equal(seen[-1][0], model.wv["apple"])
    np.testing.assert_array_equal(seen[-1][1], model.wv["apple"])
    assert not np.array_equal(seen[0][0], seen[1][0])
    assert [loss for _, _, loss in seen] == pytest.approx(model.history_["loss"])
    np.testing.assert_array_equal(Word2Vec.load(tmp_path / "0.kerazoo").wv["apple"], seen[0][0])
    if parameters.get("engine") != "keras":  # callbacks do not change what is learned
        np.testing.assert_array_equal(small(**parameters).fit(TEXT).vectors_, model.vectors_)
    model.partial_fit([*TEXT, "blue apple"])
    np.testing.assert_array_equal(seen[-1][0], model.wv["apple"])
    assert not np.array_equal(seen[-2][0], seen[-1][0])


def test_the_best_tables_of_hierarchical_softmax_are_restored_together():
    stop = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True, mode="max")
    model = small(hs=1, negative=0, epochs=4, callbacks=[stop]).fit(TEXT)
    first = small(hs=1, negative=0, epochs=4, callbacks=[StopAfterOne()]).fit(TEXT)
    assert len(model.history_["loss"]) == 2
    np.testing.assert_array_equal(model.vectors_, first.vectors_)
    np.testing.assert_array_equal(model.node_vectors_, first.node_vectors_)
    assert model.output_vectors_ is None


class StopAfterOne(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def test_an_error_in_a_callback_leaves_the_model_as_it_was():
    class Broken(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    model = small(callbacks=Broken())
    with pytest.raises(ZeroDivisionError):
        model.fit(TEXT)
    assert not hasattr(model, "vectors_")
    model.set_params(callbacks=()).fit(TEXT)
    before = model.wv["apple"].copy()
    with pytest.raises(ZeroDivisionError):
        model.set_params(callbacks=Broken()).partial_fit(["a b"])
    assert "a" not in model.vocabulary_
    np.testing.assert_array_equal(model.wv["apple"], before)


def test_the_size_of_the_vectors_is_saved_whatever_the_parameters_say(tmp_path):
    model = small().fit(TEXT).set_params(vector_size=8, loss="negative_sampling", hs=1, window=-3)
    model.save(tmp_path / "model.kerazoo")
    again = Word2Vec.load(tmp_path / "model.kerazoo")
    assert (again.vector_size, again.window) == (4, -3)
    np.testing.assert_array_equal(again.vectors_, model.vectors_)


def test_edits_of_wv_belong_to_the_model(tmp_path):
    model = small(pooling="idf").fit(TEXT)
    model.wv["apple"] = np.arange(4)
    model.wv.add_vectors(["new", "newer"], [np.ones(4), np.full(4, 2.0)])
    held = model.wv
    np.testing.assert_array_equal(model.transform(["new", "apple"]), [np.ones(4), np.arange(4)])
    assert model.wv is held
    assert model.vocabulary_.words[-2:] == ["new", "newer"]
    model.save(tmp_path / "model.kerazoo")
    again = Word2Vec.load(tmp_path / "model.kerazoo")
    for word in ("apple", "new", "newer", "iron"):
        np.testing.assert_array_equal(again.wv[word], held[word])
    np.testing.assert_array_equal(again.transform(["new apple"]), model.transform(["new apple"]))
    # Training starts from them. A word that the text lacks stays.
    again.set_params(alpha=1e-9, min_alpha=0).partial_fit(["new red"] * 3)
    np.testing.assert_allclose(again.wv["new"], 1, atol=1e-6)
    np.testing.assert_array_equal(again.wv["newer"], np.full(4, 2))
    assert again.vocabulary_.counts[again.vocabulary_["new"]] == 3


def test_other_edits_are_refused(tmp_path):
    model = small().fit(TEXT)
    model.wv.vectors = np.ones((6, 9), np.float32)
    with pytest.raises(InvalidArgumentError, match=r"wv has 6 words and vectors of shape \(6, 9\)"):
        model.save(tmp_path / "model.kerazoo")


def test_messages_say_what_min_count_dropped():
    model = small(min_count=5).fit(TEXT)
    expected = r"1 document with 0 known words.*min_count=5 \(or max_final_vocab\) dropped 2 other words"
    with pytest.raises(CorpusError, match=expected):
        model.partial_fit([["python", "a"]])
    with pytest.raises(VocabularyError, match=r"has 1 word \(min_count=3 dropped 2\)"):
        small(min_count=3).fit(["a a a b c"])


@pytest.mark.parametrize("window", [1_000_001, 2**31, 2**70])
def test_a_window_beyond_any_text_is_refused(window):
    with pytest.raises(InvalidArgumentError, match=rf"window={window}; expected an integer from 1 to 1000000"):
        small(window=window).fit(TEXT)
    assert np.isfinite(small(window=1_000_000).fit(TEXT).history_["loss"]).all()


def test_a_corpus_is_no_argument_of_the_constructor():
    with pytest.raises(InvalidArgumentError, match=r"The constructor takes no corpus: Word2Vec\(\.\.\.\)\.fit"):
        Word2Vec([["a", "b"]], min_count=1).fit(TEXT)


def test_bytes_that_are_not_utf_8_are_replaced_where_that_is_asked_for(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("größe und maß\n".encode("latin-1") * 20)
    with pytest.raises(CorpusError, match="pass errors='replace'"):
        small().fit(path)
    model = small().fit(path, errors="replace").partial_fit(path, errors="ignore")
    assert {"gr\ufffd\ufffde", "gre", "ma", "und"} <= set(model.vocabulary_.words)
    assert model.transform(path, errors="ignore").shape == (20, 4)
    with pytest.raises(CorpusError, match="pass errors='replace'"):
        model.transform(path)


def test_checkpoints_in_the_folder_of_the_corpus_are_not_read(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(TEXT))
    first = small(checkpoint_dir=tmp_path / "checkpoints").fit(tmp_path)
    again = small(checkpoint_dir=tmp_path / "checkpoints").fit(tmp_path)
    assert first.vocabulary_ == again.vocabulary_ == small().fit(TEXT).vocabulary_


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_process_without_standard_streams_trains(verbose):
    code = (
        "import sys\nout = sys.stdout\nsys.stdout = sys.stderr = None\nfrom kerazoo import Word2Vec\n"
        f"model = Word2Vec(min_count=1, sample=0, verbose={verbose}).fit([['a', 'b']] * 9)\n"
        "out.write(repr(model.vectors_.shape))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(2, 100)", done.stderr


def test_files_of_gensim_are_named_as_such(tmp_path):
    theirs = GensimWord2Vec(common_texts, vector_size=4, min_count=1)
    theirs.save(str(tmp_path / "model"))
    theirs.wv.save_word2vec_format(str(tmp_path / "vectors.txt"))
    for name in ("model", "vectors.txt"):
        with pytest.raises(StorageError, match=r"Word2Vec\.from_gensim\(path\) reads it"):
            Word2Vec.load(tmp_path / name)


class WithMore(Word2Vec):
    """A subclass that hands its arguments on."""

    def __init__(self, extra=3, **kwargs):
        self.extra = extra
        super().__init__(**kwargs)


def test_a_subclass_with_keyword_arguments_is_saved(tmp_path):
    model = WithMore(extra=5, vector_size=4, min_count=1, sample=0, verbose=0).fit(TEXT)
    model.save(tmp_path / "model.kerazoo")
    again = WithMore.load(tmp_path / "model.kerazoo")
    assert again.get_params() == model.get_params()
    assert (again.extra, again.vector_size) == (5, 4)


@pytest.mark.parametrize(
    ("settings", "imported", "message"),
    [
        ({"negative": 100}, {"negative": 64}, "negative=100 is imported as 64"),
        ({"negative": 100, "sg": 1}, {"negative": 100}, r"from_gensim\(\.\.\., negative=64\), or with engine='keras'"),
        ({"sample": 5}, {"sample": 13 / 29}, None),
        ({"sample": 1000}, {"sample": 1.0}, None),
        ({"alpha": 0.01, "min_alpha": 0.05}, {"min_alpha": 0.01}, "min_alpha=0.05 is above alpha=0.01"),
    ],
)
def test_settings_of_gensim_that_kerazoo_lacks_are_taken_or_told(settings, imported, message):
    theirs = GensimWord2Vec(common_texts, vector_size=4, min_count=1, **settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = Word2Vec.from_gensim(theirs)
    assert {name: ours.get_params()[name] for name in imported} == imported
    assert [each for each in caught if issubclass(each.category, UserWarning)] or message is None
    if message:
        with pytest.warns(UserWarning, match=message):
            Word2Vec.from_gensim(theirs)


def test_frozen_words_of_gensim_are_told():
    theirs = GensimWord2Vec(common_texts, vector_size=4, min_count=1)
    theirs.wv.vectors_lockf = np.zeros(1, np.float32)
    with pytest.warns(UserWarning, match="vectors_lockf"):
        Word2Vec.from_gensim(theirs)
