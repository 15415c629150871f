"""`Estimator`: a scikit-learn estimator that does not import scikit-learn, which takes most of a second.

Nobody can ask whether an object is a `BaseEstimator` without importing that class. So `Estimator` becomes a subclass of
it when the program imports it, before or after kerazoo, and until then has what a forecaster itself needs of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.after_import import after_import

__all__ = ["Estimator"]

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator as Estimator
else:

    class _Plain:
        """The base of `Estimator` without scikit-learn; other methods import it."""

        @classmethod
        def _get_param_names(cls) -> list[str]:
            names = list(inspect.signature(cls.__init__).parameters)
            return sorted(names[1:])

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The parameters of the constructor, and with `deep` those of parameters that have such."""
            found = {}
            for name in self._get_param_names():
                value = getattr(self, name)
                if deep and hasattr(value, "get_params") and not isinstance(value, type):
                    found |= {f"{name}__{inner}": each for inner, each in value.get_params().items()}
                found[name] = value
            return found

        def set_params(self, **params: Any) -> Any:
            """Set parameters of the constructor; the estimator itself is returned."""
            _import()
            return self.set_params(**params)

        def __repr__(self, *args: Any, **kwargs: Any) -> str:
            _import()
            return repr(self)

        def _repr_mimebundle_(self, **kwargs: Any) -> Any:
            _import()
            return self._repr_mimebundle_(**kwargs)

        def __getstate__(self) -> dict[str, Any]:
            return dict(vars(self))

        def __setstate__(self, state: dict[str, Any]) -> None:
            vars(self).update(state)

    class Estimator(_Plain):
        """Base class of estimators: a `sklearn.base.BaseEstimator` from when that is imported."""

    def _subclasses(cls: type) -> Iterator[type]:
        """The class and all of its subclasses, each after its bases."""
        yield cls
        for each in cls.__subclasses__():
            yield from _subclasses(each)

    def _derive(module: Any) -> None:
        """Make `Estimator` a subclass of the BaseEstimator of `sklearn.base`."""
        if _Plain in Estimator.__bases__:
            Estimator.__bases__ = (module.BaseEstimator,)
            for each in dict.fromkeys(_subclasses(Estimator)):
                super(each, each).__init_subclass__()  # as where a class is defined: metadata requests of methods

    def _import() -> None:
        import sklearn.base

        _derive(sklearn.base)

    after_import("sklearn.base", _derive)
