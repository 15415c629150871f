"""Reference of `kerazoo_ext._word2vec`: the groups of a segment of text, trained one after the other in float64."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.references.random import draw
from tests.references.tokens import Kept, Settings, kept_tokens, noise

CHUNK = 256


@dataclass
class Job:
    """The arguments of the kernel, see `kerazoo_ext/_word2vec.pyi`; the tables are float64 and are changed."""

    settings: Settings
    alias_table: NDArray[np.uint64]
    inputs: NDArray[np.float64]
    outputs: NDArray[np.float64]
    biases: NDArray[np.float64] | None
    log_expected: NDArray[np.float64] | None
    nodes: NDArray[np.float64] | None
    path_offsets: NDArray[np.int64] | None
    paths: NDArray[np.int32] | None
    cbow: bool
    mean: bool
    group: int
    n_noise: int
    noise_weight: float
    remove_hits: bool
    measured_every: int
    alpha: float
    min_alpha: float
    words_before: int
    words: int
    parts: list[list[int]] | None = None  # rows of `inputs` for each word, with subwords
    span: int = 1
    softmax: bool = False
    logit_offset: float = 0.0
    halves: bool = False  # factors of products are rounded to bfloat16, as in the kernel where the CPU multiplies them


def half(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to bfloat16: 8 bits, to the nearest even one."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


def half_number(x: float) -> float:
    """The same for one number, without the overhead of arrays."""
    (bits,) = struct.unpack("I", struct.pack("f", x))
    return struct.unpack("f", struct.pack("I", (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000))[0]


def unchanged(x: float) -> float:
    return x


def segments(s: Settings, kept: Kept, begin: int, end: int) -> list[tuple[int, int, int]]:
    """(first, last, words done before) of the kept tokens that become final with each chunk of begin..end - 1."""
    found = []
    ready = int(np.searchsorted(kept.positions, begin))
    for stop in [*range(begin + CHUNK, len(s.ids), CHUNK), len(s.ids)]:
        n = int(np.searchsorted(kept.positions, stop))
        document = int(np.searchsorted(s.offsets, stop, side="right")) - 1
        if stop < len(s.ids) and s.offsets[document] < stop:  # the document continues: its last tokens are not final
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
    """Train the tables; returns the loss and the number of the measured pairs, and the number of all pairs."""
    s = job.settings
    kept = kept_tokens(s)
    loss, measured, n_pairs, number = 0.0, 0, 0, 0
    rows, composed = job.inputs, None
    for first, last, done in segments(s, kept, begin, end):
        rate = job.alpha - (job.alpha - job.min_alpha) * (job.words_before + done) / job.words
        alpha = max(rate, job.min_alpha)
        n_groups = -(-(last - first) // job.group)
        for g in range(n_groups):
            a, b = first + (last - first) * g // n_groups, first + (last - first) * (g + 1) // n_groups
            windows = [(t, contexts_of(kept, t)) for t in range(a, b)]
            if job.parts is not None and number % job.span == 0:
                scatter(job, rows, composed)
                composed = compose(job, rows)
                job.inputs = composed.copy()
            pairs = sum(bool(contexts) if job.cbow else len(contexts) for _, contexts in windows)
            group_loss = 0.0
            if job.n_noise:
                group_loss += train_group(job, kept, windows, alpha)
            if job.nodes is not None:
                group_loss += train_paths(job, kept, windows, alpha)
            n_pairs += pairs
            if number % job.measured_every == 0:
                loss, measured = loss + group_loss, measured + pairs
            number += 1
    scatter(job, rows, composed)
    job.inputs = rows
    return loss, measured, n_pairs


def compose(job: Job, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vectors of all words: means of their rows."""
    return np.array([rows[parts].mean(axis=0) for parts in job.parts])


def scatter(job: Job, rows: NDArray[np.float64], composed: NDArray[np.float64] | None) -> None:
    """Add the change of each word since it was composed to each of its distinct rows."""
    if composed is None:
        return
    for parts, change in zip(job.parts, job.inputs - composed, strict=True):
        for row in set(parts):
            rows[row] += change


def contexts_of(kept: Kept, t: int) -> list[int]:
    """Indices of the contexts of the centre at index `t`, among the kept tokens."""
    return [*range(t - kept.left[t], t), *range(t + 1, t + 1 + kept.right[t])]


# A row as a weighted sum of tokens: (index, weight). Every context is a row; CBOW has one row per centre.
Row = list[tuple[int, float]]


def rows_of(job: Job, ids: NDArray[np.int32], contexts: list[int]) -> list[tuple[Row, Row]]:
    """The rows of a window: the tokens that each is made of, and the shares of its error that they get."""
    if not job.cbow:
        return [([(index, 1.0)], [(index, 1.0)]) for index in contexts]
    if not contexts:
        return []
    n_rows = {index: 1.0 if job.parts is None else len(job.parts[ids[index]]) for index in contexts}
    share = 1 / sum(n_rows.values())
    made, given = (share, 1.0) if job.mean else (1.0, share)
    return [([(index, made * n_rows[index]) for index in contexts], [(index, given) for index in contexts])]


def train_group(job: Job, kept: Kept, windows: list[tuple[int, list[int]]], alpha: float) -> float:
    """Noise words of a group. A word that occurs twice in it has two rows, each with its own update."""
    n = len(windows)
    first = kept.positions[windows[0][0]]
    words = noise(job.alias_table, int(draw(job.settings.keys[2], first)[0]), None, job.n_noise)
    W, C = job.inputs.copy(), job.outputs.copy()
    C_halves = half(C) if job.halves else C
    rounded = half_number if job.halves else unchanged
    offset = np.full(len(C), job.logit_offset) if job.biases is None else job.biases - job.log_expected
    updates: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    columns: list[tuple[int, list[tuple[float, NDArray[np.float64]]]]] = [(kept.ids[t], []) for t, _ in windows]
    columns += [(word, []) for word in words]
    # Errors of a row with a noise word, which are one number for all of its pairs.
    noise_errors: dict[tuple[int, int], tuple[float, int, Row, NDArray[np.float64]]] = {}

    def add_noise(i: int, column: int, o: int, step: float, given: Row, x: NDArray[np.float64]) -> None:
        key = (n + i if job.cbow else -1 - given[0][0], column)
        noise_errors[key] = (noise_errors.get(key, (0.0,))[0] + step, o, given, x)

    loss = 0.0
    for i, (t, contexts) in enumerate(windows):
        y = kept.ids[t]
        for made, given in rows_of(job, kept.ids, contexts):
            x = sum(share * W[kept.ids[index]] for index, share in made)
            if job.softmax:
                loss += train_softmax(job, x, (i, y), [(n + k, o) for k, o in enumerate(words) if o != y], C, C_halves,
                                      offset, alpha, given, updates, columns, add_noise)  # fmt: skip
                continue
            x_halves = half(x) if job.halves else x
            outputs = [(i, y, 1.0, 1.0)]
            outputs += [(n + k, o, job.noise_weight, 0.0) for k, o in enumerate(words)]
            for column, o, weight, label in outputs:
                if label == 0 and job.remove_hits and o == y:
                    continue
                float32 = job.cbow and label  # the centres of CBOW have a product each
                z = (x @ C[o] if float32 else x_halves @ C_halves[o]) + offset[o]
                loss += weight * np.logaddexp(0, -z if label else z)
                step = alpha * weight * (label - sigmoid(z)) * (abs(z) < 30)
                if label == 0:
                    add_noise(i, column, o, step, given, x)
                    continue
                own = (step, C[o]) if float32 else (rounded(step), C_halves[o])
                for index, share in given:
                    updates.setdefault(index, []).append((share * own[0], own[1]))
                columns[column][1].append((step, x))
    for (_, column), (step, o, given, x) in noise_errors.items():
        for index, share in given:
            updates.setdefault(index, []).append((share * rounded(step), C_halves[o]))
        columns[column][1].append((step, x))
    for i, (word, steps) in enumerate(columns):
        # Those of centres are float32, except in skip-gram with logistic losses.
        halves = job.halves and (i >= n or not (job.cbow or job.softmax))
        job.outputs[word] += clipped(steps, W.shape[1], halves)
        if job.biases is not None:
            job.biases[word] += np.clip(sum(step for step, _ in steps), -1, 1)
    update_inputs(job, kept, updates)
    return loss


def train_softmax(job, x, true, others, C, C_halves, offset, alpha, given, updates, columns, add_noise):
    """One pair: the centre is one class, the noise words that do not equal it are the others."""
    classes = [true, *others]
    words = [word for _, word in classes]
    products = C_halves[words] @ (half(x) if job.halves else x)
    products[0] = x @ C[true[1]]  # the centre, in float32
    logits = (products + offset[words]).clip(-80, 30)
    shares = np.exp(logits) / np.exp(logits).sum()
    steps = alpha * (np.eye(len(classes))[0] - shares)
    for index, share in given:
        updates.setdefault(index, []).append((share * steps[0], C[true[1]]))
    columns[true[0]][1].append((steps[0], x))
    for (column, o), step in zip(others, steps[1:], strict=True):
        add_noise(true[0], column, o, step, given, x)
    return -np.log(shares[0])


def train_paths(job: Job, kept: Kept, windows: list[tuple[int, list[int]]], alpha: float) -> float:
    """Hierarchical softmax of a group: inputs are those before the group, nodes those before the window."""
    updates: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    loss, W = 0.0, job.inputs.copy()
    for t, contexts in windows:
        loss += train_path(job, kept, t, contexts, alpha, W, updates)
        if not job.cbow:  # what a window adds to a row is clipped by itself
            update_inputs(job, kept, updates)
            updates = {}
    update_inputs(job, kept, updates)
    return loss


def update_inputs(job: Job, kept: Kept, updates: dict[int, list[tuple[float, NDArray[np.float64]]]]) -> None:
    for index, steps in updates.items():
        job.inputs[kept.ids[index]] += clipped(steps, job.inputs.shape[1])


def train_path(job, kept, t, contexts, alpha, W, updates):
    """One window, computed from the nodes before it; adds what its contexts receive to `updates`."""
    path = job.paths[job.path_offsets[kept.ids[t]] : job.path_offsets[kept.ids[t] + 1]]
    N = job.nodes.copy()
    nodes: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    halves = job.halves and not job.cbow
    rounded, loss = half_number if halves else unchanged, 0.0
    N_halves = half(N) if halves else N
    for made, given in rows_of(job, kept.ids, contexts):
        x = sum(share * W[kept.ids[index]] for index, share in made)
        x = half(x) if halves else x
        for entry in path:
            node, label = entry >> 1, 1 - (entry & 1)
            z = x @ N_halves[node]
            loss += np.logaddexp(0, -z if label else z)
            step = alpha * (label - sigmoid(z)) * (abs(z) < 30)
            for index, share in given:
                updates.setdefault(index, []).append((share * rounded(step), N_halves[node]))
            nodes.setdefault(node, []).append((rounded(step), x))
    for node, steps in nodes.items():
        job.nodes[node] += clipped(steps, W.shape[1])
    return loss


def clipped(steps: list[tuple[float, NDArray[np.float64]]], size: int, halves: bool = False) -> NDArray[np.float64]:
    """The sum of the steps, clipped to length 1 where their coefficients sum to more than one half."""
    coefficients = np.array([step for step, _ in steps])
    rows = np.array([row for _, row in steps]).reshape(-1, size)
    if np.abs(coefficients).sum() <= 0.5:
        return half(coefficients) @ half(rows) if halves else coefficients @ rows
    update = coefficients @ rows
    return update / max(1.0, np.linalg.norm(update))
