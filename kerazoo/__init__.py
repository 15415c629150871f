"""kerazoo: word vectors and recurrent forecasters on Keras 3, with a core in C.

Public names are loaded on first use: ``import kerazoo`` takes milliseconds and imports no Keras backend, so a program
that only scans a corpus does not load TensorFlow.

>>> import kerazoo
>>> model = kerazoo.Word2Vec(vector_size=50, epochs=20, seed=1)    # nothing imported yet
>>> model.fit(kerazoo.datasets.lee())                              # doctest: +SKIP
>>> model.wv.most_similar("australia")                             # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerazoo import _keras_objects, _renamed
from kerazoo._runtime import optional

if TYPE_CHECKING:
    from kerazoo import (
        batching,
        cells,
        datasets,
        devices,
        distributed,
        errors,
        forecast,
        gensim,
        metrics,
        plots,
        text,
        training,
        word2vec,
        zoo,
    )
    from kerazoo.forecast import Forecaster
    from kerazoo.text import EncodedCorpus, Vocabulary
    from kerazoo.word2vec import FastText, Word2Vec

__all__ = [
    "EncodedCorpus",
    "FastText",
    "Forecaster",
    "Vocabulary",
    "Word2Vec",
    "__version__",
    "batching",
    "cells",
    "datasets",
    "devices",
    "distributed",
    "errors",
    "forecast",
    "gensim",
    "metrics",
    "plots",
    "text",
    "training",
    "word2vec",
    "zoo",
]

_MODULES = frozenset(
    {
        "batching", "cells", "datasets", "devices", "distributed", "errors", "forecast", "gensim", "metrics", "plots",
        "text", "training", "word2vec", "zoo",
    }
)  # fmt: skip
_HOMES = {
    "EncodedCorpus": "kerazoo.text",
    "FastText": "kerazoo.word2vec",
    "Forecaster": "kerazoo.forecast",
    "Vocabulary": "kerazoo.text",
    "Word2Vec": "kerazoo.word2vec",
}


optional.install()
_renamed.install()
_keras_objects.install()


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES or name in _renamed.RENAMED:
        value = importlib.import_module(f"{__name__}.{name}")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name == "__version__":
        from importlib.metadata import version

        value = version("kerazoo")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
