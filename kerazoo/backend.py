"""What has to be settled before Keras is imported."""

from __future__ import annotations

import os
import sys

__all__ = ["prefer_fast_kernels"]


def prefer_fast_kernels() -> None:
    """Ask TensorFlow for its oneDNN kernels, unless the user has decided or TensorFlow is imported already.

    They choose instructions at run time, while TensorFlow's own matrix products were compiled for CPUs without FMA: for
    small matrices they take a third of the time. TensorFlow turns them on by itself only on CPUs with AVX512-VNNI.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
