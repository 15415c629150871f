"""Files that are whole and say what no writer says: they are refused, and nothing later ends with a plain error."""

from __future__ import annotations

import copy
import gc
import json
import warnings
from random import Random

import numpy as np
import pandas as pd
import pytest

from kerazoo import EncodedCorpus, FastText, Forecaster
from kerazoo._runtime.files import tensors_to_bytes
from kerazoo.errors import InvalidArgumentError, KerazooError, StorageError
from kerazoo.forecast import model_file
from kerazoo.text import Phrases
from kerazoo.word2vec import save_vectors
from tests.fuzz.mutation import json_mutation
from tests.fuzz.targets.forecasters import forecaster_seeds, use_forecaster
from tests.fuzz.targets.models import read_drop_in
from tests.fuzz.targets.saved import DOCUMENTS, saved, word2vec
from tests.fuzz.tensor_files import parsed, rebuilt

WRONG = (None, "x", -1, 1e300, [], {}, 2**62)


def places_of(value, path=()):
    """The places of all values in a value of JSON."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places_of(each, (*path, name))


def with_value(notes, place, value):
    """A copy of the notes with another value at a place."""
    found = copy.deepcopy(notes)
    inner = found
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return found


def changed_notes(data, change):
    """A file with other notes, whose checksums fit."""
    header, tensors = parsed(data)
    metadata = dict(header["__metadata__"])
    metadata["kerazoo"] = json.dumps(change(json.loads(metadata["kerazoo"])))
    return rebuilt({**header, "__metadata__": metadata}, tensors)


@pytest.fixture(scope="module")
def forecasters():
    return forecaster_seeds()


@pytest.mark.parametrize("number", [2, 3, 5, 7, 8, 9, 10])
def test_any_field_of_a_forecaster_may_be_wrong(tmp_path, forecasters, number):
    """Each field in turn, with one of the wrong values: the forecast works, or the file is refused."""
    data = forecasters[number]
    notes = json.loads(parsed(data)[0]["__metadata__"]["kerazoo"])
    refused, places = 0, [place for place in places_of(notes) if place][number % 2 :: 2]
    for turn, place in enumerate(places):
        hostile = changed_notes(data, lambda found, turn=turn, place=place: with_value(found, place, WRONG[turn % 7]))
        try:
            use_forecaster(hostile, tmp_path)
        except KerazooError as error:
            refused += isinstance(error, StorageError)
    assert refused > len(places) / 3


@pytest.mark.parametrize("number", [2, 5, 9, 10])
def test_any_array_of_a_forecaster_may_have_another_shape(tmp_path, forecasters, number):
    header, tensors = parsed(forecasters[number])
    for name in tensors:
        entry = {**header[name], "shape": [1, 1]}
        width = len(tensors[name]) // max(1, int(np.prod(header[name]["shape"])))
        hostile = rebuilt({**header, name: entry}, {**tensors, name: tensors[name][: max(1, width)]})
        with pytest.raises(KerazooError, match="damaged"):
            use_forecaster(hostile, tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("horizon", "3", "horizon='3'; expected an integer >= 1"),
        ("member_choice", [5], "member_choice=5; expected an integer from 0 to"),
        ("features", {"calendar": [], "order": 1, "ahead": 2**60}, "expected 1"),
        ("strategy", "other", "strategy='other'; expected one of"),
    ],
)
def test_the_error_says_what_was_got_and_what_is_allowed(tmp_path, forecasters, field, value, text):
    (tmp_path / "model").write_bytes(changed_notes(forecasters[0], lambda notes: {**notes, field: value}))
    with pytest.raises(StorageError, match="damaged") as caught:
        Forecaster.load(tmp_path / "model")
    assert text in str(caught.value)


def test_states_of_transforms_have_the_lengths_that_their_arguments_ask_for():
    from kerazoo.forecast.transforms import Autoregression, Chain, Detrend, ExponentialSmoothing, StandardScale

    y, index = np.arange(40.0) + 1 + np.tile([1.0, 0, 2, 0.5], 10), pd.RangeIndex(40)
    for transform in (
        Autoregression(3, 4),
        Detrend(2),
        ExponentialSmoothing(4, "add"),
        StandardScale(),
        Chain(["log"]),
    ):
        transform.fit(y, index)
        state = transform.get_state()
        again = type(transform)(**transform.get_config()).set_state(json.loads(json.dumps(state)))
        assert again.get_state() == state
        for name, value in state.items():
            longer = [[*value, 1.0]] if isinstance(value, list) and name != "first_" else []
            for wrong in ({}, *longer, *(["x"] if name != "start_" else [])):
                with pytest.raises(InvalidArgumentError):
                    type(transform)(**transform.get_config()).set_state({**state, name: wrong})


SETTINGS = ("vector_size", "window", "seed", "alpha", "sg", "lifecycle_events", "total_train_time", "workers")


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("value", ["x", -1.5, {}])
def test_settings_of_the_drop_in_are_checked(tmp_path, name, value):
    pytest.importorskip("gensim")
    from tests.fuzz.targets.models import drop_in_seeds

    if (name, value) in (("alpha", -1.5), ("total_train_time", -1.5)):
        pytest.skip("any number")
    with pytest.raises(StorageError, match="damaged"):
        read_drop_in(changed_notes(drop_in_seeds()[0], lambda notes: {**notes, name: value}), tmp_path)


def test_a_score_without_the_nodes_of_the_tree(tmp_path):
    """`hs` is set in a file of a model with noise words, or its nodes are left out."""
    gensim = pytest.importorskip("kerazoo.gensim")
    model = gensim.Word2Vec(DOCUMENTS, vector_size=3, min_count=1, epochs=1, workers=1, seed=1, hs=1, negative=0)
    model.save(str(tmp_path / "model"))
    header, tensors = parsed((tmp_path / "model").read_bytes())
    del header["syn1"], tensors["syn1"]
    (tmp_path / "model").write_bytes(rebuilt(header, tensors))
    with pytest.raises(InvalidArgumentError, match="syn1 has shape"):
        gensim.Word2Vec.load(str(tmp_path / "model")).score(DOCUMENTS[:1])
    model = gensim.Word2Vec(DOCUMENTS, vector_size=3, min_count=1, epochs=1, workers=1, seed=1)
    model.save(str(tmp_path / "model"))
    (tmp_path / "model").write_bytes(changed_notes((tmp_path / "model").read_bytes(), lambda notes: {**notes, "hs": 1}))
    with pytest.raises(InvalidArgumentError, match="expected"):
        gensim.Word2Vec.load(str(tmp_path / "model")).score(DOCUMENTS[:1])


def test_a_run_of_connector_words_that_is_there_twice(tmp_path):
    phrases = Phrases(DOCUMENTS, min_count=1, threshold=0.1, connector_words=["the", "on"])
    counts = phrases._counts
    assert len(counts.run_offsets) > 2
    header, tensors = parsed(saved(phrases))
    last = counts.run_ids[counts.run_offsets[1] : counts.run_offsets[2]]
    tensors["run_offsets"] = np.append(counts.run_offsets, len(counts.run_ids) + len(last)).astype("<i8").tobytes()
    tensors["run_ids"] = np.append(counts.run_ids, last).astype("<i4").tobytes()
    header["run_offsets"] = {**header["run_offsets"], "shape": [len(counts.run_offsets) + 1]}
    header["run_ids"] = {**header["run_ids"], "shape": [len(counts.run_ids) + len(last)]}
    (tmp_path / "phrases").write_bytes(rebuilt(header, tensors))
    with pytest.raises(StorageError, match="there twice"):
        Phrases.load(tmp_path / "phrases")


def test_numbers_that_the_format_of_fasttext_cannot_hold(tmp_path):
    model = FastText(vector_size=2, epochs=1, min_count=1, bucket=9, seed=1, verbose=0).fit(DOCUMENTS)
    model.window = 2**40
    with pytest.raises(InvalidArgumentError, match="below 2\\^31"):
        model.save_facebook_model(tmp_path / "model.bin")
    assert not list(tmp_path.iterdir())


def test_dates_of_several_time_zones(tmp_path):
    from kerazoo.cli.csv_tables import read_dates

    (tmp_path / "dates.txt").write_text("2018-03-04 00:00+01:00\n2018-03-05 00:00+02:00\n")
    with pytest.raises(InvalidArgumentError, match="expected one date per line"):
        read_dates(tmp_path / "dates.txt")


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".txt.bz2", ".txt.xz", ".txt.zst"])
def test_an_output_that_is_refused_is_closed(tmp_path, suffix):
    resource = pytest.importorskip("resource")
    vectors = np.random.default_rng(1).normal(size=(len(word2vec().wv), 400)).astype(np.float32)
    values = word2vec().wv
    from kerazoo.word2vec.io.word_vectors import WordVectors

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
        try:
            with pytest.raises(StorageError, match="cannot be written"):
                save_vectors(WordVectors(list(values.index_to_key), vectors, None), tmp_path / f"vectors{suffix}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        gc.collect()
    assert not list(tmp_path.iterdir())


def test_files_and_their_bytes_are_checked_alike(forecasters):
    header, tensors = parsed(forecasters[0])
    notes = json.loads(header["__metadata__"]["kerazoo"])
    arrays = {name: np.frombuffer(data, "<f8").reshape(header[name]["shape"]) for name, data in tensors.items()}
    good = tensors_to_bytes(arrays, notes, kind=model_file.KIND)
    assert model_file.from_bytes(good).horizon == notes["horizon"]
    with pytest.raises(StorageError, match="horizon"):
        model_file.from_bytes(tensors_to_bytes(arrays, {**notes, "horizon": 0}, kind=model_file.KIND))


def test_written_seeds_are_those_of_the_version(forecasters):
    """Every version of a forecaster's file that is written today, but that of a linear term alone, is a seed."""
    found = {json.loads(parsed(each)[0]["__metadata__"]["kerazoo"])["version"] for each in forecasters}
    assert found >= {1, 3, 4, 5, 6}


@pytest.mark.parametrize("value", [{}, [], 0, None, "x", 1])
def test_flags_of_specs_are_flags(value):
    from kerazoo.zoo import RNNSpec

    layer = {"cell": "gru", "units": 4}
    for name in ("bidirectional", "variational"):
        with pytest.raises(InvalidArgumentError, match=f"{name}=.*expected True or False"):
            RNNSpec.from_dict({"layers": [layer | {name: value}]})
    for name in ("masked", "timestamps", "return_states"):
        with pytest.raises(InvalidArgumentError, match=f"{name}=.*expected True or False"):
            RNNSpec.from_dict({"layers": [layer], name: value})


@pytest.mark.parametrize("name", ["self", "name", "units"])
def test_options_of_cells_that_are_no_options(name):
    from kerazoo.zoo import LayerSpec

    with pytest.raises(InvalidArgumentError, match=f"options has {name}"):
        LayerSpec("lmu", 4, options={"order": 2, "theta": 12, name: 12})


@pytest.mark.parametrize("count", [2**62, -1])
def test_counts_of_a_corpus_that_no_sum_holds(tmp_path, count):
    corpus = EncodedCorpus.from_source(DOCUMENTS, min_count=1)
    header, tensors = parsed(saved(corpus))
    counts = np.frombuffer(tensors["vocabulary.counts"], "<i8").copy()
    counts[0] = count
    (tmp_path / "corpus").write_bytes(rebuilt(header, {**tensors, "vocabulary.counts": counts.tobytes()}))
    with pytest.raises(StorageError, match="impossible"):
        EncodedCorpus.load(tmp_path / "corpus")


def test_large_integers_are_mutated_too():
    data = json.dumps({"n": 10**1000}).encode()
    for seed in range(200):
        assert json_mutation(Random(seed), data)
