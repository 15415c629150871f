"""The benchmark of vectors with subwords: its text and measures, and the table that it fills in a page."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from benchmarks.questions import fasttext
from benchmarks.report import fasttext_markdown


@pytest.mark.parametrize("suffix", [".txt", ".gz"])
def test_the_text_ends_after_its_words_and_lacks_those_that_are_removed(tmp_path, suffix):
    path = tmp_path / f"text{suffix}"
    data = b"a b c\nd a\nb b\n"
    path.write_bytes(gzip.compress(data) if suffix == ".gz" else data)
    assert list(fasttext.text_without(path, 0, {"a"})) == ["b c\n", "d\n", "b b\n"]
    assert list(fasttext.text_without(path, 4, set())) == ["a b c\n", "d a\n"]


def test_correlation_is_that_of_the_cosines():
    vectors = {"a": np.array([1.0, 0]), "b": np.array([2.0, 0.1]), "c": np.array([0, 1.0]), "d": np.zeros(2)}
    pairs = [("a", "b", 9.0), ("b", "c", 5.0), ("a", "d", 1.0)]
    assert fasttext.correlation(pairs, vectors.__getitem__) == pytest.approx(1)


def test_a_part_of_the_words_of_the_sets_is_unseen():
    pytest.importorskip("gensim")
    pairs = fasttext.pairs_of("wordsim353")
    assert len(pairs) == 353
    assert pairs[0] == ("love", "sex", 6.77)
    assert len(fasttext.pairs_of("simlex999")) == 999
    words = {word for name in fasttext.SETS for pair in fasttext.pairs_of(name) for word in pair[:2]}
    assert 0.2 < len(fasttext.unseen_words() & words) / len(words) < 0.3


def test_the_table_is_filled(tmp_path):
    quality = dict.fromkeys(fasttext.QUALITY, 0.25)
    rows = [
        {"name": "kerazoo_nce", "rate": 1.234e6, "ratio": 12.0, "memory_mb": 80.0, **quality},
        {"name": "gensim", "error": "killed"},
    ]
    settings = {**fasttext.SETTINGS, "sg": 1, "words": 3_000_000, "corpus": "text.txt.gz", "epochs": 3, "threads": 2}
    document = {
        "settings": {**settings, "load_at_start": 1.0},
        "machine": {"cpu": "a CPU"},
        "results": {"rows": rows, "runs": {"kerazoo_nce": [{}], "gensim": [{}]}},
    }
    (tmp_path / "fasttext.json").write_text(json.dumps(document))
    filled = fasttext_markdown.fill("<!-- fasttext -->\nold\n<!-- /fasttext -->\n", tmp_path)
    assert "| nce | 1.23 M | 12 | 80 MB | .250 | .250 | .250 | .250 | .250 |" in filled
    assert "3 M words of text, skip-gram, D=100, window 5," in filled
    assert "old" not in filled
    assert "killed" not in filled
