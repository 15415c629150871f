"""Phrases: the same phrases, scores and sentences as gensim's."""

from __future__ import annotations

import copy
import gzip
import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from gensim.models import phrases as gensim_phrases
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kerazoo.errors import CorpusError, CorpusNotFoundError, InvalidArgumentError
from kerazoo.text import (
    ENGLISH_CONNECTOR_WORDS,
    EncodedCorpus,
    FrozenPhrases,
    Phrases,
    Vocabulary,
    npmi_scorer,
    original_scorer,
)

PLAIN = ["a", "b", "c", "d", "é", "of", "the"]
# Words that are spelled like pairs, or contain parts of the delimiter.
ODD = ["a_of", "of_b", "a_b", "b_c", "a_of_b", "_", "_a", "b_", "of_the", "a__b", "__", "c_d_b", "d_b"]
CONNECTORS = [frozenset(), frozenset({"of", "the"}), frozenset({"of", "of_the", "the"})]


def per_word(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
    """A scoring function that also makes phrases of rare pairs."""
    return bigram_count / (worda_count + wordb_count) + len_vocab / corpus_word_count - min_count


def corpora(words):
    return st.lists(st.lists(st.sampled_from(words), max_size=9), min_size=1, max_size=12)


settings_of = st.fixed_dictionaries(
    {
        "min_count": st.integers(1, 3),
        "scored": st.one_of(
            st.tuples(st.just("default"), st.sampled_from([0.1, 0.5, 1.0, 3.0])),
            st.tuples(st.just("npmi"), st.sampled_from([-1.0, -0.5, 0.0, 0.3, 0.7])),
            st.tuples(st.just(per_word), st.sampled_from([-1.0, 0.0, 0.4])),
        ),
        "delimiter": st.sampled_from(["_", "__", "+", " "]),
        "connector_words": st.sampled_from(CONNECTORS),
    }
)


def both(documents, min_count, scored, delimiter, connector_words):
    given_too = {"min_count": min_count, "delimiter": delimiter, "connector_words": connector_words}
    scoring, threshold = scored
    named = {"scoring": scoring} if isinstance(scoring, str) else {}
    theirs = gensim_phrases.Phrases(**given_too, threshold=threshold if named else 1, **named)
    if not named:  # gensim wants a function that pickle finds
        theirs.scoring, theirs.threshold = per_word, threshold
    theirs.add_vocab(documents)
    return Phrases(documents, threshold=threshold, scoring=scoring, workers=2, **given_too), theirs


def decoded(corpus):
    return [corpus.decode(i) for i in range(len(corpus))]


@settings(max_examples=150, deadline=None)
@given(corpora(PLAIN), corpora(PLAIN), settings_of)
@example(
    [["bank", "of", "the", "b"], ["bank", "of", "b"]], [["bank", "of", "b", "the"]],
    {"min_count": 1, "scored": ("npmi", -1.0), "delimiter": "_", "connector_words": CONNECTORS[1]},
)  # fmt: skip
def test_phrases_scores_and_sentences_are_gensims(documents, others, parameters):
    assume(any(documents))
    ours, theirs = both(documents, **parameters)
    assert ours.vocab == theirs.vocab
    assert ours.corpus_word_count == theirs.corpus_word_count
    assert ours.export_phrases() == theirs.export_phrases()
    expected = [theirs[document] for document in others]
    assert [ours[document] for document in others] == expected
    assert list(ours[others]) == expected
    assert ours.find_phrases(others) == theirs.find_phrases(others)
    frozen, their_frozen = ours.freeze(), theirs.freeze()
    assert frozen.phrasegrams == their_frozen.phrasegrams
    assert [frozen[document] for document in others] == [their_frozen[document] for document in others]
    if any(others):
        encoded = EncodedCorpus.from_source(others, min_count=1)
        assert decoded(ours[encoded]) == decoded(frozen[encoded]) == [words for words in expected if words]
        assert ours.find_phrases(encoded) == theirs.find_phrases(others)


@settings(max_examples=150, deadline=None)
@given(corpora(PLAIN + ODD), corpora(PLAIN + ODD), settings_of)
def test_words_that_are_spelled_like_phrases(documents, others, parameters):
    assume(any(documents))
    ours, theirs = both(documents, **parameters)
    assert ours.vocab == theirs.vocab
    assert ours.export_phrases() == theirs.export_phrases()
    expected = [theirs[document] for document in others]
    assert [ours[document] for document in others] == expected
    if any(others):
        assert decoded(ours.join(others)) == [words for words in expected if words]
        frozen = ours.freeze()
        assert [frozen[document] for document in others] == expected
        assert decoded(frozen.join(others)) == [words for words in expected if words]
        # Without readings, phrases are known by their spelling, as in gensim.
        spelled = FrozenPhrases(frozen.phrasegrams, frozen.threshold, 1, frozen.delimiter, frozen.connector_words)
        theirs = spelled.to_gensim()
        assert [spelled[document] for document in others] == [theirs[document] for document in others]
        assert decoded(spelled.join(others)) == [spelled[words] for words in others if words]


@settings(max_examples=60, deadline=None)
@given(corpora(PLAIN + ODD[:4]), corpora(PLAIN + ODD), settings_of)
def test_more_text_adds_counts(documents, others, parameters):
    assume(any(documents) and any(others))
    ours, theirs = both(documents, **parameters)
    ours.export_phrases()  # what was made before is not used again
    ours.add_vocab(others)
    theirs.add_vocab(others)
    assert ours.vocab == theirs.vocab
    assert ours.export_phrases() == theirs.export_phrases()
    assert [ours[document] for document in others] == [theirs[document] for document in others]


def test_english_connector_words_and_scorers_are_gensims():
    assert ENGLISH_CONNECTOR_WORDS == gensim_phrases.ENGLISH_CONNECTOR_WORDS
    counts = (7, 5, 4, 90, 2, 300)
    assert original_scorer(*counts) == gensim_phrases.original_scorer(*counts)
    assert npmi_scorer(*counts) == gensim_phrases.npmi_scorer(*counts)
    assert npmi_scorer(7, 5, 1, 90, 2, 300) == float("-inf")


def test_files_directories_and_generators(tmp_path):
    documents = [["new", "york", "is", "big"], ["in", "new", "york"], ["old", "york"]] * 4
    lines = "\n".join(map(" ".join, documents)) + "\n"
    half = len(lines.splitlines()) // 2
    first, second = ("\n".join(part) + "\n" for part in (lines.splitlines()[:half], lines.splitlines()[half:]))
    (tmp_path / "a.txt").write_text(first)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(second.encode()))
    expected = Phrases(documents, min_count=2, threshold=0.5)
    assert expected.export_phrases()
    for source in (tmp_path, [tmp_path / "a.txt", tmp_path / "b.txt.gz"], (list(words) for words in documents)):
        found = Phrases(source, min_count=2, threshold=0.5)
        assert found.vocab == expected.vocab
        assert found.export_phrases() == expected.export_phrases()
    joined = [expected[words] for words in documents]
    assert decoded(expected.join(tmp_path)) == joined
    assert expected.find_phrases(tmp_path) == expected.export_phrases()
    with pytest.raises(CorpusNotFoundError):
        Phrases(tmp_path / "c.txt")


def test_a_part_of_a_corpus_counts_its_own_words_only():
    corpus = EncodedCorpus.from_source([["a", "b"], ["b", "c", "a_b"], ["c"]], min_count=1)
    theirs = gensim_phrases.Phrases([["a", "b"]], min_count=1)
    assert Phrases(corpus[:1], min_count=1).vocab == theirs.vocab


def test_long_documents_are_joined_on_several_threads(monkeypatch):
    monkeypatch.setattr("kerazoo.text.phrases.joining._SLICE", 7)
    monkeypatch.setattr("kerazoo.text.phrases.pair_counts._SLICE", 5)
    words = [f"w{i * i % 11}" for i in range(200)] + ["of", "of", "w1", "of"] * 9
    documents = [words, [], words[::-1], ["of"], ["w1"]]
    ours, theirs = both(documents, 2, ("npmi", 0.4), "_", frozenset({"of"}))
    assert ours.export_phrases() == theirs.export_phrases() != {}
    joined = ours.join(documents, workers=3)
    assert decoded(joined) == [theirs[document] for document in documents if document]
    assert joined.raw_offsets[-1] == joined.n_tokens == len(joined.ids)


def test_rare_words_are_dropped_after_joining():
    frozen = FrozenPhrases({"a_b": 20.0})
    joined = frozen.join([["a", "b", "x", "a", "b"], ["x", "a"]], min_count=2)
    assert decoded(joined) == [["a_b", "x", "a_b"], ["x"]]
    assert joined.n_dropped == 1
    assert joined.vocabulary == Vocabulary(["a_b", "x"], [2, 2], min_count=2, total=5)
    assert frozen.join([["a", "b", "x"]], max_final_vocab=1).vocabulary.words == ["a_b"]
    # An id for unknown words stays one.
    corpus = EncodedCorpus.from_source([["a", "b", "x", "a", "b"], ["y", "b", "a"]], min_count=2, unk="?")
    assert decoded(frozen.join(corpus, min_count=2)) == [["a_b", "?", "a_b"], ["?", "?", "?"]]
    assert decoded(frozen.join(corpus)) == [["a_b", "?", "a_b"], ["?", "b", "a"]]
    # A phrase that is also a word of the text has one id.
    assert decoded(frozen.join([["a_b", "a", "b"]])) == [["a_b", "a_b"]]


def test_chains_make_phrases_of_phrases():
    documents = [
        ["in", "new", "york", "city"],
        ["new", "york", "city"],
        ["is", "new", "york"],
        ["in", "city", "is"],
    ] * 5
    bigrams = Phrases(documents, min_count=2, threshold=0.6)
    assert "new_york" in bigrams.export_phrases()
    trigrams = Phrases(bigrams[documents], min_count=2, threshold=0.2)
    encoded = EncodedCorpus.from_source(documents, min_count=1)
    assert Phrases(bigrams[encoded], min_count=2).vocab == trigrams.vocab
    theirs = gensim_phrases.Phrases(documents, min_count=2, threshold=0.6)
    their_trigrams = gensim_phrases.Phrases(theirs[documents], min_count=2, threshold=0.2)
    expected = [their_trigrams[theirs[document]] for document in documents]
    assert any("new_york_city" in words for words in expected)
    assert list(trigrams[bigrams[documents]]) == expected
    assert decoded(trigrams[bigrams[encoded]]) == expected
    assert decoded(trigrams.freeze()[bigrams.freeze()[encoded]]) == expected  # gensim's frozen ones lose it


def test_sentences_that_are_no_lists():
    frozen = FrozenPhrases({"a_b": 20.0})
    assert frozen[[]] == []
    assert frozen[iter(["a", "b"])] == ["a_b"]
    assert list(frozen[(words for words in [["a", "b"], ["b"]])]) == [["a_b"], ["b"]]
    twice = frozen[[["a", "b"]]]
    assert list(twice) == list(twice) == [["a_b"]]
    for wrong in ("a b", b"a b", 3):
        with pytest.raises(InvalidArgumentError, match="expected a list of tokens"):
            frozen[wrong]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_count": 0}, "min_count=0"),
        ({"threshold": 0}, "threshold=0"),
        ({"threshold": 10, "scoring": "npmi"}, "threshold=10"),
        ({"scoring": "pmi"}, "scoring='pmi'"),
        ({"scoring": lambda worda_count: 1.0}, "has no argument wordb_count"),
        ({"scoring": 7}, "has no argument"),
        ({"delimiter": ""}, "delimiter is ''"),
        ({"connector_words": "of the"}, "expected a set of words"),
        ({"max_vocab_size": 0}, "max_vocab_size=0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Phrases(**arguments)


@pytest.mark.parametrize("phrasegrams", [["new_york"], {"new_york": "20"}, {("new", "york"): 20.0}, None])
def test_wrong_phrasegrams(phrasegrams):
    with pytest.raises(InvalidArgumentError, match="expected a dict of phrases"):
        FrozenPhrases(phrasegrams)


@pytest.mark.parametrize("connector_words", [(), ("of", "the")])
def test_phrases_are_frozen_by_the_constructor_too_as_in_gensim(connector_words):
    texts = [["bank", "of", "america", "is", "big"], ["the", "bank", "of", "america"]] * 3
    phrases = Phrases(texts, min_count=1, threshold=0.3, delimiter="+", progress_per=9, connector_words=connector_words)
    frozen, made = phrases.freeze(), FrozenPhrases(phrases)
    again = FrozenPhrases(made)
    assert frozen.phrasegrams
    for other in (made, again):
        assert other.phrasegrams == frozen.phrasegrams
        assert (other.threshold, other.min_count, other.delimiter) == (0.3, 1, "+")
        assert other.connector_words == frozen.connector_words
        assert other[texts[0]] == phrases[texts[0]] == frozen[texts[0]]
    with pytest.raises(InvalidArgumentError, match="other arguments beside a Phrases"):
        FrozenPhrases(phrases, threshold=2.0)


def test_a_corpus_that_has_lost_words_is_refused():
    corpus = EncodedCorpus.from_source([["a", "b", "a"]], min_count=2)
    for use in (Phrases, FrozenPhrases({"a_b": 20.0}).join):
        with pytest.raises(InvalidArgumentError, match=r"dropped 1 words.*min_count=1"):
            use(corpus)


def test_too_many_pairs_are_an_error():
    documents = [[f"w{i}" for i in range(30)]]
    assert len(Phrases(documents, max_vocab_size=59).vocab) == 59
    with pytest.raises(CorpusError, match="more than max_vocab_size=58"):
        Phrases(documents, max_vocab_size=58)
    phrases = Phrases(documents[:1], max_vocab_size=60)
    with pytest.raises(CorpusError, match="max_vocab_size"):
        phrases.add_vocab([["x", "y"]])
    assert len(phrases.vocab) == 59  # the counts are as before


def test_settings_can_be_changed_after_counting():
    documents = [["a", "b", "c"], ["a", "b"], ["c", "a_b"]] * 3
    phrases = Phrases(documents, min_count=5, threshold=100.0)
    assert phrases.export_phrases() == {}
    assert phrases[["a", "b"]] == ["a", "b"]
    phrases.min_count, phrases.threshold, phrases.scoring = 1, 0.2, "npmi"
    expected = Phrases(documents, min_count=1, threshold=0.2, scoring="npmi")
    assert phrases.export_phrases() == expected.export_phrases() != {}
    assert phrases[["a", "b"]] == ["a_b"]
    phrases.threshold = 7.0
    with pytest.raises(InvalidArgumentError, match="threshold=7"):
        phrases.export_phrases()
    for name in ("delimiter", "connector_words", "vocab"):
        with pytest.raises(AttributeError):
            setattr(phrases, name, "x")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda phrases: pickle.loads(pickle.dumps(phrases))])
def test_copies(copied):
    phrases = Phrases([["a", "b", "c"], ["a", "b"], ["c", "a_b"]] * 3, min_count=1, threshold=0.2, scoring="npmi")
    expected = phrases.export_phrases()
    found = copied(phrases)
    found.add_vocab([["x", "y"]])
    assert "x_y" in found.export_phrases()
    assert phrases.export_phrases() == expected


def test_no_text_has_no_phrases():
    phrases = Phrases()
    assert phrases.vocab == phrases.export_phrases() == {}
    assert phrases[["a", "b"]] == ["a", "b"]
    assert decoded(phrases.join([["a", "b"]])) == [["a", "b"]]


def test_sentences_that_can_be_read_only_once_are_read_in_full_and_not_again():
    first, second = FrozenPhrases({"new_york": 20.0}), FrozenPhrases({"new_york_city": 20.0})
    sentences = [["new", "york", "city"], ["a", "city"]]
    twice = second[first[iter(sentences)]]
    assert list(twice) == [["new_york_city"], ["a", "city"]]
    assert isinstance(twice, Iterator)  # so that whoever must read it again refuses it
    again = second[first[sentences]]
    assert list(again) == list(again) == [["new_york_city"], ["a", "city"]]


def test_odd_sentences():
    phrases = FrozenPhrases({"new_york": 20.0})
    assert phrases[["", "a"]] == ["", "a"]
    assert list(phrases[[np.array(["new", "york"])]]) == [["new_york"]]
    assert phrases[iter([])] == phrases[[]] == []
    with pytest.raises(InvalidArgumentError, match="connector_words=None"):
        FrozenPhrases({}, connector_words=None)
