"""Names, specs and configurations of the zoo and of transforms; states of data sets."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo.errors import InvalidArgumentError, KerazooError
from tests.fuzz.mutation import TEXT, json_mutation, words_mutation
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

NAMES = (
    "lstm_3x100_relu",
    "bigru_2x64_residual",
    "lstm64-gru32_seq2one",
    "lmu_1x32[order=8,theta=12]",
    "gru_1x64_v5000_e32_nce",
    "phasedlstm_1x4_timestamps",
    "gru_1x8_attention5_proj4_inproj3_dropin10_dropout12.5",
    "mingru_2x8_h12_t30_o2_f3_classes5",
    "convlstm_1x4",
    "bilstm_1x4_variational_dropstate20_outsigmoid_masked_s3",
    "indrnn_1x4_loop-gru_2x4_fused_states",
    "gru_1x4_strictresidual_highway_nohead",
    "srn_1x4_sampledsoftmax_v9",
)


def read_name(data: bytes, folder: Path) -> object:
    """A name; what is read has a name, which is read as the same."""
    from kerazoo.zoo import RNNSpec

    spec = RNNSpec.from_name(data.decode("utf-8", "surrogateescape"))
    assert RNNSpec.from_json(spec.to_json()) == spec, "another spec from its JSON"
    hash(spec), spec.layers[0].output_width(), spec.layers[0].why_not_fused()
    try:
        name = spec.name
    except InvalidArgumentError:  # an option that no name can express
        return "no name"
    assert RNNSpec.from_name(name) == spec, f"another spec from its name {name}"
    return "read"


def read_spec(data: bytes, folder: Path) -> object:
    """A spec in JSON."""
    from kerazoo.zoo import RNNSpec

    spec = RNNSpec.from_json(data.decode("utf-8", "replace"))
    hash(spec), repr(spec), spec.layers[0].output_width(), spec.layers[0].why_not_fused()
    assert RNNSpec.from_json(spec.to_json()) == spec, "another spec from its JSON"
    return spec.heads is None


def spec_seeds() -> list[bytes]:
    from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec

    specs = [_spec(name) for name in NAMES]
    heads = {"mean": HeadSpec(outputs=2), "kind": HeadSpec(classes=3)}
    specs.append(RNNSpec(layers=(LayerSpec("gru", 4),), heads=heads))
    return [spec.to_json().encode() for spec in specs if spec is not None]


def _spec(name: str) -> Any:
    from kerazoo.zoo import RNNSpec

    try:
        return RNNSpec.from_name(name)
    except KerazooError:
        return None


def read_config(data: bytes, folder: Path) -> object:
    """The configuration and the state of a chain of transforms, as files of forecasters have them, then its use."""
    from kerazoo.forecast.data.panel import Panel
    from kerazoo.forecast.options import read_transforms

    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    if isinstance(value, dict) and "form" in value:
        return len(Panel.from_config(value).series)
    return len(read_transforms(value))


def config_seeds() -> list[bytes]:
    import pandas as pd

    from kerazoo.forecast.data import read_panel
    from kerazoo.forecast.transforms import list_transforms

    transforms: list[Any] = [["log", "standard"], ["difference"], [{"name": "difference", "lag": 12}], "auto"]
    transforms += [[name] for name in list_transforms()]
    y = np.arange(20.0)
    indexes = [
        pd.date_range("2020", periods=20, freq=each) for each in ("D", "ME", "h", "W-SUN", pd.DateOffset(days=3))
    ]
    indexes += [pd.period_range("2020", periods=20, freq="M"), pd.RangeIndex(20)]
    indexes.append(pd.date_range("2020", periods=20, freq="h", tz="Europe/Berlin"))
    holidays = pd.offsets.CustomBusinessDay(holidays=[np.datetime64("2020-01-02")])
    indexes.append(pd.date_range("2020", periods=20, freq=holidays))
    panels = [read_panel(pd.Series(y, index)) for index in indexes] + [read_panel(y)]
    panels.append(read_panel(pd.DataFrame({("a", 1): y, ("b", 2): y}, indexes[0])))
    return [json.dumps(each).encode() for each in [*transforms, *(panel.to_config() for panel in panels)]]


def load_state(data: bytes, folder: Path) -> object:
    """The position of a data set."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    windows = _windows()
    windows.load_state_dict(state)
    windows[0]
    return "read"


def _windows() -> Any:
    from kerazoo.batching import SequenceWindows

    return SequenceWindows(np.arange(30.0), lookback=4, batch_size=8, shuffle=True, seed=1)


def state_seeds() -> list[bytes]:
    windows = _windows()
    windows.epoch = 3
    return [json.dumps(windows.state_dict()).encode(), json.dumps(windows.state_dict(2)).encode()]


@functools.cache
def _words() -> list[str]:
    from kerazoo.cells.registry import known_names
    from kerazoo.zoo import names

    options = [f"_{word}" for table in (names._LAYER_WORDS, names._MODEL_WORDS) for word in table]
    options += [f"_{word}3" for table in (names._LAYER_NUMBERS, names._MODEL_NUMBERS) for word in table]
    return [
        *known_names(),
        *options,
        "bi",
        "-",
        "_2x4",
        "_1x99999999999",
        "_99999999x4",
        "8",
        "[order=3]",
        "[",
        "]",
        "[a=b,c=1.5]",
        "²",
        "٣",
        "_f٣",
        "_1x" + "9" * 5000,
        " ",
        "LSTM",
        "_dropout1e3",
        "[x=1_0]",
        "[x=nan]",
        "[x=inf]",
        "[activation=relu]",
        "_dropout99.99999999999",
        "_dropout0",
    ]


class _Words:
    """`words_mutation` over words that are only known once Keras is imported."""

    def __call__(self, rng: Any, data: bytes) -> bytes:
        return words_mutation(_words())(rng, data)


def name_seeds() -> list[bytes]:
    return [name.encode() for name in NAMES]


TARGETS = (
    Target("names", read_name, name_seeds, (*TEXT, _Words(), _Words(), _Words(), _Words()), batch=10_000),
    Target("specs", read_spec, spec_seeds, (*[json_mutation] * 5, *TEXT[:3]), batch=10_000, share=3),
    Target("configs", read_config, config_seeds, (*[json_mutation] * 5, *TEXT[:2]), batch=3000),
    Target("states", load_state, state_seeds, (*[json_mutation] * 5, *TEXT[:2]), batch=5000, share=2),
)
