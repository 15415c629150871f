"""Targets that fit the outputs of a model: axes of size 1 are added or removed, targets that would broadcast refused.

Keras's losses subtract targets from outputs as they are. Targets (B,) for outputs (B, T, 1) broadcast to (B, T, B), and
the model learns the mean of the batch without a word. The rules are those of the table in `docs/zoo.md`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.errors import InvalidArgumentError

__all__ = ["fitting_targets", "kind_of_loss"]

Shape = tuple[int | None, ...]

#: Losses of Keras whose targets are ids of classes.
_OF_IDS = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy", "circle")
#: Losses of Keras whose targets have shapes of their own.
_OTHERS = ("ctc",)


def kind_of_loss(loss: Any) -> str:
    """What the targets of a loss are.

    Args:
        loss: as in `keras.Model.compile`: a name, a function, a `keras.losses.Loss` or None.

    Returns:
        `"values"`: in the shape of the outputs; `"ids"`: of classes, without the last axis of the outputs; `"any"`:
        there is no loss, only metrics; `"own"`: a loss that is not Keras's, which may mean to broadcast.

    >>> kind_of_loss("mse"), kind_of_loss(keras.losses.SparseCategoricalCrossentropy())
    ('values', 'ids')
    """
    if loss is None:
        return "any"
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    if not str(getattr(function, "__module__", "")).startswith("keras."):
        return "own"
    name = getattr(function, "__name__", "")
    if name in _OTHERS or isinstance(function, keras.losses.Loss):
        return "own"
    return "ids" if name in _OF_IDS else "values"


def fitting_targets(targets: Any, outputs: Any, kind: str) -> Any:
    """The targets in a shape that the loss compares with the outputs, element by element.

    Static shapes are compared. Axes whose size is known only when the step runs, as those of `tf.data` may be, are
    compared then: another number of targets than of outputs is an error of the backend.

    Args:
        targets: array or tensor (B, ...), or None.
        outputs: tensor of the model (B, ...).
        kind: see :func:`kind_of_loss`.

    Returns:
        The targets, with axes of size 1 added or removed if that gives them the shape of the outputs; for `"ids"`, that
        of the outputs without the last axis.

    Raises:
        InvalidArgumentError: the targets have another shape and would broadcast.

    >>> import numpy as np
    >>> tuple(fitting_targets(np.zeros(4), np.zeros((4, 1)), "values").shape)
    (4, 1)
    """
    given, wanted = _static_shape(targets), _static_shape(outputs)
    if kind == "own" or wanted is None:
        return targets
    if given is None or not given:
        if getattr(getattr(targets, "shape", None), "rank", 0) is None and kind != "any":
            # TensorFlow traces a step for any number of axes when targets come with another one than before.
            return ops.reshape(targets, ops.shape(outputs)[: len(wanted) - (kind == "ids")])
        return targets
    shapes = {"values": [wanted], "ids": [wanted[:-1]], "any": [wanted, wanted[:-1]]}[kind]
    for shape in shapes:
        if _fits(given, shape) or (len(given) != len(shape) and _differs_by_ones(given, shape)):
            return _reshaped(targets, outputs, given, shape)
    raise InvalidArgumentError(_message(given, wanted, kind))


def _static_shape(value: Any) -> Shape | None:
    """The shape, with None for unknown sizes; None if there is no shape or even the number of axes is unknown."""
    shape = getattr(value, "shape", None)
    if shape is None or getattr(shape, "rank", 0) is None:
        return None
    return tuple(shape)


def _fits(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _differs_by_ones(one: Shape, other: Shape) -> bool:
    """Whether the shape with more axes becomes the other one by removing axes of size 1, never the first."""
    fewer, more = sorted((one, other), key=len)
    if not _fits(fewer[:1], more[:1]):
        return False
    if len(fewer) == len(more):
        return _fits(fewer, more)
    return any(
        _differs_by_ones(fewer, (*more[:axis], *more[axis + 1 :])) for axis in range(1, len(more)) if more[axis] == 1
    )


def _reshaped(targets: Any, outputs: Any, given: Shape, wanted: Shape) -> Any:
    """The targets in the shape `wanted`, with which that of the outputs begins."""
    if None in (*given[1:], *wanted[1:]):
        return ops.reshape(targets, ops.shape(outputs)[: len(wanted)])  # fails if the numbers of elements differ
    if len(given) == len(wanted):
        return targets
    return ops.reshape(targets, tuple(-1 if size is None else size for size in wanted))


def _message(given: Shape, wanted: Shape, kind: str) -> str:
    ids = wanted[:-1]
    expected = {
        "values": f"{_shown(wanted)}, with or without axes of size 1",
        "ids": f"{_shown(ids)}, ids of classes",
        "any": f"{_shown(wanted)}, or {_shown(ids)} for ids of classes",
    }[kind]
    found = f"targets have shape {_shown(given)}, outputs {_shown(wanted)}"
    return f"{found}; expected {expected}. {_remedy(given, wanted, kind)}"


def _remedy(given: Shape, wanted: Shape, kind: str) -> str:
    if kind != "ids" and len(given) == len(wanted) and _fits(given[:-1], wanted[:-1]):
        return (
            f"outputs={given[-1]} (o{given[-1]} in a name) returns as many values per step; a model without a head "
            "(nohead) returns the units of its last layer."
        )
    if kind == "ids" and _fits(given, wanted):
        return "For targets with a probability for each class use CategoricalCrossentropy."
    if len(wanted) > 2 and (len(given) < 2 or given[1] != wanted[1]):
        return (
            "For one target per window use returns='last' (seq2one); for a target per step, "
            "SequenceWindows(target='sequence'). horizon=H (hH in a name) must be that of the targets."
        )
    return (
        "SequenceWindows(target='horizon') makes targets for returns='last' (seq2one), target='sequence' for a model "
        "with outputs per step; horizon=H (hH in a name) must be that of the targets."
    )


def _shown(shape: Shape) -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
