"""How JAX, PyTorch and TensorFlow compile and run one function of a model, for timing on a device."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.harness.cudnn_calls import CudnnCalls

__all__ = ["BY_XLA", "CAPTURED", "NOT_UNROLLED", "DeviceSide", "make_worker"]

# The ends of the names of sides that select how they run:
NOT_UNROLLED = "not unrolled"  # on JAX
BY_XLA = "XLA"  # on TensorFlow, as `training.fit` compiles
CAPTURED = "captured"  # on PyTorch, as one CUDA graph: see `kerazoo.training`


@dataclass
class DeviceSide:
    """A function that is timed.

    Attributes:
        name: of the side; see the constants of this module.
        compile: compiles the function; `run` before it is a no-op on JAX.
        run: queues one call on the device.
        wait: waits for all queued calls.
        notes: further columns of its row, such as `compile_seconds` and `fused`, whether cuDNN computes the layer.
        rates: calls per second of each timed round.
    """

    name: str
    compile: Callable[[], None]
    run: Callable[[], Any]
    wait: Callable[[], Any]
    notes: dict[str, Any] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)


@contextlib.contextmanager
def without_unrolling() -> Iterator[None]:
    """Trace loops without unrolling inside the context, as Keras does."""
    from kerazoo.cells import loop

    kept, loop.UNROLL_FACTOR = loop.UNROLL_FACTOR, {False: 1, True: 1}
    try:
        yield
    finally:
        loop.UNROLL_FACTOR = kept


class JaxWorker:
    """Compiles and runs on JAX; several functions are compiled at the same time."""

    threads = max(1, min(8, (os.cpu_count() or 2) - 1))

    def put(self, x: np.ndarray) -> Any:
        """The array on the device."""
        import jax

        return jax.device_put(x)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> DeviceSide:
        """The side that times `mode`, "inference" or "training", of `model` on inputs x and targets y."""
        import jax
        import jax.numpy as jnp

        weights = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]

        def inference(weights: Any, others: Any, x: Any) -> Any:
            return model.stateless_call(weights, others, x, training=False)[0]

        def loss(weights: Any, others: Any, x: Any, y: Any) -> Any:
            return jnp.mean((model.stateless_call(weights, others, x, training=True)[0] - y) ** 2)

        def training(weights: Any, others: Any, x: Any, y: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(weights, others, x, y)
            return [w - 1e-3 * g for w, g in zip(weights, gradients, strict=True)], value

        start = time.perf_counter()
        with without_unrolling() if name.endswith(NOT_UNROLLED) else contextlib.nullcontext():
            if mode == "inference":
                lowered = jax.jit(inference).lower(weights, others, x)
            else:
                lowered = jax.jit(training).lower(weights, others, x, y)
        traced = time.perf_counter() - start
        side = DeviceSide(name, lambda: None, lambda: None, lambda: None)
        # Without cuDNN Keras falls back to a loop without a message.
        side.notes["fused"] = "dnn_rnn" in lowered.as_text()
        last: list[Any] = []

        def compile_it() -> None:
            start = time.perf_counter()
            compiled = lowered.compile()
            side.notes["compile_seconds"] = traced + time.perf_counter() - start

            def run() -> None:
                if mode == "inference":
                    last[:] = [compiled(weights, others, x)]
                else:
                    weights[:], value = compiled(weights, others, x, y)
                    last[:] = [value]

            side.run = run

        side.compile = compile_it
        side.wait = lambda: jax.block_until_ready((last, weights))
        return side


class TorchWorker:
    """Runs on PyTorch, operation by operation or as a CUDA graph; the first calls count as compiling."""

    threads = 1

    def __init__(self) -> None:
        import torch  # type: ignore[import-not-found,unused-ignore]

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.fused_calls = CudnnCalls()

    def put(self, x: np.ndarray) -> Any:
        """The array on the device."""
        import torch

        return torch.from_numpy(x).to(self.device)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> DeviceSide:
        """The side that times `mode`, "inference" or "training", of `model` on inputs x and targets y."""
        if name.endswith(CAPTURED):
            run, captured = self._captured(model, x, y, mode)
        else:
            run, captured = self._plain(model, x, y, mode), None
        wait = self.torch.cuda.synchronize if self.device == "cuda" else lambda: None
        side = DeviceSide(name, lambda: None, run, wait)

        def first_calls() -> None:
            before, start = self.fused_calls.count, time.perf_counter()
            for _ in range(1 if captured is None else 5):  # 3 eager calls, the capture, a replay
                run()
            wait()
            side.notes["compile_seconds"] = time.perf_counter() - start
            side.notes["fused"] = self.fused_calls.count > before or not hasattr(model, "trainable_variables")
            if captured is not None:
                side.notes["why_not_captured"] = captured()

        side.compile = first_calls
        return side

    def _plain(self, model: Any, x: Any, y: Any, mode: str) -> Callable[[], Any]:
        torch = self.torch
        if hasattr(model, "trainable_variables"):
            weights = [variable.value for variable in model.trainable_variables]
            call = model
        else:
            weights = list(model.parameters())

            def call(x: Any, training: bool) -> Any:
                return model(x)

        optimizer = torch.optim.SGD(weights, lr=1e-3)

        def inference() -> Any:
            with torch.no_grad():
                return call(x, training=False)

        def training() -> Any:
            optimizer.zero_grad()
            loss = ((call(x, training=True) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return inference if mode == "inference" else training

    def _captured(self, model: Any, x: Any, y: Any, mode: str) -> tuple[Callable[[], Any], Callable[[], str]]:
        """A Keras model as `training.compiled` and `training.fit` run it; a plain module in the same kind of graph."""
        from kerazoo.training._torch import CapturedCall, CapturedPrediction, CapturedTrainFunction

        if not hasattr(model, "trainable_variables"):
            plain = self._plain(model, x, y, mode)
            call = CapturedCall(lambda x, y: plain())
            return lambda: call(x, y), lambda: call.why_not
        if mode == "inference":
            predict = CapturedPrediction(model, {"training": False})
            return lambda: predict(x), lambda: next((each.why_not for each in predict._calls.values()), "no GPU")
        import keras

        model.compile(keras.optimizers.SGD(1e-3), "mse")
        function = CapturedTrainFunction(model, len(x))
        return lambda: function([(x, y)]), lambda: function.why_not


class TensorFlowWorker:
    """Runs functions as TensorFlow traces them or, if the name of the side ends with `BY_XLA`, compiled by XLA."""

    threads = 1

    def put(self, x: np.ndarray) -> Any:
        """The array on the device."""
        import tensorflow as tf

        return tf.constant(x)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> DeviceSide:
        """The side that times `mode`, "inference" or "training", of `model` on inputs x and targets y."""
        import tensorflow as tf

        weights = [variable.value for variable in model.trainable_variables]

        def inference() -> Any:
            return model(x, training=False)

        def training() -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
                weight.assign_sub(1e-3 * gradient)
            return loss

        function = inference if mode == "inference" else training
        traced = tf.function(function, jit_compile=name.endswith(BY_XLA), autograph=False)
        last: list[Any] = []

        def run() -> None:
            last[:] = [traced()]

        def wait() -> None:
            for each in last:
                each.numpy()  # TensorFlow has no other way to wait for a device

        side = DeviceSide(name, lambda: None, run, wait)

        def first_call() -> None:
            start = time.perf_counter()
            graph = traced.get_concrete_function().graph.as_graph_def()
            run()
            wait()
            side.notes["compile_seconds"] = time.perf_counter() - start
            # Keras puts both implementations into the graph, and TensorFlow selects one by the device.
            nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
            fused = any(node.op.startswith("CudnnRNN") for node in nodes)
            side.notes["fused"] = fused and bool(tf.config.list_physical_devices("GPU"))

        side.compile = first_call
        return side


def make_worker() -> Any:
    """The worker of the current Keras backend."""
    import keras

    workers = {"jax": JaxWorker, "tensorflow": TensorFlowWorker, "torch": TorchWorker}
    return workers[keras.backend.backend()]()
