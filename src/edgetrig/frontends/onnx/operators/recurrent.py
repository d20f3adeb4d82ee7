"""RNN, LSTM and GRU, unrolled: ONNX' order of gates brought to the neutral layers'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers.recurrent import Options, Weights, gru, lstm, simple_rnn
from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.scaled import Float64s, Known, numbers
from edgetrig.frontends.values import exact

_ACTIVATIONS: Final = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softsign": "softsign",
    "Softplus": "softplus",
}  # fmt: skip
_ORDER: Final = {"RNN": (0,), "LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2)}
"""Gates of the neutral layers among ONNX': iofc becomes ifco."""


def recurrent(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``RNN``, ``LSTM`` and ``GRU``."""
    x = exact(arguments[0])
    w, r = (numbers(constant(arguments[k], "weights")) for k in (1, 2))
    bias = argument(arguments, 3)
    b = np.zeros((len(w), 2 * w.shape[1])) if bias is None else numbers(constant(bias, "bias"))
    _check(node, arguments)
    directions = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
    backwards = directions.get(node.text("direction", "forward"))
    if backwards is None or len(w) != len(backwards):
        raise ValueError(f"its weights have {len(w)} directions")
    if node.integer("layout", 0):
        x = np.swapaxes(x, 0, 1)
    first = [argument(arguments, k) for k in (5, 6)]
    results = [
        [_run(node, x[:, k], (w[d], r[d], b[d]), d, back, first, k) for k in range(x.shape[1])]
        for d, back in enumerate(backwards)
    ]
    sequence = _stacked(results, 0, (2, 0, 1))  # directions, events, steps, units
    states = [_stacked(results, n, None) for n in range(1, 1 + (node.kind == "LSTM") + 1)]
    if node.integer("layout", 0):
        sequence = np.transpose(sequence, (2, 0, 1, 3))
        states = [np.swapaxes(v, 0, 1) for v in states]
    return [sequence, *states]


def _stacked(results: list[list[Any]], index: int, order: tuple[int, ...] | None) -> Any:
    array = np.stack([np.stack([v[index] for v in row], axis=0) for row in results], axis=0)
    return array if order is None else np.transpose(array, (*order, 3))


def _check(node: Node, arguments: tuple[Argument, ...]) -> None:
    if argument(arguments, 4) is not None:
        raise ValueError("sequence lengths are not supported; all sequences have full length")
    if argument(arguments, 7) is not None:
        raise ValueError("peephole weights are not supported")
    if "clip" in node.attributes or node.integer("input_forget", 0):
        raise ValueError("clip and input_forget are not supported")
    for v in (argument(arguments, k) for k in (5, 6)):
        if v is not None and not isinstance(v, Known):
            raise ValueError("its first state must be constant")


def _run(
    node: Node,
    x: Any,
    weights: tuple[Float64s, Float64s, Float64s],
    direction: int,
    backwards: bool,
    first: list[Argument],
    event: int,
) -> list[Any]:
    """Return one direction's sequence and last states, for one event."""
    w, r, b = (_gates(v, node) for v in weights)
    half = len(b) // 2
    states = [None if v is None else numbers(constant(v, "state")) for v in first]
    start = [
        None if v is None else v[min(direction, len(v) - 1)][min(event, v.shape[1] - 1)]
        for v in states
    ]
    kinds: dict[str, Callable[..., Any]] = {"RNN": simple_rnn, "LSTM": lstm, "GRU": gru}
    options = _options(node, direction, backwards)
    given: dict[str, Any] = {"precision": node.precision, "state": start[0]}
    bias: Float64s = b[:half] + b[half:]
    if node.kind == "GRU":
        given["reset_after"] = bool(node.integer("linear_before_reset", 0))
        if given["reset_after"]:
            bias = np.stack([b[:half], b[half:]])
    if node.kind == "LSTM" and (start[0] is not None or start[1] is not None):
        zero = np.zeros(r.shape[1])
        given["state"] = tuple(zero if v is None else v for v in start)
    elif node.kind == "LSTM":
        given["state"] = None
    result, state = kinds[node.kind](x, Weights(w.T, r.T, bias), options, **given)
    result = np.flip(result, axis=0) if backwards else result
    return [result, *(state if isinstance(state, tuple) else (state,))]


def _gates(values: Float64s, node: Node) -> Float64s:
    """Return weights with the gates in the neutral order along the first axis."""
    order = _ORDER[node.kind]
    count = len(order) * (2 if values.ndim == 1 else 1)
    parts = np.split(values, count)
    chosen = [*order, *(len(order) + k for k in order)][:count]
    return np.concatenate([parts[k] for k in chosen])


def _options(node: Node, direction: int, backwards: bool) -> Options:
    default = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
    names = list(node.attributes.get("activations", default[node.kind] * 2))
    each = len(default[node.kind])
    own = names[direction * each : (direction + 1) * each]
    unknown = [name for name in own if name not in _ACTIVATIONS]
    if unknown or len(own) != each:
        raise ValueError(f"activations {names} are not supported; use {', '.join(_ACTIVATIONS)}")
    if node.kind == "LSTM" and own[1] != own[2]:
        raise ValueError("its two state activations differ")
    gate, state = (own[0], own[-1]) if each > 1 else (own[0], own[0])
    return Options(_ACTIVATIONS[state], _ACTIVATIONS[gate], backwards, return_sequences=True)
