"""Several processes that write and read the same files, of which some are killed: see `atomic_writes.py`."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kerazoo._runtime import locks
from kerazoo._runtime.atomic_writes import remove_leftovers, replacing
from kerazoo._runtime.locks import take_lock
from kerazoo.errors import StorageError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="locks and kills of Linux")


def program(text, *arguments):
    """A process that runs a text; it ends when its stdin is closed, if it reads that."""
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, arguments)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def ended(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out


HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
WRITE = """
import sys
from pathlib import Path
from kerazoo._runtime.atomic_writes import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_text(sys.argv[2])
"""


def test_a_new_folder_that_another_process_looks_at(tmp_path, monkeypatch):
    """It looks whether the folder is a leftover, for which it has its lock for a moment."""
    holders, real = [], Path.mkdir

    def mkdir(self, *arguments, **more):
        real(self, *arguments, **more)
        if self.suffix == ".part" and not holders:
            holders.append(program(HOLD, self))
            assert holders[0].stdout.readline() == "locked\n"

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with replacing(tmp_path / "f") as part:
        part.write_text("first")
        ended(holders[0])
        ended(program(WRITE, tmp_path / "f", "second"))
        assert (tmp_path / "f").read_text() == "second"
    assert (tmp_path / "f").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("clean", [remove_leftovers, lambda path: ended(program(WRITE, path, "other"))])
def test_a_living_writer_keeps_its_folder(tmp_path, clean):
    with replacing(tmp_path / "f") as part:
        part.write_text("mine")
        clean(tmp_path / "f")
    assert (tmp_path / "f").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_leftovers_of_another_name_stay(tmp_path):
    """`.model.v2.0123abcd.part` belongs to `model.v2`, which may be on its way where there are no locks."""
    other = tmp_path / ".model.v2.0123abcd.part"
    other.mkdir()
    (tmp_path / ".model.0123abcd.part").mkdir()
    remove_leftovers(tmp_path / "model")
    assert list(tmp_path.iterdir()) == [other]


def test_an_empty_leftover_is_removed(tmp_path):
    """Of a process that was killed between making and locking the folder."""
    with replacing(tmp_path / "f") as part:
        part.write_text("old")
        empty = part.parent.name
    (tmp_path / empty).mkdir()
    with replacing(tmp_path / "f") as part:
        part.write_text("new")
        assert not (tmp_path / empty).exists()


def test_a_folder_of_another_machine_stays_for_a_day(tmp_path):
    """Its lock may be that of another machine, which this one does not see."""
    with replacing(tmp_path / "f") as part:
        part.write_text("old")
        machine = part.parent.name[3:11]
    other = tmp_path / f".f.{int(machine, 16) ^ 1:08x}0123abcd.part"
    other.mkdir()
    (other / "f").write_text("on its way")
    for age, stays in ((0, True), (23 * 3600, True), (-(10**9), True), (25 * 3600, False)):
        for path in (other / "f", other):
            os.utime(path, (time.time() - age,) * 2)
        with replacing(tmp_path / "f") as part:
            part.write_text("new")
        assert other.exists() is stays, age


OFTEN = """
import random, sys
from pathlib import Path
from kerazoo._runtime.atomic_writes import replacing
target, number, names = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
random.seed(number)
for turn in range(100_000):
    content = f"{number} {turn} ".encode() * random.randrange(1, 9000)
    with replacing(target) as part:
        for name in names:
            part.with_name(name).write_bytes(content)
        if not turn:
            print("writing", flush=True)
"""


def often(path, number, names):
    """A writer that is in its first turn: one that was killed while Python starts would tell nothing."""
    writer = program(OFTEN, path, number, names)
    assert writer.stdout.readline() == "writing\n", writer.communicate()[1]
    return writer


def whole(paths):
    """The contents of the files of one writer, or None if they are being replaced, or put back."""

    def state():
        found = paths[0].stat()
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns  # the last changes when the file is moved

    try:
        before = state()
        contents = [path.read_bytes() for path in paths]
        return contents if state() == before else None
    except FileNotFoundError:
        return None


@pytest.mark.parametrize("names", ["f", "f,g,h"])
def test_writers_at_once_of_which_some_are_killed(tmp_path, names):
    paths = [tmp_path / name for name in names.split(",")]
    draw, numbers = random.Random(1), iter(range(1000))
    writers = [often(paths[0], next(numbers), names) for _ in range(3)]
    looks, until = {}, time.monotonic() + 120
    try:
        while len(looks) < 60:
            assert time.monotonic() < until, f"{len(looks)} contents were seen in 120 s"
            for place, writer in enumerate(writers):
                assert writer.poll() is None, writer.stderr.read()
                if draw.random() < 0.1:
                    writer.send_signal(signal.SIGKILL)
                    writer.communicate()
                    writers[place] = often(paths[0], next(numbers), names)
            time.sleep(0.01)
            if found := whole(paths):
                start = b" ".join(found[0].split(b" ", 2)[:2]) + b" "
                assert found[0] == start * (len(found[0]) // len(start))
                assert found == [found[0]] * len(paths)
                looks[start] = True
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    ended(program(WRITE, paths[0], "last"))
    assert paths[0].read_text() == "last"
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]


KILLED = """
import os, signal, sys
from pathlib import Path
from kerazoo._runtime.atomic_writes import replacing
left, real = [int(sys.argv[2])], os.replace
def replace(source, place):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, place)
os.replace = replace
with replacing(Path(sys.argv[1]) / "f") as part:
    for name in "fgh":
        part.with_name(name).write_text("new")
"""


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_a_writer_killed_between_its_renames_loses_nothing(tmp_path, n):
    for name in "fgh":
        (tmp_path / name).write_text("old")
    killed = program(KILLED, tmp_path, n)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(StorageError, match="full"), replacing(tmp_path / "f"):
        raise OSError(28, "No space left on device")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("fgh", "old")


SLOW = """
import os, sys
from pathlib import Path
from kerazoo._runtime.atomic_writes import replacing
left, real = [4], os.replace
def replace(source, place):
    left[0] -= 1
    if not left[0]:
        print("between", flush=True)
        sys.stdin.readline()
    real(source, place)
os.replace = replace
with replacing(Path(sys.argv[1]) / "f") as part:
    for name in "fgh":
        part.with_name(name).write_text(sys.argv[2])
"""


def test_a_second_writer_waits_for_the_renames_of_the_first(tmp_path):
    for name in "fgh":
        (tmp_path / name).write_text("old")
    first = program(SLOW, tmp_path, "first")
    assert first.stdout.readline() == "between\n"
    second = program(SLOW.replace("[4]", "[0]"), tmp_path, "second")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1.5)
    ended(first)
    ended(second)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("fgh", "second")


def test_a_lock_that_its_owner_removes_meanwhile(tmp_path, monkeypatch):
    """Between opening and locking: who has the lock of a file without a name has no lock."""
    real, calls = locks.fcntl.flock, []

    def flock(file, how):
        if not calls:
            (tmp_path / "lock").unlink()
        calls.append(how)
        real(file, how)

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with take_lock(tmp_path / "lock", "held"), pytest.raises(StorageError, match="held"):
        take_lock(tmp_path / "lock", "held")
    assert len(calls) == 3


ENCODE = """
import sys
from kerazoo.errors import StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.text.shards import plan
plan.UNIT_BYTES = 2000
done = refused = 0
while done < int(sys.argv[3]):
    try:
        EncodedCorpus.from_source(sys.argv[1], min_count=1, workers=1, path=sys.argv[2])
        done += 1
    except StorageError as error:
        if "another process is encoding" not in str(error):
            raise
        refused += 1
print(done, refused)
"""


def test_encodings_to_one_path_at_once(tmp_path):
    from kerazoo.text import EncodedCorpus

    text, path = tmp_path / "text.txt", tmp_path / "corpus.kz"
    text.write_text("\n".join("a b c d e f g" for _ in range(600)))
    runs = [program(ENCODE, text, path, 12) for _ in range(3)]
    found = [list(map(int, ended(run).split())) for run in runs]
    assert [done for done, _ in found] == [12, 12, 12]
    assert sum(refused for _, refused in found) > 0
    assert len(EncodedCorpus.load(path, mmap=False).ids) == 4200
    assert sorted(each.name for each in tmp_path.iterdir()) == ["corpus.kz", "text.txt"]


def test_vectors_replaced_while_they_are_read(tmp_path, monkeypatch):
    """The words of one file with the vectors beside another would be wrong in silence."""
    from gensim import utils
    from gensim.models import KeyedVectors

    from kerazoo.word2vec import load_vectors

    of_large = utils.SaveLoad.save.__defaults__
    monkeypatch.setattr(utils.SaveLoad.save, "__defaults__", (None, 1, *of_large[2:]))

    def write(value):
        made = KeyedVectors(3)
        made.add_vectors(["a", "b"], np.full((2, 3), value, np.float32))
        with replacing(tmp_path / "v.kv") as part:
            made.save(str(part))

    write(1)
    assert (load_vectors(tmp_path / "v.kv").vectors == 1).all()
    real = np.memmap
    monkeypatch.setattr(np, "memmap", lambda *given, **more: (write(2), real(*given, **more))[1])
    with pytest.raises(StorageError, match="was replaced while it was read"):
        load_vectors(tmp_path / "v.kv")
    monkeypatch.setattr(np, "memmap", real)
    assert (load_vectors(tmp_path / "v.kv").vectors == 2).all()
