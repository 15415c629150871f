"""`fit_global_net`: trains networks on the windows of all series of a panel."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from kerazoo import training
from kerazoo._runtime.callbacks import flatten_callbacks
from kerazoo._runtime.devices import check_backend, check_one_device
from kerazoo._runtime.idle import IdleModels
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._runtime.precision import in_float32
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.batches import PanelWindows
from kerazoo.forecast.global_nets.inputs import InputCoder, Inputs
from kerazoo.forecast.global_nets.losses import Loss, make_loss
from kerazoo.forecast.global_nets.network import make_network, network_spec
from kerazoo.forecast.global_nets.results import GlobalNet
from kerazoo.forecast.global_nets.windows import default_lookback, limits_of
from kerazoo.zoo import RNNSpec

__all__ = ["compile_network", "fit_global_net"]

#: Windows whose targets set the limits of forecasts.
WINDOWS_OF_LIMITS = 16384
#: Values before a forecast from which a network is trained further that has learned from series as short.
LEAST_HISTORY = 3
#: Key of the draws of these windows.
KEY_OF_LIMITS = 0x6C696D697473
#: Bound of the norm of the gradient of a step; that of a usual step of `bounded` is far below.
CLIPNORM = 1.0


@in_float32()
def fit_global_net(
    series: Iterable[Any],
    horizon: int,
    period: float | Sequence[float] = 1,
    *,
    model: RNNSpec | str = "gru_2x64_residual",
    loss: str = "bounded",
    levels: Sequence[float] = (),
    lookback: int | None = None,
    n_nets: int = 3,
    steps: int = 2000,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    inputs: Inputs | None = None,
    seed: int | None = None,
    callbacks: Any = None,
    verbose: int = 0,
    title: str = "network",
    start: GlobalNet | None = None,
    initial: GlobalNet | None = None,
    on_network: Callable[[GlobalNet], None] | None = None,
) -> GlobalNet:
    """Train networks of the zoo on windows from anywhere in all series.

    Each series loses its seasons, where it has any, and becomes logarithms, where it is positive
    (:func:`kerazoo.forecast.global_nets.adjustment.adjust`). A window is scaled by its own last value and mean absolute
    difference, and the network predicts the next `horizon` steps at once. Adam's learning rate falls to 0 along half a
    cosine; there is no early stopping. The networks differ in their initial weights and in their batches.

    Ctrl-C ends the training after the current step: the result has the finished networks, or the first one as far as it
    got, and `interrupted=True`. A network whose loss is no longer a number is left out with a warning.

    Args:
        series: S sequences of numbers, of any lengths; NaN is missing.
        horizon: H >= 1, steps to predict at once.
        period: steps of a season, not necessarily whole; several, such as [24, 168] of hours; 1: none.
        model: name or spec of a zoo model, for its layers.
        loss: see :mod:`kerazoo.forecast.global_nets.losses`. `"negative_binomial"` is for counts.
        levels: of loss `"quantiles"`, such as [0.1, 0.9]; the median is added.
        lookback: L >= 2, steps of a window; None: :func:`kerazoo.forecast.global_nets.windows.default_lookback`.
        n_nets: M >= 1, networks; forecasts are their median.
        steps: training steps of each network.
        batch_size: windows of a step.
        learning_rate: of the first step.
        inputs: covariates, static numbers and categories of the series, or None. Forecasts then need the same kinds.
        seed: int >= 0 or None. The same seed gives the same windows and initial weights.
        callbacks: Keras callbacks; they see each network as one epoch.
        verbose: 0, or 1 for a progress bar with the time left.
        title: what the progress bar calls a network.
        start: finished networks of an earlier call with the same arguments and seed, which are not trained again; or
            None.
        initial: networks that were trained on other series, whose weights each training starts from, or None. Model,
            loss, levels, lookback, and how series and windows are adjusted, are theirs; and so are the steps that they
            predict at once, of which the first `horizon` count in the training.
        on_network: function that is called with all finished networks after each one, for example to keep them.

    Returns:
        The networks, as plain values.

    Raises:
        InvalidArgumentError: an argument out of range, no series is long enough for a window and a step after it, or
            inputs with `initial`.
        TrainingError: the loss of every network is not finite.
        KeyboardInterrupt: Ctrl-C before the first step.

    >>> import numpy as np
    >>> series = [np.arange(10.0, 40.0) * factor for factor in (1, 5, 20)]
    >>> net = fit_global_net(series, 4, model="gru_1x8", n_nets=1, steps=3, seed=1)
    >>> net.spec.name, net.steps
    ('gru_1x8_seq2one_f3_h4_t8', (3,))
    """
    check_backend()
    check_one_device("Forecaster trains its networks")
    horizon = check_int("horizon", horizon, hint="It is the number of steps to predict.")
    n_nets = check_int("n_nets", n_nets)
    steps = check_int("steps", steps)
    rate = check_real("learning_rate", learning_rate, 0.0, exclusive=True, hint="The usual value is 0.002.")
    recency, any_scale, patch, counted = 1.0, False, 1, None
    if initial is not None:
        counted = min(horizon, initial.horizon)
        horizon, model, loss, levels = initial.horizon, initial.spec, initial.loss, initial.levels
        lookback, recency, any_scale, patch = initial.lookback, initial.recency, initial.any_scale, initial.patch
    made = make_loss(loss, levels)
    panel = adjust(series, period, counts=loss == "negative_binomial", recency=recency)
    if lookback is None:
        lookback = default_lookback(panel.lengths, horizon, period)
    check_int("lookback", lookback, 2)
    coder = InputCoder.learn(inputs, panel.lengths)
    if initial is not None and not coder.empty:
        raise InvalidArgumentError("inputs with initial networks; expected none: these know the series alone.")
    extra = None if coder.empty else coder.code(inputs, panel.lengths)
    data = PanelWindows(
        panel, lookback, horizon, batch_size=batch_size, steps=steps, extra=extra, any_scale=any_scale,
        counted=counted, seed=seed,
        history=None if initial is None else LEAST_HISTORY,
    )  # fmt: skip
    spec = network_spec(model, lookback, horizon, made.n_outputs, coder, patch)
    trained = list(start.weights) if start is not None else []
    done = list(start.steps) if start is not None else []
    losses = list(start.losses) if start is not None else []
    failures: list[TrainingError] = []
    limits = limits_of(data.draw(KEY_OF_LIMITS, 0, WINDOWS_OF_LIMITS).targets)
    if initial is not None:
        limits = np.stack([np.minimum(limits, initial.limits)[:, 0], np.maximum(limits, initial.limits)[:, 1]], axis=1)

    def result(interrupted: bool) -> GlobalNet:
        return GlobalNet(
            spec, _plain(panel.periods), loss, made.levels, tuple(trained), limits, tuple(done), tuple(losses),
            interrupted, coder, recency, any_scale, patch,
        )  # fmt: skip

    callbacks = flatten_callbacks(callbacks)
    reuse = not callbacks  # which may keep the network
    with (
        _compiled(spec, made, rate, steps, coder.categories, patch, reuse) as network,
        DeferredInterrupt() as interrupt,
    ):
        for member in range(len(trained), n_nets):
            if interrupt.pending:
                break
            data.epoch = member
            if initial is None:
                first = make_network(spec, data.seed + member, coder.categories).get_weights()
            else:
                first = list(initial.weights[member % len(initial.weights)])
            _restart(network, first)
            course = _Course(interrupt, steps, f"{title} {member + 1} of {n_nets}", verbose)
            try:
                training.fit(network, data, epochs=1, shuffle=False, verbose=0, callbacks=[*callbacks, course])
            except TrainingError as error:
                failures.append(error)
                continue
            finally:
                course.close()
            # An unfinished network, whose learning rate is still high, would spoil the median of finished ones.
            if not interrupt.pending or course.done == steps or not trained:
                trained.append(tuple(np.array(value, np.float32) for value in network.get_weights()))
                done.append(course.done)
                losses.append(course.loss)
                if on_network is not None and course.done == steps:
                    on_network(result(False))
    if failures and not trained:
        raise failures[0]
    if not trained or not any(done):
        interrupt.raise_if_pending()
    for failure in failures:
        warnings.warn(f"a network is left out: {failure}", RuntimeWarning, stacklevel=2)
    return result(interrupt.pending)


#: Fits of one kind follow each other.
_idle = IdleModels(4)


def compile_network(network: Any, loss: Loss, rate: float, steps: int) -> None:
    """Compile a network with Adam, whose learning rate falls from `rate` to 0 along half a cosine of `steps`."""
    # A schedule, not a callback: on JAX a callback cannot change the rate between two steps.
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    network.compile(keras.optimizers.Adam(schedule, global_clipnorm=CLIPNORM), loss=loss)


@contextmanager
def _compiled(
    spec: RNNSpec, loss: Loss, rate: float, steps: int, categories: Sequence[int], patch: int, reuse: bool
) -> Iterator[Any]:
    """A compiled network for one training, with any weights."""
    key = (spec, loss.name, loss.levels, rate, steps, tuple(categories), patch)
    network = _idle.take(key) if reuse else None
    if network is None:
        network = make_network(spec, 0, categories, patch)
        compile_network(network, loss, rate, steps)
    yield network
    if reuse:  # not after an exception, which may leave any state
        _idle.keep(key, network)


def _plain(periods: tuple[float, ...]) -> float | tuple[float, ...]:
    """The period of a single season as a number, 1 for none."""
    return periods if len(periods) > 1 else (*periods, 1)[0]


def _restart(network: Any, weights: Sequence[NDArray[np.float32]]) -> None:
    """Initial weights and a new optimizer state, in a model whose step is compiled once for all networks."""
    network.set_weights(list(weights))
    if not network.optimizer.built:
        network.optimizer.build(network.trainable_variables)
    for variable in network.optimizer.variables:  # steps and moments; the rate is a schedule
        variable.assign(np.zeros(variable.shape, variable.dtype))


class _Course(keras.callbacks.Callback):
    """Shows progress, and stops the training after Ctrl-C.

    Attributes:
        done: steps so far.
        loss: mean loss so far.
    """

    def __init__(self, interrupt: DeferredInterrupt, steps: int, title: str, verbose: int) -> None:
        super().__init__()
        self._interrupt, self._steps = interrupt, steps
        self._bar = tqdm(total=steps, desc=title, file=sys.stderr, unit="step", disable=not verbose)
        self.done = 0
        self.loss = float("nan")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a step, or after those of one call of a compiled loop."""
        done = min(batch + 1, self._steps)
        self._bar.update(done - self.done)
        self.done, self.loss = done, float((logs or {}).get("loss", self.loss))
        self._bar.set_postfix(loss=f"{self.loss:.4g}", refresh=False)
        if self._interrupt.pending:
            self._model.stop_training = True  # not `self.model`, which reads the state of JAX

    def close(self) -> None:
        """End the progress bar."""
        self._bar.close()
