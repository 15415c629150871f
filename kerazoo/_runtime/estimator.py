"""`Estimator` and `Transformer`: of scikit-learn, without importing it, which takes most of a second.

Nobody can ask whether an object is a `BaseEstimator` without importing that class. So `Estimator` becomes a subclass of
it when the program imports it, before or after kerazoo, and until then has what an estimator itself needs of it. The
same holds for `Transformer`, and for kerazoo's `NotFittedError`, which a program may catch as scikit-learn's. Where
scikit-learn is not installed, they stay as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.after_import import after_import
from kerazoo._runtime.devices import how_to_install, is_installed
from kerazoo.errors import InvalidArgumentError, KerazooError, NotFittedError

__all__ = ["Estimator", "Transformer"]

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator as Estimator

    class Transformer(Estimator):
        """As below."""
else:
    _NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

    class _Plain:
        """The base of `Estimator` without scikit-learn; other methods import it."""

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
            if _import():
                return self.set_params(**params)
            known = self._get_param_names()
            for name in params:
                if name not in known:
                    raise InvalidArgumentError(f"Invalid parameter {name!r}; expected one of {', '.join(known)}.")
            for name, value in params.items():
                setattr(self, name, value)
            return self

        def __repr__(self, *args: Any, **kwargs: Any) -> str:
            if _import():
                return repr(self)
            defaults = inspect.signature(type(self).__init__).parameters
            usual = {name: repr(parameter.default) for name, parameter in defaults.items()}
            given = {name: repr(value) for name, value in self.get_params(deep=False).items()}
            shown = [f"{name}={text}" for name, text in given.items() if text != usual.get(name)]
            return f"{type(self).__name__}({', '.join(shown)})"

        def _repr_mimebundle_(self, **kwargs: Any) -> Any:
            return self._repr_mimebundle_(**kwargs) if _import() else {"text/plain": repr(self)}

        @property
        def _repr_html_(self) -> Any:
            # For programs that do not ask for `_repr_mimebundle_`; a property, as scikit-learn's, which may refuse.
            if _import():
                return self._repr_html_
            raise AttributeError("_repr_html_ needs scikit-learn, which draws the diagram.")

        def __getstate__(self) -> dict[str, Any]:
            return dict(vars(self))

        def __setstate__(self, state: dict[str, Any]) -> None:
            vars(self).update(state)

    class Estimator(_Plain):
        """Base class of estimators: a `sklearn.base.BaseEstimator` from when that is imported."""

        @classmethod
        def _get_param_names(cls) -> list[str]:
            """Of the constructor, and where that has ``**kwargs``, of the constructors that it hands them on to."""
            names: set[str] = set()
            for each in cls.__mro__:
                if "__init__" not in vars(each):
                    continue
                parameters = list(inspect.signature(each.__init__).parameters.values())[1:]
                names |= {parameter.name for parameter in parameters if parameter.kind in _NAMED}
                if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
                    break
            return sorted(names)

        def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
            """The table of fitted attributes in scikit-learn's diagram: of those that the object has in its `vars`.

            scikit-learn reads properties as well. Those of word vectors would make a Keras model and gensim's vectors
            to show one line, and raise where the model has no such form or the package is missing.
            """
            shown = {name: value for name, value in vars(self).items() if name.endswith("_") and name[0] != "_"}
            found = super(Estimator, type(self))._get_fitted_attr_html(SimpleNamespace(**shown), doc_link)
            found.estimator_class = type(self)  # whose docstring describes them
            return found

    class Transformer(Estimator):
        """Base class of transformers: a `sklearn.base.TransformerMixin`, too, from when that is imported.

        A subclass has `transform` and `get_feature_names_out`; so its `set_output` works, as scikit-learn has it.
        """

        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
            """`fit` and then `transform`."""
            return self.fit(X, y, **fit_params).transform(X)

        def set_output(self, *, transform: Any = None) -> Any:
            """Set what `transform` returns, as in scikit-learn: `"default"`, `"pandas"` or `"polars"`."""
            if _import():
                return self.set_output(transform=transform)
            raise InvalidArgumentError(
                f"set_output(transform={transform!r}) needs scikit-learn: {how_to_install('sklearn')}"
            )

    def _subclasses(cls: type) -> Iterator[type]:
        """The class and all of its subclasses, each after its bases."""
        yield cls
        for each in cls.__subclasses__():
            yield from _subclasses(each)

    def _derive(module: Any) -> None:
        """Make `Estimator` a subclass of the BaseEstimator of `sklearn.base`, `Transformer` of its TransformerMixin."""
        if _Plain not in Estimator.__bases__:
            return
        Estimator.__bases__ = (module.BaseEstimator,)
        Transformer.__bases__ = (module.TransformerMixin, Estimator)
        for name in ("fit_transform", "set_output"):  # they would hide those of the mixin
            delattr(Transformer, name)
        for each in dict.fromkeys(_subclasses(Estimator)):
            super(each, each).__init_subclass__()  # as where a class is defined: metadata requests of methods

    def _derive_error(module: Any) -> None:
        """Make kerazoo's NotFittedError one of `sklearn.exceptions`."""
        NotFittedError.__bases__ = (KerazooError, module.NotFittedError)

    def _import() -> bool:
        """Whether scikit-learn is there; it is imported."""
        if not is_installed("sklearn"):
            return False
        import sklearn.base

        _derive(sklearn.base)
        return True

    after_import("sklearn.base", _derive)
    after_import("sklearn.exceptions", _derive_error)
