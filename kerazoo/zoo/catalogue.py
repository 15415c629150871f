"""`list_models` lists names of models, `model_card` describes a model."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from kerazoo._runtime.deprecation import warn_renamed
from kerazoo.cells.base import state_sizes_of
from kerazoo.cells.registry import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.builders import as_spec, build, build_cell, width_after
from kerazoo.zoo.head_spec import HeadSpec
from kerazoo.zoo.spec import LayerSpec, RNNSpec

__all__ = ["LayerCard", "ModelCard", "card", "list_models", "model_card"]

# The networks of the 2017 examples, by their current names.
_CLASSIC = ("rnn_1x100_relu", "lstm_1x100_relu", "rnn_3x100", "lstm_3x100", "gru_1x100", "lstm64-gru32_seq2one")


@dataclass(frozen=True)
class LayerCard:
    """Description of one recurrent layer.

    Attributes:
        title: str, of the cell.
        paper: str.
        states: widths of the states, of both directions if the layer is bidirectional.
        linear: bool, the steps can run in parallel.
        fused: backends on which Keras can run it with a fused kernel on an accelerator.
        why_not_fused: str, why there is none, or "".
    """

    title: str
    paper: str
    states: tuple[int, ...]
    linear: bool
    fused: tuple[str, ...]
    why_not_fused: str


@dataclass(frozen=True)
class ModelCard:
    """Description of a model; printed, it is a table.

    Attributes:
        name: str.
        spec: RNNSpec.
        parameters: int, number of trainable weights.
        fixed: int, number of weights that are not trained (a reservoir, the memory of an LMU).
        receptive_field: str, the inputs that an output depends on.
        layers: one LayerCard per layer.
        scores: measured scores by data set, such as {"sine": {"mse": 1e-4, ...}}; {} if none were measured.
    """

    name: str
    spec: RNNSpec
    parameters: int
    fixed: int
    receptive_field: str
    layers: tuple[LayerCard, ...]
    scores: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            self.name,
            f"  parameters       {self.parameters:,}" + (f" and {self.fixed:,} fixed" if self.fixed else ""),
            f"  output           {'for every step' if self.spec.returns == 'sequence' else 'for the sequence'}"
            f", {_output_words(self.spec)}",
            f"  receptive field  {self.receptive_field}",
        ]
        for number, (layer, of) in enumerate(zip(self.layers, self.spec.layers, strict=True), start=1):
            lines += [
                f"  layer {number}          {of.cell} of {of.units} units: {layer.title}",
                f"    paper          {layer.paper}",
                f"    states         {', '.join(map(str, layer.states))}",
                f"    parallel form  {'yes' if layer.linear else 'no'}",
                f"    fused path     {_fused_words(layer)}",
            ]
        for data, values in self.scores.items():
            shown = ", ".join(f"{key} {value:.3g}" for key, value in values.items())
            lines.append(f"  {data:<16} {shown}")
        return "\n".join(lines)


def _output_words(spec: RNNSpec) -> str:
    """What a model returns: steps ahead, or probabilities; of each head if there are several."""
    if spec.heads is None:
        heads: dict[str, HeadSpec] = {"": HeadSpec(classes=spec.classes, horizon=spec.horizon)}
    else:
        heads = {f"{name}: ": head for name, head in spec.heads.items()}
    words = []
    for name, head in heads.items():
        ahead = f"{head.horizon} step{'s' if head.horizon > 1 else ''} ahead"
        words.append(name + (ahead if head.classes is None else f"probabilities of {head.classes} classes"))
    return "; ".join(words)


def _fused_words(layer: LayerCard) -> str:
    return f"on a GPU, with {', '.join(layer.fused)}" if layer.fused else f"no: {layer.why_not_fused}"


def _names() -> Iterator[str]:
    yield from _CLASSIC
    for cell in list_cells():
        stamps = "_timestamps" if cell_info(cell).needs_timestamps else ""
        for form in ("{}_1x32", "{}_1x100", "{}_2x64", "{}_3x100", "bi{}_1x64", "{}_1x32_seq2one"):
            yield form.format(cell) + stamps
        if cell_info(cell).layer == "cell":
            yield f"{cell}_2x64_residual{stamps}"


def list_models(pattern: str = "*") -> list[str]:
    """Names of common models that match a shell pattern, sorted. Any other valid name can be built too.

    Args:
        pattern: shell pattern, such as `"*lstm*"`.

    >>> list_models("gru_*x100")
    ['gru_1x100', 'gru_3x100']
    """
    return sorted({name for name in _names() if fnmatch.fnmatchcase(name, pattern)})


@cache
def _scores() -> dict[str, Any]:
    """Measured scores by name of a model: written by `python -m benchmarks.questions.recurrent_scores`."""
    text = resources.files("kerazoo.zoo").joinpath("scores.json").read_text()
    return dict(json.loads(text)["models"])


def model_card(spec_or_name: RNNSpec | str) -> ModelCard:
    """Describe a model: parameters, states, receptive field, fused path, paper, measured scores.

    Args:
        spec_or_name: an `RNNSpec`, or a name.

    Raises:
        InvalidArgumentError: an unknown name or cell.

    >>> card = model_card("lstm_1x100_relu")
    >>> card.parameters, card.layers[0].states, card.layers[0].why_not_fused
    (40901, (100, 100), 'the activation is relu; a fused lstm has tanh.')
    """
    spec = as_spec(spec_or_name)
    model = build(spec)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    fixed = sum(math.prod(weight.shape) for weight in model.non_trainable_weights if "seed" not in weight.path)
    both = any(layer.bidirectional for layer in spec.layers)
    reach = "all steps of the input, including later ones" if both else "all steps up to its own"
    if spec.lookback is not None:
        reach += f", at most {spec.lookback}"
    cards, width = [], (spec.embedding or spec.features) + spec.static
    for layer in spec.layers:
        cards.append(_layer_card(layer, spec, width))
        width = width_after(layer, width)
    try:
        name = spec.name
    except InvalidArgumentError:  # several heads, or an option that no name can express
        name = spec.to_json()
    scores = dict(_scores().get(name, {}))
    return ModelCard(
        spec_or_name if isinstance(spec_or_name, str) else name, spec, trained, fixed, reach, tuple(cards), scores
    )


def card(spec_or_name: RNNSpec | str) -> ModelCard:
    """Deprecated; use :func:`model_card`."""
    warn_renamed("zoo.card", "zoo.model_card")
    return model_card(spec_or_name)


def _layer_card(layer: LayerSpec, spec: RNNSpec, width: int) -> LayerCard:
    """The card of a layer whose input has `width` features."""
    info = cell_info(layer.cell)
    why = layer.why_not_fused()
    if not why and spec.timestamps:
        why = "time stamps accompany the steps, which a fused layer does not accept."
    if info.layer == "convolution":
        states: tuple[int, ...] = (width * layer.units,) * 2
        linear = False
    else:
        cell = build_cell(layer, width, timestamps=spec.timestamps)
        states, linear = tuple(state_sizes_of(cell)), bool(getattr(cell, "linear", False))
    return LayerCard(
        title=info.title,
        paper=info.paper,
        states=states * (2 if layer.bidirectional else 1),
        linear=linear,
        fused=() if why else info.fused,
        why_not_fused=why,
    )
