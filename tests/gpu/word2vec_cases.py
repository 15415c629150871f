"""The losses of word2vec, pair by pair and in blocks, and a training step on a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.gpu.sides import Arrays, named_arrays

__all__ = ["word2vec_cases", "word2vec_names"]


def word2vec_names() -> list[str]:
    """Names of the cases, without computing anything."""
    from kerazoo.word2vec.keras.losses import LOSSES

    return [f"word2vec {name}, {form}" for name in LOSSES for form in ("pairs", "blocks", "a step")]


def make_block(seed: int) -> tuple[Arrays, int]:
    """A block of text, and the size of its vocabulary, 50 words."""
    from kerazoo.batching import TokenBlocks

    rng = np.random.default_rng(seed)
    words, tokens = 50, 600
    ids = rng.integers(0, words, tokens).astype("int32")
    corpus = SimpleNamespace(ids=ids, offsets=np.arange(0, tokens + 1, 60))
    counts = np.bincount(ids, minlength=words)
    blocks = TokenBlocks(
        corpus, counts=counts, block_size=256, window=3, sample=0, noise_group=32, noise_per_group=16, seed=seed
    )
    (block,) = blocks[0]
    return {name: np.asarray(value) for name, value in block.items()}, words


def word2vec_cases(side: Any, seed: int) -> Iterator[tuple[str, Callable[[], Arrays]]]:
    """Yields (name, callable) of each loss: pairs by automatic differentiation, blocks in closed form, a training step.

    Args:
        side: `JaxSide` or `TorchSide`.
        seed: of the text and of the values.
    """
    from kerazoo.word2vec.keras.block_gradients import block_gradients
    from kerazoo.word2vec.keras.losses import LOSSES, candidate_logits

    block, words = make_block(seed)
    rng = np.random.default_rng(seed + 1)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype("float32")

    n_inputs, n_outputs = len(block["unique"]), len(block["out_unique"])
    rows = {"inputs": draw(n_inputs, 12), "outputs": draw(n_outputs, 12), "offsets": draw(n_outputs)}
    for name, kind in LOSSES.items():

        def pairs(by: Any, others: Any, kind: Any = kind) -> list[Any]:
            logits = candidate_logits(
                by["inputs"],
                by["outputs"],
                by["noise"],
                by.get("output_offset"),
                by.get("noise_offset"),
                others["hits"],
            )
            return [kind.function(logits)]

        def blocks(by: Any, others: Any, name: str = name, kind: Any = kind) -> list[Any]:
            offsets = by["offsets"] if kind.biased else None
            return list(
                block_gradients(
                    others,
                    by["inputs"],
                    by["outputs"],
                    offsets,
                    5,
                    softmax=name == "sampled_softmax",
                    remove_accidental_hits=kind.remove_accidental_hits,
                )
            )

        by = {"inputs": draw(32, 12), "outputs": draw(32, 12), "noise": draw(10, 12)}
        if kind.biased:
            by |= {"output_offset": draw(32), "noise_offset": draw(10)}
        yield f"word2vec {name}, pairs", side.function(pairs, by, {"hits": rng.random((32, 10)) < 0.1})
        taken = rows if kind.biased else {name: rows[name] for name in ("inputs", "outputs")}
        yield f"word2vec {name}, blocks", side.function(blocks, taken, block)
        yield f"word2vec {name}, a step", _step(name, block, words, rng)


def _step(name: str, block: Arrays, words: int, rng: np.random.Generator) -> Callable[[], Arrays]:
    """Loss and tables of `SkipGram` after a training step on the block, as outputs; there are no gradients."""
    from kerazoo.word2vec import RowClippedSGD, SkipGram

    model = SkipGram(words, 12, loss=name, seed=1, dtype="float32")  # its learning rate and clipping are always float32
    model.compile(RowClippedSGD(0.05))
    values = [rng.normal(0, 0.5, variable.shape).astype("float32") for variable in model.trainable_variables]

    def run() -> Arrays:
        for variable, value in zip(model.trainable_variables, values, strict=True):
            variable.assign(value)
        loss = model.train_on_batch(block)
        tables = [variable.value for variable in model.trainable_variables]
        return named_arrays([np.asarray(loss, "float64"), *tables], {}, None)

    return run
