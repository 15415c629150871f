"""FastText models from and to gensim, and fastText's .bin files, in both directions."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from kerazoo import FastText
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec import load_vectors, save_vectors
from kerazoo.word2vec.io import fasttext_bin
from kerazoo.word2vec.io.vector_files import write_vectors
from tests.word2vec.test_estimator import two_topics
from tests.word2vec.test_fasttext import small

fasttext = pytest.importorskip("gensim.models.fasttext")
UNKNOWN = ["fruity", "日本語", "a", "unmetallic"]


def gensim_model(**changes):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 2, "seed": 1, "workers": 1}
    documents = [list(document) for document in two_topics(50)]
    return fasttext.FastText(documents, **{**settings, "sg": 1, "bucket": 3000, **changes})


def assert_same_vectors(ours, theirs):
    assert sorted(ours.vocabulary_.words) == sorted(theirs.index_to_key)
    for word in ours.vocabulary_.words:
        np.testing.assert_allclose(ours.get_vector(word), theirs[word], atol=1e-6)
        assert ours.vocabulary_.counts[ours.vocabulary_[word]] == theirs.get_vecattr(word, "count")
    if theirs.bucket:
        for word in UNKNOWN:
            np.testing.assert_allclose(ours.get_vector(word), theirs[word], atol=1e-6, err_msg=word)


OPTIONS = [{}, {"sg": 0}, {"max_n": 0}, {"bucket": 0}, {"min_n": 2, "max_n": 3}]


@pytest.mark.parametrize("options", OPTIONS)
def test_wv_and_to_gensim_have_these_vectors(options):
    model = small(**options).fit(two_topics(50))
    assert_same_vectors(model, model.wv)
    assert model.wv.most_similar("fruit3", topn=1)[0][0] in model.vocabulary_
    theirs = model.to_gensim()
    assert_same_vectors(model, theirs.wv)
    theirs.wv.adjust_vectors()  # composed again by gensim
    assert_same_vectors(model, theirs.wv)
    np.testing.assert_array_equal(theirs.syn1neg, model.output_vectors_)
    theirs.train([["fruit1", "fruit2"]] * 9, total_examples=9, epochs=1)
    assert not np.array_equal(theirs.wv["fruit1"], model.get_vector("fruit1"))


@pytest.mark.parametrize("options", OPTIONS)
def test_from_gensim_in_memory_and_from_its_file(tmp_path, options):
    theirs = gensim_model(**options)
    theirs.save(str(tmp_path / "model"))
    for source in (theirs, tmp_path / "model"):
        ours = FastText.from_gensim(source, verbose=0, workers=1)
        assert_same_vectors(ours, theirs.wv)
        assert (ours.sg, ours.window, ours.loss) == (theirs.sg, 3, "negative_sampling")
        before = ours.get_vector("fruit1")
        ours.partial_fit([["fruit1", "fruitful"]] * 9)
        assert "fruitful" in ours.vocabulary_
        assert not np.array_equal(ours.get_vector("fruit1"), before)


@pytest.mark.parametrize("options", OPTIONS)
def test_bin_files_in_both_directions(tmp_path, options):
    model = small(**options).fit(two_topics(50))
    model.save_facebook_model(tmp_path / "ours.bin")
    theirs = fasttext.load_facebook_model(str(tmp_path / "ours.bin"))
    assert_same_vectors(model, theirs.wv)
    np.testing.assert_array_equal(theirs.syn1neg, model.output_vectors_)
    assert (theirs.window, theirs.negative, theirs.sg) == (3, 5, model.sg)

    again = FastText.load_facebook_model(tmp_path / "ours.bin", verbose=0)
    assert_same_vectors(again, model.wv)
    np.testing.assert_array_equal(again.output_vectors_, model.output_vectors_)
    again.partial_fit(two_topics(50))

    theirs = gensim_model(**options)
    fasttext.save_facebook_model(theirs, str(tmp_path / "theirs.bin"))
    ours = FastText.load_facebook_model(tmp_path / "theirs.bin", alpha=0.01, verbose=0)
    assert ours.alpha == 0.01
    assert_same_vectors(ours, theirs.wv)
    ours.save_facebook_model(tmp_path / "back.bin")
    assert (tmp_path / "back.bin").stat().st_size == (tmp_path / "theirs.bin").stat().st_size


@pytest.mark.parametrize("name", ["lee_fasttext_new.bin", "crime-and-punishment.bin"])
def test_files_of_fasttext_itself(name):
    from gensim.test.utils import datapath

    ours = FastText.load_facebook_model(datapath(name))
    assert_same_vectors(ours, fasttext.load_facebook_model(datapath(name)).wv)


def test_an_empty_word_is_left_out_with_a_warning():
    from gensim.test.utils import datapath

    name = datapath("toy-model-pretrained.bin")
    theirs = fasttext.load_facebook_model(name).wv
    with pytest.warns(UserWarning, match="empty word"):
        ours = FastText.load_facebook_model(name)
    assert set(ours.vocabulary_.words) == set(theirs.index_to_key) - {""}
    for word in [*ours.vocabulary_.words, *UNKNOWN]:
        np.testing.assert_allclose(ours.get_vector(word), theirs[word], atol=1e-6)


def test_files_of_the_first_format_are_read_by_gensim():
    from gensim.test.utils import datapath

    with pytest.raises(StorageError, match="before 2017"):
        FastText.load_facebook_model(datapath("non_ascii_fasttext.bin"))
    theirs = fasttext.load_facebook_model(datapath("non_ascii_fasttext.bin"))
    assert_same_vectors(FastText.from_gensim(theirs), theirs.wv)


def test_biases_are_not_exported_and_start_anew():
    model = small(loss="nce", learn_biases=True).fit(two_topics(50))
    with pytest.warns(UserWarning, match="gensim has no biases"):
        theirs = model.to_gensim()
    again = FastText.from_gensim(theirs, loss="nce", learn_biases=True, verbose=0)
    assert again.output_biases_.shape == (20,)
    again.partial_fit(two_topics(50))


def test_nce_in_a_bin_file_warns(tmp_path):
    with pytest.warns(UserWarning, match="fastText has no biases"):
        small(loss="nce", learn_biases=True, epochs=1).fit(two_topics(50)).save_facebook_model(tmp_path / "model.bin")


def test_what_cannot_be_imported_is_refused(tmp_path):
    from gensim.models import Word2Vec as GensimWord2Vec

    for theirs, message in (
        (gensim_model(hs=1, negative=0), "hs=1"),
        (GensimWord2Vec([["a", "b"]], min_count=1, vector_size=4), "expected a gensim FastText"),
        (fasttext.FastText(vector_size=4), "no words"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            FastText.from_gensim(theirs)
    with pytest.raises(InvalidArgumentError, match="min_n=4, but the vectors were trained with min_n=3"):
        FastText.from_gensim(gensim_model(), min_n=4)
    with pytest.raises(StorageError, match="no such file"):
        FastText.from_gensim(tmp_path / "none")
    (tmp_path / "text").write_text("not a pickle")
    with pytest.raises(StorageError, match=r"not a model written by gensim's FastText\.save"):
        FastText.from_gensim(tmp_path / "text")


def damaged(data, kind):
    header = 8 + fasttext_bin.HEADER.size
    if kind == "classifier":
        return data[:36] + struct.pack("<2i", 3, 3) + data[44:]
    if kind == "quantised":
        at = data.index(b"\0" + fasttext_bin.MATRIX.pack(3020, 12))
        return data[:at] + b"\1" + data[at + 1 :]
    if kind == "labels":
        return data[:header] + struct.pack("<3i", 20, 19, 1) + data[header + 12 :]
    if kind == "twice":
        return data.replace(b"fruit1\0", b"fruit2\0", 1)
    return {"magic": b"\0" + data[1:], "empty": b"", "words": data[: header + 60], "short": data[:-1]}[kind]


@pytest.mark.parametrize("kind", ["twice", "classifier", "quantised", "labels", "magic", "empty", "words", "short"])
def test_damaged_and_other_bin_files_are_refused(tmp_path, kind):
    path = tmp_path / "model.bin"
    small(epochs=1, bucket=3000).fit(two_topics(50)).save_facebook_model(path)
    path.write_bytes(damaged(path.read_bytes(), kind))
    with pytest.raises(StorageError, match=r"model\.bin"):
        FastText.load_facebook_model(path)


def test_a_bin_file_that_cannot_be_written_or_found(tmp_path):
    model = small(epochs=1).fit([["a\0b", "c"]] * 9)
    with pytest.raises(StorageError, match="zero character"):
        model.save_facebook_model(tmp_path / "model.bin")
    assert not list(tmp_path.iterdir())
    with pytest.raises(StorageError, match="no such file"):
        FastText.load_facebook_model(tmp_path / "none.bin")


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".kv", ".safetensors", ".kerazoo"])
@pytest.mark.parametrize("bucket", [100, 0])
def test_files_of_vectors_have_the_vectors_of_the_words_not_their_own_rows(tmp_path, suffix, bucket):
    model, path = small(bucket=bucket).fit(two_topics(20)), tmp_path / f"vectors{suffix}"
    if suffix == ".kerazoo":
        write_vectors(model.to_contents(), path)
        np.testing.assert_array_equal(FastText.load(path).vectors_, model.vectors_)
    else:
        save_vectors(model, path)
    found = load_vectors(path)
    assert found.words == model.vocabulary_.words
    np.testing.assert_allclose(found.vectors, model.vectors_, atol=1e-6)
    assert not bucket or np.abs(model.vectors_vocab_ - model.vectors_).max() > 0.01


def test_load_vectors_says_what_reads_fasttexts_models(tmp_path):
    small(bucket=50).fit(two_topics(50)).save_facebook_model(tmp_path / "model.bin")
    with pytest.raises(StorageError, match=r"FastText\.load_facebook_model"):
        load_vectors(tmp_path / "model.bin")
