"""`RNNSpec` and `LayerSpec`: a recurrent model as plain values, with conversions to and from JSON and names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from kerazoo._validation import check_choice, check_dropout, check_flag, check_int
from kerazoo.cells.registry import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.head_spec import HeadSpec, checked_classes, checked_heads
from kerazoo.zoo.names import ACTIVATIONS, format_name, parse_name

__all__ = ["ACTIVATIONS", "HEADS", "HeadSpec", "LayerSpec", "RNNSpec"]

HEADS = ("dense", "softmax", "nce", "sampled_softmax", "none")
CONNECTIONS = (False, True, "project")


@dataclass(frozen=True)
class LayerSpec:
    """One recurrent layer: a cell and its wrappers.

    From the inside out: cell, output projection, attention, dropout, residual or highway connection, input projection.
    A bidirectional layer has all of them in both directions and concatenates the two outputs.

    Attributes:
        cell: str, name or alias of a cell (`kerazoo.cells.list_cells()`).
        units: int >= 1.
        activation: str or None (the cell's default).
        bidirectional: bool, run the layer in both directions; the output is twice as wide.
        input_dropout, output_dropout, state_dropout: float in [0, 1), percent in names. Linear cells take no state
            dropout.
        variational: bool, one dropout mask for all steps of a sequence.
        residual, highway: False; True (input and output must have the same width); or `"project"` (an input
            projection is added where the widths differ).
        attention: int >= 0, number of past outputs that attention reads; 0 is no attention.
        projection: int >= 1 or None, width of an output projection.
        input_projection: int >= 1 or None, width of an input projection.
        fused: `"auto"`: Keras's own layer where possible; True: an error where it is not; False: always the cell in a
            loop.
        options: further arguments of the cell.

    Raises:
        InvalidArgumentError: a value is out of range, or two values exclude each other.

    >>> LayerSpec("lstm", 64, bidirectional=True, projection=16).output_width()
    32
    """

    cell: str
    units: int
    activation: str | None = None
    bidirectional: bool = False
    input_dropout: float = 0.0
    output_dropout: float = 0.0
    state_dropout: float = 0.0
    variational: bool = False
    residual: bool | str = False
    highway: bool | str = False
    attention: int = 0
    projection: int | None = None
    input_projection: int | None = None
    fused: bool | str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        info = cell_info(self.cell)

        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("cell", info.name)
        put("units", check_int("units", self.units, hint="It is the width of the layer's output."))
        if self.activation is not None:
            check_choice("activation", self.activation, ACTIVATIONS)
            if not info.takes("activation"):
                raise InvalidArgumentError(
                    f"activation={self.activation!r}; expected None: {info.name} has no argument `activation`."
                )
        for name in ("bidirectional", "variational"):
            put(name, check_flag(name, getattr(self, name)))
        for name in ("input_dropout", "output_dropout", "state_dropout"):
            put(name, check_dropout(name, getattr(self, name)))
        for name in ("residual", "highway"):
            if getattr(self, name) not in CONNECTIONS:
                raise InvalidArgumentError(f"{name}={getattr(self, name)!r}; expected False, True or 'project'.")
        if self.residual and self.highway:
            raise InvalidArgumentError("residual and highway are both set; expected at most one of them per layer.")
        put("attention", check_int("attention", self.attention, 0, hint="0 is no attention."))
        for name in ("projection", "input_projection"):
            if getattr(self, name) is not None:
                put(name, check_int(name, getattr(self, name), hint="It is a width; None is no projection."))
        if self.fused not in ("auto", True, False):
            raise InvalidArgumentError(f"fused={self.fused!r}; expected 'auto', True or False.")
        if not isinstance(self.options, Mapping) or not all(isinstance(name, str) for name in self.options):
            raise InvalidArgumentError(f"options={self.options!r:.80}; expected a dict: argument of the cell -> value.")
        taken = sorted({"self", "name", "units"} & set(self.options))
        if taken:
            raise InvalidArgumentError(f"options has {', '.join(taken)}; expected further arguments of the cell only.")
        put("options", MappingProxyType(dict(self.options)))
        if self.state_dropout and info.linear:
            raise InvalidArgumentError(
                f"state_dropout={self.state_dropout}; expected 0: the state of {info.name} is a linear memory, "
                "which would grow without bound. Use input_dropout or output_dropout."
            )
        if info.layer == "convolution" and self.wrappers(dropout=False):
            raise InvalidArgumentError(
                f"{info.name} with {', '.join(self.wrappers(dropout=False))}; expected none: it is a layer of "
                "Keras, not a cell that can be wrapped. It can be bidirectional, with input and output dropout."
            )
        if self.fused is True:
            why = self.why_not_fused()
            if why:
                raise InvalidArgumentError(f"fused=True; expected 'auto' or False: {why}")

    def __hash__(self) -> int:
        # The generated hash would fail on the mapping `options`.
        return hash(json.dumps(self.to_dict(), sort_keys=True, default=str))

    def __reduce__(self) -> Any:
        # Copies and pickles: the options are a read-only view, which Python does not copy.
        return _layer_spec, (self.to_dict(),)

    def wrappers(self, dropout: bool = True) -> list[str]:
        """Names of the wrappers of the layer. Those other than input and output dropout exclude Keras's own layer."""
        names = ("projection", "attention", "residual", "highway", "input_projection", "state_dropout")
        found = [name for name in names if getattr(self, name)]
        if dropout:
            found += [name for name in ("input_dropout", "output_dropout") if getattr(self, name)]
        return found

    @property
    def plain(self) -> bool:
        """Whether Keras's own layer can replace the cell; input and output dropout are then separate layers."""
        return self.fused is not False and not self.wrappers(dropout=False) and not self.variational

    def why_not_fused(self) -> str:
        """Why the layer cannot use Keras's fused path on any backend, or "" if it can."""
        info = cell_info(self.cell)
        if not info.fused:
            fused = ", ".join(name for name in list_cells() if cell_info(name).fused)
            return f"Keras has fused paths for {fused}, not for {info.name}."
        if self.wrappers(dropout=False):
            wrappers = ", ".join(self.wrappers(dropout=False))
            return f"{wrappers} act inside the loop over the steps, which a fused layer does not expose."
        if self.variational and (self.input_dropout or self.output_dropout):
            return "variational dropout acts inside the loop over the steps, which a fused layer does not expose."
        if self.activation not in (None, "tanh"):
            return f"the activation is {self.activation}; a fused {info.name} has tanh."
        allowed: dict[str, Any] = {"recurrent_activation": "sigmoid", "use_bias": True, "reset_after": True}
        allowed.update(recurrent_dropout=0, dropout=0)
        for name, needed in allowed.items():
            if self.options.get(name, needed) != needed:
                return f"{name}={self.options[name]!r}; a fused {info.name} needs {needed!r}."
        if self.fused is False:
            return "fused=False was given."
        return ""

    def output_width(self) -> int:
        """Number of features of the layer's output, without the time stamp."""
        width = self.projection or cell_info(self.cell).output_size(self.units, **self.cell_options())
        return (2 if self.bidirectional else 1) * width

    def cell_options(self) -> dict[str, Any]:
        """Arguments of the cell, including the activation."""
        return {**self.options, **({} if self.activation is None else {"activation": self.activation})}

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain values."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            value = dict(value) if each.name == "options" else value
            if each.name in ("cell", "units") or (value != each.default and value != {}):
                found[each.name] = value
        return found


def _layer_spec(values: Mapping[str, Any]) -> LayerSpec:
    return LayerSpec(**values)


@dataclass(frozen=True)
class RNNSpec:
    """A recurrent model: layers, input and output.

    Attributes:
        layers: LayerSpecs (or one), the first reads the input.
        features: int >= 1, values per step of the input (without the time stamp).
        timestamps: bool, the input has one more feature, the last, which is the time.
        vocabulary: int >= 1 or None. An int: the input is ids (B, T) from 0 to vocabulary - 1, which are embedded.
        embedding: int >= 1 or None (64 with a vocabulary), width of the embedding; only with `vocabulary`.
        outputs: int >= 1, values per step of the output of a dense head. Heads over words return a logit per word.
        output_activation: str or None (the identity).
        returns: `"sequence"` (many-to-many: an output for every step) or `"last"` (many-to-one).
        horizon: int >= 1, number of steps predicted from each step.
        lookback: int >= 1, number of steps of the input; None: any number.
        head: `"dense"`; for token models `"softmax"` (logits of all words from a dense layer), `"nce"` or
            `"sampled_softmax"` (trained against noise words); `"none"`: the outputs of the last layer.
        return_states: bool, the states of all layers follow the output; functional models only.
        classes: int >= 2 or None. An int: the output is a probability for each class (softmax), and targets are ids of
            classes.
        masked: bool, padded steps change no state, no loss and no metric: id 0 of a token model, steps of a series in
            which every feature is NaN.
        static: int >= 0, features that do not change over the sequence, (B, static): a second input, joined to every
            step; functional models only.
        heads: mapping from names to HeadSpecs or None. A mapping: the output is a dict of as many outputs; functional
            models only.

    Shapes: input (B, T, features[+1]) or ids (B, T), with `static` features a list with (B, static) or a dict
    `{"sequence": ..., "static": ...}`. The output depends on `returns` and `horizon`: (B, T, outputs),
    (B, T, horizon, outputs) if horizon > 1, without the axis T for `"last"`; with a head over words (B, T, V) or
    (B, V); with classes (B, T, classes) or (B, classes); without a head (B, T, U) or (B, U).

    Raises:
        InvalidArgumentError: a value is out of range, or two values exclude each other.

    >>> spec = RNNSpec(layers=(LayerSpec("lstm", 100, activation="relu"),), outputs=1)
    >>> spec.name
    'lstm_1x100_relu'
    >>> RNNSpec.from_json(spec.to_json()) == spec
    True
    """

    layers: tuple[LayerSpec, ...]
    features: int = 1
    timestamps: bool = False
    vocabulary: int | None = None
    embedding: int | None = None
    outputs: int = 1
    output_activation: str | None = None
    returns: str = "sequence"
    horizon: int = 1
    lookback: int | None = None
    head: str = "dense"
    return_states: bool = False
    classes: int | None = None
    masked: bool = False
    static: int = 0
    heads: Mapping[str, HeadSpec] | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        layers = (self.layers,) if isinstance(self.layers, LayerSpec) else tuple(self.layers)
        if not layers or not all(isinstance(layer, LayerSpec) for layer in layers):
            raise InvalidArgumentError(f"layers={self.layers!r}; expected at least one LayerSpec.")
        put("layers", layers)
        put("features", check_int("features", self.features, hint="It is the number of values per step."))
        put("outputs", check_int("outputs", self.outputs, hint="It is the number of values per step."))
        put("horizon", check_int("horizon", self.horizon, hint="It is the number of steps to predict."))
        if self.lookback is not None:
            put("lookback", check_int("lookback", self.lookback, hint="None is any number of steps."))
        check_choice("returns", self.returns, ("sequence", "last"), hint="In names: seq2seq and seq2one.")
        check_choice("head", self.head, HEADS)
        if self.output_activation is not None:
            check_choice("output_activation", self.output_activation, (*ACTIVATIONS, "softmax"))
        put("static", check_int("static", self.static, 0, hint="It is the number of features of the second input."))
        for name in ("masked", "timestamps", "return_states"):
            put(name, check_flag(name, getattr(self, name)))
        self._check_tokens(put)
        self._check_timestamps()
        self._check_masked()
        self._check_classes(put)
        self._check_heads(put)
        if self.head == "none" and (self.outputs != 1 or self.horizon != 1 or self.output_activation):
            raise InvalidArgumentError("head='none' with outputs, horizon or output_activation; expected none of them.")

    def _check_tokens(self, put: Any) -> None:
        token_heads = ("softmax", "nce", "sampled_softmax")
        if self.vocabulary is None:
            if self.embedding is not None:
                raise InvalidArgumentError(f"embedding={self.embedding!r} without vocabulary; expected both or none.")
            if self.head in token_heads:
                raise InvalidArgumentError(
                    f"head={self.head!r} without vocabulary; expected 'dense' or 'none', or a vocabulary."
                )
            return
        put("vocabulary", check_int("vocabulary", self.vocabulary, hint="It is the number of words."))
        put("embedding", check_int("embedding", 64 if self.embedding is None else self.embedding))
        if self.features != 1 or self.timestamps:
            raise InvalidArgumentError(
                "vocabulary with features or timestamps; expected one id per step and nothing else."
            )
        if self.head in token_heads:
            if self.outputs not in (1, self.vocabulary) or self.horizon != 1 or self.output_activation:
                raise InvalidArgumentError(
                    f"head={self.head!r} with outputs={self.outputs}, horizon={self.horizon}, output_activation="
                    f"{self.output_activation!r}; expected none of them: it returns logits of the words."
                )
            put("outputs", 1)

    def _check_timestamps(self) -> None:
        for layer in self.layers:
            info = cell_info(layer.cell)
            if info.needs_timestamps and not self.timestamps and layer.options.get("time", "feature") != "step":
                raise InvalidArgumentError(
                    f"time stamps missing for {info.name}; expected timestamps=True (the last feature of the input "
                    f"is then the time; `_timestamps` in a name), or options={{'time': 'step'}}, which counts steps "
                    f"(`{info.name}_1x{layer.units}[time=step]`)."
                )
            if info.layer == "convolution" and self.timestamps:
                raise InvalidArgumentError(
                    f"timestamps=True with {info.name}; expected a cell: it cannot pass them on."
                )

    def _check_masked(self) -> None:
        for layer in self.layers if self.masked else ():
            if cell_info(layer.cell).layer == "convolution":
                raise InvalidArgumentError(
                    f"masked=True with {layer.cell}; expected a cell: the features of its steps are reshaped to an "
                    "image, which has no mask. Use sequences of equal length."
                )

    def _check_classes(self, put: Any) -> None:
        put("classes", checked_classes(self.classes))
        given = self.outputs != 1 or self.horizon != 1 or self.output_activation or self.head != "dense"
        if self.classes is not None and given:
            raise InvalidArgumentError(
                f"classes={self.classes} with outputs, horizon, output_activation or head; expected none of them: the "
                "model returns a probability for each class."
            )

    def _check_heads(self, put: Any) -> None:
        if self.heads is None:
            return
        put("heads", MappingProxyType(checked_heads(self.heads)))
        given = self.outputs != 1 or self.horizon != 1 or self.output_activation or self.head != "dense"
        if given or self.classes is not None or self.return_states:
            raise InvalidArgumentError(
                "heads with outputs, classes, horizon, output_activation, head or return_states; expected none of "
                "them: each HeadSpec has its own outputs, classes, horizon and activation."
            )

    def __hash__(self) -> int:
        # The generated hash would fail on the mapping `heads`.
        return hash(json.dumps(self.to_dict(), sort_keys=True, default=str))

    def __reduce__(self) -> Any:
        # Copies and pickles: the mappings of a spec are read-only views, which Python does not copy.
        return RNNSpec.from_dict, (self.to_dict(),)

    @property
    def name(self) -> str:
        """The short name: see :mod:`kerazoo.zoo.names` for the grammar."""
        return format_name(self.to_dict())

    @classmethod
    def from_name(cls, name: str, **changes: Any) -> RNNSpec:
        """The spec of a name, with fields changed: ``RNNSpec.from_name("lstm_1x32", features=3)``."""
        values = parse_name(name)
        return cls(**{**values, "layers": tuple(LayerSpec(**layer) for layer in values["layers"]), **changes})

    def replace(self, **changes: Any) -> RNNSpec:
        """A copy with fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain values."""
        found: dict[str, Any] = {"layers": [layer.to_dict() for layer in self.layers]}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name != "layers" and value != each.default:
                plain = each.name != "heads"
                found[each.name] = value if plain else {name: head.to_dict() for name, head in value.items()}
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RNNSpec:
        """The inverse of :meth:`to_dict`."""
        known = {each.name for each in fields(cls)}
        for name in values:
            check_choice("field of RNNSpec", name, sorted(known))
        if "layers" not in values:
            raise InvalidArgumentError("layers missing; expected a list of layers, each with cell and units.")
        of_layer = {each.name for each in fields(LayerSpec)}
        layers = []
        if not isinstance(values["layers"], list | tuple):
            raise InvalidArgumentError(f"layers={values['layers']!r:.80}; expected a list of layers.")
        for layer in values["layers"]:
            if not isinstance(layer, Mapping):
                raise InvalidArgumentError(f"a layer is {layer!r:.80}; expected an object with cell and units.")
            for name in layer:
                check_choice("field of LayerSpec", name, sorted(of_layer))
            if not {"cell", "units"} <= layer.keys():
                raise InvalidArgumentError(f"a layer is {layer!r:.80}; expected one with cell and units.")
            layers.append(LayerSpec(**layer))
        return cls(**{**values, "layers": tuple(layers)})

    def to_json(self) -> str:
        """JSON text with the fields that differ from their defaults."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> RNNSpec:
        """The inverse of :meth:`to_json`."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError, TypeError) as error:
            raise InvalidArgumentError(f"not JSON: {error}; expected the text that to_json() returns.") from None
        if not isinstance(values, dict):
            raise InvalidArgumentError(f"JSON of type {type(values).__name__}; expected an object with layers.")
        return cls.from_dict(values)
