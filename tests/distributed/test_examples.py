"""The examples for clusters run, and their files are what the tools read."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from kerazoo import Word2Vec, datasets

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "cluster"


@pytest.mark.ray
def test_word_vectors(local_cluster, tmp_path, monkeypatch, capsys):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "lee.txt").write_text("\n".join(" ".join(document) for document in datasets.lee()))
    target = tmp_path / "vectors.kerazoo"
    arguments = [str(texts), str(target), "--folder", str(tmp_path / "work"), "--vector-size", "8", "--epochs", "2"]
    monkeypatch.setattr(sys, "argv", ["word_vectors.py", *arguments])
    runpy.run_path(str(FOLDER / "word_vectors.py"), run_name="__main__")
    assert "words/s" in capsys.readouterr().out
    assert Word2Vec.load(target).vectors_.shape[1] == 8


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("cluster.yaml", {"cluster_name", "provider", "auth", "head_start_ray_commands"}),
        ("rayjob.yaml", {"kind", "spec"}),
    ],
)
def test_files_are_yaml(name, keys):
    yaml = pytest.importorskip("yaml", reason="PyYAML, which Ray brings, is not installed")
    assert keys <= yaml.safe_load((FOLDER / name).read_text()).keys()


def test_every_file_is_in_the_page():
    page = (FOLDER / "README.md").read_text()
    assert all(f"`{path.name}`" in page for path in FOLDER.iterdir() if path.name != "README.md" and path.is_file())
