"""The runner of the benchmarks: what it runs, what is missing, which results it keeps, and how it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks.__main__ import Job, Options, Outcome
from benchmarks.harness import ROOT
from benchmarks.harness.registry import BENCHMARKS, SCALES, Benchmark

FOLDER = ROOT / "benchmarks" / "questions"

# Code of the processes in these tests.
WRITE = """
import json, os
from pathlib import Path
def write(name, **what):
    (Path(os.environ["OUT"]) / f"{name}.json").write_text(json.dumps(what))
"""
PROGRAMS = {
    "good": WRITE + "write('good', backend=os.environ['KERAS_BACKEND'], gpus=os.environ.get('CUDA_VISIBLE_DEVICES'))",
    "bad": WRITE + "write('bad', half=True)\nprint('so far')\nraise SystemExit('no memory')",
    "crashes": WRITE + "write('crashes', half=True)\nos.kill(os.getpid(), 11)",
    # Ignores SIGTERM, and has a child process.
    "hangs": WRITE
    + """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
write("hangs", pids=[os.getpid(), other.pid])
time.sleep(600)
""",
}


def benchmark(name, **changes):
    return Benchmark(name, "Does it run?", quick="", default="", full="", **changes)


@pytest.fixture
def programs(monkeypatch):
    """The registry has `PROGRAMS`; the time between SIGTERM and SIGKILL is short."""
    monkeypatch.setattr(runner, "BENCHMARKS", {name: benchmark(name) for name in PROGRAMS})
    monkeypatch.setattr(runner, "GRACE", 0.2)
    monkeypatch.setattr(runner, "command_of", lambda job, options: [sys.executable, "-c", PROGRAMS[job.name]])
    return runner.BENCHMARKS


@pytest.fixture
def options(tmp_path):
    def make(**changes):
        given = {"scale": "quick", "backends": ["jax"], "devices": ["cpu"], "out": tmp_path, "corpus": None,
                 "threads": 1, "seconds": 60.0}  # fmt: skip
        return Options(**{**given, **changes})

    return make


def table_of(text):
    """Rows of the closing table, without the file."""
    lines = text.split("\nBenchmarks\n")[1].splitlines()
    return {line.split()[0]: line for line in lines[1:]}


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# The registry ---------------------------------------------------------------------------------------------------------


def test_every_program_is_registered_and_every_module_exists():
    programs = {path.stem for path in FOLDER.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert {benchmark.module for benchmark in BENCHMARKS.values()} == programs


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_has_a_question_and_its_arguments_are_known(name):
    known = BENCHMARKS[name]
    source = (FOLDER / f"{known.module}.py").read_text()
    assert len(known.question) > 30
    assert set(known.backends) <= set(runner.BACKENDS)
    assert set(known.devices) <= set(runner.DEVICES)
    for scale in SCALES:
        for word in (known.arguments(scale) or "").split():
            assert not word.startswith("--") or f'"{word}"' in source, f"{word} in the {scale} form"
    for scale in ("default", "full"):  # a quick run may generate its text
        assert ("{corpus}" in known.arguments(scale)) == known.corpus
    assert known.together <= ("{backends}" in known.default)
    # A benchmark without a backend cannot select a device.
    assert "gpu" not in known.devices or known.backends


def test_the_list_has_all_with_their_requirements(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    assert runner.main() == 0
    shown = capsys.readouterr().out
    for name in BENCHMARKS:
        assert f"{name}\n    " in shown
    assert "on cpu; needs valgrind" in shown
    assert "on cpu; needs some of tensorflow, jax, torch; a corpus" in shown
    assert "on gpu; needs one of jax, torch; a corpus; a GPU" in shown


def test_a_command_has_the_options_of_the_run(options, tmp_path):
    given = options(corpus=tmp_path / "a text", threads=3, seconds=100.0)
    job = Job("word2vec", ("tensorflow", "jax"), "cpu")
    assert runner.command_of(job, given) == [
        sys.executable, "-m", "benchmarks.questions.word2vec", "--corpus", f"{tmp_path}/a text", "--threads", "3",
        "--backends", "tensorflow,jax", "--seeds", "1", "--epochs", "1",
    ]  # fmt: skip
    job = Job("recurrent_devices", ("jax",), "gpu")
    assert runner.command_of(job, given)[3:] == ["--quick", "--device", "gpu", "--seconds", "60"]


# What can run ------------------------------------------------------------------------------------------------------


def found(name, options):
    """Jobs as (backends, device), and what is missing for others."""
    found = list(runner.jobs_of(name, options))
    return (
        [(job.backends, job.device) for job in found if isinstance(job, Job)],
        [(outcome.job.backends, outcome.outcome) for outcome in found if isinstance(outcome, Outcome)],
    )


def test_there_is_a_job_per_backend_and_device_or_a_reason(monkeypatch, options):
    installed = {"tensorflow", "jax"}
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: name in installed or None)
    monkeypatch.setattr(runner, "sees_gpu", lambda backend: backend == "tensorflow")
    known = {
        "each": benchmark("each", backends=("tensorflow", "jax", "torch"), devices=("cpu", "gpu")),
        "together": benchmark("together", backends=("tensorflow", "jax", "torch"), together=True),
        "plain": benchmark("plain"),
        "gpu": benchmark("gpu", backends=("jax",), devices=("gpu",)),
        "text": benchmark("text", corpus=True),
        "program": benchmark("program", programs=("no-such-program",)),
        "package": benchmark("package", packages=("no_such_package",)),
        "slow": Benchmark("slow", "Is it slow?", quick=None, default="", full=""),
    }
    monkeypatch.setattr(runner, "BENCHMARKS", known)
    both = options(backends=["tensorflow", "jax", "torch"], devices=["cpu", "gpu"])
    jobs, missing = found("each", both)
    assert jobs == [(("tensorflow",), "cpu"), (("jax",), "cpu"), (("tensorflow",), "gpu")]
    assert missing == [
        (("torch",), "missing: torch is not installed"),
        (("jax",), "missing: jax sees no GPU"),
        (("torch",), "missing: torch is not installed"),
    ]
    assert found("together", both) == (
        [(("tensorflow", "jax"), "cpu")], [(("torch",), "missing: torch is not installed")]
    )  # fmt: skip
    assert found("plain", both) == ([((), "cpu")], [])
    assert found("plain", options(devices=["gpu"])) == ([], [((), "missing: it only runs on the cpu")])
    assert found("gpu", options(devices=["cpu"])) == ([], [((), "missing: it only runs on the gpu")])
    assert found("gpu", options(devices=["gpu"], backends=["torch"])) == ([], [(("torch",), "missing: it is for jax")])
    assert found("text", both) == ([], [((), "missing: no corpus; give one with --corpus")])
    assert found("text", options(corpus=Path("text"))) == ([((), "cpu")], [])
    assert found("program", both) == ([], [((), "missing: no-such-program is not installed")])
    assert found("package", both) == ([], [((), "missing: no_such_package is not installed")])
    assert found("slow", both) == ([], [((), "missing: it has no quick form")])
    assert found("slow", options(scale="full"))[0] == [((), "cpu")]


def test_no_backend_sees_a_gpu_that_is_hidden(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    runner.sees_gpu.cache_clear()
    assert not runner.sees_gpu("jax")
    runner.sees_gpu.cache_clear()


def test_a_quick_run_has_a_default_corpus(tmp_path, monkeypatch):
    lines = runner.small_corpus(tmp_path).read_text().splitlines()
    assert (len(lines), lines[0].split()[:3]) == (300, ["hundreds", "of", "people"])

    def gone():
        raise runner.DatasetUnavailableError("gone")

    monkeypatch.setattr(runner.datasets, "lee", gone)
    assert runner.small_corpus(tmp_path) is None


# Running --------------------------------------------------------------------------------------------------------------


def test_results_of_processes_that_fail_hang_or_crash_are_kept(programs, options, tmp_path, capsys):
    assert runner.run(["bad", "crashes", "hangs", "good"], options(seconds=4.0)) == 1
    shown = capsys.readouterr().out
    rows = table_of(shown)
    assert "failed: status 1" in rows["bad"]
    assert "failed: killed by SIGSEGV" in rows["crashes"]
    assert "failed: not done in 4 s" in rows["hangs"]
    assert rows["good"].split() == ["good", "-", "cpu", rows["good"].split()[3], "done", "good.json"]
    assert "so far\nno memory\n" in shown  # the end of the log
    assert json.loads((tmp_path / "bad.json").read_text()) == json.loads((tmp_path / "crashes.json").read_text())
    assert (tmp_path / "logs" / "bad_cpu.log").read_text() == "so far\nno memory\n"
    pids = json.loads((tmp_path / "hangs.json").read_text())["pids"]
    assert not any(is_alive(pid) for pid in pids)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"logs", "bad.json", "crashes.json", "hangs.json", "good.json"}


def test_a_missing_requirement_is_not_a_failure(programs, options, monkeypatch, capsys):
    programs["missing"] = benchmark("missing", programs=("no-such-program",))
    programs["aside"] = benchmark("aside", left_out="it changes the package")
    del programs["bad"], programs["crashes"], programs["hangs"]
    assert runner.run(["all"], options()) == 0
    rows = table_of(capsys.readouterr().out)
    assert "missing: no-such-program is not installed" in rows["missing"]
    assert "missing: it changes the package" in rows["aside"]
    assert "done" in rows["good"]


def test_results_of_each_backend_and_device_have_a_name(programs, options, tmp_path, monkeypatch, capsys):
    programs["good"] = benchmark("good", backends=("jax", "tensorflow"), devices=("cpu", "gpu"))
    monkeypatch.setattr(runner, "sees_gpu", lambda backend: True)
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert runner.run(["good"], options(backends=["tensorflow", "jax"], devices=["cpu", "gpu"])) == 0
    written = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    assert written == {
        "good_tensorflow": {"backend": "tensorflow", "gpus": ""},
        "good_jax": {"backend": "jax", "gpus": ""},
        "good_tensorflow_gpu": {"backend": "tensorflow", "gpus": None},
        "good_jax_gpu": {"backend": "jax", "gpus": None},
    }


@pytest.mark.parametrize(
    ("name", "backends", "device", "stem", "kept"),
    [
        ("recurrent_devices", ("jax",), "gpu", "recurrent_devices_jax", "recurrent_devices_jax_gpu"),
        ("recurrent_devices", ("jax",), "cpu", "recurrent_devices_jax", "recurrent_devices_jax"),
        ("forecast_time", ("tensorflow",), "cpu", "forecast_time", "forecast_time_tensorflow"),
        ("word2vec", ("tensorflow", "jax"), "cpu", "word2vec", "word2vec"),
        ("word2vec_device", ("torch",), "gpu", "word2vec_device_torch", "word2vec_device_torch"),
        ("batching", (), "cpu", "batching", "batching"),
    ],
)
def test_files_are_named_by_what_they_depend_on(tmp_path, name, backends, device, stem, kept):
    folder = tmp_path / "from"
    folder.mkdir()
    (folder / f"{stem}.json").write_text("{}")
    assert runner.keep_results(Job(name, backends, device), folder, tmp_path) == [f"{kept}.json"]
    assert (tmp_path / f"{kept}.json").exists()


INTERRUPTED = """
import signal, sys
from tests.benchmarks.test_run import PROGRAMS, benchmark
from benchmarks import __main__ as runner
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start tests with SIGINT ignored
runner.BENCHMARKS = {name: benchmark(name) for name in PROGRAMS}
runner.GRACE = 0.2
runner.command_of = lambda job, options: [sys.executable, "-c", PROGRAMS[job.name]]
runner._some_of = lambda known: lambda text: text.split(",")
raise SystemExit(runner.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_child_and_prints_the_table_so_far(number, tmp_path):
    arguments = ["run", "good,hangs,bad", "--quick", "--out", str(tmp_path), "--backend", "jax", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    until = time.monotonic() + 280
    while not (started := list(tmp_path.glob(".running_*/hangs.json"))) or not started[0].read_text().endswith("}"):
        assert time.monotonic() < until
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.kill(process.pid, number)
    shown, errors = process.communicate(timeout=280)
    assert process.returncode == 130, errors
    rows = table_of(shown)
    assert list(rows) == ["good", "hangs"]
    assert "done" in rows["good"]
    assert "interrupted" in rows["hangs"]
    pids = json.loads((tmp_path / "hangs.json").read_text())["pids"]
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "word3vec", "--out", "x"], "unknown: word3vec; expected some of all, corpus_scan"),
        (["run", "all", "--out", "x", "--device", "tpu"], "unknown: tpu; expected some of cpu, gpu"),
        (
            ["run", "all", "--out", "x", "--backend", "theano"],
            "unknown: theano; expected some of tensorflow, jax, torch",
        ),
        (["run", "all", "--out", "x", "--corpus", "/nowhere"], "cannot read the corpus: /nowhere"),
        (["run", "all", "--out", "x", "--quick", "--full"], "not allowed with argument --quick"),
        (["run", "all"], "required: --out"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as error:
        runner.main()
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("statsmodels") is None, reason="the benchmark needs it")
def test_a_benchmark_runs_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "run", "forecast_baselines", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    row = table_of(done.stdout)["forecast_baselines"].split()
    assert row[4:] == ["done", "forecast_baselines_milk.json"]
    names = [each["name"] for each in json.loads((tmp_path / row[-1]).read_text())["results"]["milk"]]
    assert names == ["seasonal_naive", "holt_winters"]
