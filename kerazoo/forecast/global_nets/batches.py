"""`PanelWindows`: batches of windows from anywhere in a panel, each scaled by itself, made in C."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.batching.dataset import Epoch, ResumableDataset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.adjustment import AdjustedPanel
from kerazoo.forecast.global_nets.inputs import CodedInputs
from kerazoo.forecast.global_nets.windows import Windows, equal_weights, rescaled, windows_at
from kerazoo_ext import _panel_windows

__all__ = ["PanelWindows"]

#: Share of the codes of categories that a training hides, so that a network knows what to do with unknown ones.
HIDDEN = 0.1


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
        any_scale: whether windows are :func:`kerazoo.forecast.global_nets.windows.rescaled`.
        counted: steps whose targets have a weight, the first ones; None: all.
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
        any_scale: bool = False,
        counted: int | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.panel = panel
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon)
        self.batch_size = check_int("batch_size", batch_size)
        self.steps = check_int("steps", steps)
        self.extra = extra
        self.any_scale, self.counted = any_scale, counted
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
        found = self._windows(series, ends)
        if self.counted is not None:
            found.targets[:, self.counted :, 1] = 0.0
        equal_weights(found.targets)
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
        return self._windows(series, ends)

    def _windows(self, series: NDArray[np.int64], ends: NDArray[np.int64]) -> Windows:
        found = windows_at(self.panel, series, ends, self.lookback, self.horizon)
        return rescaled(found) if self.any_scale else found

    def _settings(self) -> dict[str, Any]:
        names = ("lookback", "horizon", "batch_size", "steps", "history")
        found = {name: getattr(self, name) for name in names}
        return found | {name: value for name in ("any_scale", "counted") if (value := getattr(self, name))}

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
