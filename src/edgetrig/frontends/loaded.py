"""What every reader returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgetrig.circuit import Circuit


@dataclass(frozen=True)
class Loaded:
    """A model as a circuit.

    Parameters
    ----------
    circuit
        Computes what the model computes, exactly.
    name
        Name of the model.
    dropped
        Activation left out of the hardware, by output: ``{"dense_3": "softmax"}`` says that the
        circuit's output ``dense_3`` carries logits. Ranking and thresholds are unaffected.
    notes
        One line each on what a user may want to change.
    """

    circuit: Circuit
    name: str
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
