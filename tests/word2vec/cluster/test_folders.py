"""Files of trainings on a cluster: what is left, what was replaced, a full disk; and callbacks."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from kerazoo import Word2Vec, datasets
from kerazoo.distributed import ClusterOptions
from kerazoo.errors import StorageError, TrainingError
from kerazoo.text import EncodedCorpus
from kerazoo.word2vec.cluster import processes
from kerazoo.word2vec.cluster.run_folder import run_folder

SMALL = {"vector_size": 8, "epochs": 1, "seed": 1, "verbose": 0, "workers": 1}
TWO = {"workers": 2, "threads": 1}


@pytest.fixture(scope="module")
def documents():
    return datasets.lee()[:80]


@pytest.fixture(scope="module")
def logical(documents):
    return Word2Vec(**SMALL).fit(documents, cluster=ClusterOptions(simulate=2))


@pytest.fixture
def text(documents, tmp_path):
    path = tmp_path / "a text ä.txt"
    path.write_text("".join(" ".join(document) + "\n" for document in documents))
    return path


def assert_same(one, other):
    assert one.vocabulary_.words == other.vocabulary_.words
    np.testing.assert_array_equal(one.vectors_, other.vectors_)


def killed(method, number, which, session, monkeypatch):
    """Kill workers before one call of a method of the team."""
    original, calls = getattr(processes.ProcessTeam, method), []

    def killing(self, *arguments):
        calls.append(self)
        if len(calls) == number:
            for worker in [self._workers[each] for each in which]:
                os.kill(session.get(worker.started.remote())["pid"], signal.SIGKILL)
        return original(self, *arguments)

    monkeypatch.setattr(processes.ProcessTeam, method, killing)


def test_the_folder_of_a_run_ends_with_it(tmp_path):
    with run_folder(tmp_path) as first, run_folder(tmp_path) as second:
        assert first != second
        assert first.is_dir()
        assert second.is_dir()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_folders_of_killed_runs_are_removed(tmp_path):
    left, foreign = tmp_path / f"run-{'0' * 16}", tmp_path / f"run-{'1' * 16}"
    for folder in (left, foreign):
        folder.mkdir()
    (left / "lock").touch()
    (left / "start.tables").write_bytes(b"x")
    with run_folder(tmp_path):
        assert not left.exists()
        assert foreign.exists(), "without a lock it is not one of ours"


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"), run_folder(tmp_path / "none"):
        pass


@pytest.mark.ray
class TestOnACluster:
    def test_callbacks_stay_in_the_main_process(self, local_cluster, documents, logical):
        keras = pytest.importorskip("keras")

        class WithLock(keras.callbacks.Callback):
            def __init__(self):
                super().__init__()
                self.lock, self.epochs = threading.Lock(), 0  # a lock cannot be pickled

            def on_epoch_end(self, epoch, logs=None):
                self.epochs += 1

        callback = WithLock()
        model = Word2Vec(**SMALL, callbacks=[callback]).fit(documents, cluster=ClusterOptions(**TWO))
        assert callback.epochs == 1
        assert_same(model, logical)

    def test_an_encoded_corpus_whose_file_was_replaced(self, local_cluster, documents, logical, tmp_path):
        path = tmp_path / "corpus.kerazoo"
        mapped = EncodedCorpus.from_source(documents, path=path)
        EncodedCorpus.from_source(documents[:40]).save(path)
        assert_same(Word2Vec(**SMALL).fit(mapped, cluster=ClusterOptions(**TWO)), logical)
        path.unlink()
        assert_same(Word2Vec(**SMALL).fit(mapped, cluster=ClusterOptions(**TWO)), logical)

    def test_a_corpus_that_is_replaced_during_the_training(self, local_cluster, documents, monkeypatch, tmp_path):
        path = tmp_path / "corpus.kerazoo"
        mapped = EncodedCorpus.from_source(documents, path=path)

        def replacing(self):
            EncodedCorpus.from_source(documents[:40]).save(path)
            return original(self)

        original = processes.ProcessTeam._places
        monkeypatch.setattr(processes.ProcessTeam, "_places", replacing)
        with pytest.raises(StorageError, match="was replaced by another corpus during the training"):
            Word2Vec(**SMALL).fit(mapped, cluster=ClusterOptions(**TWO))

    def test_another_corpus_in_the_same_folder(self, local_cluster, documents, logical, text, tmp_path):
        folder = tmp_path / "shared folder"
        options = ClusterOptions(folder=folder, **TWO)
        assert_same(Word2Vec(**SMALL).fit(text, cluster=options), logical)
        Word2Vec(**SMALL).fit(documents[:40], cluster=options).partial_fit(documents[:40], cluster=options)
        encoded = folder / "corpus-0.kerazoo"
        before = encoded.stat().st_mtime_ns
        assert_same(Word2Vec(**SMALL).fit(text, cluster=options), logical)
        assert encoded.stat().st_mtime_ns == before, "it is taken as it is"
        assert sorted(path.name for path in folder.iterdir()) == ["corpus-0.kerazoo", "corpus-0.kerazoo.json"]
        # Whatever replaces the file or its note, the text that was given is trained.
        EncodedCorpus.from_source(documents[:40]).save(encoded)
        assert_same(Word2Vec(**SMALL).fit(text, cluster=options), logical)
        (folder / "corpus-0.kerazoo.json").write_text("{")
        assert_same(Word2Vec(**SMALL).fit(text, cluster=options), logical)

    def test_a_folder_in_the_folder_of_the_text(self, local_cluster, logical, text):
        options = ClusterOptions(folder=text.parent / "work", **TWO)
        model = Word2Vec(**SMALL).fit(text.parent, cluster=options)
        assert_same(model, logical)
        model.partial_fit(text.parent, cluster=options)
        assert model.vocabulary_.words == logical.vocabulary_.words

    def test_tables_that_cannot_be_written(self, local_cluster, documents, logical, tmp_path, monkeypatch):
        monkeypatch.setattr(processes, "read_tables", None)  # not a file is read
        remote = local_cluster.ray.remote

        def without_room(*things, **settings):
            if things != (processes.WorkerProcess,):
                return remote(*things, **settings)

            class Full(processes.WorkerProcess):
                def write(self, path):
                    raise StorageError(f"{path}: cannot be written (No space left on device).")

            return remote(Full)

        monkeypatch.setattr(local_cluster.ray, "remote", without_room)
        assert_same(Word2Vec(**SMALL).fit(documents, cluster=ClusterOptions(**TWO)), logical)

    @pytest.mark.parametrize("which", [[0], [0, 1]], ids=["one", "all"])
    def test_workers_lost_after_the_last_exchange(self, local_cluster, documents, logical, monkeypatch, which, recwarn):
        killed("finish", 1, which, local_cluster, monkeypatch)
        assert_same(Word2Vec(**SMALL).fit(documents, cluster=ClusterOptions(**TWO)), logical)
        # The others have the same tables. If all are lost, the training is repeated, and the warning names this line.
        lost = [each.filename for each in recwarn if "was lost" in str(each.message)]
        assert {Path(name).name for name in lost} == ({"test_folders.py"} if len(which) == 2 else set())

    def test_divergence_after_a_loss(self, local_cluster, documents, monkeypatch):
        killed("submit", 1, [0], local_cluster, monkeypatch)
        model = Word2Vec(**{**SMALL, "alpha": 20.0, "epochs": 5, "learn_biases": True})
        with pytest.warns(RuntimeWarning, match="was lost"), pytest.raises(TrainingError, match="diverges"):
            model.fit(documents, cluster=ClusterOptions(**TWO, sync_words=256))
        assert np.isfinite(model.vectors_).all()
