"""Training and evaluation steps of `SkipGram` on the blocks of `TokenBlocks`, on each backend.

The gradients are computed in closed form by :mod:`kerazoo.word2vec.keras.block_gradients`; the update changes only the
rows of the block. On JAX a step must be a function of the state: there the same code runs in Keras's `StatelessScope`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.keras.block_gradients import BlockGradients, block_gradients, has_shared_softmax
from kerazoo.word2vec.keras.clipping import clip_rows
from kerazoo.word2vec.keras.optimizer import RowClippedSGD

__all__ = ["test_step", "train_step"]


def train_step(model: Any, block: dict[str, Any], *state: Any) -> Any:
    """One training step on a block; returns the logs, or (logs, state) on JAX."""
    return _with_state(model, lambda: _train(model, block), _TRAIN_STATE, *state)


def test_step(model: Any, block: dict[str, Any], *state: Any) -> Any:
    """The loss of a block; returns the logs, or (logs, state) on JAX."""
    return _with_state(model, lambda: _test(model, block), _TEST_STATE, *state)


test_step.__test__ = False  # type: ignore[attr-defined]  # a step of Keras, not a test of pytest

_TEST_STATE = ("trainable_variables", "non_trainable_variables", "metrics_variables")
_TRAIN_STATE = ("trainable_variables", "non_trainable_variables", "optimizer", "metrics_variables")


def _with_state(model: Any, step: Any, names: tuple[str, ...], *state: Any) -> Any:
    if not state:
        return step()
    variables = [model.optimizer.variables if name == "optimizer" else getattr(model, name) for name in names]
    mapping = [
        pair for refs, values in zip(variables, state[0], strict=True) for pair in zip(refs, values, strict=True)
    ]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        logs = step()
    new = []
    for refs in variables:
        values = [scope.get_current_value(ref) for ref in refs]
        new.append([ref.value if value is None else value for ref, value in zip(refs, values, strict=True)])
    return logs, tuple(new)


def _train(model: Any, block: dict[str, Any]) -> dict[str, Any]:
    optimizer = model.optimizer
    if not isinstance(optimizer, RowClippedSGD):
        raise InvalidArgumentError(
            f"the optimizer is {type(optimizer).__name__}; TokenBlocks need RowClippedSGD, which updates only "
            "the rows of a block. Any Keras optimizer works with SkipGramBatches."
        )
    block = _trimmed(block)
    gradients = _gradients(model, block)
    rate = ops.cast(optimizer.learning_rate, "float32")
    words, out_words = block["unique"], block["out_unique"]
    _add_rows(model.input_vectors, words, -clip_rows(rate * gradients.inputs, optimizer.clip))
    _add_rows(model.output_vectors, out_words, -clip_rows(rate * gradients.outputs, optimizer.clip))
    if model.output_biases is not None:
        _add_rows(model.output_biases, out_words, -clip_rows(rate * gradients.offsets, optimizer.clip))
    optimizer.iterations.assign_add(1)
    return _logs(model, gradients)


def _test(model: Any, block: dict[str, Any]) -> dict[str, Any]:
    return _logs(model, _gradients(model, _trimmed(block)))


def _gradients(model: Any, block: dict[str, Any]) -> BlockGradients:
    words, out_words = block["unique"], block["out_unique"]
    softmax = has_shared_softmax(model.loss_name)
    # The softmax uses all shared noise words of the group, the logistic losses K per pair (by weights).
    draws = ops.shape(block["noise_places"])[1] if softmax else model.negative
    return block_gradients(
        block,
        _take_rows(model.input_vectors, words),
        _take_rows(model.output_vectors, out_words),
        model.offsets(out_words, draws),
        model.negative,
        softmax=softmax,
        remove_accidental_hits=model.removes_hits,
    )


def _logs(model: Any, gradients: BlockGradients) -> dict[str, Any]:
    # A block without pairs (all documents have one word) has loss 0 and weight 0.
    mean = gradients.loss / ops.maximum(gradients.n_pairs, 1.0)
    model.pair_loss.update_state(mean, sample_weight=gradients.n_pairs)
    return {"loss": model.pair_loss.result()}


def _trimmed(block: dict[str, Any]) -> dict[str, Any]:
    """The block without the padding of its distinct words, where shapes may change from step to step."""
    if keras.backend.backend() != "tensorflow":
        return block
    from kerazoo.word2vec.keras._tensorflow import trim

    return trim(block)


def _take_rows(variable: Any, rows: Any) -> Any:
    if keras.backend.backend() != "tensorflow":
        return ops.take(variable, rows, axis=0)
    from kerazoo.word2vec.keras._tensorflow import take_rows

    return take_rows(variable, rows)


def _add_rows(variable: Any, rows: Any, update: Any) -> None:
    """variable[rows] += update; the updates of equal rows are summed. In place where the backend can."""
    backend = keras.backend.backend()
    if backend == "jax":  # in place under jit, since Keras donates the state
        variable.assign(variable.value.at[rows].add(update))
    elif backend == "tensorflow":
        from kerazoo.word2vec.keras._tensorflow import add_rows

        add_rows(variable, rows, update)
    else:
        variable.value.data.index_add_(0, ops.cast(rows, "int64"), update.detach())
