"""Worker processes on Ray: the vectors of logical workers to the bit, also after a process was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kerazoo import Word2Vec, datasets
from kerazoo.distributed import ClusterOptions
from kerazoo.errors import ClusterError, CorpusError, InvalidArgumentError
from kerazoo.text import EncodedCorpus
from kerazoo.word2vec.cluster import processes, training

pytestmark = pytest.mark.ray

SMALL = {"vector_size": 16, "epochs": 2, "seed": 1, "verbose": 0}
ROUNDS = {"sync_words": 2048, "full_syncs": 3}
TWO = ClusterOptions(workers=2, threads=1, **ROUNDS)


@pytest.fixture(scope="module")
def corpus():
    return EncodedCorpus.from_source(datasets.lee())


@pytest.fixture(scope="module")
def logical(corpus):
    return Word2Vec(**SMALL).fit(corpus, cluster=ClusterOptions(simulate=2, **ROUNDS))


def assert_same(one, other):
    first, second = one.to_contents().tables.named(), other.to_contents().tables.named()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def test_processes_are_logical_workers(local_cluster, corpus, logical):
    model = Word2Vec(**SMALL).fit(corpus, cluster=TWO)
    assert_same(model, logical)
    assert model.history_["loss"] == pytest.approx(logical.history_["loss"])


@pytest.mark.parametrize("kind", [{"sg": 0}, {"hs": 1}], ids=str)
def test_other_models(local_cluster, corpus, kind):
    model = Word2Vec(**SMALL, **kind).fit(corpus, cluster=TWO)
    assert_same(model, Word2Vec(**SMALL, **kind).fit(corpus, cluster=ClusterOptions(simulate=2, **ROUNDS)))


@pytest.mark.parametrize("when", ["in a round", "while it writes"])
def test_a_killed_worker_changes_nothing(local_cluster, corpus, logical, tmp_path, monkeypatch, when):
    method = {"in a round": "submit", "while it writes": "copy"}[when]
    original, calls = getattr(processes.ProcessTeam, method), []

    def killing(self, *arguments):
        calls.append(self)
        if len(calls) == 7 or (method == "copy" and len(calls) == 2):
            worker = self._workers[method != "copy"]
            os.kill(local_cluster.get(worker.started.remote())["pid"], signal.SIGKILL)
        return original(self, *arguments)

    monkeypatch.setattr(processes.ProcessTeam, method, killing)
    model = Word2Vec(**SMALL, checkpoint_dir=tmp_path, checkpoint_minutes=0)
    with pytest.warns(RuntimeWarning, match="a worker or a node was lost"):
        model.fit(corpus, cluster=TWO)
    assert_same(model, logical)


def test_without_checkpoints_a_lost_worker_costs_the_training_so_far(local_cluster, corpus, logical, monkeypatch):
    original, calls = processes.ProcessTeam.submit, []

    def killing(self, rounds, n_rows):
        calls.append(n_rows)
        if len(calls) == 5:
            os.kill(local_cluster.get(self._workers[0].started.remote())["pid"], signal.SIGKILL)
        return original(self, rounds, n_rows)

    monkeypatch.setattr(processes.ProcessTeam, "submit", killing)
    model = Word2Vec(**SMALL)
    with pytest.warns(RuntimeWarning, match="goes on from epoch 1, 0 % of it done"):
        model.fit(corpus, cluster=TWO)
    assert_same(model, logical)


def test_the_state_is_kept_for_lost_workers_without_checkpoints_too(local_cluster, corpus, logical, monkeypatch):
    original, calls = processes.ProcessTeam.submit, []

    def killing(self, rounds, n_rows):
        calls.append(n_rows)
        if len(calls) == 16:
            os.kill(local_cluster.get(self._workers[1].started.remote())["pid"], signal.SIGKILL)
        return original(self, rounds, n_rows)

    monkeypatch.setattr(training, "DEFAULT_MINUTES", 0)
    monkeypatch.setattr(processes.ProcessTeam, "submit", killing)
    model = Word2Vec(**SMALL)
    with pytest.warns(RuntimeWarning, match=r"goes on from epoch \d, [1-9]\d* % of it done"):
        model.fit(corpus, cluster=TWO)
    assert_same(model, logical)


def test_too_many_lost_workers_are_an_error(local_cluster, corpus, monkeypatch):
    def killing(self, rounds, n_rows):
        os.kill(local_cluster.get(self._workers[0].started.remote())["pid"], signal.SIGKILL)
        self._session.get(self._workers[0].are_finite.remote())

    monkeypatch.setattr(processes.ProcessTeam, "submit", killing)
    with pytest.warns(RuntimeWarning), pytest.raises(ClusterError, match="a worker or a node was lost"):
        Word2Vec(**SMALL).fit(corpus, cluster=ClusterOptions(workers=2, threads=1, retries=1))


def test_files_are_read_on_the_cluster(local_cluster, logical, tmp_path):
    lines = [" ".join(document) + "\n" for document in datasets.lee()]
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("".join(lines[number * 75 : (number + 1) * 75]))
    assert_same(Word2Vec(**SMALL).fit(tmp_path, cluster=TWO), logical)


def test_a_file_that_is_cut(local_cluster, tmp_path):
    (tmp_path / "good.txt").write_text("a b c\n" * 100)
    (tmp_path / "cut.txt.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(CorpusError, match=r"cut\.txt\.gz: the compressed file is damaged or truncated"):
        Word2Vec(**SMALL).fit(tmp_path, cluster=TWO)


def test_a_ray_dataset_of_texts(local_cluster, corpus, logical):
    pytest.importorskip("pyarrow", reason="ray.data needs pyarrow")
    import ray

    texts = [" ".join(document) for document in datasets.lee()]
    dataset = ray.data.from_items([{"text": text} for text in texts], override_num_blocks=3)
    assert_same(Word2Vec(**SMALL).fit(dataset, cluster=TWO), logical)
    with pytest.raises(CorpusError, match=r"has the columns \['a', 'b'\]"):
        Word2Vec(**SMALL).fit(ray.data.from_items([{"a": "x", "b": "y"}]), cluster=TWO)
    with pytest.raises(InvalidArgumentError, match="a Ray dataset is read on a cluster"):
        Word2Vec(**SMALL).fit(dataset, cluster=ClusterOptions(simulate=2))


def test_more_workers_than_cpus(local_cluster, corpus, logical):
    with pytest.warns(RuntimeWarning, match=r"workers=5, but the cluster has room for \d"):
        model = Word2Vec(**SMALL).fit(corpus, cluster=ClusterOptions(workers=5, threads=1))
    assert len(model.history_["loss"]) == 2
    with pytest.raises(ClusterError, match="no node has 64 CPUs"):
        Word2Vec(**SMALL).fit(corpus, cluster=ClusterOptions(threads=64))


def test_different_instruction_sets():
    processes.check_instruction_sets({"10.0.0.1": "avx2", "10.0.0.2": "avx2"})
    with pytest.raises(ClusterError, match="KERAZOO_INSTRUCTION_SET=avx2"):
        processes.check_instruction_sets({"10.0.0.1": "avx512", "10.0.0.2": "avx2"})


PROGRAM = """
import sys
from kerazoo import Word2Vec, datasets
from kerazoo.distributed import ClusterOptions
model = Word2Vec(vector_size=16, epochs=6, seed=1, verbose=0, checkpoint_dir=sys.argv[1], checkpoint_minutes=0)
model.fit(datasets.lee(), cluster=ClusterOptions("local", workers=2, threads=1, sync_words=2048, full_syncs=3))
print(model.history_["loss"])
"""


def test_a_killed_main_process_goes_on(corpus, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install kerazoo[ray]")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while not (tmp_path / "fit-0.kerazoo").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert Word2Vec.load(tmp_path / "fit-0.kerazoo").n_fits_ == 1
    subprocess.run(command, check=True, timeout=280)
    whole = Word2Vec(**{**SMALL, "epochs": 6}).fit(corpus, cluster=ClusterOptions(simulate=2, **ROUNDS))
    assert_same(Word2Vec.load(tmp_path / "fit-0.kerazoo"), whole)
