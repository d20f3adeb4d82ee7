"""Recurrent layers, unrolled over their steps; one step's result feeds the next.

Weights are in Keras' layout and order of gates; other libraries' are brought into it.
Arrays are (steps, features).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetrig.frontends.layers.activation import Function, apply
from edgetrig.frontends.layers.inner import rounded
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import exact

Activation = str | Function
"""A name of `activation.apply`, or a function of a value."""


@dataclass(frozen=True)
class Weights:
    """Weights of a recurrent layer.

    Parameters
    ----------
    kernel
        Shape (features, gates * units).
    recurrent
        Shape (units, gates * units).
    bias
        Shape (gates * units,), or None. For a GRU with ``reset_after`` shape (2, gates * units):
        one for the input, one for the state.
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats | None = None

    def __post_init__(self) -> None:
        if self.recurrent.ndim != 2 or self.kernel.shape[1:] != self.recurrent.shape[1:]:
            raise ValueError(
                f"kernels of shapes {self.kernel.shape} and {self.recurrent.shape} do not fit"
            )

    @property
    def units(self) -> int:
        """Size of the state."""
        return int(self.recurrent.shape[0])

    def through(self, precision: Precision) -> Weights:
        """Return the weights as a layer's precision rounds them."""
        return Weights(
            precision.weight(self.kernel, "kernel"),
            precision.weight(self.recurrent, "recurrent"),
            None if self.bias is None else precision.weight(self.bias, "bias"),
        )


@dataclass(frozen=True)
class Options:
    """How a recurrent layer runs through its steps.

    Parameters
    ----------
    activation, recurrent_activation
        Of the state and of the gates: names, or functions.
    go_backwards
        Whether the last step comes first; results then are in that order too.
    return_sequences
        Whether the result has every step's state, shape (steps, units), or the last one's.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    go_backwards: bool = False
    return_sequences: bool = False


def simple_rnn(
    x: Any,
    weights: Weights,
    options: Options,
    state: Any = None,
    precision: Precision = AS_IS,
) -> tuple[Any, Any]:
    """Return the result and the last state of ``h = activation(x W + h R + b)``.

    ``state`` is the first state, zeros if None. Sums go through ``precision`` as "linear", states
    as "state".
    """
    w = weights.through(precision)

    def step(x: Any, h: Any) -> Any:
        return _state(options.activation, x + h @ w.recurrent, precision)

    return _run(_linear(x, w.kernel, w.bias), step, options, _first(state, w.units))


def lstm(
    x: Any,
    weights: Weights,
    options: Options,
    state: tuple[Any, Any] | None = None,
    precision: Precision = AS_IS,
) -> tuple[Any, tuple[Any, Any]]:
    """Return the result and the last state (h, c) of a long short-term memory.

    The gates are in the order input, forget, cell, output: ``c = f c + i g``, ``h = o act(c)``.
    Roles of ``precision``: "linear" (sums), "gate", "candidate", "cell", "state".
    """
    w = weights.through(precision)
    n = w.units

    def step(x: Any, state: Any) -> Any:
        h, c = state
        sums = x + h @ w.recurrent
        i, f, o = (
            _gate(options.recurrent_activation, sums[k * n : (k + 1) * n], precision)
            for k in (0, 1, 3)
        )
        g = _applied(options.activation, sums[2 * n : 3 * n], "candidate", precision)
        c = rounded(f * c + i * g, "cell", precision)
        curve = _applied(options.activation, c, "curve", precision)
        return rounded(o * curve, "state", precision), c

    h, c = (None, None) if state is None else state
    first = (_first(h, n), _first(c, n))
    return _run(_linear(x, w.kernel, w.bias), step, options, first)


def gru(
    x: Any,
    weights: Weights,
    options: Options,
    state: Any = None,
    reset_after: bool = True,
    precision: Precision = AS_IS,
) -> tuple[Any, Any]:
    """Return the result and the last state of a gated recurrent unit.

    The gates are in the order update z, reset r, candidate: ``h = z h + (1 - z) g``. With
    ``reset_after`` the reset gate acts on the state's product (as in cuDNN and PyTorch), else on
    the state. Roles of ``precision``: "linear" (sums), "gate", "candidate", "state".
    """
    w = weights.through(precision)
    n = w.units
    inputs, inner = w.bias, None
    if w.bias is not None and w.bias.ndim == 2:
        inputs, inner = w.bias[0], w.bias[1]

    def step(x: Any, h: Any) -> Any:
        gates = x[: 2 * n] + _linear(h, w.recurrent[:, : 2 * n], _part(inner, 0, 2 * n))
        z, r = (
            _gate(options.recurrent_activation, gates[k * n : (k + 1) * n], precision)
            for k in (0, 1)
        )
        kernel, bias = w.recurrent[:, 2 * n :], _part(inner, 2 * n, 3 * n)
        past = r * _linear(h, kernel, bias) if reset_after else _linear(r * h, kernel, bias)
        g = _applied(options.activation, x[2 * n :] + past, "candidate", precision)
        return rounded(g + z * (h - g), "state", precision)

    return _run(_linear(x, w.kernel, inputs), step, options, _first(state, n))


def bidirectional(forward: Any, backward: Any, merge: str | None, return_sequences: bool) -> Any:
    """Return two directions' results merged: "concat", "sum", "mul", "ave", or both (None).

    ``backward`` is as its own layer returns it, last step first.
    """
    if return_sequences:
        backward = np.flip(backward, axis=0)
    if merge == "concat":
        return np.concatenate([forward, backward], axis=-1)
    if merge == "sum":
        return forward + backward
    if merge == "mul":
        return forward * backward
    if merge == "ave":
        return (forward + backward) * 0.5
    if merge is None:
        return forward, backward
    raise ValueError(f"merge_mode '{merge}' is unknown; use concat, sum, mul, ave or None")


def _run(x: Any, step: Callable[[Any, Any], Any], options: Options, state: Any) -> tuple[Any, Any]:
    """Return the results of all steps, or of the last, and the last state."""
    order = range(x.shape[0])
    states = []
    for number in reversed(order) if options.go_backwards else order:
        state = step(x[number], state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return (np.stack(states, axis=0) if options.return_sequences else states[-1]), state


def _linear(x: Any, kernel: Floats, bias: Floats | None) -> Any:
    return x @ kernel if bias is None else x @ kernel + bias


def _part(bias: Floats | None, first: int, last: int) -> Floats | None:
    return None if bias is None else bias[first:last]


def _first(state: Any, units: int) -> Any:
    return np.zeros(units) if state is None else state


def _gate(activation: Activation, x: Any, precision: Precision) -> Any:
    return _applied(activation, x, "gate", precision)


def _state(activation: Activation, x: Any, precision: Precision) -> Any:
    return _applied(activation, x, "state", precision)


def _applied(activation: Activation, x: Any, role: str, precision: Precision) -> Any:
    if not isinstance(activation, str):
        return exact(activation(x))
    return rounded(apply(activation, x, precision), role, precision)
