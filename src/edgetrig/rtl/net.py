"""A circuit prepared for printing: names, bits, stages, which no language changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, live_rows, use_counts
from edgetrig.rtl.expressions import Bits, Literal, Operand, PortBits
from edgetrig.rtl.ports import Port, ports


@dataclass
class Net:
    """What the printers look up row by row, as plain Python lists."""

    circuit: Circuit
    top: str
    inputs: list[Port]
    outputs: list[Port]
    live: list[int]
    depth: list[int]
    op: list[int]
    a: list[int]
    b: list[int]
    c: list[int]
    p: list[int]
    lo: list[int]
    hi: list[int]
    width: list[int]
    input_bits: list[PortBits] = field(default_factory=list)

    @classmethod
    def of(cls, circuit: Circuit, top: str) -> Net:
        """Prepare a circuit for printing as module `top`."""
        rows = circuit.rows
        live = live_rows(rows.operands, circuit.output_rows)
        inputs, outputs = ports(circuit, top)
        columns = (rows.op, rows.a, rows.b, rows.c, rows.p, rows.lo, rows.hi, circuit.widths)
        net = cls(
            circuit,
            top,
            inputs,
            outputs,
            np.flatnonzero(live).tolist(),
            circuit.cycle.tolist(),
            *(column.tolist() for column in columns),
        )
        for port in inputs:
            for k in range(len(port.width)):
                lsb, width = int(port.lsb[k]), int(port.width[k])
                net.input_bits.append(PortBits(port.identifier, port.bits, lsb, width))
        return net

    def constant(self, row: int) -> bool:
        """Return whether the row has one value only and is therefore written as a literal."""
        return self.lo[row] == self.hi[row]

    @cached_property
    def reads(self) -> list[int]:
        """How often each row is read, by live rows and as an output."""
        operands = np.full_like(self.circuit.rows.operands, -1)
        operands[self.live] = self.circuit.rows.operands[self.live]
        counts: list[int] = use_counts(operands, self.circuit.output_rows).tolist()
        return counts

    @cached_property
    def registers(self) -> list[int]:
        """Live REG rows that are hardware."""
        return [r for r in self.live if self.op[r] == Op.REG and not self.constant(r)]

    @cached_property
    def logic(self) -> list[int]:
        """Live rows that are neither registers nor literals."""
        return [r for r in self.live if self.op[r] != Op.REG and not self.constant(r)]

    @property
    def latency(self) -> int:
        """Clock cycles from input to output; 0 also where no register is hardware."""
        return self.circuit.latency if self.registers else 0

    def name(self, row: int) -> str:
        """Return the signal of a row."""
        return f"r{row}" if self.op[row] == Op.REG else f"v{row}"

    def operands(self, row: int) -> list[int]:
        """Rows read by a row, literals left out."""
        read = (self.a[row], self.b[row], self.c[row])[: OPERANDS[self.op[row]]]
        return [r for r in read if not self.constant(r)]

    def bits(self, row: int, lsb: int, count: int) -> Operand:
        """Return bits ``lsb .. lsb + count - 1`` of a row's infinite two's complement."""
        if self.constant(row):
            return Literal(self.lo[row] >> lsb, count)
        width, signed = self.width[row], self.lo[row] < 0
        if lsb >= width and not signed:
            return Literal(0, count)
        return Bits(self.name(row), width, signed, lsb, count)

    def output_bits(self) -> list[tuple[PortBits, Operand]]:
        """Return every element of the output ports that has bits, with its value."""
        pairs = []
        for port, output in zip(self.outputs, self.circuit.outputs, strict=True):
            for k, row in enumerate(output.rows.ravel().tolist()):
                width = int(port.width[k])
                if width:
                    target = PortBits(port.identifier, port.bits, int(port.lsb[k]), width)
                    pairs.append((target, self.bits(row, 0, width)))
        return pairs

    @cached_property
    def register_levels(self) -> list[tuple[int, list[int]]]:
        """The registers by their level, in order."""
        levels: dict[int, list[int]] = {}
        for row in self.registers:
            levels.setdefault(self.depth[row], []).append(row)
        return sorted(levels.items())

    @cached_property
    def stages(self) -> list[Stage]:
        """The logic of a circuit with registers, level by level."""
        by_level: dict[int, list[int]] = {}
        for row in self.logic:
            by_level.setdefault(self.depth[row], []).append(row)
        used = set(self.circuit.output_rows.tolist())
        for row in self.registers:
            used.update(self.operands(row))
        for row in self.logic:
            used.update(r for r in self.operands(row) if self.depth[r] != self.depth[row])
        return [self._stage(level, by_level[level], used) for level in sorted(by_level)]

    def _stage(self, level: int, rows: list[int], used: set[int]) -> Stage:
        reads = {r for row in rows for r in self.operands(row)} - set(rows)
        names = {self.input_bits[self.p[row]].name for row in rows if self.op[row] == Op.INPUT}
        read_ports = [port for port in self.inputs if port.identifier in names and port.bits]
        drives = [row for row in rows if row in used]
        module = f"{self.top}_stage{level}"
        return Stage(module, level, rows, sorted(reads), read_ports, drives)


@dataclass
class Stage:
    """The logic between two register levels.

    Parameters
    ----------
    module, level
        Its name, and how many registers are in front of it.
    rows
        The rows it computes.
    reads, ports
        What it takes in: rows of other stages and registers, and ports of the circuit.
    drives
        Those of its rows that it hands out.
    """

    module: str
    level: int
    rows: list[int]
    reads: list[int]
    ports: list[Port]
    drives: list[int]

    @property
    def words(self) -> str:
        """Where it stands, in words."""
        before = f"after register level {self.level}" if self.level else "from the inputs"
        return f"stage {self.level}: the logic {before}."
