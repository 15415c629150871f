"""Word2Vec(phrases=...): phrases are joined before the words are counted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from kerazoo import EncodedCorpus, Word2Vec
from kerazoo.errors import InvalidArgumentError
from kerazoo.text import FrozenPhrases, Phrases

DOCUMENTS = [["in", "new", "york", "city"], ["new", "york", "city", "hall"], ["york", "is", "new"], ["city"]] * 9
BIGRAMS, TRIGRAMS = FrozenPhrases({"new_york": 20.0}), FrozenPhrases({"new_york_city": 20.0})


def small(**changes):
    return Word2Vec(
        **{"vector_size": 6, "min_count": 1, "sample": 0, "epochs": 1, "seed": 1, "workers": 1, "verbose": 0, **changes}
    )


@pytest.mark.parametrize(
    "phrases", [BIGRAMS, [BIGRAMS, TRIGRAMS], Phrases(DOCUMENTS, min_count=2, threshold=0.1), None, []]
)
def test_the_model_is_that_of_the_joined_sentences(phrases):
    members = phrases if isinstance(phrases, list) else [phrases] if phrases else []
    sentences = DOCUMENTS
    for member in members:
        sentences = [member[words] for words in sentences]
    assert (sentences != DOCUMENTS) == bool(members)
    expected = small(min_count=3).fit(sentences)
    for corpus in (DOCUMENTS, EncodedCorpus.from_source(DOCUMENTS, min_count=3)):
        model = small(min_count=3, phrases=phrases).fit(corpus)
        assert model.vocabulary_.words == expected.vocabulary_.words
        np.testing.assert_array_equal(model.vectors_, expected.vectors_)


def test_further_text_is_joined_too_also_after_loading(tmp_path):
    more = [["near", "new", "york", "city"]] * 4
    for phrases in (BIGRAMS, [BIGRAMS, TRIGRAMS], Phrases(DOCUMENTS, min_count=2, threshold=0.1)):
        model = small(phrases=phrases).fit(DOCUMENTS)
        model.save(tmp_path / "model.kerazoo")
        loaded = Word2Vec.load(tmp_path / "model.kerazoo")
        found = loaded.phrases if isinstance(loaded.phrases, list) else [loaded.phrases]
        assert all(isinstance(member, FrozenPhrases) for member in found)
        model.partial_fit(more)
        loaded.partial_fit(more)
        assert "near" in model.vocabulary_
        assert loaded.vocabulary_ == model.vocabulary_
        np.testing.assert_array_equal(loaded.vectors_, model.vectors_)


def test_checkpoints_and_clones_have_the_phrases(tmp_path):
    first = small(phrases=BIGRAMS, checkpoint_dir=tmp_path).fit(DOCUMENTS)
    again = clone(first).fit(DOCUMENTS)
    assert again.phrases.phrasegrams == BIGRAMS.phrasegrams
    np.testing.assert_array_equal(first.vectors_, again.vectors_)
    assert Word2Vec.load(tmp_path / "fit-0.kerazoo").phrases.phrasegrams == BIGRAMS.phrasegrams


def test_a_file_without_phrases_is_as_before(tmp_path):
    small().fit(DOCUMENTS).save(tmp_path / "model.kerazoo")
    assert Word2Vec.load(tmp_path / "model.kerazoo").phrases is None
    assert b"phrases" not in (tmp_path / "model.kerazoo").read_bytes()


def test_other_objects_are_refused():
    for wrong in ("new_york", {"new_york": 1.0}, [BIGRAMS, 3]):
        with pytest.raises(InvalidArgumentError, match=r"expected a kerazoo\.text\.Phrases"):
            small(phrases=wrong).fit(DOCUMENTS)
