"""Several transforms in a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Tail, Transform, Values
from kerazoo.forecast.transforms.registry import register_transform, transform_from_config
from kerazoo.forecast.transforms.scaling import StandardScale

__all__ = ["Chain", "fitted_chain"]


@register_transform
class Chain(Transform):
    """Applies several transforms in order, each to the output of the one before; the inverse runs in reverse order.

    Args:
        transforms: transforms, their names or configs (:meth:`Transform.to_config`), in the order in which they are
            applied. They are fitted in place. An empty chain is the identity.

    >>> import numpy as np, pandas as pd
    >>> from kerazoo.forecast.transforms import Difference, Log
    >>> y, index = np.array([1.0, 10.0, 100.0, 1000.0]), pd.RangeIndex(4)
    >>> chain = Chain([Log(), Difference()]).fit(y, index)
    >>> z, tail = chain.apply(y, index)
    >>> z.round(3)
    array([  nan, 2.303, 2.303, 2.303])
    >>> chain.undo(z[1:3], tail, pd.RangeIndex(4, 6)).round(6)
    array([ 10000., 100000.])
    """

    name = "chain"

    def __init__(self, transforms: Iterable[Transform | Mapping[str, Any] | str]) -> None:
        self.transforms = [transform_from_config(each) for each in transforms]
        if len({id(each) for each in self.transforms}) < len(self.transforms):
            raise InvalidArgumentError(
                "a transform is twice in a chain; expected different objects, as each learns its own values."
            )

    @property
    def n_lost(self) -> int:
        """The sum over the transforms."""
        return sum(each.n_lost for each in self.transforms)

    @property
    def n_needed(self) -> int:
        """What every transform needs, and what those before it lose.

        >>> from kerazoo.forecast.transforms import Difference, ExponentialSmoothing
        >>> Chain([Difference(), ExponentialSmoothing(4)]).n_needed
        12
        """
        lost, needed = 0, 1
        for each in self.transforms:
            needed = max(needed, lost + each.n_needed)
            lost += each.n_lost
        return needed

    @property
    def outputs_residuals(self) -> bool:
        """Whether the last transform outputs residuals."""
        return bool(self.transforms) and self.transforms[-1].outputs_residuals

    def parts(self) -> tuple[Chain, Chain, Chain]:
        """Split the fitted chain into three chains in a row, which share its transforms.

        The first and the last consist of pointwise transforms only. A caller that forecasts from many origins applies
        them once to the whole series, and only the middle one, which depends on earlier values, once per origin.

        >>> import pandas as pd
        >>> from kerazoo.forecast.transforms import Difference, Log
        >>> chain = Chain([Log(), Difference(), StandardScale()]).fit([1.0, 2.0, 8.0], pd.RangeIndex(3))
        >>> chain.parts()
        (Chain([Log()]), Chain([Difference(lag=1)]), Chain([StandardScale(center=True)]))
        """
        self._check_fitted()
        dependent = [i for i, each in enumerate(self.transforms) if not isinstance(each, PointwiseTransform)]
        first, last = (dependent[0], dependent[-1] + 1) if dependent else (len(self.transforms),) * 2
        found = [Chain(self.transforms[part]) for part in (slice(first), slice(first, last), slice(last, None))]
        for each in found:
            each.n_fitted_ = self.n_fitted_
        return found[0], found[1], found[2]

    def get_config(self) -> dict[str, Any]:
        """The configs of the transforms."""
        return {"transforms": [each.to_config() for each in self.transforms]}

    def get_state(self) -> dict[str, Any]:
        """The states of the transforms."""
        return {**super().get_state(), "states": [each.get_state() for each in self.transforms]}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        """Restore the states of all transforms."""
        self._check_names(state, "states")
        states = state["states"]
        found = len(states) if isinstance(states, list | tuple) else None
        if found != len(self.transforms):
            raise InvalidArgumentError(
                f"{found} states for {len(self.transforms)} transforms; expected a list with one per transform."
            )
        for each, its in zip(self.transforms, states, strict=True):
            each.set_state(its)
        self.n_fitted_ = self._checked_value("n_fitted_", state["n_fitted_"])
        return self

    def __repr__(self) -> str:
        return f"Chain([{', '.join(map(repr, self.transforms))}])"

    def _fit(self, y: Values, index: Index) -> None:
        for i, each in enumerate(self.transforms):
            each.fit(y, index)
            if i < len(self.transforms) - 1:
                y, _ = each.apply(y, index)

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        tails = []
        for each in self.transforms:
            y, tail = each.apply(y, index)
            tails.append(tail)
        return y, {"tails": tails}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        for each, its in zip(reversed(self.transforms), reversed(tail["tails"]), strict=True):
            z = each.undo(z, its, index)
        return z

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        inputs = []
        for each in self.transforms:
            inputs.append(y)
            y, _ = each.apply(y, index)
        for each, its in zip(reversed(self.transforms), reversed(inputs), strict=True):
            z = each.undo_one_step(z, its, index)
        return z


def fitted_chain(config: Sequence[Mapping[str, Any]], y: Values, index: Index) -> Chain:
    """The transforms of a config, followed by a scaling to unit variance, fitted on `y`.

    The scaling also subtracts the mean, unless the last transform outputs residuals. Then z = 0 is already a forecast,
    and subtracting the mean of past residuals does not improve it.

    Args:
        config: configs of the transforms, in order.
        y: float64 (T,).
        index: its index (T,).

    Raises:
        InvalidArgumentError: a transform is not defined for the values, or the series is too short.
    """
    chain = Chain([dict(part) for part in config])
    return Chain([*chain.transforms, StandardScale(center=not chain.outputs_residuals)]).fit(y, index)
