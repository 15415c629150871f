"""Checkpoint files: identity, seed, interval, and what goes wrong without a training being lost."""

from __future__ import annotations

import errno
import os
import time

import numpy as np
import pytest

from kerazoo._runtime import files
from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo.errors import InvalidArgumentError, StorageError

IDENTITY = {"epochs": 3, "layers": (4, 5), "data": 17}


def checkpoint_file(folder, identity=IDENTITY, minutes=0.0):
    return CheckpointFile(folder, "fit.kerazoo", kind="test", identity=identity, minutes=minutes)


def test_what_was_written_is_read_by_the_next_run(tmp_path):
    first = checkpoint_file(tmp_path / "new" / "folder")
    assert first.read() is None
    first.write({"x": np.arange(3)}, {"epoch": 2}, seed=5)
    found = checkpoint_file(tmp_path / "new" / "folder").read()
    assert found.arrays["x"].tolist() == [0, 1, 2]
    assert (found.metadata, found.seed, found.complete) == ({"epoch": 2}, 5, False)
    assert found.arrays["x"].flags.writeable
    first.write({}, {}, seed=5, complete=True)
    assert checkpoint_file(tmp_path / "new" / "folder").read().complete


@pytest.mark.parametrize("changed", [{"epochs": 4}, {"layers": (4, 6)}, {"data": None}, {"more": 1}])
def test_a_checkpoint_of_another_training_is_refused(tmp_path, changed):
    checkpoint_file(tmp_path).write({}, {}, seed=1)
    (name,) = changed
    with pytest.raises(InvalidArgumentError, match=rf"fit\.kerazoo: the checkpoint was written with {name}="):
        checkpoint_file(tmp_path, IDENTITY | changed).read()


def test_the_seed_of_the_checkpoint_counts_unless_one_was_chosen(tmp_path):
    def with_seed(seed):
        return CheckpointFile(tmp_path, "fit.kerazoo", kind="test", identity=IDENTITY, seed=seed)

    checkpoint_file(tmp_path).write({}, {}, seed=5)
    assert with_seed(None).read().seed == with_seed(5).read().seed == 5
    with pytest.raises(InvalidArgumentError, match="written with seed=5, but seed is now 7"):
        with_seed(7).read()


def test_a_file_that_is_no_checkpoint_says_so(tmp_path):
    files.write_tensors(tmp_path / "fit.kerazoo", {}, {"epoch": 1}, kind="test")
    with pytest.raises(StorageError, match=r"not a checkpoint of this version of kerazoo\. Delete the file"):
        checkpoint_file(tmp_path).read()
    files.write_tensors(tmp_path / "fit.kerazoo", {}, [], kind="test")
    with pytest.raises(StorageError, match="not a checkpoint"):
        checkpoint_file(tmp_path).read()


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    part = tmp_path / ".fit.kerazoo.00c0ffee.part"
    part.mkdir()
    (part / "fit.kerazoo").write_bytes(b"half")
    (tmp_path / ".fit.kerazoo.12345678.part").write_bytes(b"of version 0.1")
    (tmp_path / ".other.12345678.part").write_bytes(b"not ours")
    assert checkpoint_file(tmp_path).read() is None
    assert [item.name for item in tmp_path.iterdir()] == [".other.12345678.part"]


def test_the_interval(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    file = checkpoint_file(tmp_path, minutes=2)
    assert not file.is_due()
    now[0] += 120
    assert file.is_due()
    file.write({}, {}, seed=1)
    assert not file.is_due()
    assert checkpoint_file(tmp_path, minutes=0).is_due()
    with pytest.raises(InvalidArgumentError, match=r"checkpoint_minutes=-1; expected a finite number >= 0"):
        checkpoint_file(tmp_path, minutes=-1)


def test_a_full_disk_is_a_warning_and_the_old_checkpoint_stays(tmp_path, monkeypatch):
    file = checkpoint_file(tmp_path)
    file.write({"x": np.arange(3)}, {}, seed=1)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.warns(RuntimeWarning, match="no checkpoint was written, the training continues: .*No space left"):
            file.write({"x": np.arange(4)}, {}, seed=1)
    assert len(checkpoint_file(tmp_path).read().arrays["x"]) == 3


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"checkpoint_dir='.*' cannot be made .*Name a folder"):
        checkpoint_file(tmp_path / "file" / "folder")
