"""`kerazoo word2vec`: what it reads and writes is checked before it trains."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kerazoo.cli import corpus_files
from kerazoo.cli import main as cli
from kerazoo.word2vec.io import vector_files

TEXT = "red apple green apple\nhot iron cold iron\n" * 20
QUICK = ("--vector-size", "4", "--min-count", "1", "--epochs", "1", "--quiet", "--engine", "native")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.txt").write_text(TEXT)
    return tmp_path


def run(*arguments):
    cli.main(["word2vec", *arguments, *QUICK])


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def n_words(path):
    return len(vector_files.read_vectors(Path(path)))


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("folder.txt", "folder.txt: a directory; expected the name of a file."),
        ("missing/v.txt", "the folder 'missing' does not exist"),
        ("v.doc", "the suffix of --out='.doc'"),
        ("a" * 300 + ".txt", "cannot be written (File name too long)"),
        ("closed/v.txt", "no permission to write into the folder 'closed'"),
    ],
)
def test_the_output_is_checked_before_the_training(folder, capsys, monkeypatch, out, message):
    (folder / "folder.txt").mkdir()
    (folder / "closed").mkdir()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed" and allowed(path, mode))
    assert message in refused(capsys, "no_such_corpus", "--out", out)


def test_a_folder_is_read_without_what_is_written_there(folder):
    inside = ("--out", "corpus/v.txt", "--checkpoint-dir", "corpus/checkpoints", "--checkpoint-minutes", "0")
    for _ in range(2):
        run("corpus", "--seed", "1", *inside)
        assert n_words("corpus/v.txt") == 6
    shutil.rmtree("corpus/checkpoints")
    run("corpus", "--out", "corpus/v.kv")
    assert n_words("corpus/v.kv") > 6  # another output is a file like others


def test_the_corpus_is_not_replaced(folder, capsys):
    message = "--out corpus/a.txt is a file of the corpus; expected another name"
    assert message in refused(capsys, "corpus/a.txt", "--out", "corpus/a.txt")
    (folder / "link.txt").symlink_to(folder / "corpus/a.txt")
    assert "is a file of the corpus" in refused(capsys, "corpus/a.txt", "--out", "link.txt")
    assert (folder / "corpus/a.txt").read_text() == TEXT


def test_bytes_that_are_not_utf_8(folder, capsys):
    (folder / "bad.txt").write_bytes(b"gr\xf6\xdfe ist\n" * 5)
    assert "pass --errors='replace' or --errors='ignore'" in refused(capsys, "bad.txt", "--out", "v.txt")
    run("bad.txt", "corpus", "--out", "v.txt", "--errors", "ignore")
    assert n_words("v.txt") == 8


def test_the_standard_input(folder, capsys, monkeypatch):
    assert "- is given twice" in refused(capsys, "-", "-", "--out", "v.txt")
    code = "import sys; from kerazoo.cli.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "word2vec", "-", "--out", "v.txt", *QUICK],
        input=TEXT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert n_words("v.txt") == 6
    monkeypatch.setattr(corpus_files, "STANDARD_INPUT", "/no/such/file")
    monkeypatch.setattr(sys, "stdin", io.StringIO(TEXT))
    assert "this system has no /no/such/file" in refused(capsys, "-", "--out", "v.txt")
