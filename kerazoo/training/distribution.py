"""Training under a distribution of Keras: `fit` on several devices, and in several processes."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.trainers.data_adapters import get_data_adapter
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter, can_convert_arrays
from keras.src.trainers.data_adapters.array_slicing import train_validation_split
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
from keras.src.trainers.epoch_iterator import EpochIterator

from kerazoo.batching.dataset import ResumableDataset
from kerazoo.batching.shares import Shares, multiples_near, shares_of
from kerazoo.errors import InvalidArgumentError
from kerazoo.training.finite import with_callbacks
from kerazoo.training.looped import cached_function, in_place_of_steps
from kerazoo.training.plan import Plan, looping_layers, time_steps_of
from kerazoo.training.processes import (
    agree,
    callbacks_of_process,
    let_one_process_save,
    lost_processes_reported,
    share_seeds,
)

__all__ = ["fit_divided", "shares_for"]


def shares_for(model: Any, arguments: dict[str, Any]) -> Shares:
    """How the distribution that is set divides batches, after its processes have shared their seeds.

    Args:
        model: a compiled model.
        arguments: those of `keras.Model.fit`.

    Raises:
        InvalidArgumentError: it has no effect on this backend, has not the devices of the model, or is not
            `DataParallel` with several processes.
    """
    distribution = keras.distribution.distribution()
    shares = shares_of(distribution)
    if shares is None:
        raise InvalidArgumentError(
            f"a distribution is set, but Keras trains on one device on {keras.backend.backend()}; expected the backend "
            'jax: set KERAS_BACKEND="jax". Without it, keras.distribution.set_distribution(None).'
        )
    if shares.processes > 1 and not isinstance(distribution, keras.distribution.DataParallel):
        raise InvalidArgumentError(
            f"the distribution is a {type(distribution).__name__} over {shares.processes} processes; expected "
            "keras.distribution.DataParallel(): a process cannot save weights that it has only a part of."
        )
    devices = set(shares.mesh.devices.flat)
    for variable in model.variables:
        if set(variable.value.sharding.device_set) != devices:
            raise InvalidArgumentError(
                f"{variable.path} is not on the {len(devices)} devices of the distribution; expected a model that was "
                "made after keras.distribution.set_distribution(...)."
            )
    if shares.processes > 1:
        let_one_process_save()
    with lost_processes_reported(shares):
        share_seeds(shares, arguments["x"], arguments["validation_data"])
    return shares


def fit_divided(
    model: Any, feed: Any, plan: Plan, arguments: dict[str, Any], callbacks: Any, shares: Shares
) -> keras.callbacks.History:
    """Train a model whose batches are divided among devices: see :func:`kerazoo.training.fit`.

    Args:
        model: a compiled model on the devices of the distribution.
        feed: the first batch and the sizes of arrays or of a kerazoo data set, or None for other data.
        plan: how to train.
        arguments: those of `keras.Model.fit`.
        callbacks: as in `keras.Model.fit`.
        shares: how batches are divided.

    Raises:
        InvalidArgumentError: the devices cannot share the batches, or the processes have different arguments.
        ClusterError: another process has ended.
    """
    from kerazoo.training._jax_distribution import DividedReader, DividedTestFunction, DividedTrainFunction

    given = {"validation_split": 0.0, "class_weight": None, "validation_batch_size": None, **arguments}
    x, y, weights = (given.pop(name) for name in ("x", "y", "sample_weight"))
    held_out, split = given.pop("validation_data"), given.pop("validation_split")
    if split and held_out is None:
        (x, y, weights), held_out = train_validation_split((x, y, weights), validation_split=split)
    batch_size, shuffle = given.pop("batch_size"), given.pop("shuffle")
    steps, later_size = given.get("steps_per_epoch"), given.pop("validation_batch_size")
    data = _adapter(
        "x", x, y, weights, shares, batch_size=batch_size, steps=steps, shuffle=shuffle,
        class_weight=given.pop("class_weight"),
    )  # fmt: skip
    check_arrays = getattr(model, "check_arrays", lambda x, y: None)
    check_arrays(x, y)
    validation = None
    if held_out is not None:
        later_x, later_y, later_weights = keras.utils.unpack_x_y_sample_weight(held_out)
        check_arrays(later_x, later_y)
        validation = _adapter(
            "validation_data", later_x, later_y, later_weights, shares, batch_size=later_size or batch_size,
            steps=given.get("validation_steps"), shuffle=False,
        )  # fmt: skip
    with lost_processes_reported(shares), callbacks_of_process(callbacks, shares) as callbacks:
        agree(shares, model, plan, {"x": x, "y": y, "sample_weight": weights, "validation_data": held_out},
              data, {**given, "shuffle": shuffle}, callbacks)  # fmt: skip
        first = EpochIterator(x=data, steps_per_epoch=steps)
        model._symbolic_build(iterator=first)  # Keras would take the first batch from an iterator that has none
        first.reset()
        count = plan.steps_per_execution if plan.loop else model.steps_per_execution
        key = (count, plan.loop, plan.unroll, shares.mesh, shares.distribution.batch_dim_name)
        train = cached_function(model, key, lambda: DividedTrainFunction(model, count, shares, plan.loop))
        test = cached_function(model, ("test", *key), lambda: DividedTestFunction(model, count, shares))
        train.reader = DividedReader(feed.batch_size if feed is not None else 0, data)
        test.reader = DividedReader(0, validation)
        layers = looping_layers(model, time_steps_of(feed.example)) if feed is not None else []
        if shares.rank:
            given["verbose"] = 0
        with in_place_of_steps(model, train, test, plan, layers), with_callbacks(model, callbacks, []) as callbacks:
            return model.fit(x=data, validation_data=validation, callbacks=callbacks, shuffle=False, **given)


class _Whole(keras.utils.PyDataset):
    """A kerazoo data set that gives whole batches also in one of several processes."""

    def __init__(self, dataset: ResumableDataset) -> None:
        super().__init__(workers=dataset.workers, max_queue_size=dataset.max_queue_size)
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset.whole(index)

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()


def _adapter(
    name: str, x: Any, y: Any, sample_weight: Any, shares: Shares, *, batch_size: Any, steps: Any, shuffle: Any,
    class_weight: Any = None,
) -> Any:  # fmt: skip
    """The data for `fit`, whose batches can be divided."""
    from kerazoo.training._jax_distribution import DividedAdapter

    if isinstance(x, keras.utils.PyDataset):
        if y is not None or sample_weight is not None:
            raise InvalidArgumentError(
                f"{name} is a {type(x).__name__}, and targets or weights are given beside it; expected them in its "
                "batches."
            )
        draws = bool(shuffle) and not isinstance(x, ResumableDataset)
        rows = x if not isinstance(x, ResumableDataset) else _Whole(x)  # which keeps its own order
        inner = PyDatasetAdapter(rows, class_weight=class_weight, shuffle=draws)
    elif can_convert_arrays((x, y, sample_weight)):
        draws = bool(shuffle)
        inner = ArrayDataAdapter(
            x, y, sample_weight=sample_weight, batch_size=batch_size, steps=steps, shuffle=shuffle,
            class_weight=class_weight,
        )  # fmt: skip
    elif shares.processes > 1:
        raise InvalidArgumentError(
            f"{name} is a {type(x).__name__}, of which {shares.processes} processes cannot take the same batches; "
            "expected arrays, or a data set of kerazoo.batching or another keras.utils.PyDataset, which every process "
            "makes from the same data. (keras.Model.fit divides a tf.data.Dataset of full batches itself.)"
        )
    else:
        draws = False
        inner = get_data_adapter(
            x, y, sample_weight=sample_weight, batch_size=batch_size, steps_per_epoch=steps, shuffle=shuffle,
            class_weight=class_weight,
        )  # fmt: skip
    _check_batches(name, x, inner, shares)
    return DividedAdapter(inner, shares, draws)


def _check_batches(name: str, x: Any, inner: Any, shares: Shares) -> None:
    """Check that all batches but the last have equally many rows for every device."""
    if inner.num_batches is None or inner.num_batches < 2:
        return
    if isinstance(x, ResumableDataset):
        shares.check([_rows(x)], f"These are the batches of {name}: give them another batch_size.")
        return
    rows = inner.batch_size
    if rows and not shares.divides(rows):
        size = "batch_size" if name == "x" else "validation_batch_size"
        raise InvalidArgumentError(
            f"{size}={rows}, the rows of a batch of all devices, and there are {shares.devices}; expected a "
            f"multiple of {shares.devices}, such as {multiples_near(rows, shares.devices)}."
        )


def _rows(dataset: ResumableDataset) -> int:
    from kerazoo.batching.shares import rows_in

    return rows_in(dataset.at(0, 0))
