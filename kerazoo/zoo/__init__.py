"""The zoo: recurrent models by name or spec, Sequential or functional.

>>> import numpy as np
>>> from kerazoo import zoo
>>> model = zoo.build("bigru_2x8_residual")
>>> tuple(model(np.zeros((2, 5, 1), "float32")).shape)
(2, 5, 1)
"""

from __future__ import annotations

from kerazoo.zoo.builders import as_spec, build, build_cell, build_layers
from kerazoo.zoo.catalogue import LayerCard, ModelCard, card, list_models, model_card
from kerazoo.zoo.comparison import Comparison, compare
from kerazoo.zoo.compile_defaults import Perplexity, compile_defaults
from kerazoo.zoo.files import load
from kerazoo.zoo.generation import generate
from kerazoo.zoo.head_spec import HeadSpec
from kerazoo.zoo.presets import list_presets, load_preset
from kerazoo.zoo.search import SearchSpace, search_space
from kerazoo.zoo.spec import LayerSpec, RNNSpec
from kerazoo.zoo.unrolled import unroll

__all__ = [
    "Comparison",
    "HeadSpec",
    "LayerCard",
    "LayerSpec",
    "ModelCard",
    "Perplexity",
    "RNNSpec",
    "SearchSpace",
    "as_spec",
    "build",
    "build_cell",
    "build_layers",
    "card",
    "compare",
    "compile_defaults",
    "generate",
    "list_models",
    "list_presets",
    "load",
    "load_preset",
    "model_card",
    "search_space",
    "unroll",
]
