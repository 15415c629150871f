"""What the networks of several series see besides the series: calendar, covariates, what holds for a whole series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerazoo.forecast.data.calendar import calendar_features
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.panel import Panel
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
        unused: whether the networks have none of these, and no covariates either.
    """

    def __init__(self, calendar: Sequence[str] = (), order: int = 1, ids: bool = False, unused: bool = False) -> None:
        self.calendar, self.order, self.ids, self.unused = tuple(calendar), order, ids, unused

    def of(
        self,
        panel: Panel,
        futures: Sequence[Values] | None = None,
        *,
        numbers: Sequence[int] | None = None,
        cut: int = 0,
        block: int = 1,
    ) -> Inputs | None:
        """The inputs of series, or None without any.

        Args:
            panel: the series.
            futures: float64 (H, K) per series, covariates of the steps that follow; None in a training.
            numbers: which series; None: all.
            cut: steps that are left out at the end of each. What is known of them beforehand stays.
            block: steps that the networks forecast at once: the calendar is known up to a multiple of it.
        """
        from kerazoo.forecast.global_nets.inputs import Inputs

        if self.unused:
            return None
        numbers = range(len(panel.series)) if numbers is None else numbers
        known = past = static = categories = None
        if self.calendar or panel.covariate_names:
            known = [
                self._known(panel, number, None if futures is None else futures[number], block) for number in numbers
            ]
        if panel.past_names:
            past = [panel.series[number].past for number in numbers]
            past = [rows[: max(0, len(rows) - cut)] for rows in past]
        if panel.static_names:
            static = panel.static[list(numbers)]
        if panel.category_names or self.ids:
            own = [[str(panel.ids[number])] if self.ids else [] for number in numbers]
            given = [[text or None for text in panel.categories[number]] for number in numbers]
            categories = [[*label, *texts] for label, texts in zip(own, given, strict=True)]
        if known is None and past is None and static is None and categories is None:
            return None
        return Inputs(past=past, known=known, static=static, categories=categories)

    def depend_on_futures(self, panel: Panel) -> bool:
        """Whether a forecast needs inputs of the steps that follow."""
        return not self.unused and bool(self.calendar or panel.covariate_names)

    def _known(self, panel: Panel, number: int, future: Values | None, block: int) -> Values:
        each = panel.series[number]
        if future is None:
            rows, index = each.covariates, each.index
        else:
            further = -len(future) % block if self.calendar else 0
            unknown = np.full((further, future.shape[1]), np.nan)
            rows = np.concatenate([each.covariates, future, unknown])
            index = each.index.append(future_index(each.index, len(future) + further)) if self.calendar else each.index
        if self.calendar:
            rows = np.concatenate([calendar_features(index, self.calendar, self.order)[0], rows], axis=1)
        return rows
