"""`Estimator` is scikit-learn's BaseEstimator wherever a program can tell, and does not import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kerazoo import Forecaster
from kerazoo._runtime.after_import import after_import
from kerazoo._runtime.estimator import Estimator

AFTERWARDS = """
import copy, pickle, sys
from kerazoo import Forecaster
from kerazoo._runtime.estimator import Estimator

class Own(Forecaster):
    def __init__(self, inner=None, shift=1):
        self.inner, self.shift = inner, shift
        super().__init__(horizon=3)

made = Own(Forecaster(horizon=2), 5)
assert made.get_params(deep=False).keys() == {"inner", "shift"}
params = made.get_params()
assert params["inner__horizon"] == 2 and list(Forecaster().get_params()) == sorted(Forecaster().get_params())
again = pickle.loads(pickle.dumps(Forecaster(horizon=2)))
assert copy.copy(again).horizon == 2
assert "sklearn" not in sys.modules
WAY
assert repr(made).startswith("Own(")
from sklearn.base import BaseEstimator, clone
assert isinstance(made, BaseEstimator) and issubclass(Forecaster, BaseEstimator) and isinstance(again, BaseEstimator)
assert list(made.get_params()) == list(params)
assert clone(made).set_params(inner__horizon=7, shift=2).inner.horizon == 7
assert made.inner.horizon == 2
assert made.__sklearn_tags__() is not None
assert callable(Forecaster.set_predict_request)  # metadata of scikit-learn's routing, as of classes defined later
print("done")
"""


@pytest.mark.parametrize(
    "way", ["", "import sklearn.base", "made.set_params(shift=5)", "repr(made)", "made._repr_mimebundle_()"]
)
def test_a_forecaster_is_a_base_estimator_however_scikit_learn_is_imported(way):
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS.replace("WAY", way)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["done"], done.stderr


def test_it_is_one_here_too():
    from sklearn.base import BaseEstimator

    assert issubclass(Estimator, BaseEstimator)
    with pytest.raises(ValueError, match="Invalid parameter 'horizn'"):
        Forecaster().set_params(horizn=3)


def test_functions_are_called_at_once_or_after_the_import_and_wait_once(tmp_path, monkeypatch):
    (tmp_path / "imported_later.py").write_text("value = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen = []

    def look(module):
        seen.append(module.value)

    before = list(sys.meta_path)
    after_import("imported_later", look)
    after_import("imported_later", look)
    assert len(sys.meta_path) == len(before) + 1
    assert seen == []
    import imported_later

    assert (seen, sys.meta_path) == ([3], before)
    after_import("imported_later", look)
    assert seen == [3, 3]
    monkeypatch.delitem(sys.modules, imported_later.__name__)


DIAGRAM = """
import sys
HIDDEN
import kerazoo
from kerazoo import FastText, Forecaster, Word2Vec, datasets

text = [["red", "apple"], ["green", "apple"]] * 5
small = {"vector_size": 4, "min_count": 1, "epochs": 1, "verbose": 0, "seed": 1}
fitted = Word2Vec(**small).fit(text), Word2Vec(sg=0, **small).fit(text), FastText(bucket=9, **small).fit(text)
shown = *fitted, Word2Vec(vector_size=7), FastText(4), Forecaster(horizon=3)
assert "sklearn" not in sys.modules
"""
WITH = """
for each in shown:
    page, plain = each._repr_html_(), each._repr_mimebundle_()
    assert plain["text/plain"] == repr(each) and plain["text/html"].count(type(each).__name__) > 1
    assert "sk-container" in page and ("<span>Fitted</span>" in page) == ("vectors_" in page) == (each in fitted)
assert ">7<" in shown[3]._repr_html_() and "vector_size" in shown[3]._repr_html_()
assert "model_" not in shown[0]._repr_html_()
assert not {"keras", "tensorflow", "gensim"} & set(sys.modules), "the diagram made what nobody asked for"
print("done")
"""
WITHOUT = """
for each in shown:
    assert not hasattr(each, "_repr_html_") and each._repr_mimebundle_() == {"text/plain": repr(each)}
assert repr(shown[3]) == "Word2Vec(vector_size=7)"
print("done")
"""
HIDE = """
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sklearn":
            raise ModuleNotFoundError("hidden", name=name)
sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.parametrize(("hidden", "rest"), [("", WITH), (HIDE, WITHOUT)], ids=["with scikit-learn", "without"])
def test_notebooks_show_the_diagram_of_scikit_learn_where_that_is_installed(hidden, rest):
    code = DIAGRAM.replace("HIDDEN", hidden) + rest
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["done"], done.stderr
