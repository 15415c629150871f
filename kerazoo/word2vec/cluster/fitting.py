"""`Word2Vec.fit(cluster=...)`: where the text is encoded, and who trains."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.distributed import as_options, session
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.word2vec.cluster import training
from kerazoo.word2vec.cluster.processes import Job, ProcessTeam
from kerazoo.word2vec.engines.native_kernel import INSTRUCTION_SET_VARIABLE

if TYPE_CHECKING:
    from kerazoo.distributed import ClusterOptions, Session
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint
    from kerazoo.word2vec.options import TrainingSettings
    from kerazoo.word2vec.results import TrainingResult, TrainingState

__all__ = ["ClusterEngine", "cluster_engine"]

NAME = "cluster"


class ClusterEngine:
    """Encodes and trains with several workers. Made by :func:`cluster_engine`.

    Attributes:
        options: of the call.
        folder: where encoded text and tables lie; None with logical workers.
    """

    def __init__(self, options: ClusterOptions, connected: Session | None, folder: Path | None) -> None:
        self.options, self._session, self.folder = options, connected, folder

    def train(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
    ) -> TrainingResult:
        """Train, as the module of an engine does."""
        if self._session is None or self.folder is None:
            return training.train(corpus, settings, start, checkpoint, self.options)
        training.check_trainable(settings)
        path = self.folder / "corpus.kerazoo"
        if corpus.path is not None and not _is_temporary(corpus.path):
            path = Path(corpus.path)
        elif not path.exists():
            corpus.save(path)
        longest = max(
            (int(np.diff(corpus.offsets[i : i + 65_537]).max()) for i in range(0, len(corpus.offsets) - 1, 65_536)),
            default=0,
        )
        job = Job(
            str(path),
            settings,
            min(settings.window, longest),
            self.options.merge,
            self.options.wire,
            os.environ.get(INSTRUCTION_SET_VARIABLE),
        )
        tables, start.tables = start.tables, None
        team = ProcessTeam(self._session, job, self.folder, len(corpus.vocabulary), tables)
        try:
            return training.ClusterTrainer(corpus, settings, start, checkpoint, team, self.options).run()
        finally:
            team.close()

    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to continue: not the number of workers."""
        names = ("sync_words", "full_syncs", "merge", "wire")
        return {name: getattr(self.options, name) for name in names}
