"""The benchmark of corpora larger than memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.questions import out_of_core
from tests.text.samples import random_text


def test_shards_are_the_same_documents_in_other_orders(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("one 1\ntwo 2\nthree 3\nfour 4\nfive 5")
    folder = tmp_path / "text"
    folder.mkdir()
    number, size = out_of_core.make_text(corpus, folder, 100, 20)
    texts = [file.read_text() for file in sorted(folder.iterdir())]
    assert (number, size) == (len(texts), sum(map(len, texts)))
    assert size >= 100
    assert {tuple(sorted(text.splitlines())) for text in texts} == {("one 1", "three 3", "two 2")}  # 20 bytes
    assert len(set(texts)) > 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_the_quick_form(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(random_text(40_000))
    program = [sys.executable, "-m", "benchmarks.questions.out_of_core", "--quick", "--corpus", corpus]
    subprocess.run(program, check=True, env={**os.environ, "OUT": str(tmp_path)}, cwd=out_of_core.ROOT)
    result = json.loads((tmp_path / "out_of_core.json").read_text())
    rows = {row["name"]: row for row in result["results"]["rows"]}
    assert len({row["digest"] for row in rows.values()}) == 1
    limit = result["settings"]["limit_bytes"]
    assert max(rows["limited"]["encode_peak_data"], rows["limited"]["fit_peak_data"]) <= limit
    assert rows["resumed"]["units_finished_before"] > 0
