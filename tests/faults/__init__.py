"""Faults on purpose: system calls that fail, processes that are killed, and surroundings that refuse.

``python -m tests.faults.injection`` fails the n-th system call of each kind in every operation that writes or reads
files; ``python -m tests.faults.kills`` kills trainings at random moments. Both write their counts to
``benchmarks/results/reliability_faults.json`` with ``--write``.
"""
