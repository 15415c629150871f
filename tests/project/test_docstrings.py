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

BACKEND_MODULES = {"kerazoo.word2vec.keras._tensorflow", "kerazoo.training._tensorflow", "kerazoo.training._jax"}
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
WITH_EXAMPLES = {
    "kerazoo.word2vec.estimator",
    "kerazoo.word2vec.keras.losses",
    "kerazoo.word2vec.keras.model",
    "kerazoo.batching.skipgram",
    "kerazoo.batching.blocks",
    "kerazoo.batching.sequences",
    "kerazoo.text.vocabulary",
    "kerazoo.text.corpus",
    "kerazoo.cells.families.minimal",
    "kerazoo.cells.recurrent",
    "kerazoo.zoo.builders",
    "kerazoo.zoo.generation",
    "kerazoo.zoo.names",
    "kerazoo.training.fitting",
    "kerazoo.cells.bidirectional",
    "kerazoo.datasets.milk",
    "kerazoo.datasets.sine",
    "kerazoo.metrics",
    "kerazoo.forecast.transforms.autoregression",
    "kerazoo.forecast.baselines",
    "kerazoo.forecast.data.calendar",
    "kerazoo.forecast.transforms.selection",
    "kerazoo.forecast.ensemble",
    "kerazoo.forecast.forecaster",
    "kerazoo.forecast.data.index",
    "kerazoo.forecast.data.future",
    "kerazoo.forecast.data.panel",
    "kerazoo.forecast.data.read",
    "kerazoo.forecast.data.write",
    "kerazoo.forecast.transforms.smoothing",
    "kerazoo.forecast.transforms.chain",
    "kerazoo.forecast.transforms.detrend",
    "kerazoo.forecast.transforms.difference",
    "kerazoo.forecast.transforms.per_day",
    "kerazoo.forecast.transforms.power",
    "kerazoo.forecast.transforms.registry",
    "kerazoo.forecast.transforms.scaling",
    "kerazoo.cli.forecast_options",
    "kerazoo.plots",
}


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
    if name in WITH_EXAMPLES:
        assert result.attempted > 0


def test_the_modules_with_examples_exist():
    assert set(MODULES) >= WITH_EXAMPLES


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, f"{name}.{public}"
