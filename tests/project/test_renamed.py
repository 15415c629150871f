"""Module names of version 0.1 still work, and warn with the new name."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from kerazoo._renamed import RENAMED


@pytest.mark.parametrize("new", sorted({new for names in RENAMED.values() for new in names}))
def test_the_new_modules_exist(new):
    importlib.import_module(f"kerazoo.{new}")


@pytest.mark.parametrize("old", sorted(RENAMED))
def test_an_old_name_is_the_new_module(old):
    sys.modules.pop(f"kerazoo.{old}", None)
    new = importlib.import_module(f"kerazoo.{RENAMED[old][0]}")
    spec, module = new.__spec__, None
    with pytest.warns(DeprecationWarning, match=rf"kerazoo\.{old} is deprecated.*use kerazoo\.{RENAMED[old][0]}\."):
        module = importlib.import_module(f"kerazoo.{old}")
    assert new.__spec__ is spec
    for name in new.__all__:
        assert getattr(module, name) is getattr(new, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = module.nonsense


@pytest.mark.parametrize("module", ["plan", "training"])
def test_modules_of_a_renamed_package_are_the_new_ones(module):
    """Not second copies of them, with other classes."""
    with pytest.warns(DeprecationWarning, match=rf"use kerazoo\.word2vec\.gpu\.{module}\."):
        old = importlib.import_module(f"kerazoo.word2vec.device.{module}")
    new = importlib.import_module(f"kerazoo.word2vec.gpu.{module}")
    for name in new.__all__:
        assert getattr(old, name) is getattr(new, name)


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("kerazoo.cores.nonsense")


def test_in_a_fresh_process():
    code = """
import warnings
warnings.simplefilter("error", DeprecationWarning)
import kerazoo
try:
    from kerazoo.evaluation import mase
except DeprecationWarning as warning:
    print(warning)
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as caught:
    from kerazoo.evaluation.forecasts import mase
    print(mase.__module__, len(caught), {w.filename for w in caught})
    print(kerazoo.evaluation.rmse.__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "kerazoo.evaluation is deprecated and will be removed in version 0.3; use kerazoo.metrics.",
        "kerazoo.metrics 2 {'<string>'}",
        "kerazoo.metrics",
    ], done.stderr
