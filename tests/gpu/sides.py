"""How JAX and PyTorch compute outputs and gradients.

A side has two methods: `model` for a Keras model and `function` for a function of arrays. Both return a callable
without arguments, which returns named arrays: `forward/...`, `gradient/...`, and `fused`, whether cuDNN computed the
layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.harness.cudnn_calls import CudnnCalls

__all__ = ["Arrays", "JaxSide", "TorchSide", "named_arrays", "output_shapes", "to_numpy"]

Arrays = dict[str, np.ndarray]


class JaxSide:
    """Compiles the functions in the background, several at the same time: each is small.

    Args:
        precision: "float32" or "float64", of the inputs.
    """

    def __init__(self, precision: str) -> None:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        self.dtype = precision
        self.pool = ThreadPoolExecutor(max(1, min(8, (os.cpu_count() or 2) // 2)))

    def model(self, model: Any, x: np.ndarray, weights: list[np.ndarray]) -> Callable[[], Arrays]:
        """Outputs of `model` for `x`, and the gradients of the sum of outputs times `weights`."""
        import jax
        import jax.numpy as jnp
        import keras

        values = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        names = [variable.path for variable in model.trainable_variables]

        def outputs(values: Any, x: Any, training: bool) -> list[Any]:
            return list(keras.tree.flatten(model.stateless_call(values, others, x, training=training)[0]))

        def loss(values: Any, x: Any) -> Any:
            return sum(jnp.sum(y * c) for y, c in zip(outputs(values, x, True), weights, strict=True))

        def both(values: Any, x: Any) -> Any:
            return outputs(values, x, False), jax.grad(loss, argnums=(0, 1))(values, x)

        return self._compile(both, (values, jnp.asarray(x.astype(self.dtype))), names)

    def function(self, function: Any, by: Arrays, others: Arrays) -> Callable[[], Arrays]:
        """Outputs of `function(by, others)`, and the gradients of the sum of the first one by `by`."""
        import jax
        import jax.numpy as jnp

        def both(by: Any) -> Any:
            found = function(by, {name: jnp.asarray(value) for name, value in others.items()})
            gradients = jax.grad(lambda by: function(by, others)[0].sum())(by)
            return found, ([gradients[name] for name in by], None)

        values = {name: jnp.asarray(value.astype(self.dtype)) for name, value in by.items()}
        return self._compile(both, (values,), list(by))

    def _compile(self, function: Any, arguments: Any, names: list[str]) -> Callable[[], Arrays]:
        import jax

        lowered = jax.jit(function).lower(*arguments)
        fused = "dnn_rnn" in lowered.as_text()
        compiled = self.pool.submit(lowered.compile)

        def run() -> Arrays:
            found, (gradients, by_input) = compiled.result()(*arguments)
            return {
                **named_arrays(found, dict(zip(names, gradients, strict=True)), by_input),
                "fused": np.asarray(fused),
            }

        return run


class TorchSide:
    """Runs operation by operation: there is nothing to compile in advance.

    Args:
        precision: "float32" or "float64", of the inputs.
    """

    def __init__(self, precision: str) -> None:
        import torch  # type: ignore[import-not-found,unused-ignore]

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.dtype = precision
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.fused_calls = CudnnCalls()

    def _put(self, value: np.ndarray) -> Any:
        import torch

        value = value.astype(self.dtype) if value.dtype.kind == "f" else value
        return torch.from_numpy(np.ascontiguousarray(value)).to(self.device)

    def model(self, model: Any, x: np.ndarray, weights: list[np.ndarray]) -> Callable[[], Arrays]:
        """Outputs of `model` for `x`, gradients of the sum of outputs times `weights`, and the effect of training."""
        import keras
        import torch

        from kerazoo.training import compiled

        def run() -> Arrays:
            before = self.fused_calls.count
            inputs = self._put(x)
            predict = compiled(model)
            for _ in range(5):  # on a GPU the last call replays a CUDA graph
                found = list(keras.tree.flatten(predict(inputs)))
            inputs.requires_grad_(True)
            again = list(keras.tree.flatten(model(inputs, training=True)))
            total = sum((y * self._put(c)).sum() for y, c in zip(again, weights, strict=True))
            variables = model.trainable_variables
            wanted = [variable.value for variable in variables] + [inputs]
            # torch returns None, not zeros, for a weight that no output depends on.
            gradients = torch.autograd.grad(total, wanted, allow_unused=True)
            filled = [torch.zeros_like(v) if g is None else g for v, g in zip(wanted, gradients, strict=True)]
            named = {v.path: g for v, g in zip(variables, filled[:-1], strict=True)}
            del again, total  # an autograd graph that is still alive disturbs the capture of a CUDA graph
            fused = np.asarray(self.fused_calls.count > before)
            return {**named_arrays(found, named, filled[-1]), **self._trained(model, x), "fused": fused}

        return run

    def _trained(self, model: Any, x: np.ndarray) -> Arrays:
        """The change of all weights by six training steps; on a GPU, three of them replay a CUDA graph."""
        import keras

        from kerazoo.training._torch import CapturedTrainFunction

        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
        function = CapturedTrainFunction(model, len(x))
        target = [self._put(np.zeros(shape, x.dtype)) for shape in output_shapes(model, x)]
        before = model.get_weights()
        for _ in range(6):
            function([(self._put(x), target if len(target) > 1 else target[0])])
        if self.device == "cuda" and function.why_not:
            raise RuntimeError(function.why_not)
        changes = [(new - old).ravel() for new, old in zip(model.get_weights(), before, strict=True)]
        return {"gradient/changes by six steps": np.concatenate(changes)}

    def function(self, function: Any, by: Arrays, others: Arrays) -> Callable[[], Arrays]:
        """Outputs of `function(by, others)`, and the gradients of the sum of the first one by `by`."""
        import torch

        def run() -> Arrays:
            values = {name: self._put(value).requires_grad_(True) for name, value in by.items()}
            found = function(values, {name: self._put(value) for name, value in others.items()})
            gradients = torch.autograd.grad(found[0].sum(), list(values.values()), allow_unused=True)
            filled = [torch.zeros_like(v) if g is None else g for v, g in zip(values.values(), gradients, strict=True)]
            return named_arrays(found, dict(zip(values, filled, strict=True)), None)

        return run


def named_arrays(outputs: Any, gradients: dict[str, Any], by_input: Any) -> Arrays:
    """NumPy arrays of the tensors: `forward/NUMBER`, `gradient/NAME` and, unless it is None, `gradient/input`."""
    named = {f"forward/{i}": to_numpy(value) for i, value in enumerate(outputs)}
    named |= {f"gradient/{name}": to_numpy(value) for name, value in gradients.items()}
    return named if by_input is None else {**named, "gradient/input": to_numpy(by_input)}


def to_numpy(tensor: Any) -> np.ndarray:
    """A tensor of either backend on the host."""
    return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)


def output_shapes(model: Any, x: np.ndarray) -> list[tuple[int, ...]]:
    """Shapes of all outputs, without computing anything."""
    import keras

    found = model.compute_output_spec(keras.KerasTensor(x.shape, dtype="float32"))
    return [tuple(int(n) for n in tensor.shape) for tensor in keras.tree.flatten(found)]
