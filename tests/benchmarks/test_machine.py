"""The description of the machine, and peak memory."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from types import SimpleNamespace

import pytest

from benchmarks.harness import machine, processes


def fake_nvidia_smi(folder, monkeypatch, text, status=0):
    program = folder / "nvidia-smi"
    program.write_text(
        f"#!{shutil.which('bash')}\nprintf '%s\\n' \"$@\" > {folder}/asked\nprintf '{text}'\nexit {status}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_machine_is_described_with_its_gpus(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, monkeypatch, "Some GPU, 1.2, 8 MiB\\nOther GPU, 1.2, 16 MiB\\n")
    found = machine.describe_machine()
    assert found["gpus"] == [
        {"name": "Some GPU", "driver": "1.2", "memory": "8 MiB"},
        {"name": "Other GPU", "driver": "1.2", "memory": "16 MiB"},
    ]
    assert (tmp_path / "asked").read_text().split() == [
        "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader",
    ]  # fmt: skip
    json.dumps(found)


@pytest.mark.parametrize("failing", [True, False])
def test_without_a_driver_there_are_no_gpus(tmp_path, monkeypatch, failing):
    if failing:
        fake_nvidia_smi(tmp_path, monkeypatch, "has failed because it could not reach the driver", status=9)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.describe_gpus() == []


def test_only_initialised_frameworks_are_queried_for_devices(monkeypatch):
    for name in ("jax", "torch", "jax._src.xla_bridge"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert machine.visible_devices() == {}
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, get_device_name=lambda i: "Some GPU")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    device = SimpleNamespace(platform="gpu", id=0, device_kind="Some GPU")
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: [device]))
    asked = SimpleNamespace(backends_are_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "jax._src.xla_bridge", asked)
    assert machine.visible_devices() == {"torch": ["cuda:0 Some GPU"]}
    asked.backends_are_initialized = lambda: True
    assert machine.visible_devices() == {"jax": ["gpu:0 Some GPU"], "torch": ["cuda:0 Some GPU"]}


def test_peak_memory_is_of_the_host_and_of_initialised_frameworks(monkeypatch):
    for name in ("jax", "torch", "tensorflow", "jax._src.xla_bridge"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert processes.peak_memory()["device_bytes"] is None
    code = (
        "from benchmarks.harness.processes import peak_memory\n"
        "print(peak_memory()); held = b'x' * (64 << 20); print(peak_memory())"
    )
    printed, peak = processes.run_fresh(code)
    first, second = (ast.literal_eval(line)["host_bytes"] for line in printed.splitlines())
    assert first + (60 << 20) < second == pytest.approx(peak, rel=0.05)
    cuda = SimpleNamespace(is_available=lambda: True, is_initialized=lambda: True, max_memory_allocated=lambda: 5)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert processes.peak_memory()["device_bytes"] == 5
    device = SimpleNamespace(memory_stats=lambda: {"peak_bytes_in_use": 7})
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda: [device]))
    bridge = SimpleNamespace(backends_are_initialized=lambda: True)
    monkeypatch.setitem(sys.modules, "jax._src.xla_bridge", bridge)
    assert processes.peak_memory()["device_bytes"] == 7
    device.memory_stats = lambda: None  # as on a CPU
    assert processes.peak_memory()["device_bytes"] == 5


def test_a_fresh_process_has_its_own_peak_memory():
    printed, peak = processes.run_fresh("import sys\nprint(sys.argv[1])", "here")
    assert printed == "here\n"
    assert 4e6 < peak < 1e8
    assert processes.peak_rss_of("held = bytearray(100_000_000)") > peak + 80_000_000
