"""Names of models: a grammar that a person can read and write, parsed to the fields of an `RNNSpec` and formatted back.

::

    name    = group { "-" group } { "_" model option }
    group   = [ "bi" ] cell size [ "[" option "=" value { "," option "=" value } "]" ] { "_" layer option }
    size    = "_" layers "x" units | units

    lstm_3x100_relu                three LSTM layers of 100 units with relu
    bigru_2x64_residual            two bidirectional GRU layers with residual connections
    lstm64-gru32_seq2one           an LSTM layer, then a GRU layer; one output for the whole sequence
    lmu_1x32[order=8,theta=12]     arguments of the cell
    gru_1x64_v5000_e32_nce         a token model: 5000 words, embedded in 32 dimensions, NCE head

A layer option applies to the group that it follows:

    relu, tanh, ...                activation of the cell
    residual, highway              connection around each layer, with an input projection where the widths differ
    strictresidual, stricthighway  the same without the projection: the widths must be equal
    attention5                     attention over the last five outputs
    proj32, inproj32               output projection, input projection
    dropin10, dropout10, dropstate10   dropout of inputs, outputs, states: 10 %
    variational                    one dropout mask for all steps
    fused, loop                    require Keras's fused layer; require the loop over the steps

Model options come last:

    seq2seq, seq2one               an output for every step (the default), or one for the sequence
    f3, o2, h12, t30               features, outputs, horizon, lookback (steps of the input)
    v5000, e64                     vocabulary, width of the embedding
    softmax, nce, sampledsoftmax, nohead   head; a dense layer by default
    outsigmoid, outrelu, ...       activation of the output
    classes5                       a probability for each of five classes
    s3                             a second input of three features that do not change over the sequence
    timestamps                     the last feature of the input is the time
    masked                         padded steps are skipped: id 0 of words, steps of a series that are all NaN
    states                         the states of all layers are returned too

The functions of this module know the fields by name only: they exchange the plain values of `RNNSpec.to_dict()`.
:attr:`kerazoo.zoo.RNNSpec.name` and :meth:`kerazoo.zoo.RNNSpec.from_name` call them.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kerazoo.cells.registry import known_names, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.hints import Words, nearest_name

__all__ = ["ACTIVATIONS", "format_name", "parse_name", "words_of"]

#: Activations that a name can contain: those of Keras that map a number to a number.
ACTIVATIONS = (
    "relu", "tanh", "sigmoid", "linear", "elu", "selu", "gelu", "silu", "softplus", "softsign", "leaky_relu",
    "hard_sigmoid", "exponential", "mish", "relu6",
)  # fmt: skip
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
    "masked": ("masked", True),
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
    "s": ("static", int),
    "classes": ("classes", int),
}
_LONGEST = 2000  # characters of a name,
_LONGEST_TO_CORRECT = 200  # and of one that a near name is looked for: that takes the square of its length
_MOST_LAYERS = 1000
_NUMBERED = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_GROUP = re.compile(
    r"(?P<head>[a-z0-9]+)(?:_(?P<layers>\d+)x(?P<units>\d+))?(?P<options>\[[^\]]*\])?(?P<rest>(?:_[^_\[\]]+)*)"
)


def parse_name(name: str) -> dict[str, Any]:
    """Parse a name.

    Args:
        name: str, see the grammar at the top of this module.

    Returns:
        The fields of an `RNNSpec` that the name states, as in `RNNSpec.to_dict()`: `layers` is a list of the fields of
        each `LayerSpec`.

    Raises:
        InvalidArgumentError: the name does not follow the grammar. The message says where, and suggests a word.

    >>> parse_name("bigru64_residual_f3")["layers"]
    [{'cell': 'gru', 'units': 64, 'bidirectional': True, 'residual': 'project'}]
    >>> parse_name("lstm_2x8_f3")["features"]
    3
    """
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(f"name={name!r}; expected a name such as 'lstm_2x64' or 'bigru_1x32_seq2one'.")
    if len(name) > _LONGEST:
        raise InvalidArgumentError(
            f"name={name[:60]!r}...: {len(name):,} characters; expected at most {_LONGEST:,}. RNNSpec takes any layers."
        )
    try:
        return _parse(name)
    except InvalidArgumentError as error:
        # The message may suggest a word already. A whole name is better, unless it is a guess, too.
        near = _near(name) or ("" if "Did you mean" in str(error) else _near(name, misspelt=True))
        if not near:
            raise
        message = re.sub(r" Did you mean '[^']*'\?$", "", str(error))
        raise InvalidArgumentError(f"{message} Did you mean {near!r}?") from None


def _near(name: str, misspelt: bool = False) -> str:
    """A name that can be read, near one that cannot, or ""."""
    if len(name) > _LONGEST_TO_CORRECT:
        return ""
    words = Words(
        tuple(known_names()), tuple(_LAYER_WORDS), tuple(_LAYER_NUMBERS), tuple(_MODEL_WORDS), tuple(_MODEL_NUMBERS)
    )
    near = nearest_name(name, words, misspelt)
    try:
        _parse(near)
    except InvalidArgumentError:
        return ""
    return near


def _parse(name: str) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    model: dict[str, Any] = {}
    groups = _split(name)
    for number, text in enumerate(groups):
        layers.extend(_parse_group(name, text, number == len(groups) - 1, model))
        if len(layers) > _MOST_LAYERS:
            raise InvalidArgumentError(
                f"name={name!r}: more than {_MOST_LAYERS:,} layers; expected at most as many. RNNSpec takes any number."
            )
    return {"layers": layers, **model}


def _split(name: str) -> list[str]:
    """Split a name into groups at each "-" outside of brackets."""
    groups, depth, start = [], 0, 0
    for index, character in enumerate(name):
        depth += (character == "[") - (character == "]")
        if character == "-" and depth == 0:
            groups.append(name[start:index])
            start = index + 1
    return [*groups, name[start:]]


def _parse_group(name: str, text: str, last: bool, model: dict[str, Any]) -> list[dict[str, Any]]:
    """Parse one group. The layers are returned; model options are put into `model`, which only the last group may."""
    found = _GROUP.fullmatch(text)
    if found is None:
        raise InvalidArgumentError(
            f"name={name!r}: cannot read {text!r}; expected CELL_LAYERSxUNITS or CELLUNITS, then options, each "
            "after '_', such as 'lstm_2x64' or 'gru32_relu'."
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
    if int(n_layers) > _MOST_LAYERS:
        raise InvalidArgumentError(
            f"name={name!r}: {n_layers} layers; expected at most {_MOST_LAYERS:,}. RNNSpec takes any number."
        )
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
    return [dict(layer) for _ in range(int(n_layers))]


def _cell_of(name: str, head: str) -> tuple[bool, str, str]:
    """(bidirectional, cell, rest): the longest name of a cell that `head` starts with, and what follows it."""
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
    word = head.rstrip("0123456789") or head
    names = sorted(known_names())
    # "bigur" is closer to "bigru" than to any name of a cell.
    prefix = "bi" if word.startswith("bi") else ""
    rest = word[len(prefix) :]
    swapped = [each for each in names if sorted(each) == sorted(rest)]  # "gur", which is as close to "mgu" as to "gru"
    near = [prefix + match for match in swapped or difflib.get_close_matches(rest, names, n=1)]
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return InvalidArgumentError(
        f"name={name!r}: unknown cell {word!r}; expected one of {', '.join(list_cells())}, after 'bi' for a "
        f"bidirectional layer.{guess}"
    )


def _parse_word(name: str, word: str) -> tuple[str, Any, bool]:
    """(field, value, whether it is a field of the layer)."""
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
                f"name={name!r}: cannot read {part!r}; expected OPTION=VALUE, such as [order=8,theta=12]."
            )
        options[key.strip()] = _value(value.strip())
    return options


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for convert in (int, float):
        try:
            number = convert(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text  # NaN is not equal to itself, and JSON has neither
    return text


def format_name(fields: Mapping[str, Any]) -> str:
    """Format the fields of a spec as a name; :func:`parse_name` is the inverse.

    Args:
        fields: plain values, as `RNNSpec.to_dict()` returns them: fields that have their default are missing.

    Raises:
        InvalidArgumentError: several heads, or an option of a cell that no name can express.

    >>> format_name({"layers": [{"cell": "lstm", "units": 64}, {"cell": "gru", "units": 32}], "returns": "last"})
    'lstm64-gru32_seq2one'
    """
    if "heads" in fields:
        raise InvalidArgumentError(
            f"heads={list(fields['heads'])}; expected one head, as no name can express several. Use to_json()."
        )
    groups: list[tuple[Mapping[str, Any], int]] = []
    for layer in fields["layers"]:
        if groups and groups[-1][0] == layer:
            groups[-1] = (layer, groups[-1][1] + 1)
        else:
            groups.append((layer, 1))
    parts = [_format_group(layer, count, len(groups) == 1) for layer, count in groups]
    return "_".join(["-".join(parts), *_format_model(fields)])


def _format_group(layer: Mapping[str, Any], count: int, alone: bool) -> str:
    cell, units = layer["cell"], layer["units"]
    # "s58" would be read as the cell "s58": behind a digit the units need "_1x".
    short = count == 1 and not alone and not cell[-1].isdigit()
    text = ("bi" if layer.get("bidirectional") else "") + (f"{cell}{units}" if short else f"{cell}_{count}x{units}")
    if layer.get("options"):
        text += "[" + ",".join(f"{key}={_format_value(value)}" for key, value in layer["options"].items()) + "]"
    words = []
    for word, (field, value) in _LAYER_WORDS.items():
        if layer.get(field) == value and type(layer.get(field)) is type(value):
            words.append(word)
    for stem, (field, convert) in _LAYER_NUMBERS.items():
        number = layer.get(field)
        if number:
            words.append(f"{stem}{_percent_text(number) if convert is _percent else number}")
    return "_".join([text, *words])


def _percent_text(number: float) -> str:
    """The percentage that is read as `number`."""
    exact = f"{Decimal(repr(float(number))) * 100:f}"
    for text in (*(f"{number * 100:.{digits}g}" for digits in range(1, 18)), exact.rstrip("0").rstrip(".")):
        if re.fullmatch(r"\d+(?:\.\d+)?", text) and _percent(text) == number:
            return text
    raise InvalidArgumentError(
        f"a dropout of {number!r}; expected a percentage, as no name can express it. Use to_json()."
    )


def _format_value(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9.+-]+(?:_[A-Za-z0-9.+-]+)*", text) or _value(text) != value:
        raise InvalidArgumentError(
            f"an option of a cell is {value!r}; expected a number or a word, as no name can express it. Use to_json()."
        )
    return text


def _format_model(fields: Mapping[str, Any]) -> list[str]:
    words = ["seq2one"] if fields.get("returns") == "last" else []
    words += [f"{stem}{fields[field]}" for stem, (field, _) in _MODEL_NUMBERS.items() if field in fields]
    for word, (field, value) in _MODEL_WORDS.items():
        if field != "returns" and fields.get(field) == value:
            words.append(word)
    return words


def words_of(field: str) -> list[str]:
    """The words of a name that set a field of `LayerSpec` or `RNNSpec`; a number is shown as N.

    >>> words_of("residual"), words_of("lookback")
    (['residual', 'strictresidual'], ['tN'])
    """
    numbers = [f"{stem}N" for stem, (of, _) in {**_LAYER_NUMBERS, **_MODEL_NUMBERS}.items() if of == field]
    return numbers + [word for word, (of, _) in {**_LAYER_WORDS, **_MODEL_WORDS}.items() if of == field]
