"""What the benchmarks share: timing, processes, the machine, results as JSON, the registry, workloads and peers.

Attributes:
    ROOT: the checkout, working directory of the processes that benchmarks start.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
