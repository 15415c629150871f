"""`Plan`: how a model is trained, and the choice of the plan with the shortest run, including compilation.

The networks of forecasters are small: a step of LSTM(100) on a batch of one takes a fraction of a millisecond, and
Keras adds several milliseconds of overhead. A compiled loop over many training steps avoids the overhead, but takes
time to compile. The constants below are estimates from a few runs on two cores (torch: on a GPU). They only decide
which of two ways is faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

__all__ = ["Plan", "Workload", "choose_plan", "looping_layers", "time_steps_of", "workload_of"]

#: Longest sequence whose loop over time may be unrolled.
LONGEST_UNROLLED = 32
#: Steps per call of the compiled loop. Callbacks, progress and Ctrl-C are handled between calls.
STEPS_PER_CALL = 128
#: Bytes of batches that are stacked for one call.
BYTES_PER_CALL = 64 * 2**20
#: Multiplications per step (forward) above which the overhead is negligible. On torch only GPUs are considered.
LARGE_STEP = {"tensorflow": 2e8, "jax": 2e8, "torch": 1e12}

# Seconds per training step, (fixed, per time step and layer), with plain `fit` and in the loop, and the additional
# compilation time of the loop, (fixed, per layer).
_PLAIN = {"tensorflow": (1.0e-3, 2.5e-4), "jax": (2.0e-4, 1.0e-5), "torch": (5.0e-3, 1.0e-3)}
_LOOPED = {"tensorflow": (6.0e-5, 9.0e-6), "jax": (3.0e-5, 1.0e-5), "torch": (5.0e-4, 4.0e-5)}
_COMPILE = {"tensorflow": (0.6, 0.6), "jax": (0.0, 0.1), "torch": (0.1, 0.1)}
# Seconds that unrolling the loop over time saves per training step, and costs to compile, per time step and layer.
_UNROLLED_SAVES = {"tensorflow": 0.0, "jax": 2.0e-6, "torch": 0.0}
_UNROLLED_COSTS = {"tensorflow": 0.22, "jax": 0.15, "torch": 1.0}


@dataclass(frozen=True)
class Workload:
    """The size of a training run.

    Attributes:
        steps_per_epoch: int, batches per epoch, including a smaller last one.
        epochs: int.
        time_steps: int or None, steps of an input sequence.
        recurrent_layers: int, number of layers that loop over the time steps.
        step_products: float, multiplications per training step, forward.
        batch_bytes: int, size of a batch with its targets.
    """

    steps_per_epoch: int
    epochs: int
    time_steps: int | None
    recurrent_layers: int
    step_products: float
    batch_bytes: int

    @property
    def steps(self) -> int:
        """Training steps of the whole run."""
        return self.steps_per_epoch * self.epochs


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        loop: bool, many steps run in one compiled loop, or on torch each as one CUDA graph; False: plain `fit`.
        steps_per_execution: int, steps between two calls of the callbacks.
        unroll: bool, the loop over time is unrolled.
        why: the reasons, one sentence per choice.

    >>> print(Plan(loop=True, steps_per_execution=50, why=("set manually.",)))
    50 steps in one compiled loop: set manually.
    """

    loop: bool
    steps_per_execution: int = 1
    unroll: bool = False
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        count = self.steps_per_execution
        how = "plain fit"
        if self.loop:
            how = f"{count} steps in one compiled loop" if count > 1 else "a compiled step"
        return f"{how}{', loop over time unrolled' if self.unroll else ''}: {' '.join(self.why)}"


def workload_of(model: Any, example: Any, steps_per_epoch: int, epochs: int) -> Workload:
    """The workload of training `model` on batches like `example`, a tuple of arrays."""
    arrays = [leaf for leaf in keras.tree.flatten(example) if leaf is not None]
    embedded = sum(
        layer.count_params() for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)
    )
    time_steps = time_steps_of(example)
    return Workload(
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        time_steps=time_steps,
        recurrent_layers=len(looping_layers(model, time_steps)),
        step_products=float(model.count_params() - embedded) * len(arrays[0]) * (time_steps or 1),
        batch_bytes=sum(int(leaf.nbytes) for leaf in arrays),
    )


def time_steps_of(example: Any) -> int | None:
    """Number of steps of the sequences of a batch, or None if they are not sequences."""
    shape = np.shape(keras.tree.flatten(example)[0])
    return int(shape[1]) if len(shape) > 1 else None


def looping_layers(model: Any, time_steps: int | None) -> list[Any]:
    """The layers that loop over sequences of `time_steps`, in contrast to those that run in parallel."""
    recurrent = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]
    return [layer for layer in recurrent if not getattr(layer, "runs_in_parallel", lambda steps: False)(time_steps)]


def choose_plan(model: Any, work: Workload, why_no_loop: str = "", backend: str | None = None) -> Plan:
    """The plan with the shortest predicted time.

    Args:
        model: a compiled Keras model.
        work: see :func:`workload_of`.
        why_no_loop: str, why a compiled loop is impossible, or "".
        backend: name of a backend; None: the current one.

    >>> small = Workload(2000, 1, 30, 1, 1.2e6, 240)
    >>> choose_plan(None, small, backend="tensorflow").loop
    True
    >>> choose_plan(None, Workload(20, 1, 30, 1, 1.2e6, 240), backend="tensorflow").loop
    False
    """
    backend = keras.backend.backend() if backend is None else backend
    if not why_no_loop and backend not in _PLAIN:
        why_no_loop = f"Keras compiles no training steps on {backend}."
    if not why_no_loop and work.step_products > LARGE_STEP[backend]:
        why_no_loop = f"a step has {work.step_products:.1e} products, so the overhead is small."
    if why_no_loop:
        return Plan(loop=False, why=(why_no_loop,))
    loop_steps = work.recurrent_layers * (work.time_steps or 1)
    plain, looped = (fixed + each * loop_steps for fixed, each in (_PLAIN[backend], _LOOPED[backend]))
    extra = _COMPILE[backend][0] + _COMPILE[backend][1] * work.recurrent_layers
    saved = work.steps * (plain - looped) - extra
    if saved <= 0:
        gain = work.steps * (plain - looped)
        few = f"{work.steps} steps are too few: a loop would save {gain:.1f} s and take {extra:.1f} s to compile."
        return Plan(loop=False, why=(few,))
    count = max(1, min(STEPS_PER_CALL, work.steps_per_epoch, BYTES_PER_CALL // max(1, work.batch_bytes)))
    if backend == "torch":
        count = 1  # a graph is one step, and callbacks can run after each
    calls = -(-work.steps_per_epoch // count)
    count = -(-work.steps_per_epoch // calls)  # calls of equal size, so that none is nearly empty
    why = [f"saves about {saved:.1f} s of overhead in {work.steps} steps."]
    unroll = False
    if work.recurrent_layers and (work.time_steps or 0) <= LONGEST_UNROLLED:
        gain = work.steps * loop_steps * _UNROLLED_SAVES[backend] - loop_steps * _UNROLLED_COSTS[backend]
        unroll = gain > 0
        if unroll:
            why.append(f"unrolling {work.time_steps} time steps saves about {gain:.1f} s more.")
    return Plan(loop=True, steps_per_execution=count, unroll=unroll, why=tuple(why))
