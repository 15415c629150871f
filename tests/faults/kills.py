"""Kill trainings and encodings at random moments by SIGKILL, which no process can handle, and let them go on.

    python -m tests.faults.kills --moments 200            all
    python -m tests.faults.kills --only native --seed 2

Each run is a fork of this process, which has imported what it needs and run nothing, so that it has no threads. A run
is killed at a random moment and started again with the same folder: it is killed again, or runs to its end, whose
result must equal the undisturbed one to the bit. After every kill each file is whole: the old one, a checkpoint, or the
result.

Moments are drawn in processor time of the run: a machine with other work, or one that stops this program for a while,
changes neither them nor what counts as a hang.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import operator
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tqdm

from tests.faults.operations import digest

__all__ = ["SCENARIOS", "Kills", "Scenario", "kill"]

#: Seconds without work of the run, or of its work in all, after which it hangs.
PATIENCE, MOST = 120.0, 600.0
#: Of the moments, those at any time; the others are after the first new file, where there is something to lose.
ANY_TIME = 0.2
#: Seconds between two looks at a run, and those in which the processor time of another process goes up.
LOOK, TICK = 0.0002, 0.004


@dataclass(frozen=True)
class Scenario:
    """What is killed.

    Attributes:
        name: in the report.
        warm: imports what `run` needs, and runs nothing.
        run: in a folder; the result as text.
        whole: raises if a file in the folder is not whole.
        left: names that are there at the end.
        passing: start of the names of what a killed run may leave for the next one.
        progress: of a folder; it changes with every file that the next run can go on from, and with the result.
        prepare: makes older files.
        same: whether a result after kills is as the undisturbed one; default: it is equal.
    """

    name: str
    warm: Callable[[], Any]
    run: Callable[[Path], str]
    whole: Callable[[Path], None]
    left: tuple[str, ...]
    passing: tuple[str, ...]
    progress: Callable[[Path], Any]
    prepare: Callable[[Path], Any] = lambda folder: None
    same: Callable[[str, str], bool] = operator.eq


@dataclass
class Kills:
    """What came of it.

    Attributes:
        name: of the scenario.
        kills: processes that were killed.
        before_the_first_file: of these, the ones after which there is nothing to go on from.
        while_a_file_was_written: of these, the ones that left a part of a file.
        resumed: runs that were killed and started again until they came to their end.
        most_kills_of_a_run: of one run.
        problems: one line each.
    """

    name: str
    kills: int = 0
    before_the_first_file: int = 0
    while_a_file_was_written: int = 0
    resumed: int = 0
    most_kills_of_a_run: int = 0
    problems: list[str] = field(default_factory=list)


def _fork(scenario: Scenario, folder: Path) -> tuple[int, int]:
    """Start a run; its process and the pipe that its result comes from, after a byte when it begins."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    code = 1
    try:  # the child must never come back
        os.close(reader)
        # Its own lock is shared with the other forks, of which one may be killed while it has it.
        tqdm.tqdm.set_lock(threading.RLock())
        os.write(writer, b"b")
        warnings.simplefilter("ignore")
        os.write(writer, scenario.run(folder).encode())
        code = 0
    except BaseException:
        os.write(writer, b"E" + traceback.format_exc()[-2000:].encode())
    finally:
        os._exit(code)


def _begins(pipe: int) -> None:
    """Wait for the first byte; the result may come with it, and stays in the pipe."""
    ready, _, _ = select.select([pipe], [], [], PATIENCE)
    if not ready or os.read(pipe, 1) != b"b":
        raise RuntimeError("it does not begin")


def _time_of(process: int) -> float:
    """Seconds of processor time of a process, all threads."""
    return time.clock_gettime((~process << 3) | 2)  # the clock of clock_getcpuclockid(3)


def _stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"


def _until(process: int, pipe: int, come: Callable[[], bool]) -> bytes | None:
    """Wait until something has come, or the run has ended: None, or its result, b"" where there is none.

    Raises:
        RuntimeError: it hangs.
    """
    idle, before = 0.0, -1.0
    while not come():
        if select.select([pipe], [], [], LOOK)[0]:
            return os.read(pipe, 1 << 16)
        now = _time_of(process)
        if now == before and not _stopped(process):
            idle += LOOK  # not the time on the clock, in which both may have been stopped
        else:
            idle, before = 0.0, now
        if idle > PATIENCE or now > MOST:
            raise RuntimeError(f"it hangs: {now:.1f} s of work, then {idle:.0f} s without")
    return None


def _checked(result: bytes) -> str:
    if not result:
        raise RuntimeError("it ended without a result")
    if result.startswith(b"E"):
        raise RuntimeError(result[1:].decode())
    return result.decode()


@contextlib.contextmanager
def _started(scenario: Scenario, folder: Path) -> Iterator[tuple[int, int]]:
    process, pipe = _fork(scenario, folder)
    try:
        _begins(pipe)
        yield process, pipe
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(pipe)


def _run(scenario: Scenario, folder: Path, moment: tuple[bool, float] | None = None) -> str | None:
    """Run it and kill it at a moment, if it has not ended: its result, or None.

    Args:
        scenario: what.
        folder: where.
        moment: whether to wait for the next file first, and the seconds of processor time after that; None: the end.

    Raises:
        RuntimeError: the run failed, or hangs.
    """
    with _started(scenario, folder) as (process, pipe):
        if moment is None:
            found = _until(process, pipe, lambda: False)
        else:
            wait_for_file, seconds = moment
            at_the_start, found = scenario.progress(folder), None
            if wait_for_file:
                found = _until(process, pipe, lambda: scenario.progress(folder) != at_the_start)
            if found is None:
                until = _time_of(process) + seconds
                found = _until(process, pipe, lambda: _time_of(process) >= until)
            if found is None:  # the time of the process goes up in steps, in which moments would meet
                found = _until(process, pipe, deadline(random.uniform(0, TICK)))
        return None if found is None else _checked(found)


def deadline(seconds: float) -> Callable[[], bool]:
    """Whether the time is over."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _undisturbed(scenario: Scenario, folder: Path) -> tuple[str, float, float]:
    """The result, and the processor time until the first new file and after it."""
    before = scenario.progress(folder)
    with _started(scenario, folder) as (process, pipe):
        found = _until(process, pipe, lambda: scenario.progress(folder) != before)
        first = _time_of(process)
        if found is None:
            found = _until(process, pipe, lambda: False)
        return _checked(found or b""), first, _time_of(process) - first


def kill(scenario: Scenario, moments: int, seed: int, seconds: float = float("inf")) -> Kills:
    """Kill a scenario `moments` times, or until the time is over."""
    scenario.warm()
    found, draw, until = Kills(scenario.name), random.Random(seed), time.monotonic() + seconds
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where a flush to the disk takes no time
    with tempfile.TemporaryDirectory(prefix="kerazoo-kills-", dir=memory) as name:
        template, folder = Path(name) / "template", Path(name) / "work"
        template.mkdir()
        _run(dataclasses.replace(scenario, run=lambda folder: str(scenario.prepare(folder))), template, None)

        def anew() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(template, folder)

        anew()
        expected, first, rest = _undisturbed(scenario, folder)
        while found.kills < moments and time.monotonic() < until:
            anew()
            before, in_a_row, result = scenario.progress(folder), 0, None
            while result is None:
                last = in_a_row and (draw.random() < 0.5 or found.kills == moments)
                try:
                    moment = (False, draw.uniform(0, first + rest))
                    if draw.random() >= ANY_TIME:
                        moment = (True, draw.uniform(0, rest))
                    result = _run(scenario, folder, None if last else moment)
                except RuntimeError as error:
                    found.problems.append(f"{scenario.name}: after {in_a_row} kills: {error}")
                    break
                if result is None:
                    in_a_row += 1
                    found.kills += 1
                    found.before_the_first_file += scenario.progress(folder) == before
                    found.problems += _after_kill(scenario, folder, found)
            if not in_a_row:
                continue
            found.resumed += 1
            found.most_kills_of_a_run = max(found.most_kills_of_a_run, in_a_row)
            if result is not None and not scenario.same(result, expected):
                found.problems.append(f"{scenario.name}: after {in_a_row} kills: {result}; undisturbed: {expected}")
            names = sorted(path.name for path in folder.iterdir())
            if result is not None and names != sorted(scenario.left):
                found.problems.append(f"{scenario.name}: after {in_a_row} kills: {names} at the end")
    return found


def _after_kill(scenario: Scenario, folder: Path, found: Kills) -> list[str]:
    names = {path.name for path in folder.iterdir()}
    found.while_a_file_was_written += any(path.suffix == ".part" or path.name == "corpus" for path in folder.rglob("*"))
    problems = []
    strange = [name for name in names - set(scenario.left) if not name.startswith(scenario.passing)]
    if strange:
        problems.append(f"{scenario.name}: a kill left {strange}")
    try:
        scenario.whole(folder)
    except Exception as error:  # whatever a broken file raises
        problems.append(f"{scenario.name}: a file is not whole after a kill: {error!r}")
    return problems


def _documents(n: int) -> list[list[str]]:
    """Each about one of six topics, so that there is something to learn."""
    draw = np.random.default_rng(0)
    return [[f"word{15 * (k % 6) + i}" for i in draw.integers(0, 15, 20)] for k in range(n)]


def _native(workers: int) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        from kerazoo import Word2Vec

        settings = {"vector_size": 50, "min_count": 1, "epochs": 24, "seed": 1, "workers": workers, "verbose": 0}
        fitted = Word2Vec(**settings, checkpoint_dir=folder, checkpoint_minutes=0).fit(_documents(600))
        assert np.isfinite(fitted.vectors_).all()
        if workers > 1:
            return json.dumps(fitted.history_["loss"])
        return digest(fitted.vectors_, fitted.output_vectors_, fitted.history_["loss"])

    return run


def _close_losses(one: str, other: str) -> bool:
    """Of each epoch: threads take other words at a time. Undisturbed runs differ by 4 %, by 1 % after some epochs."""
    some, others = np.array(json.loads(one)), np.array(json.loads(other))
    if len(some) != len(others):
        return False
    return bool(np.allclose(some, others, rtol=0.1) and np.allclose(some[8:], others[8:], rtol=0.03))


def _state(path: Path) -> tuple[int, int, int] | None:
    """Changes with each file of that name."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _checkpoint(folder: Path) -> Any:
    return [_state(folder / name) for name in ("fit-0.kerazoo", "fit.kerazoo")]


def _units(folder: Path) -> Any:
    """The units that are finished, and the corpus."""
    finished = {path.name for path in (folder / ".corpus.kz.parts").glob("*.json")} - {"manifest.json"}
    return finished, _state(folder / "corpus.kz")


def _keras_words(folder: Path) -> str:
    from kerazoo import Word2Vec

    settings = {"vector_size": 8, "min_count": 1, "epochs": 12, "seed": 1, "workers": 1, "verbose": 0}
    fitted = Word2Vec(engine="keras", **settings, checkpoint_dir=folder, checkpoint_minutes=0).fit(_documents(100))
    return digest(fitted.vectors_, fitted.output_vectors_, fitted.history_["loss"])


def _forecaster(folder: Path) -> str:
    from tests.forecast.helpers import eagerly
    from tests.forecast.test_backends import series, tiny

    with eagerly():  # tracing the graph of a step takes longer than all steps
        changes = {"epochs": 7, "patience": 7, "steps_per_epoch": 1, "lookback": 4}
        fitted = tiny(checkpoint_dir=folder, checkpoint_minutes=0, **changes).fit(series())
    return digest(fitted.predict(15), fitted.history_["loss"])


def _encode(folder: Path) -> str:
    from kerazoo.text import EncodedCorpus
    from kerazoo.text.shards import plan

    plan.UNIT_BYTES = 40_000  # in this fork only
    text = folder.parent / "text.txt"
    if not text.exists():
        draft = text.with_suffix(".draft")
        draft.write_text("\n".join(" ".join(document) for document in _documents(4000)))
        draft.rename(text)
    corpus = EncodedCorpus.from_source(text, min_count=1, workers=2, path=folder / "corpus.kz")
    return digest(corpus.ids, corpus.offsets) + str(len(corpus.vocabulary))


def _earlier_corpus(folder: Path) -> None:
    from kerazoo.text import EncodedCorpus

    EncodedCorpus.from_source([["an", "earlier", "corpus"]] * 3, min_count=1, path=folder / "corpus.kz")


def _whole_corpus(folder: Path) -> None:
    from kerazoo.text import EncodedCorpus

    EncodedCorpus.load(folder / "corpus.kz", mmap=False)


def _whole_words(folder: Path) -> None:
    from kerazoo import Word2Vec

    with contextlib.suppress(StopIteration):
        Word2Vec.load(next(folder.glob("*.kerazoo")), mmap=False)


def _whole_fit(folder: Path) -> None:
    from kerazoo._runtime.files import read_tensors

    with contextlib.suppress(StopIteration):
        read_tensors(next(folder.glob("*.kerazoo")), kind="kerazoo.forecast-training", mmap=False)


def _warm_native() -> None:
    _import("kerazoo.text", "kerazoo.word2vec.engines.native")


def _warm_keras() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _import("kerazoo.text", "kerazoo.word2vec.engines.keras", "tests.forecast.test_backends")


def _import(*names: str) -> None:
    for name in names:
        importlib.import_module(name)


WORDS: dict[str, Any] = {
    "whole": _whole_words, "left": ("fit-0.kerazoo",), "passing": (".fit-0.kerazoo.",), "progress": _checkpoint,
}  # fmt: skip
SCENARIOS = (
    Scenario("native Word2Vec, one worker", _warm_native, _native(1), **WORDS),
    Scenario("native Word2Vec, two workers", _warm_native, _native(2), **WORDS, same=_close_losses),
    Scenario(
        "encode to disk", _warm_native, _encode, _whole_corpus, ("corpus.kz",), (".corpus.kz.parts",), _units,
        _earlier_corpus,
    ),
    Scenario("Keras Word2Vec", _warm_keras, _keras_words, **WORDS),
    Scenario("Forecaster", _warm_keras, _forecaster, _whole_fit, ("fit.kerazoo",), (".fit.kerazoo.",), _checkpoint),
)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=200, help="kills of each scenario")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="most time of each scenario")
    parser.add_argument("--write", action="store_true", help="write the counts to benchmarks/results")
    chosen = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for scenario in SCENARIOS:
        if chosen.only not in scenario.name:
            continue
        begun = time.perf_counter()
        found = kill(scenario, chosen.moments, chosen.seed, chosen.seconds)
        row = {**vars(found), "problems": len(found.problems), "exact": scenario.same is operator.eq}
        rows.append({**row, "seconds": round(time.perf_counter() - begun, 1)})
        if chosen.write:
            from tests.faults.report import write

            write("kills", {"moments": chosen.moments, "seed": chosen.seed}, rows[-1:])
        print(rows[-1], *found.problems, sep="\n    ", flush=True)
    sys.exit(any(row["problems"] for row in rows))


if __name__ == "__main__":
    main()
