"""What the benchmarks share: timing, results as JSON, the machine, the registry, workloads and peers."""
