"""`fit`: Keras's `fit` without its overhead for small steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from kerazoo._runtime.devices import check_backend
from kerazoo._validation import check_flag, check_int
from kerazoo.batching.dataset import ResumableDataset
from kerazoo.errors import InvalidArgumentError
from kerazoo.training.class_weights import with_sample_weight
from kerazoo.training.finite import FiniteTraining, with_callbacks
from kerazoo.training.lending import lent
from kerazoo.training.looped import cached_function, in_place_of_steps
from kerazoo.training.plan import Plan, choose_plan, looping_layers, time_steps_of, workload_of
from kerazoo.training.readers import ArrayReader, DirectReader, IteratorReader, rows_of

__all__ = ["fit"]


def fit(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_data: Any = None,
    sample_weight: Any = None,
    shuffle: bool = True,
    initial_epoch: int = 0,
    plan: Plan | str = "auto",
    terminate_on_nan: bool = True,
    **kwargs: Any,
) -> keras.callbacks.History:
    """Train a compiled model like ``model.fit(...)``, with the same batches, callbacks and losses, in less time.

    Under `keras.distribution.DataParallel` on JAX, the rows of each batch are divided among its devices, also those of
    other processes; losses and weights are those of one device, to rounding (docs/several-devices.md).

    Many small steps run in one compiled loop; on torch with a CUDA device, a step is captured as a CUDA graph. The plan
    and its reasons are in ``history.plan``, and are printed unless ``verbose=0``.

    Callbacks are called as with ``compile(steps_per_execution=...)``: once per call of the loop, with the number of its
    last step. Use ``plan=Plan(loop=False)`` for callbacks that need every step. Models that only Keras's `fit` can
    train (`run_eagerly`, a strategy of TensorFlow, a generator of batches) are detected.

    A training whose loss is NaN or infinite is stopped, and the model gets the last finite weights back. They are
    copied to the host before the run, at its end and at ends of epochs, in at most 2 % of the time.

    Args:
        model: a compiled Keras model.
        x: input array, or a data set of `kerazoo.batching`, or anything that `keras.Model.fit` takes.
        y: target array, or None.
        batch_size: int or None (32); for arrays. Under a distribution it is that of all devices together, a multiple of
            their number.
        epochs: int >= 0.
        verbose: as in `keras.Model.fit`.
        callbacks: one callback or several, as in `keras.Model.fit`.
        validation_data: as in `keras.Model.fit`.
        sample_weight: array of weights, one per row of `x` or one per target, or None.
        shuffle: bool, shuffle arrays before each epoch; a kerazoo data set keeps its own order.
        initial_epoch: int, number of the first epoch.
        plan: `"auto"`, or a :class:`Plan`.
        terminate_on_nan: bool, stop at a loss or at weights that are not finite. False trains on, as Keras does, and
            copies no weights.
        **kwargs: further arguments of `keras.Model.fit`. `class_weight` weighs each target by its class, also if there
            is a target for every step.

    Returns:
        A `keras.callbacks.History` with the attribute `plan`.

    Raises:
        InvalidArgumentError: the model is not compiled, or the plan has a loop that the model or the data do not allow,
            or the devices of a distribution cannot share the batches, or the backend does not train (NumPy).
        ClusterError: another process of the distribution has ended.
        TrainingError: the loss or the weights are not finite; the message says at which step, and names remedies.

    >>> import numpy as np
    >>> from kerazoo import zoo
    >>> model = zoo.build("rnn_1x4", seed=1)
    >>> model.compile("adam", "mse")
    >>> x = np.sin(np.arange(60.0)).reshape(6, 10, 1)
    >>> history = fit(model, x, x, batch_size=2, epochs=2, verbose=0)
    >>> len(history.history["loss"]), history.plan.loop
    (2, False)
    """
    if not getattr(model, "compiled", False):
        raise InvalidArgumentError("the model is not compiled; expected model.compile(optimizer, loss) before fit.")
    epochs = check_int("epochs", epochs, 0)
    check_flag("terminate_on_nan", terminate_on_nan)
    check_backend()
    arguments: dict[str, Any] = {
        "x": x,
        "y": y,
        "batch_size": batch_size,
        "epochs": epochs,
        "verbose": verbose,
        "sample_weight": sample_weight,
        "shuffle": shuffle,
        "validation_data": validation_data,
        "initial_epoch": initial_epoch,
        **kwargs,
    }
    _check_weights_of_heads(y, sample_weight)
    arguments = with_sample_weight(model, arguments)
    if isinstance(plan, str) and plan != "auto":
        raise InvalidArgumentError(f"plan={plan!r}; expected 'auto' or a Plan.")
    shares = None
    if keras.distribution.distribution() is not None:
        from kerazoo.training import distribution

        shares = distribution.shares_for(model, arguments)
        if shares.rank:
            verbose = 0
    if isinstance(x, ResumableDataset):
        arguments["shuffle"] = False  # it has its own order
    feed = _Feed.of(arguments)
    chosen = plan if isinstance(plan, Plan) else _plan_for(model, feed, arguments)
    if chosen.loop:
        why = _LOOP_TAKES if feed is None else _why_no_loop(model)
        if why:
            raise InvalidArgumentError(f"plan with loop=True; expected loop=False: {why}")
    if verbose not in (0, "0"):
        print(f"training plan: {chosen}")
    if chosen.loop and keras.backend.backend() == "torch":
        chosen = replace(chosen, steps_per_execution=1, unroll=False)
    finite = FiniteTraining(chosen.steps_per_execution if chosen.loop else model.steps_per_execution)
    why = ""
    with with_callbacks(model, callbacks, [finite] if terminate_on_nan else []) as callbacks:
        if shares is not None:
            history = distribution.fit_divided(model, feed, chosen, arguments, callbacks, shares)
        elif not chosen.loop:
            with lent(arguments["x"], arguments["validation_data"]) as (given, validation):
                arguments |= {"x": given, "validation_data": validation}
                history = model.fit(callbacks=callbacks, **arguments)
        elif keras.backend.backend() == "torch":
            history, why = _fit_captured(model, feed, arguments, callbacks)
        else:
            history = _fit_in_loop(model, feed, chosen, arguments, callbacks)
    if why:
        chosen = Plan(loop=False, why=(f"the steps ran as in plain fit: {why}",))
        if verbose not in (0, "0"):
            print(f"training plan: {chosen}")
    history.plan = chosen
    finite.check()
    return history


class _Feed:
    """Properties of the batches that are known before they are read."""

    def __init__(self, example: Any, steps: int, batch_size: int, dataset: Any = None) -> None:
        self.example, self.steps, self.batch_size, self.dataset = example, steps, batch_size, dataset

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> _Feed | None:
        """From arrays or a kerazoo data set; None for other inputs."""
        x, y = arguments["x"], arguments["y"]
        unsupported = ("steps_per_epoch", "class_weight", "validation_split")
        if any(arguments.get(name) for name in unsupported):
            return None
        if isinstance(x, ResumableDataset):
            if y is not None or not len(x):
                return None
            example = x.at(0, 0)
            return cls(example, len(x), rows_of(example), x)
        parts = [x, y, arguments["sample_weight"]]
        if any(leaf is None for part in parts if part is not None for leaf in keras.tree.flatten(part)):
            return None  # weights for some of the heads
        leaves = [leaf for leaf in keras.tree.flatten(parts) if leaf is not None]
        if x is None or y is None or not all(isinstance(leaf, np.ndarray) and leaf.ndim for leaf in leaves):
            return None
        if any(leaf.dtype.kind in "OSUMm" for leaf in leaves):
            return None  # a zoo model raises the error
        n = len(leaves[0])
        if n == 0 or any(len(leaf) != n for leaf in leaves):
            return None  # Keras raises the error
        size = 32 if arguments["batch_size"] is None else check_int("batch_size", arguments["batch_size"])
        batch = min(size, n)
        given = tuple(parts if arguments["sample_weight"] is not None else parts[:2])
        return cls(keras.tree.map_structure(lambda leaf: leaf[:batch], given), -(-n // batch), batch)


_LOOP_TAKES = (
    "the loop takes NumPy arrays of numbers or a kerazoo data set, without validation_split, steps_per_epoch, "
    "class_weight for batches of a data set, or sample weights of only some heads."
)


def _check_weights_of_heads(y: Any, sample_weight: Any) -> None:
    """An error if there are weights by head which are not those of `y`."""
    if not isinstance(sample_weight, dict):
        return
    heads = list(y) if isinstance(y, dict) else None
    if heads is None or set(heads) != set(sample_weight):
        raise InvalidArgumentError(
            f"sample_weight is a dict with the keys {list(sample_weight)}, and y "
            + (f"has the heads {heads}" if heads is not None else f"is a {type(y).__name__}")
            + "; expected the keys of y, with an array of weights or None for each, or one array for all."
        )


def _why_no_loop(model: Any) -> str:
    """Why the steps of this model cannot run in the compiled loop, or ""."""
    backend = keras.backend.backend()
    if backend == "torch":
        from kerazoo.training._torch import can_capture

        if not can_capture():
            return "on torch a step is captured on a CUDA device only, and none is available."
        if model.jit_compile is True:
            return "the model was compiled with jit_compile=True."
    elif backend not in ("tensorflow", "jax"):
        return f"Keras compiles no training steps on {backend}."
    if model.run_eagerly:
        return "the model was compiled with run_eagerly=True."
    if backend == "tensorflow":
        without_xla = [layer.name for layer in model._flatten_layers() if not layer.supports_jit]
        if without_xla:
            return f"{', '.join(without_xla)} cannot be compiled by XLA (supports_jit is False)."
        strategy = type(model.distribute_strategy).__name__
        if not strategy.startswith("_Default"):
            return f"the model is distributed by {strategy}."
    return ""


def _plan_for(model: Any, feed: _Feed | None, arguments: dict[str, Any]) -> Plan:
    if feed is None:
        return Plan(loop=False, why=(_LOOP_TAKES,))
    why = _why_no_loop(model)
    if not why and model.steps_per_execution != 1:
        why = f"the model was compiled with steps_per_execution={model.steps_per_execution}."
    if not model.built:
        model.build(keras.tree.map_structure(lambda leaf: leaf.shape, feed.example[0]))
    epochs = max(0, arguments["epochs"] - arguments["initial_epoch"])
    return choose_plan(model, workload_of(model, feed.example, feed.steps, epochs), why)


def _fit_in_loop(
    model: Any, feed: _Feed | None, plan: Plan, arguments: dict[str, Any], callbacks: Any
) -> keras.callbacks.History:
    assert feed is not None
    if keras.backend.backend() == "tensorflow":
        # Metrics and the optimizer make their variables at first use, which must not be inside the loop. On JAX Keras
        # makes those of the metrics itself, and must, because that keeps the order of its random numbers.
        model._symbolic_build(data_batch=feed.example)
    else:
        from kerazoo.training._jax import build_optimizer

        build_optimizer(model)
    function = _function_of(model, plan)
    extra = []
    if keras.backend.backend() == "tensorflow":
        reader, arguments = _reading_directly(model, feed, arguments)
        function.reader = reader
        extra = [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reader.end_epoch())]
    else:
        function.reader = IteratorReader(feed.batch_size)
    rolled = looping_layers(model, time_steps_of(feed.example))
    with (
        in_place_of_steps(model, function, function.test_function, plan, rolled),
        with_callbacks(model, callbacks, extra) as callbacks,
    ):
        try:
            with lent(arguments["validation_data"]) as (validation,):
                return model.fit(callbacks=callbacks, **{**arguments, "validation_data": validation})
        finally:
            function.test_function = model.test_function  # that of validation, compiled for the same number of steps


def _reading_directly(model: Any, feed: _Feed, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """On TensorFlow: a reader of the batches, and arguments for Keras's `fit` with a data set that nobody reads."""
    from kerazoo.training._tensorflow import arrays_of, order_of, placeholder_dataset

    reader: Any
    if feed.dataset is not None:
        reader = DirectReader(feed.dataset, feed.batch_size)
    else:
        check_arrays = getattr(model, "check_arrays", None)
        if check_arrays is not None:  # a zoo model checks arrays in `fit`, which does not get them
            check_arrays(arguments["x"], arguments["y"])
        arrays = arrays_of(arguments["x"], arguments["y"], arguments["sample_weight"])
        n = len(keras.tree.flatten(arrays)[0])
        reader = ArrayReader(arrays, feed.batch_size, order_of(n, feed.batch_size, arguments["shuffle"]))
    placeholder = placeholder_dataset(feed.example, feed.steps)
    return reader, {**arguments, "x": placeholder, "y": None, "sample_weight": None, "batch_size": None,
                    "shuffle": False}  # fmt: skip


def _fit_captured(
    model: Any, feed: _Feed | None, arguments: dict[str, Any], callbacks: Any
) -> tuple[keras.callbacks.History, str]:
    """Train with a captured step on torch. Returns the history and why steps were not captured, or ""."""
    from kerazoo.training._torch import CapturedTrainFunction

    assert feed is not None
    rows = feed.batch_size
    function = cached_function(model, (rows,), lambda: CapturedTrainFunction(model, rows))
    before = model.train_function
    function.begin_fit()
    try:
        model.train_function = function
        return model.fit(callbacks=callbacks, **arguments), function.why_not
    finally:
        model.train_function = before
        function.end_fit()


def _function_of(model: Any, plan: Plan) -> Any:
    """The compiled loop of a plan."""
    if keras.backend.backend() == "tensorflow":
        from kerazoo.training._tensorflow import LoopedTrainFunction
    else:
        from kerazoo.training._jax import LoopedTrainFunction  # type: ignore[assignment]
    count = plan.steps_per_execution
    return cached_function(model, (count, plan.unroll), lambda: LoopedTrainFunction(model, count))
