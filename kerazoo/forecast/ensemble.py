"""`Ensemble`: the nets of a forecaster with their transforms, and the forecasts that they make together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerazoo.forecast.data.calendar import calendar_features
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.nets.members import MemberNets
from kerazoo.forecast.nets.members import Values as Arrays
from kerazoo.forecast.nets.rollout import Roller
from kerazoo.forecast.nets.windows import KnownScale, Windows
from kerazoo.forecast.transforms.base import Index, Values
from kerazoo.forecast.transforms.chain import Chain
from kerazoo.forecast.transforms.selection import Choice

__all__ = ["Ensemble", "Features", "History", "members_of"]


@dataclass(frozen=True)
class Features:
    """What is known of a step beforehand: calendar features, and covariates of the step and of those after it.

    Attributes:
        calendar: names of calendar features.
        order: int >= 1, harmonics of each.
        ahead: int >= 1, steps whose covariates are shown at once: a net that foretells many steps needs those of all.
    """

    calendar: tuple[str, ...]
    order: int
    ahead: int

    def rows(self, index: Index, covariates: Values) -> Values:
        """Float64 (T, K), unscaled, of each step of `index`; covariates beyond the last step are those of the last."""
        dates = calendar_features(index, self.calendar, self.order)[0] if self.calendar else np.empty((len(index), 0))
        places = np.arange(len(index))
        shown = [covariates[np.minimum(places + step, len(index) - 1)] for step in range(self.ahead)]
        return np.concatenate([dates, *(shown if covariates.shape[1] else [])], axis=1)


@dataclass(frozen=True, eq=False)
class History:
    """A series up to an origin, and what is known from there on.

    Attributes:
        series: int, which of the fitted series it goes on from.
        y: float64 (T,); index: its T dates.
        future: index of the H steps that follow.
        known: float64 (T + H, K), scaled.
    """

    series: int
    y: Values
    index: Index
    future: Index
    known: Values


def members_of(choices: Sequence[Choice], n_members: int) -> list[int]:
    """Which chain each member works on: as many as the weights say, and every chain at least one.

    >>> members_of([Choice((), 0.8, 1.0), Choice((), 0.2, 1.1)], 5)
    [0, 0, 0, 0, 1]
    """
    counts = np.ones(len(choices), int)
    for _ in range(n_members - len(choices)):
        lacking = np.array([choice.weight for choice in choices]) - counts / counts.sum()
        counts[int(lacking.argmax())] += 1
    return [place for place, count in enumerate(counts) for _ in range(count)]


@dataclass(eq=False)
class Ensemble:
    """Nets, and for each chain of transforms its fit to each series.

    Attributes:
        nets: MemberNets of M.
        member_choice: list of int (M,), the chain of each member.
        choices: list of Choice.
        fitted: by chain and series.
        layout: Windows.
        features: Features.
        scale: KnownScale.
        likelihood: bool, the nets give normal distributions.
        strategy: str, "recursive", "direct" or "mean".
    """

    nets: MemberNets
    member_choice: list[int]
    choices: list[Choice]
    fitted: list[list[Chain]]
    layout: Windows
    features: Features
    scale: KnownScale
    likelihood: bool
    strategy: str
    _roller: list[Roller] = field(default_factory=list)

    @property
    def roller(self) -> Roller:
        if not self._roller:
            self._roller.append(Roller(self.nets, self.likelihood))
        return self._roller[0]

    def history_of(
        self, place: int, series: SeriesData, future: Values, horizon: int, origin: int | None = None
    ) -> History:
        """The history of series number `place` up to `origin` (its end unless given).

        Args:
            place: int.
            series: SeriesData.
            future: float64 (horizon, K), the covariates of the steps after the end; not used before an earlier origin.
            horizon: int.
            origin: int.
        """
        if origin is None:
            dates = future_index(series.index, horizon)
            known = self.features.rows(series.index.append(dates), np.concatenate([series.covariates, future]))
            return History(place, series.values, series.index, dates, self.scale.apply(known))
        end = min(len(series.values), origin + horizon)
        known = self.features.rows(series.index[:end], series.covariates[:end])
        return History(place, series.values[:origin], series.index[:origin], series.index[origin:end],
                       self.scale.apply(known))  # fmt: skip

    def forecast(self, histories: Sequence[History], horizon: int, from_zeros: bool = False) -> list[Values]:
        """The forecast of each history, float64 (H,), H the length of its future, in the units of the data.

        `from_zeros` shows the nets a history in which nothing happened; the end of the series is still what it is.
        """
        found = []
        for paths, history in zip(self.paths(histories, horizon, from_zeros=from_zeros), histories, strict=True):
            steps = len(history.future)
            total = np.zeros(steps)
            for choice, of_choice in enumerate(paths):
                total += self.choices[choice].weight * of_choice[:, :steps].mean(axis=0)
            found.append(total)
        return found

    def samples(
        self, histories: Sequence[History], horizon: int, n_samples: int, rng: np.random.Generator
    ) -> list[Values]:
        """Paths that are drawn, of the chains by their weights: float64 (about n_samples, H) a history."""
        found = []
        each = -(-n_samples // len(self.member_choice))
        paths = self.paths(histories, horizon, each, rng)
        shares = [choice.weight for choice in self.choices]
        for history, of_history in zip(histories, paths, strict=True):
            drawn = []
            for share, of_choice in zip(shares, of_history, strict=True):
                count = max(1, round(share * n_samples))
                drawn.append(of_choice[rng.choice(len(of_choice), count, replace=count > len(of_choice))])
            found.append(np.concatenate(drawn)[:, : len(history.future)])
        return found

    def paths(
        self,
        histories: Sequence[History],
        horizon: int,
        samples: int = 0,
        rng: np.random.Generator | None = None,
        from_zeros: bool = False,
    ) -> list[list[Values]]:
        """Paths in the units of the data: for each history and chain float64 (paths, H)."""
        x, valid, tails = self._inputs(histories)
        if from_zeros:
            x[..., 0] = 0.0
        if samples:
            assert rng is not None
            noise = rng.standard_normal((self.nets.n_members, horizon, len(histories) * samples)).astype(np.float32)
            x, valid, known = (
                np.repeat(array, samples, axis=2) for array in (x, valid, self._known(histories, horizon))
            )
            z = self.roller.paths(x, valid, known, noise)
            z = z.reshape(self.nets.n_members, len(histories), samples, horizon)
            return self._undone(z, histories, tails)
        undone = []
        if self.strategy in ("recursive", "mean"):
            z = self.roller.paths(x, valid, self._known(histories, horizon))
            undone.append(self._undone(z[:, :, None], histories, tails))
        if self.strategy in ("direct", "mean"):
            undone.append(self._undone(self._direct(x, valid, histories, horizon)[:, :, None], histories, tails))
        if len(undone) == 1:
            return undone[0]
        return [[0.5 * (one + other) for one, other in zip(*both, strict=True)] for both in zip(*undone, strict=True)]

    def _inputs(self, histories: Sequence[History]) -> tuple[Arrays, Arrays, list[list[Any]]]:
        members, batch, width = self.nets.n_members, len(histories), 1 + histories[0].known.shape[1]
        x = np.zeros((members, self.layout.length, batch, width), np.float32)
        valid = np.zeros((members, self.layout.length, batch, 1), np.float32)
        tails: list[list[Any]] = []
        choice_of = np.array(self.member_choice)
        for place, history in enumerate(histories):
            of_history = []
            for choice in range(len(self.choices)):
                z, tail = self.fitted[choice][history.series].apply(history.y, history.index)
                rows, here = self.layout.inputs(z, history.known, len(history.y))
                x[choice_of == choice, :, place] = rows
                valid[choice_of == choice, :, place, 0] = here
                of_history.append(tail)
            tails.append(of_history)
        return x, valid, tails

    def _known(self, histories: Sequence[History], steps: int, start: int = 0) -> Arrays:
        """What is known beside the foretold steps `start` .., that is, of the steps after them: (M, H, B, K)."""
        rows = []
        for history in histories:
            places = len(history.y) + start + 1 + np.arange(steps)
            rows.append(history.known[np.minimum(places, len(history.known) - 1)])
        known = np.stack(rows, axis=1).astype(np.float32)
        return np.broadcast_to(known, (self.nets.n_members, *known.shape))

    def _direct(self, x: Arrays, valid: Arrays, histories: Sequence[History], horizon: int) -> Arrays:
        """Blocks of as many steps as the nets foretell at once, each read as history by the next: (M, B, H)."""
        blocks, done = [], 0
        ahead = self.layout.ahead
        while done < horizon:
            block = self.roller.outputs_after(x, valid)[..., :ahead]
            blocks.append(block)
            values = np.moveaxis(block, 2, 1)[..., None]  # (M, O, B, 1)
            known = self._known(histories, ahead, done)
            x = np.concatenate([x, np.concatenate([values, known], axis=-1)], axis=1)[:, ahead:]
            valid = np.concatenate([valid, np.ones_like(values)], axis=1)[:, ahead:]
            done += ahead
        return np.concatenate(blocks, axis=2)[..., :horizon]

    def _undone(self, z: Arrays, histories: Sequence[History], tails: list[list[Any]]) -> list[list[Values]]:
        """From (M, B, paths, H) to the units of the data."""
        choice_of = np.array(self.member_choice)
        found = []
        for place, history in enumerate(histories):
            of_history = []
            steps = len(history.future)
            for choice in range(len(self.choices)):
                paths = z[choice_of == choice, place].reshape(-1, z.shape[-1]).astype(np.float64)[:, :steps]
                fitted = self.fitted[choice][history.series]
                of_history.append(fitted.undo(paths, tails[place][choice], history.future))
            found.append(of_history)
        return found

    def one_step(self, place: int, series: SeriesData) -> Values:
        """Forecasts of each value from those before it, float64 (T,); NaN where there are none."""
        known = self.scale.apply(self.features.rows(series.index, series.covariates))
        total = len(series.values)
        # Windows that end at every step: long series are read in pieces that fit into memory.
        found = np.zeros(total)
        outputs = []
        zs = [self.fitted[choice][place].apply(series.values, series.index)[0] for choice in range(len(self.choices))]
        choice_of = np.array(self.member_choice)
        ends = np.arange(1, total)
        for ends_here in np.array_split(ends, max(1, -(-len(ends) // 512))):
            shape = (self.nets.n_members, self.layout.length, len(ends_here))
            x = np.zeros((*shape, 1 + known.shape[1]), np.float32)
            valid = np.zeros((*shape, 1), np.float32)
            for choice, z in enumerate(zs):
                for column, end in enumerate(ends_here):
                    rows, here = self.layout.inputs(z, known, int(end))
                    x[choice_of == choice, :, column] = rows
                    valid[choice_of == choice, :, column, 0] = here
            outputs.append(self.roller.outputs_after(x, valid)[..., 0])
        z_hat = np.concatenate([np.full((self.nets.n_members, 1), np.nan), *outputs], axis=1).astype(np.float64)
        for choice, z in enumerate(zs):
            predicted = np.where(np.isnan(z), np.nan, z_hat[choice_of == choice])
            chain = self.fitted[choice][place]
            undone = chain.undo_one_step(predicted, series.values, series.index)
            found += self.choices[choice].weight * undone.mean(axis=0)
        return found
