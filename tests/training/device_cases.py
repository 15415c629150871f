"""Trainings that `test_distribution.py` runs in processes of its own: `python -m tests.training.device_cases`.

Arguments: a folder for the results, the number of processes, the number of this one, and the port of process 0. One
process alone trains on one device and on two.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from pathlib import Path

FOLDER, PROCESSES, RANK, PORT = Path(sys.argv[1]), *(int(each) for each in sys.argv[2:5])
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # the steps are few: compilation takes most of the time
if PROCESSES == 1:
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

from kerazoo import zoo  # noqa: E402
from kerazoo.batching import SequenceWindows  # noqa: E402
from kerazoo.errors import KerazooError  # noqa: E402
from kerazoo.training import Plan, fit  # noqa: E402

STEPS, BATCH = 6, 4
SERIES = np.sin(np.arange(25.0)).astype("float32")[:, None]
X = np.random.default_rng(5).normal(size=(11, STEPS, 1)).astype("float32")
Y = X.cumsum(1)
HEARTBEAT = 10  # seconds without a sign of life


def network(name="lstm_1x5"):
    model = zoo.build(name, seed=1)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def windows(rows=19, **options):
    """Batches of 4, 4, 4, 4 and 3 windows."""
    arguments = {"seed": 3, "shuffle": True, "batch_size": BATCH, **options}
    return SequenceWindows(SERIES[: rows + STEPS], STEPS, target="sequence", **arguments)


def result(history, model):
    return {"history": history.history, "weights": [each.tolist() for each in model.get_weights()]}


LOOP = Plan(loop=True, steps_per_execution=3)


def uneven():
    """Last batches, of training and of validation, that two devices cannot share."""
    model = network()
    return result(fit(model, windows(), epochs=4, validation_data=(X, Y), plan=LOOP, verbose=0), model)


def resumed():
    """The same in two runs: the second has the model that the first saved. And who has written files."""
    saved, own, log = FOLDER / "saved.keras", FOLDER / f"of{RANK}", FOLDER / f"log{RANK}.csv"
    writers = [
        keras.callbacks.ModelCheckpoint(saved),
        [keras.callbacks.ModelCheckpoint(own / "{epoch}.keras")],
        keras.callbacks.CSVLogger(log),
    ]
    history = fit(network(), windows(), epochs=2, validation_data=(X, Y), plan=LOOP, callbacks=writers, verbose=0)
    jax.experimental.multihost_utils.sync_global_devices("saved")
    model, batches = keras.models.load_model(saved), windows()
    batches.epoch = 2
    rest = fit(model, batches, epochs=4, initial_epoch=2, validation_data=(X, Y), plan=LOOP, verbose=1)
    for name, values in rest.history.items():
        history.history[name] += values
    return {**result(history, model), "written": own.exists() or log.exists()}


def arrays():
    """Weights, dropout, and an order that Keras draws from NumPy's generator, which differs between the processes."""
    np.random.seed(7 + RANK)  # noqa: NPY002
    model = network("lstm_1x5_dropout20")
    weights = np.linspace(0.5, 2, len(X)).astype("float32")
    return result(fit(model, X, Y, sample_weight=weights, batch_size=BATCH, epochs=2, verbose=0), model)


def keras_fit():
    """Keras's own loop, with threads that make batches."""
    model = network()
    return result(model.fit(windows(rows=16, workers=2), epochs=2, shuffle=False, verbose=0), model)


def message(train):
    try:
        train()
    except KerazooError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def errors():
    model = network()
    found = {
        "batch_size": message(lambda: fit(model, X, Y, batch_size=5, verbose=0)),
        "validation": message(
            lambda: fit(model, X, Y, batch_size=4, validation_data=(X, Y), validation_batch_size=3, verbose=0)
        ),
        "dataset": message(lambda: fit(model, windows(batch_size=5), verbose=0)),
        "keras": message(lambda: model.fit(windows(), verbose=0)),
    }
    if PROCESSES > 1:
        found["generator"] = message(lambda: fit(model, iter([(X, Y)]), steps_per_epoch=1, verbose=0))
        found["epochs"] = message(lambda: fit(model, windows(), epochs=2 + RANK, verbose=0))
        found["rows"] = message(lambda: fit(model, windows(rows=19 - 4 * RANK), verbose=0))
        found["seed"] = message(lambda: fit(model, windows(seed=RANK), verbose=0))
    return found


class Callback(keras.callbacks.Callback):
    """Stops in the first step in the last process; or kills that after an epoch."""

    def __init__(self, kill):
        super().__init__()
        self.kill = kill

    def on_train_batch_end(self, batch, logs=None):
        if RANK == PROCESSES - 1 and not self.kill:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if RANK == PROCESSES - 1 and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)


def stopped_and_killed():
    """One process wants to stop; later, it ends without a word. The seed is that of process 0."""
    model, batches = network(), windows(seed=None)
    epochs = len(fit(model, batches, epochs=9, callbacks=[Callback(kill=False)], verbose=0).history["loss"])
    write(f"stopped{RANK}", {"epochs": epochs, "seed": batches.seed})
    write(f"killed{RANK}", message(lambda: fit(model, batches, epochs=99, callbacks=[Callback(kill=True)], verbose=0)))


def write(name, values):
    (FOLDER / f"{name}.json").write_text(json.dumps(values))


def results_of(*cases):
    return {case.__name__: case() for case in cases}


if __name__ == "__main__":
    if PROCESSES == 1:
        write("one", results_of(uneven, arrays, keras_fit))
        built_before = network()
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        found = results_of(uneven, keras_fit, errors)
        found["errors"]["model"] = message(lambda: fit(built_before, windows(), verbose=0))
        write("devices", found)
    else:
        jax.distributed.initialize = functools.partial(
            jax.distributed.initialize, heartbeat_timeout_seconds=HEARTBEAT, initialization_timeout=60
        )
        keras.distribution.initialize(f"127.0.0.1:{PORT}", PROCESSES, RANK)
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        write(f"process{RANK}", results_of(resumed, arrays, keras_fit, errors))
        stopped_and_killed()
