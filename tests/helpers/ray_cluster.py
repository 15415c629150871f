"""A Ray cluster on 127.0.0.1 for the tests of a process."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def local_cluster():
    """A session of two CPUs, which other sessions of this process join; starting one takes seconds."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install kerazoo[ray]")
    from kerazoo.distributed import ClusterOptions, session

    with session(ClusterOptions(address="local", timeout_seconds=60)) as cluster:
        yield cluster
