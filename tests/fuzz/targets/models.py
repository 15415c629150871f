"""Files of models and of checkpoints of the estimators, and of Keras's models that `zoo.load` reads."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from kerazoo._runtime.files import DAMAGE
from kerazoo.errors import KerazooError
from tests.fuzz.mutation import BYTES, changed, flip_bits, mutated_value
from tests.fuzz.target import Target
from tests.fuzz.targets.saved import DOCUMENTS, fasttext, folder_of, saved, word2vec, written
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]

Y = np.sin(np.arange(48) / 3) + np.arange(48) / 10 + 5


def read_word2vec(data: bytes, folder: Path) -> object:
    """A `Word2Vec`, then what its files are for: vectors, documents, training, saving."""
    from kerazoo import Word2Vec

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    model = Word2Vec.load(path, mmap=bool(len(data) % 2))
    with np.errstate(all="ignore"):
        model.transform(["the cat", ""])
    model.save(folder / "again.kerazoo")
    if len(data) % 3 == 0 and model.workers in (None, 1):
        model.set_params(epochs=1, verbose=0, workers=1, engine="native", engine_options=None, callbacks=None)
        model.partial_fit(DOCUMENTS[:2])
    return "read"


def read_fasttext(data: bytes, folder: Path) -> object:
    """A `FastText`, then vectors of unknown words, which index its rows of n-grams."""
    from kerazoo import FastText

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    model = FastText.load(path, mmap=bool(len(data) % 2))
    with np.errstate(all="ignore"):
        model.transform(["the unknown wörd", ""])
    model.save(folder / "again.kerazoo")
    return "read"


def word2vec_seeds() -> list[bytes]:
    from kerazoo.text import Phrases

    phrases = Phrases(DOCUMENTS, min_count=1, threshold=0.1).freeze()
    models = [word2vec(), word2vec(hs=1, negative=0), word2vec(loss="nce", sg=0), word2vec(pooling="sif")]
    models.append(word2vec(vector_size=2).set_params(phrases=phrases))
    return [saved(each) for each in models]


def fasttext_seeds() -> list[bytes]:
    return [saved(fasttext()), saved(fasttext(sg=0, min_n=2, max_n=3)), saved(fasttext(min_n=0, max_n=0))]


CHECKPOINTED: dict[str, Any] = {
    "vector_size": 2,
    "epochs": 2,
    "min_count": 1,
    "sample": 0,
    "seed": 1,
    "verbose": 0,
    "workers": 1,
    "checkpoint_minutes": 0,
}


def resume_word2vec(data: bytes, folder: Path) -> object:
    """A checkpoint that a fit continues from."""
    from kerazoo import Word2Vec

    (folder / "fit-0.kerazoo").write_bytes(data)
    Word2Vec(**CHECKPOINTED, checkpoint_dir=folder).fit(DOCUMENTS)
    return "continued"


def checkpoint_seeds() -> list[bytes]:
    from kerazoo import Word2Vec

    complete = folder_of(lambda folder: Word2Vec(**CHECKPOINTED, checkpoint_dir=folder).fit(DOCUMENTS))["fit-0.kerazoo"]
    return [complete, _unfinished(complete)]


def _unfinished(complete: bytes) -> bytes:
    """The checkpoint as it was before the last epoch."""
    from tests.fuzz.tensor_files import parsed, rebuilt

    found = parsed(complete)
    assert found is not None
    header, tensors = found
    notes = json.loads(header["__metadata__"]["kerazoo"])
    notes["checkpoint"]["complete"] = False
    notes["history"] = {name: values[:1] for name, values in notes["history"].items()}
    header["__metadata__"]["kerazoo"] = json.dumps(notes)
    return rebuilt(header, tensors)


def read_drop_in(data: bytes, folder: Path) -> object:
    """A file of the drop-in for gensim's class; a file of another kind goes to gensim, whose pickles are its own."""
    from kerazoo.gensim import Word2Vec, storage

    path = folder / "model.kz"
    path.write_bytes(data)
    model = storage.read(Word2Vec, path, "r" if len(data) % 2 else None)
    if not model.wv.index_to_key:
        return "no words"
    with np.errstate(all="ignore"):
        model.wv.most_similar(model.wv.index_to_key[-1], topn=2)
    return "read"


def drop_in_seeds() -> list[bytes]:
    from kerazoo.gensim import Word2Vec

    options: tuple[dict[str, Any], ...] = ({}, {"hs": 1, "negative": 0}, {"sg": 1})
    models = [Word2Vec(DOCUMENTS, vector_size=3, min_count=1, epochs=1, workers=1, seed=1, **each) for each in options]
    return [written(lambda path, each=each: each.save(str(path))) for each in models]


# ---- forecasters ----


def read_forecaster(data: bytes, folder: Path) -> object:
    """A `Forecaster`, then its forecast with intervals, and its file."""
    from kerazoo import Forecaster

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    forecaster = Forecaster.load(path, mmap=bool(len(data) % 2))
    forecaster.save(folder / "again.kerazoo")
    return "read"


def use_forecaster(data: bytes, folder: Path) -> object:
    """A `Forecaster` whose file is consistent but was made by a stranger, then its forecasts.

    What such a file says can make no sense; then any error may end the forecast, but not the process.
    """
    from kerazoo import Forecaster

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    forecaster = Forecaster.load(path)
    with np.errstate(all="ignore"):
        return type(forecaster.predict()).__name__


@functools.cache
def _frames() -> tuple[Any, Any, Any]:
    import pandas as pd

    months = pd.date_range("2020-01-31", periods=48, freq="ME", name="month")
    one = pd.Series(Y, months, name="y")
    several = pd.DataFrame({"a": Y, "b": Y[::-1] + 1, "c": Y**2}, months)
    long = several.reset_index().melt("month", var_name="unique_id", value_name="y").rename(columns={"month": "ds"})
    return one, several, long


def forecaster_seeds() -> list[bytes]:
    import pandas as pd

    from kerazoo import Forecaster

    one, several, long = _frames()
    holidays = pd.DataFrame({"sale": (np.arange(48) % 7 == 0).astype(float)}, one.index)
    settings: dict[str, Any] = {"horizon": 3, "epochs": 0, "verbose": 0, "seed": 1}
    made = [
        Forecaster(**settings).fit(Y),
        Forecaster(**settings).fit(one),
        Forecaster(**settings, transforms=["log", "standard"]).fit(one),
        Forecaster(**settings).fit(one, X=holidays),
        Forecaster(**settings).fit(several),
        Forecaster(**settings).fit(long),
        Forecaster(**settings).fit(several, X=holidays),
    ]
    return [saved(each) for each in made]


def read_forecast_checkpoint(data: bytes, folder: Path) -> object:
    """The checkpoint of a training of networks, up to the state that is handed to Keras."""
    from kerazoo._runtime.checkpoints import CheckpointFile
    from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

    (folder / "fit.kerazoo").write_bytes(data)
    file = CheckpointFile(folder, "fit.kerazoo", kind="kerazoo.forecast-training", identity=IDENTITY, minutes=0)
    checkpoint = TrainingCheckpoint(file, file.read(), 1)
    learner = _learner()
    best = _best()
    epoch = checkpoint.resume(learner, best)
    callback = _early_stopping()
    checkpoint.restore_callbacks(learner, [callback])
    assert set(vars(callback)) == set(vars(_early_stopping())), "a file has set attributes of a callback"
    return checkpoint.is_complete, isinstance(epoch, int), checkpoint.history_before() is None


IDENTITY = {"horizon": 3, "data": 7, "backend": "numpy"}


def _best() -> Any:
    from kerazoo.forecast.nets.trainer import BestWeights

    return BestWeights(1.0, 5, 0.0)


def _early_stopping() -> Any:
    import keras

    found = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    found.on_train_begin()
    return found


@functools.cache
def _learner() -> Any:
    """A learner of two small networks."""
    import keras

    from kerazoo.forecast.nets.members import member_nets
    from kerazoo.forecast.nets.trainer import Learner
    from kerazoo.forecast.nets.windows import Windows, windows_of
    from kerazoo.zoo import RNNSpec

    layout = Windows(length=6, ahead=3, last_only=False)
    nets = member_nets(RNNSpec.from_name("gru_1x2_h3_dropout10"), [1, 2], layout.length)
    windows = windows_of(layout, [([Y - 8], [np.zeros((49, 0))], [40])] * 2)
    learner = Learner(nets, windows, "mse")
    learner.compile(keras.optimizers.Adam(0.01, clipvalue=1.0))
    learner.optimizer.build(learner.trainable_variables)
    return learner


def forecast_checkpoint_seeds() -> list[bytes]:
    from kerazoo._runtime.checkpoints import CheckpointFile
    from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

    learner, best = _learner(), _best()
    best.weights = learner.nets.values_of(range(2))
    stopping = _early_stopping()
    stopping.best_weights = learner.get_weights()

    def write(complete: bool) -> bytes:
        def into(folder: Path) -> None:
            file = CheckpointFile(folder, "fit.kerazoo", kind="kerazoo.forecast-training", identity=IDENTITY, minutes=0)
            checkpoint = TrainingCheckpoint(file, None, 1)
            history = {"loss": [1.0, 0.5], "val_loss": [1.0, float("nan")]}
            checkpoint.write(learner, best, 2, history, complete, [stopping])

        return folder_of(into)["fit.kerazoo"]

    return [write(False), write(True)]


# ---- models of Keras ----


def read_keras(data: bytes, folder: Path) -> object:
    """A `.keras` file."""
    from kerazoo import zoo

    path = folder / "model.keras"
    path.write_bytes(data)
    model = zoo.load(path)
    return type(model).__name__


def keras_seeds() -> list[bytes]:
    from kerazoo import zoo

    names = ("gru_1x2", "mingru_1x2_residual")
    return [written(zoo.build(name, seed=1).save, "model.keras") for name in names]


def _zipped(rng: Random, data: bytes) -> bytes:
    """A change of the files in a zip file: configuration, names, sizes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return flip_bits(rng, data)
    kind = rng.random()
    name = rng.choice(("config.json", "metadata.json"))
    if kind < 0.6 and name in parts:
        try:
            parts[name] = json.dumps(mutated_value(rng, json.loads(parts[name]))).encode()
        except (ValueError, RecursionError):
            parts[name] = b"{}"
    elif kind < 0.7:
        parts[rng.choice(("../../x", "/tmp/kerazoo-fuzz-x", "assets/../../x", "config.json/", "x" * 300))] = b"x"
    elif kind < 0.75:
        parts[rng.choice(sorted(parts))] = b"\0" * (1 << rng.choice((10, 20, 24, 26)))
    elif kind < 0.85:
        del parts[rng.choice(sorted(parts))]
    else:
        chosen = rng.choice(sorted(parts))
        parts[chosen] = changed(rng, parts[chosen], BYTES, 2)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


TARGETS = (
    Target("word2vec", read_word2vec, word2vec_seeds, TENSORS),
    Target("fasttext", read_fasttext, fasttext_seeds, TENSORS),
    Target("word2vec_checkpoint", resume_word2vec, checkpoint_seeds, TENSORS, batch=1000),
    Target("gensim_drop_in", read_drop_in, drop_in_seeds, TENSORS),
    Target("forecaster", read_forecaster, forecaster_seeds, TENSORS),
    Target(
        "forecaster_use",
        use_forecaster,
        forecaster_seeds,
        TENSORS,
        batch=1000,
        least=10_000,
    ),
    Target("forecaster_checkpoint", read_forecast_checkpoint, forecast_checkpoint_seeds, TENSORS, batch=1000),
    Target(
        "keras",
        read_keras,
        keras_seeds,
        (_zipped, _zipped, _zipped, *BYTES),
        batch=500,
        least=2000,
        allowed=(KerazooError, TypeError, ValueError),
    ),
)
