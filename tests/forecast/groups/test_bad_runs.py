"""Folders and sources that `fit_groups` refuses, each with an error that says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.groups.folder import RunFolder
from kerazoo.forecast.groups.sources import read_source
from tests.forecast.groups.helpers import forecaster, series, write_files

pytest.importorskip("pyarrow")

FRAME = series(3)


def fitted(out, frame=FRAME):
    return forecaster().fit_groups(frame, out=out, buckets=2)


def refused(message, kind, call, *arguments, **named):
    with pytest.raises(kind, match=message):
        call(*arguments, **named)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (pd.date_range("2024-01-01", periods=len(FRAME)), "unique_id has the type timestamp"),
        ([[1]] * len(FRAME), "no type that files can hold"),
        (["a\ud800"] * len(FRAME), "no type that files can hold"),
        ([1, *["a"] * (len(FRAME) - 1)], "no type that files can hold"),
        ([None, *["a"] * (len(FRAME) - 1)], "unique_id is missing in 1 rows"),
        (np.ones(len(FRAME), np.float32), "unique_id has the type float; expected text or integers"),
    ],
)
def test_names_of_wrong_types_leave_nothing_behind(ids, message, tmp_path):
    ids = pd.Series(ids, dtype=object if isinstance(ids, list) else None)
    refused(message, InvalidArgumentError, fitted, tmp_path / "out", FRAME.assign(unique_id=ids))
    left = {file.name for file in (tmp_path / "out").glob("*")}
    assert left <= {"lock"}


def test_the_folder_of_a_call_with_wrong_data_is_free_for_the_right_ones(tmp_path):
    out = tmp_path / "out"
    refused("expected numbers", InvalidArgumentError, fitted, out, FRAME.assign(y="x"))
    fitted(out)
    noted = (out / "run.json").read_text()
    refused("another folder", InvalidArgumentError, fitted, out, FRAME.assign(y=1.0))
    assert (out / "run.json").read_text() == noted
    assert Forecaster.load_groups(out).groups_.n_series == 3


@pytest.mark.parametrize("label", ["__bucket", "y"])
def test_columns_that_are_there_twice_or_reserved(label, tmp_path):
    columns = pd.concat([FRAME, pd.Series(1.0, FRAME.index, name=label)], axis=1)
    refused(f"column.* '{label}'", InvalidArgumentError, fitted, tmp_path / "out", columns)


def test_paths_that_are_none(tmp_path):
    for path in ("", "a\0b"):
        refused("expected the path of a parquet file", InvalidArgumentError, read_source, path)
        refused("expected the path of a folder", InvalidArgumentError, fitted, path)
    refused("pd.concat joins several", InvalidArgumentError, read_source, [FRAME])
    paths = write_files(FRAME, tmp_path / "source", 2)
    refused("part-0.parquet twice", InvalidArgumentError, read_source, [tmp_path / "source", paths[0]])
    FRAME.to_csv(tmp_path / "sales.csv")
    refused("read_csv", StorageError, read_source, tmp_path / "sales.csv")


def test_results_are_not_written_where_the_source_is_read(tmp_path):
    write_files(FRAME, tmp_path / "source", 2)
    for out in ("source", "source/out"):
        refused("is in the folder source=", InvalidArgumentError, fitted, tmp_path / out, str(tmp_path / "source"))
    assert len(list((tmp_path / "source").iterdir())) == 2
    for _ in range(2):  # hidden folders are not read
        fitted(tmp_path / "source" / "_fit", tmp_path / "source")


def test_a_file_that_is_gone_or_new_is_named(tmp_path):
    paths = write_files(FRAME, tmp_path / "source", 3)
    fitted(tmp_path / "fit", tmp_path / "source")
    content = paths[1].read_bytes()
    paths[1].unlink()
    refused("run that had the file .*part-1", InvalidArgumentError, fitted, tmp_path / "fit", tmp_path / "source")
    (tmp_path / "source" / "new.parquet").write_bytes(content)
    paths[1].write_bytes(content)
    refused("had not the file .*new.parquet", InvalidArgumentError, fitted, tmp_path / "fit", tmp_path / "source")


def test_folders_of_other_versions_and_damaged_notes(tmp_path):
    out = tmp_path / "fit"
    fitted(out)
    note = out / "run.json"
    right = json.loads(note.read_text())
    identity, details = right["identity"], right["details"]
    other = {**identity, "params": {**identity["params"], "unknown": 1}}
    for changed, message in (
        ({**right, "identity": {**identity, "version": 2}}, "another version of kerazoo"),
        ({**right, "identity": other}, "another version of kerazoo"),
        ({**right, "identity": {"version": 1}}, "damaged"),
        ({**right, "identity": []}, "damaged"),
        ({**right, "details": {}}, "damaged"),
        ([], "damaged"),
    ):
        note.write_text(json.dumps(changed))
        refused(message, StorageError, Forecaster.load_groups, out)
    note.write_text(json.dumps({**right, "details": details}))
    (out / "complete.json").write_text("{}")
    refused("has no complete fit_groups", StorageError, Forecaster.load_groups, out)
    fitted(out)  # goes on
    assert Forecaster.load_groups(out).groups_.n_series == 3


HOLDER = """
import sys
from kerazoo.forecast.groups.folder import RunFolder
with RunFolder.open(sys.argv[1], {"task": "fit", "buckets": 2}, {"seed": 1}):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_two_calls_in_one_folder_and_a_kill(tmp_path):
    out = tmp_path / "out"
    root = Path(__file__).resolve().parents[3]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"ready\n"
        identity = {"task": "fit", "buckets": 2}
        refused("another call writes to it", StorageError, RunFolder.open, out, identity, {"seed": 1})
        holder.kill()
        holder.wait()
        with RunFolder.open(out, identity, {"seed": 1}) as folder:
            assert folder.details["seed"] == 1
        with RunFolder.open(out, identity, {"seed": 1}):
            pass


def test_a_series_may_have_any_name(tmp_path):
    names = ["(all other series)", "a/../b", ""]
    found = fitted(tmp_path / "fit", FRAME.assign(unique_id=FRAME["unique_id"].map(dict(zip(
        FRAME["unique_id"].unique(), names, strict=True)))))  # fmt: skip
    assert (found.groups_.n_series, found.groups_.n_failed) == (3, 0)


def test_when_no_series_has_a_forecast_there_is_a_warning(tmp_path):
    future = pd.DataFrame({"unique_id": ["another"], "ds": [pd.Timestamp("2030-01-01")], "price": [1.0]})
    known = fitted(tmp_path / "fit", FRAME.assign(price=np.arange(float(len(FRAME))) % 5))
    with pytest.warns(UserWarning, match="none of 3 series has a result.*X_future lacks"):
        found = known.predict_groups(X_future=future, out=tmp_path / "forecasts")
    assert (found.n_series, len(found.errors)) == (0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(tmp_path / "other").predict_groups(out=tmp_path / "others")


def test_names_to_read_are_a_list(tmp_path):
    found = fitted(tmp_path / "fit").predict_groups(out=tmp_path / "forecasts")
    for ids in ("shop 1", 1):
        refused("expected a list", InvalidArgumentError, found.read, ids)
    assert len(found.read(["shop 1"])) == 6
