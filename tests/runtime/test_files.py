"""Tensor files: what goes in comes out, other readers open them, and nothing damaged gets through."""

from __future__ import annotations

import errno
import json
import os
import pydoc
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from kerazoo._runtime import files as storage
from kerazoo._runtime.files import Blocks, read_tensors, write_tensors
from kerazoo.errors import InvalidArgumentError, StorageError

DTYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


def sample() -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {
        f"of {dtype}": (np.arange(number + 3) % 2).astype(dtype) for number, dtype in enumerate(DTYPES)
    }
    arrays["matrix"] = np.arange(35, dtype=np.float32).reshape(5, 7)
    arrays["fortran"] = np.asfortranarray(arrays["matrix"])
    arrays["strided"] = np.arange(40, dtype=np.int16)[::3]
    arrays["big endian"] = np.arange(4, dtype=">i4")
    arrays["cube"] = np.arange(24, dtype=np.int64).reshape(2, 3, 4).transpose(2, 0, 1)
    arrays["empty"] = np.empty((0, 3), np.float64)
    arrays["scalar"] = np.array(3.5)
    return arrays


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype.newbyteorder("="), name
        assert found[name].shape == array.shape, name
        assert np.array_equal(found[name], array), name


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("step", [1, 8, 1 << 24])
def test_round_trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mmap: bool, step: int) -> None:
    monkeypatch.setattr(storage, "_STEP", step)  # arrays go in several pieces
    path = tmp_path / "file"
    metadata = {"text": "é\n", "list": [1, None, {"deep": True}]}
    write_tensors(path, sample(), metadata, kind="test")
    arrays, found = read_tensors(path, kind="test", mmap=mmap, verify=True)
    assert found == metadata
    assert_same(arrays, sample())
    for array in arrays.values():
        assert array.flags.aligned
        assert not array.size or array.flags.writeable is not mmap
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_safetensors_reads_the_files(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    write_tensors(path, sample(), {"a": 1}, kind="test")
    assert_same(safetensors.numpy.load_file(path), sample())
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata()["kind"] == "test"


def test_no_arrays_at_all(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", {}, {}, kind="test")
    assert read_tensors(tmp_path / "file", kind="test") == ({}, {})


def test_blocks_are_streamed_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    pieces = [np.arange(3, dtype=np.int32), np.empty(0, np.int32), np.arange(5, dtype=np.int32)]
    write_tensors(path, {"x": Blocks((2, 4), np.dtype(np.int32), iter(pieces))}, None, kind="test")
    arrays, metadata = read_tensors(path, kind="test", verify=True)
    assert arrays["x"].tolist() == [[0, 1, 2, 0], [1, 2, 3, 4]]
    assert metadata is None
    before = path.read_bytes()
    with pytest.raises(InvalidArgumentError, match=r"array 'x' of shape \(9,\) came as 8 values"):
        write_tensors(path, {"x": Blocks((9,), np.dtype(np.int32), iter(pieces))}, {}, kind="test")
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_tensors(path, {"x": np.arange(3)}, {}, kind="test")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"file: cannot be written \(No space left on device\)"):
        write_tensors(path, {"x": np.arange(4)}, {}, kind="test")
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
    with pytest.raises(
        StorageError, match=r"cannot be written \(No such file or directory\). Check that the folder exists"
    ):
        write_tensors(tmp_path / "none" / "file", {}, {}, kind="test")


@pytest.mark.parametrize(
    ("arrays", "metadata", "message"),
    [
        ({"x": np.array(["a"])}, {}, "array 'x' has dtype <U1; expected one of .*float32"),
        ({"x": np.array([object()])}, {}, "array 'x' has dtype object"),
        ({"x": np.array([1j])}, {}, "complex128"),
        ({"__metadata__": np.zeros(1)}, {}, "cannot name an array"),
        ({}, {"x": object()}, "metadata cannot be written as JSON"),
        ({}, {"x": float("nan")}, "metadata cannot be written as JSON"),
    ],
)
def test_what_has_no_place_in_a_file(tmp_path: Path, arrays: dict, metadata: dict, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        write_tensors(tmp_path / "file", arrays, metadata, kind="test")
    assert not list(tmp_path.iterdir())


def test_every_length_that_is_cut_short_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_tensors(path, {"x": np.arange(7), "y": np.ones((2, 3), np.float32)}, {"a": 1}, kind="test")
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(StorageError, match=r"file: damaged or not a file of kerazoo: .*again"):
            read_tensors(path, kind="test")
    path.write_bytes(data + b"\0")
    with pytest.raises(StorageError, match="was it cut short"):
        read_tensors(path, kind="test")


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    arrays, metadata = {"x": np.arange(3), "y": np.ones(5, np.float32)}, {"a": 1}
    write_tensors(path, arrays, metadata, kind="test")
    data = path.read_bytes()
    noticed = 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x15
        path.write_bytes(changed)
        try:
            found, notes = read_tensors(path, kind="test", verify=True)
        except StorageError:
            noticed += 1
        else:  # a name or a note may change; the data may not
            assert [a.tobytes() for a in found.values()] == [a.tobytes() for a in arrays.values()]
            assert found.keys() != arrays.keys() or notes != metadata
    assert noticed > 0.8 * len(data)


def header_of(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes cannot hold its header"),
        (b"\x80\x04K\x01.", "5 bytes cannot hold"),
        (b"\xff" * 100, "100 bytes cannot hold"),
        (header_of(b"not json"), "its header cannot be read"),
        (header_of(b"[1, 2]"), "its header cannot be read"),
        (header_of(b"[" * 10_000), "its header cannot be read"),
        (header_of(b"{}"), "a safetensors file that kerazoo did not write; expected kind 'test'"),
        (header_of(b'{"__metadata__": {"kind": "kerazoo.corpus"}}'), "kind 'kerazoo.corpus'; expected kind 'test'"),
        (header_of(b'{"__metadata__": {"kind": "test"}}'), "its metadata cannot be read"),
        (header_of(b'{"x": {"dtype": "F4", "shape": [1], "data_offsets": [0, 4]}}'), "its header cannot be read"),
        (header_of(b'{"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}'), "not a number"),
        (header_of(b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}'), r"its place is 0 to 4"),
        (header_of(b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}'), r"its place is 4 to 8"),
    ],
)
def test_foreign_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(StorageError, match=message):
        read_tensors(path, kind="test")


@pytest.mark.parametrize("kind", sorted(storage._OPENERS))
def test_a_file_of_another_kind_names_what_opens_it(tmp_path: Path, kind: str) -> None:
    opener = storage._OPENERS[kind]
    assert callable(pydoc.locate(opener)), opener
    path = tmp_path / "file"
    write_tensors(path, {"x": np.zeros(3, np.float32)}, {}, kind=kind)
    with pytest.raises(StorageError, match=re.escape(f"expected kind 'test'. {opener} opens it.")):
        read_tensors(path, kind="test")


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_tensors(tmp_path / "none", kind="test")
    with pytest.raises(StorageError, match="cannot be read"):
        read_tensors(tmp_path, kind="test")


def test_the_header_is_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_tensors(path, {"x": np.arange(3, dtype=np.int32)}, {"a": 1}, kind="test")
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert (8 + length) % 64 == 0
    table = json.loads(data[8 : 8 + length])
    assert table["x"] == {"dtype": "I32", "shape": [3], "data_offsets": [0, 12]}
    assert json.loads(table["__metadata__"]["kerazoo"]) == {"a": 1}
