"""Hardware, emulator and reference on the same vectors: every output bit, at the stated cycle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, IntArray, Op
from edgetrig.errors import CircuitError, DataError, VerificationError
from edgetrig.jit import jit
from edgetrig.printed import Printed
from edgetrig.progress import Progress, silent
from edgetrig.rtl import Port, ports
from edgetrig.verify.proof import Proof
from edgetrig.verify.reference import evaluate
from edgetrig.verify.simulation import simulate, versions
from edgetrig.verify.vectors import Vectors, make_vectors

_STEPS = ("simulation", "emulator", "reference")
_REFERENCE_EVENTS = 2_000
_REFERENCE_ROWS = 20_000_000  # row evaluations: some five seconds of plain Python


@dataclass(frozen=True)
class Verification(Printed):
    """What was compared, and that it agreed (a disagreement raises instead).

    Parameters
    ----------
    real, corner, random
        Vectors of each kind that simulation and emulator agreed on, bit by bit.
    reference
        How many of them the plain-Python reference evaluated too.
    outputs, bits
        Output elements and output bits compared for each vector.
    latency
        Clock cycles from input to output, at which the simulation was read.
    rows
        Operations of the circuit.
    seconds
        Wall time by step.
    tools
        Versions of the simulator and the compiler.
    proof
        What was proved besides, if that was asked for.
    """

    real: int
    corner: int
    random: int
    reference: int
    outputs: int
    bits: int
    latency: int
    rows: int
    seconds: dict[str, float]
    tools: dict[str, str]
    proof: Proof | None = None

    @property
    def vectors(self) -> int:
        """Vectors of all kinds."""
        return self.real + self.corner + self.random

    @property
    def passed(self) -> bool:
        """True: a circuit that fails has no `Verification`."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        proof = self.proof.to_dict() if self.proof is not None else None
        made = {"vectors": self.vectors, "passed": self.passed, "proof": proof}
        return {**asdict(self), **made}

    def __str__(self) -> str:
        tools = ", ".join(f"{name} {version}" for name, version in self.tools.items())
        cycles = "1 cycle" if self.latency == 1 else f"{self.latency} cycles"
        when = cycles if self.latency else "combinational"
        bits = "1 output bit" if self.bits == 1 else f"{self.bits:,} output bits"
        return (
            f"verified: {self.vectors:,} vectors, {bits} each, {when}\n"
            f"  {self.real:,} real events, {self.corner:,} corners, {self.random:,} random\n"
            f"  simulation = emulator on all, = plain-Python reference on {self.reference:,}\n"
            f"  {sum(self.seconds.values()):.1f} s with {tools}"
            + (f"\n{self.proof}" if self.proof is not None else "")
        )


def verify(
    circuit: Circuit,
    emulate: Callable[[IntArray], IntArray],
    *,
    source: Circuit | None = None,
    events: IntArray | None = None,
    vectors: int = 10_000,
    seed: int = 0,
    name: str = "trigger",
    simulator: str = "verilator",
    progress: Progress = silent,
) -> Verification:
    """Demand that a circuit's hardware, its emulator and the reference agree on every output bit.

    Parameters
    ----------
    circuit
        The circuit, with or without registers.
    emulate
        From input codes, shape (events, input elements), to output codes, shape (events, output
        elements), both in port order.
    source
        The circuit that `circuit` was made from by passes: the reference then evaluates it too, so
        that a pass that went wrong is caught here as well.
    events
        Input codes of real events, of the same shape; all of them are used.
    vectors
        Least number of vectors: corner cases and random codes fill up what `events` leaves.
    seed
        Of the random codes and of the registers' first contents.
    name
        Name of the top module.
    simulator
        One of `SIMULATORS`; GHDL and nvc are given VHDL, the others Verilog.
    progress
        Called with the steps done and their number.

    Raises
    ------
    VerificationError
        With the first event and output where two disagree, or the output whose paths have unequal
        numbers of registers.
    ToolError
        If the simulator is missing or fails.
    DataError
        If `events` do not fit the input ports.
    """
    inputs, outputs = ports(circuit, name)
    check_balance(circuit)
    chosen = make_vectors(inputs, _events(events, inputs), vectors, seed)
    times = [time.perf_counter()]
    progress(0, len(_STEPS))

    def done() -> None:
        times.append(time.perf_counter())
        progress(len(times) - 1, len(_STEPS))

    simulated = simulate(circuit, chosen.codes, name=name, seed=seed, simulator=simulator)
    done()
    emulated = np.asarray(emulate(chosen.codes))
    done()
    _compare(chosen, outputs, simulated, emulated, circuit, ("simulation", "emulator"))
    judged = [circuit] if source is None else [source, circuit]
    sample = reference_sample(chosen, sum(map(len, judged)))
    for judge in judged:
        expected = _reference(judge, chosen.codes[sample])
        _compare(chosen, outputs, simulated, expected, circuit, ("simulation", "reference"), sample)
    done()
    return Verification(
        real=chosen.counts["real"],
        corner=chosen.counts["corner"],
        random=chosen.counts["random"],
        reference=len(sample),
        outputs=sum(len(port.width) for port in outputs),
        bits=sum(port.bits for port in outputs),
        latency=circuit.latency,
        rows=len(circuit),
        seconds=dict(zip(_STEPS, np.diff(times).tolist(), strict=True)),
        tools=versions(simulator),
    )


def _events(events: IntArray | None, inputs: list[Port]) -> IntArray:
    elements = sum(len(port.width) for port in inputs)
    if events is None:
        return np.zeros((0, elements), np.int64)
    codes = np.asarray(events)
    if codes.ndim != 2 or codes.shape[1] != elements or codes.dtype.kind not in "iuO":
        raise DataError(
            f"events of shape (events, {elements}) and integer type are needed, "
            f"not {codes.dtype} of shape {codes.shape}"
        )
    return codes


def reference_sample(vectors: Vectors, rows: int) -> NDArray[np.int64]:
    """Return which vectors the slow reference sees: evenly spread over all kinds."""
    count = min(len(vectors.codes), _REFERENCE_EVENTS, max(10, _REFERENCE_ROWS // max(rows, 1)))
    return np.unique(np.linspace(0, len(vectors.codes) - 1, count).astype(np.int64))


def _reference(circuit: Circuit, codes: IntArray) -> IntArray:
    try:
        values = evaluate(str(_plainly_named(circuit)), codes.tolist(), check_intervals=True)
    except CircuitError as error:
        raise VerificationError(f"reference: {error}") from error
    return np.array(values, object).reshape(len(codes), len(circuit.output_rows))


def _plainly_named(circuit: Circuit) -> Circuit:
    """Return the circuit with names that cannot break a line of its printed form."""
    inputs = tuple(replace(port, name=f"x{k}") for k, port in enumerate(circuit.inputs))
    outputs = tuple(replace(port, name=f"y{k}") for k, port in enumerate(circuit.outputs))
    origins = tuple(str(k) for k in range(len(circuit.origins)))
    return circuit.replace(inputs=inputs, outputs=outputs, origins=origins)


def _compare(
    vectors: Vectors,
    outputs: list[Port],
    got: IntArray,
    expected: IntArray,
    circuit: Circuit,
    names: tuple[str, str],
    sample: NDArray[np.int64] | None = None,
) -> None:
    """Raise with the first difference."""
    chosen = np.arange(len(vectors.codes)) if sample is None else sample
    if expected.shape != (len(chosen), got.shape[1]):
        raise VerificationError(
            f"the {names[1]} gives shape {expected.shape}, {(len(chosen), got.shape[1])} is needed"
        )
    wrong = np.argwhere(np.asarray(got[chosen] != expected, np.bool_))
    if not len(wrong):
        return
    position, element = (int(v) for v in wrong[0])
    event = int(chosen[position])
    raise VerificationError(
        f"event {event} ({vectors.kind(event)}), output {_element(outputs, element)}: "
        f"{names[0]} gives {got[event, element]}, {names[1]} {expected[position, element]}, "
        f"at latency {circuit.latency} ({len(wrong)} values differ in all)"
    )


def _element(outputs: list[Port], element: int) -> str:
    for port in outputs:
        if element < len(port.width):
            return port.element(element)
        element -= len(port.width)
    return str(element)


def check_balance(circuit: Circuit) -> None:
    """Demand that every path from an input to an output has `Circuit.latency` registers.

    Raises
    ------
    VerificationError
        With the first output that mixes clock cycles.
    """
    rows = circuit.rows
    constant = np.asarray(rows.lo == rows.hi, np.bool_)
    least, most = _register_range(rows.operands, rows.op == Op.REG, constant)
    _, outputs = ports(circuit)
    for element, row in enumerate(circuit.output_rows.tolist()):
        if not constant[row] and not least[row] == most[row] == circuit.latency:
            raise VerificationError(
                f"output {_element(outputs, element)}: paths of {least[row]} to {most[row]} "
                f"registers where the latency is {circuit.latency} cycles"
            )


@jit
def _register_range(
    operands: NDArray[np.int32], register: NDArray[np.bool_], constant: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the fewest and the most registers on a path to each row; constants have no time."""
    least = np.zeros(len(operands), np.int64)
    most = np.zeros(len(operands), np.int64)
    for row in range(len(operands)):
        low, high = 1 << 40, -1
        for k in range(3):
            operand = operands[row, k]
            if operand >= 0 and not constant[operand]:
                low = min(low, least[operand])
                high = max(high, most[operand])
        if high < 0:
            low, high = 0, 0
        least[row] = low + register[row]
        most[row] = high + register[row]
    return least, most
