"""NumPy in place of a backend for the networks of single series: loops and maps in Python, and no training.

Keras's own backend of NumPy has no gradients, its loop takes one tensor, and its map over members takes no nested
results. What is replaced here is only how the steps of networks are repeated; their weights, shapes and arithmetic are
those of kerazoo.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

__all__ = ["give_weights", "on_numpy"]


def loop_over_steps(
    step: Any, inputs: Sequence[Any], states: Sequence[Any], *, all_outputs: bool = True, go_backwards: bool = False,
    **_: Any,
) -> tuple[Any, Any, list[Any]]:  # fmt: skip
    """As `kerazoo.cells.loop.loop_over_steps`."""
    states, outputs = list(states), []
    steps = range(len(inputs[0][0]))
    for t in reversed(steps) if go_backwards else steps:
        output, states = step([x[:, t] for x in inputs], list(states))
        outputs.append(output)
    return outputs[-1], np.stack(outputs if all_outputs else outputs[-1:], axis=1), list(states)


def vectorized_map(function: Any, elements: Any) -> Any:
    """As `keras.ops.vectorized_map`."""
    from keras import tree

    count = len(tree.flatten(elements)[0])
    found = [function(tree.map_structure(lambda x, i=i: np.asarray(x)[i], elements)) for i in range(count)]
    return tree.map_structure(lambda *each: np.stack(each), *found)


def give_weights(nets: Any, seed: int = 1) -> None:
    """Small random weights, those of the output layers too, which are zero at first."""
    rng = np.random.default_rng(seed)
    nets.assign([rng.normal(0.0, 0.1, weight.shape).astype(np.float32) for weight in nets.own_weights()])


def _fit_learner(learner: Any, *, best: Any, **_: Any) -> Any:
    """As `kerazoo.forecast.nets.trainer.fit_learner`: the best weights are random ones."""
    from kerazoo.forecast.nets.course import Course

    best.initial = learner.nets.values_of(range(learner.nets.n_members))
    give_weights(learner.nets)
    best.weights, best.best_epoch, best.best = learner.nets.values_of(range(learner.nets.n_members)), 1, -np.inf
    return Course({"loss": [1.0], "val_loss": [1.0]}, 1, 1.0, 0.5)


@contextlib.contextmanager
def on_numpy() -> Iterator[None]:
    """Inside, networks of single series forecast by NumPy, and a fit gives them random weights."""
    from kerazoo.forecast import chain_networks
    from kerazoo.forecast.nets import members, rollout

    operations = SimpleNamespace(**vars(members.ops) | {"vectorized_map": vectorized_map})
    with contextlib.ExitStack() as stack:
        for module, name, value in (
            (members, "ops", operations), (members, "loop_over_steps", loop_over_steps),
            (rollout, "loop_over_steps", loop_over_steps), (rollout, "compiled", lambda model: model),
            (chain_networks, "fit_learner", _fit_learner),
        ):  # fmt: skip
            stack.enter_context(mock.patch.object(module, name, value))
        yield
