"""A killed training continues: with the same bits, never from a checkpoint of another training, and on a full disk."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from kerazoo import Word2Vec
from kerazoo.errors import InvalidArgumentError, StorageError
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend


def documents(n=200, seed=0):
    rng = np.random.default_rng(seed)
    topics = [[f"{name}{i}" for i in range(10)] for name in ("fruit", "metal")]
    return [list(rng.choice(topics[i % 2], size=12)) for i in range(n)]


def model(folder, **changes):
    """About 97 blocks per epoch, and a checkpoint after every step."""
    settings = {"vector_size": 8, "min_count": 1, "sample": 1e-2, "epochs": 3, "alpha": 0.1}
    settings |= {"seed": 5, "workers": 1, "verbose": 0, "checkpoint_dir": folder, "checkpoint_minutes": 0}
    settings |= {"engine": "keras", "engine_options": {"block_size": 16}}
    return Word2Vec(**{**settings, **changes})


class Crash(keras.callbacks.Callback):
    """Simulates a crash in the step `step` of the epoch `epoch`, or at the end of that epoch."""

    def __init__(self, epoch, step):
        super().__init__()
        self.at = epoch, step
        self.epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.at[1] is not None and (self.epoch, batch) >= self.at:
            raise OSError("crash")

    def on_epoch_end(self, epoch, logs=None):
        if self.at == (epoch, None):
            raise OSError("crash")


def assert_same(first, second):
    for name in ("vectors_", "output_vectors_", "output_biases_", "node_vectors_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.history_["loss"] == second.history_["loss"]
    assert first.seed_ == second.seed_


@pytest.fixture(scope="module")
def whole():
    return model(None).fit(documents())


@pytest.mark.parametrize(
    "crashes",
    [
        [(1, 0), (1, 30)],
        *(pytest.param(each, marks=slow_on_jax_marks) for each in ([(0, 40)], [(0, None), (2, None)], [(2, 70)])),
    ],
)
def test_it_ends_as_if_it_had_not_been_interrupted(tmp_path, whole, crashes):
    for crash in crashes:
        with pytest.raises(OSError, match="crash"):
            model(tmp_path, callbacks=[Crash(*crash)]).fit(documents())
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    resumed = model(tmp_path, callbacks=[watch]).fit(documents())
    assert_same(resumed, whole)
    epoch, step = crashes[-1]
    assert seen == list(range(epoch if step is not None else epoch + 1, 3))
    assert len(resumed.history_["seconds"]) == len(resumed.history_["words_per_second"]) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit-0.kerazoo"]


@slow_on_jax
def test_single_pairs_continue_too(tmp_path):
    changes = {"engine_options": {"batch_size": 64}, "loss": "negative_sampling"}
    expected = model(None, **changes).fit(documents()).vectors_
    with pytest.raises(OSError, match="crash"):
        model(tmp_path, callbacks=[Crash(1, 70)], **changes).fit(documents())
    np.testing.assert_array_equal(model(tmp_path, **changes).fit(documents()).vectors_, expected)


SCRIPT = """
import hashlib, sys
from tests.word2vec.test_checkpoints import documents, model
fitted = model(sys.argv[1], epochs=40).fit(documents())
digest = hashlib.sha256(fitted.vectors_.tobytes() + fitted.output_vectors_.tobytes())
print(len(fitted.history_["loss"]), digest.hexdigest())
"""


@pytest.mark.slow
def test_killed_twice_it_ends_as_if_it_had_not_been(tmp_path):
    """SIGKILL, which no process can handle, while checkpoints are written all the time."""
    for n_checkpoints in (3, 7):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stderr=subprocess.PIPE)
        seen, deadline = set(), time.monotonic() + 120
        while len(seen) < n_checkpoints and time.monotonic() < deadline and process.poll() is None:
            if (tmp_path / "fit-0.kerazoo").exists():
                seen.add((tmp_path / "fit-0.kerazoo").stat().st_mtime_ns)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
    left = Word2Vec.load(tmp_path / "fit-0.kerazoo", mmap=False)
    assert len(left.history_["loss"]) < 40  # it was killed during the training
    assert left.wv["fruit1"].shape == (8,)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    expected = model(None, epochs=40).fit(documents())
    digest = hashlib.sha256(expected.vectors_.tobytes() + expected.output_vectors_.tobytes()).hexdigest()
    assert done.stdout.split()[-2:] == ["40", digest]


def test_a_complete_checkpoint_is_the_result(tmp_path, whole):
    model(tmp_path).fit(documents())

    def refuse(*_):
        raise AssertionError("trained again")

    again = model(tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=refuse)]).fit(documents())
    assert_same(again, whole)
    assert keras.ops.convert_to_numpy(again.model_.input_vectors).shape == whole.vectors_.shape
    assert_same(Word2Vec.load(tmp_path / "fit-0.kerazoo"), whole)


@slow_on_jax
def test_without_a_seed_it_continues_with_the_seed_that_was_drawn(tmp_path):
    with pytest.raises(OSError, match="crash"):
        model(tmp_path, seed=None, callbacks=[Crash(1, 40)]).fit(documents())
    resumed = model(tmp_path, seed=None).fit(documents())
    assert_same(resumed, model(None, seed=resumed.seed_).fit(documents()))


@slow_on_jax
def test_partial_fit_has_its_own_checkpoint(tmp_path):
    expected = model(None).fit(documents()).partial_fit(documents(seed=1))
    first = model(tmp_path).fit(documents())
    with pytest.raises(OSError, match="crash"):
        first.set_params(callbacks=[Crash(1, 40)]).partial_fit(documents(seed=1))
    resumed = model(tmp_path).fit(documents()).partial_fit(documents(seed=1))  # the same script once more
    assert_same(resumed, expected)
    assert len(resumed.history_["loss"]) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit-0.kerazoo", "fit-1.kerazoo"]
    assert Word2Vec.load(tmp_path / "fit-1.kerazoo").history_ == resumed.history_


@slow_on_jax
def test_early_stopping_remembers_the_epochs_before(tmp_path):
    def stopper():
        return keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0, patience=3)

    expected = model(None, epochs=9, callbacks=[stopper()]).fit(documents())
    assert len(expected.history_["loss"]) == 4
    with pytest.raises(OSError, match="crash"):
        model(tmp_path, epochs=9, callbacks=[stopper(), Crash(2, 40)]).fit(documents())
    assert_same(model(tmp_path, epochs=9, callbacks=[stopper()]).fit(documents()), expected)


@slow_on_jax
def test_a_checkpoint_of_other_settings_is_refused_and_kept(tmp_path):
    with pytest.raises(OSError, match="crash"):
        model(tmp_path, callbacks=[Crash(0, 40)]).fit(documents())
    before = (tmp_path / "fit-0.kerazoo").read_bytes()
    for changes, message in (
        ({"alpha": 0.05}, r"the checkpoint was written with alpha=0\.1, but alpha is now 0\.05.*delete the file"),
        ({"epochs": 4}, r"epochs=3, but epochs is now 4"),
        ({"seed": 6}, r"seed=5, but seed is now 6"),
        ({"loss": "negative_sampling"}, r"loss='nce', but"),
        ({"vector_size": 9}, r"vector_size=8, but"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            model(tmp_path, **changes).fit(documents())
        assert (tmp_path / "fit-0.kerazoo").read_bytes() == before


@slow_on_jax
def test_a_checkpoint_of_another_corpus_is_refused(tmp_path):
    model(tmp_path).fit(documents())
    with pytest.raises(InvalidArgumentError, match=r"written with corpus=\{'tokens': 2400"):
        model(tmp_path).fit(documents(seed=1))


@slow_on_jax
def test_files_that_are_no_checkpoint(tmp_path):
    fitted = model(tmp_path).fit(documents())
    path = tmp_path / "fit-0.kerazoo"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"fit-0\.kerazoo: damaged.*checksum"):
        model(tmp_path).fit(documents())
    path.write_bytes(b"something else")
    with pytest.raises(StorageError, match=r"fit-0\.kerazoo"):
        model(tmp_path).fit(documents())
    fitted.save(path)
    with pytest.raises(StorageError, match="not a checkpoint of this version"):
        model(tmp_path).fit(documents())
    with pytest.raises(StorageError, match="cannot be made"):
        model(path / "below").fit(documents())
    with pytest.raises(InvalidArgumentError, match="checkpoint_minutes=-1; expected a finite number >= 0"):
        model(tmp_path / "other", checkpoint_minutes=-1).fit(documents())


@slow_on_jax
def test_a_full_disk_warns_and_the_training_continues(tmp_path, whole, monkeypatch):
    real, calls = os.fsync, []

    def sometimes_full(number):
        calls.append(number)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(number)

    monkeypatch.setattr(os, "fsync", sometimes_full)
    with pytest.warns(RuntimeWarning, match="no checkpoint was written, the training continues.*No space left"):
        assert_same(model(tmp_path).fit(documents()), whole)
    monkeypatch.undo()
    assert_same(model(tmp_path).fit(documents()), whole)  # from the last one that could be written


@slow_on_jax
def test_what_a_killed_writer_left_is_removed(tmp_path, whole):
    (tmp_path / ".fit-0.kerazoo.0011aabb.part").write_bytes(b"half of a checkpoint")
    assert_same(model(tmp_path).fit(documents()), whole)
    assert [path.name for path in tmp_path.iterdir()] == ["fit-0.kerazoo"]


INTERRUPTED = """
import os, signal, sys, threading
import numpy as np
from kerazoo.word2vec.engines.progress import TrainingProgress
from tests.word2vec.test_checkpoints import documents, model
signal.signal(signal.SIGINT, signal.default_int_handler)
real = TrainingProgress.end_epoch
def end_epoch(self, loss):
    real(self, loss)
    if len(self.history["loss"]) == 3:  # arrives later, often within a step
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
TrainingProgress.end_epoch = end_epoch
fitted = model(sys.argv[1], epochs=100_000, checkpoint_minutes=1000)
try:
    fitted.fit(documents(400))
except KeyboardInterrupt:
    print(len(fitted.history_["loss"]), np.isfinite(fitted.wv["fruit1"]).sum())
"""


@slow_on_jax
def test_ctrl_c_leaves_a_usable_model_and_a_checkpoint(tmp_path):
    arguments = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    n_epochs, n_finite = map(int, done.stdout.split())
    assert 3 <= n_epochs < 100_000
    assert n_finite == 8
    left = Word2Vec.load(tmp_path / "fit-0.kerazoo")
    assert len(left.history_["loss"]) == n_epochs
