"""`NetSpec`: the plain values of a network's RNNSpec, which is made only when it is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.zoo.spec import RNNSpec

__all__ = ["DEFAULT_SPECS", "NetSpec"]

#: Fields whose defaults `RNNSpec.to_dict` leaves out, of those that a forecaster sets.
FIELD_DEFAULTS: Mapping[str, Any] = {
    "features": 1, "outputs": 1, "horizon": 1, "lookback": None, "output_activation": None, "returns": "sequence",
}  # fmt: skip


@dataclass(frozen=True)
class NetSpec:
    """The spec of a network as plain values.

    An RNNSpec checks its layers by the cells, which import Keras. A forecaster that trains no network does without it.

    Attributes:
        values: the config of an RNNSpec (`RNNSpec.to_dict`).

    >>> NetSpec({"layers": [{"cell": "gru", "units": 4}]}).replace(horizon=2).rnn.name
    'gru_1x4_h2'
    """

    values: Mapping[str, Any]

    @cached_property
    def rnn(self) -> RNNSpec:
        """The RNNSpec; imports Keras.

        Raises:
            InvalidArgumentError: values that no RNNSpec has, such as an unknown cell.
        """
        from kerazoo.zoo.spec import RNNSpec

        return RNNSpec.from_dict(self.values)

    @property
    def lookback(self) -> int | None:
        """Steps of the input; None: any number."""
        return self.values.get("lookback")

    @property
    def last_only(self) -> bool:
        """Whether there is one output for a window, instead of one for each step."""
        return bool(self.values.get("returns", "sequence") == "last")

    @property
    def bidirectional(self) -> bool:
        """Whether a layer is."""
        return any(layer.get("bidirectional") for layer in self.values["layers"])

    def replace(self, **changes: Any) -> NetSpec:
        """A copy with fields changed."""
        changed = {**self.values, **changes}
        return NetSpec(
            {
                name: value
                for name, value in changed.items()
                if name not in FIELD_DEFAULTS or value != FIELD_DEFAULTS[name]
            }
        )

    def to_json(self) -> str:
        """JSON text, as `RNNSpec.to_json` has it."""
        return json.dumps(self.values)


#: The networks of a Forecaster whose model is None: names -> what is read from them.
DEFAULT_SPECS: Mapping[str, NetSpec] = {
    "lstm_1x32": NetSpec({"layers": [{"cell": "lstm", "units": 32}]}),
    "mingru_2x64_residual": NetSpec({"layers": [{"cell": "mingru", "units": 64, "residual": "project"}] * 2}),
}
