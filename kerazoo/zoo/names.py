"""Names of models: a grammar that a person can read and write, to an `RNNSpec` and back.

::

    name    = group { "-" group } { "_" model option }
    group   = [ "bi" ] cell ( "_" layers "x" units | units ) [ "[" option "=" value { "," ... } "]" ] { "_" layer
    option }

    lstm_3x100_relu                three LSTM layers of 100 units with relu
    bigru_2x64_residual            two bidirectional GRU layers with residual connections
    lstm64-gru32_seq2one           an LSTM layer under a GRU layer; one output for the whole sequence
    lmu_1x32[order=8,theta=12]     arguments of the cell
    gru_1x64_v5000_e32_nce         a token model: 5000 words, embedded in 32 dimensions, NCE head

A layer option belongs to the group that it follows:

    relu, tanh, ...                activation of the cell
    residual, highway              connection around each layer, with an input projection where the widths differ
    strictresidual, stricthighway  the same without: the widths must be equal
    attention5                     attention over the last five outputs
    proj32, inproj32               output and input projection
    dropin10, dropout10, dropstate10   dropout of inputs, outputs, states: 10 %
    variational                    one dropout mask for all steps
    fused, loop                    insist on Keras's fused layer; insist on the loop over the steps

Model options come last:

    seq2seq, seq2one               an output for every step (the default), or one
    f3, o2, h12, t30               features, outputs, horizon, lookback (steps of the input)
    v5000, e64                     vocabulary, width of the embedding
    softmax, nce, sampledsoftmax, nohead   head; a dense layer unless said
    outsigmoid, outrelu, ...       activation of the output
    timestamps                     the last feature of the input is the time
    states                         the states of all layers are returned too
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.spec import ACTIVATIONS, LayerSpec, RNNSpec

__all__ = ["format_name", "parse_name"]

_WORD_OF = {name: name.replace("_", "") for name in ACTIVATIONS}
_LAYER_WORDS: dict[str, tuple[str, Any]] = {
    **{word: ("activation", name) for name, word in _WORD_OF.items()},
    "residual": ("residual", "project"),
    "highway": ("highway", "project"),
    "strictresidual": ("residual", True),
    "stricthighway": ("highway", True),
    "variational": ("variational", True),
    "fused": ("fused", True),
    "loop": ("fused", False),
}
_MODEL_WORDS: dict[str, tuple[str, Any]] = {
    "seq2seq": ("returns", "sequence"),
    "seq2one": ("returns", "last"),
    "softmax": ("head", "softmax"),
    "nce": ("head", "nce"),
    "sampledsoftmax": ("head", "sampled_softmax"),
    "nohead": ("head", "none"),
    "timestamps": ("timestamps", True),
    "states": ("return_states", True),
    **{f"out{word}": ("output_activation", name) for name, word in _WORD_OF.items()},
    "outsoftmax": ("output_activation", "softmax"),
}


def _percent(text: str) -> float:
    return float(text) / 100


_LAYER_NUMBERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "attention": ("attention", int),
    "proj": ("projection", int),
    "inproj": ("input_projection", int),
    "dropin": ("input_dropout", _percent),
    "dropout": ("output_dropout", _percent),
    "dropstate": ("state_dropout", _percent),
}
_MODEL_NUMBERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "f": ("features", int),
    "o": ("outputs", int),
    "h": ("horizon", int),
    "t": ("lookback", int),
    "v": ("vocabulary", int),
    "e": ("embedding", int),
}
_NUMBERED = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_GROUP = re.compile(
    r"(?P<head>[a-z0-9]+)(?:_(?P<layers>\d+)x(?P<units>\d+))?(?P<options>\[[^\]]*\])?(?P<rest>(?:_[^_\[\]]+)*)"
)


def parse_name(name: str, **changes: Any) -> RNNSpec:
    """The spec of a name.

    Args:
        name: see the grammar at the top of this module.
        **changes: fields of `RNNSpec` that replace those of the name.

    Raises:
        InvalidArgumentError: the name does not fit the grammar; it says where, and the nearest word that would.

    >>> spec = parse_name("bigru_2x64_residual")
    >>> [layer.units for layer in spec.layers], spec.layers[0].bidirectional
    ([64, 64], True)
    """
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(f"name={name!r}; expected a name as 'lstm_2x64' or 'bigru_1x32_seq2one'.")
    layers: list[LayerSpec] = []
    model: dict[str, Any] = {}
    groups = _split(name)
    for number, text in enumerate(groups):
        layers.extend(_parse_group(name, text, number == len(groups) - 1, model))
    return RNNSpec(**{"layers": tuple(layers), **model, **changes})


def _split(name: str) -> list[str]:
    """Groups of a name: cut at "-" outside of brackets."""
    groups, depth, start = [], 0, 0
    for place, character in enumerate(name):
        depth += (character == "[") - (character == "]")
        if character == "-" and depth == 0:
            groups.append(name[start:place])
            start = place + 1
    return [*groups, name[start:]]


def _parse_group(name: str, text: str, last: bool, model: dict[str, Any]) -> list[LayerSpec]:
    found = _GROUP.fullmatch(text)
    if found is None:
        raise InvalidArgumentError(
            f"name={name!r}: cannot read {text!r}; expected CELL_LAYERSxUNITS or CELLUNITS, then options, each "
            "after '_': 'lstm_2x64', 'gru32_relu'."
        )
    head, n_layers, units = found["head"], found["layers"], found["units"]
    bidirectional, cell, rest = _cell_of(name, head)
    if units is None:
        if not rest.isdigit():
            raise InvalidArgumentError(
                f"name={name!r}: {head!r} has no units; expected {head}_1x64, or {head}64 for one layer."
            )
        n_layers, units = "1", rest
    elif rest:
        raise _unknown_cell(name, head)
    if int(n_layers) < 1 or int(units) < 1:
        raise InvalidArgumentError(f"name={name!r}: {n_layers} layers of {units} units; expected at least one of each.")
    layer: dict[str, Any] = {"cell": cell, "units": int(units), "bidirectional": bidirectional}
    if found["options"]:
        layer["options"] = _parse_options(name, found["options"][1:-1])
    for word in found["rest"].split("_")[1:]:
        field, value, of_layer = _parse_word(name, word)
        if of_layer:
            layer[field] = value
        elif last:
            model[field] = value
        else:
            raise InvalidArgumentError(f"name={name!r}: {word!r} is an option of the model; expected it at the end.")
    return [LayerSpec(**layer)] * int(n_layers)


def _cell_of(name: str, head: str) -> tuple[bool, str, str]:
    """(bidirectional, cell, what follows the cell's name): the longest name of a cell that `head` begins with."""
    from kerazoo.cells.registry import known_names

    known = known_names()
    found: tuple[bool, str, str] | None = None
    longest = 0
    for bidirectional in (False, True):
        text = head[2:] if bidirectional else head
        if bidirectional and not head.startswith("bi"):
            continue
        for known_name, cell in known.items():
            rest = text[len(known_name) :]
            if text.startswith(known_name) and (rest == "" or rest.isdigit()) and len(known_name) > longest:
                found, longest = (bidirectional, cell, rest), len(known_name)
    if found is None:
        raise _unknown_cell(name, head)
    return found


def _unknown_cell(name: str, head: str) -> InvalidArgumentError:
    from kerazoo.cells.registry import known_names, list_cells

    word = head.rstrip("0123456789") or head
    names = sorted(known_names())
    # "bigur" is nearer to "bigru" than to any cell alone.
    prefix = "bi" if word.startswith("bi") else ""
    near = [prefix + match for match in difflib.get_close_matches(word[len(prefix) :], names, n=1)]
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return InvalidArgumentError(
        f"name={name!r}: unknown cell {word!r}; expected one of {', '.join(list_cells())}, with 'bi' in front for both "
        f"directions.{guess}"
    )


def _parse_word(name: str, word: str) -> tuple[str, Any, bool]:
    """(field, value, whether it is a layer's)."""
    for words, of_layer in ((_LAYER_WORDS, True), (_MODEL_WORDS, False)):
        if word in words:
            return (*words[word], of_layer)
    numbered = _NUMBERED.fullmatch(word)
    for numbers, of_layer in ((_LAYER_NUMBERS, True), (_MODEL_NUMBERS, False)):
        if numbered and numbered[1] in numbers:
            field, convert = numbers[numbered[1]]
            try:
                return field, convert(numbered[2]), of_layer
            except ValueError:
                break
    stems = [*_LAYER_NUMBERS, *_MODEL_NUMBERS]
    stem = word.rstrip("0123456789.")
    digits = word[len(stem) :]
    near = difflib.get_close_matches(word, [*_LAYER_WORDS, *_MODEL_WORDS], n=1) or [
        match + (digits or "10") for match in difflib.get_close_matches(stem, stems, n=1)
    ]
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise InvalidArgumentError(
        f"name={name!r}: unknown option {word!r}; expected one of {', '.join(sorted(_LAYER_WORDS))}; "
        f"{', '.join(f'{stem}N' for stem in stems)}; {', '.join(sorted(_MODEL_WORDS))}.{guess}"
    )


def _parse_options(name: str, text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise InvalidArgumentError(
                f"name={name!r}: cannot read {part!r}; expected OPTION=VALUE, as [order=8,theta=12]."
            )
        options[key.strip()] = _value(value.strip())
    return options


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def format_name(spec: RNNSpec) -> str:
    """The name of a spec; `parse_name` gives the spec back.

    >>> format_name(parse_name("lstm64-gru32_seq2one"))
    'lstm64-gru32_seq2one'
    """
    groups: list[tuple[LayerSpec, int]] = []
    for layer in spec.layers:
        if groups and groups[-1][0] == layer:
            groups[-1] = (layer, groups[-1][1] + 1)
        else:
            groups.append((layer, 1))
    parts = [_format_group(layer, count, len(groups) == 1) for layer, count in groups]
    return "_".join(["-".join(parts), *_format_model(spec)])


def _format_group(layer: LayerSpec, count: int, alone: bool) -> str:
    cell = ("bi" if layer.bidirectional else "") + layer.cell
    short = count == 1 and not alone and not layer.cell[-1].isdigit()
    text = f"{cell}{layer.units}" if short else f"{cell}_{count}x{layer.units}"
    if layer.options:
        text += "[" + ",".join(f"{key}={_format_value(value)}" for key, value in layer.options.items()) + "]"
    words = []
    for word, (field, value) in _LAYER_WORDS.items():
        if getattr(layer, field) == value and type(getattr(layer, field)) is type(value):
            words.append(word)
    for stem, (field, convert) in _LAYER_NUMBERS.items():
        value = getattr(layer, field)
        if value:
            words.append(f"{stem}{value * 100 if convert is _percent else value:.12g}")
    return "_".join([text, *words])


def _format_value(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9.+-]+(?:_[A-Za-z0-9.+-]+)*", text) or _value(text) != value:
        raise InvalidArgumentError(f"an option of a cell is {value!r}, which no name can hold. Use to_json().")
    return text


def _format_model(spec: RNNSpec) -> list[str]:
    words = []
    if spec.returns == "last":
        words.append("seq2one")
    defaults = {"features": 1, "outputs": 1, "horizon": 1, "lookback": None, "vocabulary": None, "embedding": None}
    for stem, (field, _) in _MODEL_NUMBERS.items():
        if getattr(spec, field) != defaults[field]:
            words.append(f"{stem}{getattr(spec, field)}")
    for word, (field, value) in _MODEL_WORDS.items():
        if field != "returns" and getattr(spec, field) == value:
            words.append(word)
    return words
