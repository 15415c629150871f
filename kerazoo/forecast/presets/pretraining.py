"""`pretrain`: trains a network on generated series, for a preset."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from kerazoo import training
from kerazoo._presets import PresetFile
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES, CheckpointFile
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._runtime.precision import in_float32
from kerazoo._validation import check_int, check_real, check_seed
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.losses import make_loss
from kerazoo.forecast.global_nets.network import make_network, network_spec
from kerazoo.forecast.global_nets.training import compile_network
from kerazoo.forecast.global_nets.windows import limits_of
from kerazoo.forecast.presets.windows import RECENCY, GeneratedWindows
from kerazoo.zoo import RNNSpec

__all__ = ["LEVELS", "pretrain"]

#: Levels of the quantiles: those of intervals of 80 and 95 %, and the middle.
LEVELS = (0.025, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.975)
#: Ways in which a forecast looks at positive series.
VIEWS = 2
#: Steps between two checks of the time, and of Ctrl-C.
STEPS_OF_EPOCH = 100
#: Windows whose targets set the limits of forecasts.
WINDOWS_OF_LIMITS = 65536


@in_float32()
def pretrain(
    model: RNNSpec | str = "mingru_2x64_residual",
    *,
    lookback: int = 64,
    horizon: int = 24,
    patch: int = 1,
    levels: Sequence[float] = LEVELS,
    n_members: int = 1,
    steps: int = 20_000,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    seed: int = 1,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    checkpoint_minutes: float = DEFAULT_MINUTES,
    verbose: int = 1,
) -> PresetFile:
    """Train networks of the zoo on windows of generated series: :class:`GeneratedWindows`.

    The loss is the pinball loss of all levels, in units of the scale of a window. Adam's learning rate falls to 0 along
    half a cosine.

    Args:
        model: name or spec, for its layers. Residual minGRUs forecast without Keras
            (:class:`kerazoo.forecast.presets.network.NumpyNet`).
        lookback: L >= 2, values that the network sees.
        horizon: H >= 1, steps that it forecasts at once.
        patch: P >= 1, steps that the network reads as one; L is a multiple of it. A training step takes about 1 / P of
            the time.
        levels: of the quantiles; the median is added.
        n_members: networks, one trained after the other on series and initial weights of its own: forecasts are their
            median.
        steps: training steps of each, rounded up to a multiple of 100.
        batch_size: windows of a step.
        learning_rate: of the first step.
        seed: int >= 0, of the series, windows and initial weights of the first network; the next has the next seed.
        checkpoint_dir: folder of a checkpoint. The same call continues there after it was stopped or killed.
        checkpoint_minutes: minimum time between two checkpoints.
        verbose: 0, or 1 for a progress bar.

    Returns:
        What :func:`kerazoo.forecast.presets.write_preset` writes, and
        :class:`kerazoo.forecast.presets.PresetForecaster` forecasts with. Its card has these arguments.

    Raises:
        InvalidArgumentError: an argument out of range, or a checkpoint of another training.
        KeyboardInterrupt: Ctrl-C, after the checkpoint was written.
        TrainingError: the loss is no longer finite.
    """
    steps = check_int("steps", steps, STEPS_OF_EPOCH)
    epochs = -(-steps // STEPS_OF_EPOCH)
    rate = check_real("learning_rate", learning_rate, 0.0, exclusive=True)
    seed = check_seed("seed", seed)
    if not isinstance(levels, Iterable) or isinstance(levels, str):
        raise InvalidArgumentError(f"levels={levels!r}; expected a list of numbers > 0 and < 1.")
    loss = make_loss("quantiles", levels)
    spec = network_spec(model, lookback, horizon, loss.n_outputs, patch=patch)
    arguments = {
        "model": spec.name, "lookback": lookback, "horizon": horizon, "patch": patch, "levels": list(loss.levels),
        "steps": epochs * STEPS_OF_EPOCH, "batch_size": batch_size, "learning_rate": rate, "seed": seed,
    }  # fmt: skip
    weights, losses, limits, seconds = [], [], np.zeros((horizon, 2)), 0.0
    for member in range(check_int("n_members", n_members)):
        data = GeneratedWindows(lookback, horizon, batch_size=batch_size, steps=STEPS_OF_EPOCH, seed=seed + member)
        network = make_network(spec, seed + member, patch=patch)
        compile_network(network, loss, rate, epochs * STEPS_OF_EPOCH)
        network.optimizer.build(network.trainable_variables)
        checkpoints = None
        if checkpoint_dir is not None:
            folder = os.path.join(checkpoint_dir, f"member{member}") if member else checkpoint_dir
            checkpoints = CheckpointFile(
                folder, "pretraining.kerazoo", kind="kerazoo.pretraining", identity=arguments | {"seed": data.seed},
                seed=data.seed, minutes=checkpoint_minutes,
            )  # fmt: skip
        course = _trained(network, data, epochs, checkpoints, verbose)
        weights += [np.array(each, np.float32) for each in network.get_weights()]
        losses.append(course.loss)
        seconds += course.seconds
        found = _limits(data)
        limits = np.stack([np.minimum(limits, found)[:, 0], np.maximum(limits, found)[:, 1]], axis=1)
    card = {
        **arguments, "n_members": n_members, "loss": float(np.mean(losses)), "seconds": round(seconds),
        "backend": keras.backend.backend(),
    }  # fmt: skip
    settings: dict[str, Any] = {"levels": list(loss.levels), "limits": limits.tolist(), "recency": RECENCY}
    settings |= {"patch": patch, "n_members": n_members, "views": VIEWS}
    return PresetFile(spec.to_dict(), weights, settings, card)


def _trained(
    network: Any, data: GeneratedWindows, epochs: int, checkpoints: CheckpointFile | None, verbose: int
) -> _Course:
    """The course of a training, which goes on from a checkpoint.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        TrainingError: the loss is no longer finite.
    """
    with DeferredInterrupt() as interrupt:
        course = _Course(network, epochs, checkpoints, data.seed, interrupt, verbose)
        data.epoch = course.done
        try:
            if course.done < epochs:
                training.fit(
                    network, data, epochs=epochs, initial_epoch=course.done, shuffle=False, verbose=0,
                    callbacks=[course],
                )  # fmt: skip
        finally:
            course.close()
    interrupt.raise_if_pending()
    return course


def _limits(data: GeneratedWindows) -> NDArray[np.float64]:
    """Limits of forecasts, from windows of pools that a training does not come to."""
    parts = range(WINDOWS_OF_LIMITS // 4096)
    return limits_of(np.concatenate([data.draw(2**40 + part, 2**40 + part, 4096).targets for part in parts]))


class _Course(keras.callbacks.Callback):
    """Shows progress, writes checkpoints, and stops after Ctrl-C.

    Attributes:
        done: epochs so far, those of the checkpoint at first.
        loss: mean loss of the last ones.
        seconds: of training, in all runs.
    """

    def __init__(
        self,
        network: Any,
        epochs: int,
        checkpoints: CheckpointFile | None,
        seed: int,
        interrupt: DeferredInterrupt,
        verbose: int,
    ) -> None:
        super().__init__()
        self._checkpoints, self._seed, self._interrupt = checkpoints, seed, interrupt
        self.done, self.loss, self.seconds = 0, float("nan"), 0.0
        found = None if checkpoints is None else checkpoints.read()
        if found is not None:
            self.done = int(found.metadata["epochs"])
            self.loss, self.seconds = found.metadata["loss"], found.metadata["seconds"]
            for place, variable in enumerate(self._variables(network)):
                variable.assign(found.arrays[f"variable{place}"])
        self._epochs = epochs
        self._start = time.monotonic() - self.seconds
        self._bar = tqdm(
            total=epochs * STEPS_OF_EPOCH, initial=self.done * STEPS_OF_EPOCH, file=sys.stderr, unit="step",
            disable=not verbose,
        )  # fmt: skip

    @staticmethod
    def _variables(network: Any) -> list[Any]:
        return [*network.trainable_variables, *network.optimizer.variables]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a checkpoint, if it is time for one."""
        self.done = epoch + 1
        new = float((logs or {}).get("loss", float("nan")))
        self.loss = new if not np.isfinite(self.loss) else 0.9 * self.loss + 0.1 * new
        self.seconds = time.monotonic() - self._start
        self._bar.update(STEPS_OF_EPOCH)
        self._bar.set_postfix(loss=f"{self.loss:.4f}", refresh=False)
        stop = self._interrupt.pending or self.done == self._epochs
        if self._checkpoints is not None and (stop or self._checkpoints.is_due()):
            arrays = {
                f"variable{place}": np.array(keras.ops.convert_to_numpy(variable.value))
                for place, variable in enumerate(self._variables(self._model))
            }
            notes = {"epochs": self.done, "loss": self.loss, "seconds": self.seconds}
            self._checkpoints.write(arrays, notes, seed=self._seed, complete=self.done == self._epochs)
        if self._interrupt.pending:
            self._model.stop_training = True

    def close(self) -> None:
        """End the progress bar."""
        self._bar.close()
