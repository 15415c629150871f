"""The fuzzer finds what it looks for; inputs that once went wrong are refused; a short run finds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

from kerazoo._validation import check_int, check_real
from kerazoo.errors import KerazooError
from tests.fuzz.coverage import Coverage
from tests.fuzz.mutation import BYTES, TEXT, json_mutation
from tests.fuzz.runner import Limits, fuzz, replay
from tests.fuzz.target import Target
from tests.fuzz.tensor_files import TENSORS, parsed, rebuilt

ROOT = Path(__file__).resolve().parents[2]


def faulty(data: bytes, folder: Path) -> str:
    """Goes wrong in the way that the input names."""
    if data == b"crash":
        os.abort()
    if data == b"hang":
        while True:
            pass
    if data == b"wait":
        time.sleep(60)
    if data == b"memory":
        np.ones(1 << 28)
    if data == b"hidden memory":
        try:
            np.ones(1 << 28)
        except MemoryError as error:
            raise KerazooError("something else") from error
    if data == b"escape":
        (folder / "../../outside").open("w")
    if data == b"program":
        subprocess.run(["true"], check=False)
    if data == b"exception":
        raise ZeroDivisionError
    if data == b"wrong":
        raise AssertionError("wrong")
    if data == b"refused":
        raise KerazooError
    return "read"


FAULTY = Target("faulty", faulty, lambda: [b"good"], TEXT)
KINDS = {"crash": "crash", "hang": "hang", "wait": "hang", "memory": "memory", "hidden memory": "memory",
         "escape": "escape", "program": "escape", "exception": "exception", "wrong": "wrong result"}  # fmt: skip


def test_every_kind_of_failure_is_seen_and_the_other_inputs_run():
    inputs = [b"good", *(name.encode() for name in KINDS), b"refused", b"good"]
    outcome = replay(FAULTY, inputs, Limits(memory=1 << 30, seconds=0.3, wall=1.0))
    assert outcome.inputs == len(inputs)
    found = {failure.data.decode(): failure.kind for failure in outcome.failures.values()}
    # Alike failures are one, of which the shortest input is kept.
    assert found.items() <= KINDS.items()
    assert outcome.counts() == {"crash": 1, "hang": 2, "memory": 2, "escape": 2, "exception": 1, "wrong result": 1}
    assert outcome.accepted >= 2


def test_one_seed_makes_the_same_inputs():
    seen: list[list[bytes]] = []
    for seed in (1, 1, 2):
        rng, data = Random(seed), b'{"a": [1, 2.5, "x"], "b": {"c": null}}'
        seen.append([mutation(rng, data) for mutation in (*BYTES, *TEXT, json_mutation) * 20])
    assert seen[0] == seen[1] != seen[2]


def test_changed_files_of_tensors_have_fitting_checksums(tmp_path):
    """So that a change reaches what is behind the checksums."""
    from kerazoo._runtime.files import read_tensors, write_tensors
    from tests.fuzz.targets.saved import written

    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(4, dtype=np.int32)}
    data = written(lambda path: write_tensors(path, arrays, {"n": [1, 2]}, kind="example"))
    found = parsed(data)
    assert found is not None
    for mutation in TENSORS[:5]:  # of notes and of values
        changed = mutation(Random(3), data)
        assert changed != data
        (tmp_path / "changed").write_bytes(changed)
        read_tensors(tmp_path / "changed", kind="example", mmap=False, verify=True)
    assert parsed(rebuilt(*found)) == parsed(data)


def test_a_target_whose_inputs_are_all_refused_is_an_error():
    def refuse(data: bytes, folder: Path) -> None:
        raise KerazooError

    with pytest.raises(AssertionError, match="no seed is accepted"):
        fuzz(Target("refusing", refuse, lambda: [b"x"], BYTES), n_inputs=1)


def run(*arguments: str) -> str:
    """The output of the command; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "KERAS_BACKEND": "numpy"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def test_inputs_that_once_went_wrong_are_read_or_refused():
    kept = sum(1 for path in (ROOT / "tests" / "data" / "fuzz").rglob("*") if path.is_file())
    assert kept > 20
    assert f"\n{kept:,} inputs" in run("--replay")


@pytest.mark.slow
def test_a_short_run_of_all_targets_finds_nothing():
    run("--inputs", "20000", "--seed", str(int(time.time())))


def branches(data: bytes, folder: Path) -> str:
    """Goes on in kerazoo's code as far as the first bytes are digits."""
    from kerazoo._validation import check_choice, check_int

    for place in range(3):
        check_int("length", len(data), place)
        if data[place : place + 1].isdigit():
            check_choice("digit", data[place : place + 1].decode(), ["7"])
    return "read"


def test_edges_are_new_once_and_branches_are_edges():
    known: set[int] = set()
    coverage = Coverage(known)
    found = []
    for arguments in ((5,), (5,), (5, 0.0), (5, 0.0)):
        coverage.start()
        check_real("alpha", *arguments)
        found.append(len(coverage.stop()))
    assert found[0] > 3
    assert found[1::2] == [0, 0]
    assert found[2] > 0  # another branch of the same function
    assert len(known) == found[0] + found[2]
    assert sys.gettrace() is None or "coverage" not in repr(sys.gettrace())


def test_long_loops_are_not_traced_to_their_end():
    coverage = Coverage(set())
    coverage.start()
    for _ in range(20_000):
        check_int("window", 5)
    assert coverage.stop()
    assert coverage._left > -2 * 20_000  # functions that show nothing new are traced seldom


def test_inputs_that_reach_new_edges_are_mutated_further():
    target = Target("branches", branches, lambda: [b"aaa"], BYTES, batch=200)
    found = {guided: fuzz(target, n_inputs=600, seed=1, guided=guided) for guided in (True, False)}
    for outcome in found.values():
        assert 0 < outcome.edges_of_seeds < len(outcome.edges)
        assert not outcome.failures
    assert found[True].novel > found[False].novel


def test_networks_on_numpy_repeat_their_steps_as_a_backend_does():
    from keras import ops

    from kerazoo.cells.loop import loop_over_steps
    from tests.fuzz import numpy_networks

    rng = np.random.default_rng(1)
    x, valid, start = (rng.normal(size=shape).astype("float32") for shape in ((2, 4, 3, 1), (2, 4, 3, 2), (2, 3, 2)))

    def step(inputs, states):
        after = ops.tanh(0.5 * states[0] + inputs[0] - inputs[1])
        return 2 * after, [after]

    for all_outputs in (False, True):
        ours = numpy_networks.loop_over_steps(step, [x, valid], [start], all_outputs=all_outputs)
        theirs = loop_over_steps(step, [x, valid], [start], all_outputs=all_outputs)
        for one, other in ((ours[0], theirs[0]), (ours[1], theirs[1]), (ours[2][0], theirs[2][0])):
            np.testing.assert_allclose(np.asarray(one), ops.convert_to_numpy(other), rtol=1e-6)

    def of_member(arguments):
        each, (weight,) = arguments
        return ops.matmul(each, weight), [weight]

    ours = numpy_networks.vectorized_map(of_member, (x[0], [valid[0, :, :1]]))
    theirs = ops.vectorized_map(of_member, (x[0], [valid[0, :, :1]]))
    np.testing.assert_allclose(np.asarray(ours[0]), ops.convert_to_numpy(theirs[0]), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(ours[1][0]), ops.convert_to_numpy(theirs[1][0]), rtol=1e-6)
