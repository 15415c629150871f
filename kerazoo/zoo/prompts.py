"""What `generate` continues: contexts of one length or of several, and padded ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.padding import PaddingMask

__all__ = ["Prompts", "prompts_of"]


@dataclass(frozen=True)
class Prompts:
    """Contexts in one array.

    Args:
        values: float32 (B, T, F), or ids int32 (B, T).
        mask: bool (B, T), True for the steps of the context and False for padding; None if there is no padding.
        shape: shape of the context as it was given.
    """

    values: NDArray[Any]
    mask: NDArray[np.bool_] | None
    shape: tuple[int, ...]

    def restored(self, found: NDArray[Any]) -> NDArray[Any]:
        """What was generated, (B, steps, F) or (B, steps), without the axes that the context does not have."""
        if self.values.ndim == 3 and len(self.shape) == 1:
            return found[0, :, 0]
        return found[0] if len(self.shape) == self.values.ndim - 1 else found


def prompts_of(model: Any, context: Any, tokens: bool) -> Prompts:
    """Check the context.

    Args:
        model: the model that continues it.
        context: as in `generate`.
        tokens: bool, it is ids of words.

    Returns:
        Its values with all axes. There is a mask for contexts of several lengths, for ids 0 of a model whose embedding
        treats them as padding (`mask_zero`), and for steps of NaN of a `masked` model. Padding comes last.

    Raises:
        InvalidArgumentError: the context has another form or dtype, no step, or values that are not finite.
    """
    parts = _of_several_lengths(context, tokens)
    if parts is None:
        values = np.asarray(context)
        shape, mask = values.shape, None
        if values.ndim == 1 and not tokens:
            values = values[None, :, None]
        elif values.ndim == (1 if tokens else 2):
            values = values[None]
        if values.ndim != (2 if tokens else 3) or values.shape[1] == 0:
            raise InvalidArgumentError(f"context has shape {shape}; expected {_expected(tokens)}.")
        _check_dtype(values, tokens)
    else:
        lengths = np.array([len(part) for part in parts])
        mask = np.arange(lengths.max()) < lengths[:, None]
        values = np.zeros((*mask.shape, *parts[0].shape[1:]), np.result_type(*parts))
        values[mask] = np.concatenate(parts)
        shape = values.shape
    if not tokens and any(isinstance(layer, PaddingMask) for layer in model.layers):
        padded = np.isnan(values).all(axis=2)
        mask = ~padded if mask is None else mask & ~padded
        values = np.where(padded[:, :, None], 0, values)
    if not tokens and not np.isfinite(values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidArgumentError(
            f"context is {values[index]} at {index}; expected finite numbers. Contexts of several lengths are a list; "
            "models with `masked` also take steps of padding, whose features are all NaN."
        )
    if tokens:
        layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Embedding))
        wrong = values[(values < 0) | (values >= layer.input_dim)]
        if wrong.size:
            raise InvalidArgumentError(
                f"context has the id {wrong.flat[0]}; expected ids from 0 to {layer.input_dim - 1}, the words of the "
                "model."
            )
        if layer.mask_zero:
            mask = (values != 0) if mask is None else mask & (values != 0)
    if mask is not None and not mask.any(axis=1).all():
        raise InvalidArgumentError(
            f"context {int(np.argmin(mask.any(axis=1)))} has no step; expected one or more that is not padding."
        )
    if mask is not None and mask.all():
        mask = None
    if mask is not None:
        # Padding comes last: it changes no state, and the last step of a context is then that before its padding.
        order = np.argsort(~mask, axis=1, kind="stable")
        mask = np.take_along_axis(mask, order, axis=1)
        values = np.take_along_axis(values, order if tokens else order[:, :, None], axis=1)
    return Prompts(values.astype("int32" if tokens else "float32"), mask, shape)


def _of_several_lengths(context: Any, tokens: bool) -> list[NDArray[Any]] | None:
    """The contexts as arrays, if `context` is a list of contexts of several lengths; otherwise None."""
    if not isinstance(context, list | tuple):
        return None
    try:
        parts = [np.asarray(part) for part in context]
    except ValueError as error:  # NumPy: "inhomogeneous shape"
        raise InvalidArgumentError(
            f"context is a list of lists of several lengths; expected {_expected(tokens)}."
        ) from error
    if len({part.shape for part in parts}) < 2:
        return None
    rank = 1 if tokens else 2
    for row, part in enumerate(parts):
        if part.ndim != rank or len(part) == 0 or part.shape[1:] != parts[0].shape[1:]:
            form = "ids (T_i,)" if tokens else "(T_i, features), each with the same features"
            column = " Series of one feature: [each.reshape(-1, 1) for each in context]." if part.ndim == 1 else ""
            raise InvalidArgumentError(
                f"context {row} of {len(parts)} has shape {part.shape}; expected contexts of several lengths as "
                f"{form}, with at least one step.{column}"
            )
        _check_dtype(part, tokens)
    return parts


def _check_dtype(values: NDArray[Any], tokens: bool) -> None:
    if tokens and values.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"context has dtype {values.dtype}; expected ids of words, integers {_expected(True)}."
        )
    if not tokens and values.dtype.kind not in "fiu":
        raise InvalidArgumentError(f"context has dtype {values.dtype}; expected numbers.")


def _expected(tokens: bool) -> str:
    shapes = "(batch, steps) or (steps,)" if tokens else "(batch, steps, features), (steps, features) or (steps,)"
    return f"{shapes}, with at least one step; or a list of contexts of several lengths"
