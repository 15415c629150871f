"""`list_models` and `model_card`."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec, catalogue

pytestmark = pytest.mark.backend


def test_every_listed_name_is_of_the_grammar_and_every_cell_is_listed():
    names = zoo.list_models()
    assert names == sorted(set(names))
    specs = [RNNSpec.from_name(name) for name in names]
    assert {layer.cell for spec in specs for layer in spec.layers} == set(list_cells())
    assert zoo.list_models("*lstm*seq2one") == [n for n in names if "lstm" in n and n.endswith("seq2one")]
    assert zoo.list_models("nothing*") == []


@pytest.mark.parametrize(
    "name", ["lstm64-gru32_seq2one", "bimlstm_1x8_residual", "esn_1x8", "convlstm_2x3_f2", "gru_1x4_v9_e3_softmax"]
)
def test_a_card_counts_what_a_model_has(name):
    card = zoo.model_card(name)
    model = zoo.build(name)
    assert card.parameters == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    fixed = [w for w in model.non_trainable_weights if "seed" not in w.path]
    assert card.fixed == sum(int(np.prod(w.shape)) for w in fixed)
    assert [layer.paper for layer in card.layers] == [cell_info(layer.cell).paper for layer in card.spec.layers]
    shown = str(card)
    assert f"{card.parameters:,}" in shown
    assert all(layer.title in shown for layer in card.layers)


def test_a_card_says_what_is_fused_and_why_not():
    lstm = zoo.model_card("lstm_1x8").layers[0]
    assert lstm.fused == ("tensorflow", "jax", "torch")
    assert lstm.why_not_fused == ""
    for name, why in (
        ("lstm_1x8_relu", "the activation is relu"),
        ("gru_1x8_residual", "residual act inside the loop"),
        ("mgu_1x8", "not for mgu"),
        ("lstm_1x8_loop", "fused=False was given"),
        ("gru_1x8_timestamps", "time stamps accompany"),
        ("lstm_1x8[recurrent_dropout=0.1]", "recurrent_dropout=0.1"),
    ):
        layer = zoo.model_card(name).layers[0]
        assert layer.fused == ()
        assert why in layer.why_not_fused
        assert why in str(zoo.model_card(name))


def test_a_card_knows_states_and_what_an_output_depends_on():
    assert [layer.states for layer in zoo.model_card("bilstm_1x8-gru4").layers] == [(8, 8, 8, 8), (4,)]
    assert zoo.model_card("lstmp_1x8_attention3").layers[0].states == (8, 8, 8, 24)
    assert zoo.model_card("convlstm_2x3_f2").layers[1].states == (18, 18)
    assert zoo.model_card("mingru_1x8").layers[0].linear
    assert not zoo.model_card("mingru_1x8_attention2").layers[0].linear
    assert zoo.model_card("gru_1x4").receptive_field == "all steps up to its own"
    assert zoo.model_card("gru_1x4_t30").receptive_field == "all steps up to its own, at most 30"
    assert "later ones" in zoo.model_card("bigru_1x4").receptive_field


def test_a_card_of_classes_static_features_and_heads():
    assert "for the sequence, probabilities of 3 classes" in str(zoo.model_card("gru_1x4_classes3_seq2one"))
    card = zoo.model_card("gru_1x4_f2_s3_masked")
    assert card.parameters == zoo.model_card("gru_1x4_f5").parameters
    assert card.receptive_field == zoo.model_card("gru_1x4_f2").receptive_field
    spec = RNNSpec(LayerSpec("gru", 4), heads={"price": HeadSpec(2, horizon=3), "rises": HeadSpec(classes=2)})
    card = zoo.model_card(spec)
    assert RNNSpec.from_json(card.name) == spec
    assert "price: 3 steps ahead; rises: probabilities of 2 classes" in str(card)
    unnamed = LayerSpec("lstm", 4, options={"bias_initializer": {"class_name": "Zeros", "config": {}}})
    assert zoo.model_card(RNNSpec(unnamed)).parameters == zoo.model_card("lstm_1x4").parameters


def test_scores_are_those_that_were_measured(monkeypatch):
    assert set(catalogue._scores()) <= {RNNSpec.from_name(name).name for name in catalogue._scores()}
    monkeypatch.setattr(catalogue, "_scores", lambda: {"gru_1x4": {"sine": {"mse": 0.25}}})
    assert zoo.model_card("gru4").scores == {"sine": {"mse": 0.25}}
    assert "mse 0.25" in str(zoo.model_card("gru4"))
    assert zoo.model_card("gru_1x5").scores == {}


def test_a_card_validates_its_argument():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'lstm'"):
        zoo.model_card("lsmt_1x8")
    with pytest.raises(InvalidArgumentError, match=r"residual connection.*inputs of width 1"):
        zoo.model_card("gru_1x8_strictresidual")


def test_the_old_name_of_a_card_works_and_warns():
    with pytest.warns(DeprecationWarning, match=r"zoo\.card is deprecated.*use zoo\.model_card"):
        assert zoo.card("gru_1x4") == zoo.model_card("gru_1x4")
