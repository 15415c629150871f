"""The Python samples of the README and the docs run, each page in a folder and a namespace of its own.

The blocks of the README and of the recipes are copied one at a time, so each of them runs alone. Several programs share
a process, which imports Keras once.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kerazoo import datasets

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if BLOCK.search(page.read_text())]


LONG = (  # 10 seconds and more
    "batching.md", "cells.md", "export.md", "forecast.md", "many-series.md", "own-cell.md", "own-loss.md", "resume.md",
    "search.md", "start-zoo.md", "zoo.md", "recurrent-training.md",
)  # fmt: skip
APART = ("README.md", "recipes.md")
RUNNER = """
import os, runpy, sys
for program in sys.argv[1:]:
    os.chdir(os.path.dirname(program))
    runpy.run_path(program, run_name="__main__")
"""


def blocks_of(page):
    return BLOCK.findall((ROOT / page).read_text())


def whole(page):
    return "\n\n".join(BLOCK.findall(page.read_text()))


def groups():
    """Programs that share a process, by name."""
    short = {page.name: whole(page) for page in PAGES if page.name not in (*APART, *LONG)}
    assert len(short) > 3
    yield pytest.param(short, id="short pages", marks=pytest.mark.slow)
    yield pytest.param({f"README {place}": each for place, each in enumerate(blocks_of("README.md"))}, id="README")
    recipes = {f"recipe {place}": each for place, each in enumerate(blocks_of("docs/recipes.md"))}
    yield pytest.param(recipes, id="recipes", marks=pytest.mark.slow)
    for page in PAGES:
        if page.name in LONG:
            yield pytest.param({page.name: whole(page)}, id=page.name, marks=pytest.mark.slow)


def with_files(folder):
    """The folder with the files that the samples read."""
    from gensim.models import Word2Vec

    folder.mkdir()
    documents = list(datasets.lee())
    text = "\n".join(" ".join(document) for document in documents)
    (folder / "corpus.txt").write_text(text, encoding="utf-8")
    (folder / "more.txt").write_text(text, encoding="utf-8")
    for name in ("articles.txt.gz", "more.txt.gz"):
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.write(text)
    Word2Vec(documents, vector_size=20, epochs=1, seed=1).save(str(folder / "gensim.model"))
    return folder


@pytest.mark.parametrize("programs", list(groups()))
def test_the_samples_run(programs, tmp_path):
    files, paths = with_files(tmp_path / "files"), []
    for name, program in programs.items():
        folder = tmp_path / name
        shutil.copytree(files, folder)
        (folder / f"{name}.py").write_text(program, encoding="utf-8")
        paths.append(str(folder / f"{name}.py"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", RUNNER, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_pages_are_found():
    assert len(PAGES) > 8
