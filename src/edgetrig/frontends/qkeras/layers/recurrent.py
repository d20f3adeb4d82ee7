"""QKeras' recurrent layers, unrolled: the state is quantised on its way into the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.layers.inner import rounded
from edgetrig.frontends.layers.recurrent import bidirectional as merged
from edgetrig.frontends.qkeras.activations import applied
from edgetrig.frontends.qkeras.layers.parts import activated, quantizer, weights
from edgetrig.frontends.values import Value, exact

Weights = NDArray[np.float64]


def recurrent(layer: Layer, x: Value) -> Value:
    """``QSimpleRNN``, ``QLSTM`` and ``QGRU``."""
    x, cell = exact(x), layer.part("cell", layer.config)
    units = int(layer.config["units"])
    step, gates, states = _CELLS[layer.kind]
    if layer.config.get("time_major"):
        raise ValueError("time_major=True is not supported; bring events to the front")
    kernel = weights(
        layer, cell.weight(0, (x.shape[-1], gates * units)), "kernel_quantizer", "kernel"
    )
    inner = weights(
        layer, cell.weight(1, (units, gates * units)), "recurrent_quantizer", "recurrent"
    )
    bias: Any = np.zeros(gates * units)
    if layer.config.get("use_bias", True):
        bias = weights(layer, cell.weight(2), "bias_quantizer", "bias").values
    before, after = (bias[0], bias[1]) if bias.ndim == 2 else (bias, np.zeros(gates * units))
    sums = x @ kernel.values + before
    state: tuple[Any, ...] = (np.zeros(units),) * states
    results = []
    order = range(x.shape[0])
    for number in reversed(order) if layer.config.get("go_backwards") else order:
        known = tuple(_state(layer, part) for part in state)
        state = step(layer, sums[number], known, inner.values, after)
        results.append(state[0])
    whole = bool(layer.config.get("return_sequences"))
    result = np.stack(results, axis=0) if whole else results[-1]
    return [result, *state] if layer.config.get("return_state") else result


def bidirectional(layer: Layer, x: Value) -> Value:
    """``QBidirectional``: one layer forwards, one backwards, and their results merged."""
    forward = layer.inside(layer.config["layer"], "forward_layer")
    given = layer.config.get("backward_layer")
    if given is None:
        config = layer.config["layer"]["config"]
        turned = {**config, "go_backwards": not config.get("go_backwards")}
        given = {**layer.config["layer"], "config": turned}
    backward = layer.inside(given, "backward_layer")
    for one in (forward, backward):
        if one.kind not in _CELLS or one.config.get("return_state"):
            raise ValueError(f"a {one.kind} in it is not supported; use one of {', '.join(_CELLS)}")
    whole = bool(forward.config.get("return_sequences"))
    results = (recurrent(forward, x), recurrent(backward, x))
    return merged(*results, layer.config.get("merge_mode", "concat"), whole)


def _state(layer: Layer, x: Any) -> Any:
    description = quantizer(layer, "state_quantizer")
    return x if description is None else applied(description, x)


def _gate(layer: Layer, x: Any) -> Any:
    value = activated(layer, layer.precision.inner(x, "linear"), "recurrent_activation")
    return rounded(value, "gate", layer.precision)


def _curve(layer: Layer, x: Any, role: str) -> Any:
    value = activated(layer, layer.precision.inner(x, "linear"))
    return rounded(value, role, layer.precision)


def _simple(
    layer: Layer, x: Any, state: tuple[Any, ...], inner: Weights, bias: Weights
) -> tuple[Any, ...]:
    return (_curve(layer, x + state[0] @ inner, "state"),)


def _lstm(
    layer: Layer, x: Any, state: tuple[Any, ...], inner: Weights, bias: Weights
) -> tuple[Any, ...]:
    h, c = state
    i, f, g, o = np.split(x + h @ inner, 4)
    c = _gate(layer, f) * c + _gate(layer, i) * _curve(layer, g, "candidate")
    c = layer.precision.inner(c, "cell")
    return layer.precision.inner(_gate(layer, o) * _curve(layer, c, "curve"), "state"), c


def _gru(
    layer: Layer, x: Any, state: tuple[Any, ...], inner: Weights, bias: Weights
) -> tuple[Any, ...]:
    (h,) = state
    units = h.shape[0]
    gates = x[: 2 * units] + (h @ inner[:, : 2 * units] + bias[: 2 * units])
    z, r = (_gate(layer, part) for part in np.split(gates, 2))
    if layer.config.get("reset_after"):
        past = r * (h @ inner[:, 2 * units :] + bias[2 * units :])
    else:
        past = (r * h) @ inner[:, 2 * units :]
    g = _curve(layer, x[2 * units :] + past, "candidate")
    return (layer.precision.inner(z * h + (1 - z) * g, "state"),)


_CELLS: Final[dict[str, tuple[Callable[..., tuple[Any, ...]], int, int]]] = {
    "QSimpleRNN": (_simple, 1, 1),
    "QLSTM": (_lstm, 4, 2),
    "QGRU": (_gru, 3, 1),
}
"""A step, how many gates it has, and how many states."""
