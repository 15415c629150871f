"""`GeneratedWindows`: batches of windows of generated series, from which a network learns to forecast any series."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.batching.dataset import Epoch, ResumableDataset
from kerazoo.forecast.generators import generate
from kerazoo.forecast.global_nets.adjustment import AdjustedPanel, adjust
from kerazoo.forecast.global_nets.seasons import season_at
from kerazoo.forecast.global_nets.windows import equal_weights, windows_at
from kerazoo_ext import _panel_windows

__all__ = ["RECENCY", "GeneratedWindows"]

#: Weight of a season relative to the one after it, in the indices of a season. On the ends of the training parts of
#: Tourism's months, the MASE of a first network was 1.965 with equal weights, 1.836 with .8 and 1.828 with .75; on 66
#: series of R it was 7 to 8 % lower with these; on M3 nothing changed.
RECENCY = 0.75
#: Series of a group, which have one period and one length: the generators draw as many together.
GROUP = 256
#: Groups of a pool, and windows that are cut from each of its series on average.
GROUPS, WINDOWS = 16, 8
#: Periods and how often they occur: months, quarters, years, weekdays, hours, business days, weeks.
PERIODS = ((12, 0.38), (4, 0.2), (1, 0.2), (7, 0.08), (24, 0.06), (5, 0.03), (52, 0.03))
#: Share of the other periods, which are drawn from 2 to MOST_PERIOD.
MOST_PERIOD = 60
#: Fewest values before a forecast, and how many as a multiple of the lookback at most.
LEAST_HISTORY, MOST_LOOKBACKS = 3, 3
#: Share of the groups without a season that are structural alone: years have trends, where days have walks and noise.
STRUCTURAL = 0.6
#: Share of the groups whose positive series stay values, as in one of the two views of a forecast.
VALUES = 0.3
#: Share of the series with missing values.
GAPS = 0.08


class _Pool(NamedTuple):
    panel: AdjustedPanel
    ends: NDArray[np.int64]  # of the part of each series that its season was estimated from


class GeneratedWindows(ResumableDataset):
    """Batches of windows of generated series: a Keras `PyDataset`.

    A forecast knows the past alone. So does a window: the season of its series is estimated from the values before its
    targets, which are adjusted by the estimate.

    Args:
        lookback: L >= 2, steps of a window.
        horizon: H >= 1, steps to predict.
        batch_size: B >= 1.
        steps: batches of an epoch.
        seed: int >= 0.

    Items are those of :class:`kerazoo.forecast.global_nets.batches.PanelWindows`.
    """

    def __init__(
        self, lookback: int, horizon: int, *, batch_size: int = 256, steps: int = 1000, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.lookback = check_int("lookback", lookback, 2)
        self.horizon = check_int("horizon", horizon)
        self.batch_size = check_int("batch_size", batch_size)
        self.steps = check_int("steps", steps)
        self._pools: OrderedDict[int, _Pool] = OrderedDict()
        self._making = threading.Lock()

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, Any]:
        return self.steps, number

    def _batch(self, epoch: Epoch, index: int) -> tuple[Any, ...]:
        number = epoch.number * self.steps + index
        per_pool = max(1, GROUPS * GROUP * WINDOWS // self.batch_size)
        found = self.draw(number // per_pool, number, self.batch_size)
        equal_weights(found.targets)
        return found.inputs, found.targets

    def draw(self, pool: int, number: int, n: int) -> Any:
        """As many windows as `n` of a pool, drawn anew for each `number`."""
        panel, ends = self._pool(pool)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1, number)))
        series = rng.integers(0, len(ends), n)
        later = rng.integers(0, self.horizon // 2 + 1, n) * (rng.random(n) < 0.5)
        return windows_at(panel, series, ends[series] + later, self.lookback, self.horizon)

    def _pool(self, number: int) -> _Pool:
        with self._making:
            if number not in self._pools:
                self._pools[number] = self._made(number)
                while len(self._pools) > 2:
                    self._pools.popitem(last=False)
            return self._pools[number]

    def _made(self, number: int) -> _Pool:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(0, number)))
        values, kinds, ends, lengths = [], [], [], []
        for group in range(GROUPS):
            period = _period(rng)
            most = MOST_LOOKBACKS * self.lookback
            length = int(np.exp(rng.uniform(np.log(LEAST_HISTORY), np.log(most + 1))))
            if period > 1 and rng.random() < 0.6:
                length = max(length, min(most, int(rng.uniform(3, 6) * period)))
            whole = length + self.horizon + self.horizon // 2
            first = (number * GROUPS + group) * GROUP
            kind = "structural" if period == 1 and rng.random() < STRUCTURAL else "mixture"
            y = generate(GROUP, whole, period, kind=kind, seed=self.seed, start=first)
            y = _with_gaps(rng, y, length)
            past = adjust(list(y[:, :length]), period, recency=RECENCY, logarithms=rng.random() >= VALUES)
            is_log = (past.kinds == _panel_windows.LOGARITHMS)[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                z = np.where(is_log, np.log(np.where(y > 0, y, np.nan)), y)
            if past.periods:
                z = z - season_at(past.seasons, past.periods[0], np.tile(np.arange(whole), (GROUP, 1)))
            values.append(z.ravel())
            kinds.append(past.kinds)
            ends += [length] * GROUP
            lengths += [whole] * GROUP
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        panel = AdjustedPanel(np.concatenate(values), offsets, np.concatenate(kinds), np.zeros((len(ends), 1)), ())
        return _Pool(panel, np.array(ends, np.int64))

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("lookback", "horizon", "batch_size", "steps")}

    def _data_fingerprint(self) -> dict[str, Any]:
        return {"seed": self.seed}


def _period(rng: np.random.Generator) -> int:
    at, total = rng.random(), 0.0
    for period, share in PERIODS:
        total += share
        if at < total:
            return period
    return int(rng.integers(2, MOST_PERIOD + 1))


def _with_gaps(rng: np.random.Generator, y: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    rows = np.flatnonzero(rng.random(len(y)) < GAPS)
    missing = rng.random((len(rows), length)) < rng.uniform(0.02, 0.3, (len(rows), 1))
    missing[:, [0, -1]] = False
    part = y[rows, :length]
    part[missing] = np.nan
    y[rows, :length] = part
    return y
