"""Keras's own test of a layer (`run_layer_test`) for every cell of the registry and for names of the zoo.

It compares configurations, builds the layer by its shape, by symbolic and by real input, trains a step in the compiled
loop (XLA on TensorFlow and JAX) and runs in mixed precision.
"""

from __future__ import annotations

import keras
import pytest
from keras.src import testing

from kerazoo import zoo
from kerazoo.cells import Bidirectional, Recurrent, StackedCells, cell_info, list_cells, make_cell
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

B, T, F, UNITS = 2, 3, 5, 4  # differ on every axis
CELLS = [name for name in list_cells() if cell_info(name).layer == "cell"]
LAYERS = [name for name in list_cells() if cell_info(name).layer != "cell"]
#: Run by default; the others are marked `slow`. One per kind of layer and of state.
DEFAULT = {("recurrent", "mlstm"), ("recurrent", "mingru"), ("keras rnn", "slstm"), ("bidirectional", "lmu")}
DEFAULT |= {("keras bidirectional", "indrnn"), ("stacked", "phased"), ("keras stack", "nas")}
DEFAULT_ZOO = {"gru_1x4_attention2"}

#: What Keras's test demands and a layer does not fulfil, with the reason. A case that passes is an error.
EXPECTED_FAILURES: dict[tuple[str, str], str] = {}


class KerasCase(testing.TestCase):
    """`run_layer_test` outside a `unittest` run."""

    __test__ = False

    def runTest(self):
        pass


def cells(name, dtype, *more):
    """The cell `name` after the cells `more`, each with the dtype."""
    options = {} if dtype is None else {"dtype": dtype}
    return [make_cell(each, UNITS, **options) for each in (*more, name)]


# Each takes a name and a dtype or None. In "recurrent" and "stacked" the dtype is that of the layer alone.
LAYER_KINDS = {
    "recurrent": lambda name, dtype: Recurrent(*cells(name, None), dtype=dtype),
    "keras rnn": lambda name, dtype: keras.layers.RNN(*cells(name, dtype), dtype=dtype),
    "bidirectional": lambda name, dtype: Bidirectional(Recurrent(*cells(name, dtype), dtype=dtype), dtype=dtype),
    "keras bidirectional": lambda name, dtype: keras.layers.Bidirectional(
        keras.layers.RNN(*cells(name, dtype), dtype=dtype), dtype=dtype
    ),
    "stacked": lambda name, dtype: Recurrent(StackedCells(cells(name, None, "mingru")), dtype=dtype),
    "keras stack": lambda name, dtype: keras.layers.RNN(
        keras.layers.StackedRNNCells(cells(name, dtype, "gru"), dtype=dtype), dtype=dtype
    ),
}


def check(kind, name, make, shape, **kwargs):
    """Run Keras's test on the layers that `make(dtype=None)` returns."""
    reason = EXPECTED_FAILURES.get((kind, name))
    case = KerasCase()
    case.setUp()
    try:
        case.run_layer_test(make, init_kwargs={}, input_shape=shape, **kwargs)
    except Exception:
        if reason is None:
            raise
        return
    finally:
        case.tearDown()
    assert reason is None, f"passes now; remove it from EXPECTED_FAILURES: {reason}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, marks=[] if (kind, name) in DEFAULT else [pytest.mark.slow], id=f"{kind}-{name}")
        for kind in LAYER_KINDS
        for name in CELLS
    ],
)
def test_every_cell_in_every_layer(kind, name):
    width = 2 * UNITS if "bidirectional" in kind else UNITS
    check(
        kind,
        name,
        lambda dtype=None: LAYER_KINDS[kind](name, dtype),
        (B, T, F),
        expected_output_shape=(B, width),
        supports_masking=True,
    )


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.slow
def test_layers_that_are_no_cells(name):
    info = cell_info(name)
    arguments = {"filters": UNITS, **info.options}
    check("layer", name, lambda **kwargs: info.make(**arguments, **kwargs), (B, T, F, 1))


ZOO = [
    "rnn_1x4", "lstm_1x4", "gru_1x4", "convlstm_1x4", "mlstm_1x4", "slstm_1x4", "lru_1x4", "s5_1x4", "mingru_2x4",
    "indrnn_1x4_relu", "esn_1x4", "nas_1x4", "lmu_1x4", "bigru_1x4", "bilstm_2x4_residual", "bimingru_1x4",
    "gru_2x4_residual", "gru_2x4_highway", "gru_1x4_attention2", "mlstm_1x4_attention2", "gru_1x4_dropin25",
    "gru_1x4_dropout25", "gru_1x4_dropstate25", "lru_1x4_dropout25", "gru_1x4_proj3", "gru_1x4_inproj3",
    "gru_1x4_seq2one", "gru_1x4_seq2one_h3", "gru_1x4_h3", "lstm_1x4-gru_1x3", "bilstm_1x4-gru3_residual",
    "slstm_2x4_residual_dropout10",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in DEFAULT_ZOO else [pytest.mark.slow]) for name in ZOO]
)
def test_models_of_the_zoo(name):
    def make(dtype=None):
        before = keras.dtype_policies.get(keras.config.dtype_policy())
        if dtype is not None:
            keras.config.set_dtype_policy(dtype)
        try:
            return zoo.build(name)
        finally:
            keras.config.set_dtype_policy(before)

    check("zoo", name, make, (B, T, 1))


def test_every_expected_failure_is_a_case():
    known = {(kind, name) for kind in LAYER_KINDS for name in CELLS} | {("zoo", name) for name in ZOO}
    assert set(EXPECTED_FAILURES) <= known | {("layer", name) for name in LAYERS}
