"""Word vectors on a Ray cluster: one worker process per node, each with all its cores.

On one machine, where a cluster is started for the call:

    python examples/cluster/word_vectors.py FOLDER_OF_TEXTS vectors.kerazoo

On several: start Ray on each (README.md beside this file), then on one of them:

    python examples/cluster/word_vectors.py /shared/texts /shared/vectors.kerazoo --folder /shared/work

The same command continues where it was killed.
"""

from __future__ import annotations

import argparse

from kerazoo import Word2Vec
from kerazoo.distributed import ClusterOptions


def main() -> None:
    """Read the arguments, train, and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", help="folder of UTF-8 files, one document per line, compressed or not")
    parser.add_argument("vectors", help="file that is written")
    parser.add_argument("--address", default="auto", help="of the cluster; default: that of this machine")
    parser.add_argument("--folder", help="that all nodes share, for encoded text and checkpoints")
    parser.add_argument("--workers", type=int, help="default: one per node")
    parser.add_argument("--threads", type=int, help="of each worker; default: all of its node")
    parser.add_argument("--vector-size", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    cluster = ClusterOptions(options.address, workers=options.workers, threads=options.threads, folder=options.folder)
    model = Word2Vec(options.vector_size, epochs=options.epochs, seed=1, verbose=2, checkpoint_dir=options.folder)
    model.fit(options.texts, cluster=cluster).save(options.vectors)
    print(f"{len(model.vocabulary_):,} words, {model.history_['words_per_second'][-1]:,.0f} words/s")


if __name__ == "__main__":
    main()
