"""Base classes of the reversible transforms of one series, and the checks of their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._runtime.deprecation import renamed_attribute, warn_renamed
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.data.types import Index, Values

__all__ = [
    "Index",
    "PointwiseTransform",
    "Tail",
    "Transform",
    "Values",
    "check_length",
    "check_values",
    "constructor_arguments",
]

Tail: TypeAlias = dict[str, Any]


class Transform:
    """Base class of the reversible transforms of one series.

    A series is `y`, float64 (T,), with `index`, a `DatetimeIndex`, `PeriodIndex` or `RangeIndex` of length T. Its
    values are finite, except for NaN at the start, where an earlier transform has no result; these stay NaN. The
    constructor only stores parameters. The names of the values that :meth:`fit` learns end in `_`.

    A subclass sets the class attributes `name` and `learned` (the names of its learned values) and implements `_fit`,
    `_apply`, `_undo` and `_undo_one_step`. These receive checked arguments, without the NaN at the start.
    :func:`kerazoo.forecast.transforms.registry.register_transform` registers the subclass under its name.

    Attributes:
        n_fitted_: int, number of values that the transform was fitted on.
    """

    name: ClassVar[str] = ""
    learned: ClassVar[tuple[str, ...]] = ()

    n_fitted_: int

    @property
    def n_lost(self) -> int:
        """Number of values at the start for which :meth:`apply` has no result; they are NaN."""
        return 0

    @property
    def n_needed(self) -> int:
        """The smallest number of values that :meth:`fit` accepts."""
        return self.n_lost + 1

    @property
    def outputs_residuals(self) -> bool:
        """Whether z are the residuals of a fitted forecasting model, so that the inverse of z = 0 is its forecast."""
        return False

    foretells = renamed_attribute("Transform", "foretells", "outputs_residuals")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "foretells" in cls.__dict__:  # a subclass written for version 0.1
            warn_renamed(f"{cls.__name__}.foretells", f"{cls.__name__}.outputs_residuals")
            cls.outputs_residuals = cls.__dict__["foretells"]  # type: ignore[method-assign]

    def fit(self, y: Any, index: Index) -> Self:
        """Learn from this series alone.

        Args:
            y: float64 (T,).
            index: its index (T,).

        Raises:
            InvalidArgumentError: the transform is not defined for the values, or the series is too short.
        """
        values, start = _checked(y, index)
        self._fit(values[start:], _from(index, start))
        self.n_fitted_ = len(values) - start
        return self

    def apply(self, y: Any, index: Index) -> tuple[Values, Tail]:
        """Transform a series: the fitted one, a longer one, or a different one.

        Args:
            y: float64 (T,).
            index: its index (T,).

        Returns:
            `(z, tail)`: float64 (T,), of which the first `n_lost` are NaN; and the state at the end of `y` that
            :meth:`undo` needs, a dict that can be written as JSON.
        """
        self._check_fitted()
        values, start = _checked(y, index)
        z = np.full(len(values), np.nan)
        z[start:], tail = self._apply(values[start:], _from(index, start))
        return z, tail

    def undo(self, z: Any, tail: Tail, index: Index) -> Values:
        """Inverse transform of the steps that follow a series.

        Args:
            z: float64 (..., H), transformed values of the H steps after the `y` of :meth:`apply`. The leading axes
                hold independent paths, such as samples or members of an ensemble.
            tail: dict, from :meth:`apply` of that `y`.
            index: index of the steps (H,).

        Returns:
            float64 (..., H), in the units of `y`.
        """
        self._check_fitted()
        return self._undo(_checked_steps("z", z, index), tail, index)

    def undo_one_step(self, z: Any, y: Any, index: Index) -> Values:
        """Inverse transform of one-step predictions, each made from the true values before it.

        Args:
            z: float64 (..., T), at each t a prediction of the transformed value, made at t - 1.
            y: float64 (T,), the series itself.
            index: its index (T,).

        Returns:
            float64 (..., T), the predictions of `y`: NaN where `z` is NaN or where too few values lie before. For
            ``z = apply(y, index)[0]`` the result is `y`.
        """
        self._check_fitted()
        values, start = _checked(y, index)
        steps = _checked_steps("z", z, index)
        found = np.full(steps.shape, np.nan)
        found[..., start:] = self._undo_one_step(steps[..., start:], values[start:], index[start:])
        return found

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as values that JSON can hold."""
        return {name: _plain(getattr(self, name)) for name in constructor_arguments(type(self))}

    def to_config(self) -> dict[str, Any]:
        """Name and arguments; `transform_from_config` is the inverse."""
        return {"name": self.name, **self.get_config()}

    def get_state(self) -> dict[str, Any]:
        """The learned values, as values that JSON can hold."""
        self._check_fitted()
        return {name: _plain(getattr(self, name)) for name in ("n_fitted_", *self.learned)}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        """Restore the learned values of :meth:`get_state`, instead of calling :meth:`fit`.

        Raises:
            InvalidArgumentError: `state` has other names than this transform, or values of another kind.
        """
        self._check_names(state)
        for name, value in state.items():
            setattr(self, name, self._checked_value(name, value))
        self._check_state()
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_config().items())})"

    def _check_fitted(self) -> None:
        if not hasattr(self, "n_fitted_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted; call fit(y, index), or set_state() with a saved state."
            )

    def _check_state(self) -> None:
        """Raise InvalidArgumentError if learned values do not fit the arguments; subclasses check lengths."""

    def _check_count(self, name: str, expected: int) -> None:
        """Raise unless a learned list has so many values."""
        found = len(getattr(self, name))
        if found != expected:
            raise InvalidArgumentError(f"{name} of {self!r} has {found} values; expected {expected}.")

    def _checked_value(self, name: str, value: Any) -> Any:
        """A learned value as its annotation says, which states of files may not follow."""
        what = f"{name} of {type(self).__name__}"
        for base in type(self).__mro__:
            declared = inspect.get_annotations(base).get(name)
            if declared in ("int", int):
                return check_int(what, value, 0)
            if declared in ("float", float):
                return check_real(what, value)
            if declared in ("list[float]", list[float]):
                if not isinstance(value, list | tuple):
                    raise InvalidArgumentError(f"{what} is a {type(value).__name__}; expected a list of numbers.")
                return [check_real(what, each) for each in value]
            if declared is not None:
                break
        return value

    def _check_names(self, state: Mapping[str, Any], *others: str) -> None:
        expected = {"n_fitted_", *self.learned, *others}
        if not isinstance(state, Mapping) or set(state) != expected:
            shown = sorted(state) if isinstance(state, Mapping) else state
            raise InvalidArgumentError(
                f"state with {shown!r:.500}; expected {sorted(expected)}, from get_state() of a {type(self).__name__}."
            )

    def _fit(self, y: Values, index: Index) -> None:
        raise NotImplementedError(f"{type(self).__name__}._fit")

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        raise NotImplementedError(f"{type(self).__name__}._apply")

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._undo")

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._undo_one_step")


class PointwiseTransform(Transform):
    """Base class of the transforms of single values; their inverse does not depend on earlier values.

    A subclass implements `_forward` and `_backward`, and `_fit` if it learns something.
    """

    def _forward(self, y: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._forward")

    def _backward(self, z: Values, index: Index) -> Values:
        raise NotImplementedError(f"{type(self).__name__}._backward")

    def _fit(self, y: Values, index: Index) -> None:
        self._forward(y, index)  # raises for values outside its domain

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        return self._forward(y, index), {}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        return self._backward(z, index)

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        return self._backward(z, index)


def _checked(y: Any, index: Index) -> tuple[Values, int]:
    """`y` as float64 (T,), and the number of NaN at its start."""
    try:
        values = np.asarray(y, np.float64)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"y is a {type(y).__name__}; expected numbers.") from None
    if values.ndim != 1 or not len(values):
        raise InvalidArgumentError(f"y of shape {values.shape}; expected one series (T,) with at least one value.")
    _check_index("y", len(values), index)
    known = np.isfinite(values)
    start = int(np.isnan(values[: int(known.argmax())]).sum()) if known.any() else 0
    check_values(
        known[start:],
        values[start:],
        _from(index, start),
        "finite numbers, with NaN at the start only. Series.interpolate() fills gaps",
    )
    return values, start


def _from(index: Index, start: int) -> Index:
    """The index without its start: a slice of an index takes as long as the arithmetic of a short series."""
    return index[start:] if start else index


def _checked_steps(name: str, z: Any, index: Index) -> Values:
    """`z` as float64 (..., H)."""
    values = np.asarray(z, np.float64)
    if values.ndim < 1:
        raise InvalidArgumentError(f"{name} of shape (); expected (..., steps).")
    _check_index(name, values.shape[-1], index)
    return values


def _check_index(name: str, steps: int, index: Index) -> None:
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.RangeIndex):
        raise InvalidArgumentError(
            f"index is a {type(index).__name__}; expected a pandas DatetimeIndex, PeriodIndex or RangeIndex."
        )
    if len(index) != steps:
        raise InvalidArgumentError(f"{name} has {steps} steps and its index {len(index)}; expected equal lengths.")


def check_values(allowed: NDArray[np.bool_], y: Values, index: Index, expected: str) -> None:
    """Raise for the first value of `y` that is not `allowed`; `expected` completes the message."""
    if not allowed.all():
        first = int((~allowed).argmax())
        raise InvalidArgumentError(f"y={y[first]:g} at {index[first]}; expected {expected}.")


def check_length(y: Values, needed: int, transform: Transform) -> None:
    """Raise if `y` has fewer than the `needed` values that `transform` requires."""
    if len(y) < needed:
        raise InvalidArgumentError(f"{len(y)} values for {transform!r}; expected at least {needed}.")


def constructor_arguments(cls: type[Transform]) -> list[str]:
    """The names of the arguments of a transform's constructor."""
    return list(inspect.signature(cls).parameters)


def _plain(value: Any) -> Any:
    """Numbers, strings and lists of them, as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
