"""`Ensemble`: the networks of a forecaster with their transforms, and the forecasts that they make together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._runtime.precision import in_float32
from kerazoo.forecast.data.calendar import calendar_features
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.nets.windows import KnownScale, Windows
from kerazoo.forecast.nets.zeros import Values as Arrays
from kerazoo.forecast.nets.zeros import ZeroRollout
from kerazoo.forecast.transforms.base import Index, Values
from kerazoo.forecast.transforms.selection import Choice, has_logarithm
from kerazoo.forecast.transforms.series_model import SeriesModel

if TYPE_CHECKING:
    from kerazoo.forecast.nets.members import MemberNets
    from kerazoo.forecast.nets.rollout import Rollout

__all__ = ["Ensemble", "Features", "History", "members_of"]

WINDOWS_PER_BATCH = 512  # of the one-step forecasts, which have one window per step


@dataclass(frozen=True)
class Features:
    """The features of a step that are known beforehand: its calendar features, and covariates.

    Attributes:
        calendar: names of calendar features.
        order: int >= 1, harmonics per calendar feature.
        ahead: int >= 1, steps whose covariates are shown: a network that forecasts several steps needs those of all.
    """

    calendar: tuple[str, ...]
    order: int
    ahead: int

    def rows(self, index: Index, covariates: Values) -> Values:
        """The features of each step of `index`, float64 (T, K), unscaled.

        Covariates beyond the last step repeat those of the last.
        """
        dates = calendar_features(index, self.calendar, self.order)[0] if self.calendar else np.empty((len(index), 0))
        steps = np.arange(len(index))
        shown = [covariates[np.minimum(steps + ahead, len(index) - 1)] for ahead in range(self.ahead)]
        return np.concatenate([dates, *(shown if covariates.shape[1] else [])], axis=1)


@dataclass(frozen=True, eq=False)
class History:
    """A series up to an origin, and what is known of the steps after it.

    Attributes:
        series: int, the number of the fitted series.
        y: float64 (T,).
        index: the T dates of `y`.
        future: index of the H steps that follow.
        known: float64 (T + H, K), scaled features.
        covariates: float64 (T + H, K), as given.
    """

    series: int
    y: Values
    index: Index
    future: Index
    known: Values
    covariates: Values


def members_of(choices: Sequence[Choice], n_members: int) -> list[int]:
    """The chain of each member: in proportion to the weights, every chain at least once.

    >>> members_of([Choice((), 0.8, 1.0), Choice((), 0.2, 1.1)], 5)
    [0, 0, 0, 0, 1]
    """
    counts = np.ones(len(choices), int)
    for _ in range(n_members - len(choices)):
        lacking = np.array([choice.weight for choice in choices]) - counts / counts.sum()
        counts[int(lacking.argmax())] += 1
    return [chain for chain, count in enumerate(counts) for _ in range(count)]


@dataclass(eq=False)
class Ensemble:
    """Networks, and for each choice of transforms its fit to each series.

    Attributes:
        nets: MemberNets of M members; None: there are none, and the forecasts are those of the transforms.
        member_choice: list of int (M,), the chain of each member.
        choices: list of Choice.
        fitted: list of list of SeriesModel, by choice and series.
        layout: Windows.
        features: Features.
        scale: KnownScale.
        likelihood: bool, whether the networks output normal distributions.
        strategy: one of `kerazoo.forecast.options.STRATEGIES`.
        automatic: bool, whether the chains were selected, and not given by the user.
        floor: float or None, below which no forecast falls.
        substitutes: (choice, series) -> SeriesModel without a logarithm, for histories that leave its domain.
    """

    nets: MemberNets | None
    member_choice: list[int]
    choices: list[Choice]
    fitted: list[list[SeriesModel]]
    layout: Windows
    features: Features
    scale: KnownScale
    likelihood: bool
    strategy: str
    automatic: bool = False
    floor: float | None = None
    substitutes: dict[tuple[int, int], SeriesModel] = field(default_factory=dict)

    @property
    def n_members(self) -> int:
        """M, networks, which take part even where they do not exist: samples are drawn for each."""
        return len(self.member_choice)

    @cached_property
    def rollout(self) -> Rollout | ZeroRollout:
        """The compiled loop over forecast steps, made on first use."""
        if self.nets is None:
            return ZeroRollout(self.layout.ahead)
        from kerazoo.forecast.nets.rollout import Rollout

        with in_float32():
            return Rollout(self.nets, self.likelihood)

    def refuses(self, choice: int, number: int, y: Values, index: Index, covariates: Values) -> bool:
        """Whether a logarithm that nobody asked for refuses these values: zeros after a positive series."""
        return (
            self.automatic
            and has_logarithm(self.choices[choice].config)
            and not self.fitted[choice][number].accepts(y, index, covariates)
        )

    def model_of(
        self, choice: int, number: int, y: Values, index: Index, covariates: Values
    ) -> tuple[SeriesModel, bool]:
        """The model of a chain for these values of a series; and whether it is a substitute.

        The networks have learned the residuals of another model, so they do not correct the forecasts of substitutes.
        """
        substitute = self.substitutes.get((choice, number))
        if substitute is not None and self.refuses(choice, number, y, index, covariates):
            return substitute, True
        return self.fitted[choice][number], False

    def history_of(
        self, number: int, series: SeriesData, future: Values, horizon: int, origin: int | None = None
    ) -> History:
        """The history of a series up to an origin.

        Args:
            number: int, the number of the fitted series.
            series: its values, possibly of another length than in the fit.
            future: float64 (horizon, K), the covariates after the end; not used with an origin.
            horizon: int.
            origin: int, the number of steps of the history; None: all, the forecast starts after the end.
        """
        if origin is None:
            dates = future_index(series.index, horizon)
            covariates = np.concatenate([series.covariates, future])
            known = self.features.rows(series.index.append(dates), covariates)
            return History(number, series.values, series.index, dates, self.scale.apply(known), covariates)
        end = min(len(series.values), origin + horizon)
        covariates = series.covariates[:end]
        known = self.features.rows(series.index[:end], covariates)
        return History(number, series.values[:origin], series.index[:origin], series.index[origin:end],
                       self.scale.apply(known), covariates)  # fmt: skip

    def forecast(self, histories: Sequence[History], horizon: int, from_zeros: bool = False) -> list[Values]:
        """The forecast after each history, float64 (H,), in the units of the data.

        Args:
            histories: H is the length of the future of each.
            horizon: int, at least the longest future.
            from_zeros: show the networks zeros in place of the transformed values; the inverse of the transforms still
                continues the true series.
        """
        found = []
        for paths, history in zip(self.paths(histories, horizon, from_zeros=from_zeros), histories, strict=True):
            steps = len(history.future)
            total = np.zeros(steps)
            for choice, of_choice in zip(self.choices, paths, strict=True):
                total += choice.weight * of_choice[:, :steps].mean(axis=0)
            found.append(self.above_floor(total))
        return found

    def samples(
        self, histories: Sequence[History], horizon: int, n_samples: int, rng: np.random.Generator
    ) -> list[Values]:
        """Sampled paths after each history, float64 (about n_samples, H); each chain has its weight in them."""
        found = []
        each = -(-n_samples // len(self.member_choice))
        paths = self.paths(histories, horizon, each, rng)
        for history, of_history in zip(histories, paths, strict=True):
            sampled = []
            for choice, of_choice in zip(self.choices, of_history, strict=True):
                count = max(1, round(choice.weight * n_samples))
                sampled.append(of_choice[rng.choice(len(of_choice), count, replace=count > len(of_choice))])
            found.append(self.above_floor(np.concatenate(sampled)[:, : len(history.future)]))
        return found

    def above_floor(self, values: Values) -> Values:
        """The values, none below the floor."""
        return values if self.floor is None else np.maximum(values, self.floor)

    def paths(
        self,
        histories: Sequence[History],
        horizon: int,
        samples: int = 0,
        rng: np.random.Generator | None = None,
        from_zeros: bool = False,
    ) -> list[list[Values]]:
        """Paths in the units of the data: for each history and chain float64 (paths, H).

        Args:
            histories: histories to continue.
            horizon: int.
            samples: int, paths per member that are sampled; 0: the means.
            rng: the generator of the samples.
            from_zeros: as in :meth:`forecast`.
        """
        x, valid, tails, models = self._inputs(histories)
        if from_zeros:
            x[..., 0] = 0.0
        if samples:
            assert rng is not None
            noise = rng.standard_normal((self.n_members, horizon, len(histories) * samples)).astype(np.float32)
            x, valid, known = (
                np.repeat(array, samples, axis=2) for array in (x, valid, self._known(histories, horizon))
            )
            z = self.rollout.paths(x, valid, known, noise)
            z = z.reshape(self.n_members, len(histories), samples, horizon)
            return self._inverse(z, histories, tails, models)
        # The forecast of a substitute is not corrected.
        choice_of = np.array(self.member_choice)
        corrected = np.array([[not substitute for _, substitute in of_history] for of_history in models])
        known = corrected[:, choice_of].T[:, :, None, None]
        found = []
        if self.strategy in ("recursive", "mean"):
            z = self.rollout.paths(x, valid, self._known(histories, horizon))
            found.append(self._inverse(np.where(known, z[:, :, None], 0.0), histories, tails, models))
        if self.strategy in ("direct", "mean"):
            z = self._direct(x, valid, histories, horizon)
            found.append(self._inverse(np.where(known, z[:, :, None], 0.0), histories, tails, models))
        if len(found) == 1:
            return found[0]
        return [[0.5 * (one + other) for one, other in zip(*both, strict=True)] for both in zip(*found, strict=True)]

    def _inputs(
        self, histories: Sequence[History]
    ) -> tuple[Arrays, Arrays, list[list[Any]], list[list[tuple[SeriesModel, bool]]]]:
        """Windows x (M, L, B, F) at the end of each history, their masks (M, L, B, 1), tails of the transforms, models.

        Tails and models, with whether they are substitutes, are by history and choice.
        """
        members, batch, width = self.n_members, len(histories), 1 + histories[0].known.shape[1]
        length = 0 if self.nets is None else self.layout.length
        x = np.zeros((members, length, batch, width), np.float32)
        valid = np.zeros((members, length, batch, 1), np.float32)
        tails: list[list[Any]] = []
        models: list[list[tuple[SeriesModel, bool]]] = []
        choice_of = np.array(self.member_choice)
        for number, history in enumerate(histories):
            of_history = []
            given = history.y, history.index, history.covariates[: len(history.y)]
            models.append([self.model_of(choice, history.series, *given) for choice in range(len(self.choices))])
            for choice, (model, _) in enumerate(models[-1]):
                z, tail = model.apply(*given)
                of_history.append(tail)
                if self.nets is None:
                    continue
                rows, mask = self.layout.inputs(z, history.known, len(history.y))
                x[choice_of == choice, :, number] = rows
                valid[choice_of == choice, :, number, 0] = mask
            tails.append(of_history)
        return x, valid, tails, models

    def _known(self, histories: Sequence[History], steps: int, start: int = 0) -> Arrays:
        """The known features that are fed back with the forecast steps `start`, ...: those of the next steps.

        Returns:
            float32 (M, steps, B, K).
        """
        rows = []
        for history in histories:
            positions = len(history.y) + start + 1 + np.arange(steps)
            rows.append(history.known[np.minimum(positions, len(history.known) - 1)])
        known = np.stack(rows, axis=1).astype(np.float32)
        return np.broadcast_to(known, (self.n_members, *known.shape))

    def _direct(self, x: Arrays, valid: Arrays, histories: Sequence[History], horizon: int) -> Arrays:
        """Forecasts (M, B, H) in blocks of as many steps as one output has, each block an input of the next."""
        blocks, done = [], 0
        ahead = self.layout.ahead
        while done < horizon:
            block = self.rollout.outputs_after(x, valid)[..., :ahead]
            blocks.append(block)
            values = np.moveaxis(block, 2, 1)[..., None]  # (M, O, B, 1)
            known = self._known(histories, ahead, done)
            x = np.concatenate([x, np.concatenate([values, known], axis=-1)], axis=1)[:, ahead:]
            valid = np.concatenate([valid, np.ones_like(values)], axis=1)[:, ahead:]
            done += ahead
        return np.concatenate(blocks, axis=2)[..., :horizon]

    def _inverse(
        self,
        z: Arrays,
        histories: Sequence[History],
        tails: list[list[Any]],
        models: list[list[tuple[SeriesModel, bool]]],
    ) -> list[list[Values]]:
        """Transform (M, B, paths, H) back to the units of the data."""
        choice_of = np.array(self.member_choice)
        found = []
        for number, history in enumerate(histories):
            of_history = []
            steps = len(history.future)
            for choice in range(len(self.choices)):
                paths = z[choice_of == choice, number].reshape(-1, z.shape[-1]).astype(np.float64)[:, :steps]
                model = models[number][choice][0]
                future = history.covariates[len(history.y) : len(history.y) + steps]
                of_history.append(model.undo(paths, tails[number][choice], history.future, future))
            found.append(of_history)
        return found

    def fitted_values(self, number: int, series: SeriesData) -> Values:
        """One-step forecasts of a series, float64 (T,), each from the values before; NaN at the start.

        Args:
            number: int, the number of the fitted series.
            series: its values, possibly of another length than in the fit.
        """
        given = series.values, series.index, series.covariates
        models = [self.model_of(choice, number, *given) for choice in range(len(self.choices))]
        zs = [model.apply(*given)[0] for model, _ in models]
        z_hat = self._one_step(series, zs)
        found = np.zeros(len(series.values))
        choice_of = np.array(self.member_choice)
        for choice, z in enumerate(zs):
            model, substitute = models[choice]
            corrections = (0.0 if substitute else 1.0) * z_hat[choice_of == choice]
            predicted = np.where(np.isnan(z), np.nan, corrections)
            values = model.undo_one_step(predicted, *given)
            found += self.choices[choice].weight * values.mean(axis=0)
        return self.above_floor(found)

    def _one_step(self, series: SeriesData, zs: Sequence[Values]) -> Values:
        """One-step forecasts of the networks, float64 (M, T); zs are the transformed values of each choice."""
        total, choice_of = len(series.values), np.array(self.member_choice)
        start = np.full((self.n_members, 1), np.nan)
        if self.nets is None:
            return np.concatenate([start, np.zeros((self.n_members, total - 1))], axis=1)
        known = self.scale.apply(self.features.rows(series.index, series.covariates))
        outputs = []
        # One window per step: long series are processed in batches that fit into memory.
        all_ends = np.arange(1, total)
        for ends in np.array_split(all_ends, max(1, -(-len(all_ends) // WINDOWS_PER_BATCH))):
            shape = (self.n_members, self.layout.length, len(ends))
            x = np.zeros((*shape, 1 + known.shape[1]), np.float32)
            valid = np.zeros((*shape, 1), np.float32)
            for choice, z in enumerate(zs):
                for column, end in enumerate(ends):
                    rows, mask = self.layout.inputs(z, known, int(end))
                    x[choice_of == choice, :, column] = rows
                    valid[choice_of == choice, :, column, 0] = mask
            outputs.append(self.rollout.outputs_after(x, valid)[..., 0])
        return np.concatenate([start, *outputs], axis=1).astype(np.float64)
