"""One call of `train`: the native engine on the arrays of a gensim model, epoch by epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._validation import check_int, check_workers
from kerazoo.batching.sampling import keep_thresholds
from kerazoo.errors import InvalidArgumentError
from kerazoo.gensim.sources import Text
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.engines.divergence import DivergenceGuard
from kerazoo.word2vec.engines.native import NativeTrainer
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.options import TrainingSettings
from kerazoo.word2vec.results import Tables, TrainingState

__all__ = ["CALLBACK_METHODS", "ModelTrainer", "check_callbacks", "settings_of"]

LARGEST_WINDOW = 1_000_000  # as of kerazoo.Word2Vec
CALLBACK_METHODS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")


def check_callbacks(callbacks: Any) -> list[Any]:
    """The callbacks as a list.

    Raises:
        InvalidArgumentError: one lacks a method of gensim's `CallbackAny2Vec`, or is a Keras callback.
    """
    if any(hasattr(callbacks, name) for name in CALLBACK_METHODS):
        callbacks = [callbacks]
    listed = list(callbacks)
    for callback in listed:
        missing = [name for name in CALLBACK_METHODS if not callable(getattr(callback, name, None))]
        if missing or hasattr(callback, "set_model"):
            kind = type(callback).__name__
            reason = f"has no method {missing[0]}" if missing else "is a Keras callback"
            raise InvalidArgumentError(
                f"callbacks contains a {kind}, which {reason}; expected objects of gensim's CallbackAny2Vec. "
                "kerazoo.Word2Vec takes Keras callbacks."
            )
    return listed


def settings_of(model: Any, epochs: int) -> TrainingSettings:
    """The settings of the native engine for this training of a gensim model."""
    seed = model.seed if model.seed is not None else int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    return TrainingSettings(
        vector_size=check_int("vector_size", model.vector_size, hint="It is the dimension of the vectors."),
        # Buffers of the engine are as long as the window.
        window=min(check_int("window", model.window, hint="The usual value is 5."), LARGEST_WINDOW),
        sample=float(model.sample or 0),
        negative=check_int("negative", int(model.negative), 0, hint="It is the number of noise words."),
        ns_exponent=float(model.ns_exponent),
        alpha=float(model.alpha),
        min_alpha=float(model.min_alpha),
        epochs=int(epochs),
        shrink_windows=bool(model.shrink_windows),
        loss="negative_sampling",
        learn_biases=False,
        noise="unigram",
        sg=int(bool(model.sg)),
        hs=int(bool(model.hs)),
        cbow_mean=int(bool(model.cbow_mean)),
        workers=check_workers("workers", model.workers, hint="It is the number of threads."),
        batch_size=None,
        block_size=None,
        seed=seed,
        number=model.train_count,
        verbose=0,
    )


class ModelTrainer(NativeTrainer):
    """The native engine with the arrays of a gensim model: they are copied in, and copied back in place.

    Args:
        model: has a vocabulary and its arrays.
        settings: of :func:`settings_of`.
        text: of the first epoch that has tokens.
    """

    def __init__(self, model: Any, settings: TrainingSettings, text: Text) -> None:
        self._model = model
        self._counts = np.asarray(_of_words(model.wv, "count"), np.int64)
        state = TrainingState(tables_of(model, settings))
        super().__init__(self._corpus(text), settings, state, None)
        if not settings.sg:
            self.group = min(self.group, largest_cbow_group(len(self._counts), settings.vector_size))
        self._use(text)

    def _new_guard(self) -> DivergenceGuard[Any]:
        return _ModelGuard(self.tables, self._untrained_loss())

    def _corpus(self, text: Text) -> Any:
        return SimpleNamespace(
            ids=text.ids,
            offsets=text.offsets,
            vocabulary=SimpleNamespace(counts=self._counts),
            n_raw_words=text.n_raw_words,
        )

    def _use(self, text: Text) -> None:
        """Train on `text` from now on."""
        self.__dict__.pop("expected_words", None)
        self._text = text
        self.tokens = Tokens.of(self._corpus(text))
        self.reach = min(self.settings.window, self.tokens.longest_document(self.settings.window))
        self.slice = self._slice_size()
        self.keep = thresholds_of(self._model)
        self.progress.n_words = max(text.n_raw_words, 1)

    def train_epoch(self, number: int, text: Text, interrupt: DeferredInterrupt) -> float:
        """Train one epoch; returns the sum of the losses of its pairs.

        Raises:
            TrainingError: the training diverges.
            KeyboardInterrupt: at Ctrl-C, after the running slices.
        """
        if text is not self._text:
            self._use(text)
        self.interrupt = interrupt
        self._run_epoch(number, None)
        assert self.epoch is not None
        sums = self.epoch.sums
        return sums.mean * sums.pairs if sums.pairs else 0.0  # small texts have epochs without a pair

    def take(self) -> None:
        """Copy the arrays of the model into the engine, after callbacks may have changed them.

        Raises:
            InvalidArgumentError: the vocabulary has another size.
        """
        if len(self._model.wv) != len(self._counts):
            raise InvalidArgumentError(
                f"the vocabulary has {len(self._model.wv)} words; this training began with {len(self._counts)}. Call "
                "build_vocab between two trainings, not from a callback or another thread."
            )
        self.tables.assign(tables_of(self._model, self.settings))

    def give(self) -> None:
        """Copy the arrays of the engine into those of the model, in place."""
        model, size = self._model, self.settings.vector_size
        pairs = ((self.tables.inputs, model.wv, "vectors"), (self.tables.outputs, model, "syn1neg"))
        for table, owner, name in pairs:
            if table is not None:
                _writable(owner, name)[:] = table[:, :size]
        if self.tables.nodes is not None:
            _writable(model, "syn1")[:-1] = self.tables.nodes[:, :size]
        model.wv.norms = None

    @functools.cached_property
    def expected_words(self) -> float:
        """Mean number of words of an epoch that subsampling keeps."""
        if self.keep is None:
            return len(self._text.ids)
        kept = np.bincount(self._text.ids, minlength=len(self._counts)) @ (self.keep / 2.0**32)
        return float(kept)


def largest_cbow_group(n_words: int, vector_size: int) -> int:
    """Centres that CBOW trains together at most: fewer than usual with few words or short vectors.

    Their vectors grow long, so that a row which gets many updates from one stale value overshoots. Measured with 889
    words and vectors of 16: the neighbours agree with those of a larger model in .176 with groups of 32, in .194 with
    groups of 4 (gensim: .188). With 30,000 words and vectors of 100 groups of 32 do as well as gensim.
    """
    return min(max(4, n_words // 500), max(4, vector_size // 3))


class _ModelGuard(DivergenceGuard[Any]):
    """Keeps no copies: the arrays of the model are those of the last epoch."""

    def keep(self, copy: Callable[[], Any]) -> None:
        """No-op."""


def _writable(owner: Any, name: str) -> NDArray[np.float32]:
    """The array of the model, or a copy that replaces it where it is memory-mapped."""
    array = getattr(owner, name)
    if not array.flags.writeable or array.dtype != np.float32:
        array = np.array(array, np.float32)
        setattr(owner, name, array)
    return array


def tables_of(model: Any, settings: TrainingSettings) -> Tables:
    """The arrays of the model as the engine takes them; not copied.

    Raises:
        InvalidArgumentError: an array has another shape than the vocabulary.
    """
    wv, shape = model.wv, (len(model.wv), settings.vector_size)
    arrays = {"wv.vectors": wv.vectors}
    if settings.negative:
        arrays["syn1neg"] = getattr(model, "syn1neg", None)
    if settings.hs:
        arrays["syn1"] = getattr(model, "syn1", None)
    for name, array in arrays.items():
        if array is None or array.shape != shape:
            raise InvalidArgumentError(
                f"{name} has shape {None if array is None else array.shape}; expected {shape}, one row per word. "
                "Build the vocabulary, with the present values of vector_size, negative and hs."
            )
    nodes = arrays["syn1"][:-1] if settings.hs else None
    tree = tree_of(model) if settings.hs else None
    return Tables(wv.vectors, arrays.get("syn1neg"), None, nodes, tree)


def tree_of(model: Any) -> HuffmanTree:
    """The tree of the model, from its codes and points if it was loaded from gensim's file."""
    from kerazoo.word2vec.io.gensim_models import tree_of_paths

    if model._tree is None or model._tree.n_words != len(model.wv):
        model._tree = tree_of_paths(_of_words(model.wv, "code"), _of_words(model.wv, "point"))
    return model._tree


def _of_words(wv: Any, name: str) -> Any:
    """An attribute that `build_vocab` gives each word, which vectors from elsewhere may lack."""
    if name not in wv.expandos:
        raise InvalidArgumentError(
            f"wv has {', '.join(sorted(wv.expandos)) or 'no attributes'} of its words; expected {name!r}, too. "
            "build_vocab sets it, with the present value of hs."
        )
    return wv.expandos[name]


def thresholds_of(model: Any) -> NDArray[np.uint32] | None:
    """Thresholds of subsampling, those that `prepare_vocab` computed for each word; None keeps all words."""
    if not model.sample:
        return None
    stored = model.wv.expandos.get("sample_int")
    if stored is not None and len(stored) == len(model.wv):
        return np.ascontiguousarray(stored, np.uint32)
    counts = np.asarray(model.wv.expandos["count"], np.int64)
    return keep_thresholds(counts, model.sample)


def locks_vectors(model: Any) -> bool:
    """Whether `vectors_lockf` freezes or slows words."""
    locks: Sequence[float] | None = getattr(model.wv, "vectors_lockf", None)
    return locks is not None and not bool((np.asarray(locks) == 1).all())
