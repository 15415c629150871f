"""The Python samples of the README and the docs run, page by page, each page in a process and a folder of its own.

The blocks of the README and of the recipes are copied one at a time, so each of them runs alone.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kerazoo import datasets

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if BLOCK.search(page.read_text())]


@pytest.fixture
def folder(tmp_path):
    """The files that the samples read."""
    from gensim.models import Word2Vec

    documents = list(datasets.lee())
    text = "\n".join(" ".join(document) for document in documents)
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8")
    (tmp_path / "more.txt").write_text(text, encoding="utf-8")
    for name in ("articles.txt.gz", "more.txt.gz"):
        with gzip.open(tmp_path / name, "wt", encoding="utf-8") as file:
            file.write(text)
    Word2Vec(documents, vector_size=20, epochs=1, seed=1).save(str(tmp_path / "gensim.model"))
    return tmp_path


LONG = (  # 10 seconds and more
    "batching.md", "cells.md", "forecast.md", "many-series.md", "search.md", "zoo.md", "recurrent-training.md",
)  # fmt: skip


MARKS = {"README.md": [], "recipes.md": [pytest.mark.slow]}  # a dozen processes
APART = tuple(MARKS)


def run(program, name, folder):
    (folder / "samples.py").write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "samples.py"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{name}:\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in LONG else [])
        for page in PAGES
        if page.name not in APART
    ],
)
def test_the_samples_of_a_page_run(page, folder):
    run("\n\n".join(BLOCK.findall(page.read_text())), page.name, folder)


def blocks():
    for page in PAGES:
        if page.name in APART:
            for number, block in enumerate(BLOCK.findall(page.read_text()), 1):
                yield pytest.param(page, block, id=f"{page.name}-{number}", marks=MARKS[page.name])


@pytest.mark.parametrize(("page", "block"), blocks())
def test_each_block_of_these_pages_runs_alone(page, block, folder):
    run(block, page.name, folder)


def test_pages_are_found():
    assert len(PAGES) > 8
