"""Records which batches `fit` trains on, per epoch; run by test_fit.py, once per backend.

Prints {scenario: [[epoch, batch], ...]} as JSON. A metric returns a checksum of each consumed batch from the compiled
step, and a table made with a second dataset maps it to the epoch and the batch.
"""

import json
import sys
import warnings

import keras
import numpy as np

from kerazoo.batching import SequenceWindows

warnings.filterwarnings("ignore", message=".*ran out of data.*")
BATCH = 8
WEIGHTS = np.array([1, 2, 3, 5, 7, 11, 13, 17], "float32")  # times 30,000: exact in float32


class Checksum(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="checksum")
        self.last = self.add_variable((), "zeros", name="last")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.last.assign(keras.ops.sum(keras.ops.reshape(y_true, (-1,)) * WEIGHTS))

    def result(self):
        return self.last + 0


class Recorder(keras.callbacks.Callback):
    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after
        self.seen, self.validated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(logs["checksum"]))
        if self.stop_after == len(self.seen):
            self.model.stop_training = True

    def on_test_batch_end(self, batch, logs=None):
        self.validated.append(float(logs["checksum"]))


def dataset(n, **arguments):
    """`n` batches of BATCH windows; each epoch groups them differently."""
    return SequenceWindows(
        np.random.default_rng(5).integers(0, 30_000, (n * BATCH + 1, 1)).astype("float32"),
        lookback=1,
        batch_size=BATCH,
        shuffle=True,
        seed=11,
        **arguments,
    )


def model(built=False):
    made = keras.Sequential([*([keras.Input((1, 1))] if built else []), keras.layers.Dense(1)])
    made.compile("sgd", loss=lambda y, p: keras.ops.sum(p) * 0, metrics=[Checksum()])
    return made


def lookup(n, checksums, epochs=12):
    table = {}
    other = dataset(n)
    for epoch in range(epochs):
        other.epoch = epoch
        for index in range(n):
            key = float((other[index][1].reshape(-1) * WEIGHTS).sum())
            assert key not in table, "two batches have the same checksum"
            table[key] = [epoch, index]
    return [table[checksum] for checksum in checksums]


def run(n, *fits, built=False, stop_after=None, **arguments):
    """Consumed batches of several calls of `fit` on one dataset."""
    data, recorder, network = dataset(n, **arguments), Recorder(stop_after), model(built)
    for fit in fits:
        network.fit(data, verbose=0, callbacks=[recorder], **{"shuffle": False, **fit})
    return lookup(n, recorder.seen)


def resumed(n, position):
    first = dataset(n)
    recorder = Recorder(stop_after=n + position)
    model().fit(first, epochs=5, shuffle=False, verbose=0, callbacks=[recorder])
    state = json.loads(json.dumps(first.state_dict(position=position)))
    second = dataset(n)
    second.load_state_dict(state)
    network = model()
    fits = ({"steps_per_epoch": second.remaining, "epochs": 1}, {"epochs": 2})
    for fit in fits:
        network.fit(second, shuffle=False, verbose=0, callbacks=[recorder], **fit)
    return lookup(n, recorder.seen)


def validated(n):
    data, fixed, recorder = dataset(n), dataset(n, advance=False), Recorder()
    model().fit(data, validation_data=fixed, epochs=3, shuffle=False, verbose=0, callbacks=[recorder])
    return lookup(n, recorder.seen) + lookup(n, recorder.validated)


json.dump(
    {
        "plain": run(5, {"epochs": 3}),
        "one batch": run(1, {"epochs": 4}),
        "two batches": run(2, {"epochs": 4}),
        "many batches": run(40, {"epochs": 2}),
        "shuffled by Keras": run(6, {"epochs": 3, "shuffle": True}),
        "steps that divide": run(4, {"epochs": 4, "steps_per_epoch": 2}),
        "steps that do not divide": run(5, {"epochs": 4, "steps_per_epoch": 2}),
        "two fits": run(3, {"epochs": 2}, {"epochs": 2}),
        "two workers": run(5, {"epochs": 3}, built=True, workers=2),
        "two workers, two batches": run(2, {"epochs": 3}, built=True, workers=2),
        "resumed": resumed(6, 2),
        "resumed at a start": resumed(6, 0),
        "validation": validated(3),
        "stays": run(3, {"epochs": 3}, advance=False),
    },
    sys.stdout,
)
