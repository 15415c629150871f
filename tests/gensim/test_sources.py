"""Which sentences are read how, and how often: files by the scanner, lists once, other iterables as they need it."""

from __future__ import annotations

import bz2
import gzip
import itertools

import numpy as np
import pytest
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.test.utils import common_texts

from kerazoo.gensim import LineSentence, PathLineSentences, Text8Corpus, Word2Vec, epochs
from kerazoo.gensim.sources import FileSource, IterableSource, ListSource, SentencesTypeError, source_of

LINES = ["a rose is a rose", "", "  \t", "is it a\u00a0rose\u2003or not", "zo\u00eb is", "x" * 90, "a b\x0bc\x1cd"]
TINY = {"vector_size": 6, "min_count": 1, "sample": 0}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


def read(source, vocabulary):
    found = source.encode(vocabulary)
    words = list(vocabulary)
    cuts = itertools.pairwise(found.offsets.tolist())
    return [[words[id] for id in found.ids[begin:end].tolist()] for begin, end in cuts], found.n_raw_words


def readers(path):
    folder = path.parent / "several"
    folder.mkdir(exist_ok=True)
    data = path.read_bytes()
    (folder / "1.txt").write_bytes(data)
    (folder / "2.txt.bz2").write_bytes(bz2.compress(data + b"\n"))
    (folder / "3.txt.gz").write_bytes(gzip.compress(data))
    (folder / "4.txt").write_bytes(b"")
    line = path.parent / "text8"
    line.write_text(" ".join(" ".join(LINES).split()), encoding="utf-8")
    return {
        "line": LineSentence(str(path)),
        "path": LineSentence(path),
        "bz2": LineSentence(str(folder / "2.txt.bz2")),
        "cut": LineSentence(str(path), max_sentence_length=3),
        "folder": PathLineSentences(str(folder)),
        "folder_cut": PathLineSentences(str(folder), max_sentence_length=2),
        "text8": Text8Corpus(str(line), max_sentence_length=4),
    }


@pytest.mark.parametrize("kind", ["line", "path", "bz2", "cut", "folder", "folder_cut", "text8"])
def test_the_scanner_reads_what_gensim_reads(text, kind):
    sentences = readers(text)[kind]
    source = source_of(sentences)
    assert isinstance(source, FileSource)
    assert source._scanned(1) is not None
    vocabulary = {word: i for i, word in enumerate(["rose", "a", "zo\u00eb", "d", "not"])}
    expected = [[word for word in sentence if word in vocabulary] for sentence in sentences]
    assert read(source, vocabulary) == (expected, sum(map(len, sentences)))
    model = Word2Vec(sentences, **TINY)
    assert model.corpus_count == len(expected)
    counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
    theirs = GensimWord2Vec(**TINY)
    theirs.scan_vocab(sentences)
    assert counts == dict(theirs.raw_vocab)


def test_a_corpus_file_is_scanned_too(text):
    model = Word2Vec(corpus_file=str(text), **TINY)
    assert (model.corpus_count, model.corpus_total_words) == (5, 18)
    unsorted = Word2Vec(sorted_vocab=0, **TINY)
    unsorted.build_vocab(corpus_file=str(text))
    assert unsorted.wv.index_to_key[:4] == ["a", "rose", "is", "it"]
    with pytest.raises(ValueError, match="total_words must be provided"):
        unsorted.train(corpus_file=str(text), total_examples=5, epochs=1)
    assert unsorted.train(corpus_file=str(text), total_words=18, epochs=2) == (36, 36)


def test_gensim_reads_what_the_scanner_reads_otherwise(text):
    text.write_bytes(b"\xef\xbb\xbfa b\na b")
    assert "\ufeffa" in Word2Vec(LineSentence(text), **TINY).wv  # a byte order mark
    text.write_text("a b\nc a b")
    assert Word2Vec(Text8Corpus(str(text)), **TINY).corpus_count == 1  # not one line
    assert isinstance(source_of(LineSentence(str(text), limit=1)), IterableSource)
    with open(text, "rb") as stream:
        assert isinstance(source_of(LineSentence(stream)), IterableSource)
    assert isinstance(source_of(type("Own", (LineSentence,), {})(str(text))), IterableSource)
    text.write_bytes(b"caf\xe9 noir")
    with pytest.raises(UnicodeDecodeError):
        Word2Vec(LineSentence(str(text)), **TINY)
    text.write_bytes(b" \n")
    with pytest.raises(RuntimeError, match="first build vocabulary"):
        Word2Vec(corpus_file=str(text), **TINY)


class Counting:
    """Yields the sentences that `make` returns for the number of the pass."""

    def __init__(self, make):
        self.make, self.passes, self.taken = make, 0, 0

    def __iter__(self):
        self.passes += 1
        for sentence in self.make(self.passes):
            self.taken += 1
            yield sentence


LONG = [["a", "b", f"w{i}"] for i in range(250)]


def test_an_iterable_that_stays_the_same_is_read_twice():
    sentences = Counting(lambda number: LONG)
    model = Word2Vec(sentences, epochs=5, **TINY)
    assert sentences.taken == 2 * 250 + 4 * 100  # and a glance in each further epoch
    model.train(sentences, total_examples=250, epochs=2)
    assert model.train_count == 2


@pytest.mark.parametrize("change", [0, 249])
def test_an_iterable_that_changes_is_read_in_each_epoch(monkeypatch, change):
    def shuffled(number):
        sentences = list(LONG)
        sentences[change] = ["c", f"w{number}"]
        return sentences

    seen = []
    original = epochs.end_epoch

    def watch(model, number, text, *rest):
        seen.append(text.n_raw_words + int(text.ids[-1]) + int(text.ids[1]))
        original(model, number, text, *rest)

    monkeypatch.setattr(epochs, "end_epoch", watch)
    sentences = Counting(shuffled)
    Word2Vec(sentences, epochs=4, **TINY)
    assert sentences.taken == 5 * 250
    assert len(set(seen)) == 4


def test_an_iterable_that_changes_later_is_noticed():
    sentences = Counting(lambda number: LONG if number < 4 else LONG[::-1])
    Word2Vec(sentences, epochs=6, **TINY)
    # Passes 1 and 2 in full, a glance, then a glance that differs; from then on all.
    assert sentences.taken == 2 * 250 + 100 + 100 + 250 + 3 * 250


@pytest.mark.parametrize(("reread", "taken"), [(True, 6 * 250), (False, 250)])
def test_reread_decides(reread, taken):
    sentences = Counting(lambda number: LONG)
    Word2Vec(sentences, epochs=5, reread=reread, **TINY)
    assert sentences.taken == taken


@pytest.fixture
def encodings(monkeypatch):
    """Counts the encodings of lists."""
    calls = []
    original = ListSource.encode
    monkeypatch.setattr(ListSource, "encode", lambda self, *rest: calls.append(1) or original(self, *rest))
    return calls


def test_a_list_is_encoded_once(encodings):
    sentences = [list(sentence) for sentence in common_texts]
    Word2Vec(sentences, epochs=3, **TINY)
    model = Word2Vec(**TINY)
    model.build_vocab(sentences)
    for _ in range(2):
        model.train(sentences, total_examples=9, epochs=3)
    model.train([list(sentence) for sentence in common_texts], total_examples=9, epochs=1)  # equal is as good
    assert encodings == []


@pytest.mark.parametrize("change", ["word", "sentence", "more", "vocabulary", "other"])
def test_a_list_that_changed_is_encoded_again(encodings, change):
    sentences = [list(sentence) for sentence in common_texts]
    model = Word2Vec(**TINY)
    model.build_vocab(sentences)
    if change == "word":
        sentences[4][1] = "graph"
    elif change == "sentence":
        sentences[0], sentences[1] = sentences[1], sentences[0]
    elif change == "more":
        sentences.append(["graph", "trees"])
    elif change == "vocabulary":
        model.wv.add_vector("graphs", np.zeros(6, np.float32))
        model.syn1neg = np.zeros((13, 6), np.float32)
    else:
        sentences = sentences[:5]
    words = sum(map(len, sentences))
    assert model.train(sentences, total_examples=len(sentences), epochs=1)[1] == words
    assert len(encodings) == 1


def test_a_list_that_a_callback_changes_is_noticed(encodings):
    from tests.gensim.test_model import Recorder

    sentences = [["a1", "b"], ["b", "c"]]
    recorder = Recorder(lambda model: sentences.append(["a1", "c"]))
    model = Word2Vec(sentences, epochs=3, callbacks=[recorder], **TINY)
    assert len(encodings) == 2
    assert model.epochs == 3


def test_a_file_that_changed_is_scanned_again(text):
    model = Word2Vec(**TINY)
    model.build_vocab(corpus_file=str(text))
    text.write_text("a rose is\n" * 7)
    assert model.train(corpus_file=str(text), total_words=18, epochs=1) == (21, 21)


@pytest.mark.parametrize(
    "sentences",
    [(s for s in common_texts), iter(common_texts), map(list, common_texts)],
    ids=["generator", "iterator", "map"],
)
def test_what_can_be_read_once_is_refused(sentences):
    with pytest.raises(TypeError, match=r"can't support 6 passes|can be read only once, but is needed 6 times"):
        Word2Vec(sentences, **TINY)


def test_a_generator_makes_a_vocabulary():
    model = Word2Vec(**TINY)
    model.build_vocab(s for s in common_texts)
    assert len(model.wv) == 12
    assert model.train((s for s in common_texts), total_examples=9, epochs=1) == (29, 29)


def test_sentences_of_other_types():
    array = np.array([["a", "b", "a"], ["b", "c", "a"]])
    assert dict(Word2Vec(array, **TINY).wv.key_to_index) == {"a": 0, "b": 1, "c": 2}
    assert set(Word2Vec(["ab", "ba"], **TINY).wv.key_to_index) == {"a", "b"}
    assert "" in Word2Vec([["", "a"], ["a"]], **TINY).wv
    with pytest.raises(SentencesTypeError, match="sentence 1, word 0: a token of type list cannot be hashed"):
        Word2Vec([["a"], [["b"]]], **TINY)
    with pytest.raises(TypeError, match="sentence 0 is of type generator; expected a list of words"):
        Word2Vec([(word for word in "ab")], **TINY)
    with pytest.raises(TypeError, match=r"sentences is the str 'text\.txt'; expected lists of words"):
        Word2Vec("text.txt", **TINY)
    with pytest.raises(TypeError, match="must be an iterable"):
        Word2Vec(5, **TINY)


def test_pruning_while_counting_is_that_of_gensim():
    sentences = [["a", "b"], ["a", "b"], ["b", "c"], ["a", "b"], ["d", "e", "d", "e", "d"]]
    ours, theirs = (kind(sentences, max_vocab_size=2, **TINY) for kind in (Word2Vec, GensimWord2Vec))
    assert ours.wv.key_to_index == theirs.wv.key_to_index
