"""The examples in the docstrings run, and every public name has a docstring."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import signal

import pytest

import kerazoo

BACKEND_MODULES = {"kerazoo.word2vec.keras._tensorflow", "kerazoo.training._tensorflow", "kerazoo.training._jax",
                   "kerazoo.training._jax_distribution"}  # fmt: skip
# These are looked at where their package is installed; it is not among those for development.
BACKEND_MODULES |= {
    module
    for module, package in {
        "kerazoo.training._torch": "torch",
        "kerazoo.word2vec.gpu._torch": "torch",
        "kerazoo.word2vec.gpu.kernels._torch": "triton",
    }.items()
    if importlib.util.find_spec(package) is None
}
MODULES = ["kerazoo"] + [
    module.name for module in pkgutil.walk_packages(kerazoo.__path__, "kerazoo.") if module.name not in BACKEND_MODULES
]
FACES = ("kerazoo", *(f"kerazoo.{name}" for name in (
    "batching", "cells", "datasets", "devices", "forecast", "forecast.generators", "forecast.statistics",
    "forecast.transforms", "metrics", "plots", "text", "training", "word2vec", "zoo",
)))  # fmt: skip
# Base classes, and values that functions return: their subclasses and these functions have the examples.
NO_EXAMPLE = {
    "CellInfo", "LayerCard", "ModelCard", "RecurrentCell", "ResumableDataset", "Transform", "WrapperCell", "card",
    "check_length", "register_transform", "unregister_cell",
}  # fmt: skip


@pytest.fixture
def interruptible():
    """Where tests run in the background, the shell has them ignore Ctrl-C, which one of the examples is about."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("face", FACES)
def test_public_names_have_an_example(face):
    module = importlib.import_module(face)
    for name in module.__all__:
        thing = getattr(module, name)
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and name not in NO_EXAMPLE:
            assert ">>> " in (thing.__doc__ or ""), f"{face}.{name} has no example"


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        thing = getattr(module, public)
        # Names of other libraries, such as those of gensim that kerazoo.gensim passes on, are documented there.
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__.startswith("kerazoo"):
            assert thing.__doc__, f"{name}.{public}"
