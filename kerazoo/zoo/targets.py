"""Targets that fit the outputs of a model: axes of size 1 are added or removed, targets that would broadcast refused.

Keras's losses subtract targets from outputs as they are. Targets (B,) for outputs (B, T, 1) broadcast to (B, T, B), and
the model silently learns the mean of the batch. The rules are those of the table in `docs/zoo.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.kinds import CLASSES, WORDS

__all__ = [
    "check_ids",
    "check_numbers",
    "check_probabilities",
    "fitting_targets",
    "ignored_class",
    "kind_of_loss",
    "nan_outside",
    "targets_of_heads",
    "weights_of_steps",
]

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


def _option(loss: Any, name: str, default: Any) -> Any:
    """An argument that a loss of Keras was made with; the default for a name or a function."""
    return loss.get_config().get(name, default) if isinstance(loss, keras.losses.Loss) else default


def ignored_class(loss: Any) -> int | None:
    """The id that a loss leaves out, or None.

    >>> ignored_class(keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    -1
    """
    return _option(loss, "ignore_class", None)


def check_probabilities(kind: str | None, loss: Any, name: str | None = None) -> None:
    """Check that a cross-entropy takes the outputs for what they are: probabilities of classes, or logits of words.

    Args:
        kind: of the output: see :mod:`kerazoo.zoo.kinds`.
        loss: as in `keras.Model.compile`.
        name: of the output, or None.

    Raises:
        InvalidArgumentError: it takes logits for probabilities, or the reverse: the model would learn little.

    >>> check_probabilities("classes", "sparse_categorical_crossentropy")
    """
    if kind not in (CLASSES, WORDS) or loss is None or isinstance(loss, dict | list | tuple):
        return
    function = keras.losses.get(loss) if isinstance(loss, str) else loss
    function = getattr(function, "fn", function)
    if not str(getattr(function, "__module__", "")).startswith("keras."):
        return
    if "categorical" not in getattr(function, "__name__", "") or "crossentropy" not in function.__name__:
        return
    logits = bool(_option(loss, "from_logits", False))
    if logits == (kind == WORDS):
        return
    of = "" if name is None else f" of {name!r}"
    returns = "logits of words" if kind == WORDS else "probabilities of classes"
    raise InvalidArgumentError(
        f"the loss{of} has from_logits={logits}, and the model returns {returns}; expected from_logits={not logits}: "
        f"keras.losses.SparseCategoricalCrossentropy(from_logits={not logits}), as zoo.compile_defaults(model) has it."
    )


def check_ids(targets: Any, classes: int, ignored: int | None = None, name: str | None = None) -> None:
    """Check that an array has ids of classes.

    Backends treat other ids differently: an error, a loss of NaN, or silently a loss of zero.

    Args:
        targets: array of numbers.
        classes: int, number of classes.
        ignored: int or None, an id that the loss leaves out.
        name: of the output, or None.

    Raises:
        InvalidArgumentError: an id is negative, too large or no integer.

    >>> import numpy as np
    >>> check_ids(np.array([0, 1]), 2)
    """
    if targets.dtype.kind not in "iufb" or (targets.ndim > 1 and targets.shape[-1] == classes and classes > 1):
        return  # no numbers, or one number per class, which `fitting_targets` refuses or takes by its shape
    wrong = (targets < 0) | (targets >= classes) | (targets != np.floor(targets))
    if ignored is not None:
        wrong &= targets != ignored
    if wrong.any():
        where = tuple(int(each) for each in np.argwhere(wrong)[0])
        of = "targets" if name is None else f"targets of {name!r}"
        raise InvalidArgumentError(
            f"{of}: {targets[where]} at {where} is no id of a class; expected integers from 0 to {classes - 1}. "
            "Ids start at 0; SparseCategoricalCrossentropy(ignore_class=-1) leaves targets of -1 out."
        )


def check_numbers(y: Any) -> None:
    """Check that the targets in arrays are numbers. Backends refuse text without saying what to do.

    Args:
        y: array, or a dict or list of arrays; anything else is not checked.

    Raises:
        InvalidArgumentError: an array holds text or objects.

    >>> import numpy as np
    >>> check_numbers({"a": np.array([0, 1])})
    """
    for name, each in y.items() if isinstance(y, dict) else enumerate(y if isinstance(y, list | tuple) else [y]):
        if isinstance(each, np.ndarray) and each.dtype.kind in "OSUMm":
            of = f" of {name!r}" if isinstance(y, dict) else ""
            raise InvalidArgumentError(
                f"targets{of} have dtype {each.dtype}, the first is {each.flat[0] if each.size else None!r}; expected "
                "numbers. Labels become ids of classes by classes, ids = np.unique(labels, return_inverse=True)."
            )


def nan_outside(loss: Any, ids: Any, classes: int, ignored: int | None = None) -> Any:
    """The loss; on JAX, NaN if an id is no id of a class. Keras's loss there would be zero for such an id.

    >>> import numpy as np
    >>> float(nan_outside(np.float32(0.5), np.array([0, 1]), 2))
    0.5
    """
    if keras.backend.backend() != "jax":
        return loss
    wrong = ops.logical_or(ids < 0, ids >= classes)
    if ignored is not None:
        wrong = ops.logical_and(wrong, ids != ignored)
    return ops.where(ops.any(wrong), ops.full_like(loss, float("nan")), loss)


def targets_of_heads(
    targets: Any, outputs: Mapping[str, Any], loss: Any, fitting: Callable[[Any, Any, Any, str], Any]
) -> Any:
    """The targets of a model with several heads, each as :func:`fitting_targets` returns it.

    Args:
        targets: dict: name of a head -> its targets; None for no targets.
        outputs: name -> output.
        loss: as in `keras.Model.compile`: one for all heads, or a dict.
        fitting: (targets, output, loss, name) -> targets that fit.

    Raises:
        InvalidArgumentError: no dict, a name that is no head, or a head with a loss and without targets.

    >>> targets_of_heads({"a": 1}, {"a": 2}, "mse", lambda targets, output, loss, name: targets + output)
    {'a': 3}
    """
    if targets is None:
        return None
    heads = ", ".join(map(repr, sorted(outputs)))  # torch sorts them, other backends do not
    if not isinstance(targets, Mapping):
        raise InvalidArgumentError(
            f"targets are {'a list' if isinstance(targets, list | tuple) else 'one array'}; expected a dict: name of a "
            f"head -> targets, for {heads}."
        )
    for name in targets:
        if name not in outputs:
            raise InvalidArgumentError(f"targets for {name!r}; expected the names of the heads: {heads}.")
    if isinstance(loss, list | tuple):
        raise InvalidArgumentError(f"loss={loss!r}; expected a dict: name of a head -> its loss, for {heads}.")
    losses = loss if isinstance(loss, dict) else dict.fromkeys(outputs, loss)
    for name in outputs:
        if name not in targets and losses.get(name) is not None:
            raise InvalidArgumentError(f"no targets for {name!r}, which has a loss; expected targets for {heads}.")
    return {
        name: fitting(targets[name], output, losses.get(name), name)
        for name, output in outputs.items()
        if name in targets
    }


def fitting_targets(targets: Any, outputs: Any, kind: str, name: str | None = None) -> Any:
    """The targets in a shape that the loss compares with the outputs, element by element.

    Static shapes are compared. Axes whose size is known only when the step runs, as those of `tf.data` may be, are
    compared then: another number of targets than of outputs is an error of the backend.

    Args:
        targets: array or tensor (B, ...), or None.
        outputs: tensor of the model (B, ...).
        kind: see :func:`kind_of_loss`.
        name: of the head, or None.

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
    raise InvalidArgumentError(_message(given, wanted, kind, name))


def weights_of_steps(weights: Any, outputs: Any) -> Any:
    """Weights (B,) of sequences as weights of all their targets, in the shape of the outputs without the last axis.

    Keras's losses multiply them with losses (B, T): an error, or the weights of other steps where B equals T.

    Args:
        weights: tensor (B,) or in another shape, which is returned as it is; None; or a dict by names of heads.
        outputs: tensor (B, ..., F), or a dict of them.

    >>> import numpy as np
    >>> tuple(weights_of_steps(np.ones(4), np.zeros((4, 3, 1))).shape)
    (4, 3)
    """
    if isinstance(weights, dict) and isinstance(outputs, dict):
        return {name: weights_of_steps(each, outputs[name]) for name, each in weights.items() if name in outputs}
    given, wanted = _static_shape(weights), _static_shape(outputs)
    if given is None or wanted is None or len(given) != 1 or len(wanted) < 3:
        return weights
    each = ops.reshape(ops.convert_to_tensor(weights), (-1, *[1] * (len(wanted) - 2)))
    return ops.broadcast_to(each, ops.shape(outputs)[:-1])


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


def _message(given: Shape, wanted: Shape, kind: str, name: str | None) -> str:
    ids = wanted[:-1]
    expected = {
        "values": f"{_shown(wanted)}, with or without axes of size 1",
        "ids": f"{_shown(ids)}, ids of classes",
        "any": f"{_shown(wanted)}, or {_shown(ids)} for ids of classes",
    }[kind]
    head = "" if name is None else f" of {name!r}"
    found = f"targets{head} have shape {_shown(given)}, outputs{head} {_shown(wanted)}"
    return f"{found}; expected {expected}. {_remedy(given, wanted, kind)}"


def _remedy(given: Shape, wanted: Shape, kind: str) -> str:
    if kind != "ids" and len(given) == len(wanted) and _fits(given[:-1], wanted[:-1]):
        return (
            f"outputs={given[-1]} (o{given[-1]} in a name) returns as many values per step; a model without a head "
            "(nohead) returns the units of its last layer."
        )
    if kind == "values" and len(given) == len(wanted) - 1 and _fits(given, wanted[:-1]) and wanted[-1] != 1:
        return (
            "For ids of classes use a loss of ids, such as SparseCategoricalCrossentropy; for values, outputs=O (oO in "
            "a name) must be their number per step."
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
