"""Every cell of the registry in every form that it has, with the weights and the inputs that both devices get."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.gpu.sides import to_numpy

__all__ = ["BATCH", "cell_cases", "cotangents", "prepare_model"]

BATCH, STEPS, FEATURES, UNITS = 4, 24, 5, 16
CHUNKED_STEPS = 70  # more than one chunk of mLSTM's parallel form
FUSED = ("lstm", "gru")


def cell_cases() -> Iterator[tuple[str, Callable[[], Any], int, int]]:
    """Yields (name, function that builds the model, features, steps) of every cell in every form."""
    from kerazoo import zoo
    from kerazoo.cells import cell_info, list_cells

    def model(cell: str, parallel: bool | str = False, **options: Any) -> Any:
        extra: dict[str, Any] = {}
        if cell_info(cell).needs_timestamps:
            extra = {"time": "step", "ratio_on": 0.5, "max_period": 20.0}  # most units open within the steps
        layer = zoo.LayerSpec(cell, UNITS, options=extra, **options)
        spec = zoo.RNNSpec(layers=(layer,), features=FEATURES, head="none", return_states=True)
        return zoo.build(spec, seed=1, parallel=parallel)

    for cell in list_cells():
        steps = CHUNKED_STEPS if getattr(cell_info(cell).make, "chunked", False) else STEPS
        yield f"{cell}, step by step", partial(model, cell, **_loop(cell)), FEATURES, steps
        if cell_info(cell).linear:
            yield f"{cell}, parallel", partial(model, cell, parallel=True), FEATURES, steps
        if cell in FUSED:
            yield f"{cell}, Keras's layer", partial(model, cell), FEATURES, STEPS
            yield f"{cell}, both directions", partial(model, cell, bidirectional=True), FEATURES, STEPS


def _loop(cell: str) -> dict[str, Any]:
    return {"fused": False} if cell in (*FUSED, "rnn") else {}


def prepare_model(model: Any, rng: np.random.Generator, path: Path, first: bool) -> None:
    """Set the same float32 weights on both sides, with noise: weights that are zero or equal would hide errors.

    Some initializers depend on the device, so the first side writes its weights to `path` for the second one.

    Args:
        model: to set weights of.
        rng: for the noise.
        path: of the weights, `.npz`.
        first: whether this is the first side.

    Raises:
        TimeoutError: the weights of the first side were not there after two minutes.
    """
    if first:
        trainable = {id(variable) for variable in model.trainable_variables}
        values = {}
        for number, variable in enumerate(model.weights):
            value = to_numpy(variable.value)
            if value.dtype.kind == "f":
                noise = rng.normal(0, 0.05, value.shape) if id(variable) in trainable else 0.0
                value = (value + noise).astype("float32")
            values[str(number)] = value
        incomplete = path.with_suffix(".incomplete.npz")
        np.savez(incomplete, **values)  # type: ignore[arg-type]
        incomplete.replace(path)
    give_up = time.monotonic() + 120
    while not path.exists():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{path.name} is missing; expected within 120 s. See the error of the other side.")
        time.sleep(0.01)
    with np.load(path) as file:
        model.set_weights([file[str(number)] for number in range(len(file.files))])


def cotangents(shapes: list[tuple[int, ...]], rng: np.random.Generator) -> list[np.ndarray]:
    """Random weights of the outputs, whose weighted sum is differentiated."""
    return [(rng.normal(size=shape) / np.sqrt(np.prod(shape))).astype("float32") for shape in shapes]
