"""The recurrent models that are compared on devices: the zoo's, and plain layers of the frameworks."""

from __future__ import annotations

from typing import Any

__all__ = ["from_zoo", "plain_keras", "plain_torch"]


def plain_keras(cell: str, width: int, features: int, **options: Any) -> Any:
    """A Keras layer with a dense head; NumPy draws the weights, so that JAX need not compile initializers."""
    import keras

    from kerazoo.zoo.initial import drawn_by_numpy

    make = keras.layers.LSTM if cell == "lstm" else keras.layers.GRU
    layers = [make(width, return_sequences=True, **options), keras.layers.Dense(1)]
    with drawn_by_numpy(layers):
        return keras.Sequential([keras.Input((None, features)), *layers])


def plain_torch(cell: str, width: int, features: int) -> Any:
    """A PyTorch layer with a linear head."""
    import torch  # type: ignore[import-not-found,unused-ignore]

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            make = torch.nn.LSTM if cell == "lstm" else torch.nn.GRU
            self.recurrent = make(features, width, batch_first=True)
            self.head = torch.nn.Linear(width, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.recurrent(x)[0])

    return Plain().to("cuda" if torch.cuda.is_available() else "cpu")


def from_zoo(cell: str, width: int, features: int, **options: Any) -> Any:
    """A model of the zoo with a dense head, one output per step."""
    from kerazoo import zoo
    from kerazoo.cells import cell_info

    extra = {"time": "step"} if cell_info(cell).needs_timestamps else {}
    layer = zoo.LayerSpec(cell, width, options=extra)
    return zoo.build(zoo.RNNSpec(layers=(layer,), features=features), seed=1, **options)
