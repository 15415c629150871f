"""Files of phrases, and gensim's objects."""

from __future__ import annotations

import copy

import pytest
from gensim.models import phrases as gensim_phrases

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import FrozenPhrases, Phrases

DOCUMENTS = [["bank", "of", "américa"], ["new", "york"], ["new", "a_b", "york", "bank"], ["a", "b", "of"]] * 3


def counted(**changes):
    given = {"min_count": 1, "threshold": 0.3, "scoring": "npmi", "connector_words": ["of"], **changes}
    return Phrases(DOCUMENTS, **given)


def test_counts_are_kept(tmp_path):
    phrases = counted(delimiter="__", max_vocab_size=1000)
    phrases.save(tmp_path / "phrases")
    loaded = Phrases.load(tmp_path / "phrases")
    for name in ("min_count", "threshold", "delimiter", "connector_words", "max_vocab_size", "corpus_word_count"):
        assert getattr(loaded, name) == getattr(phrases, name)
    for made in (loaded, copy.deepcopy(phrases)):
        made.add_vocab([["new", "york", "of", "bank"]])
        expected = counted(delimiter="__")
        expected.add_vocab([["new", "york", "of", "bank"]])
        assert made.vocab == expected.vocab
        assert made.export_phrases() == expected.export_phrases()


def test_frozen_phrases_are_kept(tmp_path):
    frozen = counted().freeze()
    assert "bank_of_américa" in frozen.phrasegrams
    frozen.save(tmp_path / "phrases")
    loaded = FrozenPhrases.load(tmp_path / "phrases")
    for name in ("phrasegrams", "min_count", "threshold", "delimiter", "connector_words"):
        assert getattr(loaded, name) == getattr(frozen, name)


def test_readings_of_frozen_phrases_are_kept(tmp_path):
    frozen = counted(threshold=-1.0).freeze()  # one of the words is a_b
    frozen.save(tmp_path / "phrases")
    loaded = FrozenPhrases.load(tmp_path / "phrases")
    assert loaded._readings == frozen._readings != None  # noqa: E711
    assert list(loaded[DOCUMENTS]) == list(frozen[DOCUMENTS]) != DOCUMENTS


def test_other_files_are_refused(tmp_path):
    counted().save(tmp_path / "counts")
    counted().freeze().save(tmp_path / "frozen")
    with pytest.raises(StorageError, match=r"kerazoo\.frozen_phrases"):
        Phrases.load(tmp_path / "frozen")
    with pytest.raises(StorageError, match=r"kerazoo\.phrases"):
        FrozenPhrases.load(tmp_path / "counts")
    with pytest.raises(StorageError, match="no such file"):
        Phrases.load(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["pairs", "runs", "run_offsets", "run_ids", "word_counts", "words.utf8"])
def test_damaged_arrays_are_refused(tmp_path, name):
    counted().save(tmp_path / "counts")
    arrays, metadata = read_tensors(tmp_path / "counts", kind="kerazoo.phrases", mmap=False)
    arrays[name] = arrays[name] + arrays[name].dtype.type(90) if name != "word_counts" else arrays[name][1:]
    if name == "words.utf8":
        arrays[name] = arrays[name][:-1]
    write_tensors(tmp_path / "counts", arrays, metadata, kind="kerazoo.phrases")
    with pytest.raises(StorageError, match="damaged"):
        Phrases.load(tmp_path / "counts")


@pytest.mark.parametrize("kind", [Phrases, FrozenPhrases])
def test_damaged_parameters_are_refused(tmp_path, kind):
    phrases = counted() if kind is Phrases else counted().freeze()
    phrases.save(tmp_path / "phrases")
    data = (tmp_path / "phrases").read_bytes()
    for old, new in ((b"threshold", b"thr3shold"), (b'delimiter\\": \\"_', b'delimiter\\": 22  ')):
        assert old in data
        (tmp_path / "phrases").write_bytes(data.replace(old, new))
        with pytest.raises(StorageError, match="damaged"):
            kind.load(tmp_path / "phrases")


def test_a_function_cannot_be_saved(tmp_path):
    def score(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
        return 1.0

    phrases = counted(scoring=score)
    with pytest.raises(InvalidArgumentError, match=r"freeze\(\)\.save"):
        phrases.save(tmp_path / "phrases")
    phrases.freeze().save(tmp_path / "phrases")
    assert FrozenPhrases.load(tmp_path / "phrases").phrasegrams == phrases.freeze().phrasegrams


def test_gensims_objects_go_round():
    theirs = gensim_phrases.Phrases(
        DOCUMENTS, min_count=1, threshold=0.3, scoring="npmi", connector_words=frozenset({"of"})
    )
    for source in (theirs, theirs.freeze()):
        ours = FrozenPhrases.from_gensim(source)
        assert ours.phrasegrams == theirs.export_phrases() != {}
        assert list(ours[DOCUMENTS]) == list(theirs.freeze()[DOCUMENTS])
    back = ours.to_gensim()
    assert isinstance(back, gensim_phrases.FrozenPhrases)
    assert list(back[DOCUMENTS]) == list(ours[DOCUMENTS])
    assert (back.threshold, back.min_count, back.delimiter) == (0.3, 1, "_")
    assert str(back)
    with pytest.raises(InvalidArgumentError, match="from_gensim got a dict"):
        FrozenPhrases.from_gensim({})


def test_files_of_gensim_are_named(tmp_path):
    Phrases([["a", "b"]] * 3, min_count=1, threshold=0.1).freeze().to_gensim().save(str(tmp_path / "p"))
    for kind in (Phrases, FrozenPhrases):
        with pytest.raises(StorageError, match=r"a pickle, as gensim's save writes it.*from_gensim"):
            kind.load(tmp_path / "p")
