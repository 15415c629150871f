"""Initial weights drawn by NumPy: the same for a seed on every backend, without compilation."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.cells.base import DRAWING

__all__ = ["drawn_by_numpy"]

Values = NDArray[np.float64]


@contextlib.contextmanager
def drawn_by_numpy(layers: Sequence[keras.layers.Layer]) -> Iterator[None]:
    """Context in which NumPy draws the initial weights that these layers build.

    The distributions and seeds are those of the layers' initializers, and of those that cells name in `add_weight`.
    Keras's draws differ between backends, and JAX compiles a function per shape: for one LSTM that takes more than a
    second, much of the training time of a small network. Initializers that are not Keras's own, or without a seed, are
    not replaced.
    """
    replaced: list[tuple[Any, str, Any]] = []
    lstm_cells, adding = [], []
    for layer in layers:
        for part in layer._flatten_layers():
            adding.append(part)
            for name, initializer in list(vars(part).items()):
                if name.endswith("_initializer") and _can_draw(initializer):
                    replaced.append((part, name, initializer))
            # Keras joins the biases of an LSTM, with ones for the forget gate, by operations that JAX compiles.
            if isinstance(part, keras.layers.LSTMCell) and vars(part).get("unit_forget_bias"):
                lstm_cells.append(part)
    token = DRAWING.set(_draw_or_call)
    try:
        for part in adding:
            vars(part)["add_weight"] = _drawing(part.add_weight)
        for part, name, initializer in replaced:
            vars(part)[name] = _Drawn(initializer)
        for part in lstm_cells:
            drawn = vars(part)["bias_initializer"]
            if isinstance(drawn, _Drawn):
                replaced.append((part, "unit_forget_bias", True))
                vars(part)["unit_forget_bias"] = False
                vars(part)["bias_initializer"] = drawn.with_ones_for_the_forget_gate()
        yield
    finally:
        DRAWING.reset(token)
        for part, name, value in replaced:
            vars(part)[name] = value
        for part in adding:
            vars(part).pop("add_weight", None)


def _drawing(add_weight: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a layer, with an initializer that NumPy draws if it can."""

    @functools.wraps(add_weight)
    def drawing(shape: Any = None, initializer: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(initializer, str | keras.initializers.Initializer):
            found = keras.initializers.get(initializer)
            initializer = _Drawn(found) if _can_draw(found) else found
        return add_weight(shape, initializer, *args, **kwargs)

    return drawing


def _draw_or_call(initializer: Any, shape: Sequence[int], dtype: Any) -> Any:
    return (_Drawn(initializer) if _can_draw(initializer) else initializer)(shape, dtype=dtype)


class _Drawn:
    """An initializer with the distribution and seed of `initializer`, drawn by NumPy."""

    def __init__(self, initializer: Any, ones_for_forget_gate: bool = False) -> None:
        self._initializer = initializer
        self._ones_for_forget_gate = ones_for_forget_gate

    def with_ones_for_the_forget_gate(self) -> _Drawn:
        """The bias of an LSTM (4 U,) as Keras makes it with `unit_forget_bias`."""
        return _Drawn(self._initializer, True)

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Any:
        if isinstance(self._initializer, keras.initializers.Orthogonal) and len(shape) < 2:
            return self._initializer(shape, dtype=dtype)  # raises Keras's error
        if self._ones_for_forget_gate:
            units = shape[0] // 4
            drawn = np.concatenate([self._draw((units,)), np.ones(units), self._draw((2 * units,))])
        else:
            drawn = self._draw(tuple(shape))
        dtype = keras.backend.standardize_dtype(dtype or keras.config.floatx())
        if dtype in ("float32", "float64"):
            drawn = drawn.astype(dtype)  # by NumPy, as JAX compiles a conversion for every shape
        return keras.ops.convert_to_tensor(drawn, dtype=dtype)

    def _draw(self, shape: tuple[int, ...]) -> Values:
        rng = np.random.default_rng(_seed_of(self._initializer))
        return _DRAWS[type(self._initializer)](self._initializer, shape, rng)


def _can_draw(initializer: Any) -> bool:
    if getattr(initializer, "input_axes", None) or getattr(initializer, "output_axes", None):
        return False
    return type(initializer) in _DRAWS and isinstance(_seed_of(initializer), int)


def _seed_of(initializer: Any) -> Any:
    return getattr(initializer, "seed", 0)  # zeros and ones have no seed and draw nothing


def _zeros(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    return np.zeros(shape)


def _ones(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    return np.ones(shape)


def _uniform(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    return rng.uniform(initializer.minval, initializer.maxval, shape)


def _normal(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    return rng.normal(initializer.mean, initializer.stddev, shape)


def _truncated_normal(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    return initializer.mean + initializer.stddev * _within_two(shape, rng)


def _within_two(shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    """Standard normal, truncated at two standard deviations by drawing again."""
    values = rng.normal(size=shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.normal(size=int(beyond.sum()))
    return values


def _variance_scaling(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    """As `keras.initializers.VarianceScaling`: the last two axes are inputs and outputs, others the receptive field."""
    field = math.prod(shape[:-2])
    fan_in, fan_out = (shape[-2] * field, shape[-1] * field) if len(shape) > 1 else (max(shape, default=1),) * 2
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    variance = initializer.scale / max(1.0, fans[initializer.mode])
    if initializer.distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)
    if initializer.distribution == "untruncated_normal":
        return rng.normal(0.0, math.sqrt(variance), shape)
    # Standard deviation of a standard normal truncated at two.
    return math.sqrt(variance) / 0.87962566103423978 * _within_two(shape, rng)


def _orthogonal(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
    """Q of a normal matrix, with the signs of R's diagonal, as `keras.initializers.Orthogonal`."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return initializer.gain * (q.T if rows < columns else q).reshape(shape)


_DRAWS: dict[type, Callable[[Any, tuple[int, ...], np.random.Generator], Values]] = {
    keras.initializers.Zeros: _zeros,
    keras.initializers.Ones: _ones,
    keras.initializers.RandomUniform: _uniform,
    keras.initializers.RandomNormal: _normal,
    keras.initializers.TruncatedNormal: _truncated_normal,
    keras.initializers.Orthogonal: _orthogonal,
    keras.initializers.VarianceScaling: _variance_scaling,
    keras.initializers.GlorotUniform: _variance_scaling,
    keras.initializers.GlorotNormal: _variance_scaling,
    keras.initializers.LecunUniform: _variance_scaling,
    keras.initializers.LecunNormal: _variance_scaling,
    keras.initializers.HeUniform: _variance_scaling,
    keras.initializers.HeNormal: _variance_scaling,
}
