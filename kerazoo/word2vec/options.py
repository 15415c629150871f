"""The settings of `Word2Vec`: the names that they may have, their checks, and which engine they need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from kerazoo._runtime import devices
from kerazoo._runtime.callbacks import flatten_callbacks
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._validation import check_choice, check_flag, check_int, check_real, check_seed, check_workers
from kerazoo.batching.sampling import NOISE_KINDS
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.pooling import POOLINGS
from kerazoo.word2vec.results import Tables

__all__ = [
    "BIASED_LOSSES",
    "ENGINES",
    "ENGINE_OPTIONS",
    "LOSS_NAMES",
    "TrainingSettings",
    "check_same_model",
    "checked_settings",
    "choose_engine",
]

# The module kerazoo.word2vec.engines.<name> has `train(corpus, settings, start, checkpoint) -> TrainingResult`.
ENGINES = ("keras", "native")
# The keys of `engine_options` that each engine knows.
ENGINE_OPTIONS: dict[str, tuple[str, ...]] = {"keras": ("block_size", "batch_size", "on_device"), "native": ()}
# The keys of kerazoo.word2vec.keras.losses.LOSSES, here without importing Keras. A test compares the two.
LOSS_NAMES = ("nce", "negative_sampling", "sampled_softmax")
BIASED_LOSSES = ("nce", "sampled_softmax")
LARGEST_NEGATIVE = 64  # noise words per pair, in the native engine
LARGEST_EPOCHS = 10**9  # words of all epochs are counted with 64 bits
LARGEST_VECTOR_SIZE = 2**30  # the kernels compute with 32 bits
LARGEST_WINDOW = 1_000_000  # as in kerazoo.batching; the kernels compute with 32 bits
USUAL_ALPHA = {0: 0.05, 1: 0.025}  # by `sg`, as in word2vec.c


@dataclass(frozen=True)
class TrainingSettings:
    """The checked settings of one call of `fit` or `partial_fit`; see :class:`kerazoo.Word2Vec` for their meaning.

    Attributes:
        number: calls of `fit` and `partial_fit` before this one.
    """

    vector_size: int
    window: int
    sample: float
    negative: int
    ns_exponent: float
    alpha: float
    min_alpha: float
    epochs: int
    shrink_windows: bool
    loss: str
    learn_biases: bool
    noise: str
    sg: int
    hs: int
    cbow_mean: int
    workers: int
    batch_size: int | None
    block_size: int | None
    seed: int
    number: int
    verbose: int
    callbacks: tuple[Any, ...] = ()
    on_device: bool | None = None

    @property
    def has_biases(self) -> bool:
        """Whether the output vectors have biases."""
        return self.negative > 0 and self.loss in BIASED_LOSSES and (self.learn_biases or self.loss != "nce")

    @property
    def logit_offset(self) -> float:
        """What is added to every logit of a loss without learned biases: log(1 / K) / 2 for ``nce``, else 0."""
        return -0.5 * math.log(self.negative) if self.loss == "nce" and self.negative and not self.has_biases else 0.0

    @property
    def seeds(self) -> tuple[int, int]:
        """Two independent seeds, of the tables and of the batches; they differ from call to call."""
        key = (self.number,) if self.number else ()
        tables, batches = np.random.SeedSequence(self.seed, spawn_key=key).generate_state(2, np.uint32)
        return int(tables), int(batches)


def checked_settings(
    parameters: Mapping[str, Any], number: int = 0, earlier_seed: int | None = None
) -> TrainingSettings:
    """Check the arguments of the constructor.

    Args:
        parameters: constructor argument -> value, all of them, as `get_params` returns them.
        number: calls of `fit` and `partial_fit` before this one.
        earlier_seed: the seed of these calls, which is used again if `parameters` has none. If both are None, a seed is
            drawn.

    Raises:
        InvalidArgumentError: a value is not allowed.
    """
    get = parameters.__getitem__
    check_choice("engine", get("engine"), ("auto", *ENGINES))
    sg, hs = check_int("sg", get("sg"), 0, 1), check_int("hs", get("hs"), 0, 1)
    usual = USUAL_ALPHA[sg]
    alpha = usual if get("alpha") is None else get("alpha")
    alpha = check_real("alpha", alpha, 0, exclusive=True, hint=f"The usual value is {usual:g}.")
    check_real("checkpoint_minutes", get("checkpoint_minutes"), 0, hint=f"The default is {DEFAULT_MINUTES:g}.")
    check_int("min_count", get("min_count"), 1, hint="The usual value is 5.")
    check_choice("pooling", get("pooling"), POOLINGS)
    if get("max_final_vocab") is not None:
        check_int("max_final_vocab", get("max_final_vocab"), hint="None keeps every word of min_count.")
    return TrainingSettings(
        vector_size=_vector_size(get("vector_size")),
        window=_window(get("window")),
        sample=check_real("sample", get("sample"), 0, 1, hint="The usual value is 1e-3; 0 keeps all words."),
        negative=check_int("negative", get("negative"), 0 if hs else 1, hint="The usual value is 5."),
        ns_exponent=check_real("ns_exponent", get("ns_exponent"), hint="The usual value is 0.75."),
        alpha=alpha,
        min_alpha=check_real("min_alpha", get("min_alpha"), 0, alpha, hint="It is the final value of alpha."),
        epochs=check_int("epochs", get("epochs"), 1, LARGEST_EPOCHS, hint="The usual value is 5."),
        shrink_windows=check_flag("shrink_windows", get("shrink_windows")),
        loss=check_choice("loss", get("loss"), LOSS_NAMES),
        learn_biases=_learn_biases(get("learn_biases"), get("loss")),
        noise=check_choice("noise", get("noise"), NOISE_KINDS),
        sg=sg,
        hs=hs,
        cbow_mean=check_int("cbow_mean", get("cbow_mean"), 0, 1),
        workers=devices.usable_cores() if get("workers") is None else check_workers("workers", get("workers")),
        seed=_seed(get("seed"), earlier_seed if number else None),
        number=number,
        verbose=check_int("verbose", get("verbose"), 0, 2),
        callbacks=tuple(flatten_callbacks(get("callbacks"))),
        **_checked_engine_options(get("engine_options")),
    )


def _window(given: Any) -> int:
    if not isinstance(given, Integral) or given < 1:  # the usual mistakes: no need to speak of the largest value
        return check_int("window", given, hint="The usual value is 5.")
    return check_int("window", given, maximum=LARGEST_WINDOW, hint="The usual value is 5.")


def _vector_size(given: Any) -> int:
    if isinstance(given, Iterable):  # as in gensim, whose first argument is the corpus
        raise InvalidArgumentError(
            f"vector_size is of type {type(given).__name__}; expected an integer >= 1. The constructor takes no "
            "corpus: Word2Vec(...).fit(corpus)."
        )
    return check_int("vector_size", given, 1, LARGEST_VECTOR_SIZE, hint="The usual value is 100.")


def _learn_biases(given: Any, loss: str) -> bool:
    if check_flag("learn_biases", given) and loss not in BIASED_LOSSES:
        raise InvalidArgumentError(
            f"learn_biases=True with loss={loss!r}, which has no biases; expected False, or a loss of {BIASED_LOSSES}."
        )
    return bool(given)


def _seed(given: Any, earlier: int | None) -> int:
    if given is not None:
        return check_seed("seed", given)
    return int(np.random.SeedSequence().generate_state(1, np.uint32)[0]) if earlier is None else earlier


def _checked_engine_options(given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidArgumentError(
            f"engine_options={given!r}; expected a dict, such as {{'block_size': 1024}}, or None."
        )
    known = [name for names in ENGINE_OPTIONS.values() for name in names]
    options: dict[str, Any] = dict.fromkeys(known)
    for name, value in (given or {}).items():
        options[check_choice("a key of engine_options", name, known)] = value
    block_size, batch_size, on_device = (options[name] for name in ("block_size", "batch_size", "on_device"))
    if block_size is not None:
        block_size = options["block_size"] = check_int("block_size", block_size, 16)
        if block_size % 16:
            raise InvalidArgumentError(f"block_size={block_size}; expected a multiple of 16.")
    if block_size is not None and batch_size is not None:
        raise InvalidArgumentError(
            f"block_size={block_size} and batch_size={batch_size}; expected one of them: blocks of text, or batches of "
            "pairs."
        )
    if batch_size is not None:
        options["batch_size"] = check_int("batch_size", batch_size)
    if on_device is not None:
        if not isinstance(on_device, bool | np.bool_):
            raise InvalidArgumentError(f"on_device={on_device!r}; expected True, False or None.")
        options["on_device"] = bool(on_device)
    return options


def choose_engine(engine: str, settings: TrainingSettings) -> str:
    """The name of the engine that trains with these settings.

    Args:
        engine: ``"keras"``, ``"native"`` or ``"auto"``: native, unless an accelerator is visible or only Keras has what
            the settings require.
        settings: checked.

    Raises:
        InvalidArgumentError: the settings contain options of the other engine.
    """
    if engine == "auto":
        keras_can = settings.sg and not settings.hs
        only_keras = settings.block_size or settings.batch_size or settings.on_device
        engine = "keras" if keras_can and (only_keras or devices.accelerator_visible()) else "native"
    for other, names in ENGINE_OPTIONS.items():
        for name in names:
            value = getattr(settings, name)
            if name not in ENGINE_OPTIONS[engine] and value is not None and value is not False:
                raise InvalidArgumentError(
                    f"{name}={value} with engine={engine!r}; expected None. engine={other!r} has this option "
                    "(skip-gram without hs)."
                )
    return engine


def check_same_model(settings: TrainingSettings, tables: Tables) -> None:
    """Check that these settings train these tables further.

    Raises:
        InvalidArgumentError: the tables have another size, or others are needed.
    """
    size = tables.input_vectors.shape[1]
    if settings.vector_size != size:
        raise InvalidArgumentError(
            f"vector_size={settings.vector_size}, but the vectors have {size} dimensions. "
            "Set it back, or call fit to train from scratch."
        )
    needed = {
        "hs": (settings.hs == 1, tables.node_vectors is not None, "inner nodes"),
        "negative": (settings.negative > 0, tables.output_vectors is not None, "output vectors"),
    }
    name_of_biases = "learn_biases" if settings.loss == "nce" else "loss"
    needed[name_of_biases] = (settings.has_biases, tables.output_biases is not None, "biases")
    for name, (needs, has, what) in needed.items():
        if needs != has:
            raise InvalidArgumentError(
                f"{name}={getattr(settings, name)!r}, but the vectors were trained {'with' if has else 'without'} "
                f"{what}. Set it back, or call fit to train from scratch."
            )
