"""Files and pickles of a forecaster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._runtime.estimator import Estimator
from kerazoo._runtime.files import damage_of

if TYPE_CHECKING:
    from kerazoo.forecast.fitted import Fitted
    from kerazoo.forecast.fitted_panel import FittedPanel

__all__ = ["FileMixin"]


class FileMixin(Estimator):
    """Adds `save`, `load` and pickling to an estimator whose `_check_fitted` returns a Fitted."""

    def _check_fitted(self) -> Fitted | FittedPanel:
        raise NotImplementedError

    def _set_fitted(self, fitted: Fitted | FittedPanel) -> None:
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the estimator (networks, transforms and series, but no callbacks) to one file, without pickle.

        Raises:
            NotFittedError: `fit` was not called.
            StorageError: the file cannot be written; an older one stays.
            InvalidArgumentError: a label or an index of the series has no form in JSON.
        """
        from kerazoo.forecast import model_file

        model_file.save(self._check_fitted(), self.get_params(deep=False), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = False) -> Self:
        """Read a file of `save`; the forecasts are the same.

        Args:
            path: the file.
            mmap: True: leave the series on the disk, read-only, until they are used; False: read all and compare
                checksums.

        Raises:
            StorageError: the file does not exist, is damaged, or contains something else.
        """
        prefer_fast_kernels()
        from kerazoo.forecast import model_file

        fitted, params = model_file.load(path, mmap=mmap)
        # Files of other versions may have parameters that this one does not know.
        names = cls._get_param_names()
        with damage_of(path, model_file.REMEDY):
            forecaster = cls(**{name: value for name, value in params.items() if name in names})
            forecaster._set_fitted(fitted)
        return forecaster

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, `copy.deepcopy` and joblib: networks cannot be pickled, so their file takes their place.

        Raises:
            InvalidArgumentError: a label or an index of the series has no form in JSON.
        """
        state = dict(super().__getstate__())
        if hasattr(state["model"], "to_json"):  # specs contain mappings that cannot be pickled
            state["model"] = {"spec": state["model"].to_json()}
        if "_fitted" in state:
            from kerazoo.forecast import model_file

            state["_fitted"] = model_file.to_bytes(state["_fitted"], self.get_params(deep=False))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`__getstate__`."""
        state = dict(state)
        content = state.pop("_fitted", None)
        if isinstance(state["model"], dict):
            from kerazoo.zoo.spec import RNNSpec

            state["model"] = RNNSpec.from_json(state["model"]["spec"])
        super().__setstate__(state)
        if content is not None:
            prefer_fast_kernels()
            from kerazoo.forecast import model_file

            self._set_fitted(model_file.from_bytes(content))
