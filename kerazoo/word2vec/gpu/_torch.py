"""The trainer for torch: subsampling, windows and noise drawn on the device, the steps of a call in one CUDA graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]
from numpy.typing import NDArray

from kerazoo.word2vec.keras.block_gradients import block_gradients, has_shared_softmax
from kerazoo.word2vec.keras.clipping import clip_rows

if TYPE_CHECKING:
    from kerazoo.word2vec.gpu.plan import DevicePlan
    from kerazoo.word2vec.keras.model import SkipGram

__all__ = ["TorchTrainer", "draw_noise", "lay_out"]

KEEP, RADIUS, NOISE = range(3)


class TorchTrainer:
    """See :class:`kerazoo.word2vec.gpu.training.Trainer`.

    The generator is seeded for each use by (seed, epoch, use, call), so a resumed training makes the same draws. (A GPU
    and a CPU draw different numbers from the same seed.)

    Args:
        model: its tables are trained in place.
        plan: the text and its division.
        kernels: whether to use the kernels of :mod:`kerazoo.word2vec.gpu.kernels`; None: on NVIDIA GPUs with Triton,
            for the losses that they support. True on a CPU needs Triton's interpreter (``TRITON_INTERPRET=1``), for
            tests.
        precision: of the kernels' products, "tf32", "bfloat16" or "float32"; None: tf32.
        warps: per program of the kernels.
        graph: whether the steps of a call are recorded as a CUDA graph, which launches them together; None: with the
            kernels on a GPU.
    """

    def __init__(
        self,
        model: SkipGram,
        plan: DevicePlan,
        kernels: bool | None = None,
        precision: str | None = None,
        warps: int = 4,
        graph: bool | None = None,
    ) -> None:
        self._model, self._plan = model, plan
        self._device = model.input_vectors.value.device
        self._ids = self._on_device(plan.ids)
        starts = torch.zeros(len(plan.ids) + 1, dtype=torch.int32, device=self._device)
        begins = self._on_device(plan.offsets[1:-1])
        starts.index_add_(0, begins, torch.ones_like(begins, dtype=torch.int32))
        self._docs = torch.cumsum(starts[:-1], 0, dtype=torch.int32)
        self._keep = self._on_device(plan.keep.astype(np.int64))
        thresholds, aliases = plan.alias_arrays()
        self._alias = (self._on_device(thresholds.astype(np.int64)), self._on_device(aliases))
        self._generator = torch.Generator(self._device)
        self._epoch = 0
        window = plan.window
        self._text = tuple(
            torch.zeros(n, dtype=torch.int32, device=self._device)
            for n in (plan.capacity + 2 * window, plan.capacity, plan.capacity)
        )
        shape = (plan.steps, plan.block_size // plan.group, plan.noise_per_group)
        self._noise = torch.zeros(shape, dtype=torch.int32, device=self._device)
        self._first = torch.zeros(1, dtype=torch.int32, device=self._device)
        self._rates = torch.zeros(plan.steps, dtype=torch.float32, device=self._device)
        if kernels is None:
            kernels = kernels_fit(model, plan, self._device)
        self._graph: Any = None
        self._wants_graph = kernels and self._device.type == "cuda" if graph is None else graph
        self._steps: Any = KernelSteps(self, precision or "tf32", warps) if kernels else None

    def _on_device(self, array: NDArray[Any]) -> Any:
        return torch.as_tensor(np.ascontiguousarray(array), device=self._device)

    def _seed(self, *key: int) -> None:
        state = np.random.SeedSequence(self._plan.seed, spawn_key=(self._epoch, *key)).generate_state(1, np.uint64)
        self._generator.manual_seed(int(state[0] >> np.uint64(1)))

    def start_epoch(self, epoch: int) -> int:
        """Draw the kept tokens and their windows; returns the number of kept tokens."""
        plan = self._plan
        self._epoch = epoch
        self._seed(KEEP)
        bits = torch.randint(0, 2**32, (len(plan.ids),), dtype=torch.int64, device=self._device,
                             generator=self._generator)  # fmt: skip
        self._seed(RADIUS)
        if plan.shrink_windows:
            radius = torch.randint(1, plan.window + 1, (plan.capacity,), dtype=torch.int32, device=self._device,
                                   generator=self._generator)  # fmt: skip
        else:
            radius = torch.full((plan.capacity,), plan.window, dtype=torch.int32, device=self._device)
        *text, n_kept = lay_out(self._ids, self._docs, bits <= self._keep[self._ids], radius, plan.window)
        for old, new in zip(self._text, text, strict=True):
            old.copy_(new)  # in place: a CUDA graph refers to arrays by their addresses
        return n_kept

    @torch.no_grad()
    def run(self, call: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Train the blocks of a call; returns sums of pair losses and numbers of pairs, float32 (S,) each."""
        model, plan = self._model, self._plan
        first = call * plan.steps
        done = self._epoch * plan.n_steps + first
        numbers = torch.arange(done, done + plan.steps, dtype=torch.float32, device=self._device)
        self._rates.copy_(model.optimizer._learning_rate(numbers))
        self._first.fill_(first)
        self._draw_noise(call)
        if self._steps is None:
            return self._plain_steps(first)
        if self._graph is not None:
            self._graph.replay()
        else:
            self._steps.run()
            if self._wants_graph:  # the first call compiled the kernels; recording does not run them
                self._graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self._graph):
                    self._steps.run()
        return self._steps.results()

    def redraw(self, call: int) -> tuple[NDArray[np.int32], ...]:
        """The data of a call, see :class:`kerazoo.word2vec.gpu.training.Trainer`."""
        plan = self._plan
        start, end = call * plan.steps * plan.block_size, (call + 1) * plan.steps * plan.block_size
        words, left, right = self._text
        self._draw_noise(call)
        drawn = (words[start : end + 2 * plan.window], left[start:end], right[start:end], self._noise)
        return tuple(np.array(keras.ops.convert_to_numpy(array)) for array in drawn)

    def _draw_noise(self, call: int) -> None:
        self._seed(NOISE, call)
        self._noise.copy_(draw_noise(self._alias, self._noise.shape, self._generator))

    def _plain_steps(self, first: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Train block by block with torch's own operations."""
        model, plan = self._model, self._plan
        tables = [model.input_vectors, model.output_vectors]
        if model.output_biases is not None:
            tables.append(model.output_biases)
        softmax = has_shared_softmax(model.loss_name)
        losses, pairs = [], []
        for step in range(plan.steps):
            start = (first + step) * plan.block_size
            left, right = (array[start : start + plan.block_size] for array in self._text[1:])
            words = self._text[0][start : start + plan.block_size + 2 * plan.window]
            block = {"places": words, "out_places": words[plan.window : plan.window + plan.block_size],
                     "noise_places": self._noise[step], "left": left, "right": right}  # fmt: skip
            offsets = None if model.output_biases is None else model.output_biases.value
            if model.log_noise is not None:
                correction = model.log_noise.value + np.log(plan.noise_per_group if softmax else plan.negative)
                offsets = -correction if offsets is None else offsets - correction
            if model.has_fixed_biases:
                rows = tables[1].value
                offsets = torch.full((len(rows),), model.fixed_offset(plan.negative), device=rows.device)
            sums = block_gradients(block, tables[0].value, tables[1].value, offsets, plan.negative, softmax,
                                   model.removes_hits)  # fmt: skip
            for table, gradient in zip(tables, (sums.inputs, sums.outputs, sums.offsets), strict=False):
                table.value.data.sub_(clip_rows(self._rates[step] * gradient, model.optimizer.clip))
            losses.append(sums.loss)
            pairs.append(sums.n_pairs)
        return _numpy(torch.stack(losses)), _numpy(torch.stack(pairs))


def kernels_fit(model: SkipGram, plan: DevicePlan, device: Any) -> bool:
    """Whether the kernels support this training, and the device can run them."""
    powers = all(n >= 16 and n & (n - 1) == 0 for n in (plan.group, plan.noise_per_group))
    logits_fit = (model.output_biases is None) == (model.log_noise is None)
    if device.type != "cuda" or torch.version.hip or model.loss_name == "sampled_softmax" or not powers:
        return False
    try:
        import triton  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:  # torch for Windows does not include it
        return False
    return logits_fit


def lay_out(ids: Any, docs: Any, kept: Any, radius: Any, window: int) -> tuple[Any, Any, Any, int]:
    """The kept tokens, concatenated with a halo of `window` zeros on both sides, and their windows.

    Args:
        ids: int32 (N,), words.
        docs: int32 (N,), the numbers of their documents.
        kept: bool (N,), whether subsampling keeps them.
        radius: int32 (capacity,), of the windows.
        window: int, w.

    Returns:
        words int32 (capacity + 2w,), left and right int32 (capacity,), 0 beyond the end, and the number of kept tokens.
    """
    capacity = len(radius)
    positions = torch.nonzero(kept).squeeze(1)
    n_kept = len(positions)
    positions = positions[:capacity]
    words = torch.zeros(capacity + 2 * window, dtype=torch.int32, device=ids.device)
    of = torch.full((capacity + 2 * window,), -1, dtype=torch.int32, device=ids.device)
    words[window : window + len(positions)] = ids[positions]
    of[window : window + len(positions)] = docs[positions]
    centre = of[window : window + capacity]

    def contexts(sign: int) -> Any:
        # Documents are contiguous, so the neighbours in the same document are the nearest ones.
        n = torch.zeros_like(radius)
        for offset in range(1, window + 1):
            start = window + sign * offset
            n += (of[start : start + capacity] == centre) & (centre >= 0)
        return torch.minimum(radius, n)

    return words, contexts(-1), contexts(1), n_kept


def draw_noise(alias: tuple[Any, Any], shape: Any, generator: Any) -> Any:
    """Draw words, int32, by Walker's alias method with the table thresholds int64 (V,), aliases int32 (V,)."""
    thresholds, aliases = alias
    device = thresholds.device
    column = torch.randint(0, len(thresholds), tuple(shape), dtype=torch.int64, device=device, generator=generator)
    bits = torch.randint(0, 2**32, tuple(shape), dtype=torch.int64, device=device, generator=generator)
    return torch.where(bits < thresholds[column], column.to(torch.int32), aliases[column])


class KernelSteps:
    """The steps of a call by the Triton kernels, on arrays with fixed addresses."""

    def __init__(self, trainer: TorchTrainer, precision: str, warps: int) -> None:
        from kerazoo.word2vec.gpu.kernels import _torch as kernel

        self._kernel, self._trainer, self._warps = kernel, trainer, warps
        model, plan = trainer._model, trainer._plan
        tables = [model.input_vectors.value.data, model.output_vectors.value.data]
        n_words, dimension = tables[0].shape
        device = tables[0].device
        self._biased = model.output_biases is not None
        nothing = torch.zeros(n_words, device=device)
        biases = model.output_biases
        self._tables = [*tables, nothing if biases is None else biases.value.data]
        self._correction = nothing
        if model.log_noise is not None:
            self._correction = model.log_noise.value.detach() + float(np.log(plan.negative))
        self._sums = [torch.zeros_like(table) for table in self._tables]
        self._owners = [torch.empty(n_words, dtype=torch.int32, device=device) for _ in range(2)]
        n_groups = plan.block_size // plan.group
        self._counts = [torch.zeros(plan.steps * n_groups, device=device) for _ in range(2)]
        self._cut = {"DIMENSION": dimension, "CHUNK": kernel.chunk_of(dimension), "SIZE": plan.block_size,
                     "WINDOW": plan.window}  # fmt: skip
        self._gradients = {
            "GROUP": plan.group, "N_NOISE": plan.noise_per_group, "BIASED": self._biased, "PRECISION": precision,
            "OFFSET": model.fixed_offset(plan.negative),
            "SPAN": kernel.power_of_two(plan.group + 2 * plan.window), "REMOVES_HITS": model.removes_hits,
        }  # fmt: skip
        self._n_groups, self._clip = n_groups, float(model.optimizer.clip)
        self._share = plan.negative / plan.noise_per_group

    def run(self) -> None:
        """Launch the kernels of all steps."""
        trainer, kernel, plan = self._trainer, self._kernel, self._trainer._plan
        inputs, outputs, biases = self._tables
        input_sums, output_sums, bias_sums = self._sums
        words = trainer._text[0]
        for owners in self._owners:
            owners.fill_(-1)
        n_inputs = plan.block_size + 2 * plan.window
        n_outputs = plan.block_size + self._n_groups * plan.noise_per_group
        for step in range(plan.steps):
            kernel.gradients[(self._n_groups,)](
                inputs, outputs, biases, self._correction, *trainer._text, trainer._noise, trainer._first,
                *self._sums, *self._owners, *self._counts, step, self._share, **self._cut, **self._gradients,
                num_warps=self._warps, num_stages=1,
            )  # fmt: skip
            kernel.update[(-(-n_inputs // kernel.ROWS),)](
                words, trainer._noise, trainer._first, trainer._rates, self._owners[0], inputs, input_sums,
                biases, bias_sums, step, self._clip, N_POSITIONS=n_inputs, OF_OUTPUTS=False, BIASED=False,
                ROWS=kernel.ROWS, **self._cut,
            )  # fmt: skip
            kernel.update[(-(-n_outputs // kernel.ROWS),)](
                words, trainer._noise, trainer._first, trainer._rates, self._owners[1], outputs, output_sums,
                biases, bias_sums, step, self._clip, N_POSITIONS=n_outputs, OF_OUTPUTS=True, BIASED=self._biased,
                ROWS=kernel.ROWS, **self._cut,
            )  # fmt: skip

    def results(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sums of pair losses and numbers of pairs of the last call, float32 (S,) each."""
        losses, counts = (_numpy(each.reshape(-1, self._n_groups).sum(dim=1)) for each in self._counts)
        return losses, counts


def _numpy(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)
