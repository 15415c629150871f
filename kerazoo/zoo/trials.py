"""What a trial of Optuna, or the hyperparameters of KerasTuner, are asked, and what is reported to a trial."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.zoo.parameters import Parameter

__all__ = ["Reports", "asker", "check_direction", "pruned"]


def check_direction(trial: Any, mode: str) -> None:
    """Raise an error if the study of a trial looks for the other end of the metric.

    >>> check_direction(None, "min")
    """
    direction = getattr(getattr(getattr(trial, "study", None), "direction", None), "name", "")
    if direction in ("MINIMIZE", "MAXIMIZE") and not direction.lower().startswith(mode):
        raise InvalidArgumentError(
            f"mode={mode!r}, but the study has direction={direction.lower()!r}; expected the same. Use "
            f"optuna.create_study(direction='{mode}imize')."
        )


def pruned(message: str) -> Exception:
    """The exception that ends a trial: Optuna's where Optuna runs.

    >>> issubclass(type(pruned("a loss of nan")), Exception)
    True
    """
    optuna = sys.modules.get("optuna")
    return TrainingError(message) if optuna is None else optuna.TrialPruned(message)


class Reports(keras.callbacks.Callback):
    """Reports a metric to a trial after every epoch, keeps the best value, and stops if the trial is to be pruned.

    Args:
        trial: as `optuna.Trial`.
        metric: str, name in the logs of Keras.
        mode: `"min"` or `"max"`.

    Attributes:
        best: float, best finite value; NaN without one.
        best_epoch: int, its epoch, from 1; 0 without one.
        epochs: int, epochs that were reported.
        pruned: bool, whether the trial is to be pruned.
    """

    def __init__(self, trial: Any, metric: str, mode: str) -> None:
        super().__init__()
        self._trial, self._metric, self._sign = trial, metric, 1 if mode == "min" else -1
        self.best, self.best_epoch, self.epochs, self.pruned = math.nan, 0, 0, False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report the metric of the epoch."""
        if self._metric not in (logs or {}):
            raise InvalidArgumentError(f"metric={self._metric!r}; expected one of {', '.join(sorted(logs or {}))}.")
        value = float((logs or {})[self._metric])
        self.epochs = epoch + 1
        if math.isfinite(value) and not self._sign * value >= self._sign * self.best:
            self.best, self.best_epoch = value, epoch + 1
        self._trial.report(value, step=epoch)
        if self._trial.should_prune():
            self.pruned = True
            self.model.stop_training = True


Ask = Callable[[Parameter, "list[str] | None"], Any]


def asker(trial: Any) -> Ask:
    """How values are asked for.

    Args:
        trial: of Optuna, hyperparameters of KerasTuner, or a NumPy generator.

    Returns:
        A function (parameter, cells with which it exists or None) -> value.

    Raises:
        InvalidArgumentError: an object of another kind.

    >>> asker(np.random.default_rng(1))(Parameter("units", "int", low=3, high=3), None)
    3
    """
    if hasattr(trial, "suggest_categorical"):
        return lambda parameter, _: _ask_optuna(trial, parameter)
    if hasattr(trial, "Choice") and hasattr(trial, "Float"):
        return lambda parameter, cells: _ask_keras_tuner(trial, parameter, cells)
    if isinstance(trial, np.random.Generator):
        return lambda parameter, _: parameter.draw(trial)
    raise InvalidArgumentError(
        f"trial is a {type(trial).__name__}; expected a trial of Optuna or the HyperParameters of KerasTuner. "
        "sample(rng) draws parameters without either."
    )


def _ask_optuna(trial: Any, parameter: Parameter) -> Any:
    if parameter.kind == "choice":
        return trial.suggest_categorical(parameter.name, list(parameter.choices))
    suggest = trial.suggest_int if parameter.kind == "int" else trial.suggest_float
    return suggest(parameter.name, parameter.low, parameter.high, log=parameter.log)


def _ask_keras_tuner(hp: Any, parameter: Parameter, cells: list[str] | None) -> Any:
    condition = {} if cells is None else {"parent_name": "cell", "parent_values": cells}
    if set(parameter.choices) == {False, True} and isinstance(parameter.choices[0], bool):
        return hp.Boolean(parameter.name, **condition)  # a Choice would make numbers of them
    if parameter.kind == "choice":
        return hp.Choice(parameter.name, list(parameter.choices), **condition)
    ask = hp.Int if parameter.kind == "int" else hp.Float
    sampling = "log" if parameter.log else "linear"
    return ask(parameter.name, parameter.low, parameter.high, sampling=sampling, **condition)
