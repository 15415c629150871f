"""Twin of `kerazoo_ext._skipgram`: the groups of a stretch of text, trained one after the other in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.twins.random import draw
from tests.twins.tokens import Kept, Settings, kept_tokens, noise

CHUNK = 256


@dataclass
class Job:
    """See `kerazoo_ext/_skipgram.pyi`; the tables are float64 and are changed."""

    settings: Settings
    alias_table: NDArray[np.uint64]
    inputs: NDArray[np.float64]
    outputs: NDArray[np.float64]
    biases: NDArray[np.float64] | None
    log_expected: NDArray[np.float64] | None
    group: int
    n_noise: int
    noise_weight: float
    remove_hits: bool
    measured_every: int
    alpha: float
    min_alpha: float
    words_before: int
    words: int


def stretches(s: Settings, kept: Kept, begin: int, end: int) -> list[tuple[int, int, int]]:
    """(first, last, words done before) of the kept tokens that become final with each chunk of begin..end - 1."""
    found = []
    ready = int(np.searchsorted(kept.positions, begin))
    for stop in [*range(begin + CHUNK, len(s.ids), CHUNK), len(s.ids)]:
        n = int(np.searchsorted(kept.positions, stop))
        document = int(np.searchsorted(s.offsets, stop, side="right")) - 1
        if stop < len(s.ids) and s.offsets[document] < stop:  # the document goes on: its last tokens are not final
            own = n - int(np.searchsorted(kept.positions, s.offsets[document]))
            n = max(ready, n - min(s.window, own))
        last = min(n, int(np.searchsorted(kept.positions, end)))
        found.append(
            (ready, last, max(0, min(stop - CHUNK if stop % CHUNK == 0 else stop // CHUNK * CHUNK, end) - begin))
        )
        if n > last or stop >= len(s.ids):
            break
        ready = n
    return found


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def train(job: Job, begin: int, end: int) -> tuple[float, int, int]:
    """Changes the tables; the loss and the number of the measured pairs, and the number of all pairs."""
    s = job.settings
    kept = kept_tokens(s)
    loss, measured, n_pairs, number = 0.0, 0, 0, 0
    for first, last, done in stretches(s, kept, begin, end):
        rate = job.alpha - (job.alpha - job.min_alpha) * (job.words_before + done) / job.words
        alpha = max(rate, job.min_alpha)
        n_groups = -(-(last - first) // job.group)
        for g in range(n_groups):
            a, b = first + (last - first) * g // n_groups, first + (last - first) * (g + 1) // n_groups
            group_loss, pairs = train_group(job, kept, a, b, alpha)
            n_pairs += pairs
            if number % job.measured_every == 0:
                loss, measured = loss + group_loss, measured + pairs
            number += 1
    return loss, measured, n_pairs


def train_group(job: Job, kept: Kept, a: int, b: int, alpha: float) -> tuple[float, int]:
    """Rows are those of places in the text: a word that occurs twice has two rows, each with an update of its own."""
    words = noise(job.alias_table, int(draw(job.settings.keys[2], kept.positions[a])[0]), None, job.n_noise)
    W, C = job.inputs.copy(), job.outputs.copy()
    offset = np.zeros(len(W)) if job.biases is None else job.biases - job.log_expected
    rows: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    columns: list[tuple[int, list[tuple[float, NDArray[np.float64]]]]] = [(kept.ids[t], []) for t in range(a, b)]
    columns += [(word, []) for word in words]
    loss, pairs = 0.0, 0
    for t in range(a, b):
        y = kept.ids[t]
        for place in [*range(t - kept.left[t], t), *range(t + 1, t + 1 + kept.right[t])]:
            x = kept.ids[place]
            pairs += 1
            outputs = [(t - a, y, 1.0, 1.0)]
            outputs += [(b - a + k, n, job.noise_weight, 0.0) for k, n in enumerate(words)]
            for column, o, weight, label in outputs:
                if label == 0 and job.remove_hits and o == y:
                    continue
                z = W[x] @ C[o] + offset[o]
                loss += weight * np.logaddexp(0, -z if label else z)
                step = alpha * weight * (label - sigmoid(z)) * (abs(z) < 30)
                rows.setdefault(place, []).append((step, C[o]))
                columns[column][1].append((step, W[x]))
    for word, steps in columns:
        job.outputs[word] += clipped(steps, W.shape[1])
        if job.biases is not None:
            job.biases[word] += np.clip(sum(step for step, _ in steps), -1, 1)
    for place, steps in rows.items():
        job.inputs[kept.ids[place]] += clipped(steps, W.shape[1])
    return loss, pairs


def clipped(steps: list[tuple[float, NDArray[np.float64]]], size: int) -> NDArray[np.float64]:
    """The sum of the steps, of length 1 at most where their coefficients sum up to more than one half."""
    update = sum((step * row for step, row in steps), np.zeros(size))
    if sum(abs(step) for step, _ in steps) <= 0.5:
        return update
    return update / max(1.0, np.linalg.norm(update))
