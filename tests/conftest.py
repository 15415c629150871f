"""What all tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

# Before Keras is imported anywhere: no greetings of TensorFlow, and the default backend unless one is asked for.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# JAX compiles the same small functions again for each model. What it has compiled is kept until the tests end: in a
# folder for each worker of pytest-xdist, as JAX does not write these files atomically.
if os.environ["KERAS_BACKEND"] == "jax":
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        compiled = tempfile.mkdtemp(prefix="kerazoo-jax-")
        atexit.register(shutil.rmtree, compiled, ignore_errors=True)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    os.environ["JAX_COMPILATION_CACHE_DIR"] += os.sep + os.environ.get("PYTEST_XDIST_WORKER", "")

import pytest


@pytest.fixture
def keras_settings():
    """`keras.config`, whose floatx and dtype policy are restored after the test."""
    import keras

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    yield keras.config
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


def pytest_collection_finish(session):
    """Quick tests run a graph a few times, which is not worth optimizing; slow ones run those that are optimized."""
    if "tensorflow" in sys.modules and "not slow" in session.config.option.markexpr:
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_ignore_collect(collection_path, config):
    """With `-m "backend and ..."`, files without that marker are not imported: all they have would be deselected."""
    if not config.option.markexpr.startswith("backend and ") or not collection_path.match("test_*.py"):
        return None
    return True if "mark.backend" not in collection_path.read_text(encoding="utf-8") else None
