"""What `pip install kerazoo` brings is enough for word vectors; where more is needed, the error says which extra."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kerazoo import errors
from kerazoo._runtime import optional
from kerazoo._runtime.optional import EXTRAS, missing, needed
from tests.project.test_architecture import source_files

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BACKENDS = {"tensorflow", "jax", "torch", "triton"}

# A hook that hides packages, as if they were not installed.
HIDE = """
import sys
HIDDEN = set("{hidden}".split())
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Hidden())
"""
NO_GENSIM = """
from pathlib import Path
from kerazoo import Word2Vec
text = ["red apple green apple", "hot iron cold iron"] * 30
Path("text.txt").write_text("\\n".join(text))
model = Word2Vec(vector_size=8, min_count=1, sample=0, epochs=3, seed=1, workers=1, verbose=0).fit("text.txt")
print(repr(model), model.set_params(window=4).get_params()["window"])
model.partial_fit(["blue apple"] * 5)
model.save("model.kerazoo")
again = Word2Vec.load("model.kerazoo")
assert again.most_similar("apple", topn=3) == model.most_similar("apple", topn=3)
assert again.predict_output_word(["apple"]) and again.transform(["red apple"]).shape == (1, 8)
from kerazoo.word2vec.io.vector_files import write_vectors
for suffix in (".txt", ".bin"):
    write_vectors(model.to_contents(), Path("vectors" + suffix))
print(sorted(HIDDEN & set(sys.modules)))
def error_of(function):
    try:
        function()
    except ImportError as error:
        return str(error)
for function in (lambda: model.wv, model.to_gensim, lambda: Word2Vec.from_gensim("x.kv")):
    print(error_of(function))
keras = Word2Vec(engine="keras", min_count=1)
for function in (lambda: model.model_, model.as_embedding_layer, lambda: keras.fit(text)):
    print(error_of(function))
"""


def run_hidden(code, hidden, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=" ".join(hidden)) + code, *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=280,
    )  # fmt: skip


def test_word_vectors_need_no_optional_package(tmp_path):
    done = run_hidden(NO_GENSIM, EXTRAS, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Word2Vec(epochs=3, min_count=1, sample=0, seed=1, vector_size=8, verbose=0, workers=1) 4"
    assert lines[1] == "[]"
    gensim = 'needs the package gensim, which is not installed: pip install "kerazoo[gensim]"'
    keras = 'needs the package keras, which is not installed: pip install "kerazoo[tensorflow]"'
    assert [gensim in line for line in lines[2:]] == [True] * 3 + [False] * 3
    assert [keras in line for line in lines[2:]] == [False] * 3 + [True] * 3
    assert len(lines) == 8


def test_a_backend_that_is_installed_is_offered(monkeypatch):
    for name in ("tensorflow", "gensim"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(optional, "find_spec", lambda name: name if name == "jax" else None)
    offer = ". Or select an installed one: KERAS_BACKEND=jax"
    assert str(missing("x", ModuleNotFoundError("", name="tensorflow.python"))).endswith(offer)
    assert offer not in str(missing("x", ModuleNotFoundError("", name="gensim")))
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    assert offer not in str(missing("x", ModuleNotFoundError("", name="tensorflow")))


SAVE = "from kerazoo.word2vec import save_vectors, WordVectors;"
CHECK = "from pathlib import Path; from kerazoo.word2vec.io.vector_files import check_suffix;"
FASTTEXT = "from kerazoo import FastText; model = FastText(2, min_count=1, bucket=9, verbose=0).fit([['a', 'b']] * 5)"
PHRASES = "from kerazoo.text import FrozenPhrases; phrases = FrozenPhrases({})"
NEEDS = {
    "import kerazoo; kerazoo.Forecaster": "forecast",
    "import kerazoo.forecast.forecaster": "forecast",
    "from kerazoo.zoo import build": "tensorflow",
    "import kerazoo; kerazoo.cells.GRU": "tensorflow",
    "from kerazoo import training; training.fit": "tensorflow",
    "from kerazoo.word2vec import SkipGram": "tensorflow",
    "import kerazoo; kerazoo.datasets.milk()": "forecast",
    "import kerazoo; from pathlib import Path; kerazoo.EncodedCorpus.from_source(Path('text.zst'))": "zstd",
    "import kerazoo; kerazoo.datasets.text8('.')": "datasets",
    f"{SAVE} save_vectors(WordVectors(['a'], [[1.0]]), 'v.vec.zst')": "zstd",
    f"{CHECK} check_suffix(Path('v.txt.zst'))": "zstd",  # before training
    f"{CHECK} check_suffix(Path('v.kv'))": "gensim",
    "import kerazoo.gensim": "gensim",
    "from kerazoo import FastText; FastText.from_gensim('model')": "gensim",
    f"{FASTTEXT}; model.wv": "gensim",
    f"{FASTTEXT}; model.to_gensim()": "gensim",
    f"{PHRASES}; phrases.to_gensim()": "gensim",
    f"{PHRASES}; type(phrases).from_gensim(phrases)": "gensim",
    f"{FASTTEXT}; from kerazoo.word2vec import save_vectors; save_vectors(model, 'x.kv')": "gensim",
    f"{FASTTEXT}; from kerazoo.word2vec import save_vectors; save_vectors(model, 'x.txt.zst')": "zstd",
    "import kerazoo; kerazoo.plots.plot_history({'loss': [1.0]})": "forecast",
}


def test_what_needs_more_says_which_extra(tmp_path):
    code = f"""
for each in {list(NEEDS)!r}:
    try:
        exec(each)
    except ImportError as error:
        print(type(error).__name__, error)
"""
    (tmp_path / "text.zst").write_bytes(b"x")
    done = run_hidden(code, EXTRAS, tmp_path)
    assert done.returncode == 0, done.stderr
    for line, (each, extra) in zip(done.stdout.splitlines(), NEEDS.items(), strict=True):
        expected = rf'MissingPackageError .* needs the package \w+, .*: pip install "kerazoo\[{extra}\]"'
        assert re.match(expected, line), each


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo"], 'tensorflow is missing: pip install "kerazoo[tensorflow]"'),
        (["forecast", "x.csv", "--epochs", "0"], 'pip install "kerazoo['),
        (["convert", "v.txt", "v.kv"], 'pip install "kerazoo[gensim]"'),
    ],
)
def test_commands_say_so_in_one_line(arguments, message, tmp_path):
    (tmp_path / "v.txt").write_text("1 2\na 1 2\n")
    (tmp_path / "x.csv").write_text("date,value\n2020-01-01,1\n")
    code = "\nfrom kerazoo.cli.main import main\nmain(sys.argv[1:])"
    done = run_hidden(code, EXTRAS, tmp_path, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr


def names_of(requirements):
    return {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}


def test_extras_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    packages = {package: "scikit-learn" if package == "sklearn" else package for package in EXTRAS}
    for package, extra in EXTRAS.items():
        assert packages[package] in names_of(extras[extra]), f"{extra} does not install {package}"
    core = names_of(PROJECT["dependencies"])
    assert core & set(packages.values()) == {"gensim"}  # which is not there for every version of Python
    (gensim,) = (each for each in PROJECT["dependencies"] if each.startswith("gensim"))
    assert gensim.endswith("; python_version < '3.14'")


def test_every_package_that_is_imported_is_declared():
    """At the top of a file or in a function."""
    declared = names_of(PROJECT["dependencies"]) | set(EXTRAS) | BACKENDS | {"kerazoo", "kerazoo_ext"}
    declared |= {
        "ml_dtypes",
        "optuna",
        "keras_tuner",
        "IPython",
        "umap",
    }  # of others, or the caller's
    found = set()
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
    assert found - declared - set(sys.stdlib_module_names) == set()


def test_errors_of_other_packages_and_of_broken_ones_stay():
    other = ModuleNotFoundError("No module named 'other'", name="other")
    broken = ModuleNotFoundError("No module named 'numpy.x'", name="sklearn.x")
    import sklearn  # noqa: F401

    for error in (other, broken):
        assert missing("this", error) is error
        with pytest.raises(ModuleNotFoundError) as caught, needed("this"):
            raise error
        assert caught.value is error


def test_a_missing_package_is_a_module_that_is_not_found(monkeypatch):
    monkeypatch.delitem(sys.modules, "pooch", raising=False)
    expected = pytest.raises(errors.MissingPackageError, match=r"this needs the package pooch.*kerazoo\[datasets\]")
    with expected as caught, needed("this"):
        raise ModuleNotFoundError("No module named 'pooch.x'", name="pooch.x")
    assert isinstance(caught.value, ImportError)
    assert caught.value.name == "pooch.x"


def test_the_finder_is_there_once_and_finds_only_our_modules():
    before = list(sys.meta_path)
    optional.install()
    assert sys.meta_path == before
    (finder,) = (each for each in sys.meta_path if isinstance(each, optional._Finder))
    assert finder.find_spec("json") is None
    assert finder.find_spec("kerazoo.no_such_module", [str(ROOT / "kerazoo")]) is None
