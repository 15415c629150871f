"""All benchmarks: what each asks, what it needs, and how it is called."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BACKENDS", "BENCHMARKS", "DEVICES", "SCALES", "Benchmark"]

BACKENDS = ("tensorflow", "jax", "torch")
DEVICES = ("cpu", "gpu")
SCALES = ("quick", "default", "full")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark, as `python -m benchmarks run` starts it.

    Args:
        module: of `benchmarks.questions`, run as a program.
        question: in a line or two.
        quick: its arguments, to see in a minute or two whether it runs; None where it has no such form. In all three
            {corpus}, {threads}, {device} and {backends} stand for what was asked for, {seconds} for three fifths of
            the time limit.
        default: its arguments otherwise.
        full: its arguments for figures to be published.
        backends: of Keras, between which its answer differs; none where Keras has no part in it.
        together: one process compares all backends; else each backend has its own.
        devices: what it can run on.
        packages: that it needs besides those of kerazoo and the backend.
        programs: that it needs.
        corpus: whether it needs a text; a quick run does with the small one of `kerazoo.datasets`.
        left_out: why a run of all benchmarks leaves it out.
    """

    module: str
    question: str
    quick: str | None
    default: str
    full: str
    backends: tuple[str, ...] = ()
    together: bool = False
    devices: tuple[str, ...] = ("cpu",)
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    corpus: bool = False
    left_out: str = ""

    def arguments(self, scale: str) -> str | None:
        """The template of a scale."""
        return {"quick": self.quick, "default": self.default, "full": self.full}[scale]

    @property
    def needs(self) -> str:
        """What has to be there, in words."""
        needs = [*self.packages, *self.programs]
        if self.backends:
            needs.append(f"{'some' if self.together else 'one'} of {', '.join(self.backends)}")
        if self.corpus:
            needs.append("a corpus")
        if self.devices == ("gpu",):
            needs.append("a GPU")
        return "; ".join(needs) or "nothing more"


BENCHMARKS: dict[str, Benchmark] = {
    "corpus_scan": Benchmark(
        "corpus_scan",
        "How fast is text turned into vocabulary and ids, beside gensim counting the same text?",
        quick="--corpus {corpus} --threads {threads} --repeats 1",
        default="--corpus {corpus} --threads {threads}",
        full="--corpus {corpus} --threads {threads} --repeats 9",
        corpus=True,
    ),
    "batching": Benchmark(
        "batching",
        "How many skip-gram pairs, blocks and windows a second does one core make? Beside TensorFlow's tutorial, "
        "Keras's old skipgrams and NumPy.",
        quick="--corpus {corpus} --repeats 1",
        default="--corpus {corpus}",
        full="--corpus {corpus} --repeats 9",
        corpus=True,
    ),
    "instructions": Benchmark(
        "instructions",
        "How many instructions does each compiled kernel take for a word, a pair, a step?",
        quick="",
        default="",
        full="",
        programs=("valgrind",),
    ),
    "word2vec": Benchmark(
        "word2vec",
        "How fast and how good are word vectors, beside gensim on the same text and threads?",
        quick="--corpus {corpus} --threads {threads} --backends {backends} --seeds 1 --epochs 1",
        default="--corpus {corpus} --threads {threads} --backends {backends} --seeds 1",
        full="--corpus {corpus} --threads {threads} --backends {backends} --seeds 1,2,3 "
        "--losses nce,negative_sampling --one-thread",
        backends=BACKENDS,
        together=True,
        corpus=True,
    ),
    "word2vec_device": Benchmark(
        "word2vec_device",
        "How many words a second does a device train that holds text and tables, and how good are they?",
        quick="--quick",
        default="--corpus {corpus} --native-workers {threads}",
        full="--corpus {corpus} --native-workers {threads} --losses nce,negative_sampling --seeds 1,2,3",
        backends=("jax", "torch"),
        devices=("gpu",),
        corpus=True,
    ),
    "recurrent": Benchmark(
        "recurrent",
        "How long does a small recurrent net take from build to trained? training.fit beside Keras's fit and PyTorch.",
        quick="--backends {backends} --problems sine --repeats 1",
        default="--backends {backends}",
        full="--backends {backends} --repeats 7",
        backends=("tensorflow", "jax"),
        together=True,
    ),
    "recurrent_cells": Benchmark(
        "recurrent_cells",
        "How much faster is zoo.generate than a loop of predict? From which length on does a parallel form pay?",
        quick="generation parallel --repeats 1 --lengths 16 --cells mingru",
        default="generation parallel",
        full="generation parallel --repeats 7",
        backends=BACKENDS,
        devices=DEVICES,
    ),
    "recurrent_devices": Benchmark(
        "recurrent_devices",
        "What do recurrent models reach on a device? Zoo beside plain layers, parallel forms, every cell.",
        quick="--quick --device {device} --seconds {seconds}",
        default="--device {device} --seconds {seconds}",
        full="--full --device {device} --seconds {seconds}",
        backends=BACKENDS,
        devices=DEVICES,
    ),
    "recurrent_scores": Benchmark(
        "recurrent_scores",
        "How well does each cell learn the sine and the milk series of the 2017 examples?",
        quick="--seeds 1 --models rnn_1x32 --no-card",
        default="--seeds 3 --no-card",
        full="--seeds 3 --no-card",
        backends=BACKENDS,
    ),
    "forecast_accuracy": Benchmark(
        "forecast",
        "How good are the forecaster's forecasts and intervals, at rolling origins, beside statistics?",
        quick="accuracy --series milk --seeds 1 --baselines seasonal_naive",
        default="accuracy --series milk --seeds 1,2,3",
        full="accuracy --series all --seeds 1,2,3,4,5",
        backends=BACKENDS,
        packages=("statsmodels",),
    ),
    "forecast_sine": Benchmark(
        "forecast",
        "How well do nets and forecasters of 100 units learn the sine of 2017?",
        quick="sine --seeds 1",
        default="sine --seeds 1,2",
        full="sine --seeds 1,2,3,4,5",
        backends=BACKENDS,
    ),
    "forecast_time": Benchmark(
        "forecast",
        "How long does a default fit of the forecaster take on 156 months?",
        quick="time --repeats 1",
        default="time",
        full="time --repeats 9",
        backends=BACKENDS,
    ),
    "forecast_cells": Benchmark(
        "forecast",
        "Which model of one net forecasts best? Mean ranks over the series.",
        quick="cells --series milk --seeds 1 --models rnn_1x8",
        default="cells --series milk --seeds 1 --models lstm_1x32,gru_1x32,rnn_1x32,mingru_1x32",
        full="cells --series all --seeds 1,2 --models lstm_1x32,gru_1x32,rnn_1x32,mingru_1x32",
        backends=BACKENDS,
        packages=("statsmodels",),
    ),
    "forecast_baselines": Benchmark(
        "forecast_baselines",
        "How well do the usual statistical forecasts do, which a net has to beat?",
        quick="--series milk --baselines seasonal_naive,holt_winters",
        default="--series milk",
        full="--series all",
        packages=("statsmodels",),
    ),
    "startup": Benchmark(
        "startup",
        "How long does import kerazoo take, and how much memory, beside gensim, Keras and darts?",
        quick="--repeats 1",
        default="",
        full="--repeats 9",
        backends=BACKENDS,
    ),
    "persistence": Benchmark(
        "persistence",
        "How long do saving and loading take, and how large are the files? Word vectors beside gensim's.",
        quick="--words 2000 --members 1 --repeats 1",
        default="",
        full="--repeats 9",
        backends=BACKENDS,
    ),
}
