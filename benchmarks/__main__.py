"""Lists the benchmarks, or runs some of them.

    python -m benchmarks
    python -m benchmarks run all --quick --out results
    python -m benchmarks run word2vec,batching --corpus FILE --threads 2 --out results
    python -m benchmarks run recurrent_devices --device cpu,gpu --backend jax,torch --full --seconds 900 --out results

Each benchmark runs once per requested backend and device, as a process with a time limit, one after the other. Its
output goes to `OUT/logs`, its results to `OUT/NAME.json`, with the backend in the name if the answer depends on it, and
with `_gpu` if it can also run on the CPU. Results that a process wrote before it failed are kept. The exit status is 1
if something failed; a missing requirement is reported and is not a failure.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.harness import ROOT
from benchmarks.harness.registry import BACKENDS, BENCHMARKS, DEVICES, SCALES, Benchmark
from benchmarks.harness.results import print_table
from kerazoo import datasets
from kerazoo._runtime.devices import usable_cores
from kerazoo.errors import DatasetUnavailableError

LIMITS = dict(zip(SCALES, (300.0, 3600.0, 6 * 3600.0), strict=True))  # seconds of one process
GRACE = 5.0  # seconds between SIGTERM and SIGKILL
LAST_LINES = 12  # of a log, shown on failure
COLUMNS = ("benchmark", "backend", "device", "seconds", "outcome", "file")


@dataclass(frozen=True)
class Options:
    """The options of a run.

    Attributes:
        scale: of `SCALES`.
        backends: of `BACKENDS`.
        devices: of `DEVICES`.
        out: folder for results and logs.
        corpus: a text file, or None.
        threads: for benchmarks with threads.
        seconds: limit of each process.
    """

    scale: str
    backends: Sequence[str]
    devices: Sequence[str]
    out: Path
    corpus: Path | None
    threads: int
    seconds: float


@dataclass(frozen=True)
class Job:
    """One process.

    Attributes:
        name: of the benchmark.
        backends: the backend, those that the process compares, or none.
        device: of `DEVICES`.
    """

    name: str
    backends: tuple[str, ...]
    device: str

    @property
    def benchmark(self) -> Benchmark:
        """The registered benchmark."""
        return BENCHMARKS[self.name]


@dataclass
class Outcome:
    """A row of the closing table.

    Attributes:
        job: the process.
        outcome: "done", "interrupted", or a text that begins with "failed" or "missing".
        seconds: that it ran, or None.
        files: names of its results.
    """

    job: Job
    outcome: str
    seconds: float | None = None
    files: Sequence[str] = ()

    @property
    def failed(self) -> bool:
        """Whether the process failed."""
        return self.outcome.startswith("failed")

    def row(self) -> dict[str, str | None]:
        """The row."""
        return {
            "benchmark": self.job.name,
            "backend": ",".join(self.job.backends) or None,
            "device": self.job.device,
            "seconds": None if self.seconds is None else f"{self.seconds:.1f}",
            "outcome": self.outcome,
            "file": ", ".join(self.files) or None,
        }


# What can run here -------------------------------------------------------------------------------------------------


def jobs_of(name: str, options: Options) -> Iterator[Job | Outcome]:
    """The processes of a benchmark; an outcome instead for each one that cannot run here."""
    benchmark = BENCHMARKS[name]
    devices = [device for device in options.devices if device in benchmark.devices]
    backends = [backend for backend in options.backends if backend in benchmark.backends]
    if not devices:
        yield _missing(Job(name, (), ",".join(options.devices)), f"it only runs on the {benchmark.devices[0]}")
    elif benchmark.backends and not backends:
        what = f"it is for {' and '.join(benchmark.backends)}"
        yield _missing(Job(name, tuple(options.backends), ",".join(devices)), what)
    else:
        for device in devices:
            jobs = [Job(name, (backend,), device) for backend in backends] or [Job(name, (), device)]
            lacking = [(job, lack(job, options)) for job in jobs]
            yield from (_missing(job, reason) for job, reason in lacking if reason)
            able = [job for job, reason in lacking if not reason]
            if benchmark.together and able:
                able = [Job(name, tuple(job.backends[0] for job in able), device)]
            yield from able


def _missing(job: Job, reason: str) -> Outcome:
    return Outcome(job, f"missing: {reason}")


def lack(job: Job, options: Options) -> str:
    """What this machine lacks for a job; empty if it can run."""
    benchmark = job.benchmark
    if benchmark.arguments(options.scale) is None:
        return f"it has no {options.scale} form"
    for package in (*benchmark.packages, *job.backends):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed"
    for program in benchmark.programs:
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if benchmark.corpus and options.corpus is None:
        return "no corpus; give one with --corpus"
    if job.device == "gpu" and not sees_gpu(job.backends[0]):
        return f"{job.backends[0]} sees no GPU"
    return ""


@cache
def sees_gpu(backend: str) -> bool:
    """Whether a backend has an accelerator; in a fresh process, so that this one does not allocate its memory."""
    code = "from kerazoo._runtime import devices; raise SystemExit(not devices.accelerator_visible())"
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def small_corpus(folder: Path) -> Path | None:
    """A file with the small corpus of `kerazoo.datasets`, or None if it is not available."""
    try:
        articles = datasets.lee()
    except DatasetUnavailableError:
        return None
    path = folder / "lee.txt"
    path.write_text("".join(" ".join(words) + "\n" for words in articles))
    return path


# Running --------------------------------------------------------------------------------------------------------------


def command_of(job: Job, options: Options) -> list[str]:
    """The command line of a job."""
    template = job.benchmark.arguments(options.scale)
    assert template is not None
    given = {
        "corpus": options.corpus,
        "threads": options.threads,
        "device": job.device,
        "backends": ",".join(job.backends),
        "seconds": int(0.6 * options.seconds),
    }
    words = [word.format(**given) for word in template.split()]
    return [sys.executable, "-m", f"benchmarks.questions.{job.benchmark.module}", *words]


def environment_of(job: Job, options: Options, results: Path) -> dict[str, str]:
    """The environment of a job that writes its results to the folder `results`."""
    environment = {
        **os.environ,
        "OUT": str(results),
        # A benchmark that does not depend on Keras imports it anyway.
        "KERAS_BACKEND": next(iter(job.backends or options.backends), BACKENDS[0]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # otherwise JAX allocates the memory of the whole GPU
        "PYTHONUNBUFFERED": "1",
    }
    return environment | ({"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"} if job.device == "cpu" else {})


def run_job(job: Job, options: Options) -> Outcome:
    """Run a job until it ends, its time limit, or Ctrl-C; results that it has written are kept."""
    log = options.out / "logs" / f"{'_'.join((job.name, *job.backends, job.device))}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    # A fresh folder: its files are those of this process.
    with tempfile.TemporaryDirectory(dir=options.out, prefix=".running_") as folder:
        with open(log, "w") as printed:
            process = subprocess.Popen(
                command_of(job, options), cwd=ROOT, env=environment_of(job, options, Path(folder)), stdout=printed,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(options.seconds)
                outcome = "done" if status == 0 else f"failed: {_status(status)}"
            except subprocess.TimeoutExpired:
                outcome = f"failed: not done in {options.seconds:g} s"
            except KeyboardInterrupt:
                outcome = "interrupted"
            finally:
                end(process)
        found = Outcome(job, outcome, time.monotonic() - start, keep_results(job, Path(folder), options.out))
    if found.failed:
        print(*log.read_text(errors="replace").splitlines()[-LAST_LINES:], sep="\n")
    print(f"{outcome}, {found.seconds:.1f} s; printed in {log}", flush=True)
    return found


def _status(status: int) -> str:
    return f"status {status}" if status > 0 else f"killed by {signal.Signals(-status).name}"


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process group of a process."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE)
        except ProcessLookupError:  # all of them have ended
            return
        except subprocess.TimeoutExpired:
            pass


def keep_results(job: Job, folder: Path, out: Path) -> list[str]:
    """Move the results of a job to `out`; their new names."""
    names = []
    for path in sorted(folder.glob("*.json")):
        parts = [path.stem]
        if not job.benchmark.together:
            parts += [backend for backend in job.backends if backend not in path.stem.split("_")]
        if job.device == "gpu" and "cpu" in job.benchmark.devices:
            parts.append("gpu")
        names.append(f"{'_'.join(parts)}.json")
        path.replace(out / names[-1])
    return names


def run(names: Sequence[str], options: Options) -> int:
    """Run benchmarks one after the other, print the closing table, and return the exit status."""
    outcomes: list[Outcome] = []
    interrupted = False
    if "all" in names:
        names = [name for name, benchmark in BENCHMARKS.items() if not benchmark.left_out]
        left_out = [name for name in BENCHMARKS if name not in names]
        outcomes += [_missing(Job(name, (), "cpu"), BENCHMARKS[name].left_out) for name in left_out]
    try:
        for name in names:
            for job in jobs_of(name, options):
                if isinstance(job, Outcome):
                    outcomes.append(job)
                    continue
                print(f"== {' '.join((job.name, *job.backends, job.device))}", flush=True)
                outcomes.append(run_job(job, options))
                if outcomes[-1].outcome == "interrupted":
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        interrupted = True
    print_table("Benchmarks", [outcome.row() for outcome in outcomes], COLUMNS)
    return 130 if interrupted else int(any(outcome.failed for outcome in outcomes))


def show_list() -> None:
    """Print all benchmarks, with their questions and requirements."""
    for name, benchmark in BENCHMARKS.items():
        print(name)
        print(textwrap.fill(benchmark.question, 116, initial_indent="    ", subsequent_indent="    "))
        print(f"    on {' and '.join(benchmark.devices)}; needs {benchmark.needs}")


def _some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of names that are separated by commas."""

    def parse(text: str) -> list[str]:
        names = list(dict.fromkeys(text.split(",")))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {', '.join(known)}")
        return names

    return parse


def main() -> int:
    """List or run benchmarks; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    command = commands.add_parser("run", help="run benchmarks; without this command they are listed")
    command.add_argument("names", type=_some_of(["all", *BENCHMARKS]), help='names, separated by commas, or "all"')
    command.add_argument("--device", type=_some_of(DEVICES), default=["cpu"], help="cpu, gpu or cpu,gpu")
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    command.add_argument(
        "--backend", type=_some_of(BACKENDS), default=installed, help="default: those that are installed"
    )
    scale = command.add_mutually_exclusive_group()
    for name, text in (("quick", "small sizes: does everything run?"), ("full", "more repeats, wider grids")):
        scale.add_argument(f"--{name}", dest="scale", action="store_const", const=name, default="default", help=text)
    command.add_argument("--out", type=Path, required=True, help="the folder for results and logs")
    command.add_argument("--corpus", type=Path, help="a text file, plain or .gz, one document per line")
    command.add_argument("--threads", type=int, default=usable_cores())
    command.add_argument("--seconds", type=float, help="limit of each process (default: by scale, 300, 3600, 21600)")
    given = parser.parse_args()
    if given.command is None:
        show_list()
        return 0
    if given.corpus is not None and not given.corpus.is_file():
        parser.error(f"cannot read the corpus: {given.corpus}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that SIGTERM also terminates the child
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = given.corpus.resolve() if given.corpus else None
        if corpus is None and given.scale == "quick":
            corpus = small_corpus(Path(folder))
        limit = given.seconds or LIMITS[given.scale]
        out = given.out.resolve()
        return run(given.names, Options(given.scale, given.backend, given.device, out, corpus, given.threads, limit))


if __name__ == "__main__":
    raise SystemExit(main())
