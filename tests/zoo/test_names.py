"""The grammar of names, specs and their JSON: round trips, and errors that help."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.cells import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec
from kerazoo.zoo.names import parse_name

NAMES = [
    "lstm_3x100_relu",
    "bigru_2x64_residual",
    "lstm64-gru32_seq2one",
    "rnn_1x100_relu",
    "lmu_1x32[order=8,theta=12.5]",
    "gru_1x64_v5000_e32_nce",
    "bilstm_1x8_tanh_strictresidual_attention5_proj8_inproj8_dropin10_dropout12.5_seq2one_f3_o2_h12_t30",
    "lstm_2x16_highway_variational_loop_dropstate20",
    "mingru_1x8_timestamps",
    "lstm_1x8_states",
    "s5_1x64-gru8",
    "gru_1x4_leakyrelu_outsigmoid",
    "lstm_1x4_fused_h2",
    "gru_1x4_nohead",
    "gru_1x32_seq2one_v5000_e64_classes2_masked",
    "s5_1x8_f2_s3_timestamps_masked",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back(name):
    spec = RNNSpec.from_name(name)
    assert spec.name == name
    assert RNNSpec.from_name(spec.name) == spec
    assert RNNSpec.from_json(spec.to_json()) == spec
    assert hash(RNNSpec.from_json(spec.to_json())) == hash(spec)


def test_a_name_says_what_it_looks_like():
    spec = RNNSpec.from_name("bilstm_2x64_relu_dropout10-gru32_residual_seq2one_f3_h12_t30")
    first, second, third = spec.layers
    assert first == second == LayerSpec("lstm", 64, "relu", bidirectional=True, output_dropout=0.1)
    assert third == LayerSpec("gru", 32, residual="project")
    assert (spec.returns, spec.features, spec.horizon, spec.lookback, spec.outputs) == ("last", 3, 12, 30, 1)
    assert RNNSpec.from_name("lstm64") == RNNSpec.from_name("lstm_1x64") == RNNSpec((LayerSpec("lstm", 64),))
    assert RNNSpec.from_name("basiclstm_1x8").layers[0].cell == "lstm"
    assert RNNSpec.from_name("lstm_1x8", features=2, lookback=5) == RNNSpec(
        (LayerSpec("lstm", 8),), features=2, lookback=5
    )


def layer_specs():
    def made(cell, units, activation, flags, rates, attention, projection, connection):
        info = cell_info(cell)
        bidirectional, variational = flags
        if info.layer == "convolution":
            attention, projection, connection, variational = 0, None, {}, False
        return LayerSpec(
            cell,
            units,
            activation if info.takes("activation") else None,
            bidirectional=bidirectional,
            variational=variational,
            input_dropout=rates[0],
            output_dropout=rates[1],
            attention=attention,
            projection=projection,
            options={"time": "step"} if info.needs_timestamps else {},
            **connection,
        )

    return st.builds(
        made,
        st.sampled_from(list_cells()),
        st.integers(1, 500).map(lambda n: 2 * n),
        st.sampled_from([None, "relu", "tanh", "leaky_relu"]),
        st.tuples(st.booleans(), st.booleans()),
        st.tuples(*[st.sampled_from([0.0, 0.1, 0.125, 0.33])] * 2),
        st.sampled_from([0, 3]),
        st.sampled_from([None, 7]),
        st.sampled_from([{}, {"residual": "project"}, {"highway": True}, {"residual": True}]),
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(layer_specs(), min_size=1, max_size=4),
    st.sampled_from(["sequence", "last"]),
    st.integers(1, 20),
    st.sampled_from([None, 12]),
    st.booleans(),
    st.sampled_from([None, 2, 5]),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([None, 9]),
)
def test_any_spec_survives_its_name_and_its_json(
    layers, returns, horizon, lookback, states, classes, masked, static, vocabulary
):
    spec = RNNSpec(
        tuple(layers),
        returns=returns,
        horizon=1 if classes else horizon,
        lookback=lookback,
        return_states=states,
        classes=classes,
        masked=masked and all(cell_info(layer.cell).layer == "cell" for layer in layers),
        static=static,
        vocabulary=vocabulary,
    )
    assert RNNSpec.from_name(spec.name) == spec
    assert RNNSpec.from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec


def head_specs():
    values = st.builds(HeadSpec, st.integers(1, 5), st.none(), st.sampled_from([None, "relu"]), st.integers(1, 4))
    return st.one_of(values, st.builds(HeadSpec, classes=st.integers(2, 9)))


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["price", "rises", "a_b", "x2"]), head_specs(), min_size=1),
    st.sampled_from(["sequence", "last"]),
)
def test_any_spec_with_heads_survives_its_json_and_has_no_name(heads, returns):
    spec = RNNSpec(LayerSpec("gru", 4), heads=heads, returns=returns)
    again = RNNSpec.from_json(spec.to_json())
    assert again == spec
    assert list(again.heads) == list(heads)  # weights are in this order
    assert hash(again) == hash(spec)
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec
    with pytest.raises(InvalidArgumentError, match=r"heads=.*to_json"):
        spec.name  # noqa: B018


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lsmt_3x100", r"unknown cell 'lsmt'.*Did you mean 'lstm'"),
        ("gur_1x8", r"unknown cell 'gur'.*Did you mean 'gru'"),
        ("bilsmt_1x8", r"unknown cell 'bilsmt'.*Did you mean 'bilstm'"),
        ("lstm", r"'lstm' has no units; expected lstm_1x64, or lstm64"),
        ("lstm_3x100_rleu", r"unknown option 'rleu'.*Did you mean 'relu'"),
        ("lstm_3x100_seq2won", r"unknown option 'seq2won'.*Did you mean 'seq2one'"),
        ("lstm_3x100_attenton3", r"unknown option 'attenton3'.*Did you mean 'attention3'"),
        ("lstm_0x100", "0 layers of 100 units; expected at least one"),
        ("lstm_1x0", "1 layers of 0 units; expected at least one"),
        ("lstm64_seq2one-gru32", "'seq2one' is an option of the model; expected it at the end"),
        ("lstm8--gru8", "cannot read ''"),
        ("", "expected a name such as 'lstm_2x64'"),
        ("lmu_1x8[order]", "cannot read 'order'; expected OPTION=VALUE"),
        ("phased_1x8", r"time stamps missing for phased.*_timestamps.*time=step"),
        ("lstm_1x8_relu_fused", "fused=True.*the activation is relu"),
        ("mingru_1x8_fused", "fused=True.*not for mingru"),
        ("lstm_1x8_residual_fused", "fused=True.*residual act inside the loop"),
        ("convlstm_1x8_residual", "convlstm with residual"),
        ("mingru_1x8_dropstate10", "state_dropout=0.1.*linear memory"),
        ("lstm_1x8_nce", "head='nce' without vocabulary"),
        ("lstm_1x8_residual_highway", "residual and highway are both set"),
        ("lstm_1x8_dropout100", "output_dropout=1"),
        ("lstm_1x8_classes1", "classes=1; expected an integer >= 2"),
        ("lstm_1x8_classes3_o2", "classes=3 with outputs, horizon"),
        ("lstm_1x8_v9_nce_classes3", "classes=3 with outputs, horizon, output_activation or head"),
        ("convlstm_1x8_masked", "masked=True with convlstm"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(name, message):
    with pytest.raises(InvalidArgumentError, match=message):
        RNNSpec.from_name(name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerSpec("lstm", 0), "units=0; expected an integer >= 1"),
        (lambda: LayerSpec("lstm", 8, "rleu"), "Did you mean 'relu'"),
        (lambda: LayerSpec("lstm", 8, residual="yes"), "residual='yes'; expected False, True or 'project'"),
        (lambda: RNNSpec(()), "expected at least one LayerSpec"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), horizon=0), "horizon=0"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), returns="seq2one"), "'sequence', 'last'"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), embedding=8), "embedding=8 without vocabulary"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), vocabulary=9, features=2), "vocabulary with features"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), masked="yes"), "masked='yes'; expected True or False"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), static=-1), "static=-1; expected an integer >= 0"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), heads={}), "expected a dict of at least one output"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), heads={"a b": HeadSpec()}), "heads has the name 'a b'"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), heads={"a": 3}), r"heads\['a'\]=3; expected a HeadSpec"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), heads={"a": {"clases": 3}}), "Did you mean 'classes'"),
        (lambda: RNNSpec((LayerSpec("lstm", 8),), heads={"a": HeadSpec()}, outputs=2), "heads with outputs"),
        (lambda: HeadSpec(classes=2, horizon=2), "classes=2 with outputs, horizon"),
        (lambda: RNNSpec.from_json("{"), "not JSON"),
        (lambda: RNNSpec.from_json("[]"), "expected an object"),
        (lambda: RNNSpec.from_dict({"layer": []}), "Did you mean 'layers'"),
        (lambda: RNNSpec.from_dict({"layers": [{"cel": "lstm"}]}), "Did you mean 'cell'"),
        (lambda: RNNSpec((LayerSpec("lstm", 8, options={"seed": "a,b"}),)).name, "no name can express"),
    ],
)
def test_specs_refuse_what_cannot_be(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bi_lstm_2x64", "bilstm_2x64"),
        ("BiLSTM_2x64", "bilstm_2x64"),
        ("lstm 2x64", "lstm_2x64"),
        ("LSTM_1x32", "lstm_1x32"),
        ("lstm2x64", "lstm_2x64"),
        ("lstm-2x64", "lstm_2x64"),
        ("lstm_64", "lstm_1x64"),
        ("LSTM(64)", "lstm_1x64"),
        ("s5_64", "s5_1x64"),
        ("bidirectional_gru_32", "bigru_1x32"),
        ("gru_1x4_leaky_relu", "gru_1x4_leakyrelu"),
        ("lstm_2 x 64, seq_2_one", "lstm_2x64_seq2one"),
        ("lstm64_seq2one-gru32", "lstm_1x64-gru_1x32_seq2one"),
        ("LMU 1x32 [order=8, theta=12]", "lmu_1x32[order=8,theta=12]"),
        ("Bi-GRU 32 - LSTM 16, dropout 10, classes 3", "bigru_1x32-lstm_1x16_dropout10_classes3"),
        ("LSMT_3x100_rleu", "lstm_3x100_relu"),
    ],
)
def test_a_name_with_other_case_and_separators_gets_a_hint(name, meant):
    with pytest.raises(InvalidArgumentError, match=rf" Did you mean {re.escape(repr(meant))}\?$") as caught:
        RNNSpec.from_name(name)
    assert str(caught.value).count("Did you mean") == 1
    RNNSpec.from_name(meant)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(layer_specs(), min_size=1, max_size=2),
    st.sampled_from(["sequence", "last"]),
    st.sampled_from([None, 2]),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_the_hint_for_a_mangled_name_is_that_name(layers, returns, classes, case, random, repeated):
    spec = RNNSpec(tuple(layers), returns=returns, classes=classes)
    parts = re.split(r"(\[[^\]]*\])", spec.name)
    separators = ["_", " ", ", ", "__"] if repeated else ["_", " ", "-"]
    mangled = "".join(
        part
        if part.startswith("[")
        else re.sub("[_-]", lambda found: found[0] if found[0] == "-" else random.choice(separators), case(part))
        for part in parts
    )
    try:
        found = RNNSpec.from_name(mangled)
    except InvalidArgumentError as error:
        hint = re.search(r"Did you mean '([^']*)'\?$", str(error))
        assert hint is not None, mangled
        found = RNNSpec.from_name(hint[1])
    assert found == spec, mangled


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="bilstmgruxeo5 0123_-[]=,ANx", max_size=24))
def test_whatever_is_suggested_for_a_whole_name_can_be_read(name):
    try:
        parse_name(name)
    except InvalidArgumentError as error:
        hint = re.search(r"Did you mean '([^']*x[^']*)'\?$", str(error))
        if hint is not None:
            parse_name(hint[1])
