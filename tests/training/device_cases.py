"""Trainings that `test_distribution.py` runs in processes of its own: `python -m tests.training.device_cases`.

Arguments: a folder for the results, the number of processes, the number of this one, and the port of process 0. A group
of one process trains the same on one device and on two.
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
SERIES = np.sin(np.arange(24.0)).astype("float32")[:, None]
X = np.random.default_rng(5).normal(size=(11, STEPS, 1)).astype("float32")
Y = X.cumsum(1)
HEARTBEAT = 10  # seconds


def network(name="lstm_1x5"):
    model = zoo.build(name, seed=1)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def windows(rows=18, **options):
    """Batches of 4, 4, 4, 4 and 2 windows."""
    arguments = {"seed": 3, "shuffle": True, "batch_size": BATCH, **options}
    return SequenceWindows(SERIES[: rows + STEPS], STEPS, target="sequence", **arguments)


def result(history, model):
    return {"history": history.history, "weights": [each.tolist() for each in model.get_weights()]}


def looped():
    """Uneven last batches, of training and of validation."""
    model = network()
    plan = Plan(loop=True, steps_per_execution=3)
    return result(fit(model, windows(), epochs=3, validation_data=(X, Y), plan=plan, verbose=0), model)


def arrays():
    """An order that is drawn by Keras from NumPy's generator, weights and dropout."""
    np.random.seed(7 + RANK)  # noqa: NPY002  what Keras draws from
    model = network("lstm_1x5_dropout20")
    weights = np.linspace(0.5, 2, len(X)).astype("float32")
    return result(fit(model, X, Y, sample_weight=weights, batch_size=BATCH, epochs=2, verbose=0), model)


def keras_fit():
    """Keras's own loop."""
    model = network()
    return result(model.fit(windows(rows=16), epochs=2, shuffle=False, verbose=0), model)


def resumed():
    """Two epochs, then two more of the model that was saved after them; and what was written."""
    folder = FOLDER / f"files{RANK}of{PROCESSES}"
    writers = [
        keras.callbacks.ModelCheckpoint(FOLDER / f"saved{PROCESSES}.keras"),
        keras.callbacks.ModelCheckpoint(folder / "own.keras"),
        keras.callbacks.CSVLogger(FOLDER / f"log{RANK}of{PROCESSES}.csv"),
    ]
    model = network()
    first = fit(model, windows(), epochs=2, callbacks=writers, verbose=0).history["loss"]
    if PROCESSES > 1:
        jax.experimental.multihost_utils.sync_global_devices("saved")
    model = keras.models.load_model(FOLDER / f"saved{PROCESSES}.keras")
    batches = windows()
    batches.epoch = 2
    rest = fit(model, batches, epochs=4, initial_epoch=2, verbose=0).history["loss"]
    return {"loss": first + rest, "own": folder.exists(), "log": (FOLDER / f"log{RANK}of{PROCESSES}.csv").exists()}


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
        found["rows"] = message(lambda: fit(model, windows(rows=18 - 4 * RANK), verbose=0))
        found["seed"] = message(lambda: fit(model, windows(seed=RANK), verbose=0))
        found["none"] = message(lambda: fit(model, windows(seed=None), verbose=0))
    return found


def stopped():
    """Only one process wants to stop, in its first epoch."""

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self._model.stop_training = self._model.stop_training or RANK == PROCESSES - 1

    return len(fit(network(), windows(), epochs=9, callbacks=[Stop()], verbose=0).history["loss"])


def killed():
    """Process 1 ends without a word."""

    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if RANK == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    return message(lambda: fit(network(), windows(), epochs=1000, callbacks=[Kill()], verbose=0))


def write(name, values):
    (FOLDER / f"{name}.json").write_text(json.dumps(values))


TRAININGS = (looped, arrays, keras_fit, resumed)

if __name__ == "__main__":
    if PROCESSES == 1:
        on_one = {each.__name__: each() for each in (looped, arrays, keras_fit)}
        write("one", on_one | {"loss": fit(network(), windows(), epochs=4, verbose=0).history["loss"]})
        built_before = network()
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        found = {each.__name__: each() for each in (looped, arrays, keras_fit, errors)}
        found["built before"] = message(lambda: fit(built_before, windows(), verbose=0))
        write("devices", found)
    else:
        jax.distributed.initialize = functools.partial(
            jax.distributed.initialize, heartbeat_timeout_seconds=HEARTBEAT, initialization_timeout=60
        )
        keras.distribution.initialize(f"127.0.0.1:{PORT}", PROCESSES, RANK)
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        write(f"process{RANK}", {each.__name__: each() for each in (*TRAININGS, errors, stopped)})
        write(f"killed{RANK}", killed())
