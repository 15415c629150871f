"""kerazoo convert."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.cli import main as cli
from kerazoo.word2vec import WordVectors, load_vectors, save_vectors


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "glove.3d").write_text("the 1 2 3\n. . 4 5 6\nof 7 8 9\nin 1 1 2\n")
    return "glove.3d"


@pytest.mark.parametrize("target", ["v.txt.gz", "v.bin", "v.kv", "v.safetensors"])
def test_vectors_are_the_same_in_any_format(source, capsys, target):
    cli.main(["convert", source, target, "--replace-spaces", "_"])
    assert capsys.readouterr().out == f"{target}: 4 vectors of 3 dimensions\n"
    found = load_vectors(target)
    assert found.words == ["the", "._.", "of", "in"]
    np.testing.assert_array_equal(found.vectors, load_vectors(source).vectors)
    cli.main(["similar", target, "the", "--topn", "1"])
    assert capsys.readouterr().out == "the  in 0.98\n"


def test_options(source):
    cli.main(["convert", source, "v.safetensors", "--dtype", "int8"])
    np.testing.assert_allclose(load_vectors("v.safetensors").vectors, load_vectors(source).vectors, atol=9 / 254 + 1e-6)
    for _ in range(2):  # the second time the folder is there
        cli.main(["convert", source, "projector", "--to", "projector"])
    assert np.loadtxt("projector/vectors.tsv").shape == (4, 3)
    cli.main(["convert", source, "odd", "--to", "binary", "--replace-spaces", "_"])
    cli.main(["convert", "odd", "again.txt", "--from", "binary"])
    assert load_vectors("again.txt").words == ["the", "._.", "of", "in"]
    with open("latin.txt", "wb") as file:
        file.write(b"1 2\ncaf\xe9 1 2\n")
    cli.main(["convert", "latin.txt", "v.vec", "--unicode-errors", "replace"])
    assert load_vectors("v.vec").words == ["caf\ufffd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["glove.3d", "v.bin"], "'. .' contains white space"),
        (["glove.3d", "v.csv"], "the suffix of TARGET='.csv'"),
        (["glove.3d", "nowhere/v.bin"], "the folder 'nowhere' does not exist"),
        (["glove.3d", "v.bin", "--dtype", "int8"], "dtype='int8'"),
        (["nothing.txt", "v.bin"], "no such file"),
        (["pickle", "v.bin"], "a pickle, which is not read unasked"),
        (["glove.3d", "v.kerazoo"], "kerazoo word2vec writes .kerazoo files"),
    ],
)
def test_errors_are_one_line(source, capsys, arguments, message):
    save_vectors(WordVectors(["a"], [[1.0]]), "v.kv")
    with open("v.kv", "rb") as kept, open("pickle", "wb") as file:
        file.write(kept.read())
    with pytest.raises(SystemExit) as stop:
        cli.main(["convert", *arguments])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
