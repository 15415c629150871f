"""Runs that are killed go on, workers that are killed are replaced, and damaged files are made anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kerazoo.errors import ClusterError, KerazooError, StorageError
from kerazoo.forecast.groups import running, tasks
from kerazoo.forecast.groups.folder import RunFolder
from tests.forecast.groups.helpers import assert_equal, both, forecaster, series

pytest.importorskip("pyarrow")

ROOT = Path(__file__).resolve().parents[3]
FRAME = series(24)

DRIVER = """
import os, signal, sys
import pandas as pd
from kerazoo.forecast.groups import tasks
from tests.forecast.groups.helpers import forecaster

left = int(sys.argv[3])
if left >= 0:
    fit = tasks.TASKS["fit"]

    def fit_until(folder, bucket):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return fit(folder, bucket)

    tasks.TASKS["fit"] = fit_until
forecaster().fit_groups(sys.argv[1], out=sys.argv[2], buckets=6)
"""


def drive(source, out, left):
    """Another process that fits, and kills itself before a bucket; -1: it does not."""
    return subprocess.run(
        [sys.executable, "-c", DRIVER, str(source), str(out), str(left)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=300,
        check=False,
    )


def changes(folder):
    """When each file of a run was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "models").iterdir()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    FRAME.to_parquet(folder / "source.parquet", index=False)
    fitted = forecaster().fit_groups(folder / "source.parquet", out=folder / "fit", buckets=6)
    return folder / "source.parquet", both(fitted, folder / "forecasts")


def test_a_killed_run_goes_on_and_computes_nothing_twice(undisturbed, tmp_path):
    source, expected = undisturbed
    out = tmp_path / "fit"
    assert drive(source, out, 3).returncode == -signal.SIGKILL
    before = changes(out)
    assert len(before) == 3
    shared = (out / "shared-00000.kerazoo").stat().st_mtime_ns
    with pytest.raises(StorageError, match="no complete fit_groups"):
        type(forecaster()).load_groups(out)
    fitted = forecaster().fit_groups(source, out=out, buckets=6)
    after = changes(out)
    assert len(after) > 3
    assert {name: after[name] for name in before} == before
    assert (out / "shared-00000.kerazoo").stat().st_mtime_ns == shared
    assert_equal(both(fitted, tmp_path / "forecasts"), expected)


def test_workers_end_with_the_process_that_started_them(undisturbed, tmp_path):
    source, expected = undisturbed
    out = tmp_path / "fit"
    code = f"""
import os, signal
from kerazoo.forecast.groups import running
from tests.forecast.groups.helpers import forecaster

sent = running._Worker.send

def send(self, index, item):
    sent(self, index, item)
    if item["task"] == "fit" and index == 1:
        print(self._process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

running._Worker.send = send
forecaster().fit_groups({str(source)!r}, out={str(out)!r}, buckets=6, processes=2)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    for _ in range(100):
        if not is_running(int(done.stdout)):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the worker is still there")
    fitted = forecaster().fit_groups(source, out=out, buckets=6)
    assert_equal(both(fitted, tmp_path / "forecasts"), expected)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_run_that_is_complete_does_nothing(undisturbed, tmp_path, monkeypatch):
    source, _ = undisturbed
    forecaster().fit_groups(source, out=tmp_path / "fit", buckets=3)
    ran = []
    monkeypatch.setattr(running, "run_task", ran.append)
    assert forecaster().fit_groups(source, out=tmp_path / "fit", buckets=3).groups_.n_series == 24
    assert ran == []


def test_a_file_that_was_cut_is_made_anew(undisturbed, tmp_path):
    source, expected = undisturbed
    fitted = forecaster().fit_groups(source, out=tmp_path / "fit", buckets=2)
    model = tmp_path / "fit" / "models" / "bucket-00001.kerazoo"
    model.write_bytes(model.read_bytes()[:-100])
    with pytest.raises(StorageError, match=r"bucket-00001.kerazoo: is not what fit_groups wrote"):
        fitted.predict_groups(level=80, out=tmp_path / "forecasts")
    forecaster().fit_groups(source, out=tmp_path / "fit", buckets=2)
    assert_equal(both(fitted, tmp_path / "forecasts"), expected)  # which goes on


def test_a_worker_that_is_killed_is_replaced(undisturbed, tmp_path, monkeypatch):
    source, expected = undisturbed
    sent = running._Worker.send
    killed = []

    def send(self, index, item):
        sent(self, index, item)
        if item["task"] == "fit" and item["number"] in (1, 4) and item["number"] not in killed:
            killed.append(item["number"])
            time.sleep(0.05)
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(running._Worker, "send", send)
    fitted = forecaster().fit_groups(source, out=tmp_path / "fit", buckets=6, processes=2)
    assert sorted(killed) == [1, 4]
    assert_equal(both(fitted, tmp_path / "forecasts"), expected)


def test_a_task_that_kills_every_worker_ends_with_an_error(undisturbed, tmp_path, monkeypatch):
    source, expected = undisturbed
    sent = running._Worker.send

    def send(self, index, item):
        sent(self, index, item)
        if item["task"] == "fit" and item["number"] == 5:
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(running._Worker, "send", send)
    monkeypatch.setattr(running, "RETRIES", 1)
    with pytest.raises(ClusterError, match=r"2 processes were lost at the task fit 5 \(status -9"):
        forecaster().fit_groups(source, out=tmp_path / "fit", buckets=6, processes=2)
    monkeypatch.undo()
    fitted = forecaster().fit_groups(source, out=tmp_path / "fit", buckets=6)
    assert_equal(both(fitted, tmp_path / "forecasts"), expected)


def test_errors_of_tasks_come_from_other_processes():
    workers = running._Workers(2)
    with workers, pytest.raises(StorageError, match=r"nowhere: has no run.json"):
        list(workers.run([{"out": "/nowhere", "task": "fit", "number": 0}]))
    unknown = running._error_of({"type": "ZeroDivisionError", "message": "division by zero", "trace": "..."})
    assert type(unknown) is KerazooError
    assert "ZeroDivisionError: division by zero" in str(unknown)


def test_a_folder_remembers_what_is_done(tmp_path):
    identity = {"task": "fit", "buckets": 4}
    with RunFolder.open(tmp_path / "run", identity, {"seed": None}) as folder:
        pass
    with RunFolder.open(tmp_path / "run", identity, {"seed": None}) as again:
        assert again.details == folder.details
    path = folder.file("models", 3, "kerazoo")
    path.write_bytes(b"123")
    assert folder.done("fit", 3) is None
    folder.mark("fit", 3, {"n_series": 2}, [path])
    assert folder.done("fit", 3)["n_series"] == 2
    path.write_bytes(b"12")
    assert folder.done("fit", 3) is None
    note = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(note)[:-5])
    with pytest.raises(StorageError, match=r"run.json: cannot be read"):
        RunFolder.open(tmp_path / "run", identity, {"seed": None})


def test_tasks_are_limited_to_their_cores(tmp_path, monkeypatch):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("the system knows no cores of a process")
    with RunFolder.open(tmp_path / "run", {"task": "fit", "buckets": 4}, {"seed": 1}):
        pass
    seen = []
    monkeypatch.setitem(tasks.TASKS, "fit", lambda folder, number: seen.append(os.sched_getaffinity(0)) or {})
    before = os.sched_getaffinity(0)
    one = min(before)
    tasks.run_task({"out": str(tmp_path / "run"), "task": "fit", "number": 0, "cores": [one]})
    assert seen == [{one}]
    assert os.sched_getaffinity(0) == before
