"""Reservoirs: recurrences with random weights that are not trained; only the layers after them are trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_int, check_real
from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.registry import CellInfo
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "ESNCell", "ReservoirInitializer"]


@keras.saving.register_keras_serializable(package="kerazoo")
class ReservoirInitializer(keras.initializers.Initializer):
    """A sparse random square matrix of a given spectral radius (Jaeger 2001), the same on every backend.

    Entries of connected units are uniform from -1 to 1, then scaled. Each unit has at least one incoming connection,
    whatever the connectivity. So the graph has a cycle, and the matrix is not nilpotent and can be scaled.

    Args:
        spectral_radius: float > 0, largest modulus of an eigenvalue.
        connectivity: float in (0, 1], fraction of the entries that are not zero.
        seed: int >= 0.

    >>> matrix = np.asarray(ReservoirInitializer(0.5, 0.2, seed=1)((10, 10)))
    >>> round(float(np.abs(np.linalg.eigvals(matrix)).max()), 4)
    0.5
    """

    def __init__(self, spectral_radius: float = 0.9, connectivity: float = 0.1, seed: int = 0) -> None:
        hint = "Below 1 the reservoir forgets its initial state."
        self.spectral_radius = check_real("spectral_radius", spectral_radius, 0.0, exclusive=True, hint=hint)
        hint = "It is the fraction of connections that exist."
        self.connectivity = check_real("connectivity", connectivity, 0.0, 1.0, exclusive=True, hint=hint)
        self.seed = check_int("seed", seed, 0)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """The matrix; `shape` is (units, units)."""
        shape = tuple(shape)
        if len(shape) != 2 or shape[0] != shape[1]:
            raise InvalidArgumentError(f"shape={shape!r}; expected a square matrix, (units, units).")
        size = shape[0]
        rng = np.random.default_rng(self.seed)
        while True:
            connected = rng.random(shape) < self.connectivity
            alone = np.flatnonzero(~connected.any(axis=0))
            connected[rng.integers(size, size=len(alone)), alone] = True
            matrix = np.where(connected, rng.uniform(-1, 1, shape), 0.0)
            radius = np.abs(np.linalg.eigvals(matrix)).max()
            if radius > 0.01:  # a weaker cycle would make the other weights huge; draw again
                return ops.convert_to_tensor(matrix * (self.spectral_radius / radius), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        return {"spectral_radius": self.spectral_radius, "connectivity": self.connectivity, "seed": self.seed}


@keras.saving.register_keras_serializable(package="kerazoo")
class ESNCell(RecurrentCell):
    """Echo state network: a fixed random reservoir of leaky units, for a trained readout.

    Equations (Jaeger 2001, "The echo state approach to analysing and training recurrent neural networks", GMD report
    148, eq. 1.6, and Jaeger et al. 2007, "Optimization and applications of echo state networks with leaky-integrator
    neurons", Neural Networks 20, sec. 2, with time constant and decay combined in `leak`), with f = `activation`::

        h_t = (1 - leak) * h_(t-1) + leak * f(x_t W_in + h_(t-1) W + b)

    No weight of the cell is trained. The readout is a `keras.layers.Dense` after it, and there is no feedback from the
    output. W is drawn by :class:`ReservoirInitializer`, W_in is dense and uniform from -input_scale to input_scale, and
    b (a constant input in the report) is drawn by `bias_initializer`, zeros by default. `kernel_initializer`,
    `recurrent_initializer`, regularizers and constraints have no effect. Cells of the same seed and width have the same
    reservoir, including the two of a `Bidirectional` layer. Building computes the eigenvalues of W in O(units^3) time.

    Args:
        units: int >= 1, size of the reservoir.
        spectral_radius: float > 0, of W. Below 1 the reservoir forgets its initial state under usual conditions.
        connectivity: float in (0, 1], fraction of connections in W; every unit has at least one incoming.
        leak: float in (0, 1], weight of the new value in each step; 1 is the network of 2001. Small for slow signals.
        input_scale: float > 0, largest weight of an input.
        activation: function of the units.
        seed: int >= 0, of W_in and W.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights, none trainable: kernel (F, units), recurrent_kernel
    (units, units), bias (units).

    >>> cell = ESNCell(20)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(cell.trainable_weights)
    ((2, 20), 0)
    """

    options = ("spectral_radius", "connectivity", "leak", "input_scale", "activation", "seed")

    def __init__(
        self,
        units: int,
        spectral_radius: float = 0.9,
        connectivity: float = 0.1,
        leak: float = 1.0,
        input_scale: float = 1.0,
        activation: Any = "tanh",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.reservoir_initializer = ReservoirInitializer(spectral_radius, connectivity, seed)
        self.spectral_radius = self.reservoir_initializer.spectral_radius
        self.connectivity = self.reservoir_initializer.connectivity
        self.seed = self.reservoir_initializer.seed
        self.leak = check_real("leak", leak, 0.0, 1.0, exclusive=True, hint="1 is a network without leak.")
        self.input_scale = check_real("input_scale", input_scale, 0.0, exclusive=True)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""

        def input_weights(shape: Any, dtype: Any = None) -> Any:
            # A separate stream, so that W_in does not repeat the numbers of W.
            rng = np.random.default_rng([self.seed, 1])
            return ops.convert_to_tensor(rng.uniform(-self.input_scale, self.input_scale, shape), dtype=dtype)

        def fixed(name: str, shape: tuple[int, ...], initializer: Any) -> Any:
            return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

        self.kernel = fixed("kernel", (input_shape[-1], self.units), input_weights)
        self.recurrent_kernel = fixed("recurrent_kernel", (self.units, self.units), self.reservoir_initializer)
        self.bias = fixed("bias", (self.units,), self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h = states[0]
        new = self.activation(ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias)
        if self.leak != 1:
            new = (1 - self.leak) * h + self.leak * new
        return new, [new]


CELLS = (
    CellInfo(
        name="esn",
        make=ESNCell,
        title="Echo state network: a fixed random reservoir of leaky units.",
        paper='Jaeger 2001, "The echo state approach to analysing and training recurrent neural networks", GMD report '
        "148; Jaeger et al. 2007, Neural Networks 20",
        aliases=("echostate",),
        note="no trained weights",
    ),
)
