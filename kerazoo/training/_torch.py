"""torch on a CUDA device: a training step, or a prediction, as one CUDA graph.

On torch, Keras launches every operation of a step from Python, and the GPU waits for Python most of the time. A
captured graph is replayed by one call (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]
from torch.overrides import TorchFunctionMode  # type: ignore[import-not-found,unused-ignore]

__all__ = ["CapturedCall", "CapturedPrediction", "CapturedTrainFunction", "can_capture"]

#: Runs a function under capture on a stream and returns a function that replays it.
Capture = Callable[[Callable[[], Any], Any], Callable[[], Any]]

#: Calls before the capture, in which libraries allocate their workspaces and Keras makes its variables.
WARM_UP = 3
#: Graphs that a prediction keeps, one per shape. Each holds the memory of all its intermediate results.
MOST_GRAPHS = 8


def can_capture() -> bool:
    """Whether Keras computes on a CUDA device."""
    return torch.cuda.is_available() and keras.src.backend.torch.core.get_device().startswith("cuda")


class _HostNumbers(TorchFunctionMode):
    """Copies the numbers that a function sends to the device once, before the capture.

    A copy from the host cannot be captured, and numbers that change between calls cannot be replayed, which
    :meth:`settled` detects. Larger arrays are not handled; they make the capture fail.
    """

    LARGEST = 1 << 16  # bytes

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[Any, Any] = {}
        self.rounds: list[list[Any]] = []

    def begin(self) -> None:
        """Start recording a call."""
        self.rounds.append([])

    def settled(self) -> bool:
        """Whether the last two calls used the same numbers."""
        return len(self.rounds) > 1 and self.rounds[-1] == self.rounds[-2]

    def _is_small(self, given: Any) -> bool:
        if isinstance(given, np.ndarray | np.generic):
            return given.nbytes <= self.LARGEST
        return isinstance(given, bool | int | float | tuple)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.as_tensor, torch.tensor) and args and self._is_small(args[0]):
            given = args[0]
            is_array = isinstance(given, np.ndarray | np.generic)
            what = (given.tobytes(), given.shape, given.dtype) if is_array else repr(given)
            key = (what, repr(args[1:]), repr(sorted(kwargs.items())))
            self.rounds[-1].append(key)
            if key not in self.kept:
                self.kept[key] = func(*args, **kwargs)
            return self.kept[key].clone()
        if func is torch._foreach_add_ and isinstance(kwargs.get("alpha"), torch.Tensor):
            # Keras's SGD: torch would copy the learning rate from the device to pass it as a number.
            return func(args[0], torch._foreach_mul(args[1], kwargs["alpha"]))
        return func(*args, **kwargs)


class CapturedCall:
    """`function(*leaves)` for tensors of fixed shapes on the device, as a CUDA graph after a few plain calls.

    Args:
        function: takes tensors and returns a tree of tensors; it assigns in place.
        capture: runs a function under capture on a stream and returns a function that replays it; replaced in tests.

    Attributes:
        why_not: str, why the function is not captured, or "".
    """

    def __init__(self, function: Callable[..., Any], capture: Capture | None = None) -> None:
        self._function = function
        self._capture = capture or _captured
        self._numbers = _HostNumbers()
        self._inputs: list[Any] = []
        self._outputs: Any = None
        self._replay: Callable[[], Any] | None = None
        self._stream: Any = None
        self.why_not = ""

    def __call__(self, *leaves: Any) -> Any:
        """The outputs; a replayed call overwrites those of the previous one."""
        if self.why_not:
            return self._function(*map(_tensor, leaves))
        if not self._inputs:
            self._inputs = [_on_device(leaf).clone() for leaf in leaves]
        else:
            for buffer, leaf in zip(self._inputs, leaves, strict=True):
                buffer.copy_(_tensor(leaf), non_blocking=True)
        if self._replay is not None:
            self._replay()
            return self._outputs
        if len(self._numbers.rounds) < WARM_UP:
            return self._warm_up()
        try:
            self._replay = self._capture(self._run, self._stream)
        except RuntimeError as error:
            self.why_not = f"it could not be captured: {_short(error)}"
            return self._function(*self._inputs)
        self._replay()
        return self._outputs

    def _run(self) -> Any:
        self._numbers.begin()
        with self._numbers:
            self._outputs = self._function(*self._inputs)
        return self._outputs

    def _warm_up(self) -> Any:
        if not torch.cuda.is_available():
            outputs = self._run()
        else:
            if self._stream is None:
                # Objects that still refer to earlier gradient graphs would bind this one to their stream.
                gc.collect()
                self._stream = torch.cuda.Stream()
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                outputs = self._run()
            torch.cuda.current_stream().wait_stream(self._stream)
        if len(self._numbers.rounds) == WARM_UP and not self._numbers.settled():
            self.why_not = "it takes different numbers from the host in every call."
        return outputs


def _captured(run: Callable[[], Any], stream: Any) -> Callable[[], Any]:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        run()
    replay: Callable[[], Any] = graph.replay
    return replay


def _short(error: Exception) -> str:
    """The message in one line: Keras puts the cause on a separate line, in bold."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line)[:200]


def _tensor(leaf: Any) -> Any:
    return leaf if isinstance(leaf, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(leaf))


def _on_device(leaf: Any) -> Any:
    return _tensor(leaf).to(keras.src.backend.torch.core.get_device())


class CapturedTrainFunction:
    """Replacement of the train function of a model: the steps of full batches are replayed.

    Args:
        model: a compiled Keras model.
        batch_size: int, number of rows of a full batch.
        capture: see :class:`CapturedCall`.
    """

    def __init__(self, model: Any, batch_size: int, capture: Capture | None = None) -> None:
        self.model = model
        self.batch_size = batch_size
        self._structure: Any = None
        self._shapes: list[Any] = []
        self._addresses: list[int] = []
        self._capture = capture
        self._call = CapturedCall(self._step, capture)

    @property
    def why_not(self) -> str:
        """Why the steps are not captured, or ""."""
        return self._call.why_not

    def begin_fit(self) -> None:
        """Call before a run. A graph contains the addresses of all variables, so it is discarded if one has changed."""
        addresses = self._current_addresses()
        if addresses != self._addresses:
            self._call = CapturedCall(self._step, self._capture)
        self._addresses = addresses

    def end_fit(self) -> None:
        """Call after a run, in which Keras may have made variables."""
        self._addresses = self._current_addresses()

    def _current_addresses(self) -> list[int]:
        optimizer = self.model.optimizer
        return addresses_of([*self.model.variables, *(optimizer.variables if optimizer is not None else []),
                             *self.model.metrics_variables])  # fmt: skip

    def _step(self, *leaves: Any) -> Any:
        return self.model.train_step(keras.tree.pack_sequence_as(self._structure, list(leaves)))

    def __call__(self, data: Any) -> Any:
        batch = data[0]
        leaves = keras.tree.flatten(batch)
        given = [leaf for leaf in leaves if leaf is not None]
        shapes = [(tuple(leaf.shape), str(leaf.dtype)) for leaf in given]
        if len(given) < len(leaves) or len(given[0]) != self.batch_size or (self._shapes and shapes != self._shapes):
            return self.model.train_step(batch)
        self._structure, self._shapes = batch, shapes
        return self._call(*leaves)


class CapturedPrediction:
    """`model(x)` without gradients, with a graph for each of the last few shapes.

    Args:
        model: a built Keras model.
        arguments: further arguments of the call.
        capture: see :class:`CapturedCall`; None captures on a CUDA device and does not capture elsewhere.
    """

    def __init__(self, model: Any, arguments: dict[str, Any], capture: Capture | None = None) -> None:
        self.model = model
        self._arguments = arguments
        self._capture = capture
        self._variables = list(model.variables)  # Keras's look-up per call takes longer than a replay
        self._calls: dict[Any, CapturedCall] = {}
        self._addresses: list[int] = []

    def __call__(self, x: Any) -> Any:
        if self._capture is None and not can_capture():
            return self._predict(x)
        addresses = addresses_of(self._variables)
        if addresses != self._addresses:
            self._calls.clear()
            self._addresses = addresses
        leaves = keras.tree.flatten(x)
        key = tuple((tuple(leaf.shape), str(leaf.dtype)) for leaf in leaves)
        call = self._calls.pop(key, None)
        if call is None:
            call = CapturedCall(
                lambda *leaves: self._predict(keras.tree.pack_sequence_as(x, list(leaves))), self._capture
            )
        self._calls[key] = call
        if len(self._calls) > MOST_GRAPHS:
            del self._calls[next(iter(self._calls))]
        with torch.no_grad():
            return keras.tree.map_structure(torch.clone, call(*leaves))

    def _predict(self, x: Any) -> Any:
        with torch.no_grad():
            return self.model(x, **self._arguments)


def addresses_of(variables: Any) -> list[int]:
    """Memory addresses of the values of variables."""
    return [variable.value.data_ptr() for variable in variables]
