"""`ClusterOptions`: where a training runs, on how many workers, and how they exchange what they learn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["MERGE_RULES", "WIRE_TYPES", "ClusterOptions", "as_options"]

MERGE_RULES = ("curvature", "mean", "weighted", "sum")
WIRE_TYPES = ("bfloat16", "float32")


@dataclass(frozen=True)
class ClusterOptions:
    """How work is spread over processes; what `cluster=` takes, besides an address.

    The first group is for all that runs on a cluster, the second for word vectors only.

    Args:
        address: ``"auto"``: the cluster that `RAY_ADDRESS` names or that runs on this machine, else one is started here
            for the duration of the call; ``"local"``: always start one here, which listens on 127.0.0.1 only; or the
            address of a running cluster, such as ``"10.0.0.5:6379"``.
        workers: int >= 1, worker processes; None: one per node of the cluster.
        threads: int >= 1, threads (and CPUs, as Ray counts them) of each worker; None: those of a node, divided by the
            workers on it.
        folder: path that all nodes can read and write, for encoded text and what has to survive a worker. None: on one
            machine a temporary folder.
        retries: int >= 0, how often work is repeated after a worker or a node was lost.
        timeout_seconds: float > 0, how long to wait for an address to answer and for workers to start.
        simulate: int >= 1 or None: train with that many logical workers, one after the other in this process, without
            Ray. The result is that of as many processes of one thread.
        sync_words: int >= 256, words that each worker trains between two exchanges; None: by the size of the corpus.
        full_syncs: int >= 1, exchanges of whole tables per epoch, the last of which ends it; None: up to 4, by the
            number of workers and the size of the corpus.
        merge: how the changes of the workers are combined, see
            :mod:`kerazoo.word2vec.cluster.merging`: ``"curvature"``, ``"weighted"``, ``"mean"`` or ``"sum"``.
        wire: ``"bfloat16"`` or ``"float32"``, type of the changes that are exchanged.

    Raises:
        InvalidArgumentError: a value is not allowed.

    >>> ClusterOptions(simulate=8).simulate
    8
    """

    address: str = "auto"
    workers: int | None = None
    threads: int | None = None
    folder: str | os.PathLike[str] | None = None
    retries: int = 3
    timeout_seconds: float = 60.0
    simulate: int | None = None
    sync_words: int | None = None
    full_syncs: int | None = None
    merge: str = "curvature"
    wire: str = "bfloat16"

    def __post_init__(self) -> None:
        if not isinstance(self.address, str) or not self.address.strip():
            raise InvalidArgumentError(
                f"address={self.address!r}; expected 'auto', 'local', or the address of a Ray cluster, such as "
                "'10.0.0.5:6379'."
            )
        object.__setattr__(self, "address", self.address.strip())
        for name, least in (("workers", 1), ("threads", 1), ("simulate", 1), ("sync_words", 256), ("full_syncs", 1)):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), least)
        check_int("retries", self.retries, 0, hint="The default is 3.")
        check_real("timeout_seconds", self.timeout_seconds, 0, exclusive=True, hint="The default is 60.")
        check_choice("merge", self.merge, MERGE_RULES)
        check_choice("wire", self.wire, WIRE_TYPES)
        if self.simulate is not None and self.workers is not None:
            raise InvalidArgumentError(
                f"workers={self.workers} and simulate={self.simulate}; expected one of them: processes, or logical "
                "workers in this process."
            )
        if self.folder is not None:
            try:
                folder = os.fsdecode(self.folder)
                if not folder or "\0" in folder:
                    raise ValueError
                object.__setattr__(self, "folder", os.path.abspath(folder))
            except (TypeError, ValueError):
                raise InvalidArgumentError(f"folder={self.folder!r}; expected the path of a folder.") from None


def as_options(cluster: Any) -> ClusterOptions:
    """The options that a `cluster=` argument means: themselves, or those of an address.

    Raises:
        InvalidArgumentError: it is neither.

    >>> as_options("auto").address
    'auto'
    """
    if isinstance(cluster, ClusterOptions):
        return cluster
    if isinstance(cluster, str):
        return ClusterOptions(address=cluster)
    raise InvalidArgumentError(
        f"cluster={cluster!r} is of type {type(cluster).__name__}; expected 'auto', 'local', the address of a Ray "
        "cluster, or a kerazoo.distributed.ClusterOptions."
    )
