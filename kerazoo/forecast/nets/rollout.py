"""Nets that go on by themselves: histories in, paths of the next steps out, in one compiled loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo.cells.loop import loop_over_steps
from kerazoo.forecast.nets.members import MemberNets, Values
from kerazoo.forecast.nets.trainer import LOG_DEVIATIONS
from kerazoo.training.calling import compiled

__all__ = ["Roller"]


class Roller(keras.Model):
    """Reads histories and goes on from them.

    Args:
        nets: MemberNets of M.
        likelihood: bool, the outputs are means and the logarithms of deviations, and paths are drawn from them.
    """

    def __init__(self, nets: MemberNets, likelihood: bool = False) -> None:
        super().__init__(name="roller")
        self.nets = nets
        self._likelihood = likelihood
        self.built = True

    def call(self, arguments: dict[str, Any]) -> Any:
        x, valid = arguments["x"], arguments["valid"]
        out, states = self.nets.warm(x, valid)
        if "noise" not in arguments:
            return out  # (M, B, O)

        def onward(inputs: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            noise, *known = inputs
            out, *states = carry
            z = out[..., :1]
            if self._likelihood:
                z = z + noise * ops.exp(ops.clip(out[..., 1:2], *LOG_DEVIATIONS))
            following = ops.concatenate([z, *known], axis=-1)
            out, states = self.nets.step(following, states)
            return z, [out, *states]

        inputs = [arguments["noise"], *([arguments["known"]] if "known" in arguments else [])]
        _, made, _ = loop_over_steps(onward, inputs, [out, *states])
        return made[..., 0]  # (M, H, B)

    def outputs_after(self, x: Values, valid: Values) -> Values:
        """Outputs (M, B, O) after the last step of x (M, T, B, F), where valid (M, T, B, 1) is 1."""
        return self._run({"x": x, "valid": valid})

    def paths(self, x: Values, valid: Values, known: Values, noise: Values | None = None) -> Values:
        """What follows, fed back into the nets step by step: (M, B, H).

        Args:
            x: float32 (M, T, B, F), of which feature 0 is the series and the others are known.
            valid: float32 (M, T, B, 1).
            known: float32 (M, H, B, F - 1), the other features beside the value of each step that is foretold.
            noise: float32 (M, H, B), standard normal, for nets with a likelihood; None: their means.
        """
        members, steps, batch = known.shape[:3]
        drawn = np.zeros((members, steps, batch), np.float32) if noise is None else noise
        arguments = {"x": x, "valid": valid, "noise": drawn[..., None]}
        if known.shape[-1]:
            arguments["known"] = known
        return np.moveaxis(self._run(arguments), 1, 2)

    def _run(self, arguments: dict[str, Values]) -> Values:
        given = {name: np.ascontiguousarray(value, np.float32) for name, value in arguments.items()}
        return np.asarray(ops.convert_to_numpy(compiled(self)(given)))
