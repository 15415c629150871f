"""The next word of a language model: temperature, top-k, nucleus, banned words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["GREEDY", "Sampling", "next_words", "sampling_of"]


@dataclass(frozen=True)
class Sampling:
    """What is compiled into a loop that draws words. The numbers are inputs of the loop: see `sampling_of`.

    Args:
        drawn: bool, words are drawn; otherwise the most probable one is selected.
        top_k: int >= 1 or None, draw from the k most probable words.
        nucleus: bool, draw from the nucleus.
        banned: bool, there are banned words.
    """

    drawn: bool = False
    top_k: int | None = None
    nucleus: bool = False
    banned: bool = False


#: The most probable word.
GREEDY = Sampling()


def sampling_of(
    words: int, temperature: float | None, top_k: int | None, top_p: float | None, banned: Any
) -> tuple[Sampling, dict[str, NDArray[Any]]]:
    """Check the arguments of `generate`.

    Args:
        words: int, size V of the vocabulary.
        temperature: argument of `generate`, as the next three.
        top_k: see `generate`.
        top_p: see `generate`.
        banned: see `generate`.

    Returns:
        The compiled part, and the inputs of `next_words`: "temperature" (1,) and "top_p" (1,), float32; "bans" (V,)
        float32, which are added to the logits: 0, or -inf for banned words.

    Raises:
        InvalidArgumentError: an argument is out of range, or has no effect.
    """
    if temperature is None:
        temperature = 0.0 if top_k is None and top_p is None else 1.0
    temperature = check_real(
        "temperature", temperature, 0.0, hint="0 selects the most probable word; 1 draws from the model's distribution."
    )
    if top_k is not None:
        top_k = check_int("top_k", top_k, 1, words, hint=f"The model has {words} words.")
    if top_p is not None:
        top_p = check_real("top_p", top_p, 0.0, 1.0, exclusive=True, hint="It is a probability; 0.9 is usual.")
    if temperature == 0 and (top_k is not None or top_p is not None):
        given = "top_k" if top_k is not None else "top_p"
        raise InvalidArgumentError(
            f"temperature=0 with {given}; expected temperature > 0, or neither top_k nor top_p: temperature 0 selects "
            "the most probable word, so they have no effect."
        )
    if top_k == 1:  # the most probable word, without a draw
        temperature, top_k, top_p = 0.0, None, None
    inputs: dict[str, NDArray[Any]] = {}
    if temperature > 0:
        inputs["temperature"] = np.array([max(temperature, np.finfo("float32").tiny)], "float32")
    if top_p is not None and top_p < 1:
        inputs["top_p"] = np.array([top_p], "float32")
    bans = _bans(words, banned)
    if bans is not None:
        inputs["bans"] = bans
    return Sampling(temperature > 0, top_k, "top_p" in inputs, bans is not None), inputs


def _bans(words: int, banned: Any) -> NDArray[np.float32] | None:
    """What is added to the logits of all words, or None if nothing is banned."""
    try:
        ids = np.atleast_1d(np.asarray([] if banned is None else list(banned) if np.iterable(banned) else banned))
    except ValueError:  # lists of several lengths
        ids = np.array(["?"])
    if ids.size == 0:
        return None
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"banned={banned!r}; expected ids of words, integers. Vocabulary.encode gives them for words."
        )
    outside = ids[(ids < 0) | (ids >= words)]
    if outside.size:
        raise InvalidArgumentError(f"banned has the id {outside[0]}; expected ids from 0 to {words - 1}.")
    bans = np.zeros(words, "float32")
    bans[ids] = -np.inf
    if not np.isfinite(bans).any():
        raise InvalidArgumentError(f"banned has all {words} words; expected one or more that may be generated.")
    return bans


def next_words(logits: Any, sampling: Sampling, inputs: dict[str, Any], uniform: Any) -> Any:
    """Select or draw a word for each row.

    In this order: banned words have probability 0; the logits are divided by the temperature; the k most probable words
    are kept; of these, as many of the most probable ones as are needed for a probability of top_p (nucleus sampling,
    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", ICLR, section 3.1). What is kept is
    renormalised, and the uniform number selects from it: from the words in order of their ids, or, with top-k or
    nucleus, in order of falling probability.

    Args:
        logits: float (B, V).
        sampling: what is done.
        inputs: see `sampling_of`.
        uniform: float32 (B,) in [0, 1), not used if nothing is drawn.

    Returns:
        ids, int32 (B,).
    """
    logits = ops.cast(logits, "float32")
    if sampling.banned:
        logits = logits + inputs["bans"]
    if not sampling.drawn:
        return ops.cast(ops.argmax(logits, axis=-1), "int32")
    # Shifted before the division: a very low temperature would make both infinite.
    logits = (logits - ops.max(logits, axis=-1, keepdims=True)) / inputs["temperature"]
    if sampling.top_k is None and not sampling.nucleus:
        return _drawn(_softmax(logits), uniform)
    values, ids = ops.top_k(logits, int(logits.shape[-1]) if sampling.top_k is None else sampling.top_k)
    probabilities = _softmax(values)
    if sampling.nucleus:
        before = ops.cumsum(probabilities, axis=-1) - probabilities
        # The most probable word is always kept: rounding must not leave it out.
        kept = ops.logical_or(before < inputs["top_p"], ops.arange(values.shape[-1]) == 0)
        probabilities = ops.where(kept, probabilities, 0.0)
        probabilities = probabilities / ops.sum(probabilities, axis=-1, keepdims=True)
    position = ops.expand_dims(_drawn(probabilities, uniform), -1)
    return ops.cast(ops.take_along_axis(ids, position, axis=-1)[:, 0], "int32")


def _softmax(shifted: Any) -> Any:
    """Probabilities, from logits whose largest is 0; Keras's softmax would warn of vocabularies of one word."""
    weights = ops.exp(shifted)
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def _drawn(probabilities: Any, uniform: Any) -> Any:
    """Positions (B,), int32, where the cumulative probabilities (B, K) first exceed the uniform numbers (B,).

    Positions of probability 0 are never selected, whatever the rounding of the sums: a parallel sum need not increase
    from step to step, and the last one may be below the uniform number.
    """
    possible = probabilities > 0
    found = ops.logical_and(possible, ops.cumsum(probabilities, axis=-1) > ops.expand_dims(uniform, -1))
    first = ops.argmax(ops.cast(found, "int32"), axis=-1)
    last = ops.max(ops.where(possible, ops.arange(probabilities.shape[-1], dtype="int32"), 0), axis=-1)
    return ops.where(ops.any(found, axis=-1), ops.cast(first, "int32"), last)
