"""Files of models and of checkpoints of word vectors, and of Keras's models that `zoo.load` reads."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from kerazoo.errors import KerazooError
from tests.fuzz.mutation import BYTES, changed, flip_bits, mutated_value
from tests.fuzz.target import Target
from tests.fuzz.targets.saved import DOCUMENTS, fasttext, folder_of, saved, word2vec, written
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]


def read_word2vec(data: bytes, folder: Path) -> object:
    """A `Word2Vec`, then what its files are for: vectors, documents, training, saving."""
    from kerazoo import Word2Vec

    path = folder / "model.kerazoo"
    path.write_bytes(data)
    model = Word2Vec.load(path, mmap=bool(len(data) % 2))
    with np.errstate(all="ignore"):
        model.transform(["the cat", ""])
        _query(model.wv)
        if len(data) % 2:
            model.predict_output_word(["the", "cat"], 2)
    repr(model), model.get_params()
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
        model.get_vector("wörter", norm=True)
    model.save(folder / "again.kerazoo")
    if len(data) % 3 == 0:
        model.save_facebook_model(folder / "again.bin")
    if len(data) % 3 == 1 and model.workers in (None, 1):
        model.set_params(epochs=1, verbose=0, workers=1)
        model.partial_fit(DOCUMENTS[:2])
    return "read"


def _query(vectors: Any) -> None:
    """What vectors are for, with the words of a file."""
    words = list(vectors.index_to_key)
    if words:
        vectors.most_similar(words[-1], topn=2)
        vectors.similarity(words[0], words[-1])
        vectors.doesnt_match(words[:3])


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
        if len(data) % 4 == 0 and model.workers == 1 and not model._not_native():
            with contextlib.suppress(RuntimeError, ValueError):  # gensim's own, of what settings forbid together
                model.train(DOCUMENTS[:2], total_examples=2, epochs=1)
        if len(data) % 4 == 1 and model.hs:
            model.score(DOCUMENTS[:1])
    model.save(str(folder / "again.kz"))
    return "read"


def drop_in_seeds() -> list[bytes]:
    from kerazoo.gensim import Word2Vec

    options: tuple[dict[str, Any], ...] = ({}, {"hs": 1, "negative": 0}, {"sg": 1})
    models = [Word2Vec(DOCUMENTS, vector_size=3, min_count=1, epochs=1, workers=1, seed=1, **each) for each in options]
    return [written(lambda path, each=each: each.save(str(path))) for each in models]


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
    Target(
        "keras",
        read_keras,
        keras_seeds,
        (_zipped, _zipped, _zipped, *BYTES),
        batch=500,
        least=2000,
        allowed=(KerazooError, TypeError, ValueError),
        imports=("keras",),
    ),
)
