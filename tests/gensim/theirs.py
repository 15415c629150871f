"""The own test of gensim for `Word2Vec`, with the class replaced by kerazoo's.

    python -m tests.gensim.theirs [name of a test ...]

The test file comes with gensim; nothing of it is copied here. Some installations leave gensim's tests or their data
out; then there is nothing to run.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import types
import unittest
from pathlib import Path

import gensim.models
import gensim.test.utils

from kerazoo.gensim import Word2Vec

# Tests that draw, and fail now and then: they get three attempts. docs/gensim.md has the same list.
RANDOM = {"test_parallel": "ranks one word among the neighbours of another; fails in 6 of 50 runs, with gensim in 7"}


def missing() -> str:
    """Why the tests cannot run here; empty if they can."""
    if not test_file().is_file():
        return "this installation of gensim has no gensim/test/test_word2vec.py"
    if not Path(gensim.test.utils.datapath("lee_background.cor")).is_file():
        return "this installation of gensim has no test data"
    return ""


def test_file() -> Path:
    """The path of the test of `Word2Vec` in gensim."""
    return Path(gensim.test.utils.__file__).with_name("test_word2vec.py")


test_file.__test__ = False


def load() -> types.ModuleType:
    """The test module of gensim, whose name `word2vec` is a module with kerazoo's class."""
    original = gensim.models.word2vec
    shim = types.ModuleType("gensim.models.word2vec")
    shim.__dict__.update(original.__dict__, Word2Vec=Word2Vec)
    spec = importlib.util.spec_from_file_location("tests.gensim.loaded_test_word2vec", test_file())
    module = importlib.util.module_from_spec(spec)
    stub = _without_testfixtures()
    sys.modules.update(stub)
    gensim.models.word2vec = shim
    try:
        spec.loader.exec_module(module)
    finally:
        gensim.models.word2vec = original
        for name in stub:
            del sys.modules[name]
    return module


def _without_testfixtures() -> dict[str, types.ModuleType]:
    """A replacement of `testfixtures`, of which gensim's tests use one decorator, where it is not installed."""
    if importlib.util.find_spec("testfixtures") is not None:
        return {}

    class Lines(logging.Handler):
        def __init__(self):
            super().__init__()
            self.lines = []

        def emit(self, record):
            self.lines.append(record.getMessage())

        def __str__(self):
            return "\n".join(self.lines)

    def log_capture():
        def decorate(function):
            def wrapped(*arguments):
                lines, root = Lines(), logging.getLogger()
                level = root.level
                root.addHandler(lines)
                root.setLevel(logging.INFO)
                try:
                    return function(*arguments, lines)
                finally:
                    root.removeHandler(lines)
                    root.setLevel(level)

            wrapped.__name__ = function.__name__
            return wrapped

        return decorate

    module = types.ModuleType("testfixtures")
    module.log_capture = log_capture
    return {"testfixtures": module}


def cases(module: types.ModuleType) -> dict[str, unittest.TestCase]:
    """The tests of the module that concern the class, by name."""
    found = {}
    for kind in (module.TestWord2VecModel, module.TestWMD, module.TestWord2VecSentenceIterators):
        for name in unittest.defaultTestLoader.getTestCaseNames(kind):
            found[name] = kind(name)
    return found


def failures(found: dict[str, unittest.TestCase], names: list[str]) -> dict[str, str]:
    """Run these tests; name -> message of those that failed, or of what they raised."""
    problems = {}
    for name in names:
        for _ in range(3 if name in RANDOM else 1):
            result = unittest.TestResult()
            found[name].run(result)
            bad = [*result.failures, *result.errors]
            if not bad:
                problems.pop(name, None)
                break
            problems[name] = bad[0][1]
    return problems


def main() -> int:
    """Run the tests that the command line names, or all; returns the number of failures."""
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return 0
    found = cases(load())
    names = sys.argv[1:] or list(found)
    problems = failures(found, names)
    for name, text in problems.items():
        print(f"{name}\n{text}")
    print(f"{len(names)} tests, {len(problems)} failed")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main())
