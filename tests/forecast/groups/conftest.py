"""The Ray cluster of the tests of `kerazoo.distributed`."""

from __future__ import annotations

from tests.distributed.conftest import local_cluster

__all__ = ["local_cluster"]
