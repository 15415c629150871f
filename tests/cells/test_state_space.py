"""What LMU, LRU and S5 promise beyond the contract of every cell: windows, rings, HiPPO, half precision, arguments."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent
from kerazoo.cells.families.state_space import LMUCell, LRUCell, S5Cell, hippo_normal_eigenvalues, legendre_delay
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax_marks
from tests.references.cells import run
from tests.references.cells.state_space import REFERENCES

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

F = 3


def built(cell, features=F):
    cell.build((None, features))
    return cell


def values(weight):
    return ops.convert_to_numpy(weight).astype("float64")


def series(steps, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, steps, F)).astype("float32")


def test_the_legendre_memory_holds_the_window_it_was_asked_for():
    theta, order, steps = 20.0, 8, 200
    cell = built(LMUCell(1, order=order, theta=theta), features=1)
    for weight in cell.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    cell.kernel.assign([[1.0, 0.0]])  # u_t = x_t
    signal = np.sin(np.arange(steps + 1) / 9)
    *_, m = Recurrent(cell, return_state=True)(signal[None, 1:, None].astype("float32"))
    ages = np.linspace(0.5, theta - 0.5, 9)
    polynomials = np.polynomial.legendre.legvander(2 * ages / theta - 1, order - 1)  # paper, eq. 3
    # A step holds its input for its whole length, so that it stands for the middle of the step.
    seen = np.interp(steps - ages + 0.5, np.arange(steps + 1), signal)
    np.testing.assert_allclose(polynomials @ values(m)[0], seen, atol=0.02)


@pytest.mark.parametrize(("order", "theta"), [(1, 0.5), (5, 7.0), (16, 64.0)])
def test_the_discrete_memory_solves_its_differential_equation(order, theta):
    from scipy.integrate import solve_ivp

    i, j = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1)) / theta
    b = (2 * np.arange(order) + 1) * (-1.0) ** np.arange(order) / theta
    start = np.random.default_rng(0).normal(size=order)
    solved = solve_ivp(lambda _, m: a @ m + b * 0.7, (0, 1), start, method="Radau", rtol=1e-9, atol=1e-11).y[:, -1]
    transition, write = legendre_delay(order, theta)
    np.testing.assert_allclose(transition @ start + write * 0.7, solved, rtol=1e-6, atol=1e-7)


def test_the_memory_is_fixed_and_has_its_own_width():
    cell = built(LMUCell(4, order=6, theta=12))
    assert cell.state_size == [4, 6]
    assert [weight.name for weight in cell.non_trainable_weights] == ["transition", "write"]
    assert LMUCell(4).order == 4
    again = built(LMUCell.from_config(cell.get_config()))
    np.testing.assert_array_equal(values(again.transition), values(cell.transition))
    assert np.abs(values(cell.memory_encoder)).max() == 0


def test_lru_starts_on_the_ring_with_normalised_input():
    cell = built(LRUCell(2, state_units=500, r_min=0.6, r_max=0.9, max_phase=0.5))
    modulus = np.exp(-np.exp(values(cell.nu_log)))
    phase = np.exp(values(cell.theta_log))
    assert 0.6 - 1e-5 <= modulus.min() < 0.63
    assert 0.88 < modulus.max() <= 0.9 + 1e-5
    assert phase.min() < 0.05
    assert 0.45 < phase.max() <= 0.5 + 1e-5
    assert np.mean(modulus**2) == pytest.approx((0.6**2 + 0.9**2) / 2, abs=0.02)  # uniform on the ring's area
    assert abs(np.corrcoef(modulus, phase)[0, 1]) < 0.2
    np.testing.assert_allclose(np.exp(values(cell.gamma_log)) ** 2 + modulus**2, 1, atol=1e-5)


@pytest.mark.parametrize(("r_min", "r_max"), [(0.0, 1.0), (0.0, 0.0), (1.0, 1.0)])
def test_lru_starts_with_finite_weights_on_any_ring(r_min, r_max):
    cell = built(LRUCell(2, state_units=300, r_min=r_min, r_max=r_max))
    assert all(np.isfinite(values(weight)).all() for weight in cell.weights)


def test_lru_draws_matrices_of_the_variances_of_the_paper():
    cell = LRUCell(50, state_units=100)
    cell.build((None, 40))
    assert values(cell.kernel).std() == pytest.approx((2 * 40) ** -0.5, rel=0.1)
    assert values(cell.output_kernel).std() == pytest.approx(100**-0.5, rel=0.1)
    assert values(cell.skip_kernel).std() == pytest.approx(40**-0.5, rel=0.1)


def test_hippo_eigenvalues_give_the_matrix_back():
    size = 8
    eigenvalues, vectors = hippo_normal_eigenvalues(size)
    assert eigenvalues.imag.min() > 0
    n, k = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    legs = np.where(n > k, -np.sqrt((2 * n + 1) * (2 * k + 1)), np.where(n == k, -(n + 1.0), 0.0))
    low_rank = np.sqrt(np.arange(size) + 0.5)
    rebuilt = 2 * (vectors @ np.diag(eigenvalues) @ vectors.conj().T).real
    np.testing.assert_allclose(rebuilt, legs + np.outer(low_rank, low_rank), atol=1e-12)


def test_s5_starts_as_the_real_system_of_the_hippo_matrix():
    from scipy.signal import cont2discrete

    cell = built(S5Cell(2, state_units=6, dt_min=0.05, dt_max=0.05, activation=None))
    eigenvalues, vectors = hippo_normal_eigenvalues(6)
    a = 2 * (vectors @ np.diag(eigenvalues) @ vectors.conj().T).real
    b = ops.convert_to_numpy(cell.kernel_initializer((F, 6))).T  # an initializer repeats its numbers
    readout = values(cell.output_kernel)
    c = 2 * (vectors @ (readout[:3] + 1j * readout[3:])).real.T
    a, b, *_ = cont2discrete((a, b, c, np.zeros((2, F))), 0.05)
    inputs, state, expected = series(12), np.zeros((2, 6)), []
    for t in range(12):
        state = state @ a.T + inputs[:, t] @ b.T
        expected.append(state @ c.T + inputs[:, t] @ values(cell.skip_kernel))
    outputs = Recurrent(cell, return_sequences=True)(inputs)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), np.stack(expected, axis=1), rtol=1e-4, atol=1e-5)


def test_s5_draws_step_sizes_within_bounds():
    cell = built(S5Cell(4, state_units=400, dt_min=0.01, dt_max=0.2))
    steps = np.exp(values(cell.log_step))
    assert 0.01 - 1e-6 <= steps.min() < 0.012
    assert 0.17 < steps.max() <= 0.2 + 1e-6


def test_s5_rounds_its_default_width_up_to_even():
    assert S5Cell(5).state_units == 6
    assert S5Cell(5).state_size == [3, 3]
    assert S5Cell(4).state_size == [2, 2]


@pytest.mark.parametrize(
    "make",
    [lambda **k: LRUCell(4, r_min=0.99, r_max=0.999, max_phase=0.01, **k), lambda **k: S5Cell(4, dt_max=0.002, **k)],
)
def test_half_precision_keeps_slow_decays(make):
    cell, inputs = built(make(dtype="mixed_bfloat16")), series(100) + 1
    whole = built(make())
    whole.set_weights(cell.get_weights())
    _, *exact = Recurrent(whole, parallel=True, return_state=True)(inputs)
    _, *half = Recurrent(cell, parallel=True, return_state=True, dtype="mixed_bfloat16")(inputs)
    exact, half = (np.stack([values(ops.cast(state, "float32")) for state in states]) for states in (exact, half))
    assert np.abs(half - exact).max() < 0.03 * np.abs(exact).max()


def test_half_precision_leaves_the_matrix_of_the_legendre_memory_whole():
    cell = built(LMUCell(4, order=48, theta=1000, dtype="mixed_bfloat16"))
    m = ops.cast(np.random.default_rng(0).normal(size=(2, 48)), "bfloat16")
    nothing = [ops.zeros((2, F), "bfloat16"), ops.zeros((2, 4), "bfloat16")]
    _, (_, after) = cell(nothing[0], [nothing[1], m])
    exact = values(ops.cast(m, "float32")) @ legendre_delay(48, 1000)[0].T
    # One rounding, that of the result; a rounded matrix would add 48 of them.
    np.testing.assert_allclose(values(ops.cast(after, "float32")), exact, rtol=2**-8, atol=1e-5)


@pytest.mark.parametrize("name", ["lru", "s5"])
def test_double_precision_is_double_throughout(name):
    make = {"lru": LRUCell, "s5": S5Cell}[name]  # tanh: TensorFlow's gelu has constants of float32
    if keras.backend.backend() == "jax":
        pytest.skip("JAX has float64 only where it is switched on for the whole process")
    cell = built(make(4, state_units=6, activation="tanh", dtype="float64"))
    inputs = series(9).astype("float64")
    start = [np.zeros((2, size)) for size in cell.state_size]
    weights = {weight.name: values(weight) for weight in cell.weights}
    right, _ = run(REFERENCES[name], weights, inputs, start, cell.get_config())
    for parallel in (False, True):
        layer = Recurrent(cell, parallel=parallel, return_sequences=True, dtype="float64")
        # On torch the products of Keras (`ops.matmul`) are of float32 at most, whatever they are given.
        near = 2e-6 if keras.backend.backend() == "torch" else 1e-10
        np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), right, rtol=near, atol=near)


@pytest.mark.parametrize("make", [LRUCell, S5Cell])
def test_a_compiled_model_trains_in_parallel_for_any_batch_size(make):
    model = keras.Sequential([keras.Input((8, F)), Recurrent(make(4), parallel=True), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.03), "mse")
    inputs = series(8, batch=12)
    targets = inputs[:, -3, :1]
    before = model.evaluate(inputs, targets, verbose=0)
    model.fit(inputs, targets, epochs=25, batch_size=8, verbose=0)  # 8 and 4
    assert model.evaluate(inputs, targets, verbose=0) < 0.8 * before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LMUCell(4, order=0), "order=0; expected an integer >= 1"),
        (lambda: LMUCell(4, theta=0), "theta=0; expected a finite number > 0"),
        (lambda: LRUCell(4, state_units=2.5), "state_units=2.5; expected an integer >= 1"),
        (lambda: LRUCell(4, r_max=1.5), "r_max=1.5; expected a finite number >= 0 and <= 1"),
        (lambda: LRUCell(4, r_min=0.9, r_max=0.5), "r_min=0.9; expected a number up to r_max=0.5"),
        (lambda: LRUCell(4, max_phase=0), "max_phase=0; expected a finite number > 0"),
        (lambda: S5Cell(4, state_units=5), "state_units=5; expected an even integer >= 2"),
        (lambda: S5Cell(4, state_units=0), "state_units=0; expected an integer >= 2"),
        (lambda: S5Cell(4, dt_min=0), "dt_min=0; expected a finite number > 0"),
        (lambda: S5Cell(4, dt_min=0.2), "dt_min=0.2; expected a number up to dt_max=0.1"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert str(caught.value).startswith(message)
