"""`PanelWindows`: batches of windows from anywhere in a panel, each scaled by itself, made in C."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.batching.dataset import Epoch, ResumableDataset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.adjustment import AdjustedPanel
from kerazoo.forecast.global_nets.inputs import CodedInputs
from kerazoo.forecast.global_nets.seasons import check_periods
from kerazoo_ext import _panel_windows

__all__ = ["PanelWindows", "Windows", "default_lookback", "windows_at"]

#: Lowest unit (relative change from step to step), for windows of constant values.
LEAST_UNIT = 1e-4
#: Longest window that :func:`default_lookback` chooses; the time of a training step grows with it.
LONGEST_LOOKBACK = 160
#: Share of the codes of categories that a training hides, so that a network knows what to do with unknown ones.
HIDDEN = 0.1


class Windows(NamedTuple):
    """B windows of L steps.

    Attributes:
        inputs: float32 (B, L, 3): scaled value, 1 where it is known (else 0), logarithm of the unit.
        targets: float32 (B, H, 3): scaled value, 1 where it is known, unit (of counts the scale).
        centres: float64 (B,).
        scales: float64 (B,): value = centre + scale * scaled value.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    centres: NDArray[np.float64]
    scales: NDArray[np.float64]


def windows_at(
    panel: AdjustedPanel, series: NDArray[np.int64], ends: NDArray[np.int64], lookback: int, horizon: int
) -> Windows:
    """The windows of `series` (B,) whose inputs end before the steps `ends` (B,).

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets.adjustment import adjust
    >>> found = windows_at(adjust([[-1.0, 2.0, 4.0, 5.0]]), np.array([0]), np.array([3]), lookback=4, horizon=1)
    >>> found.inputs[0, :, 0].tolist(), found.targets[0, 0, 0].tolist()
    ([0.0, -2.0, -0.800000011920929, 0.0], 0.4000000059604645)
    """
    n = len(series)
    found = Windows(
        np.empty((n, lookback, _panel_windows.FEATURES), np.float32),
        np.empty((n, horizon, _panel_windows.TARGETS), np.float32),
        np.empty(n),
        np.empty(n),
    )
    _panel_windows.fill(panel.values, panel.offsets, panel.kinds, LEAST_UNIT, series, ends, *found)
    return found


def default_lookback(
    lengths: Sequence[int] | NDArray[np.int64], horizon: int, period: float | Sequence[float] = 1
) -> int:
    """Steps of a window: three (longest) seasons or two horizons, whichever is longer, if the series have as many.

    At least a quarter of the series have less than this and a horizon after it; their windows have missing steps at
    the start. Windows of more than 160 steps are chosen for longer horizons only.

    >>> [default_lookback([66] * 100, 18, 12), default_lookback([40] * 100, 8, 4), default_lookback([14] * 100, 6)]
    [36, 16, 8]
    """
    wanted = max(3, round(3 * max(check_periods(period), default=1)), 2 * horizon)
    room = int(np.quantile(np.asarray(lengths), 0.25)) - horizon
    return max(2, min(wanted, max(room, min(horizon, int(np.max(lengths)))), max(LONGEST_LOOKBACK, horizon)))


class PanelWindows(ResumableDataset):
    """Batches of random windows over a panel: a Keras `PyDataset`.

    Each series is equally likely, and so is each end of a window in it. Draw number (index of the batch) * batch_size
    + row is a function of (seed, epoch, number): see `kerazoo_ext/panel_windows.h`.

    Args:
        panel: the adjusted series.
        lookback: L >= 1, steps of a window.
        horizon: H >= 1, steps to predict.
        batch_size: B >= 1.
        steps: batches of an epoch.
        history: values before the end of a window, at least; fewer than `lookback` trains for short series. None: a
            quarter of `lookback`, at least 2.
        extra: further inputs of the series, or None. Each code of a category is "unknown" in one of ten windows.
        seed: int >= 0, or None to draw one.

    Raises:
        InvalidArgumentError: no series has `history` values and one to predict.

    Items are (inputs, targets) as in :class:`Windows`, except that the second number of a target is a weight: 0 where
    there is no target, else equal, with mean 1 over the batch. With `extra`, inputs are those of
    :meth:`kerazoo.forecast.global_nets.inputs.CodedInputs.join`.

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets.adjustment import adjust
    >>> data = PanelWindows(adjust([np.arange(1.0, 40.0)]), 6, 2, batch_size=5, steps=10, seed=1)
    >>> [each.shape for each in data[0]]
    [(5, 6, 3), (5, 2, 3)]
    """

    def __init__(
        self,
        panel: AdjustedPanel,
        lookback: int,
        horizon: int,
        *,
        batch_size: int = 256,
        steps: int = 2000,
        history: int | None = None,
        extra: CodedInputs | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.panel = panel
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon)
        self.batch_size = check_int("batch_size", batch_size)
        self.steps = check_int("steps", steps)
        self.extra = extra
        self.history = max(2, self.lookback // 4) if history is None else check_int("history", history)
        self.eligible = np.flatnonzero(panel.lengths >= self.history + 1).astype(np.int64)
        if not len(self.eligible):
            longest = int(panel.lengths.max())
            raise InvalidArgumentError(
                f"the longest series has {longest} values; expected at least {self.history + 1} in one of them. Use a "
                "smaller lookback."
            )

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, Any]:
        return self.steps, None

    def _batch(self, epoch: Epoch, index: int) -> tuple[Any, ...]:
        position, n = index * self.batch_size, self.batch_size
        series, ends = self.places(int(epoch.keys[0]), position, n)
        found = windows_at(self.panel, series, ends, self.lookback, self.horizon)
        weights = found.targets[:, :, 1]
        weights *= weights.size / max(float(weights.sum()), 1.0)
        if self.extra is None:
            return found.inputs, found.targets
        hidden = _hidden(int(epoch.keys[1]), position, n, self.extra.categories.shape[1])
        inputs = self.extra.join(found.inputs, series, ends, self.horizon, hidden)
        return inputs if len(inputs) > 1 else inputs[0], found.targets

    def places(self, key: int, position: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Series and ends (n,) of the windows number `position` to `position` + n - 1 of the stream `key`."""
        series, ends = np.empty((2, n), np.int64)
        _panel_windows.draw(self.panel.offsets, self.eligible, self.history, 1, key, position, series, ends)
        return series, ends

    def draw(self, key: int, position: int, n: int) -> Windows:
        """These windows, without further inputs."""
        series, ends = self.places(key, position, n)
        return windows_at(self.panel, series, ends, self.lookback, self.horizon)

    def _settings(self) -> dict[str, Any]:
        names = ("lookback", "horizon", "batch_size", "steps", "history")
        return {name: getattr(self, name) for name in names}

    def _data_fingerprint(self) -> dict[str, Any]:
        panel = self.panel
        check = 0
        for array in (panel.values, panel.offsets, panel.kinds):
            check = zlib.crc32(array.tobytes(), check)
        found = {"series": len(panel.kinds), "values": len(panel.values), "crc32": check}
        return found if self.extra is None else {**found, "inputs crc32": self.extra.checksum()}


def _hidden(key: int, position: int, n: int, columns: int) -> NDArray[np.bool_]:
    """Which codes of the windows `position` to `position` + n - 1 are hidden, (n, columns); functions of the number."""
    blocks = -(-columns // 4)  # of four numbers of the counter-based generator
    drawn = np.random.Philox(key=key, counter=position * blocks).random_raw(4 * blocks * n)
    found: NDArray[np.bool_] = (drawn.reshape(n, 4 * blocks)[:, :columns] >> np.uint64(11)) < HIDDEN * 2.0**53
    return found
