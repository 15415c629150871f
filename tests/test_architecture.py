"""What may import what, what importing costs, and that the package works without TensorFlow."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kerazoo"
BACKENDS = ("tensorflow", "jax", "torch")

# layer -> what it may import of the layers. Everything may import BASE and the compiled package.
ALLOWED = {
    "errors": set(),
    "backend": set(),
    "cores": set(),
    "accelerators": set(),
    "attached": set(),
    "fingerprint": set(),
    "storage": set(),
    "text": {"storage"},
    "datasets": {"text"},
    "batching": set(),
    "word2vec": {"text", "batching", "storage", "accelerators"},
    "cells": {"accelerators"},
    "training": {"batching"},
    "zoo": {"cells", "training", "word2vec"},
    "forecast": {"cells", "evaluation", "plots", "storage", "training", "zoo"},
    "evaluation": set(),
    "plots": set(),
    "cli_tables": set(),
    "cli_forecast": {"cli_tables", "datasets", "evaluation", "forecast", "plots"},
    "cli": {"text", "datasets", "batching", "word2vec", "storage", "cli_forecast"},
}
BASE = {"errors", "backend", "cores", "fingerprint", "attached"}


def imports_of(path):
    """(module, is_top_level, line) of every import of a file; those under TYPE_CHECKING are left out."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import; the project writes imports in full"
            names = [node.module]
            if node.module == "kerazoo":
                names = [f"kerazoo.{alias.name}" for alias in node.names]
        for name in names:
            yield name, id(node) not in inside, node.lineno


def source_files():
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 10
    return files


def layer_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    layer = layer_of(path)
    if layer == "__init__":
        return  # the face: it names the layers and imports them on first use
    assert layer in ALLOWED, f"{layer}: a new layer needs an entry here that says what it may import"
    for name, _, line in imports_of(path):
        parts = name.split(".")
        if parts[0] != "kerazoo" or parts[1:2] == [layer]:
            continue
        assert len(parts) > 1, f"{path.name}:{line} imports the package's face; import the module that it needs"
        assert parts[1] in ALLOWED[layer] | BASE, f"{path.name}:{line}: {layer} may not import {parts[1]}"


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_imports_a_backend_at_its_top_but_the_fast_paths(path):
    if path.name.startswith("_") and path.stem.strip("_") in BACKENDS:
        return  # _tensorflow.py and its like: imported only where that backend runs
    for name, top, line in imports_of(path):
        assert not (top and name.split(".")[0] in BACKENDS), f"{path.name}:{line} imports {name} at its top"


def test_the_compiled_package_never_imports_kerazoo():
    sources = sorted((PACKAGE.parent / "kerazoo_ext").glob("*.pyx"))
    assert sources
    for source in sources:
        for line in source.read_text().splitlines():
            words = line.split()
            assert not (words[:1] in (["import"], ["from"], ["cimport"]) and words[1].split(".")[0] == "kerazoo"), line


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=120,
    )


def test_import_is_quick_and_brings_no_backend_and_no_matplotlib():
    code = """
import sys, time
start = time.perf_counter()
import kerazoo
took = time.perf_counter() - start
heavy = {"tensorflow", "jax", "torch", "keras", "matplotlib", "gensim", "pandas", "sklearn", "numpy"} & set(sys.modules)
print(took, sorted(heavy))
assert kerazoo.EncodedCorpus and kerazoo.Vocabulary and kerazoo.datasets.lee
heavy = {"tensorflow", "jax", "torch", "keras", "matplotlib", "gensim", "pandas", "sklearn"} & set(sys.modules)
print(sorted(heavy))
"""
    # The best of three: a busy machine may delay a process, it cannot speed one up.
    took = []
    for _ in range(3):
        done = run_python(code)
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.splitlines()
        seconds, heavy = first.split(" ", 1)
        assert heavy == "[]", f"import kerazoo brings {heavy}"
        assert second == "[]", f"the text side brings {second}"
        took.append(float(seconds))
    assert min(took) < 0.3


def test_the_estimator_is_made_and_refuses_bad_values_without_a_backend():
    code = """
import sys
import kerazoo
try:
    kerazoo.Word2Vec(window=0).fit([["a", "b"]])
except ValueError as error:
    print(error)
print({"tensorflow", "jax", "torch", "keras"} & set(sys.modules))
"""
    done = run_python(code)
    message = "window=0; expected an integer >= 1. The usual value is 5."
    assert done.stdout.splitlines() == [message, "set()"], done.stderr


def test_it_trains_where_tensorflow_is_not_installed():
    """TensorFlow is hidden by an import hook; Keras runs on JAX."""
    pytest.importorskip("jax")
    code = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
sys.meta_path.insert(0, Hidden())
import kerazoo
model = kerazoo.Word2Vec(vector_size=8, epochs=1, min_count=1, sample=0, verbose=0, seed=1)
model.fit([["a", "b", "c", "d"]] * 20)
assert model.wv["a"].shape == (8,)
assert "tensorflow" not in sys.modules
print("trained")
"""
    done = run_python(code, KERAS_BACKEND="jax")
    assert done.stdout.splitlines()[-1:] == ["trained"], done.stderr


def test_every_public_name_exists_and_unknown_ones_say_so():
    import kerazoo

    for name in kerazoo.__all__:
        assert getattr(kerazoo, name) is not None
    assert set(kerazoo.__all__) <= set(dir(kerazoo))
    with pytest.raises(AttributeError, match="no attribute 'Wrod2Vec'"):
        _ = kerazoo.Wrod2Vec
