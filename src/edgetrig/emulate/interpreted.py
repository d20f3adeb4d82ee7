"""The engines that need no code of a circuit's own: vector instructions, and Python integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.emulate import wide
from edgetrig.emulate.engine import ElementEngine, Stage, aligned
from edgetrig.emulate.kernels import VECTOR, run
from edgetrig.emulate.ports import Inputs
from edgetrig.emulate.program import make_program

_WIDE_BLOCK = 256


class Interpreter(ElementEngine):
    """Runs vector instructions over blocks of events.

    Parameters
    ----------
    circuit, inputs
        What it computes, and its input ports.
    block
        Events an instruction handles at a time.

    Raises
    ------
    CircuitError
        If the circuit cannot be held in memory.
    """

    def __init__(self, circuit: Circuit, inputs: Inputs, block: int) -> None:
        super().__init__(circuit, inputs, np.dtype(np.int64), block)
        self._program, self._block = make_program(circuit), block
        scale = np.array([1, block, block, block, block, block, 1, 1], np.int32)
        self._code = self._program.code * scale
        self._terms = self._program.terms * np.array([block, 1])
        self._loads = self._program.loads * np.array([1, 1, block])
        self._stores = self._program.stores * np.array([1, block])

    def own(self) -> NDArray[np.int8]:
        """Return fresh memory for one thread, with the constants in place."""
        size = self._program.bytes * self._block
        arena = aligned(size + -size % VECTOR, VECTOR)
        for lane, offset, value in self._program.constants:
            slot = arena.view(f"i{1 << lane}")[offset * self._block : (offset + 1) * self._block]
            slot[:] = np.int64(value).astype(slot.dtype)
        return arena

    def run(self, stage: Stage, events: int) -> None:
        """Fill a stage's results."""
        run(
            self._code,
            self._terms,
            stage.own,
            self._program.tables,
            self._loads,
            self._stores,
            self._block,
            events,
            stage.codes,
            stage.results,
        )


class WideEngine(ElementEngine):
    """The exact engine for any width: Python integers."""

    def __init__(self, circuit: Circuit, inputs: Inputs) -> None:
        super().__init__(circuit, inputs, np.dtype(object), _WIDE_BLOCK)

    def run(self, stage: Stage, events: int) -> None:
        """Fill a stage's results."""
        stage.results[:, :events] = wide.evaluate(self.circuit, stage.codes[:, :events])
