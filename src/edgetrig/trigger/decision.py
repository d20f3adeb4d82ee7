"""Circuits that end in a score or in one accept bit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgetrig.circuit import Array, Circuit, origin, replay, trace
from edgetrig.errors import CircuitError


def score(circuit: Circuit, signal: int) -> Circuit:
    """Return a circuit whose one output, ``score``, ranks events by how signal-like they are.

    With several outputs (class scores, logits) it is the margin of the signal class over the best
    other one: what an argmax trigger cuts on at 0, and what a softmax in front would not reorder at
    that point. With one output, which scores class 1 against class 0, it is that output.

    Parameters
    ----------
    circuit
        A circuit with one output port.
    signal
        Index of the signal class in the flattened output; 1 if there is one output.

    Raises
    ------
    CircuitError
        If there are several output ports, or no such class.
    """

    def margin(outputs: Array) -> Array:
        if outputs.size == 1:
            return outputs[0]
        return outputs[signal] - np.max(_others(outputs, signal))  # type: ignore[no-any-return]

    return _ending_in("score", circuit, signal, margin)


def accept(circuit: Circuit, signal: int, threshold: float) -> Circuit:
    """Return a circuit whose one output bit, ``accept``, is 1 where ``score >= threshold``.

    The score itself is never formed: the signal class is compared with each other class.

    Parameters
    ----------
    circuit, signal
        As for `score`.
    threshold
        In the units of the outputs; taken exactly.

    Raises
    ------
    CircuitError
        If there are several output ports, no such class, or the threshold is not a finite number.
    """
    if not math.isfinite(threshold):
        raise CircuitError(f"a threshold of {threshold}: a finite number is needed")

    def decide(outputs: Array) -> Array:
        if outputs.size == 1:
            return outputs[0] >= threshold  # type: ignore[no-any-return]
        return np.all(outputs[signal] - threshold >= _others(outputs, signal))  # type: ignore[return-value]

    return _ending_in("accept", circuit, signal, decide)


def check_signal(signal: int, outputs: int) -> None:
    """Demand that outputs score a class: each its own, or a single one class 1 against class 0.

    Raises
    ------
    CircuitError
        If they do not.
    """
    if outputs == 1 and signal != 1:
        raise CircuitError(
            f"signal class {signal}: one output scores class 1 against class 0; use 1"
        )
    if outputs > 1 and not 0 <= signal < outputs:
        raise CircuitError(f"signal class {signal} does not exist; there are {outputs} outputs")


def _others(outputs: Array, signal: int) -> Array:
    return outputs[np.delete(np.arange(outputs.size), signal)]


def _ending_in(
    name: str, circuit: Circuit, signal: int, function: Callable[[Array], Array]
) -> Circuit:
    if len(circuit.outputs) != 1:
        names = ", ".join(port.name for port in circuit.outputs)
        raise CircuitError(f"a threshold needs one output port; this circuit has {names}")
    check_signal(signal, circuit.outputs[0].rows.size)

    def ended(*inputs: Array) -> dict[str, Array]:
        (outputs,) = replay(circuit, *inputs).values()
        with origin(name):
            return {name: function(outputs.ravel())}

    return trace(ended, *circuit.inputs)
