"""`build`: a Keras model, Sequential or functional, from a spec or a name."""

from __future__ import annotations

from typing import Any

import keras

from kerazoo._validation import check_choice
from kerazoo.cells.bidirectional import Bidirectional
from kerazoo.cells.gru import GRU
from kerazoo.cells.loop import UNROLL_FACTOR, unroll_factor_for
from kerazoo.cells.recurrent import Recurrent
from kerazoo.cells.registry import cell_info, make_cell
from kerazoo.cells.stacked import StackedCells
from kerazoo.cells.wrappers import (
    AttentionCell,
    DropoutCell,
    HighwayCell,
    InputProjectionCell,
    OutputProjectionCell,
    ResidualCell,
    TimeStampedCell,
)
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.heads import DropTimeStamp, SampledHead, TokenFunctional, TokenSequential
from kerazoo.zoo.initial import drawn_by_numpy
from kerazoo.zoo.inputs import INPUTS, JoinStatic, SequenceInput
from kerazoo.zoo.models import CheckedFunctional, CheckedSequential
from kerazoo.zoo.outputs import heads_of
from kerazoo.zoo.padding import PaddingMask
from kerazoo.zoo.seeds import dropout_seeds, seeded
from kerazoo.zoo.spec import LayerSpec, RNNSpec

__all__ = ["as_spec", "build", "build_cell", "build_layers", "build_stack", "why_no_stack"]

_KERAS_LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def as_spec(spec_or_name: RNNSpec | str) -> RNNSpec:
    """The given spec, or the spec of a name.

    Raises:
        InvalidArgumentError: neither a spec nor a valid name.

    >>> as_spec("gru_2x8").layers[1].units
    8
    """
    if isinstance(spec_or_name, RNNSpec):
        return spec_or_name
    if isinstance(spec_or_name, str):
        return RNNSpec.from_name(spec_or_name)
    raise InvalidArgumentError(f"spec_or_name={spec_or_name!r}; expected an RNNSpec or a name such as 'lstm_2x64'.")


def build(
    spec_or_name: RNNSpec | str,
    style: str = "functional",
    *,
    parallel: bool | str = "auto",
    unroll: bool = False,
    seed: int | None = None,
    negative: int = 64,
    noise_probabilities: Any = None,
    embedding: keras.layers.Embedding | None = None,
    name: str | None = None,
) -> keras.Model:
    """A Keras model, not compiled, with built weights.

    Both styles have the same layers in the same order, so `set_weights` transfers weights from one to the other.

    Args:
        spec_or_name: an :class:`RNNSpec`, or a name (:mod:`kerazoo.zoo.names`).
        style: `"functional"` or `"sequential"`; only functional models can return states, take static features or
            have several heads.
        parallel: `"auto"`, True or False: see :class:`kerazoo.cells.Recurrent`.
        unroll: bool, unroll the loop over the steps (needs a lookback).
        seed: int or None, of weights and dropout. The same seed gives the same weights on every backend.
        negative: int >= 1, number of noise words of an `"nce"` or `"sampled_softmax"` head.
        noise_probabilities: float (vocabulary,) or None, their distribution: see :class:`kerazoo.word2vec.NCE`.
        embedding: `keras.layers.Embedding` or None, for a token model: the layer to use instead of a new one, such as
            :func:`kerazoo.word2vec.to_embedding` makes of word vectors.
        name: str or None, of the model.

    Returns:
        A `keras.Model` or `keras.Sequential`, with the shapes of :class:`RNNSpec`. It is a subclass that refuses
        targets which do not have the shape of its outputs, and, with a head that trains against noise words, computes
        the loss itself.

    Raises:
        InvalidArgumentError: an unknown name or cell, or a combination that cannot be built; the message says why.

    >>> import numpy as np
    >>> model = build("lstm_2x8_seq2one_h3")
    >>> tuple(model(np.zeros((4, 12, 1), "float32")).shape)
    (4, 3, 1)
    """
    spec = as_spec(spec_or_name)
    check_choice("style", style, ("functional", "sequential"))
    if unroll and spec.lookback is None:
        raise InvalidArgumentError("unroll=True without lookback; expected a lookback: the number of steps to unroll.")
    if style == "sequential":
        _check_sequential(spec)
    with seeded(seed):
        body = _body(spec, parallel=parallel, unroll=unroll, seed=seed, embedding=embedding)
        heads = heads_of(spec, negative, noise_probabilities, seed)
        every = [*body, *(layer for layers in heads.values() for layer in layers)]
        sampled = isinstance(every[-1], SampledHead)
        with drawn_by_numpy(every):
            if style == "sequential":
                model = (TokenSequential if sampled else CheckedSequential)([_input(spec), *every], name=name)
            else:
                inputs, outputs = _connected(spec, body, heads)
                model = (TokenFunctional if sampled else CheckedFunctional)(inputs, outputs, name=name)
    # Keras exports only models that were called to ONNX. All layers of this one are built and know their shapes.
    model._called = True
    return model


def _check_sequential(spec: RNNSpec) -> None:
    """Raise an error if a Sequential model, which is one chain of layers, cannot be this one."""
    reasons = {
        "return_states=True": (spec.return_states, "one output"),
        f"static={spec.static}": (spec.static, "one input"),
        f"heads={list(spec.heads or ())}": (spec.heads is not None, "one output"),
    }
    for given, (is_so, what) in reasons.items():
        if is_so:
            raise InvalidArgumentError(
                f"style='sequential' with {given}; expected 'functional': a Sequential model has {what}."
            )


def _input(spec: RNNSpec, name: str | None = None) -> Any:
    """The symbolic input of the sequence."""
    if spec.vocabulary is not None:
        return keras.Input((spec.lookback,), dtype="int32", name=name)
    return keras.Input((spec.lookback, spec.features + spec.timestamps), name=name)


def _connected(
    spec: RNNSpec, body: list[keras.layers.Layer], heads: dict[str | None, list[keras.layers.Layer]]
) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of a functional model."""
    static = keras.Input((spec.static,), name=INPUTS[1]) if spec.static else None
    sequence = values = _input(spec, None if static is None else INPUTS[0])
    states: list[Any] = []
    for layer in body:
        values = layer([values, static]) if isinstance(layer, JoinStatic) else layer(values)
        if spec.return_states and hasattr(layer, "return_state"):
            values, *new = values
            states.extend(new)
    outputs = {}
    for name, layers in heads.items():
        outputs[name] = values
        for layer in layers:
            outputs[name] = layer(outputs[name])
    inputs = sequence if static is None else [sequence, static]
    if spec.heads is not None:
        return inputs, outputs
    return inputs, [outputs[None], *states] if spec.return_states else outputs[None]


def build_layers(
    spec: RNNSpec,
    *,
    parallel: bool | str = "auto",
    unroll: bool = False,
    seed: int | None = None,
    negative: int = 64,
    noise_probabilities: Any = None,
) -> list[keras.layers.Layer]:
    """The layers of a model in order, for your own functional model: see :func:`build`.

    Raises:
        InvalidArgumentError: the model is no chain of layers, as it has static features or several heads.

    >>> [layer.name for layer in build_layers(RNNSpec.from_name("lstm_1x8"))]
    ['checks', 'lstm_0', 'head']
    """
    if spec.static or spec.heads is not None:
        raise InvalidArgumentError(
            "static features or several heads; expected neither: the layers are no chain. Use zoo.build, whose model "
            "can be a layer of yours."
        )
    body = _body(spec, parallel=parallel, unroll=unroll, seed=seed)
    return [*body, *heads_of(spec, negative, noise_probabilities, seed)[None]]


def _body(
    spec: RNNSpec,
    *,
    parallel: bool | str,
    unroll: bool,
    seed: int | None,
    embedding: keras.layers.Embedding | None = None,
) -> list[keras.layers.Layer]:
    """The layers before the heads, in order. A `JoinStatic` among them has a second input."""
    seeds = dropout_seeds(seed)
    made: list[keras.layers.Layer] = []
    if spec.vocabulary is not None:
        made.append(SequenceInput(None, name="checks"))
        made.append(_embedding(spec, embedding))
        width = int(spec.embedding or 0)
    else:
        if embedding is not None:
            raise InvalidArgumentError("embedding= without vocabulary; expected a token model, such as gru_1x32_v5000.")
        made.append(SequenceInput(spec.features + spec.timestamps, spec.timestamps, name="checks"))
        if spec.masked:
            made.append(PaddingMask(name="padding"))
        width = spec.features
    if spec.static:
        made.append(JoinStatic(spec.static, spec.timestamps, name="static_features"))
        width += spec.static
    for number, layer in enumerate(spec.layers):
        last = number == len(spec.layers) - 1
        made += _recurrent_layers(
            layer,
            f"{layer.cell}_{number}",
            width,
            timestamps=spec.timestamps,
            return_sequences=spec.returns == "sequence" or not last,
            return_state=spec.return_states,
            parallel=parallel,
            unroll=unroll,
            seeds=seeds,
        )
        width = width_after(layer, width)
    if spec.timestamps:
        made.append(DropTimeStamp(name="drop_time"))
    return made


def _embedding(spec: RNNSpec, given: keras.layers.Embedding | None) -> keras.layers.Embedding:
    """The embedding of a token model: the given layer, or a new one."""
    if given is None:
        return keras.layers.Embedding(spec.vocabulary, spec.embedding, mask_zero=spec.masked, name="embedding")
    if not isinstance(given, keras.layers.Embedding):
        raise InvalidArgumentError(f"embedding={given!r}; expected a keras.layers.Embedding or None.")
    found = given.input_dim, given.output_dim, bool(given.mask_zero)
    if found != (spec.vocabulary, spec.embedding, spec.masked):
        raise InvalidArgumentError(
            f"embedding= has {found[0]} rows of {found[1]} numbers and mask_zero={found[2]}; expected {spec.vocabulary}"
            f" rows of {spec.embedding} and mask_zero={spec.masked}. In a name: v{found[0]}_e{found[1]}"
            f"{'_masked' if found[2] else ''}. to_embedding(..., padding=True) makes an embedding with "
            "mask_zero, of one row more than the vocabulary has words."
        )
    return given


def width_after(layer: LayerSpec, width: int) -> int:
    """Number of features of the output of a layer whose input has `width` features."""
    if cell_info(layer.cell).layer == "convolution":
        return width * layer.units * (2 if layer.bidirectional else 1)
    return layer.output_width()


def _recurrent_layers(
    layer: LayerSpec,
    name: str,
    width: int,
    *,
    timestamps: bool,
    return_sequences: bool,
    return_state: bool,
    parallel: bool | str,
    unroll: bool,
    seeds: Any,
) -> list[keras.layers.Layer]:
    """The Keras layers of one LayerSpec: a recurrent layer, and dropout or reshaping around it if needed."""
    common: dict[str, Any] = {"return_sequences": return_sequences, "return_state": return_state}
    info = cell_info(layer.cell)
    before: list[keras.layers.Layer] = []
    after: list[keras.layers.Layer] = []
    native = (layer.cell in _KERAS_LAYERS and layer.plain and not timestamps) or info.layer == "convolution"
    if native and layer.input_dropout:
        before.append(keras.layers.Dropout(layer.input_dropout, seed=next(seeds), name=f"{name}_dropin"))
    if native and layer.output_dropout:
        after.append(keras.layers.Dropout(layer.output_dropout, seed=next(seeds), name=f"{name}_dropout"))
    if info.layer == "convolution":
        options = {**info.options, **layer.cell_options()}
        recurrent = info.make(layer.units, name=name, unroll=unroll, **options, **common)
        before.append(keras.layers.Reshape((-1, width, 1), name=f"{name}_split"))
        flat = width_after(layer, width)
        shape = (-1, flat) if return_sequences else (flat,)
        after.insert(0, keras.layers.Reshape(shape, name=f"{name}_join"))
    elif native:
        options = {**layer.cell_options(), **_fused_where_it_works(layer.cell)}
        recurrent = _keras_layer(layer.cell)(layer.units, name=name, unroll=unroll, **options, **common)
    else:
        cell = build_cell(layer, width, timestamps=timestamps, seeds=seeds)
        linear = bool(getattr(cell, "linear", False))
        recurrent = Recurrent(
            cell, parallel=parallel if linear or parallel == "auto" else False, unroll=unroll, name=name, **common
        )
    if layer.bidirectional:
        recurrent = Bidirectional(recurrent, name=f"bi{name}")
    return [*before, recurrent, *after]


def _keras_layer(cell: str) -> Any:
    """Keras's layer, or our GRU where its unrolled loop is faster: Keras's GRU has no fused form on JAX."""
    return GRU if cell == "gru" and unroll_factor_for(UNROLL_FACTOR[True]) > 1 else _KERAS_LAYERS[cell]


def _fused_where_it_works(cell: str) -> dict[str, Any]:
    """Arguments that keep Keras on JAX from calling cuDNN's LSTM, which takes float32 only, with half precision."""
    half = keras.config.dtype_policy().compute_dtype != "float32"
    return {"use_cudnn": False} if cell == "lstm" and half and keras.backend.backend() == "jax" else {}


def build_cell(layer: LayerSpec, width: int, *, timestamps: bool = False, seeds: Any = None) -> Any:
    """The cell of a LayerSpec with its wrappers, for inputs of `width` features (without the time stamp).

    Raises:
        InvalidArgumentError: a residual or highway connection between unequal widths; the message says how to fix it.

    >>> type(build_cell(LayerSpec("gru", 8, attention=2), width=3)).__name__
    'AttentionCell'
    """
    info = cell_info(layer.cell)
    options = layer.cell_options()
    if info.needs_timestamps and timestamps:
        options["time"] = "argument"
    cell = make_cell(layer.cell, layer.units, **options)
    output = layer.projection or cell.output_size
    if layer.projection:
        cell = OutputProjectionCell(cell, layer.projection)
    if layer.attention:
        cell = AttentionCell(cell, layer.attention)
    if layer.input_dropout or layer.output_dropout or layer.state_dropout:
        cell = DropoutCell(
            cell,
            layer.input_dropout,
            layer.output_dropout,
            layer.state_dropout,
            variational=layer.variational,
            seed=next(seeds) if seeds is not None else None,
        )
    projected = layer.input_projection
    for kind, wrapper in (("residual", ResidualCell), ("highway", HighwayCell)):
        connection = getattr(layer, kind)
        if not connection:
            continue
        if connection == "project" and (projected or width) != output:
            projected = output
        elif (projected or width) != output:
            given = projected or width
            raise InvalidArgumentError(
                f"{kind} connection around {layer.cell} of {layer.units} units: inputs of width {given}, outputs of "
                f"width {output}; expected equal widths. Use input_projection={output} (or {kind}='project', which "
                f"adds one where it is needed), or projection={given}."
            )
        cell = wrapper(cell)
    if projected:
        cell = InputProjectionCell(cell, projected)
    return TimeStampedCell(cell) if timestamps else cell


def build_stack(spec: RNNSpec, seed: int | None = None) -> StackedCells:
    """The recurrent layers of a spec as one cell with built weights, without the head, for your own loops.

    Args:
        spec: of a model for series whose layers are cells and not bidirectional.
        seed: int or None, of the initial weights. They have the distribution of those of :func:`build`.

    Raises:
        InvalidArgumentError: a bidirectional or a convolutional layer, a vocabulary or time stamps.

    >>> build_stack(RNNSpec.from_name("lstm16-gru8", features=2), seed=1).state_size
    [16, 16, 8]
    """
    why = why_no_stack(spec)
    if why:
        raise InvalidArgumentError(f"{spec.name}: {why} Expected a model whose layers are cells and not bidirectional.")
    with seeded(seed):
        seeds = dropout_seeds(seed)
        cells, width = [], spec.features
        for layer in spec.layers:
            cells.append(build_cell(layer, width, seeds=seeds))
            width = width_after(layer, width)
        stack = StackedCells(cells)
        with drawn_by_numpy([stack]):
            stack.build((None, spec.features))
    return stack


def why_no_stack(spec: RNNSpec) -> str:
    """Why :func:`build_stack` does not accept this spec, or ""."""
    if spec.vocabulary is not None or spec.timestamps or spec.static:
        return "it reads words, time stamps or static features."
    if spec.masked:
        return "it masks padded steps."
    for layer in spec.layers:
        if layer.bidirectional:
            return "a layer is bidirectional."
        if cell_info(layer.cell).layer == "convolution":
            return f"{layer.cell} is a layer of Keras, not a cell."
    return ""
