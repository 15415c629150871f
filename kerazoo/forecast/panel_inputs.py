"""What the networks of several series see besides the series: calendar features and covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerazoo.forecast.data.calendar import calendar_features
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.data.types import Values

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets.inputs import Inputs

__all__ = ["NetworkInputs"]


class NetworkInputs:
    """Selects the inputs of networks.

    Args:
        calendar: names of calendar features, () for none.
        order: int >= 1, harmonics per calendar feature.
        ids: whether each series has an embedding of its own.
    """

    def __init__(self, calendar: Sequence[str] = (), order: int = 1, ids: bool = False) -> None:
        self.calendar, self.order, self.ids = tuple(calendar), order, ids

    def of(self, series: Sequence[SeriesData], futures: Sequence[Values] | None = None) -> Inputs | None:
        """The inputs of series, or None without any.

        Args:
            series: the series. Their values may end earlier than what is known of their steps.
            futures: float64 (H, K) per series, covariates of the steps that follow; None in a training.
        """
        from kerazoo.forecast.global_nets.inputs import Inputs

        known = None
        if self.calendar or series[0].covariates.shape[1]:
            known = []
            for number, each in enumerate(series):
                rows = each.covariates if futures is None else np.concatenate([each.covariates, futures[number]])
                if self.calendar:
                    index = each.index
                    if futures is not None:
                        index = index.append(future_index(index, len(futures[number])))
                    rows = np.concatenate([calendar_features(index, self.calendar, self.order)[0], rows], axis=1)
                known.append(rows)
        categories = [[str(each.id)] for each in series] if self.ids else None
        if known is None and categories is None:
            return None
        return Inputs(known=known, categories=categories)
