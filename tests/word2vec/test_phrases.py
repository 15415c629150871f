"""Word2Vec(phrases=...): phrases are joined before the words are counted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from kerazoo import EncodedCorpus, Word2Vec
from kerazoo.errors import CorpusError, InvalidArgumentError
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


def test_bad_documents_are_named_and_checkpoints_are_no_documents(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(map(" ".join, DOCUMENTS)))
    folder = tmp_path / "checkpoints"
    model = small(phrases=BIGRAMS, checkpoint_dir=folder, checkpoint_minutes=0).fit(tmp_path)
    assert any(folder.iterdir())
    for phrases in (BIGRAMS, None):  # a model without phrases reads files elsewhere
        assert model.set_params(phrases=phrases).transform(tmp_path).shape == (len(DOCUMENTS), 6)
    model.set_params(phrases=[BIGRAMS, TRIGRAMS])
    for bad, message in (
        (None, "document 1 is None"), (b"new york", "document 1 is b'new york'"), ([1, 2], "document 1, token 0 is 1"),
        ([["new", "york"]], "document 1, token 0 is .*of type list"), ([b"new"], "document 1, token 0 is b'new'"),
    ):  # fmt: skip
        with pytest.raises(CorpusError, match=message):
            model.transform(["new york", bad])


def test_an_embedding_layer_says_that_it_joins_nothing():
    with pytest.warns(UserWarning, match="does not join phrases"):
        small(phrases=BIGRAMS).fit(DOCUMENTS).as_embedding_layer()
