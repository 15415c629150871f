"""Marks for tests that take long on one backend only."""

from __future__ import annotations

import keras
import pytest

#: On JAX every call of a layer with a loop is compiled, so there these tests run in `make test-slow` only.
slow_on_jax = pytest.mark.slow if keras.backend.backend() == "jax" else lambda test: test
#: The same for a case of `pytest.param(..., marks=...)`.
slow_on_jax_marks = [pytest.mark.slow] if keras.backend.backend() == "jax" else []
