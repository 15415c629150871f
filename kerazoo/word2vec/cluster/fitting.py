"""`Word2Vec.fit(cluster=...)`: where the text is encoded, and who trains."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo.distributed import as_options, session
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.text.encoding import Limits
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.cluster import training
from kerazoo.word2vec.cluster.encoding import encode_files, is_ray_dataset, is_read_by_tasks, write_dataset
from kerazoo.word2vec.cluster.processes import Job, ProcessTeam, is_file_of
from kerazoo.word2vec.cluster.run_folder import run_folder
from kerazoo.word2vec.engines.native_kernel import INSTRUCTION_SET_VARIABLE

if TYPE_CHECKING:
    from kerazoo.distributed import ClusterOptions, Session
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint
    from kerazoo.word2vec.options import TrainingSettings
    from kerazoo.word2vec.results import TrainingResult, TrainingState

__all__ = ["ClusterEngine", "cluster_engine"]


class ClusterEngine:
    """Reads texts and trains with several workers. Made by :func:`cluster_engine`.

    Args:
        options: of the call.
        connected: the cluster, or None with logical workers.
        folder: that all nodes see, or None with logical workers.
    """

    def __init__(self, options: ClusterOptions, connected: Session | None, folder: Path | None) -> None:
        self.options, self._session, self._folder = options, connected, folder

    @property
    def exclude(self) -> list[Path]:
        """What a directory of text is read without."""
        return [] if self._folder is None else [self._folder]

    @property
    def name(self) -> str:
        """What must be the same for a training to continue from a checkpoint; not the number of workers."""
        names = ("sync_words", "full_syncs", "merge", "wire")
        return "cluster " + " ".join(f"{name}={getattr(self.options, name)}" for name in names)

    def text(
        self, source: Any, number: int, limits: tuple[int, int | None] | None, errors: str, exclude: list[Any]
    ) -> Any:
        """The source, or what tasks on the cluster have made of it.

        Args:
            source: what `fit` takes.
            number: of the call of `fit` and `partial_fit`.
            limits: `min_count` and `max_final_vocab`; None: files are left as they are, because phrases are joined
                first.
            errors: for bytes that are not UTF-8.
            exclude: files and directories that a directory is read without, :attr:`exclude` among them.
        """
        if is_ray_dataset(source):
            if self._session is None or self._folder is None:
                raise InvalidArgumentError("a Ray dataset is read on a cluster: cluster='auto' instead of simulate=.")
            source = write_dataset(source, self._folder / f"texts-{number}")
        if self._session is None or self._folder is None or limits is None or not is_read_by_tasks(source):
            return source
        path = self._folder / f"corpus-{number}.kerazoo"
        return encode_files(source, path, Limits(*limits, None, None), errors, exclude, self._session)

    def train(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
    ) -> TrainingResult:
        """Train, as the module of an engine does."""
        if self._session is None or self._folder is None:
            return training.train(corpus, settings, start, checkpoint, self.options)
        with run_folder(self._folder) as own:
            return self._train(corpus, settings, start, checkpoint, self._session, own)

    def _train(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
        connected: Session,
        folder: Path,
    ) -> TrainingResult:
        fingerprint = corpus_fingerprint(corpus.ids, corpus.offsets, corpus.vocabulary.counts)
        path = corpus.path
        if path is None or not is_file_of(path, fingerprint):
            path = str(folder / "corpus.kerazoo")
            corpus.save(path)
        tokens = Tokens(corpus.ids, corpus.offsets, corpus.vocabulary.counts)
        reach = min(settings.window, tokens.longest_document(settings.window))
        variable = os.environ.get(INSTRUCTION_SET_VARIABLE)
        # Callbacks are called here only; they may be impossible to send, or make the workers import Keras.
        told = dataclasses.replace(settings, callbacks=())
        job = Job(path, fingerprint, told, reach, self.options.merge, self.options.wire, variable)
        tables, start.tables = start.tables, None
        team = ProcessTeam(connected, job, folder, len(corpus.vocabulary), tables)
        try:
            return training.ClusterTrainer(corpus, settings, start, checkpoint, team, self.options).run()
        finally:
            team.close()


@contextmanager
def cluster_engine(
    cluster: Any, settings: TrainingSettings, engine: str, checkpoint_dir: str | os.PathLike[str] | None
) -> Iterator[ClusterEngine]:
    """Connect to what `cluster` means, and check that all nodes fit.

    Args:
        cluster: see :func:`kerazoo.distributed.as_options`.
        settings: of the training.
        engine: parameter of the estimator.
        checkpoint_dir: where encoded text and tables lie, if the options name no folder.

    Raises:
        InvalidArgumentError: the settings are not those of the native engine.
        ClusterError: the cluster does not answer, or its nodes do not fit.
        StorageError: the folder cannot be made.
    """
    options = as_options(cluster)
    if engine not in ("auto", "native"):
        raise InvalidArgumentError(f"engine={engine!r} with cluster=; expected 'auto' or 'native', which trains there.")
    training.check_trainable(settings)
    if options.simulate is not None:
        yield ClusterEngine(options, None, None)
        return
    with session(options) as connected:
        chosen = options.folder if options.folder is not None else checkpoint_dir
        if chosen is not None:
            folder = Path(os.path.abspath(os.fsdecode(chosen)))
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"folder={str(folder)!r} cannot be made ({error.strerror or error}).") from error
            connected.check_nodes(folder)
            yield ClusterEngine(options, connected, folder)
        else:
            with tempfile.TemporaryDirectory(prefix="kerazoo-cluster-") as name:
                connected.check_nodes(name)
                yield ClusterEngine(options, connected, Path(name))
