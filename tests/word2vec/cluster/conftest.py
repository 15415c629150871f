"""Fixtures of this folder."""

from tests.helpers.ray_cluster import local_cluster

__all__ = ["local_cluster"]
