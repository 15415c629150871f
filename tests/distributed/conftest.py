"""One Ray cluster on 127.0.0.1 for all tests of a process, since starting one takes seconds."""

from __future__ import annotations

import pytest

from kerazoo.distributed import ClusterOptions, session


@pytest.fixture(scope="session")
def local_cluster():
    """A session of two CPUs, which other sessions of this process join."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install kerazoo[ray]")
    with session(ClusterOptions(address="local", timeout_seconds=60)) as cluster:
        yield cluster
