"""The proof of a design, step by step, and its report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgetrig.circuit import Circuit, IntArray
from edgetrig.errors import require
from edgetrig.printed import Printed
from edgetrig.progress import Progress, silent
from edgetrig.rtl import Block, ports
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.netlist import Netlist, read_netlist
from edgetrig.verify.proof.ranges import Ranges, prove_ranges
from edgetrig.verify.proof.rewrites import Rewrites, prove_rewrites
from edgetrig.verify.proof.rows import RowProofs, prove_rows
from edgetrig.verify.vectors import make_vectors

_STEPS = 4
_VECTORS = 64


@dataclass(frozen=True)
class Proof(Printed):
    """What was proved of a design, how, and what was only tested.

    Parameters
    ----------
    language, readers
        What the proved text is written in, and who read it, with their versions.
    outputs
        How each output element was proved equal to the traced circuit: ``"form"`` (the same exact
        normal form), ``"solver"``, ``"all inputs"`` (evaluated on every one); or ``"tested"``.
    ranges
        Rows whose interval was proved, by way.
    cells
        Rows whose hardware was proved, by operation.
    questions, remembered
        Questions about cells that the solver answered, and those answered in an earlier proof.
    registers, port_bits, latency
        Registers and bits of ports found where they belong; cycles from input to output.
    vectors
        Vectors on which the plain-Python reference compared both circuits as well.
    open
        What could not be proved, one line each.
    seconds
        Wall time by step.
    """

    language: str
    readers: dict[str, str]
    outputs: tuple[str, ...]
    ranges: dict[str, int]
    cells: dict[str, int]
    questions: int
    remembered: int
    registers: int
    port_bits: int
    latency: int
    vectors: int
    open: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing was left to tests."""
        return not self.open

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        return {**asdict(self), "complete": self.complete}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        ways = Counter(self.outputs)
        proved = len(self.outputs) - ways["tested"]
        readers = " and ".join(f"{name} {version}" for name, version in self.readers.items())
        lines = [
            f"proved: for every input, the {self.language} computes what was traced"
            if self.complete
            else "proved in part:",
            f"  traced = compiled circuit: {proved:,} of {len(self.outputs):,} outputs"
            + _listed({_OUTPUT_WAYS[way]: ways[way] for way in _OUTPUT_WAYS if ways[way]}),
            f"  intervals: {sum(self.ranges.values()):,} values"
            + _listed({_RANGE_WAYS[way]: count for way, count in self.ranges.items()}),
            f"  {self.language} read back by {readers}: {sum(self.cells.values()):,} operations"
            + _listed({op.lower(): count for op, count in self.cells.items()}),
            f"    by the solver: {self.questions:,} kinds now, {self.remembered:,} times known",
            f"  {self.registers:,} registers on one clock, every path {self.latency} cycles",
            f"  {self.port_bits:,} port bits in their places",
            f"  tested besides: traced = compiled in the reference on {self.vectors:,} vectors",
        ]
        lines += [f"  not proved: {line}" for line in self.open[:_SHOWN]]
        if len(self.open) > _SHOWN:
            lines.append(f"  not proved: {len(self.open) - _SHOWN:,} more")
        return "\n".join([*lines, f"  {sum(self.seconds.values()):.1f} s"]).splitlines()


_SHOWN = 10
_OUTPUT_WAYS = {
    "form": "by exact linear and normal forms",
    "solver": "by the solver between equal points",
    "all inputs": "by all inputs",
    "tested": "only tested",
}
_RANGE_WAYS = {
    "operation": "by the operation's rule",
    "linear form": "by linear forms",
    "solver": "by the solver",
}


def _listed(counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    return " (" + ", ".join(f"{count:,} {words}" for words, count in counts.items()) + ")"


def prove(
    circuit: Circuit,
    traced: Circuit,
    *,
    name: str = "trigger",
    language: str = "verilog",
    files: Mapping[str, str] | None = None,
    between: Sequence[Circuit] = (),
    seed: int = 0,
    seconds: float = 60.0,
    folder: Path | None = None,
    progress: Progress = silent,
) -> Proof:
    """Prove that a circuit's hardware text computes the traced circuit, for every input.

    Four steps: the intervals of both circuits hold; both circuits are one function, whatever passes
    and registers lie between; the registers are balanced; each operation's cells, as Yosys reads
    the text (VHDL: GHDL first), compute that operation. See ``docs/verify.md`` for what each rests
    on.

    Parameters
    ----------
    circuit
        The compiled circuit, with or without registers.
    traced
        The circuit before any pass.
    name
        Name of the top module.
    language
        Of the text: ``"verilog"`` or ``"vhdl"``.
    files
        Text instead of the circuit's own, by file name, the top's first: ``.v`` or ``.vhd``.
    between
        Circuits on the way from the traced one to the compiled one, of the same inputs. They are
        not trusted: values of theirs that are proved by the way make the rest provable.
    seed
        Of the vectors that are tested besides.
    seconds
        Processor time for the solver on rewritten operations, all in all.
    folder
        Where answers of the solver are kept; the user's cache folder if left out.
    progress
        Called with the steps done and their number.

    Raises
    ------
    VerificationError
        If something is wrong: names the row, port or output.
    ToolError
        If the solver or a reader is missing.
    """
    from edgetrig.verify.check import check_balance

    require("bitwuzla", "prove")
    memory = Memory(folder)
    times = {"start": time.perf_counter()}

    def done(step: str) -> None:
        times[step] = time.perf_counter()
        progress(len(times) - 1, _STEPS)

    progress(0, _STEPS)
    check_balance(circuit)
    ranges = prove_ranges(traced, memory), prove_ranges(circuit, memory)
    done("intervals")
    hints = [(hint, prove_ranges(hint, memory)) for hint in between]
    codes = _codes(circuit, name, seed)
    rewrites = prove_rewrites(traced, circuit, ranges, codes, seconds, hints)
    done("circuits")
    texts = Block.of(circuit, name, language).sources if files is None else files
    netlist = read_netlist(texts, Path(next(iter(texts))).stem)
    done("reading")
    rows = prove_rows(circuit, netlist, name, memory)
    memory.save()
    done("cells")
    return _proof(circuit, netlist, ranges, rewrites, rows, times)


def _codes(circuit: Circuit, name: str, seed: int) -> list[list[int]]:
    inputs, _ = ports(circuit, name)
    elements = sum(len(port.width) for port in inputs)
    nothing: IntArray = np.zeros((0, elements), np.int64)
    codes = make_vectors(inputs, nothing, _VECTORS, seed).codes.tolist()
    return [[int(value) for value in event] for event in codes]


def _proof(
    circuit: Circuit,
    netlist: Netlist,
    ranges: tuple[Ranges, Ranges],
    rewrites: Rewrites,
    rows: RowProofs,
    times: dict[str, float],
) -> Proof:
    left = [f"output {k}: only tested" for k, how in enumerate(rewrites.outputs) if how == "tested"]
    for which, proved in zip(("traced", "compiled"), ranges, strict=True):
        left += [f"row {row} of the {which} circuit: its interval" for row in proved.open]
    marks = list(times.values())
    return Proof(
        language=netlist.language,
        readers=netlist.readers,
        outputs=tuple(rewrites.outputs),
        ranges=dict(ranges[0].ways + ranges[1].ways),
        cells=dict(rows.proved),
        questions=rows.asked,
        remembered=rows.remembered,
        registers=rows.registers,
        port_bits=rows.port_bits,
        latency=circuit.latency,
        vectors=rewrites.vectors,
        open=(*left, *rows.open),
        seconds=dict(zip(list(times)[1:], np.diff(marks).tolist(), strict=True)),
    )
