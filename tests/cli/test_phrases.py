"""kerazoo phrases."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerazoo.cli import main as cli
from kerazoo.cli.phrases import phrases
from kerazoo.errors import InvalidArgumentError
from kerazoo.text import Phrases

DOCUMENTS = [["bank", "of", "america"], ["new", "york"], ["of", "new", "york", "bank"], ["a", "b", "of"]] * 3


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_text("\n".join(map(" ".join, DOCUMENTS)))
    return "corpus.txt"


def test_phrases_and_the_joined_text_are_written(corpus, capsys):
    options = ["--min-count", "1", "--threshold", "0.3", "--scoring", "npmi", "--connectors"]
    cli.main(["phrases", corpus, "--out", "phrases.tsv", "--text", "joined.txt", *options])
    expected = Phrases(DOCUMENTS, min_count=1, threshold=0.3, scoring="npmi", connector_words=["of", "a"])
    with open("joined.txt") as file:
        lines = [line.split() for line in file]
    assert lines == list(expected[DOCUMENTS])
    with open("phrases.tsv") as file:
        found = dict(line.rstrip("\n").split("\t") for line in file)
    scores = expected.export_phrases()
    assert found.keys() == scores.keys() >= {"bank_of_america", "new_york"}
    assert {phrase: float(score) for phrase, score in found.items()} == pytest.approx(scores, rel=1e-5)
    assert (
        capsys.readouterr().out
        == f"phrases.tsv, joined.txt: {len(scores)} phrases; {sum(map(len, lines))} words of 36 after joining\n"
    )


def test_more_passes(corpus):
    cli.main(["phrases", corpus, "--out", "p.tsv", "--min-count", "1", "--threshold", "0.1", "--passes", "2"])
    with open("p.tsv") as file:
        assert any(line.count("_") > 1 for line in file)


def test_later_passes_keep_the_scores_of_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("in new york\n" * 3 + "new york city\n" * 9 + "a new house\nold york\n")
    found = []
    for passes in ("1", "2"):
        cli.main(["phrases", "text.txt", "--out", "p.tsv", "--min-count", "1", "--threshold", ".1", "--passes", passes])
        found.append(dict(line.split("\t") for line in Path("p.tsv").read_text().splitlines()))
    assert found[1] == {**found[1], **found[0]}
    assert len(found[1]) > len(found[0])


def test_what_is_written_is_not_read_and_the_corpus_not_replaced(corpus, tmp_path, monkeypatch):
    options = ["--min-count", "1", "--threshold", "0.3"]
    arguments = ["phrases", ".", "--out", "p.tsv", "--text", "joined.txt", *options]
    cli.main(arguments)
    first = (tmp_path / "p.tsv").read_text()
    cli.main(arguments)
    assert (tmp_path / "p.tsv").read_text() == first
    before = (tmp_path / corpus).read_text()
    for wrong, message in (
        (["--text", corpus], "--text corpus.txt is a file of the corpus"),
        (["--out", "x.tsv", "--text", "x.tsv"], "--text x.tsv is the file of --out"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            phrases.main(["corpus.txt", *options, *wrong], standalone_mode=False)
    assert (tmp_path / corpus).read_text() == before


def test_bytes_that_are_no_utf8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_bytes(b"new york \xff\n" * 9 + b"new york\n")
    cli.main(
        ["phrases", "corpus.txt", "--text", "t.txt", "--min-count", "1", "--threshold", ".1", "--errors", "ignore"]
    )
    assert set((tmp_path / "t.txt").read_text().splitlines()) == {"new_york"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to write; expected --out FILE"),
        (["--out", "nowhere/p.tsv"], "the folder 'nowhere' does not exist"),
        (["--out", "p.tsv", "--threshold", "0"], "--threshold=0"),
        (["--out", "p.tsv", "--scoring", "pmi"], "--scoring='pmi'"),
    ],
)
def test_errors_are_one_line(corpus, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(["phrases", corpus, *arguments])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_vectors_of_phrases(corpus):
    from kerazoo import Word2Vec

    with open(corpus, "a") as file:
        file.write("\n" + "\n".join(f"w{i} x{i}" for i in range(60)))  # rare pairs raise the scores of the others
    options = ["--min-count", "1", "--sample", "0", "--vector-size", "4", "--epochs", "1", "--phrases", "1", "--quiet"]
    cli.main(["word2vec", corpus, "--out", "v.kerazoo", *options])
    model = Word2Vec.load("v.kerazoo")
    assert {"new_york", "w7"} <= set(model.vocabulary_.words)
    assert "new" not in model.vocabulary_
    assert "new_york" in model.phrases.phrasegrams
