"""Files of word vectors: every format reads back what was written, and what gensim wrote."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kerazoo import Word2Vec
from kerazoo.errors import InvalidArgumentError, StorageError, VocabularyError
from kerazoo.word2vec import WordVectors, load_vectors, save_vectors
from kerazoo.word2vec.io import vector_text
from kerazoo.word2vec.io.vector_files import read_vectors

COMPRESSIONS = ["", ".gz", ".bz2", ".xz", ".zst"]
WHITE = [" ", "\n", "\r", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\ufeff", "\0"]
characters = st.characters(exclude_categories=["Cs"]) | st.sampled_from(WHITE)
any_words = st.lists(st.text(characters, min_size=1, max_size=5), min_size=1, max_size=6, unique=True)
border_free = any_words.filter(lambda words: not any(" " in word or "\n" in word for word in words))
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


def table(data, words, values=numbers):
    size = data.draw(st.integers(1, 4))
    rows = data.draw(st.lists(st.lists(values, min_size=size, max_size=size), min_size=len(words), max_size=len(words)))
    return WordVectors(words, rows)


def check_equal(found, expected):
    assert found.words == expected.words
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def sample(n=5, size=3, counts=None):
    rng = np.random.default_rng(1)
    return WordVectors([f"wört{i}" for i in range(n)], rng.normal(size=(n, size)).astype(np.float32), counts)


def gensims(vectors):
    made = KeyedVectors(vectors.vector_size)
    made.add_vectors(vectors.words, vectors.vectors)
    return made


@settings(max_examples=60, deadline=None)
@given(border_free, st.data(), st.sampled_from([".txt", ".vec", ".bin"]), st.sampled_from(COMPRESSIONS[:2]))
@example(["5", "\x85", "a\tb", "\ufeff", "\x1c"], None, ".txt", "")
def test_word2vecs_formats_hold_any_word_without_borders(tmp_path_factory, words, data, suffix, compression):
    path = tmp_path_factory.mktemp("vectors") / f"v{suffix}{compression}"
    vectors = table(data, words) if data else sample(len(words)) and WordVectors(words, np.eye(len(words)))
    save_vectors(vectors, path)
    check_equal(load_vectors(path), vectors)
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=suffix == ".bin")
    assert theirs.index_to_key == words
    np.testing.assert_array_equal(theirs.vectors, vectors.vectors)


@settings(max_examples=60, deadline=None)
@given(any_words, st.data(), st.sampled_from([".kv", ".kv.gz", ".safetensors"]))
def test_the_other_formats_hold_any_word(tmp_path_factory, words, data, suffix):
    path = tmp_path_factory.mktemp("vectors") / f"v{suffix}"
    vectors = table(data, words)
    save_vectors(vectors, path)
    check_equal(load_vectors(path), vectors)
    if suffix != ".safetensors":
        theirs = KeyedVectors.load(str(path))
        assert theirs.index_to_key == words
        assert theirs.most_similar(words[0]) is not None


@settings(max_examples=60, deadline=None)
@given(border_free, st.data(), st.booleans())
def test_what_gensim_writes_is_read(tmp_path_factory, words, data, binary):
    path = tmp_path_factory.mktemp("vectors") / "vectors"
    vectors = table(data, words)
    gensims(vectors).save_word2vec_format(str(path), binary=binary)
    found = load_vectors(path, format="binary" if binary else "text")
    assert found.words == sorted(words, key=words.index)
    np.testing.assert_array_equal(found.vectors, vectors.vectors)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("suffix", [".txt", ".bin", ".kv"])
def test_compressed_files(tmp_path, suffix, compression):
    vectors = sample(400, 7)
    path = tmp_path / f"v{suffix}{compression}"
    save_vectors(vectors, path)
    check_equal(load_vectors(path), vectors)
    if suffix != ".kv":  # the compression and the format are recognised without suffixes
        plain = path.rename(tmp_path / "v.100d")
        check_equal(load_vectors(plain), vectors)
    if compression:
        data = (tmp_path / "v.100d" if suffix != ".kv" else path).read_bytes()
        (tmp_path / f"short{suffix}{compression}").write_bytes(data[: len(data) // 2])
        with pytest.raises(StorageError, match="damaged"):
            load_vectors(tmp_path / f"short{suffix}{compression}")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0), ("float16", 2**-11), ("int8", 1 / 254)])
def test_short_numbers(tmp_path, dtype, tolerance):
    vectors = sample(300, 50, counts=np.arange(300, 0, -1))
    vectors.vectors[3] = 0
    save_vectors(vectors, tmp_path / "v.safetensors", dtype=dtype)
    found = load_vectors(tmp_path / "v.safetensors")
    assert found.vectors.dtype == np.float32
    largest = np.abs(vectors.vectors).max(axis=1, keepdims=True)
    assert (np.abs(found.vectors - vectors.vectors) <= 1.0001 * tolerance * largest).all()
    assert found.counts.tolist() == vectors.counts.tolist()
    size = (tmp_path / "v.safetensors").stat().st_size
    assert size < 300 * (50 * np.dtype(dtype).itemsize + 40) + 2000
    vectors.vectors[2, 1] = np.inf
    if dtype == "float32":
        save_vectors(vectors, tmp_path / "v.safetensors")
    else:
        with pytest.raises(InvalidArgumentError, match="wört2"):
            save_vectors(vectors, tmp_path / "v.safetensors", dtype=dtype)
    with pytest.raises(InvalidArgumentError, match="float32"):
        save_vectors(vectors, tmp_path / "v.txt", dtype="int8")


def test_glove_without_a_header_and_with_blanks_in_words(tmp_path):
    path = tmp_path / "glove.840B.txt"
    path.write_bytes("the 0.1 -2e-3 3\n. . . 1 2 3\r\n\xa0 4 5 6\n7 7 8 9\n\n".encode())
    found = load_vectors(path)
    assert found.words == ["the", ". . .", "\xa0", "7"]
    np.testing.assert_array_equal(found.vectors, np.float32([[0.1, -2e-3, 3], [1, 2, 3], [4, 5, 6], [7, 8, 9]]))
    for suffix in (".bin", ".vec"):
        with pytest.raises(InvalidArgumentError, match=r"'\. \. \.' contains white space.*safetensors"):
            save_vectors(found, tmp_path / f"v{suffix}")
        assert not (tmp_path / f"v{suffix}").exists()


def test_trailing_blanks_of_other_programs(tmp_path):
    (tmp_path / "a.vec").write_bytes(b"2 3\nred 1 2 3 \niron\t4\t5\t6\n")
    found = load_vectors(tmp_path / "a.vec")
    assert (found.words, found.vectors.tolist()) == (["red", "iron"], [[1, 2, 3], [4, 5, 6]])
    rows = np.float32([[1, 2], [3, 4]])
    (tmp_path / "a.bin").write_bytes(b"2 2\nred " + rows[0].tobytes() + b"\niron " + rows[1].tobytes() + b"\n")
    found = load_vectors(tmp_path / "a.bin")
    assert (found.words, found.vectors.tolist()) == (["red", "iron"], rows.tolist())


def test_the_first_of_several_vectors_of_a_word_is_kept(tmp_path):
    (tmp_path / "v.txt").write_text("3 2\nred 1 2\niron 3 4\nred 5 6\n")
    with pytest.warns(UserWarning, match="1 words are there more than once, such as 'red'"):
        found = load_vectors(tmp_path / "v.txt")
    assert (found.words, found.vectors.tolist()) == (["red", "iron"], [[1, 2], [3, 4]])


def test_words_that_are_not_utf8(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"2 1\nr\xffd 1\niron 3\n")
    with pytest.raises(StorageError, match=r"r\\xffd.*unicode_errors='replace'"):
        load_vectors(tmp_path / "v.txt")
    assert load_vectors(tmp_path / "v.txt", unicode_errors="replace").words == ["r\ufffdd", "iron"]
    assert load_vectors(tmp_path / "v.txt", unicode_errors="ignore").words == ["rd", "iron"]
    with pytest.raises(InvalidArgumentError, match="unicode_errors"):
        load_vectors(tmp_path / "v.txt", unicode_errors="lenient")


@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("suffix", [".txt", ".bin"])
@pytest.mark.parametrize("promised", [4, 6, 10**15])
def test_headers_that_promise_another_number_of_vectors(tmp_path, suffix, compression, promised):
    import gzip

    save_vectors(sample(), tmp_path / f"v{suffix}")
    data = (tmp_path / f"v{suffix}").read_bytes().replace(b"5 3\n", f"{promised} 3\n".encode(), 1)
    path = tmp_path / f"w{suffix}{compression}"
    path.write_bytes(gzip.compress(data) if compression else data)
    with pytest.raises(StorageError, match=f"promises {promised:,} vectors"):
        load_vectors(path)


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_files_cut_anywhere(tmp_path, suffix):
    save_vectors(sample(), tmp_path / f"v{suffix}")
    data = (tmp_path / f"v{suffix}").read_bytes()
    for end in range(len(data) - (2 if suffix == ".txt" else 1)):
        (tmp_path / f"w{suffix}").write_bytes(data[:end])
        if suffix == ".txt" and data[:end].count(b" ") == 16 and data[end - 1 : end] != b" ":
            continue  # the last number is shorter: nothing says so
        with pytest.raises(StorageError):
            load_vectors(tmp_path / f"w{suffix}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.txt", b"", "not a .txt file"),
        ("v.txt", b"2 2\nred 1 2\niron 3\n", "line 3 has 1 numbers; expected 2"),
        ("v.txt", b"2 2\nred 1 x\niron 3 4\n", "line 2 has something that is no number"),
        ("v.txt", b"red 1 2\n 3 4\n", "no word"),
        ("v.txt", b"0 2\n", "0 vectors"),
        ("v.bin", b"2 999999999999999999\nred ", "999999999999999999 dimensions"),
        ("v.txt", b"<html><body>not found\n", "not a .txt file"),
        ("v.bin", b"red 1 2\n", "not a .bin file"),
        ("v.bin", b"1 1\nred 1234 and more", "more bytes"),
        ("v.kv", b"nonsense", "not a .kv file"),
        ("v.kerazoo", b"nonsense", "not a file of kerazoo"),
        ("v.safetensors", b"nonsense", "not a file of kerazoo"),
        ("v.100d", b"%PDF-1.7 and so on", "not recognised"),
        ("v.100d", b"", "not recognised"),
    ],
)
def test_damaged_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match=message):
        load_vectors(tmp_path / name)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        load_vectors(tmp_path / "v.txt")
    with pytest.raises(StorageError, match="a folder"):
        load_vectors(tmp_path)
    with pytest.raises(InvalidArgumentError, match=r"suffix.*\.csv"):
        save_vectors(sample(), tmp_path / "v.csv")
    with pytest.raises(InvalidArgumentError, match="cannot be compressed"):
        save_vectors(sample(), tmp_path / "v.safetensors.gz")
    with pytest.raises(InvalidArgumentError, match="format='txt'"):
        load_vectors(tmp_path / "v.txt", format="txt")
    with pytest.raises(InvalidArgumentError, match="of type dict"):
        save_vectors({}, tmp_path / "v.txt")


class Evil:
    """Pickled as a call that must never happen."""

    def __reduce__(self):
        return (print, ("called",))


def test_pickles_are_not_read_unasked_and_never_run(tmp_path, capsys):
    import pickle

    gensims(sample()).save(str(tmp_path / "vectors"))
    for name in ("vectors", "renamed.txt"):
        (tmp_path / name).write_bytes((tmp_path / "vectors").read_bytes())
        with pytest.raises(StorageError, match="a pickle, which is not read unasked"):
            load_vectors(tmp_path / name)
    check_equal(load_vectors(tmp_path / "vectors", format="pickle"), sample())
    (tmp_path / "evil.kv").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(StorageError, match="print; expected KeyedVectors"):
        load_vectors(tmp_path / "evil.kv")
    assert capsys.readouterr().out == ""


def test_large_tables_of_gensim_are_beside_their_file(tmp_path):
    vectors = sample(50, 9)
    gensims(vectors).save(str(tmp_path / "v.kv"), sep_limit=1)
    assert (tmp_path / "v.kv.vectors.npy").exists()
    check_equal(load_vectors(tmp_path / "v.kv"), vectors)
    (tmp_path / "v.kv.vectors.npy").unlink()
    with pytest.raises(StorageError, match=r"v\.kv\.vectors\.npy does not exist"):
        load_vectors(tmp_path / "v.kv")


@pytest.mark.parametrize("hs", [0, 1])
def test_trained_vectors_of_gensim(tmp_path, hs):
    from gensim.models import Word2Vec as GensimWord2Vec

    theirs = GensimWord2Vec([["red", "apple"], ["green", "apple"]] * 5, vector_size=4, min_count=1, hs=hs)
    theirs.wv.save(str(tmp_path / "v.kv"))
    found = load_vectors(tmp_path / "v.kv")
    check_equal(found, WordVectors(theirs.wv.index_to_key, theirs.wv.vectors))
    assert found.counts.tolist() == [10, 5, 5]
    theirs.save(str(tmp_path / "model"))
    np.testing.assert_array_equal(Word2Vec.from_gensim(tmp_path / "model").vectors_, theirs.wv.vectors)
    with pytest.raises(StorageError, match="Word2Vec; expected KeyedVectors"):
        load_vectors(tmp_path / "model", format="pickle")


def test_files_are_read_without_gensim(tmp_path):
    for suffix in (".txt", ".bin.gz", ".kv", ".safetensors"):
        save_vectors(sample(), tmp_path / f"v{suffix}")
    Word2Vec(vector_size=3, min_count=1, sample=0, verbose=0, epochs=1).fit([["wört0", "a", "wört0"]] * 3).save(
        tmp_path / "v.kerazoo"
    )
    code = """
import pathlib, sys
sys.modules["gensim"] = None
from kerazoo.word2vec import load_vectors
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    print(path.name, load_vectors(path).most_similar("wört0", topn=1)[0][0] != "wört0")
print({"keras", "sklearn", "pandas"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.stdout.count(" True\n") == 5, done.stderr
    assert done.stdout.endswith("set()\n")


def test_models_and_gensims_vectors_can_be_written(tmp_path):
    model = Word2Vec(vector_size=4, min_count=1, sample=0, epochs=1, verbose=0).fit(
        [["red", "apple"], ["green", "apple"]] * 5
    )
    for source in (model, model.wv, model.to_contents()):
        save_vectors(source, tmp_path / "v.safetensors")
        found = load_vectors(tmp_path / "v.safetensors")
        assert found.words == model.vocabulary_.words
        assert found.counts.tolist() == model.vocabulary_.counts.tolist()
        np.testing.assert_array_equal(found.vectors, model.vectors_)
    imported = Word2Vec.from_gensim(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(imported.vectors_, model.vectors_)
    assert read_vectors(tmp_path / "v.safetensors").get_vecattr("apple", "count") == 10
    with pytest.raises(InvalidArgumentError, match=r"Word2Vec\.save"):
        save_vectors(model, tmp_path / "v.kerazoo")


def test_the_projector_of_tensorboard(tmp_path):
    vectors = sample(3, 2)
    save_vectors(vectors, tmp_path / "out" / "tsv", format="projector")
    rows = np.loadtxt(tmp_path / "out" / "tsv" / "vectors.tsv", np.float32, delimiter="\t")
    np.testing.assert_array_equal(rows, vectors.vectors)
    assert (tmp_path / "out" / "tsv" / "metadata.tsv").read_text("utf-8").splitlines() == vectors.words
    save_vectors(WordVectors(["a", "b c"], [[1], [2]], [7, 6]), tmp_path, format="projector")
    assert (tmp_path / "metadata.tsv").read_text() == "word\tcount\na\t7\nb c\t6\n"
    with pytest.raises(InvalidArgumentError, match="white space"):
        save_vectors(WordVectors(["a\tb"], [[1]]), tmp_path, format="projector")


def test_neighbours_are_gensims():
    vectors = sample(40, 6)
    ours, theirs = vectors.most_similar("wört3", topn=5), gensims(vectors).most_similar("wört3", topn=5)
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([score for _, score in ours], [score for _, score in theirs], rtol=1e-5)
    assert len(vectors.most_similar("wört3", topn=99)) == 39
    long = WordVectors(["a", "b", "c"], [[1e30, 0], [1e8, 1e8], [0, 1]])
    np.testing.assert_allclose([score for _, score in long.most_similar("a")], [0.5**0.5, 0], atol=1e-6)
    with pytest.raises(VocabularyError, match="'x' is not one of the 40 words"):
        vectors.most_similar("x")


@pytest.mark.parametrize(
    ("words", "rows", "message"),
    [
        ([], [], "at least one word"),
        (["a"], [[1], [2]], "at least one word"),
        (["a", "a"], [[1], [2]], "'a' twice"),
        (["a", ""], [[1], [2]], r"words\[1\]"),
        (["a", "\ud800"], [[1], [2]], "surrogate"),
    ],
)
def test_wrong_vectors(words, rows, message):
    with pytest.raises(InvalidArgumentError, match=message):
        WordVectors(words, rows)


def test_neighbours_beside_vectors_that_are_not_finite():
    vectors = WordVectors(["a", "b", "c"], [[1, np.nan], [1, 2], [1, 1]])
    assert [word for word, _ in vectors.most_similar("b")] == ["c", "a"]


def test_neighbours_of_a_model_are_those_of_its_file_also_of_very_long_vectors(tmp_path):
    model = Word2Vec(vector_size=4, min_count=1, sample=0, seed=1, workers=1, verbose=0).fit([["a", "b", "c"]] * 20)
    model.vectors_ *= np.float32(1e20)  # whose squares float32 cannot hold
    found = model.most_similar("a")
    save_vectors(model, tmp_path / "v.txt")
    again = load_vectors(tmp_path / "v.txt").most_similar("a")
    assert [word for word, _ in found] == [word for word, _ in again]
    assert len(found) == 2
    np.testing.assert_allclose([each for _, each in found], [each for _, each in again], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_long_words_are_read_back_and_too_long_ones_are_not_written(suffix, tmp_path, monkeypatch):
    words = ["a", "x" * (1 << 20), "b"]
    vectors = WordVectors(words, np.arange(6, dtype=np.float32).reshape(3, 2))
    save_vectors(vectors, tmp_path / f"vectors{suffix}")
    found = load_vectors(tmp_path / f"vectors{suffix}")
    assert found.words == words
    np.testing.assert_array_equal(found.vectors, vectors.vectors)
    monkeypatch.setattr(vector_text, "LONGEST_WORD", 1 << 19)
    with pytest.raises(InvalidArgumentError, match=r"a word of 1,048,576 bytes.*Write .safetensors"):
        save_vectors(vectors, tmp_path / f"more{suffix}")
