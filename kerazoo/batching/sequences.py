"""`SequenceWindows`: (inputs, targets) windows over series, for recurrent forecasters and language models."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_choice, check_int
from kerazoo.batching.dataset import Epoch, ResumableDataset
from kerazoo.errors import InvalidArgumentError
from kerazoo_ext import _order, _sequences

__all__ = ["SequenceWindows"]

_LONGEST = 1 << 40  # steps: sums of them are still integers of 64 bits
DTYPES = ("float32", "float64", "int32", "int64")


class SequenceWindows(ResumableDataset):
    """Batches of windows over one or more series, and their targets: a Keras `PyDataset`.

    With lookback 4, horizon 2, a window that starts at step s, and `target_offset` 0 or 1::

        step                        s   s+1 s+2 s+3 s+4 s+5 s+6
        input                       x   x   x   x
        target="horizon",  offset 0                 y   y
                           offset 1                     y   y
        target="sequence", offset 0
            of step s               y   y
            of step s+1                 y   y
            of step s+2                     y   y
            of step s+3                         y   y

    `"horizon"` targets are the `horizon` steps from step s + lookback + target_offset on: for models with one output
    per window (`seq2one`). `"sequence"` has a target for every input step, the next `horizon` steps after it, or after
    the `target_offset` steps that follow it: for models with an output per step (horizon 1 and offset 0 for a language
    model). Windows start at the steps 0, stride, 2 * stride, ... of each series, as long as input and target fit into
    it. No window spans two series. A series of length L has

        max(0, (L - (lookback + target_offset + horizon)) // stride + 1)

    windows for both targets. A series that is too short for one window is skipped and counted in `n_skipped_series`. It
    is an error if all are.

    Args:
        series: float or integer (T,) or (T, F); or a list of such arrays with one F; or an object with `ids` and
            `offsets` as `kerazoo.EncodedCorpus`. Arrays of float32, float64, int32 and int64 keep their
            dtype and, if contiguous, are not copied (they may be memory-mapped); lists of numbers are converted.
        lookback: int >= 1, steps per input window.
        horizon: int >= 1, steps per target: of a window, or of each step.
        target_offset: int >= 0, steps between the end of the input and the first target; with `targets`, -1 is
            allowed too: the target then starts at the last input step (for `"sequence"`, it covers the input steps).
        stride: int >= 1, steps between the starts of windows.
        batch_size: int >= 1 (B).
        target: `"horizon"` or `"sequence"`.
        remainder: what to do with the last B' < B windows: `"keep"` (a smaller batch), `"drop"`, or `"wrap"` (fill the
            batch with the first windows).
        targets: series to take the targets from, in the form and lengths of `series`; None takes them from `series`.
        offsets: int (S + 1,), rising from 0 to T: `series` is a concatenation of S series.
        seed, advance, workers, max_queue_size: see :class:`ResumableDataset`.
        shuffle: bool, whether to permute the windows, differently in each epoch (without a table, for any number).

    Attributes:
        n_windows: int, windows per epoch.
        n_skipped_series: int, series that are too short.
        n_dropped_windows: int, windows per epoch that `remainder="drop"` omits.

    Returns:
        `dataset[i]` is (inputs, targets), contiguous arrays with the dtypes of the series. Inputs are (B, lookback) or
        (B, lookback, F); targets are (B, horizon[, F]) for `"horizon"`, and (B, lookback, horizon[, F]) for
        `"sequence"`, without the axis of the horizon if it is 1: (B, lookback[, F]).

    Raises:
        InvalidArgumentError: an argument is out of range, or no window fits.

    >>> windows = SequenceWindows(np.arange(7.0), lookback=4, horizon=2, batch_size=8)
    >>> inputs, targets = windows[0]
    >>> inputs.tolist(), targets.tolist()
    ([[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]], [[4.0, 5.0], [5.0, 6.0]])
    >>> inputs, targets = SequenceWindows(np.arange(5.0), lookback=3, horizon=2, target="sequence")[0]
    >>> inputs.tolist(), targets.tolist()
    ([[0.0, 1.0, 2.0]], [[[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]])
    """

    _permutes_batches = False  # `shuffle` permutes windows instead

    def __init__(
        self,
        series: Any,
        lookback: int,
        horizon: int = 1,
        target_offset: int = 0,
        stride: int = 1,
        batch_size: int = 32,
        target: str = "horizon",
        remainder: str = "keep",
        targets: Any = None,
        offsets: ArrayLike | None = None,
        seed: int | None = None,
        *,
        shuffle: bool = False,
        advance: bool = True,
        workers: int = 1,
        max_queue_size: int = 10,
    ) -> None:
        super().__init__(seed=seed, shuffle=shuffle, advance=advance, workers=workers, max_queue_size=max_queue_size)
        self.lookback = check_int("lookback", lookback)
        self.horizon = check_int("horizon", horizon, hint="It is the number of steps to forecast.")
        hint = "" if targets is not None else "Only separate `targets` may overlap the input."
        self.target_offset = check_int("target_offset", target_offset, 0 if targets is None else -1, hint=hint)
        self.stride = check_int("stride", stride)
        self.batch_size = check_int("batch_size", batch_size, hint="The usual value is 32.")
        for name in ("lookback", "horizon", "target_offset", "stride", "batch_size"):
            check_int(name, getattr(self, name), -1, _LONGEST)
        self.target = check_choice("target", target, ("horizon", "sequence"))
        self.remainder = check_choice("remainder", remainder, ("keep", "drop", "wrap"))

        self._inputs = _Series.of("series", series, offsets)
        self._targets = self._inputs if targets is None else _Series.of("targets", targets, offsets)
        if not np.array_equal(self._inputs.lengths, self._targets.lengths):
            raise InvalidArgumentError(
                f"targets has {_shown(self._targets.lengths)} steps, series {_shown(self._inputs.lengths)}; "
                "expected the same lengths."
            )
        if self.target == "horizon":
            self._target_shift, self._target_length = self.lookback + self.target_offset, self.horizon
        else:
            self._target_shift, self._target_length = 1 + self.target_offset, self.lookback + self.horizon - 1
        # With an offset of -1 the input may reach as far as the target.
        needed = max(self.lookback, self._target_shift + self._target_length)
        lengths = self._inputs.lengths
        windows = np.where(lengths >= needed, (lengths - needed) // self.stride + 1, 0)
        self._firsts = np.concatenate([[0], np.cumsum(windows)]).astype(np.int64)
        self.n_windows = int(self._firsts[-1])
        self.n_skipped_series = int((windows == 0).sum())
        if not self.n_windows:
            longest = int(lengths.argmax())
            which = "the series" if len(lengths) == 1 else f"the longest of {len(lengths)} series, number {longest},"
            fits = int(lengths[longest]) - (needed - self.lookback)
            remedy = f"lookback={fits} would fit." if fits >= 1 else "Use longer series."
            raise InvalidArgumentError(
                f"{which} has {lengths[longest]} steps; a window and its target need {needed} (lookback={lookback}, "
                f"horizon={horizon}, target_offset={target_offset}, target={target!r}). {remedy}"
            )
        if self.remainder == "drop" and self.n_windows < self.batch_size:
            raise InvalidArgumentError(
                f"batch_size={batch_size} with remainder='drop', but there are {self.n_windows} windows, so no batch "
                "is left. Use a smaller batch_size or remainder='keep'."
            )
        self.n_dropped_windows = self.n_windows % self.batch_size if self.remainder == "drop" else 0

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, None]:
        if self.remainder == "drop":
            return self.n_windows // self.batch_size, None
        return -(-self.n_windows // self.batch_size), None

    def _batch(self, epoch: Epoch, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        first, end = index * self.batch_size, (index + 1) * self.batch_size
        if self.remainder != "wrap":
            end = min(end, self.n_windows)
        if not self.shuffle:
            numbers = np.arange(first, end, dtype=np.int64)
            if end > self.n_windows:
                numbers %= self.n_windows
        else:
            numbers = np.empty(end - first, np.int64)
            done = 0
            while done < len(numbers):  # one pass, unless it wraps
                start = (first + done) % self.n_windows
                part = numbers[done : done + self.n_windows - start]
                _order.permute(start, self.n_windows, int(epoch.keys[3]), part)
                done += len(part)
        inputs = self._inputs.windows(self._firsts, numbers, self.stride, 0, self.lookback)
        targets = self._targets.windows(self._firsts, numbers, self.stride, self._target_shift, self._target_length)
        if self.target == "sequence" and self.horizon > 1:
            ahead = np.lib.stride_tricks.sliding_window_view(targets, self.horizon, axis=1)  # the horizon comes last
            targets = np.ascontiguousarray(np.moveaxis(ahead, -1, 2))
        return inputs, targets

    def _settings(self) -> dict[str, Any]:
        names = ("lookback", "horizon", "target_offset", "stride", "batch_size", "target", "remainder")
        return {name: getattr(self, name) for name in names}

    def _data_fingerprint(self) -> dict[str, Any]:
        fingerprint = {"series": self._inputs.fingerprint()}
        if self._targets is not self._inputs:
            fingerprint["targets"] = self._targets.fingerprint()
        return fingerprint


class _Series:
    """Series of one dtype and width, each contiguous, at any addresses in memory."""

    def __init__(self, arrays: list[NDArray[Any]], offsets: NDArray[np.int64] | None) -> None:
        """`arrays` holds the series, or one array with all of them, split at `offsets`."""
        self.arrays = arrays
        self.offsets = offsets
        self.dtype = arrays[0].dtype
        self.shape = arrays[0].shape[1:]  # of one step
        self.row = self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))
        lengths = [len(array) for array in arrays] if offsets is None else np.diff(offsets)
        self.lengths = np.asarray(lengths, np.int64)
        self._locate()

    def _locate(self) -> None:
        if self.offsets is None:
            self.addresses = np.array([array.ctypes.data for array in self.arrays], np.uint64)
        else:
            self.addresses = np.uint64(self.arrays[0].ctypes.data) + (self.offsets[:-1] * self.row).astype(np.uint64)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._locate()  # the arrays of a copy have other addresses

    @classmethod
    def of(cls, name: str, given: Any, offsets: ArrayLike | None) -> _Series:
        if hasattr(given, "ids") and hasattr(given, "offsets"):
            given, offsets = given.ids, given.offsets
        many = offsets is None and isinstance(given, Sequence) and len(given) > 0 and np.ndim(given[0]) > 0
        try:
            arrays = [np.asarray(array) for array in (given if many else [given])]
        except (ValueError, TypeError) as error:
            raise InvalidArgumentError(f"{name} cannot be an array of numbers: {error}.") from None
        for number, array in enumerate(arrays):
            label = f"{name}[{number}]" if many else name
            if array.ndim not in (1, 2) or 0 in array.shape[1:]:
                raise InvalidArgumentError(f"{label} has shape {array.shape}; expected (T,) or (T, F).")
            if array.dtype not in DTYPES:
                raise InvalidArgumentError(
                    f"{label} has dtype {array.dtype}; expected one of {', '.join(DTYPES)}. Use .astype('float32')."
                )
            if array.shape[1:] != arrays[0].shape[1:] or array.dtype != arrays[0].dtype:
                raise InvalidArgumentError(
                    f"{label} has steps of shape {array.shape[1:]} and dtype {array.dtype}, {name}[0] of "
                    f"{arrays[0].shape[1:]} and {arrays[0].dtype}; expected the same for all."
                )
        arrays = [np.ascontiguousarray(array) for array in arrays]
        if offsets is None:
            return cls(arrays, None)
        try:
            cuts = np.asarray(offsets)
        except (ValueError, TypeError) as error:
            raise InvalidArgumentError(f"offsets cannot be an array of integers: {error}.") from None
        n = len(arrays[0])
        if (
            cuts.ndim != 1
            or cuts.dtype.kind not in "iu"
            or len(cuts) < 2
            or cuts[0] != 0
            or cuts[-1] != n
            or (np.diff(cuts.astype(np.int64)) < 0).any()
        ):
            raise InvalidArgumentError(
                f"offsets={_shown(cuts)}; expected S + 1 integers that rise from 0 to {n}, the length of {name}, "
                "for S series."
            )
        return cls(arrays, cuts.astype(np.int64))

    def windows(
        self, firsts: NDArray[np.int64], numbers: NDArray[np.int64], stride: int, shift: int, length: int
    ) -> NDArray[Any]:
        out = np.empty((len(numbers), length, *self.shape), self.dtype)
        _sequences.gather(
            self.addresses,
            self.lengths,
            firsts,
            numbers,
            stride,
            shift,
            length,
            self.row,
            out.reshape(-1).view(np.uint8),
        )
        return out

    def fingerprint(self) -> dict[str, Any]:
        """Sizes, and a checksum over the lengths and at most 64 segments of 4096 steps."""
        check = zlib.crc32(self.lengths.tobytes())
        some = np.unique(np.linspace(0, len(self.arrays) - 1, 64).astype(np.int64))
        per_array = -(-64 // len(some))
        for array in (self.arrays[i] for i in some):
            for start in np.linspace(0, max(0, len(array) - 4096), per_array).astype(np.int64):
                check = zlib.crc32(array[start : start + 4096].tobytes(), check)
        return {
            "series": len(self.lengths),
            "steps": int(self.lengths.sum()),
            "step_shape": list(self.shape),
            "dtype": str(self.dtype),
            "crc32": check,
        }


def _shown(values: NDArray[Any]) -> str:
    shown = ", ".join(str(value) for value in values.reshape(-1)[:4])
    return f"{shown}, ..." if values.size > 4 else shown
