"""Sessions on a local Ray cluster: tasks, their errors, lost workers, and what is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kerazoo.distributed import ClusterOptions, as_options, session
from kerazoo.errors import ClusterError, CorpusError, InvalidArgumentError


def squared(number):
    if number < 0:
        raise CorpusError(f"number={number}; expected one >= 0.")
    return number * number


def killed_once(path):
    """Dies at the first call."""
    if not os.path.exists(path):
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@pytest.mark.ray
class TestOnACluster:
    def test_map_yields_all_results_with_their_numbers(self, local_cluster):
        assert sorted(local_cluster.map(squared, list(range(7)), in_flight=2)) == [(i, i * i) for i in range(7)]

    def test_an_error_of_a_task_is_raised_as_it_was(self, local_cluster):
        with pytest.raises(CorpusError, match=r"number=-1; expected one >= 0\."):
            list(local_cluster.map(squared, [1, -1]))

    def test_a_task_is_repeated_after_its_worker_was_killed(self, local_cluster, tmp_path):
        assert list(local_cluster.map(killed_once, [str(tmp_path / "mark")])) == [(0, "done")]

    def test_a_worker_that_dies_always_is_an_error(self, local_cluster):
        with pytest.raises(ClusterError, match="a worker or a node was lost"):
            list(local_cluster.map(os._exit, [1]))

    def test_the_cluster_listens_on_loopback_only(self, local_cluster):
        assert {node["NodeManagerAddress"] for node in local_cluster.nodes()} == {"127.0.0.1"}

    def test_nodes_are_described(self, local_cluster, tmp_path):
        (node,) = local_cluster.check_nodes(tmp_path)
        assert node["has_folder"]
        assert node["instruction_set"] in ("plain", "avx2", "avx512", "avx512_bf16")

    def test_a_folder_that_a_node_does_not_see(self, local_cluster, tmp_path):
        with pytest.raises(ClusterError, match="does not see the folder"):
            local_cluster.check_nodes(tmp_path / "elsewhere")

    def test_another_version_on_a_node(self, local_cluster, monkeypatch):
        import kerazoo.distributed.connection as module

        here = module.describe(None)
        # The probe runs where this process has not changed anything.
        monkeypatch.setattr(module, "describe_here", lambda: {**here, "version": "0.0.1"})
        with pytest.raises(ClusterError, match=r"has kerazoo .*, this process 0\.0\.1"):
            local_cluster.check_nodes()

    def test_a_wait_longer_than_ray_can_count(self, local_cluster):
        with session(ClusterOptions(timeout_seconds=1e30)) as inner:
            assert inner.check_nodes()

    def test_cpus_that_other_work_holds(self, local_cluster):
        class Holder:
            def ready(self):
                return True

        ray = local_cluster.ray
        holder = ray.remote(num_cpus=local_cluster.n_cpus())(Holder).remote()
        ray.get(holder.ready.remote())
        try:
            with (
                session(ClusterOptions(timeout_seconds=0.5)) as inner,
                pytest.raises(ClusterError, match="other work holds the CPUs"),
            ):
                list(inner.map(squared, [1]))
        finally:
            ray.kill(holder)

    def test_a_session_inside_a_session_joins_it(self, local_cluster):
        with session(ClusterOptions(address="auto")) as inner:
            assert not inner.started
        assert local_cluster.ray.is_initialized()


@pytest.mark.ray
def test_an_address_that_does_not_answer(monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    if ray.is_initialized():
        pytest.skip("this process is connected to a cluster already")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ClusterError, match="does not answer"), session(ClusterOptions(address=address)):
        pass
    with pytest.raises(ClusterError, match="expected HOST:PORT"), session(ClusterOptions(address="127.0.0.1")):
        pass
    monkeypatch.setenv("RAY_ADDRESS", address)  # Ray itself would wait for minutes
    with pytest.raises(ClusterError, match=r"\(RAY_ADDRESS\) does not answer"), session(ClusterOptions()):
        pass


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"workers": 0}, "workers=0"),
        ({"threads": 1.5}, "threads=1.5"),
        ({"address": ""}, "address=''"),
        ({"sync_words": 100}, "sync_words=100"),
        ({"merge": "median"}, "merge='median'"),
        ({"wire": "int8"}, "wire='int8'"),
        ({"retries": -1}, "retries=-1"),
        ({"timeout_seconds": 0}, "timeout_seconds=0"),
        ({"simulate": 2, "workers": 2}, "expected one of them"),
        ({"folder": 3}, "folder=3"),
        ({"folder": ""}, "folder=''"),
        ({"folder": "a\0b"}, "folder='a"),
    ],
)
def test_values_that_are_not_allowed(values, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ClusterOptions(**values)


def test_what_cluster_takes():
    options = ClusterOptions(workers=2)
    assert as_options(options) is options
    assert as_options("10.0.0.5:6379").address == "10.0.0.5:6379"
    with pytest.raises(InvalidArgumentError, match="cluster=3 is of type int"):
        as_options(3)


def test_simulation_needs_no_session():
    with pytest.raises(InvalidArgumentError, match="simulate=2"), session(ClusterOptions(simulate=2)):
        pass


SIGNALS = """
import signal
from kerazoo.distributed import ClusterOptions, session
handler = lambda *_: None
signal.signal(signal.SIGTERM, handler)
with session(ClusterOptions("local")):
    pass
assert signal.getsignal(signal.SIGTERM) is handler
"""


@pytest.mark.ray
def test_a_program_keeps_its_handler_of_sigterm():
    pytest.importorskip("ray", reason="Ray is not installed")
    subprocess.run([sys.executable, "-c", SIGNALS], check=True, timeout=280)
