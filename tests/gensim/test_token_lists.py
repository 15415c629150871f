"""Lists of tokens to ids: the compiled functions against their references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo_ext import _token_lists
from tests.references import token_lists as reference

pytestmark = pytest.mark.kernels

TOKENS = st.one_of(st.text(max_size=3), st.integers(0, 9))
SENTENCES = st.lists(st.one_of(st.lists(TOKENS, max_size=9), st.lists(TOKENS, max_size=4).map(tuple), st.text("ab ")))


@settings(max_examples=60, deadline=None)
@given(SENTENCES, st.lists(TOKENS, unique=True, max_size=4), st.booleans())
def test_encode_equals_its_reference(sentences, known, grow):
    tables = [{token: i for i, token in enumerate(known)} for _ in range(2)]
    ids, ends = _token_lists.encode(iter(sentences), tables[0], grow)
    expected_ids, expected_ends = reference.encode(sentences, tables[1], grow)
    assert ids.dtype == np.int32
    assert ends.dtype == np.int64
    assert ids.tolist() == expected_ids.tolist()
    assert ends.tolist() == expected_ends.tolist()
    assert list(tables[0].items()) == list(tables[1].items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 6), max_size=5), max_size=6), st.booleans())
def test_remap_equals_its_reference(sentences, mapped):
    ids = np.array([id for sentence in sentences for id in sentence], np.int32)
    ends = np.cumsum([len(sentence) for sentence in sentences], dtype=np.int64)
    mapping = np.array([3, -1, 0, 4, -1, 1, 2] if mapped else [], np.int32)
    expected_ids, expected_ends = reference.remap(ids, mapping, ends)
    guarded = np.append(ids, np.int32([77, 78]))  # values beyond the ids stay
    kept = _token_lists.remap(guarded[: len(ids)], mapping, ends)
    assert guarded[:kept].tolist() == expected_ids.tolist()
    assert ends.tolist() == expected_ends.tolist()
    assert guarded[len(ids) :].tolist() == [77, 78]


def test_long_sentences_and_many_words_are_encoded():
    """Longer than the memory that is reserved at first, and than the distance of the prefetch."""
    sentences = [[f"w{i % 1500}" for i in range(3000)], ["w7"] * 40, []]
    table = {}
    ids, ends = _token_lists.encode(sentences, table, True)
    assert ends.tolist() == [3000, 3040, 3040]
    assert ids.tolist() == [*range(1500), *range(1500), *[7] * 40]
    assert len(table) == 1500


def test_a_word_of_another_str_type_becomes_a_str():
    table = {}
    _token_lists.encode([np.array(["a", "b"])], table, True)
    assert [type(word) for word in table] == [str, str]


WORDS = st.text(min_size=1, max_size=3).filter(lambda word: word.encode("utf-8", "ignore").decode() == word)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.lists(WORDS, max_size=9), st.lists(WORDS, max_size=4).map(tuple)), max_size=9))
def test_word_ids_equal_the_reference_of_encode(documents):
    words, sizes = _token_lists.WordIds(), []
    for document in documents:
        sizes.append(words.add(document))
        assert len(words) == sum(sizes)
    table = {}
    expected, ends = reference.encode(documents, table, True)
    ids = words.take()
    assert ids.dtype == np.int32
    assert (ids.tolist(), np.cumsum(sizes).tolist()) == (expected.tolist(), ends.tolist())
    assert list(words.table.items()) == list(table.items())
    assert len(words) == 0
    assert words.add(["at last"]) == 1
    assert words.take().tolist() == [words.table["at last"]]


class Unhashable(str):
    """A str with an error in its hash."""

    def __hash__(self):
        raise TypeError("mine")


@pytest.mark.parametrize("bad", ["", None, 3, b"a", ["a"], "\ud800", {"a": 1}])
def test_word_ids_name_the_first_token_that_is_no_word(bad):
    words = _token_lists.WordIds()
    words.add(["a", "é"])
    with pytest.raises(_token_lists.TokenError) as caught:
        words.add(["b", "a", bad, "c"])
    assert caught.value.token == 2
    assert bad not in list(words.table)


def test_errors_of_the_words_themselves_are_kept():
    with pytest.raises(TypeError, match=r"\bmine\b") as caught:  # Python 3.14 says in which use of it
        _token_lists.WordIds().add(["a", Unhashable("b")])
    assert not isinstance(caught.value, _token_lists.TokenError)


@pytest.mark.parametrize(
    ("sentences", "sentence", "token"), [([["a"], ["b", ["c"]]], 1, 1), ([["a"], (x for x in "ab")], 1, -1)]
)
def test_errors_say_where(sentences, sentence, token):
    with pytest.raises(_token_lists.TokenError) as caught:
        _token_lists.encode(sentences, {}, True)
    assert (caught.value.sentence, caught.value.token) == (sentence, token)


def test_the_fingerprint_depends_on_every_token_and_end():
    sentences = [["a", "b"], ("c",), []]
    same = [list("ab"), ["c"], ()]
    others = [
        [["a", "x"], ["c"], []], [["a"], ["b", "c"], []], [["a", "b", "c"], [], []], [["b", "a"], ["c"], []],
        [["a", "b"], ["c"]], [["a", "b"], [], ["c"]],
    ]  # fmt: skip
    found = _token_lists.fingerprint(sentences)
    assert found == _token_lists.fingerprint(same)
    assert len({found, *map(_token_lists.fingerprint, others)}) == 1 + len(others)
    assert _token_lists.fingerprint([["a"], "b"]) is None


def test_ends_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="ends must rise"):
        _token_lists.remap(np.zeros(3, np.int32), np.zeros(1, np.int32), np.array([2], np.int64))


class Emptying:
    """A word that empties its sentence when it is hashed or compared."""

    def __init__(self, sentence, number, on_hash):
        self.sentence, self.number, self.on_hash = sentence, number, on_hash

    def __hash__(self):
        if self.on_hash:
            self.sentence.clear()
        return self.number

    def __eq__(self, other):
        self.sentence.clear()
        return True


@pytest.mark.parametrize("on_hash", [True, False])
def test_a_sentence_that_changes_while_it_is_read_is_an_error(on_hash):
    def sentence():
        words = []
        words += [Emptying(words, number % 3, on_hash) for number in range(50)]
        return words

    with pytest.raises(RuntimeError, match="changed while it was read"):
        _token_lists.encode([sentence()], {}, True)
    found = _token_lists.fingerprint([sentence()])
    assert (found is None) == on_hash
