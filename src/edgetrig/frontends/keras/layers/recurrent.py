"""Keras' recurrent layers and wrappers; HGQ2's are in `quantized_recurrent`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.frontends.joined import joined, unstacked
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activation_name
from edgetrig.frontends.layers import recurrent as neutral
from edgetrig.frontends.values import Value, exact


def simple_rnn(layer: Layer, x: Value, *states: Value, initial_state: Any = None) -> list[Value]:
    """Keras' ``SimpleRNN``."""
    first = _states(states, initial_state, 1)
    result, last = neutral.simple_rnn(
        exact(x), _weights(layer), options(layer), first and first[0], layer.precision
    )
    return returned(layer, result, [last])


def lstm(layer: Layer, x: Value, *states: Value, initial_state: Any = None) -> list[Value]:
    """Keras' ``LSTM``."""
    first = _states(states, initial_state, 2)
    pair = None if first is None else (first[0], first[1])
    result, last = neutral.lstm(exact(x), _weights(layer), options(layer), pair, layer.precision)
    return returned(layer, result, last)


def gru(layer: Layer, x: Value, *states: Value, initial_state: Any = None) -> list[Value]:
    """Keras' ``GRU``."""
    first = _states(states, initial_state, 1)
    result, last = neutral.gru(
        exact(x),
        _weights(layer),
        options(layer),
        first and first[0],
        bool(layer.config["reset_after"]),
        layer.precision,
    )
    return returned(layer, result, [last])


def returned(layer: Layer, result: Any, states: Sequence[Any]) -> list[Value]:
    """Return the result, and the last states if the layer returns them."""
    return [result, *states] if layer.config.get("return_state") else [result]


def options(layer: Layer) -> neutral.Options:
    """Return how a layer runs through its steps."""
    if layer.config.get("stateful"):
        raise ValueError("stateful=True keeps a state between events; build it with stateful=False")
    return neutral.Options(
        activation_name(layer),
        activation_name(layer, "recurrent_activation"),
        bool(layer.config["go_backwards"]),
        bool(layer.config["return_sequences"]),
    )


def _weights(layer: Layer) -> neutral.Weights:
    cell = layer.part("cell", layer.config)
    bias = cell.weight(2) if layer.config["use_bias"] else None
    return neutral.Weights(cell.weight(0), cell.weight(1), bias)


def _states(given: Sequence[Value], keyword: Any, count: int) -> list[Any] | None:
    states = list(given)
    if keyword is not None:
        states += keyword if isinstance(keyword, list) else [keyword]
    if states and len(states) != count:
        raise ValueError(f"takes {count} first states, {len(states)} are given")
    return [exact(state) for state in states] or None


DIRECTIONS: Final[dict[str, Callable[..., list[Value]]]] = {
    "SimpleRNN": simple_rnn,
    "LSTM": lstm,
    "GRU": gru,
}
"""Layers that `bidirectional` may run both ways."""


def bidirectional(layer: Layer, x: Value, *states: Value, initial_state: Any = None) -> list[Value]:
    """Keras' ``Bidirectional``."""
    entry = layer.config["layer"]
    run = DIRECTIONS.get(str(entry["class_name"]))
    if run is None:
        raise ValueError(f"a {entry['class_name']} inside is not supported")
    given = [*states, *(initial_state or [])]
    half = len(given) // 2
    backward = dict(layer.config.get("backward_layer") or entry)
    if not layer.config.get("backward_layer"):
        way = not entry["config"]["go_backwards"]
        backward["config"] = dict(entry["config"]) | {"go_backwards": way}
    ahead = layer.inside(entry, "forward_layer")
    back = layer.inside(backward, "backward_layer")
    first, *first_states = run(ahead, x, *given[:half])
    second, *second_states = run(back, x, *given[half:])
    sequences = bool(ahead.config["return_sequences"])
    merged = neutral.bidirectional(first, second, layer.config["merge_mode"], sequences)
    results = list(merged) if isinstance(merged, tuple) else [merged]
    return [*results, *first_states, *second_states]


def time_distributed(layer: Layer, x: Value) -> Value:
    """Keras' ``TimeDistributed`` of a layer of Keras or HGQ2."""
    from edgetrig.frontends.keras.layers import applied  # all handlers, this one among them

    return each_step(layer, x, applied)


def each_step(layer: Layer, x: Value, applied: Callable[[Layer, Value], Value]) -> Value:
    """Return the layer inside applied to every step; role "step" of the precision."""
    inner = layer.inside(layer.config["layer"], "layer")
    steps = [layer.precision.inner(applied(inner, part), "step") for part in unstacked(x)]
    return joined(lambda *arrays: np.stack(arrays, axis=0), steps)
