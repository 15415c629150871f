"""Encoding in parts, and training from the memory map, with less memory than the words, the ids or the offsets take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerazoo.text import EncodedCorpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux only")

LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from kerazoo import Word2Vec
from kerazoo.text import EncodedCorpus, corpus, shards
corpus.plan_units = lambda files: shards.plan_units(files, 1 << 20)
corpus.ScanOptions = lambda errors: shards.ScanOptions(errors, most_types=20_000, chunk=1 << 16)
np.random.default_rng(1), np.linalg.norm(np.ones((9, 9)) @ np.ones((9, 9)))  # what is loaded on first use
Word2Vec(min_count=1, sample=0, workers=1, verbose=0).fit([["a", "b"]] * 9)
status = Path("/proc/self/status").read_text()
used = int(status.split("VmData:")[1].split()[0]) * 1024
limit = used + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
step, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[4])
if step == "train":
    encoded = EncodedCorpus.load(target)
    model = Word2Vec(vector_size=8, epochs=1, workers=1, seed=1, verbose=0, checkpoint_dir=target.parent / "model")
    print(float(model.fit(encoded).vectors_.sum()))
else:
    if step == "old":
        corpus.is_large = lambda units: False
    EncodedCorpus.from_source(source, min_count=6, workers=1, path=target)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB: 1.2 million distinct words, of which 2000 are frequent, in as many lines."""
    folder = tmp_path_factory.mktemp("text")
    rng = np.random.default_rng(1)
    for number in range(4):
        rare = np.arange(number * 300_000, (number + 1) * 300_000)
        one, two = rng.integers(0, 2000, (2, 300_000)).tolist()
        text = "\n".join(f"r{a} f{b} f{c}" for a, b, c in zip(rare.tolist(), one, two, strict=True))
        (folder / f"{number}.txt").write_text(text + "\n")
    return folder


def limited(step: str, source: Path, mib: int, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIMITED, step, str(source), str(mib << 20), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_memory_for_the_vocabulary_only(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "corpus"
    old = limited("old", source, 20, target)
    assert old.returncode, "the limit does not bind: the whole vocabulary fits"
    assert "emory" in old.stderr
    done = limited("new", source, 20, target)
    assert done.returncode == 0, done.stderr
    whole = EncodedCorpus.from_source(source, min_count=6)
    found = EncodedCorpus.load(target)
    assert found.vocabulary == whole.vocabulary
    assert (len(whole.vocabulary), whole.vocabulary.n_types) == (2000, 1_202_000)
    assert np.array_equal(found.ids, whole.ids)
    assert np.array_equal(found.offsets, whole.offsets)


def test_a_training_reads_the_memory_map(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "corpus"
    whole = EncodedCorpus.from_source(source, min_count=6, path=target)
    mib = 4
    assert whole.offsets.nbytes + whole.ids.nbytes > 3 * mib << 20
    done = limited("train", source, mib, target)
    assert done.returncode == 0, done.stderr
    assert np.isfinite(float(done.stdout))
