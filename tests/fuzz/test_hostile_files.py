"""What readers do with files that a stranger made: the kinds of failures that fuzzing found."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import CorpusError, InvalidArgumentError, StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.text.readers import BoundedStream, XzStream
from kerazoo.word2vec import load_vectors
from tests.fuzz.tensor_files import parsed, rebuilt


@pytest.fixture
def file(tmp_path):
    """A file of two arrays, and a function that writes it again with another header."""
    path = tmp_path / "file"
    write_tensors(path, {"x": np.arange(4.0), "y": np.zeros(0, np.int32)}, {"n": 1}, kind="example")

    def change(edit, pad=True):
        header, tensors = parsed(path.read_bytes())
        edit(header)
        path.write_bytes(rebuilt(header, tensors, pad))
        return path

    return change


@pytest.mark.parametrize("shape", [[0, 2**62], [2**63, 0], [2**64, 0], [0] * 70])
def test_shapes_that_no_array_can_have(file, shape):
    path = file(lambda header: header["y"].update(shape=shape))
    with pytest.raises(StorageError, match="damaged"):
        read_tensors(path, kind="example")


def test_more_axes_than_numpy_has(file):
    with pytest.raises(StorageError, match="damaged"):
        read_tensors(file(lambda header: header["x"].update(shape=[1] * 70 + [4])), kind="example")


@pytest.mark.parametrize("notes", ["[" * 5000, '{"n": NaN}', '{"n": Infinity}', "9" * 5000, "{", ""])
def test_notes_that_are_no_json(file, notes):
    path = file(lambda header: header["__metadata__"].update(kerazoo=notes))
    with pytest.raises(StorageError, match="damaged"):
        read_tensors(path, kind="example")


@pytest.mark.parametrize("mmap", [True, False])
def test_arrays_at_odd_addresses_are_copied(file, mmap):
    path = file(lambda header: header["__metadata__"].update(more="x"), pad=False)
    if parsed(path.read_bytes()) is not None and int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0:
        path = file(lambda header: header["__metadata__"].update(more="xy"), pad=False)
    arrays, _ = read_tensors(path, kind="example", mmap=mmap)
    assert arrays["x"].flags.aligned
    assert arrays["x"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02cposix\nsystem\n(S'touch ran'\ntR.",
        b"\x80\x02cnumpy\nfromfile\n(S'/etc/hostname'\ntR.",
        b"\x80\x02cnumpy\nndarray\n(I1152921504606846976\ntR.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # the C unpickler would make room for 2^31 objects
        b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b".",
        b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b".",
        b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00xX\x03\x00\x00\x00hextR.",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}X\x0c\x00\x00\x00__defaults__K\x01sb.",
    ],
)
def test_pickles_run_nothing_and_take_no_memory(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.kv").write_bytes(content)
    with pytest.raises(StorageError) as caught:
        load_vectors("v.kv")
    assert not isinstance(caught.value.__cause__, MemoryError)
    assert [path.name for path in tmp_path.iterdir()] == ["v.kv"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_pickles_of_gensim_are_read(tmp_path, protocol, dtype):
    keyed = pytest.importorskip("gensim").models.KeyedVectors(3)
    keyed.add_vectors(["a", "b"], np.arange(6, dtype=np.float32).reshape(2, 3))
    keyed.vectors = np.asfortranarray(keyed.vectors.astype(dtype))
    keyed.set_vecattr("a", "count", 5)
    (tmp_path / "v.kv").write_bytes(pickle.dumps(keyed, protocol))
    found = load_vectors(tmp_path / "v.kv")
    assert found.words == ["a", "b"]
    assert found.vectors.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.counts.tolist() == [5, 0]


def test_bombs_are_refused_and_plain_texts_of_any_size_are_not(tmp_path):
    bomb = bz2.compress(b"a 1\n" * (1 << 23))
    (tmp_path / "v.txt").write_bytes(bomb)
    with pytest.raises(StorageError, match="100 times its size"):
        load_vectors(tmp_path / "v.txt")
    (tmp_path / "t.bz2").write_bytes(bz2.compress(b"x" * (1 << 27)))
    with pytest.raises(CorpusError, match=r"1000 times its size|no ASCII white space"):
        EncodedCorpus.from_source(tmp_path / "t.bz2")
    stream = BoundedStream(io.BytesIO(bytes(100)), 1, ratio=10, least=100)
    assert stream.read() == bytes(100)


def test_csv_bombs_are_refused(tmp_path):
    from kerazoo.cli.csv_tables import read_table

    (tmp_path / "s.csv.bz2").write_bytes(bz2.compress(b"1,2\n" * (1 << 22)))
    with pytest.raises(StorageError, match="200 times its size"):
        read_table(tmp_path / "s.csv.bz2")
    for content in (b"PK%2", b""):
        (tmp_path / "s.csv.zip").write_bytes(content)
        with pytest.raises((StorageError, InvalidArgumentError)):
            read_table(tmp_path / "s.csv.zip")


def test_keras_bombs_are_refused(tmp_path):
    from kerazoo import zoo

    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("config.json", "metadata.json"):
            archive.writestr(name, json.dumps({}))
        archive.writestr("model.weights.h5", bytes(1 << 27))
    with pytest.raises(StorageError, match="contain"):
        zoo.load(tmp_path / "m.keras")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=3), st.integers(1, 5000))
def test_xz_streams_are_those_of_lzma(parts, step):
    data = b"".join(map(lzma.compress, parts))
    stream, found = XzStream(io.BytesIO(data)), []
    while part := stream.read(step):
        found.append(part)
    assert b"".join(found) == lzma.decompress(data)


def test_xz_files_do_not_choose_how_much_memory_they_take():
    data = lzma.compress(b"a", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1536 << 20}])
    with pytest.raises(lzma.LZMAError, match="limit"):
        XzStream(io.BytesIO(data)).read()
    with pytest.raises(EOFError):
        XzStream(io.BytesIO(lzma.compress(bytes(1000))[:-5])).read()


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_a_dropout_has_a_name_that_is_read_as_the_same(dropout):
    from kerazoo.zoo import LayerSpec, RNNSpec

    spec = RNNSpec((LayerSpec("gru", 4, input_dropout=dropout),))
    try:
        name = spec.name
    except InvalidArgumentError as error:
        assert "to_json" in str(error)  # noqa: PT017
        return
    assert RNNSpec.from_name(name) == spec
