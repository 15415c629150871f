"""Many series on a Ray cluster: the same tables, lost workers, datasets, and an address that does not answer."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from kerazoo.distributed import ClusterOptions
from kerazoo.errors import ClusterError
from kerazoo.forecast.groups import running
from tests.forecast.groups.helpers import assert_equal, both, forecaster, series, write_files

pytest.importorskip("pyarrow")

FRAME = series(20)


def killed_once(item):
    """Dies at the first bucket of each number, as a node does that is lost."""
    from kerazoo.forecast.groups.tasks import run_task

    mark = os.path.join(item["out"], f"killed-{item['number']}")
    if item["task"] == "fit" and not os.path.exists(mark):
        os.mkdir(mark)
        os.kill(os.getpid(), signal.SIGKILL)
    return run_task(item)


@pytest.mark.ray
def test_tables_are_the_same_and_lost_workers_are_replaced(local_cluster, tmp_path, monkeypatch):
    paths = write_files(FRAME, tmp_path / "source", 2)
    expected = both(forecaster().fit_groups(paths, out=tmp_path / "fit", buckets=2), tmp_path / "forecasts")
    monkeypatch.setattr(running, "run_task", killed_once)
    cluster = ClusterOptions(address="auto", retries=3)
    fitted = forecaster().fit_groups(paths, out=tmp_path / "fit2", buckets=3, cluster=cluster)
    assert len(list((tmp_path / "fit2").glob("killed-*"))) == 3
    monkeypatch.undo()
    assert_equal(both(fitted, tmp_path / "forecasts2", cluster="auto"), expected)


@pytest.mark.ray
def test_a_ray_dataset_is_a_source(local_cluster, tmp_path):
    data = pytest.importorskip("ray.data", reason="Ray's datasets are not installed: pip install 'ray[data]'")
    expected = both(forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=2), tmp_path / "forecasts")
    dataset = data.from_pandas([FRAME[:300], FRAME[300:]])
    fitted = forecaster().fit_groups(dataset, out=tmp_path / "fit2", buckets=2)
    assert_equal(both(fitted, tmp_path / "forecasts2"), expected)


def test_an_address_that_does_not_answer(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install kerazoo[ray]")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # which it may be, by other tests
    with socket.socket() as found:  # a port where nothing listens
        found.bind(("127.0.0.1", 0))
        cluster = ClusterOptions(address=f"127.0.0.1:{found.getsockname()[1]}", timeout_seconds=2)
    with pytest.raises(ClusterError, match="does not answer"):
        forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=2, cluster=cluster)
    # Nothing is lost: the same call goes on without the cluster.
    assert forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=2).groups_.n_series == 20
