"""`Rollout`: networks that read histories and feed their forecasts back, in one compiled loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._runtime.precision import in_float32
from kerazoo.cells.loop import loop_over_steps
from kerazoo.forecast.nets.members import MemberNets, Values
from kerazoo.forecast.nets.trainer import LOG_DEVIATIONS
from kerazoo.training.calling import compiled

__all__ = ["Rollout"]


class Rollout(keras.Model):
    """Reads histories and forecasts the steps that follow.

    Args:
        nets: MemberNets of M members.
        likelihood: bool; True: the outputs are means and logarithms of standard deviations, from which paths are
            sampled.
    """

    def __init__(self, nets: MemberNets, likelihood: bool = False) -> None:
        super().__init__(name="rollout")
        self.nets = nets
        self._likelihood = likelihood
        self.built = True

    def call(self, arguments: dict[str, Any]) -> Any:
        """Paths (M, H, B), or with no "noise" among the arguments the outputs (M, B, O) after the last step."""
        x, valid = arguments["x"], arguments["valid"]
        out, states = self.nets.warm(x, valid)
        if "noise" not in arguments:
            return out  # (M, B, O)

        def step(inputs: list[Any], carry: list[Any]) -> tuple[Any, list[Any]]:
            noise, *known = inputs
            out, *states = carry
            z = out[..., :1]
            if self._likelihood:
                z = z + noise * ops.exp(ops.clip(out[..., 1:2], *LOG_DEVIATIONS))
            following = ops.concatenate([z, *known], axis=-1)
            out, states = self.nets.step(following, states)
            return z, [out, *states]

        inputs = [arguments["noise"], *([arguments["known"]] if "known" in arguments else [])]
        _, made, _ = loop_over_steps(step, inputs, [out, *states])
        return made[..., 0]  # (M, H, B)

    @in_float32()
    def outputs_after(self, x: Values, valid: Values) -> Values:
        """Outputs (M, B, O) after the last step of x (M, T, B, F); valid (M, T, B, 1) is 1 where x has a value."""
        if self._outputs_zero():
            return np.zeros((x.shape[0], x.shape[2], self.nets.n_outputs), np.float32)
        return self._run({"x": x, "valid": valid})

    @in_float32()
    def paths(self, x: Values, valid: Values, known: Values, noise: Values | None = None) -> Values:
        """Forecasts (M, B, H), each step fed back as the next input.

        Args:
            x: float32 (M, T, B, F); feature 0 is the series, the others are known in the future.
            valid: float32 (M, T, B, 1), 1 where `x` has a value.
            known: float32 (M, H, B, F - 1), the other features of each forecast step when it is fed back.
            noise: float32 (M, H, B), standard normal, for networks with a likelihood; None: their means.
        """
        members, steps, batch = known.shape[:3]
        if noise is None and self._outputs_zero():
            return np.zeros((members, batch, steps), np.float32)
        drawn = np.zeros((members, steps, batch), np.float32) if noise is None else noise
        arguments = {"x": x, "valid": valid, "noise": drawn[..., None]}
        if known.shape[-1]:
            arguments["known"] = known
        return np.moveaxis(self._run(arguments), 1, 2)

    def _outputs_zero(self) -> bool:
        """Whether the networks output zeros, whatever they see: before they have learned, and where they are not used.

        Compiling their loop takes a second.
        """
        heads = self.nets.heads()
        return bool(heads) and not any(np.any(ops.convert_to_numpy(each)) for each in heads)

    def _run(self, arguments: dict[str, Values]) -> Values:
        given = {name: np.ascontiguousarray(value, np.float32) for name, value in arguments.items()}
        return np.asarray(ops.convert_to_numpy(compiled(self)(given)))
