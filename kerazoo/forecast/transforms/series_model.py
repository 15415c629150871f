"""`SeriesModel`: the statistics of one series, a chain of transforms of what the covariates leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.types import Index, Values
from kerazoo.forecast.transforms.base import Tail
from kerazoo.forecast.transforms.chain import Chain, fitted_chain
from kerazoo.forecast.transforms.linear_term import LinearTerm

__all__ = ["SeriesModel"]


@dataclass(frozen=True, eq=False)
class SeriesModel:
    """A fitted chain, preceded by the linear term of the covariates if there is one.

    Attributes:
        chain: the fitted chain, of the values or of what the term leaves.
        term: LinearTerm or None.
    """

    chain: Chain
    term: LinearTerm | None = None

    @classmethod
    def fit(
        cls,
        config: Sequence[Mapping[str, Any]],
        y: Values,
        index: Index,
        covariates: Values,
        term: LinearTerm | None = None,
    ) -> SeriesModel:
        """Fit a chain of this config, with :func:`kerazoo.forecast.transforms.chain.fitted_chain`.

        Args:
            config: configs of the transforms, in order.
            y: float64 (T,).
            index: its index (T,).
            covariates: float64 (T, K); used with a term only.
            term: the fitted term, or None.

        Raises:
            InvalidArgumentError: a transform is not defined for the values, or the series is too short.
        """
        rest = y if term is None else term.remove(y, covariates)
        return cls(fitted_chain(config, rest, index), term)

    def accepts(self, y: Values, index: Index, covariates: Values) -> bool:
        """Whether the values lie in the domain of the transforms of single values at the start of the chain."""
        try:
            self.chain.parts()[0].apply(y if self.term is None else self.term.remove(y, covariates), index)
        except InvalidArgumentError:
            return False
        return True

    def apply(self, y: Values, index: Index, covariates: Values) -> tuple[Values, Tail]:
        """Transformed values (T,) and the tail, as :meth:`Transform.apply`; `covariates` are (T, K)."""
        return self.chain.apply(y if self.term is None else self.term.remove(y, covariates), index)

    def undo(self, z: Values, tail: Tail, index: Index, covariates: Values) -> Values:
        """Steps (..., H) in the units of `y`, as :meth:`Transform.undo`; `covariates` are those of the steps (H, K)."""
        rest = self.chain.undo(z, tail, index)
        return rest if self.term is None else self.term.restore(rest, covariates)

    def undo_one_step(self, z: Values, y: Values, index: Index, covariates: Values) -> Values:
        """One-step predictions (..., T) in the units of `y`, as :meth:`Transform.undo_one_step`."""
        if self.term is None:
            return self.chain.undo_one_step(z, y, index)
        rest = self.chain.undo_one_step(z, self.term.remove(y, covariates), index)
        return self.term.restore(rest, covariates)
