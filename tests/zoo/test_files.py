"""Saved models are found after `import kerazoo` alone, in a fresh process, and `zoo.load` says what is wrong."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import _keras_objects, zoo
from kerazoo.cells import CellInfo, Recurrent, RecurrentCell, register_cell, unregister_cell
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec import SkipGram
from kerazoo.word2vec.keras.optimizer import RowClippedSGD

pytestmark = pytest.mark.backend

ROOT = Path(__file__).resolve().parents[2]
ZOO = {
    "wrappers": (
        "lstm_2x4_dropin10_dropout10_dropstate10_variational_residual_attention2_proj3_inproj5_f2",
        "functional",
    ),
    "plain": ("bigru_1x4-mlstm4_seq2one_h2_f2", "sequential"),
    "tokens": ("mingru_1x4_v9_e3_nce", "sequential"),
    "tokens_functional": ("gru_1x4_v9_e3_sampledsoftmax", "functional"),
}


class OwnCell(RecurrentCell):
    """A cell of a user, which no package defines: h' = tanh(gain (x W + h))."""

    options = ("gain",)

    def __init__(self, units, gain=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.gain = gain

    def build(self, input_shape):
        self.kernel = self.add_kernel("kernel", (input_shape[-1], self.units))
        self.built = True

    def call(self, inputs, states, training=False):
        output = ops.tanh(self.gain * (ops.matmul(inputs, self.kernel) + states[0]))
        return output, [output]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with saved models, their inputs and their outputs."""
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    models = {key: zoo.build(name, style, seed=1) for key, (name, style) in ZOO.items()}
    models["skipgram"] = SkipGram(11, 3, negative=2, seed=1)
    models["skipgram"].compile(RowClippedSGD(1.0, clip=0.5))  # an optimizer of kerazoo, too
    register_cell(CellInfo("owncellofthistest", OwnCell, title="A test.", paper="None 2026"))
    try:
        models["own"] = zoo.build("owncellofthistest_1x3[gain=0.5]_f2", seed=1)
    finally:
        unregister_cell("owncellofthistest")
    inputs, outputs = {}, {}
    for key, model in models.items():
        tokens = key.startswith(("tokens", "skipgram"))
        shape = (3, 2) if key == "skipgram" else (2, 5) if tokens else (2, 5, 2)
        inputs[key] = rng.integers(0, 9, shape).astype("int32") if tokens else rng.normal(size=shape).astype("float32")
        outputs[key] = outputs_of(key, model, inputs[key])
        model.save(folder / f"{key}.keras")
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "outputs.npz", **outputs)
    return folder


def outputs_of(key, model, x):
    """Outputs of a model; SkipGram takes words, true words and noise words, which are rows of `x`."""
    if key == "skipgram":
        x = dict(zip(("input", "output", "noise"), x, strict=True))
    return ops.convert_to_numpy(model(x))


def registered_classes():
    """Names of all classes of kerazoo that are registered with Keras, read from the sources."""
    return sorted(
        node.name
        for path in (ROOT / "kerazoo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("register_keras_serializable" in ast.dump(each) for each in node.decorator_list)
    )


CODE = """
import json, sys
{imports}
assert ("kerazoo.cells" in sys.modules, "kerazoo.zoo" in sys.modules) == (False, False)
import numpy as np
look_up = keras.saving.get_registered_object
folder, names = sys.argv[1], json.loads(sys.argv[2])
assert look_up("another>Thing") is None and "kerazoo.cells" not in sys.modules    # only names of kerazoo import it
inputs, outputs = np.load(folder + "/inputs.npz"), np.load(folder + "/outputs.npz")
for key in inputs:
    if key == "own":
        continue
    model = keras.saving.load_model(f"{{folder}}/{{key}}.keras")
    x = inputs[key]
    if key == "skipgram":
        x = dict(input=x[0], output=x[1], noise=x[2])
        assert type(model.optimizer).__name__ == "RowClippedSGD"
    got = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(got, outputs[key], rtol=1e-6, atol=1e-6, err_msg=key)
missing = [name for name in names if look_up("kerazoo>" + name) is None]
assert not missing, missing
assert look_up("kerazoo>NoSuchClass") is None
try:
    kerazoo.zoo.load(f"{{folder}}/own.keras")
except OSError as error:
    print(error)
"""
ORDERS = {
    "kerazoo first": "import kerazoo\nassert 'keras' not in sys.modules and 'numpy' not in sys.modules\nimport keras",
    "keras first": "import keras\nimport kerazoo",
}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_load_model_finds_every_class_in_a_fresh_process(order, folder):
    names = registered_classes()
    assert len(names) > 40
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(imports=ORDERS[order]), str(folder), json.dumps(names)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "own.keras: has classes or functions that are not known here: OwnCell." in done.stdout


@pytest.mark.parametrize("key", [*ZOO, "skipgram"])
def test_load_returns_the_model(key, folder):
    inputs, outputs = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    model = zoo.load(str(folder / f"{key}.keras"))
    np.testing.assert_allclose(outputs_of(key, model, inputs[key]), outputs[key], rtol=1e-6, atol=1e-6)


def test_load_restores_the_compilation(tmp_path):
    model = zoo.build("gru_1x4", seed=1)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(2, 3, 1)).astype("float32")
    model.train_on_batch(x, x)
    model.save(tmp_path / "model.keras")
    again = zoo.load(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == 1
    model.reset_metrics()  # older versions of Keras return running means here
    np.testing.assert_allclose(again.train_on_batch(x, x), model.train_on_batch(x, x), rtol=1e-5)
    assert not zoo.load(tmp_path / "model.keras", compile=False).compiled


def test_a_class_of_the_users_own_is_named_and_can_be_given(folder):
    inputs, outputs = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    with pytest.raises(StorageError, match=r"not known here: OwnCell\. OwnCell: it is in .*call load\(path"):
        zoo.load(folder / "own.keras")
    model = zoo.load(folder / "own.keras", custom_objects={"OwnCell": OwnCell})
    np.testing.assert_allclose(ops.convert_to_numpy(model(inputs["own"])), outputs["own"], rtol=1e-6, atol=1e-6)
    assert next(layer for layer in model.layers if isinstance(layer, Recurrent)).cell.gain == 0.5


@pytest.mark.parametrize(
    ("module", "registered", "message"),
    [
        ("no_such_package.cells", "no_such_package>OwnCell", "the package no_such_package is missing; install it"),
        ("__main__", "OwnCell", "it was defined in the program that saved the model; define it here, too"),
        ("json.decoder", "json>OwnCell", "import json.decoder first, which registers it"),
        ("kerazoo.cells.families.later", "kerazoo>OwnCell", "this version of kerazoo has no such class"),
    ],
)
def test_an_unknown_class_says_which_package_is_missing(module, registered, message, folder, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(folder / "own.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                text = content.decode().replace(json.dumps(OwnCell.__module__), json.dumps(module))
                content = text.replace('"registered_name": "OwnCell"', f'"registered_name": "{registered}"').encode()
                assert registered.encode() in content
                assert module.encode() in content
            target.writestr(name, content)
    with pytest.raises(StorageError, match=message):
        zoo.load(path)


def test_an_unknown_loss_is_named(tmp_path):
    def my_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)

    model = zoo.build("gru_1x4", seed=1)
    model.compile("sgd", my_loss)
    model.save(tmp_path / "model.keras")
    with pytest.raises(StorageError, match="not known here: my_loss"):
        zoo.load(tmp_path / "model.keras")
    assert zoo.load(tmp_path / "model.keras", custom_objects={"my_loss": my_loss}).loss is my_loss
    assert zoo.load(tmp_path / "model.keras", compile=False).count_params() == model.count_params()


def test_other_files_are_refused(folder, tmp_path):
    def refused(path, message):
        with pytest.raises(StorageError, match=message):
            zoo.load(path)

    refused(tmp_path / "none.keras", "no such file")
    refused(tmp_path, "a folder; expected a .keras file")
    (tmp_path / "model.h5").write_bytes(b"x")
    refused(tmp_path / "model.h5", r"has the suffix '\.h5'; expected '\.keras'")
    path = tmp_path / "model.keras"
    path.write_bytes(b"no zip file")
    refused(path, "damaged, or not a model of Keras")
    path.write_bytes(b"")
    refused(path, "damaged, or not a model of Keras")
    content = (folder / "plain.keras").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, "damaged, or not a model of Keras")
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    refused(path, "damaged, or not a model of Keras")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    refused(path, "a zip file without metadata.json, model.weights.h5")
    with pytest.raises(InvalidArgumentError, match="path=None; expected the name"):
        zoo.load(None)
    with pytest.raises(InvalidArgumentError, match="custom_objects="):
        zoo.load(path, custom_objects=[OwnCell])


def test_errors_of_a_file_whose_classes_are_all_known_are_passed_on(folder, tmp_path):
    """A configuration that a class refuses is not called an unknown class."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(folder / "plain.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"units": 4', b'"units": -4'))
    with pytest.raises((TypeError, ValueError)) as caught:
        zoo.load(path)
    assert not isinstance(caught.value, StorageError)
    assert "-4" in str(caught.value)


def test_a_keras_without_the_look_up_is_left_alone(monkeypatch):
    other = types.ModuleType("keras.src.saving.object_registration")
    monkeypatch.setitem(sys.modules, other.__name__, other)
    _keras_objects.install()
    assert not hasattr(other, "get_registered_object")
    other.get_registered_object = "no function"
    _keras_objects.install()
    assert other.get_registered_object == "no function"


def test_the_look_up_is_replaced_once_and_stays_what_it_was():
    from keras.src.saving import object_registration

    before = object_registration.get_registered_object
    assert keras.saving.get_registered_object is before
    _keras_objects.install()
    assert object_registration.get_registered_object is before
    assert before.__name__ == "get_registered_object"
    assert "custom_objects" in before.__doc__
    own = type("Own", (), {})
    assert before("kerazoo>Own", custom_objects={"kerazoo>Own": own}) is own
    assert before("kerazoo>Recurrent") is Recurrent
