"""RNN, LSTM and GRU: several layers, both directions, weights brought into Keras' layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import recurrent as layers
from edgetrig.frontends.layers.recurrent import Options, Weights
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.torch.operation import Call, Weight, is_constant
from edgetrig.frontends.values import Value, exact

Function = Callable[..., Any]
Cell = Callable[[Any, Weights, Options, Any, Precision], tuple[Any, Any]]


@dataclass(frozen=True)
class Part(Precision):
    """One layer and direction of a recurrent module: its roles are told from the others'."""

    whole: Precision
    prefix: str

    def weight(self, values: Floats, role: str) -> Any:
        """Return constants of the layer."""
        return self.whole.weight(values, f"{self.prefix}{role}")

    def inner(self, value: Value, role: str) -> Value:
        """Return a result between two parts of the layer."""
        return self.whole.inner(value, f"{self.prefix}{role}")


def _lstm(x: Any, weights: Weights, options: Options, state: Any, precision: Precision) -> Any:
    return layers.lstm(x, weights, options, state, precision)


def _gru(x: Any, weights: Weights, options: Options, state: Any, precision: Precision) -> Any:
    return layers.gru(x, weights, options, state, True, precision)


def _rnn(x: Any, weights: Weights, options: Options, state: Any, precision: Precision) -> Any:
    return layers.simple_rnn(x, weights, options, state, precision)


def lstm(
    call: Call,
    input: Value,
    hx: list[Value],
    params: list[Weight],
    has_biases: bool,
    bidirectional: bool,
    batch_first: bool,
    **_: Any,  # how many layers there are, the weights tell; the rest is of training
) -> list[Value]:
    """Long short-term memory: results, last states, last cells."""
    cells = _cells(params, has_biases, bidirectional, _reordered((0, 1, 2, 3)))
    result, states = _run(call, _lstm, input, cells, hx, Options(), batch_first)
    return [result, *(np.stack([s[k] for s in states])[:, None] for k in (0, 1))]


def gru(
    call: Call,
    input: Value,
    hx: Value,
    params: list[Weight],
    has_biases: bool,
    bidirectional: bool,
    batch_first: bool,
    **_: Any,  # how many layers there are, the weights tell; the rest is of training
) -> list[Value]:
    """Gated recurrent unit, reset after the product: results, last states."""
    cells = _cells(params, has_biases, bidirectional, _gru_weights)
    result, states = _run(call, _gru, input, cells, [hx], Options(), batch_first)
    return [result, np.stack(states)[:, None]]


def simple_rnn(activation: str) -> Function:
    """Return the handler of a simple recurrent layer."""

    def handler(
        call: Call,
        input: Value,
        hx: Value,
        params: list[Weight],
        has_biases: bool,
        bidirectional: bool,
        batch_first: bool,
        **_: Any,
    ) -> list[Value]:
        cells = _cells(params, has_biases, bidirectional, _reordered((0,)))
        options = Options(activation)
        result, states = _run(call, _rnn, input, cells, [hx], options, batch_first)
        return [result, np.stack(states)[:, None]]

    return handler


def _run(
    call: Call,
    cell: Cell,
    x: Value,
    cells: Sequence[Sequence[Weights]],
    initial: Sequence[Value],
    options: Options,
    batch_first: bool,
) -> tuple[Any, list[Any]]:
    """Return the last layer's states at all steps, and every layer's and direction's last ones."""
    axis = 0 if batch_first else 1
    steps = np.take(exact(x), 0, axis=axis)
    states: list[Any] = []
    for number, directions in enumerate(cells):
        results = []
        for backwards, weights in enumerate(directions):
            prefix = f"l{number}{'_reverse' if backwards else ''}_"
            precision = Part(call.precision, prefix) if len(cells) * len(directions) > 1 else None
            here = Options(options.activation, options.recurrent_activation, bool(backwards), True)
            first = _first(initial, len(states))
            result, last = cell(steps, weights, here, first, precision or call.precision)
            results.append(np.flip(result, axis=0) if backwards else result)
            states.append(last)
        steps = results[0] if len(results) == 1 else np.concatenate(results, axis=-1)
    return np.expand_dims(steps, axis), states


def _first(initial: Sequence[Value], number: int) -> Any:
    """Return a layer's first state; None for zeros."""
    if all(is_constant(v) and not v.values.any() for v in initial):
        return None
    parts = tuple((v.values if is_constant(v) else exact(v))[number, 0] for v in initial)
    return parts if len(parts) > 1 else parts[0]


def _cells(
    params: Sequence[Weight],
    has_biases: bool,
    bidirectional: bool,
    arranged: Callable[..., Weights],
) -> list[list[Weights]]:
    """Return the weights of each layer and direction."""
    size = 4 if has_biases else 2
    count = 2 if bidirectional else 1
    if len(params) % (size * count):
        raise ValueError("projections (proj_size) are not supported; use a Linear layer after it")
    each = [
        arranged(*(weight.values for weight in params[k : k + size]))
        for k in range(0, len(params), size)
    ]
    return [each[k : k + count] for k in range(0, len(each), count)]


def _reordered(gates: Sequence[int]) -> Callable[..., Weights]:
    """Return what brings PyTorch's gates into Keras' order, with one bias."""

    def arranged(kernel: Floats, state: Floats, *biases: Floats) -> Weights:
        bias = _in_order(biases[0] + biases[1], gates) if biases else None
        return Weights(_in_order(kernel, gates).T, _in_order(state, gates).T, bias)

    return arranged


def _gru_weights(kernel: Floats, state: Floats, *biases: Floats) -> Weights:
    """Return a GRU's weights: PyTorch's gates are reset, update, candidate."""
    gates = (1, 0, 2)
    bias = np.stack([_in_order(b, gates) for b in biases]) if biases else None
    return Weights(_in_order(kernel, gates).T, _in_order(state, gates).T, bias)


def _in_order(values: Floats, gates: Sequence[int]) -> Floats:
    parts = np.split(values, len(gates))
    return np.concatenate([parts[gate] for gate in gates])


HANDLERS: Final[Mapping[str, Function]] = {
    "lstm": lstm,
    "gru": gru,
    "rnn_tanh": simple_rnn("tanh"),
    "rnn_relu": simple_rnn("relu"),
}
"""By ATen's names."""
