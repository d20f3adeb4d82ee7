"""One thing to judge: a circuit or a program, input codes, and how it is to be compiled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hypothesis import strategies as st

from edgetrig.circuit import Circuit, IntArray, Op
from edgetrig.fuzz.circuits import random_circuits
from edgetrig.fuzz.programs import Program, random_programs
from edgetrig.fuzz.vectors import random_codes
from edgetrig.fuzz.votes import random_votes
from edgetrig.optimize import DELAYS
from edgetrig.verify import evaluate

Outputs = list[list[int]]


@dataclass(frozen=True)
class Trial:
    """What the judges see.

    Parameters
    ----------
    circuit
        A circuit, with or without registers.
    codes
        Input codes, shape (events, elements).
    family, clock_ns, latency
        The device family and the two pipelines to make of it.
    program
        Where the circuit was traced from, if it was.
    """

    circuit: Circuit
    codes: IntArray
    family: str = "UltraScale+"
    clock_ns: float = 5.0
    latency: int = 2
    program: Program | None = None

    @cached_property
    def expected(self) -> Outputs:
        """Output codes of every event: by NumPy for a program, else by the reference."""
        if self.program is not None:
            return self.program.expected(self.codes)
        return evaluate(str(self.circuit), self.codes.tolist())

    @property
    def combinational(self) -> bool:
        """Whether there are no registers, so that passes can run."""
        return not self.circuit.count(Op.REG)

    def of(self, circuit: Circuit, codes: IntArray) -> Trial:
        """Return the same question about another circuit."""
        return replace(self, circuit=circuit, codes=codes, program=None)


_EVENTS = 24
_KINDS = ("program", "circuit", "votes", "wide program", "wide", "registers")


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    """Draw programs and circuits, narrow and wide, with and without registers."""
    kind = draw(st.sampled_from(_KINDS))
    program = None
    if "program" in kind:
        program = draw(random_programs(wide="wide" in kind))
        circuit = program.circuit
    elif kind == "votes":
        circuit = draw(random_votes())
    else:
        circuit = draw(random_circuits(wide="wide" in kind, registers=kind == "registers"))
    return Trial(
        circuit,
        random_codes(circuit, _EVENTS, draw(st.integers(0, 99))),
        draw(st.sampled_from(sorted(DELAYS))),
        draw(st.sampled_from((5.0, 1.7, 2.5, 20.0))),
        draw(st.integers(1, 6)),
        program,
    )
