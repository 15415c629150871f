"""Sources of many series: files that vanish or are cut, datasets, and memory that does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.groups import partition
from kerazoo.forecast.groups.partition import partition_shard, read_bucket, read_sample
from kerazoo.forecast.groups.sources import describe, read_source
from tests.forecast.groups.helpers import assert_equal, both, forecaster, series, write_files

pytest.importorskip("pyarrow")

FRAME = series(20)


def test_whole_series_are_in_one_bucket(tmp_path, monkeypatch):
    monkeypatch.setattr(partition, "MOST_ROWS", 50)  # several groups of rows of each bucket
    paths = write_files(FRAME.sample(frac=1.0, random_state=2), tmp_path / "source", 4)
    source = read_source(paths)
    files = [tmp_path / f"shard-{shard}" for shard in range(4)]
    rows = [partition_shard(source, shard, 5, files[shard], 3)["rows"] for shard in range(4)]
    assert sum(rows) == len(FRAME)
    found = [read_bucket(files, bucket) for bucket in range(5)]
    owners = {}
    for bucket, frame in enumerate(found):
        for label in frame["unique_id"].unique():
            assert owners.setdefault(label, bucket) == bucket
    whole = pd.concat(found).sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(whole, FRAME.sort_values(["unique_id", "ds"], ignore_index=True))
    sample = read_sample(files, 3, 10_000)
    assert sample["unique_id"].nunique() == 3
    assert set(read_sample(files, 2, 10_000)["unique_id"]) < set(sample["unique_id"])
    assert read_sample(files, 3, 60)["unique_id"].nunique() < 3  # of long series fewer


def test_a_file_that_vanishes_or_is_cut_is_named_and_nothing_is_lost(tmp_path):
    paths = write_files(FRAME, tmp_path / "source", 3)
    expected = both(forecaster().fit_groups(paths, out=tmp_path / "whole", buckets=2), tmp_path / "p")
    content = paths[2].read_bytes()
    changed = paths[2].stat()
    source = read_source(paths)
    out = tmp_path / "shard"

    def refused(message):
        with pytest.raises(StorageError, match=message):
            partition_shard(source, 2, 2, out, 5)
        assert list(tmp_path.glob("shard*")) == []

    paths[2].unlink()
    refused(r"part-2.parquet: cannot be read \(No such file or directory\), but it was there when the run began")
    paths[2].write_bytes(content[:-20])
    refused(r"part-2.parquet: \d+ bytes, changed since the run began")
    paths[2].write_bytes(content[:200] + bytes(len(content) - 200))
    os.utime(paths[2], ns=(changed.st_atime_ns, changed.st_mtime_ns))  # as a disk does that loses a part
    refused(r"part-2.parquet: cut short or damaged, or no parquet file")
    with pytest.raises(StorageError, match=r"part-2.parquet: cut short or damaged"):
        forecaster().fit_groups(paths, out=tmp_path / "fit", buckets=2)
    paths[2].write_bytes(content)
    os.utime(paths[2], ns=(changed.st_atime_ns, changed.st_mtime_ns))
    assert_equal(both(forecaster().fit_groups(paths, out=tmp_path / "fit", buckets=2), tmp_path / "q"), expected)


def test_the_run_goes_on_when_a_file_is_back(tmp_path, monkeypatch):
    paths = write_files(FRAME, tmp_path / "source", 3)
    away = tmp_path / "away.parquet"
    real = partition.tables_of

    def tables_of(source, shard):
        if shard == 1:
            os.replace(paths[1], away)  # after the look at all files
        return real(source, shard)

    monkeypatch.setattr(partition, "tables_of", tables_of)
    with pytest.raises(StorageError, match=r"part-1.parquet.*Restore the file and call again"):
        forecaster().fit_groups(tmp_path / "source", out=tmp_path / "fit", buckets=2)
    monkeypatch.undo()
    first = (tmp_path / "fit" / "source" / "shard-00000.parquet").stat().st_mtime_ns
    with pytest.raises(InvalidArgumentError, match=r"had the file .*part-1"):  # two files are another source
        forecaster().fit_groups(tmp_path / "source", out=tmp_path / "fit", buckets=2)
    os.replace(away, paths[1])
    found = forecaster().fit_groups(tmp_path / "source", out=tmp_path / "fit", buckets=2)
    assert found.groups_.n_series == 20
    assert (tmp_path / "fit" / "source" / "shard-00000.parquet").stat().st_mtime_ns == first


def test_sources_are_looked_at(tmp_path):
    paths = write_files(FRAME, tmp_path / "source", 2)
    assert describe(read_source(tmp_path / "source").note).startswith("2 files")
    assert describe(read_source(FRAME).note) == f"a frame of {len(FRAME)} rows"
    assert read_source(FRAME).note == read_source(FRAME.copy()).note
    assert read_source(FRAME).note != read_source(FRAME.assign(y=FRAME["y"] + 1)).note
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidArgumentError, match=r"has no files \*.parquet"):
        read_source(tmp_path / "empty")
    with pytest.raises(StorageError, match=r"nothing.parquet: does not exist"):
        read_source([*paths, tmp_path / "nothing.parquet"])
    with pytest.raises(InvalidArgumentError, match="expected a local path"):
        read_source("s3://somewhere/else")
    with pytest.raises(InvalidArgumentError, match="source is a int"):
        read_source(3)
    with pytest.raises(InvalidArgumentError, match="has no rows"):
        read_source(FRAME[:0])
    FRAME.assign(price=1.0).to_parquet(tmp_path / "source" / "part-9.parquet", index=False)
    with pytest.raises(InvalidArgumentError, match=r"part-9.parquet has the columns .*price \(double\)"):
        read_source(tmp_path / "source")
    mixed = FRAME.assign(y=[1.0, "two"] * (len(FRAME) // 2) + [3.0] * (len(FRAME) % 2))
    with pytest.raises(InvalidArgumentError, match="no type that files can hold"):
        partition_shard(read_source(mixed), 0, 2, tmp_path / "a", 5)
    unknown = FRAME.assign(unique_id=FRAME["unique_id"].where(FRAME.index != 3))
    with pytest.raises(InvalidArgumentError, match="unique_id is missing in 1 rows"):
        partition_shard(read_source(unknown), 0, 2, tmp_path / "b", 5)


def test_frames_of_polars_and_pyarrow(tmp_path):
    import pyarrow as pa

    expected = both(forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=2), tmp_path / "p")
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    found = both(forecaster().fit_groups(table, out=tmp_path / "fit2", buckets=2), tmp_path / "p2")
    assert_equal([found[0][["forecast"]]], [expected[0][["forecast"]]])


def test_without_pyarrow_the_extra_is_named(tmp_path):
    code = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyarrow":
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")
sys.meta_path.insert(0, Hidden())
from kerazoo import Forecaster
try:
    Forecaster(epochs=0).fit_groups("source", out="out")
except ImportError as error:
    print(type(error).__name__, error)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.stdout.startswith("MissingPackageError fit_groups needs the package pyarrow"), done.stderr
    assert 'pip install "kerazoo[parquet]"' in done.stdout
    assert list(tmp_path.iterdir()) == []


class _Dataset:
    """What is used of a `ray.data.Dataset`."""

    def __init__(self, frame):
        self.frame = frame

    def schema(self):
        import pyarrow as pa

        return pa.Schema.from_pandas(self.frame, preserve_index=False)

    def iter_batches(self, *, batch_size, batch_format):
        import pyarrow as pa

        assert batch_format == "pyarrow"
        for first in range(0, len(self.frame), 100):
            yield pa.Table.from_pandas(self.frame[first : first + 100], preserve_index=False)


def test_batches_of_a_dataset(tmp_path):
    expected = both(forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=2), tmp_path / "p")
    dataset = forecaster().fit_groups(_Dataset(FRAME), out=tmp_path / "fit2", buckets=3)
    assert_equal(both(dataset, tmp_path / "p2"), expected)


def test_memory_does_not_grow_with_the_source(tmp_path, monkeypatch):
    """Python's own allocations; pyarrow's are limited by MOST_ROWS."""
    monkeypatch.setattr(partition, "MOST_ROWS", 5_000)
    monkeypatch.setattr("kerazoo.forecast.groups.sources.ROWS", 5_000)
    peaks = []
    for n_series in (500, 5_000):
        path = tmp_path / f"{n_series}.parquet"
        dates = pd.date_range("2020-01-01", periods=20)
        labels = np.repeat([f"shop {number}" for number in range(n_series)], 20)
        frame = pd.DataFrame({"unique_id": labels, "ds": np.tile(dates, n_series), "y": np.arange(20.0 * n_series)})
        frame.to_parquet(path, index=False)
        source = read_source(path)
        del frame, labels
        tracemalloc.start()
        partition_shard(source, 0, 8, tmp_path / f"shard-{n_series}", 50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 200_000
