"""Cells from state space models: the Legendre memory unit, and the diagonal complex recurrences LRU and S5.

A complex state is two real states, (real part, imaginary part); a complex matrix is a real weight with both parts
concatenated. Under mixed precision, decays, which are close to one for long memory, are stored and applied in float32.
The parallel form keeps the states in float32 between steps; the loop over the steps rounds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_int, check_real
from kerazoo.cells.base import RecurrentCell, draw
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import complex_linear_scan
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "LMUCell", "LRUCell", "S5Cell", "hippo_normal_eigenvalues", "legendre_delay"]


def legendre_delay(order: int, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """The linear memory of a sliding window, for one step of length 1.

    The content of the window is represented by `order` Legendre coefficients m with theta dm/dt = A m + B u (Voelker et
    al. 2019, eq. 1 and 2)::

        A_ij = (2i + 1) * (-1 if i < j else (-1)^(i - j + 1)),  B_i = (2i + 1) * (-1)^i      i, j = 0..order - 1

    discretised by zero-order hold: u is constant during a step.

    Args:
        order: int >= 1.
        theta: float > 0, length of the window in steps.

    Returns:
        (A_bar (order, order), B_bar (order,)), float64, with m_t = A_bar m_(t-1) + B_bar u_t.

    >>> a, b = legendre_delay(1, 2.0)  # dm/dt = (u - m) / 2
    >>> bool(np.isclose(a[0, 0], np.exp(-0.5))), bool(np.isclose(b[0], 1 - np.exp(-0.5)))
    (True, True)
    """
    from scipy.linalg import expm  # type: ignore[import-untyped]  # slow to import

    i = np.arange(order)[:, None]
    j = np.arange(order)[None, :]
    sign = np.where(i < j, -1.0, np.where((i - j) % 2 == 0, -1.0, 1.0))
    # exp of [[A, B], [0, 0]] contains both discrete matrices, even if A has no inverse.
    both = np.zeros((order + 1, order + 1))
    both[:order, :order] = (2 * i + 1) * sign / theta
    both[:order, order] = (2 * i[:, 0] + 1) * (-1.0) ** i[:, 0] / theta
    discrete = expm(both)
    return discrete[:order, :order], discrete[:order, order]


def hippo_normal_eigenvalues(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues with positive imaginary part, and their eigenvectors, of the normal part of HiPPO-LegS (HiPPO-N).

    The matrix (Smith et al. 2023, app. B.1.1) is -1/2 on the diagonal and, off it, -sqrt((n + 1/2) (k + 1/2)) below
    and +sqrt((n + 1/2) (k + 1/2)) above: -1/2 plus a skew-symmetric matrix, so that the eigenvectors are orthonormal
    and eigenvalues come in conjugate pairs.

    Args:
        size: even int >= 2.

    Returns:
        (complex (size / 2,), complex (size, size / 2)): eigenvalues and, in columns, eigenvectors of length 1.

    >>> values, vectors = hippo_normal_eigenvalues(2)
    >>> np.round(values, 3).tolist(), vectors.shape
    ([(-0.5+0.866j)], (2, 1))
    """
    root = np.sqrt(np.arange(size) + 0.5)
    outer = np.outer(root, root)
    skew = np.triu(outer, 1) - np.tril(outer, -1)
    # skew = i H with H Hermitian: eigh returns real frequencies, in ascending order, and orthonormal vectors.
    frequencies, vectors = np.linalg.eigh(-1j * skew)
    half = size // 2
    return -0.5 + 1j * frequencies[half:], vectors[:, half:]


def _wide(dtype: str) -> str:
    """The dtype in which slow decays are applied: float64 for a cell of float64, else float32."""
    # Not `keras.backend.result_type`, which never returns float64 on torch.
    return "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"


def _constant(values: np.ndarray) -> Callable[..., Any]:
    return lambda shape, dtype=None: ops.convert_to_tensor(np.reshape(values, shape), dtype=dtype)


def _untruncated(scale: float) -> Any:
    """Normal with variance scale / fan_in."""
    return keras.initializers.VarianceScaling(scale, mode="fan_in", distribution="untruncated_normal")


@keras.saving.register_keras_serializable(package="kerazoo")
class LMUCell(RecurrentCell):
    """Legendre memory unit: a fixed linear memory of a window of theta steps, and a hidden state that uses it.

    Equations (Voelker et al. 2019, "Legendre Memory Units: Continuous-Time Representation in Recurrent Neural
    Networks", NeurIPS, eq. 1, 2 and sec. 2), with f = `activation` and A_bar, B_bar of :func:`legendre_delay`::

        u_t = x_t e_x + h_(t-1) e_h + m_(t-1) e_m               a scalar, written to the memory
        m_t = m_(t-1) A_bar^T + u_t B_bar
        h_t = f(x_t W_x + h_(t-1) W_h + m_t W_m)

    The paper has no bias, so the arguments of the bias have no effect. Initial values are those of the paper and of its
    authors' implementation: e_x and e_h LeCun uniform, e_m zeros, W_x, W_h and W_m Glorot normal (the default of
    `kernel_initializer` and `recurrent_initializer` here).

    Under mixed precision A_bar and B_bar stay in float32, but m is rounded to half precision between steps. For theta
    above about 100 use ``dtype="float32"`` for the cell: the increment of a step, about 1 / theta of m, would be lost.

    Args:
        units: int >= 1, width of h.
        order: int >= 1, number of Legendre coefficients in the memory; None: `units`.
        theta: float > 0, length of the window in steps. Detail shorter than about theta / order is lost.
        activation: function of the hidden state.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units), m (B, order)]; output h. Weights: kernel (F, 1 + units) as [e_x, W_x],
    recurrent_kernel (units, 1 + units) as [e_h, W_h], memory_encoder (order, 1), memory_kernel (order, units); fixed:
    transition (order, order), which is A_bar^T, and write (order), which is B_bar.

    >>> cell = LMUCell(4, order=6, theta=10)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), [tuple(state.shape) for state in states]
    ((2, 4), [(2, 4), (2, 6)])
    """

    options = ("order", "theta", "activation")

    def __init__(
        self, units: int, order: int | None = None, theta: float = 64.0, activation: Any = "tanh", **kwargs: Any
    ) -> None:
        super().__init__(
            units, **{"kernel_initializer": "glorot_normal", "recurrent_initializer": "glorot_normal", **kwargs}
        )
        hint = "It is the number of Legendre coefficients in the memory; None uses `units`."
        self.order = self.units if order is None else check_int("order", order, hint=hint)
        hint = "It is the length of the window in steps."
        self.theta = check_real("theta", theta, 0.0, exclusive=True, hint=hint)
        self.activation = keras.activations.get(activation)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.order]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""

        def with_encoder(initializer: Any) -> Callable[..., Any]:
            # One product for u_t and h_t; the column of the encoder has its own initial distribution.
            encoder = keras.initializers.LecunUniform()

            def make(shape: Any, dtype: Any = None) -> Any:
                parts = [draw(encoder, (shape[0], 1), dtype), draw(initializer, (shape[0], shape[1] - 1), dtype)]
                return ops.concatenate(parts, axis=1)

            return make

        self.kernel = self.add_kernel(
            "kernel", (input_shape[-1], 1 + self.units), with_encoder(self.kernel_initializer)
        )
        self.recurrent_kernel = self.add_recurrent_kernel(
            "recurrent_kernel", (self.units, 1 + self.units), with_encoder(self.recurrent_initializer)
        )
        self.memory_encoder = self.add_recurrent_kernel("memory_encoder", (self.order, 1), "zeros")
        self.memory_kernel = self.add_recurrent_kernel("memory_kernel", (self.order, self.units))
        a, b = legendre_delay(self.order, self.theta)
        # Not cast to half precision: rounded to bfloat16, A_bar for 48 coefficients and 3000 steps has an eigenvalue
        # outside the unit circle.
        fixed = {"trainable": False, "autocast": False}
        self.transition = self.add_weight(name="transition", shape=a.shape, initializer=_constant(a.T), **fixed)
        self.write = self.add_weight(name="write", shape=b.shape, initializer=_constant(b), **fixed)
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, m = states
        wide = _wide(self.variable_dtype)
        u_and_h = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel)
        u = u_and_h[:, :1] + ops.matmul(m, self.memory_encoder)
        kept = ops.matmul(ops.cast(m, wide), ops.cast(self.transition, wide))
        m = ops.cast(kept + ops.cast(u, wide) * ops.cast(self.write, wide), self.compute_dtype)
        h = self.activation(u_and_h[:, 1:] + ops.matmul(m, self.memory_kernel))
        return h, [h, m]


class _DiagonalCell(RecurrentCell):
    """h_t = d * h_(t-1) + v_t over complex numbers, with a constant d; a subclass defines d and v_t.

    Output: ``activation(scale * Re(h_t C) + x_t D)``. C is the real weight `output_kernel` of rows [Re C, -Im C], D is
    `skip_kernel`.
    """

    linear = True
    droppable_states = (0, 1)
    width: int  # number of complex states
    activation: Any
    output_scale = 1.0

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.width, self.width]

    def _add_vector(self, name: str, initializer: Any) -> Any:
        """A trainable vector over the states that is not cast to half precision."""
        return self.add_weight(shape=(self.width,), name=name, initializer=initializer, autocast=False)

    def _decay(self) -> tuple[Any, Any]:
        """d, as (real part, imaginary part) of shape (width,)."""
        raise NotImplementedError

    def _input_scale(self) -> tuple[Any, Any]:
        """Factor of x_t B, as (real part, imaginary part) of shape (width,); None for an imaginary part of 0."""
        raise NotImplementedError

    def _driven(self, inputs: Any) -> tuple[Any, Any]:
        product = ops.cast(ops.matmul(inputs, self.kernel), _wide(self.variable_dtype))
        re, im = ops.split(product, 2, axis=-1)
        scale_re, scale_im = self._input_scale()
        if scale_im is None:
            return scale_re * re, scale_re * im
        return scale_re * re - scale_im * im, scale_re * im + scale_im * re

    def _output(self, inputs: Any, re: Any, im: Any) -> Any:
        read = ops.matmul(ops.concatenate([re, im], axis=-1), self.output_kernel)
        if self.output_scale != 1:
            read = self.output_scale * read
        return self.activation(read + ops.matmul(inputs, self.skip_kernel))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        wide = _wide(self.variable_dtype)
        decay_re, decay_im = self._decay()
        new_re, new_im = self._driven(inputs)
        re, im = (ops.cast(state, wide) for state in states)
        h_re = ops.cast(decay_re * re - decay_im * im + new_re, self.compute_dtype)
        h_im = ops.cast(decay_re * im + decay_im * re + new_im, self.compute_dtype)
        return self._output(inputs, h_re, h_im), [h_re, h_im]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        wide = _wide(self.variable_dtype)
        # One row for the whole batch: every series has the same decay, unless a mask changes it.
        shape = (1, ops.shape(sequences)[1], self.width)
        decay_re, decay_im = (ops.broadcast_to(part, shape) for part in self._decay())
        first_re, first_im = (ops.cast(state, wide) for state in states)
        h_re, h_im = complex_linear_scan((decay_re, decay_im), self._driven(sequences), (first_re, first_im), mask)
        h_re, h_im = ops.cast(h_re, self.compute_dtype), ops.cast(h_im, self.compute_dtype)
        return self._output(sequences, h_re, h_im), [h_re[:, -1], h_im[:, -1]]


@keras.saving.register_keras_serializable(package="kerazoo")
class LRUCell(_DiagonalCell):
    """Linear recurrent unit: a diagonal complex recurrence, stable by parametrisation.

    Equations (Orvieto et al. 2023, "Resurrecting Recurrent Neural Networks for Long Sequences", arXiv:2303.06349,
    sec. 3.2 to 3.4 and app. A), with f = `activation`, in the paper the identity::

        d   = exp(-exp(nu_log) + i exp(theta_log))               |d| < 1 for any values
        h_t = d * h_(t-1) + exp(gamma_log) * (x_t B)
        y_t = f(Re(h_t C) + x_t D)

    Initial values are those of the paper: d uniform on the ring r_min <= |d| <= r_max with phases from 0 to max_phase,
    exp(gamma_log) = sqrt(1 - |d|^2), both parts of B normal of variance 1 / (2 F) and both of C normal of variance
    1 / N. In the paper D is elementwise, as its layers are as wide as their inputs; here it is a full matrix, as the
    widths can differ, normal of variance 1 / F (the same variance of x_t D). `recurrent_initializer` and the arguments
    of the bias have no effect.

    Args:
        units: int >= 1, width of the output.
        state_units: int >= 1, number N of complex states; None: `units`.
        r_min: float in [0, r_max], smallest initial |d|.
        r_max: float in [0, 1], largest initial |d|. Close to 1 for long memory.
        max_phase: float > 0, largest initial phase in radians. Small for long memory of slow signals.
        activation: function of the output; None is the identity.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`; `kernel_initializer` initialises B.

    Shapes: inputs (B, F); states [real part (B, N), imaginary part (B, N)]; output y (B, units). Weights: kernel
    (F, 2 N) as [Re B, Im B], nu_log, theta_log, gamma_log (N), output_kernel (2 N, units) of rows [Re C, -Im C],
    skip_kernel (F, units), which is D.

    >>> cell = LRUCell(4, state_units=6)
    >>> y, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape), [tuple(state.shape) for state in states]
    ((2, 4), [(2, 6), (2, 6)])
    """

    options = ("state_units", "r_min", "r_max", "max_phase", "activation")

    def __init__(
        self,
        units: int,
        state_units: int | None = None,
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 2 * math.pi,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **{"kernel_initializer": _untruncated(0.5), **kwargs})
        hint = "It is the number of complex states; None uses `units`."
        self.state_units = self.units if state_units is None else check_int("state_units", state_units, hint=hint)
        self.width = self.state_units
        self.r_max = check_real("r_max", r_max, 0.0, 1.0, hint="It bounds the initial |d| from above.")
        self.r_min = check_real("r_min", r_min, 0.0, 1.0, hint="It bounds the initial |d| from below.")
        if self.r_min > self.r_max:
            raise InvalidArgumentError(f"r_min={r_min!r}; expected a number up to r_max={r_max!r}.")
        self.max_phase = check_real("max_phase", max_phase, 0.0, exclusive=True, hint="The full circle is 2 pi.")
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        # An initializer repeats its numbers, so nu_log and gamma_log use the same draw.
        square, phase = keras.initializers.RandomUniform(0.0, 1.0), keras.initializers.RandomUniform(0.0, 1.0)

        def squared_modulus(shape: Any, dtype: Any) -> Any:
            drawn = draw(square, shape, dtype) * (self.r_max**2 - self.r_min**2) + self.r_min**2
            return ops.clip(drawn, 1e-6, 1 - 1e-6)  # |d| of 0 and of 1 have infinite logarithms

        def nu_log(shape: Any, dtype: Any = None) -> Any:
            return ops.log(-0.5 * ops.log(squared_modulus(shape, dtype)))

        def theta_log(shape: Any, dtype: Any = None) -> Any:
            return ops.log(self.max_phase * ops.maximum(draw(phase, shape, dtype), 1e-6))

        def gamma_log(shape: Any, dtype: Any = None) -> Any:
            return 0.5 * ops.log(1 - squared_modulus(shape, dtype))

        self.kernel = self.add_kernel("kernel", (input_shape[-1], 2 * self.width))
        self.nu_log = self._add_vector("nu_log", nu_log)
        self.theta_log = self._add_vector("theta_log", theta_log)
        self.gamma_log = self._add_vector("gamma_log", gamma_log)
        self.output_kernel = self.add_kernel("output_kernel", (2 * self.width, self.units), _untruncated(2.0))
        self.skip_kernel = self.add_kernel("skip_kernel", (input_shape[-1], self.units), _untruncated(1.0))
        self.built = True

    def _decay(self) -> tuple[Any, Any]:
        wide = _wide(self.variable_dtype)
        modulus = ops.exp(-ops.exp(ops.cast(self.nu_log, wide)))
        phase = ops.exp(ops.cast(self.theta_log, wide))
        return modulus * ops.cos(phase), modulus * ops.sin(phase)

    def _input_scale(self) -> tuple[Any, Any]:
        return ops.exp(ops.cast(self.gamma_log, _wide(self.variable_dtype))), None


@keras.saving.register_keras_serializable(package="kerazoo")
class S5Cell(_DiagonalCell):
    """Simplified state space layer (S5): a diagonal system with many inputs and outputs and learned step sizes.

    Equations (Smith et al. 2023, "Simplified State Space Layers for Sequence Modeling", ICLR, arXiv:2208.04933,
    sec. 2.1 and 3), with s = exp(log_step) and f = `activation`::

        d   = exp(L * s)                                         L: complex eigenvalues
        h_t = d * h_(t-1) + (d - 1) / L * (x_t B)                zero-order hold
        y_t = f(2 Re(h_t C) + x_t D)

    One state of each conjugate pair is kept, hence the factor 2 (app. B.1). Initial values are those of the paper with
    a single block: L and the eigenvectors V from :func:`hippo_normal_eigenvalues`, B and C random real matrices (LeCun
    normal) in the basis of the eigenvectors, log s uniform from log dt_min to log dt_max. In the paper D is
    elementwise, as its layers are as wide as their inputs; here it is a full matrix, as the widths can differ, normal
    of variance 1 / F (the same variance of x_t D). As in the paper, training does not keep Re L below 0.
    `recurrent_initializer` and the arguments of the bias have no effect.

    Args:
        units: int >= 1, width of the output.
        state_units: even int >= 2, size of the system with the conjugate states; None: `units`, rounded up to even.
        dt_min: float > 0, smallest initial step size.
        dt_max: float >= dt_min, largest initial step size. The memory is about 2 / dt_min to 2 / dt_max steps.
        activation: function of the output; None is the identity.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`; `kernel_initializer` initialises the real matrix of B.

    Shapes: inputs (B, F); states [real part (B, N), imaginary part (B, N)] with N = state_units / 2; output y
    (B, units). Weights: kernel (F, 2 N) as [Re B, Im B], lambda_re, lambda_im, log_step (N), output_kernel
    (2 N, units) of rows [Re C, -Im C], skip_kernel (F, units), which is D.

    >>> cell = S5Cell(4, state_units=6)
    >>> y, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape), [tuple(state.shape) for state in states]
    ((2, 4), [(2, 3), (2, 3)])
    """

    options = ("state_units", "dt_min", "dt_max", "activation")
    output_scale = 2.0

    def __init__(
        self,
        units: int,
        state_units: int | None = None,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        activation: Any = "gelu",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **{"kernel_initializer": "lecun_normal", **kwargs})
        hint = "It counts the states with their conjugates; None uses `units`, rounded up to even."
        size = (
            self.units + self.units % 2 if state_units is None else check_int("state_units", state_units, 2, hint=hint)
        )
        if size % 2:
            raise InvalidArgumentError(f"state_units={state_units!r}; expected an even integer >= 2. {hint}")
        self.state_units = size
        self.width = size // 2
        self.dt_min = check_real("dt_min", dt_min, 0.0, exclusive=True, hint="It is the smallest initial step size.")
        self.dt_max = check_real("dt_max", dt_max, 0.0, exclusive=True, hint="It is the largest initial step size.")
        if self.dt_min > self.dt_max:
            raise InvalidArgumentError(f"dt_min={dt_min!r}; expected a number up to dt_max={dt_max!r}.")
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        values, vectors = hippo_normal_eigenvalues(self.state_units)
        # With V the kept eigenvectors: B^T conj(V) = B^T [Re V, -Im V], and rows [Re, -Im] of V^T C^T = its transpose.
        basis = np.concatenate([vectors.real, -vectors.imag], axis=1)
        output_initializer = keras.initializers.LecunNormal()

        def input_matrix(shape: Any, dtype: Any = None) -> Any:
            return ops.matmul(draw(self.kernel_initializer, shape, dtype), ops.convert_to_tensor(basis, dtype=dtype))

        def output_matrix(shape: Any, dtype: Any = None) -> Any:
            return ops.matmul(ops.convert_to_tensor(basis.T, dtype=dtype), draw(output_initializer, shape, dtype))

        self.kernel = self.add_kernel("kernel", (input_shape[-1], 2 * self.width), input_matrix)
        self.lambda_re = self._add_vector("lambda_re", _constant(values.real))
        self.lambda_im = self._add_vector("lambda_im", _constant(values.imag))
        self.log_step = self._add_vector(
            "log_step", keras.initializers.RandomUniform(math.log(self.dt_min), math.log(self.dt_max))
        )
        self.output_kernel = self.add_kernel("output_kernel", (2 * self.width, self.units), output_matrix)
        self.skip_kernel = self.add_kernel("skip_kernel", (input_shape[-1], self.units), _untruncated(1.0))
        self.built = True

    def _exponent(self) -> tuple[Any, Any, Any, Any]:
        """L and L * s, each as (real part, imaginary part)."""
        re, im, log_step = (
            ops.cast(weight, _wide(self.variable_dtype)) for weight in (self.lambda_re, self.lambda_im, self.log_step)
        )
        step = ops.exp(log_step)
        return re, im, re * step, im * step

    def _decay(self) -> tuple[Any, Any]:
        _, _, re, im = self._exponent()
        modulus = ops.exp(re)
        return modulus * ops.cos(im), modulus * ops.sin(im)

    def _input_scale(self) -> tuple[Any, Any]:
        eigen_re, eigen_im, re, im = self._exponent()
        # exp(re + i im) - 1, without the difference of two numbers close to 1: steps can be as small as 0.001.
        expm1 = ops.tanh(re / 2) * (ops.exp(re) + 1)  # ONNX has no expm1
        less_re = expm1 * ops.cos(im) - 2 * ops.square(ops.sin(im / 2))
        less_im = ops.exp(re) * ops.sin(im)
        norm = ops.square(eigen_re) + ops.square(eigen_im)
        return (
            (less_re * eigen_re + less_im * eigen_im) / norm,
            (less_im * eigen_re - less_re * eigen_im) / norm,
        )


CELLS = (
    CellInfo(
        name="lmu",
        make=LMUCell,
        title="Legendre memory unit: a fixed memory of a sliding window, and a hidden state.",
        paper='Voelker et al. 2019, "Legendre Memory Units: Continuous-Time Representation in Recurrent Neural '
        'Networks", NeurIPS',
        states=("h", "m"),
        note="m is `order` wide (U by default): a fixed memory of `theta` steps; no bias",
    ),
    CellInfo(
        name="lru",
        make=LRUCell,
        title="Linear recurrent unit: a diagonal complex recurrence.",
        paper='Orvieto et al. 2023, "Resurrecting Recurrent Neural Networks for Long Sequences", arXiv:2303.06349',
        states=("Re h", "Im h"),
        note="complex, diagonal; `r_max` close to 1 for long memory",
    ),
    CellInfo(
        name="s5",
        make=S5Cell,
        title="Simplified state space layer: a diagonal system with learned step sizes.",
        paper='Smith et al. 2023, "Simplified State Space Layers for Sequence Modeling", ICLR, arXiv:2208.04933',
        states=("Re h", "Im h"),
        note="an even number of states",
    ),
)
