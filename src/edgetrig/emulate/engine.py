"""What every engine does: events in, results out, a stage at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.emulate.ports import Codes, Floats, Inputs, values

_STAGE_BYTES = 1 << 18
_STAGE_BLOCKS = 16


class Engine(Protocol):
    """Computes a circuit.

    Attributes
    ----------
    kind
        Type of codes: int64, or object for Python integers.
    stage
        Most events of one call.
    """

    kind: np.dtype[Any]
    stage: int

    def memory(self) -> Any:
        """Return what one thread works with."""

    def codes(self, memory: Any, given: Any, out: Codes, first: int) -> None:
        """Compute output codes, shape (events, outputs), of input codes, shape (events, inputs).

        `first` is the number of the first event, for errors.
        """

    def values(self, memory: Any, arrays: list[Any], results: list[Floats], first: int) -> None:
        """Compute results, shape (events, *port's), of arrays, one for each port in order."""


@dataclass(frozen=True)
class Stage:
    """What one thread of an engine by elements works with.

    `codes` and `results` have a line an element; `own` is the engine's.
    """

    codes: Codes
    results: Codes
    own: Any


class ElementEngine(ABC):
    """An engine that takes and makes codes one line an element.

    Parameters
    ----------
    circuit
        What it computes.
    inputs
        The circuit's input ports.
    kind
        Type of codes.
    block
        A stage is a multiple of this many events.
    """

    def __init__(self, circuit: Circuit, inputs: Inputs, kind: np.dtype[Any], block: int) -> None:
        self.circuit, self.kind = circuit, kind
        self._inputs = inputs
        self._outputs = len(circuit.output_rows)
        width = 8 * max(1, inputs.size + self._outputs)
        self.stage = min(max(1, _STAGE_BYTES // (width * block)), _STAGE_BLOCKS) * block

    def memory(self) -> Stage:
        """Return what one thread works with."""
        codes = np.empty((self._inputs.size, self.stage), self.kind)
        return Stage(codes, np.empty((self._outputs, self.stage), self.kind), self.own())

    def codes(self, memory: Stage, given: Any, out: Codes, first: int) -> None:
        """Compute output codes of input codes."""
        self._inputs.check(given, memory.codes, first)
        self.run(memory, len(out))
        out[:] = memory.results[:, : len(out)].T

    def values(self, memory: Stage, arrays: list[Any], results: list[Floats], first: int) -> None:
        """Compute results of arrays, one for each port in order."""
        self._inputs.quantize(arrays, memory.codes, first)
        count = len(arrays[0])
        self.run(memory, count)
        element = 0
        for output, result in zip(self.circuit.outputs, results, strict=True):
            codes = memory.results[element : element + output.rows.size, :count]
            result[:] = values(codes, output).T.reshape(count, *output.shape)
            element += output.rows.size

    def own(self) -> Any:
        """Return what else a thread needs."""
        return None

    @abstractmethod
    def run(self, stage: Stage, events: int) -> None:
        """Fill a stage's results for its first events."""


def aligned(size: int, alignment: int) -> NDArray[np.int8]:
    """Return zeroed bytes that start on a multiple of `alignment`."""
    raw = np.zeros(size + alignment, np.int8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size]
