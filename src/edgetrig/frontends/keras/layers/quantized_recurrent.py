"""HGQ2's recurrent and spiking layers, step by step as the library computes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgetrig.frontends.joined import unstacked
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.activation import activation_name
from edgetrig.frontends.keras.layers.recurrent import options, returned
from edgetrig.frontends.layers.activation import apply
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.values import Value, exact, quantized

Step = Callable[[Any, Any], tuple[Any, Any]]
"""From an input and a state to a result and the next state."""


def simple_rnn(layer: Layer, x: Value) -> list[Value]:
    """HGQ2's ``QSimpleRNN``."""
    return _unrolled(layer, x, _simple_rnn_cell)


def gru(layer: Layer, x: Value) -> list[Value]:
    """HGQ2's ``QGRU``."""
    return _unrolled(layer, x, _gru_cell)


def spiking(layer: Layer, x: Value) -> list[Value]:
    """HGQ2's ``QSimpleSNN`` and ``QLIF``."""
    return _unrolled(layer, x, _spiking_cell)


def cells(layer: Layer, x: Value) -> list[Value]:
    """Keras' ``RNN`` around one of HGQ2's cells."""
    entry = layer.config["cell"]
    kinds = {
        "QSimpleRNNCell": _simple_rnn_cell,
        "QGRUCell": _gru_cell,
        "QSimpleSNNCell": _spiking_cell,
        "QLIFCell": _spiking_cell,
    }
    cell = kinds.get(str(entry["class_name"]))
    if cell is None or not str(entry.get("registered_name")).startswith(("hgq>", "hgq2>")):
        raise ValueError(f"a {entry['class_name']} inside is not supported; use its layer")
    return _unrolled(layer, x, cell, entry["config"])


def _unrolled(
    layer: Layer,
    x: Value,
    make: Callable[[Layer], tuple[Step, int]],
    config: Mapping[str, Any] | None = None,
) -> list[Value]:
    """Return the results of all steps, or of the last one, and the last state."""
    way = options(layer)
    step, units = make(layer.part("cell", layer.config if config is None else config))
    parts = unstacked(x)
    state: Any = np.zeros(units)
    results = []
    for part in parts[::-1] if way.go_backwards else parts:
        result, state = step(part, state)
        results.append(result)
    sequence = np.stack(results, axis=0) if way.return_sequences else results[-1]
    return returned(layer, sequence, [state])


def _simple_rnn_cell(cell: Layer) -> tuple[Step, int]:
    kernel = cell.quantized_weight(cell.weight(0), "kq")
    recurrent = cell.quantized_weight(cell.weight(1), "rkq")
    bias = cell.quantized_weight(cell.weight(2), "bq") if cell.config["use_bias"] else 0.0
    iq, sq, paq = (_quantizer(cell, place) for place in ("iq", "sq", "paq"))
    name = activation_name(cell)

    def step(x: Any, h: Any) -> tuple[Any, Any]:
        h = exact(quantized(h, sq))
        total = exact(quantized(x, iq)) @ kernel + bias + h @ recurrent
        result = exact(apply(name, exact(quantized(total, paq)), cell.precision))
        return result, result

    return step, kernel.shape[1]


def _gru_cell(cell: Layer) -> tuple[Step, int]:
    kernel = cell.quantized_weight(cell.weight(0), "kq")
    recurrent = cell.quantized_weight(cell.weight(1), "rkq")
    n = recurrent.shape[0]
    after = bool(cell.config["reset_after"])
    bias = np.zeros((2, 3 * n) if after else 3 * n)
    if cell.config["use_bias"]:
        bias = cell.quantized_weight(cell.weight(2), "bq")
    of_input, of_state = (bias[0], bias[1]) if after else (bias, np.zeros(3 * n))
    places = ("iq", "sq", "rhq", "praq", "paq")
    iq, sq, rhq, praq, paq = (_quantizer(cell, place) for place in places)
    gates, candidate = activation_name(cell, "recurrent_activation"), activation_name(cell)

    def step(x: Any, h: Any) -> tuple[Any, Any]:
        h = exact(quantized(h, sq))
        sums = exact(quantized(x, iq)) @ kernel + of_input
        past = h @ recurrent[:, : 2 * n] + of_state[: 2 * n]
        zr = exact(quantized(apply(gates, sums[: 2 * n] + past), praq))
        z, r = zr[:n], zr[n:]
        if after:
            inner = h @ recurrent[:, 2 * n :] + of_state[2 * n :]
            inner = r * exact(quantized(inner, rhq))
        else:
            inner = exact(quantized(r * h, rhq)) @ recurrent[:, 2 * n :]
        new = exact(quantized(apply(candidate, sums[2 * n :] + inner), paq))
        h = z * h + (1 - z) * new
        return h, h

    return step, n


def _spiking_cell(cell: Layer) -> tuple[Step, int]:
    """Return the leaky integrate-and-fire cell; without ``beta`` in its options it does not leak.

    HGQ2's surrogate gradient makes spikes of 1 up to a rounding error in float32; here they are 1.
    """
    units = int(cell.config["units"])
    grad = cell.config.get("spike_grad")
    if grad is not None and str(grad.get("class_name")) != "ATan":
        raise ValueError("its spike_grad is not HGQ2's own")
    names = ["threshold", "graded_spikes_factor"]
    if "beta" in cell.config:
        names.insert(0, "beta")
    order = sorted(names, key=lambda name: not cell.config.get(f"learn_{name}"))  # trained first
    values = {name: cell.weight(order.index(name)) for name in names}
    beta = np.ones(())
    if "beta" in values:
        beta = _weight(cell, "beta_q", values["beta"])
    factor = _weight(cell, "graded_spikes_factor_q", values["graded_spikes_factor"])
    threshold = values["threshold"].astype(np.float64)
    iq, sq, oq = (
        _quantizer(cell, place) if cell.config.get(f"enable_{place}", True) else None
        for place in ("iq", "sq", "oq")
    )
    reset = cell.config["reset_mechanism"]

    def step(x: Any, state: Any) -> tuple[Any, Any]:
        potential = beta * state + exact(quantized(x, iq))
        spike = np.where(potential > threshold, 1.0, 0.0)
        if cell.config["inhibition"]:
            best = np.argmax(potential - threshold, axis=0)
            spike = np.where(np.arange(units) == best, spike, 0.0)
        if reset == "subtract":
            potential = potential - spike * threshold
        elif reset == "zero":
            potential = np.where(spike > 0, 0.0, potential)
        return exact(quantized(spike * factor, oq)), exact(quantized(potential, sq))

    return step, units


def _quantizer(cell: Layer, place: str) -> Quantizer | None:
    return cell.quantizer(place, switched=False)


def _weight(cell: Layer, place: str, values: Any) -> Any:
    quantizer = cell.quantizer(place, events=False)
    return values.astype(np.float64) if quantizer is None else quantizer.weights(values)
