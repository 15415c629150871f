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
