"""Word2vec on the device: random draws, the update of the tables by a call, and the same rules as on the host."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy import stats

from kerazoo import EncodedCorpus, Word2Vec
from kerazoo._runtime import devices
from kerazoo.batching.blocks import default_block_size
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.word2vec import LOSSES, RowClippedSGD, SkipGram
from kerazoo.word2vec.gpu import DevicePlan, plan
from kerazoo.word2vec.gpu.training import trainer_of
from kerazoo.word2vec.options import checked_settings
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend

BACKEND = keras.backend.backend()
on_jax_or_torch = pytest.mark.skipif(BACKEND not in ("jax", "torch"), reason="only JAX and torch have device trainers")
GROUP, N_NOISE, WINDOW = 16, 16, 3
EACH_LOSS = [
    each if each == "negative_sampling" else pytest.param(each, marks=slow_on_jax_marks) for each in sorted(LOSSES)
]


def zipf_corpus(n_documents=60, n_words=40, longest=40, seed=3):
    rng = np.random.default_rng(seed)
    documents = [[f"w{i}" for i in (n_words ** rng.random(rng.integers(1, longest))).astype(int)]
                 for _ in range(n_documents)]  # fmt: skip
    return EncodedCorpus.from_source(documents, min_count=1)


def settings_of(block_size=64, **changes):
    settings = {"vector_size": 6, "window": WINDOW, "sample": 1e-2, "seed": 4, "epochs": 2}
    model = Word2Vec(**{**settings, **changes}, engine_options={"block_size": block_size})
    return checked_settings(model.get_params())


def trained(corpus, loss="nce", clip=0.2, rate=0.5, tables=None, learn_biases=True, **changes):
    """A plan, a model with random tables, and its trainer."""
    options = changes.pop("options", {})
    settings = settings_of(loss=loss, **changes)
    made = DevicePlan(corpus, settings, GROUP, N_NOISE)
    model = SkipGram(
        len(corpus.vocabulary.words), settings.vector_size, loss,
        noise_probabilities=made.noise_distribution.probabilities, negative=settings.negative, seed=1,
        learn_biases=learn_biases,
    )  # fmt: skip
    schedule = keras.optimizers.schedules.PolynomialDecay(rate, 2 * made.n_steps, rate / 2)
    model.compile(optimizer=RowClippedSGD(schedule, clip=clip))
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        if len(variable.shape) == 2:
            variable.assign(rng.normal(0, 0.4, variable.shape))
    return made, model, trainer_of(model, made, **options)


def tables_of(model):
    return [np.array(keras.ops.convert_to_numpy(variable), np.float64) for variable in model.trainable_variables]


def numpy_step(tables, words, left, right, noise, rate, clip, model, negative):
    """One block in float64, pair by pair; the K' noise words of a group represent K per pair."""
    loss, kind = model.loss_name, LOSSES[model.loss_name]
    inputs, outputs, *biases = tables
    draws = N_NOISE if loss == "sampled_softmax" else negative
    offset = biases[0].copy() if biases else np.full(len(inputs), model.fixed_offset(negative))
    if kind.corrected and not model.has_fixed_biases:
        offset = offset - np.asarray(keras.ops.convert_to_numpy(model.log_noise), np.float64) - np.log(draws)
    sums = [np.zeros_like(inputs), np.zeros_like(outputs), np.zeros(len(inputs))]
    total, n = 0.0, 0
    for t, (before, after) in enumerate(zip(left, right, strict=True)):
        centre = words[WINDOW + t]
        drawn = [k for k in noise[t // GROUP] if not (kind.remove_accidental_hits and k == centre)]
        out = [centre, *drawn]
        for o in [*range(-before, 0), *range(1, after + 1)]:
            x = words[WINDOW + t + o]
            logits = outputs[out] @ inputs[x] + offset[out]
            n += 1
            if loss == "sampled_softmax":
                p = np.exp(logits - logits.max())
                p /= p.sum()
                total -= np.log(p[0])
                errors = p - np.eye(len(out))[0]
            else:
                weights = np.array([1.0] + [negative / N_NOISE] * len(drawn))
                labels = np.eye(len(out))[0]
                s = 1 / (1 + np.exp(-logits))
                total -= (weights * np.log(np.where(labels == 1, s, 1 - s))).sum()
                errors = weights * (s - labels)
            sums[0][x] += errors @ outputs[out]
            np.add.at(sums[1], out, errors[:, None] * inputs[x])
            np.add.at(sums[2], out, errors)
    new = []
    for table, gradient in zip(tables, sums, strict=False):
        step = rate * gradient
        length = np.linalg.norm(step, axis=1, keepdims=True) if step.ndim == 2 else np.abs(step)
        new.append(table - step * clip / np.maximum(length, clip))
    return new, total, n


@on_jax_or_torch
@pytest.mark.parametrize(
    ("loss", "learn_biases"), [("nce", True), ("nce", False), ("negative_sampling", True), ("sampled_softmax", True)]
)
def test_a_call_moves_the_tables_by_the_clipped_sums_over_the_pairs_drawn(loss, learn_biases):
    made, model, trainer = trained(zipf_corpus(), loss, learn_biases=learn_biases)
    before = tables_of(model)
    trainer.start_epoch(1)
    call = len(made) - 2
    losses, pairs = trainer.run(call)
    words, left, right, noise = trainer.redraw(call)
    for step in range(made.steps):
        at = slice(step * made.block_size, (step + 1) * made.block_size)
        halo = slice(at.start, at.stop + 2 * WINDOW)
        done = made.n_steps + call * made.steps + step
        rate = 0.5 - 0.25 * done / (2 * made.n_steps)
        before, total, n = numpy_step(before, words[halo], left[at], right[at], noise[step], rate, 0.2, model, 5)
        assert losses[step] == pytest.approx(total, rel=1e-5, abs=1e-5)
        assert pairs[step] == n
    for table, expected in zip(tables_of(model), before, strict=True):
        np.testing.assert_allclose(table, expected, atol=2e-5)


@pytest.mark.skipif(BACKEND != "jax", reason="Pallas has an interpreter; that of Triton must be enabled by a variable")
@pytest.mark.parametrize(
    ("loss", "size", "learn_biases"),
    [pytest.param("nce", 20, True, marks=slow_on_jax_marks), ("nce", 20, False), ("negative_sampling", 150, False)],
)
def test_the_kernels_do_what_the_plain_step_does(loss, size, learn_biases):
    """Up to the rounding to 2^-14; 150 numbers per vector are two chunks of registers."""
    after = []
    for kernels in (False, True):
        _, model, trainer = trained(
            zipf_corpus(25), loss, vector_size=size, learn_biases=learn_biases,
            options={"kernels": kernels, "precision": "float32"},
        )  # fmt: skip
        trainer.start_epoch(0)
        counted = [trainer.run(call) for call in range(2)]
        after.append((tables_of(model), np.concatenate([np.stack(each) for each in counted], axis=1)))
    (plain, plain_counts), (fused, fused_counts) = after
    np.testing.assert_allclose(fused_counts, plain_counts, rtol=1e-4)
    for a, b in zip(plain, fused, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)
        assert np.abs(a - b).mean() < 2e-4


@on_jax_or_torch
def test_text_is_kept_in_order_and_windows_end_at_documents():
    corpus = zipf_corpus()
    made, _, trainer = trained(corpus, sample=0, shrink_windows=False, block_size=256)
    assert trainer.start_epoch(0) == len(corpus.ids)
    drawn = [trainer.redraw(call) for call in range(len(made))]
    words = np.concatenate([each[0][WINDOW:-WINDOW] for each in drawn])
    np.testing.assert_array_equal(words[: len(corpus.ids)], corpus.ids)
    position = np.concatenate([np.arange(n) for n in np.diff(corpus.offsets)])
    length = np.repeat(np.diff(corpus.offsets), np.diff(corpus.offsets))
    for index, expected in ((1, np.minimum(position, WINDOW)), (2, np.minimum(length - 1 - position, WINDOW))):
        found = np.concatenate([each[index] for each in drawn])
        np.testing.assert_array_equal(found[: len(corpus.ids)], expected)
        assert not found[len(corpus.ids) :].any()


def looks_drawn(found, expected, variance):
    """Whether a chi-square test neither rejects the counts nor finds them too close."""
    deviation = ((found - expected) ** 2 / variance).sum()
    return 1e-3 < stats.chi2.sf(deviation, len(found)) < 1 - 1e-3


@on_jax_or_torch
def test_words_are_kept_and_noise_is_drawn_as_often_as_it_should():
    corpus = zipf_corpus(n_documents=1500)
    made, _, trainer = trained(corpus, block_size=1024, sample=1e-3)
    counts = np.bincount(corpus.ids, minlength=len(made.keep))
    share = (made.keep.astype(float) + 1) / 2**32
    kept, noise = np.zeros(len(counts)), np.zeros(len(counts))
    for epoch in range(3):
        n = trainer.start_epoch(epoch)
        drawn = [trainer.redraw(call) for call in range(len(made))]
        kept += np.bincount(np.concatenate([each[0][WINDOW:-WINDOW] for each in drawn])[:n], minlength=len(counts))
        noise += np.bincount(np.concatenate([each[3].ravel() for each in drawn]), minlength=len(counts))
    random = share < 1
    assert random.sum() > 3
    assert looks_drawn(kept[random], (3 * counts * share)[random], (3 * counts * share * (1 - share))[random])
    assert (kept == 3 * counts)[~random].all()
    assert 1e-3 < stats.chisquare(noise, made.noise_distribution.probabilities * noise.sum()).pvalue < 1 - 1e-3


@on_jax_or_torch
def test_radii_are_uniform():
    corpus = zipf_corpus(n_documents=50, longest=600)
    made, _, trainer = trained(corpus, block_size=1024, sample=0)
    n = trainer.start_epoch(0)
    left, right = (np.concatenate([trainer.redraw(call)[k] for call in range(len(made))])[:n] for k in (1, 2))
    position = np.concatenate([np.arange(n) for n in np.diff(corpus.offsets)])
    length = np.repeat(np.diff(corpus.offsets), np.diff(corpus.offsets))
    inside = (position >= WINDOW) & (length - position > WINDOW)
    np.testing.assert_array_equal(left[inside], right[inside])
    radii = np.bincount(left[inside], minlength=WINDOW + 1)
    assert radii[0] == 0
    assert 1e-3 < stats.chisquare(radii[1:]).pvalue < 1 - 1e-3


@on_jax_or_torch
def test_draws_are_functions_of_seed_epoch_and_position():
    corpus = zipf_corpus()
    _, _, trainer = trained(corpus)
    trainer.start_epoch(1)
    first = trainer.redraw(2)
    trainer.start_epoch(0)
    other = trainer.redraw(2)
    again = trained(corpus)[2]
    again.start_epoch(1)
    again.run(0)
    for a, b, c in zip(first, again.redraw(2), other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def two_topics(n=300):
    rng = np.random.default_rng(0)
    topics = [[f"{name}{i}" for i in range(10)] for name in ("fruit", "metal")]
    return [list(rng.choice(topics[i % 2], size=12)) for i in range(n)]


def model_of(**changes):
    settings = {
        "vector_size": 8,
        "min_count": 1,
        "sample": 1e-2,
        "epochs": 3,
        "alpha": 0.1,
        "seed": 5,
    }
    settings |= {"engine": "keras", "workers": 1, "verbose": 0}
    options = {"block_size": 32, "on_device": True}
    options |= {name: changes.pop(name) for name in ("block_size", "batch_size", "on_device") if name in changes}
    return Word2Vec(**{**settings, **changes}, engine_options=options)


@on_jax_or_torch
@pytest.mark.parametrize("loss", EACH_LOSS)
def test_it_learns_two_topics_and_reports_the_mean_loss(loss):
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])))
    model = model_of(loss=loss, epochs=8, callbacks=[watch]).fit(two_topics())
    vectors = model.vectors_ / np.linalg.norm(model.vectors_, axis=1, keepdims=True)
    topic = np.array([word.startswith("fruit") for word in model.vocabulary_.words])
    similar = vectors @ vectors.T
    same = topic[:, None] == topic
    assert similar[same].mean() > similar[~same].mean() + 0.5
    assert [loss for _, loss in seen] == model.history_["loss"]
    host = model_of(loss=loss, epochs=8, on_device=False).fit(two_topics())
    np.testing.assert_allclose(model.history_["loss"], host.history_["loss"], rtol=0.06)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.model_.input_vectors), model.vectors_)


@on_jax_or_torch
def test_a_training_continues_with_another_text():
    model = model_of().fit(two_topics())
    more = model.partial_fit([["fruit1", "wood1"]] * 30)
    assert "wood1" in more.vocabulary_
    assert len(more.history_["loss"]) == 6


class Crash(keras.callbacks.Callback):
    def __init__(self, epoch, call):
        super().__init__()
        self.at, self.epoch = (epoch, call), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) >= self.at:
            raise OSError("crash")


@on_jax_or_torch
def test_it_ends_as_if_it_had_not_been_interrupted(tmp_path, monkeypatch):
    whole = model_of().fit(two_topics())
    for crash in ((0, 3), (1, 0), (1, 2)):
        with pytest.raises(OSError, match="crash"):
            model_of(checkpoint_dir=tmp_path, checkpoint_minutes=0, callbacks=[Crash(*crash)]).fit(two_topics())
    resumed = model_of(checkpoint_dir=tmp_path, checkpoint_minutes=0).fit(two_topics())
    for name in ("vectors_", "output_vectors_", "output_biases_"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name))
    assert resumed.history_["loss"] == whole.history_["loss"]


@on_jax_or_torch
@slow_on_jax
def test_a_checkpoint_decides_whether_its_training_is_on_the_device(tmp_path, monkeypatch):
    common = {"checkpoint_dir": tmp_path, "checkpoint_minutes": 0, "on_device": None}
    monkeypatch.setattr(devices, "accelerator_visible", lambda: True)
    with pytest.raises(OSError, match="crash"):
        model_of(callbacks=[Crash(1, 2)], **common).fit(two_topics())
    monkeypatch.setattr(devices, "accelerator_visible", lambda: False)
    resumed = model_of(**common).fit(two_topics())
    np.testing.assert_array_equal(resumed.vectors_, model_of().fit(two_topics()).vectors_)
    with pytest.raises(OSError, match="crash"):
        model_of(callbacks=[Crash(1, 2)], **{**common, "checkpoint_dir": tmp_path / "other", "seed": 6}).fit(
            two_topics()
        )
    monkeypatch.setattr(devices, "accelerator_visible", lambda: True)
    resumed = model_of(**{**common, "checkpoint_dir": tmp_path / "other", "seed": 6}).fit(two_topics())
    np.testing.assert_array_equal(resumed.vectors_, model_of(on_device=False, seed=6).fit(two_topics()).vectors_)


@on_jax_or_torch
def test_ctrl_c_and_early_stopping_end_it_between_two_calls():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    model = model_of(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_topics())
    assert np.isfinite(model.vectors_).all()
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10, patience=1)
    assert len(model_of(epochs=6, callbacks=[stop]).fit(two_topics()).history_["loss"]) == 2


@on_jax_or_torch
def test_what_the_device_cannot_hold_is_trained_from_the_host(monkeypatch):
    monkeypatch.setattr(devices, "accelerator_visible", lambda: True)
    monkeypatch.setattr(plan, "memory_of_device", lambda: 10_000)
    found = model_of(on_device=None).fit(two_topics())
    np.testing.assert_array_equal(found.vectors_, model_of(on_device=False).fit(two_topics()).vectors_)
    with pytest.raises(InvalidArgumentError, match=r"on_device=True, but it needs about .* GB"):
        model_of().fit(two_topics())


@on_jax_or_torch
@slow_on_jax
def test_a_text_without_pairs_says_so():
    with pytest.raises(CorpusError, match="no document has two words"):
        model_of().fit([["a"], ["b"]] * 4)
    with pytest.raises(CorpusError, match="has no pair: subsampling left"):
        model_of(sample=1e-12).fit(two_topics(20))


@on_jax_or_torch
def test_where_it_cannot_be_on_the_device_it_says_why():
    with pytest.raises(InvalidArgumentError, match="batch_size=64 trains on batches of pairs"):
        model_of(batch_size=64, block_size=None).fit(two_topics())


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow")
def test_tensorflow_makes_its_batches_on_the_host():
    with pytest.raises(
        InvalidArgumentError, match="on_device=True, but the backend is tensorflow; expected jax or torch"
    ):
        model_of().fit(two_topics())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine_options": {"on_device": "gpu"}}, "on_device='gpu'; expected True, False or None"),
        ({"engine": "native", "engine_options": {"on_device": True}}, "on_device=True with engine='native'"),
        ({"engine": "auto", "sg": 0, "engine_options": {"on_device": True}}, "on_device=True with engine='native'"),
    ],
)
def test_bad_parameters_say_what_is_allowed(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Word2Vec(**{"min_count": 1, "verbose": 0, **changes}).fit(two_topics(20))


def test_an_epoch_has_room_for_the_tokens_that_subsampling_may_keep():
    corpus = zipf_corpus(200)
    made = DevicePlan(corpus, settings_of(block_size=None), GROUP, N_NOISE)
    assert made.block_size == default_block_size(len(corpus.ids)) == 256
    share = (made.keep.astype(float) + 1) / 2**32
    assert made.capacity >= (np.bincount(corpus.ids, minlength=len(share)) * share).sum()
    assert made.capacity == len(made) * made.steps * made.block_size
    with pytest.raises(InvalidArgumentError, match="block_size=48; expected a multiple of 32"):
        DevicePlan(corpus, settings_of(block_size=48), 32, 16)
