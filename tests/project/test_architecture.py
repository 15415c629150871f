"""Which room may import which, no circles between files, what importing costs, and that TensorFlow is optional."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "kerazoo"
BACKENDS = ("tensorflow", "jax", "torch")

# Room -> the rooms that it may import. A room is a module or a package; a file belongs to the longest name that fits.
# The table is ordered from the ground floor up, and a room may only name rooms above it in the table, so that no import
# can run upwards. Every room may import the foundation.
FOUNDATION = ("errors", "_validation", "_runtime", "_columns", "_pandas_axis", "_keras_objects")
ALLOWED = {
    "errors": (),
    "_validation": (),
    "_runtime": (),
    "_columns": (),
    "_pandas_axis": (),
    "_keras_objects": (),
    "_presets": (),
    "devices": (),
    "distributed": (),
    "metrics": (),
    "plots": (),
    "text": (),
    "datasets": ("text",),
    "batching": ("text",),
    "cells.base": (),
    "cells.scan": (),
    "cells._jax_loop": (),
    "cells._tensorflow_loop": (),
    "cells.loop": ("cells._jax_loop", "cells._tensorflow_loop"),
    "cells.steps": ("cells.base", "cells.loop"),
    "cells.registry": ("cells.base",),
    "cells.wrappers": ("cells.base", "cells.scan"),
    "cells.families": ("cells.base", "cells.scan", "cells.registry"),
    "cells": (
        "cells.base", "cells.scan", "cells.loop", "cells.steps", "cells.registry", "cells.wrappers", "cells.families",
    ),
    "training": ("batching", "cells.steps"),
    "word2vec.hierarchy": (),
    "word2vec.results": ("word2vec.hierarchy",),
    "word2vec.pooling": ("text",),
    "word2vec.neighbours": ("text",),
    "word2vec.options": ("batching", "word2vec.pooling", "word2vec.results"),
    "word2vec.subwords": ("word2vec.results",),
    "word2vec.subword_options": ("word2vec.options", "word2vec.subwords"),
    "word2vec.vocabulary_update": (
        "text", "batching", "word2vec.hierarchy", "word2vec.results", "word2vec.options", "word2vec.subwords",
    ),
    "word2vec.io": (
        "text", "word2vec.pooling", "word2vec.neighbours", "word2vec.hierarchy", "word2vec.results",
        "word2vec.options", "word2vec.subwords",
    ),
    "word2vec.keras": ("text", "batching", "word2vec.results"),
    "word2vec.gpu": ("text", "batching", "word2vec.results", "word2vec.options", "word2vec.keras"),
    "word2vec.engines": (
        "text", "batching", "word2vec.hierarchy", "word2vec.results", "word2vec.options", "word2vec.subwords",
        "word2vec.subword_options", "word2vec.io", "word2vec.keras", "word2vec.gpu",
    ),
    "word2vec.cluster": (
        "distributed", "text", "batching", "word2vec.hierarchy", "word2vec.results", "word2vec.options",
        "word2vec.subwords", "word2vec.subword_options", "word2vec.io", "word2vec.engines",
    ),
    "word2vec.exchange": (
        "text", "batching", "word2vec.results", "word2vec.options", "word2vec.vocabulary_update", "word2vec.io",
        "word2vec.keras",
    ),
    "word2vec": (
        "distributed", "word2vec.cluster", "word2vec.exchange", "text", "batching",
        "word2vec.pooling", "word2vec.neighbours", "word2vec.hierarchy", "word2vec.results",
        "word2vec.options", "word2vec.subwords", "word2vec.subword_options",
        "word2vec.vocabulary_update", "word2vec.io", "word2vec.keras", "word2vec.gpu", "word2vec.engines",
    ),
    "gensim": (
        "text", "batching", "word2vec.hierarchy", "word2vec.results", "word2vec.options", "word2vec.io",
        "word2vec.engines",
    ),
    "zoo": (
        "_presets", "plots", "batching", "cells.base", "cells.loop", "cells.registry", "cells.wrappers", "cells",
        "training", "word2vec.keras",
    ),
    "forecast.data": (),
    "forecast.generators": (),
    "forecast.transforms": ("forecast.data",),
    "forecast.statistics": ("forecast.data",),
    "forecast.nets": (
        "cells.base", "cells.loop", "cells", "training", "zoo", "forecast.data", "forecast.transforms",
    ),
    "forecast.global_nets": ("batching", "training", "zoo", "forecast.data"),
    "forecast.presets": (
        "_presets", "batching", "training", "zoo", "forecast.data", "forecast.generators", "forecast.global_nets",
    ),
    "forecast": (
        "_presets", "metrics", "plots", "distributed", "training", "zoo", "forecast.data", "forecast.transforms",
        "forecast.statistics", "forecast.nets", "forecast.global_nets", "forecast.generators", "forecast.presets",
    ),
    "cli.csv_dates": ("forecast.data",),
    "cli.csv_tables": ("text", "cli.csv_dates", "forecast.data"),
    "cli": (
        "text", "datasets", "metrics", "plots", "batching", "word2vec", "word2vec.options", "word2vec.io", "forecast",
        "_presets", "cells", "cells.registry", "zoo", "forecast.data", "forecast.generators", "cli.csv_tables",
        "cli.csv_dates",
    ),
    "__main__": ("cli",),
}  # fmt: skip


def source_files():
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    return files


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in source_files()}


def imports_of(path):
    """(module, is_top_level, line) of every import statement: at the top, inside functions, under TYPE_CHECKING.

    `from package import name` names the module `package.name` where there is one, else `package`.
    """
    tree = ast.parse(path.read_text())
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import; the project writes imports in full"
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [member if member in MODULES else node.module for member in members]
        else:
            continue
        for name in dict.fromkeys(names):
            yield name, id(node) not in inside, node.lineno


def room_of(module):
    """The longest room name that `module` (without `kerazoo.`) starts with."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in ALLOWED:
            return ".".join(parts[:end])
    return None


def circles(graph):
    """Strongly connected components of more than one node (Tarjan 1972), each sorted."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def test_the_table_of_rooms_is_ordered():
    seen = set()
    for room, allowed in ALLOWED.items():
        assert set(allowed) <= seen, f"{room} may only import rooms above it in the table: {set(allowed) - seen}"
        seen.add(room)


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_runs_upwards(path):
    module = module_of(path).removeprefix("kerazoo").removeprefix(".")
    if not module or module == "_renamed":
        return  # the face names all packages and imports them on first use; the old names point anywhere
    room = room_of(module)
    assert room is not None, f"{module}: a new room needs an entry in ALLOWED that says what it may import"
    floor = list(ALLOWED).index(room)
    for name, _, line in imports_of(path):
        if name.split(".")[0] != "kerazoo":
            continue
        assert name != "kerazoo", f"{path.name}:{line} imports the package's face; import the module that it needs"
        other = room_of(name.removeprefix("kerazoo."))
        allowed = {room, *ALLOWED[room], *(each for each in FOUNDATION if list(ALLOWED).index(each) < floor)}
        assert other in allowed, f"{path.name}:{line}: {room} may not import {other}"


def test_no_circle_of_imports():
    """Between files, lazy imports and imports for type checkers included."""
    graph = {
        module: {name for name, _, _ in imports_of(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    assert circles(graph) == []


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(graph) == [["d", "e"], ["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_imports_a_backend_at_its_top_but_the_fast_paths(path):
    if path.name.startswith("_") and path.stem.strip("_").split("_")[0] in BACKENDS:
        return  # _tensorflow.py and its like: imported only where that backend runs
    for name, top, line in imports_of(path):
        assert not (top and name.split(".")[0] in BACKENDS), f"{path.name}:{line} imports {name} at its top"


def test_the_compiled_package_never_imports_kerazoo():
    sources = sorted((ROOT / "kerazoo_ext").glob("*.pyx"))
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
        timeout=280,
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
