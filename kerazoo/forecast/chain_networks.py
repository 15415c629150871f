"""`ChainNetworks`: trains the networks that correct the forecasts of chains of transforms. It imports Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import keras
import numpy as np

from kerazoo._runtime.devices import check_one_device
from kerazoo._runtime.idle import IdleModels
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.intervals import Errors
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.nets.members import MemberNets, member_nets, why_separate
from kerazoo.forecast.nets.trainer import BestWeights, Learner, fit_learner
from kerazoo.forecast.nets.windows import Windows, windows_of
from kerazoo.forecast.transforms.base import Values

__all__ = ["ChainNetworks", "best_correction"]

# Candidate shrinkage factors of the networks' corrections, besides 1.0.
SHRINKAGE_FACTORS = (0.0, 0.25, 0.5, 0.75)

#: Compiled learners. One has the windows of its last training, at most so many bytes.
_idle = IdleModels(4)
MOST_BYTES = 1 << 26


class ChainNetworks:
    """The networks of an ensemble with their validation networks, trained in one computation.

    Args:
        spec: NetSpec of one network.
        layout: Windows.
        members: for the validation networks, if there are any, and for the others: one member of
            :func:`kerazoo.forecast.nets.windows.windows_of` per network.
        settings: FitSettings.

    Raises:
        InvalidArgumentError: no target is left to train on.
    """

    def __init__(
        self,
        spec: NetSpec,
        layout: Windows,
        members: Sequence[Sequence[tuple[Sequence[Values], Sequence[Values], Sequence[int]]]],
        settings: FitSettings,
    ) -> None:
        self._spec, self._layout, self._settings = spec, layout, settings
        self._n_parts = len(members)
        states = np.random.SeedSequence(settings.seed).generate_state(settings.n_members)
        self._seeds = [int(each) for each in states >> 1]
        self._nets = member_nets(spec.rnn, self._seeds * len(members), layout.length)
        self._windows = windows_of(layout, [each for of_part in members for each in of_part])

    def of_part(self, number: int) -> MemberNets:
        """Copies of the networks of one part: 0 are the validation networks, if there are any."""
        found = member_nets(self._spec.rnn, self._seeds, self._layout.length)
        first = number * self._settings.n_members
        found.assign(self._nets.values_of(range(first, first + self._settings.n_members)))
        return found

    def train(self, checkpoint: TrainingCheckpoint | None, interrupt: DeferredInterrupt) -> Course:
        """Train all networks, or continue a training; they end with the weights to forecast with.

        Args:
            checkpoint: the checkpoint to continue and to write, or None.
            interrupt: the active DeferredInterrupt.
        """
        key = self._key()
        learner = self._learner(None if key is None else _idle.take(key))
        course = self._train(learner, checkpoint, interrupt)
        if key is not None and course.error is None:  # an error may leave any state
            # The networks of the learner are its own from now on.
            found = member_nets(self._spec.rnn, self._seeds * self._n_parts, self._layout.length)
            found.assign(learner.nets.values_of(range(found.n_members)))
            self._nets = found
            _idle.keep(key, learner)
        return course

    def _key(self) -> Hashable | None:
        """What a learner was compiled for; None: it must not be used again."""
        settings, arrays = self._settings, vars(self._windows)
        if settings.callbacks or why_separate(self._spec.rnn):  # callbacks may keep it; dropout has states of its own
            return None
        if sum(each.nbytes for each in arrays.values()) > MOST_BYTES:
            return None
        shapes = tuple(each.shape for each in arrays.values())
        # With the method that compiles: another one in its place would compile something else.
        return (keras.backend.backend(), Learner.compile, self._spec.rnn, self._nets.n_members, shapes,
                bool(arrays["held"].any()), settings.loss, settings.batch_size)  # fmt: skip

    def _learner(self, idle: Learner | None) -> Learner:
        """A compiled learner of the networks, or an idle one with their weights, which then takes their place."""
        settings = self._settings
        if idle is not None:
            check_one_device("Forecaster trains its networks")
            idle.restart(self._nets.values_of(range(self._nets.n_members)), self._windows, settings.learning_rate)
            self._nets = idle.nets
            return idle
        learner = Learner(self._nets, self._windows, settings.loss)
        optimizer = keras.optimizers.Adam(settings.learning_rate, clipvalue=1.0)
        learner.compile(optimizer, jit_compile=learner.supports_jit)
        return learner

    def _train(self, learner: Learner, checkpoint: TrainingCheckpoint | None, interrupt: DeferredInterrupt) -> Course:
        settings = self._settings
        start = learner.initial_held_loss() if self._n_parts > 1 else math.nan
        best = BestWeights(start, settings.patience, settings.min_gain)
        callbacks: list[Any] = list(settings.callbacks)
        initial_epoch = 0
        if checkpoint is not None:
            initial_epoch = checkpoint.resume(learner, best)
            if checkpoint.is_complete:
                return checkpoint.course
            callbacks.append(checkpoint.callback(best, settings.callbacks, interrupt))
        if initial_epoch >= settings.epochs or interrupt.pending:
            best.assign_to(learner.nets)
            history = {} if checkpoint is None else checkpoint.history_before()
            return Course(history, best.best_epoch, best.start, best.best)
        course = fit_learner(
            learner,
            epochs=settings.epochs,
            steps_per_epoch=settings.steps_per_epoch,
            batch_size=settings.batch_size,
            seed=settings.seed,
            verbose=settings.verbose,
            callbacks=callbacks,
            initial_epoch=initial_epoch,
            best=best,
            interrupt=interrupt,
            finish_epoch=checkpoint is not None,
        )
        return course if checkpoint is None else checkpoint.finish(learner, best, course)

    def correction_weight(
        self, validation: MemberNets, errors: Errors, errors_of: Callable[[], Errors],
        losses: Callable[[Errors], Values], n_apart: float,
    ) -> tuple[float, Errors]:  # fmt: skip
        """The fraction of the networks' corrections to apply, by the forecasts of the validation networks.

        It is the one that all networks then apply.

        Args:
            validation: copies of the validation networks.
            errors: their errors with all of their corrections.
            errors_of: computes their errors after their weights have changed.
            losses: errors -> one loss per origin.
            n_apart: number of forecasts that do not overlap.

        Returns:
            The fraction, and the errors with it. The correction must reduce the loss by `min_gain` of it, and, unless
            that is 0, by more than its standard error.
        """
        best, found = best_correction(validation, errors, errors_of, losses, n_apart, self._settings.min_gain)
        self._nets.assign(self._nets.shrunk(self._nets.values_of(range(self._nets.n_members)), best))
        return best, found


def best_correction(
    validation: MemberNets, errors: Errors, errors_of: Callable[[], Errors], losses: Callable[[Errors], Values],
    n_apart: float, min_gain: float,
) -> tuple[float, Errors]:  # fmt: skip
    """The fraction of the corrections that lowers the loss most, and the errors with it; `validation` ends with it.

    Arguments are those of :meth:`ChainNetworks.correction_weight`, and `min_gain` of :class:`kerazoo.Forecaster`.
    """
    trained = validation.values_of(range(validation.n_members))
    found = {1.0: errors}
    for factor in SHRINKAGE_FACTORS:
        validation.assign(validation.shrunk(trained, factor))
        found[factor] = errors_of()
    # Paths that diverge count as infinite errors.
    by_origin = {factor: np.nan_to_num(losses(each), nan=np.inf, posinf=np.inf) for factor, each in found.items()}
    best = min(by_origin, key=lambda factor: float(by_origin[factor].mean()))
    gains = by_origin[0.0] - by_origin[best] if best else np.zeros(1)
    standard_error = float(gains.std()) / math.sqrt(n_apart) if min_gain else 0.0
    if not gains.mean() >= max(min_gain * float(by_origin[0.0].mean()), standard_error):
        best = 0.0
    validation.assign(validation.shrunk(trained, best))
    return best, found[best]
