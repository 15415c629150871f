"""The network of a preset in NumPy: forecasts without a Keras backend, whose import alone takes seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.passes import are_equal

__all__ = ["NumpyNet", "computes"]

Array = NDArray[np.float32]

#: Windows of one pass: their activations stay in the cache of a core.
ROWS = 64

#: A layer that NumPy knows, but for its units.
LAYER = {"cell": "mingru", "residual": "project"}
#: What else a spec may say.
FIELDS = ("layers", "features", "outputs", "horizon", "lookback", "returns")


def computes(config: Mapping[str, Any]) -> bool:
    """Whether :class:`NumpyNet` computes the networks of a spec (`RNNSpec.to_dict`).

    >>> layer = {"cell": "mingru", "units": 8, "residual": "project"}
    >>> computes({"layers": [layer], "horizon": 2, "returns": "last"})
    True
    >>> computes({"layers": [layer | {"cell": "gru"}], "horizon": 2, "returns": "last"})
    False
    """
    return (
        all(name in FIELDS for name in config)
        and config.get("returns") == "last"
        and all(_is_known(layer) for layer in config["layers"])
    )


def _is_known(layer: Mapping[str, Any]) -> bool:
    return {name: value for name, value in layer.items() if name != "units"} == LAYER


class NumpyNet:
    """A stack of minGRU layers with residual connections and a dense head, as `kerazoo.zoo` builds it.

    A minGRU (Feng et al. 2024, arXiv:2410.01201, section 3.1.3) with the identity for its activation, and what the
    wrapper of the zoo adds, are

        h_t = (1 - z_t) h_(t-1) + z_t c_t,  z_t = sigmoid(x_t W_z + b_z),  c_t = x_t W_h + b_h,  y_t = x_t + h_t,

    where the x of a layer whose inputs are not as wide as its state are projected before.

    Args:
        config: of the zoo's spec (`RNNSpec.to_dict`).
        weights: float32, in the order of the Keras model.

    Raises:
        InvalidArgumentError: other layers, or weights that do not fit.

    >>> import numpy as np
    >>> config = {"layers": [{"cell": "mingru", "units": 1, "residual": "project"}], "features": 1, "horizon": 2}
    >>> weights = [np.float32(each) for each in ([[0, 1]], [0, 0], [[1, 2]], [0, 0])]
    >>> net = NumpyNet(config, weights)  # z = 1/2, c = x
    >>> net(np.float32([[[1], [2]]]))[0, :, 0].tolist()  # h = .5, 1.25; y = 3.25
    [3.25, 6.5]
    """

    def __init__(self, config: Mapping[str, Any], weights: Sequence[Array]) -> None:
        self.horizon, self.outputs = int(config["horizon"]), int(config.get("outputs", 1))
        left = [np.ascontiguousarray(each, np.float32) for each in weights]
        self._layers: list[tuple[list[Array], Array, Array]] = []  # projection and its bias, kernel and bias
        width = int(config["features"])
        for layer in config["layers"]:
            if not _is_known(layer):
                raise InvalidArgumentError(f"a layer is {dict(layer)}; expected a residual minGRU.")
            units = int(layer["units"])
            projected = width != units
            shapes = [(width, units), (units,)] if projected else []
            found = _taken(left, [*shapes, (units, 2 * units), (2 * units,)])
            self._layers.append((found[:-2], found[-2], found[-1]))
            width = units
        self._head, self._head_bias = _taken(
            left, [(width, self.horizon * self.outputs), (self.horizon * self.outputs,)]
        )
        if left:
            raise InvalidArgumentError(f"{len(left)} weights are left over; expected those of the layers and the head.")

    def __call__(self, windows: Array) -> Array:
        """The outputs (B, H, O) for windows (B, L, F), float32."""
        found = np.empty((len(windows), self.horizon, self.outputs), np.float32)
        with threadpool_limits(1, user_api="blas"):  # threads of small products wait longer than they compute
            self._fill(found, windows)
        return found

    def _fill(self, found: Array, windows: Array) -> None:
        for first in range(0, len(windows), ROWS):
            found[first : first + ROWS] = self._pass(windows[first : first + ROWS])

    def _pass(self, windows: Array) -> Array:
        # Steps first: a step of all windows is one block of memory. Where the outputs must not depend on the windows
        # beside them, windows first, each in products of its own: how a row of a product is summed may depend on its
        # place and on the number of rows.
        alone = are_equal()
        x = np.ascontiguousarray(windows if alone else windows.transpose(1, 0, 2))
        for projection, kernel, bias in self._layers:
            if projection:
                x = x @ projection[0] + projection[1]
            both = x @ kernel
            both += bias
            units = x.shape[-1]
            # 1 - sigmoid(a) = sigmoid(-a) = 1 / (1 + exp(a)), with 0 for an exp that is too large.
            with np.errstate(over="ignore"):
                keep = 1.0 / (1.0 + np.exp(both[..., :units]))
            new = (1.0 - keep) * both[..., units:]
            by_step = [each.swapaxes(0, 1) if alone else each for each in (keep, new)]
            for step in range(1, len(by_step[1])):
                by_step[1][step] += by_step[0][step] * by_step[1][step - 1]
            x = x + new
        last = x[:, -1:] if alone else x[-1]
        found: Array = last @ self._head + self._head_bias
        return found.reshape(-1, self.horizon, self.outputs)


def _taken(left: list[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The next weights, which must have these shapes."""
    found = [left.pop(0) for _ in shapes if left]
    if [each.shape for each in found] != list(shapes):
        raise InvalidArgumentError(f"weights {[each.shape for each in found]}; expected {list(shapes)}.")
    return found
