"""`compare`: several models trained on the same data for the same time, as a table and a plot."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_real
from kerazoo.batching import ResumableDataset
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.training import fit
from kerazoo.zoo.candidates import compiled_candidate, why_too_easy
from kerazoo.zoo.parameters import specs_of_names
from kerazoo.zoo.spec import RNNSpec

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Comparison", "compare"]

#: Steps in one call of the compiled loop, between two looks at the clock.
STEPS_PER_CALL = 32
#: Steps of an epoch: Keras takes some 20 ms per epoch, which would favour slow models if epochs were short.
STEPS_PER_EPOCH = 1024
#: The validation data are evaluated about this often in the time of a model.
EVALUATIONS = 20
#: Seconds between two evaluations, at least: the first step after one is slower than the others.
SHORTEST_PART = 0.1
OK = "finished"


def compare(
    names: Any,
    x: Any,
    y: Any = None,
    *,
    validation_data: Any,
    seconds: float = 10.0,
    seeds: int | Sequence[int] = 1,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
    loss: Any = None,
    metrics: Any = None,
    verbose: int = 0,
    **fields: Any,
) -> Comparison:
    """Train models on the same data, each for the same time, and compare their losses.

    Each model is first trained for a few steps, which compiles its train step and its evaluation. Then its weights,
    its random numbers and its optimizer get their initial values back, and the clock starts. It runs while steps of
    training run, not while the validation data are evaluated. The time of the compilation is reported.

    The order of the batches depends on the seed only, so all models see the same batches; a faster model sees more.
    The optimizer is Adam with gradients whose norm is clipped to 1. A model that cannot be built or diverges gets a row
    with the reason. After Ctrl-C, the comparison has what was trained so far.

    Args:
        names: names, specs, or patterns of `zoo.list_models`.
        x: input array (N, ...), or a data set of `kerazoo.batching`, such as `SequenceWindows(..., shuffle=True)`.
        y: target array (N, ...); None with a data set.
        validation_data: `(x, y)`, or a data set of `kerazoo.batching`.
        seconds: float > 0, of training, for each model and seed.
        seeds: int >= 1, number of runs of each model with the seeds 0, 1, ...; or the seeds. The table has their means.
        learning_rate: float > 0.
        batch_size: int >= 1, for arrays.
        loss: as in `keras.Model.compile`; None: `"mse"`, or the loss of a head over words.
        metrics: as in `keras.Model.compile`; further columns.
        verbose: 0 or 1, whether to print a line after each run.
        **fields: fields of `RNNSpec` that are changed in each model: `features=3`, `returns="last"`.

    Returns:
        A :class:`Comparison`.

    Raises:
        InvalidArgumentError: an unknown name, a value out of range, or data of another kind.
        TrainingError: no model could be trained; the message has the reasons.

    >>> from kerazoo import datasets
    >>> sine = datasets.sine(seed=1)
    >>> found = compare(["rnn_1x4"], *sine.next_batch(64, 10), validation_data=sine.next_batch(8, 10), seconds=0.1)
    >>> found.best.name, found.table.status.tolist()
    ('rnn_1x4', ['finished'])
    """
    specs = specs_of_names(names, fields)
    seconds = check_real("seconds", seconds, 0.0, exclusive=True)
    learning_rate = check_real("learning_rate", learning_rate, 0.0, exclusive=True)
    numbers = (
        [check_int("seeds", each, 0) for each in seeds]
        if isinstance(seeds, Sequence)
        else list(range(check_int("seeds", seeds, hint="A list has the seeds themselves.")))
    )
    if not numbers or len(set(numbers)) < len(numbers):
        raise InvalidArgumentError(f"seeds={seeds!r}; expected a number of runs, or different seeds.")
    train, validation = (
        _source("x", x, y, check_int("batch_size", batch_size)),
        _validation(validation_data, batch_size),
    )
    runs: list[Run] = []
    try:
        for name, spec in specs.items():
            for seed in numbers:
                run = Run(name, spec, seed)
                runs.append(run)
                _train(run, train, validation, seconds, learning_rate, loss, metrics)
                if verbose:
                    print(run)
    except KeyboardInterrupt:
        runs[-1].status = f"interrupted after {runs[-1].seconds:.1f} s"
        done = {(run.name, run.seed) for run in runs}
        runs += [
            Run(name, spec, seed, status="not started")
            for name, spec in specs.items()
            for seed in numbers
            if (name, seed) not in done
        ]
        warnings.warn("the comparison was interrupted; its table has what was trained so far.", stacklevel=2)
    else:
        if not any(run.curve for run in runs):
            reasons = "\n".join(f"  {run.name}: {run.status}" for run in runs)
            raise TrainingError(f"no model could be trained; expected at least one.\n{reasons}")
    return Comparison(runs, seconds)


@dataclass
class Run:
    """The training of one model with one seed.

    Attributes:
        name: str, of the model.
        spec: its RNNSpec.
        seed: int, of its weights and of the order of the batches.
        status: `"finished"`, or why it did not finish.
        parameters: int, number of trainable weights; 0 if the model could not be built.
        steps: int, training steps in the time.
        seconds: float, of training.
        compile_seconds: float, of building, compiling and the first steps.
        curve: per evaluation: the seconds of training, the loss of the training since the last evaluation, and the
            metrics of the validation data, `loss` among them.

    >>> print(Run("gru_1x8", RNNSpec.from_name("gru_1x8"), 0, status="not started"))
    gru_1x8, seed 0: not started
    """

    name: str
    spec: RNNSpec
    seed: int
    status: str = OK
    parameters: int = 0
    steps: int = 0
    seconds: float = 0.0
    compile_seconds: float = 0.0
    curve: list[tuple[float, float, dict[str, float]]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """The values of the run as a row of a table.

        >>> Run("gru_1x8", RNNSpec.from_name("gru_1x8"), 0).row()["steps"]
        0
        """
        nan = math.nan
        losses = [values["loss"] for _, _, values in self.curve]
        _, train, last = self.curve[-1] if self.curve else (0.0, nan, {})
        return {
            "name": self.name,
            "seed": self.seed,
            "parameters": self.parameters,
            "steps": self.steps,
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "steps_per_second": self.steps / self.seconds if self.seconds else nan,
            "loss": train,
            "validation_loss": last.get("loss", nan),
            "best_validation_loss": min(losses, default=nan),
            **{f"validation_{key}": value for key, value in last.items() if key != "loss"},
            "status": self.status,
        }

    def __str__(self) -> str:
        if not self.curve:
            return f"{self.name}, seed {self.seed}: {self.status}"
        row = self.row()
        return (
            f"{self.name}, seed {self.seed}: validation loss {row['validation_loss']:.3g} after {self.steps} steps in "
            f"{self.seconds:.1f} s; {self.status}"
        )


class Comparison:
    """The result of :func:`compare`; in a notebook, it is its table.

    Attributes:
        runs: one :class:`Run` per model and seed.
        seconds: float, time of each.
        table: pandas DataFrame, one row per model, sorted by `validation_loss`: `name`, `parameters`, `steps`,
            `seconds`, `compile_seconds`, `steps_per_second`, `loss` (of the last steps of the training),
            `validation_loss` at the end, `best_validation_loss`, further metrics, and `status`, which says why a model
            did not finish. With several seeds, the numbers are means over the runs that finished, and
            `validation_loss_std` is the standard deviation.

    >>> Comparison([Run("gru_1x8", RNNSpec.from_name("gru_1x8"), 0, status="not started")], 1.0).table.status.tolist()
    ['not started']
    """

    def __init__(self, runs: Sequence[Run], seconds: float) -> None:
        self.runs = list(runs)
        self.seconds = seconds

    @property
    def table(self) -> pd.DataFrame:
        """One row per model, best first."""
        import pandas as pd

        rows = pd.DataFrame([run.row() for run in self.runs])
        whole = rows.status == OK
        groups = []
        for name, of in rows.groupby("name", sort=False):
            counted = of[whole[of.index]] if whole[of.index].any() else of
            row = {**counted.drop(columns=["name", "seed", "status"]).mean().to_dict(), "name": name}
            if rows.seed.nunique() > 1:
                row["validation_loss_std"] = counted.validation_loss.std()
            row["status"] = "; ".join(
                dict.fromkeys(of.status if whole[of.index].all() else of.status[~whole[of.index]])
            )
            groups.append(row)
        columns = [name for name in rows.columns if name != "seed"]
        if rows.seed.nunique() > 1:
            columns.insert(columns.index("validation_loss") + 1, "validation_loss_std")
        table = pd.DataFrame(groups)[columns]
        table = table.astype({"parameters": int, "steps": int})
        # A model that never finished comes after those that did, whatever its last loss was.
        failed = ~table["name"].isin(rows["name"][whole])
        order = table.assign(failed=failed).sort_values(["failed", "validation_loss"], kind="stable").index
        return table.loc[order].reset_index(drop=True)

    @property
    def best(self) -> RNNSpec:
        """The spec of the first model of the table.

        Raises:
            TrainingError: no model has a loss.
        """
        first = self.table.iloc[0]
        if not math.isfinite(first.validation_loss):
            raise TrainingError(f"no model has a validation loss; expected at least one. {first.status}")
        return next(run.spec for run in self.runs if run.name == first["name"])

    def curves(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """The validation losses over the time, of the median run if there are several seeds.

        Returns:
            name -> (seconds, losses), in the order of the table; models that were not trained are missing.
        """
        found = {}
        for name in self.table["name"]:
            runs = sorted(
                (run for run in self.runs if run.name == name and run.curve),
                key=lambda run: (run.status != OK, run.curve[-1][2]["loss"]),
            )
            if runs:
                finished = [run for run in runs if run.status == OK] or runs
                middle = finished[(len(finished) - 1) // 2]
                times, losses = zip(*((at, values["loss"]) for at, _, values in middle.curve), strict=True)
                found[name] = (np.array(times), np.array(losses))
        return found

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot the validation losses over the seconds of training: see :func:`kerazoo.plots.plot_comparison`.

        Args:
            ax: matplotlib Axes to draw on; None creates a figure.
        """
        from kerazoo.plots import plot_comparison

        return plot_comparison(self.curves(), ax=ax)

    def __repr__(self) -> str:
        return str(self.table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False, float_format=lambda value: f"{value:.3g}"))


class _Stream(ResumableDataset):
    """Batches of a source, one after another from batch `start` on, as epochs of `length` steps.

    All batches have one size, so that one step is compiled.
    """

    _permutes_batches = False

    def __init__(self, source: Any, seed: int, length: int, start: int = 0) -> None:
        super().__init__(seed=seed)
        self._source, self._length, self._first = source, length, start

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, None]:
        return self._length, None

    def _batch(self, epoch: Any, index: int) -> tuple[Any, ...]:
        position = self._first + epoch.number * self._length + index
        return self._source.batch(self.seed, *divmod(position, len(self._source)))


class _Arrays:
    """Batches of arrays, in another order in each epoch."""

    def __init__(self, arrays: tuple[NDArray[Any], ...], batch_size: int) -> None:
        self.arrays, self.size = arrays, min(batch_size, len(arrays[0]))
        self._order: tuple[tuple[int, int], NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return -(-len(self.arrays[0]) // self.size)

    def batch(self, seed: int, epoch: int, index: int) -> tuple[Any, ...]:
        """A batch; the last one of an epoch is filled with the first rows of the epoch."""
        order = self._order
        if order is None or order[0] != (seed, epoch):
            rows = np.random.default_rng([seed, epoch]).permutation(len(self.arrays[0]))
            order = self._order = ((seed, epoch), rows)
        rows = np.take(order[1], np.arange(index * self.size, (index + 1) * self.size), mode="wrap")
        return tuple(array[rows] for array in self.arrays)


class _Batches:
    """Batches of a data set of kerazoo, which has an order of its own."""

    def __init__(self, dataset: ResumableDataset) -> None:
        self.dataset = dataset
        self.size = len(keras.tree.flatten(dataset.at(0, 0))[0])

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, seed: int, epoch: int, index: int) -> tuple[Any, ...]:
        """A batch; a smaller last one is filled with the first rows of the epoch."""
        found = self.dataset.at(epoch, index)
        rows = len(keras.tree.flatten(found)[0])
        if rows == self.size:
            return found
        first = self.dataset.at(epoch, 0)
        filled: tuple[Any, ...] = keras.tree.map_structure(
            lambda last, more: np.concatenate([last, more[: self.size - rows]]), found, first
        )
        return filled


def _source(name: str, x: Any, y: Any, batch_size: int) -> _Arrays | _Batches:
    """The training data as a source of batches."""
    if isinstance(x, ResumableDataset):
        if y is not None:
            raise InvalidArgumentError(f"y with a {type(x).__name__}; expected y=None: it has the targets.")
        return _Batches(x)
    if y is None or not hasattr(x, "__array__") or not hasattr(y, "__array__"):
        raise InvalidArgumentError(
            f"{name} is a {type(x).__name__} and the targets a {type(y).__name__}; expected two arrays, or a data set "
            "of kerazoo.batching. SequenceWindows makes one of series."
        )
    arrays = tuple(_single(np.asarray(each)) for each in (x, y))
    if not arrays[0].ndim or len(arrays[0]) == 0 or np.shape(arrays[1])[:1] != (len(arrays[0]),):
        raise InvalidArgumentError(
            f"{name} has shape {arrays[0].shape}, the targets {arrays[1].shape}; expected as many rows, at least one."
        )
    return _Arrays(arrays, batch_size)


def _single(array: NDArray[Any]) -> NDArray[Any]:
    """float64 as float32, which the models compute in; the clock should not count the conversion."""
    return array.astype("float32") if array.dtype == np.float64 else array


def _validation(data: Any, batch_size: int) -> dict[str, Any]:
    """The validation data as arguments of `evaluate`."""
    if isinstance(data, ResumableDataset):
        return {"x": data}
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InvalidArgumentError(
            f"validation_data is a {type(data).__name__}; expected (x, y), or a data set of kerazoo.batching."
        )
    x, y = data
    source = _source("validation x", x, y, batch_size)
    assert isinstance(source, _Arrays)
    return {"x": source.arrays[0], "y": source.arrays[1], "batch_size": max(batch_size, 256)}


def _train(
    run: Run,
    source: _Arrays | _Batches,
    validation: dict[str, Any],
    seconds: float,
    learning_rate: float,
    loss: Any,
    metrics: Any,
) -> None:
    """Train one model, and put what is measured into its run."""
    start = time.perf_counter()
    try:
        arrays = source.arrays if isinstance(source, _Arrays) else source.batch(run.seed, 0, 0)
        easy = why_too_easy(run.spec, *arrays[:2])
        if easy:
            run.status = f"not trained: {easy}"
            return
        model = compiled_candidate(run.spec, seed=run.seed, learning_rate=learning_rate, loss=loss, metrics=metrics)
        run.parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
        # The plan of the training is that of a long run: its compilation is not in the time.
        plan = _warm_up(model, source, run.seed, validation, max(1, round(seconds * 500 / STEPS_PER_CALL)))
        run.compile_seconds = time.perf_counter() - start
        _fit_in_time(run, model, source, plan, validation, seconds)
    except TrainingError as error:
        run.status = f"diverged: {error}"
    except Exception as error:  # another model may work
        run.status = f"failed: {type(error).__name__}: {error}"


def _warm_up(model: keras.Model, source: _Arrays | _Batches, seed: int, validation: dict[str, Any], epochs: int) -> Any:
    """Compile the train step and the evaluation, and return the plan; the model stays as it was."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(each.value), copy=True) for each in variables]
    stream = _Stream(source, seed, STEPS_PER_CALL)
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True),
    )
    history = fit(model, stream, epochs=epochs, verbose=0, shuffle=False, callbacks=[stop], terminate_on_nan=False)
    model.evaluate(**validation, verbose=0, return_dict=True)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    return history.plan


class _Clock(keras.callbacks.Callback):
    """Measures the time in which steps run, and stops the training when it is over."""

    def __init__(self, left: float) -> None:
        super().__init__()
        self.left = left
        self.seconds, self.steps = 0.0, 0
        self.losses: list[tuple[int, float]] = []
        self._begin, self._in_epoch, self._loss = 0.0, 0, math.nan

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count from 0."""
        self._in_epoch = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Start at the first step: Keras has made its iterator by now."""
        if not self._begin:
            self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the steps, and stop when the time is over."""
        self._in_epoch = batch + 1
        self._loss = float((logs or {}).get("loss", math.nan))  # waits for the step
        self.seconds = time.perf_counter() - self._begin
        if self.seconds >= self.left:
            self._model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the loss of the epoch."""
        self.seconds = time.perf_counter() - self._begin
        self.steps += self._in_epoch
        self.losses.append((self._in_epoch, self._loss))


def _fit_in_time(
    run: Run, model: keras.Model, source: _Arrays | _Batches, plan: Any, validation: dict[str, Any], seconds: float
) -> None:
    """Train in parts, with an evaluation after each. The first part is one call, if it fits."""
    while run.seconds < seconds:
        length, epochs = (STEPS_PER_EPOCH, 1_000_000) if run.steps else (STEPS_PER_CALL, 1)
        stream = _Stream(source, run.seed, length, run.steps)
        part = max(SHORTEST_PART, seconds / EVALUATIONS) if run.steps else seconds
        clock = _Clock(min(seconds - run.seconds, part))
        try:
            fit(model, stream, epochs=epochs, verbose=0, shuffle=False, callbacks=[clock], plan=plan)
        finally:
            run.seconds += clock.seconds
            run.steps += clock.steps
        values = model.evaluate(**validation, verbose=0, return_dict=True)
        weights, losses = np.array(clock.losses, np.float64).T
        loss = float(np.average(losses, weights=weights))
        run.curve.append((run.seconds, loss, {name: float(value) for name, value in values.items()}))
        if not math.isfinite(values["loss"]):
            raise TrainingError(f"the validation loss is {values['loss']} after {run.steps} steps")
