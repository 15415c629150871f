"""An encoding in parts that was killed or failed goes on where it was; bad input is an error and loses nothing."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerazoo.errors import CorpusError, CorpusNotFoundError, KerazooError, StorageError, VocabularyError
from kerazoo.text import EncodedCorpus
from kerazoo.text.corpus import KIND
from kerazoo.text.encoding import Limits
from kerazoo.text.shards import encode_units, encoding, parts, plan, plan_units, scanning, work_folder_of
from tests.text.samples import random_text, same

N_SHARDS = 6
LIMITS = Limits(2, None, None, None)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of six shards, each a unit of its own."""
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(N_SHARDS):
        (folder / f"{number}.txt").write_text(random_text(30, number))
    monkeypatch.setattr(plan, "UNIT_BYTES", 2500)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


class Counted:
    """Calls a function, notes the arguments, and fails at call number `fails`."""

    def __init__(self, function: Any, fails: int | None = None, error: BaseException | None = None) -> None:
        self.function, self.fails, self.error = function, fails, error or RuntimeError("injected")
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        if len(self.calls) == self.fails:
            raise self.error
        return self.function(*arguments)


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """The calls of `scan_unit`."""
    counted = Counted(scanning.scan_unit)
    monkeypatch.setattr(encoding, "scan_unit", counted)
    return counted


def encode(source: Path, target: Path, **options: Any) -> EncodedCorpus:
    return EncodedCorpus.from_source(source, path=target, workers=1, **{"min_count": 2, **options})


def in_memory(source: Path, **options: Any) -> EncodedCorpus:
    return EncodedCorpus.from_source(source, **{"min_count": 2, **options})


def interrupt(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, after: int = 3) -> None:
    """A run that fails when `after` units are finished."""
    with monkeypatch.context() as patch:
        patch.setattr(encoding, "scan_unit", Counted(scanning.scan_unit, after + 1))
        with pytest.raises(RuntimeError, match="injected") as caught:
            encode(source, target)
    assert f"{after} of {N_SHARDS} parts of the text are finished" in caught.value.__notes__[0]
    assert len(list(work_folder_of(target).glob("*.ids"))) == after


KILLED = """
import importlib, os, signal, sys
from kerazoo.text import EncodedCorpus
from kerazoo.text.shards import plan
plan.UNIT_BYTES = 2500
module, name, number = sys.argv[3].split(":")
owner = importlib.import_module(f"kerazoo.text.shards.{module}")
*path, last = name.split(".")
for each in path:
    owner = getattr(owner, each)
function, calls = getattr(owner, last), []
def killing(*arguments, **options):
    calls.append(1)
    if len(calls) == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments, **options)
setattr(owner, last, killing)
EncodedCorpus.from_source(sys.argv[1], min_count=2, workers=1, path=sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize(
    ("point", "finished"),
    [
        ("parts:PartWriter.add:1", 0),
        ("scanning:_write_record:3", 2),
        ("encoding:merge_buckets:1", 6),
        ("encoding:remap_part:4", 6),
        ("encoding:seal_tensors:1", 6),
    ],
)
def test_a_killed_run_goes_on(source: Path, target: Path, scans: Counted, point: str, finished: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, source, target, point], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    times = {file.name: file.stat().st_mtime_ns for file in work_folder_of(target).glob("*.json")}
    assert len(times) == finished + 1  # and the manifest
    corpus = encode(source, target)
    assert same(corpus, in_memory(source))
    assert len(scans.calls) == N_SHARDS - finished
    scanned = {unit.key for unit, *_ in scans.calls}
    assert not {f"{key}.json" for key in scanned} & set(times)
    assert sorted(file.name for file in target.parent.iterdir()) == ["corpus", "text"]
    EncodedCorpus.load(target, mmap=False)


def test_what_a_failed_run_finished_is_kept(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(source, target, monkeypatch)
    first = encode(source, target, min_count=1, unk="<unk>", max_final_vocab=20)  # the scan depends on none of them
    assert same(first, in_memory(source, min_count=1, unk="<unk>", max_final_vocab=20))
    assert len(scans.calls) == N_SHARDS - 3


def test_too_large_a_min_count_loses_no_scan(source: Path, target: Path, scans: Counted) -> None:
    with pytest.raises(VocabularyError, match="min_count=10000 keeps none"):
        encode(source, target, min_count=10_000)
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS


def test_a_shard_that_is_not_utf8(source: Path, target: Path, scans: Counted) -> None:
    bad = source / "4.txt"
    bad.write_bytes(bad.read_bytes() + b" \xff")
    with pytest.raises(CorpusError, match=r"4\.txt: byte 0xff at position .* is not UTF-8") as caught:
        encode(source, target)
    assert "4 of 6 parts of the text are finished" in caught.value.__notes__[0]
    assert same(encode(source, target, errors="replace"), in_memory(source, errors="replace"))
    assert [Path(unit.pieces[0].path).name for unit, *_ in scans.calls] == [
        *(f"{i}.txt" for i in range(5)),
        "4.txt",
        "5.txt",
    ]


def test_nothing_is_left_behind_where_nothing_was_finished(source: Path, target: Path) -> None:
    (source / "0.txt").write_bytes(b"\xff\n" * 900)
    with pytest.raises(CorpusError, match="not UTF-8"):
        encode(source, target)
    assert not work_folder_of(target).exists()


@pytest.mark.parametrize("number", [1, 4])
def test_a_shard_that_vanished(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    interrupt(source, target, monkeypatch)
    gone = source / f"{number}.txt"
    text, times = gone.read_bytes(), (gone.stat().st_atime_ns, gone.stat().st_mtime_ns)
    gone.unlink()
    with pytest.raises(
        CorpusNotFoundError, match=rf"{number}\.txt: was a file of the corpus when .* remove the folder"
    ):
        encode(source, target)
    gone.write_bytes(text)
    os.utime(gone, ns=times)
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS - 3


def test_a_shard_that_vanishes_during_the_run(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def vanish(unit: Any, *rest: Any) -> Any:
        (source / "3.txt").unlink(missing_ok=True)
        return scanning.scan_unit(unit, *rest)

    monkeypatch.setattr(encoding, "scan_unit", vanish)
    with pytest.raises(CorpusNotFoundError, match=r"3\.txt.*no such file"):
        encode(source, target)
    assert not target.exists()


def test_a_shard_that_was_cut(source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(source, target, monkeypatch)
    cut = source / "2.txt"
    cut.write_bytes(cut.read_bytes()[:-300])
    with pytest.raises(CorpusError, match=r"2\.txt: had [\d,]+ bytes when .* was it cut\?"):
        encode(source, target)
    assert not scans.calls
    assert len(list(work_folder_of(target).glob("*.ids"))) == 3


def test_a_shard_that_changed_is_scanned_again(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(source, target, monkeypatch)
    grown = source / "1.txt"
    grown.write_text(grown.read_text() + "\nmore words more words\n")
    (source / "9.txt").write_text(random_text(30, 9))
    assert same(encode(source, target), in_memory(source))
    assert [Path(unit.pieces[0].path).name for unit, *_ in scans.calls] == ["1.txt", "3.txt", "4.txt", "5.txt", "9.txt"]


@pytest.mark.parametrize("moment", ["scan", "count"])
def test_a_shard_that_changes_during_the_run(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def change(*arguments: Any) -> Any:
        with open(source / "0.txt", "a") as file:
            file.write(" more")
        return function(*arguments)

    owner, name = (scanning, "scan_chunk") if moment == "scan" else (encoding, "select")
    function = getattr(owner, name)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, change)
        with pytest.raises(CorpusError, match=r"0\.txt: changed while the corpus was encoded"):
            encode(source, target)
    assert not target.exists()
    assert same(encode(source, target), in_memory(source))


@pytest.mark.parametrize("damage", ["cut ids", "cut lines", "words", "record", "no words"])
def test_a_part_that_is_damaged_between_two_runs(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    interrupt(source, target, monkeypatch)
    folder = work_folder_of(target)
    if damage == "record":
        file = sorted(set(folder.glob("*.json")) - {folder / "manifest.json"})[0]
        file.write_text(file.read_text()[:-9])
    else:
        file = sorted(folder.glob(f"*.{damage.split()[1] if ' ' in damage else damage}"))[0]
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data[:-4] if "cut" in damage else data)
        if damage == "no words":
            file.unlink()
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS - 3 + 1


@pytest.mark.parametrize("suffix", ["ids", "lines"])
@pytest.mark.parametrize("change", [1, -1, 1 << 30])
def test_ids_that_are_damaged_are_found_when_they_are_read(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch, suffix: str, change: int
) -> None:
    interrupt(source, target, monkeypatch)
    file = sorted(work_folder_of(target).glob(f"*.{suffix}"))[1]
    values = np.fromfile(file, np.int32)
    values[len(values) // 2] ^= change
    values.tofile(file)
    with pytest.raises(StorageError, match=rf"{suffix}: damaged: .* Make the same call again"):
        encode(source, target)
    assert not target.exists()
    assert len(scans.calls) == N_SHARDS - 3
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS - 3 + 1


def test_a_full_disk(source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Counted(parts.write_array, 3, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def write(*arguments: Any) -> int:
        try:
            return full(*arguments)
        except OSError as error:
            raise parts.disk_error(arguments[0].parent, error) from error

    with monkeypatch.context() as patch:
        patch.setattr(parts, "write_array", write)
        with pytest.raises(StorageError, match=r"No space left on device.*4 bytes per word"):
            encode(source, target)
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS + 1


def test_ctrl_c_stops_the_threads_and_keeps_what_is_finished(
    source: Path, target: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(function: Any, arguments: Any) -> Iterator[Any]:
        for number, result in enumerate(function(*each) for each in arguments):
            if number == 2 and function is scans:
                raise KeyboardInterrupt
            yield result

    units = plan_units(sorted(source.iterdir()))
    assert units is not None
    with pytest.raises(KeyboardInterrupt):
        encode_units(units, target, LIMITS, kind=KIND, run_tasks=interrupted)
    assert same(encode(source, target), in_memory(source))
    assert len(scans.calls) == N_SHARDS


def test_a_folder_of_something_else_is_not_touched(source: Path, target: Path) -> None:
    folder = work_folder_of(target)
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds something else"):
        encode(source, target)
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]


def test_a_path_that_is_a_directory_is_refused_before_the_scan(source: Path, target: Path, scans: Counted) -> None:
    target.mkdir()
    with pytest.raises(StorageError, match="is a directory"):
        encode(source, target)
    with pytest.raises(StorageError, match="cannot be written"):
        encode(source, target / "missing" / "corpus")
    assert not scans.calls
    assert not list(target.iterdir())


def test_two_runs_for_one_file(source: Path, target: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    work_folder_of(target).mkdir()
    with open(work_folder_of(target) / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="another process is encoding"):
            encode(source, target)
    assert same(encode(source, target), in_memory(source))


def test_the_corpus_and_its_parts_may_lie_in_the_folder_of_the_text(
    source: Path, scans: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = in_memory(source)
    interrupt(source, source / "corpus", monkeypatch)
    assert same(in_memory(source), expected)  # a folder is read without the parts that lie in it
    assert same(encode(source, source / "corpus"), expected)
    assert len(scans.calls) == N_SHARDS - 3
    assert same(encode(source, source / "corpus"), expected)


def test_every_task_can_run_in_another_process(source: Path, target: Path) -> None:
    def elsewhere(function: Any, arguments: Any) -> Iterator[Any]:
        for each in arguments:  # a runner may run a task twice, as when the first machine was thought lost
            there, values = pickle.loads(pickle.dumps((function, each)))
            there(*values)
            yield pickle.loads(pickle.dumps(there(*values)))

    units = plan_units(sorted(source.iterdir()))
    assert units is not None
    encode_units(units, target, LIMITS, kind=KIND, run_tasks=elsewhere)
    assert same(EncodedCorpus.load(target), in_memory(source))


def test_errors_of_tasks_stop_the_others() -> None:
    from kerazoo.text.shards.tasks import in_threads, stop_if_asked

    def task(number: int) -> int:
        if number == 2:
            raise KerazooError("bad")
        while number == 1:
            stop_if_asked()
        return number

    started = iter(range(1000))
    with pytest.raises(KerazooError, match="bad"):
        list(in_threads(2)(task, ((number,) for number in started)))
    assert next(started) < 10
