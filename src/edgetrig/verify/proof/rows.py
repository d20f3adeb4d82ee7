"""One operation, one piece of logic: every row of a circuit against its hardware's netlist.

By induction over the rows: if the signals of a row's operands carry their values, so does the row's
own signal. The step is proved for each row by itself, from the operation's meaning over unbounded
integers and the cells that were read. Rows of the same operation on the same kinds of operands
through the same cells are one question.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Op, live_rows
from edgetrig.errors import VerificationError
from edgetrig.rtl import ports
from edgetrig.verify.proof.cells import Logic, describe
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.netlist import Bit, Netlist
from edgetrig.verify.proof.words import Word, Words

_SECONDS = 20.0
_PLACES = 20  # what a reader left out has bits of negative numbers, a million a row


@dataclass
class RowProofs:
    """What was proved of the rows: by operation, in how many questions; and what was not, why."""

    proved: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    remembered: int = 0
    registers: int = 0
    port_bits: int = 0
    open: list[str] = field(default_factory=list)


def prove_rows(circuit: Circuit, netlist: Netlist, name: str, memory: Memory) -> RowProofs:
    """Prove every row, register and port of a circuit in the netlist of its hardware text.

    Raises
    ------
    VerificationError
        At the first row whose logic is wrong.
    """
    return _Prover(circuit, netlist, name, memory).run()


class _Prover:
    def __init__(self, circuit: Circuit, netlist: Netlist, name: str, memory: Memory) -> None:
        self.circuit, self.netlist, self.name, self.memory = circuit, netlist, name, memory
        self.words = Words()
        self.result = RowProofs()
        rows = circuit.rows
        columns = (rows.op, rows.a, rows.b, rows.c, rows.p, rows.lo, rows.hi, circuit.widths)
        self.op, self.a, self.b, self.c, self.p, self.lo, self.hi, self.width = (
            column.tolist() for column in columns
        )
        self.zeros: dict[int, int] = {}
        self.live = np.flatnonzero(live_rows(rows.operands, circuit.output_rows)).tolist()

    def run(self) -> RowProofs:
        self._inputs()
        for row in self.live:
            self.zeros[row] = self._low_zeros(row)
            if self._constant(row) or self.op[row] == Op.INPUT:
                continue
            if self._signal(row) is not None:
                self._row(row)
        self._outputs()
        return self.result

    def _constant(self, row: int) -> bool:
        return bool(self.lo[row] == self.hi[row])

    def _operands(self, row: int) -> list[int]:
        return [self.a[row], self.b[row], self.c[row]][: OPERANDS[self.op[row]]]

    def _low_zeros(self, row: int) -> int:
        """Return how many low bits of a row are 0 in every event, by its shifts."""
        if self._constant(row):
            value = int(self.lo[row])
            return (value & -value).bit_length() - 1 if value else 1 << 20
        op, inner = Op(self.op[row]), [self.zeros[k] for k in self._operands(row)]
        p = int(self.p[row])
        if op == Op.SHL:
            return inner[0] + p
        if op in (Op.ADD, Op.SUB):
            return min(inner[0] + max(-p, 0), inner[1] + max(p, 0))
        if op in (Op.NEG, Op.REG, Op.ADD3):
            return min(inner)
        return 0

    def _bits(self, row: int) -> list[Bit]:
        """Return the signal of a row; a constant has none and is its bits."""
        width = self.width[row]
        if self._constant(row):
            return [str(self.lo[row] >> k & 1) for k in range(width)]
        bits = self._signal(row)
        if bits is None:  # a reader left it out: nothing depends on it, and it may be anything
            return [-(row << _PLACES) - k for k in range(1, width + 1)]
        if len(bits) != width:
            raise VerificationError(f"row {row}: {len(bits)} bits in the hardware, {width} needed")
        return bits

    def _signal(self, row: int) -> list[Bit] | None:
        return self.netlist.signal(f"{'r' if self.op[row] == Op.REG else 'v'}{row}")

    def _extended(self, row: int, width: int) -> list[Bit]:
        bits = self._bits(row)
        fill: Bit = bits[-1] if bits and self.lo[row] < 0 else "0"
        return (bits + [fill] * (width - len(bits)))[:width]

    # ---- ports ----------------------------------------------------------------------------------

    def _inputs(self) -> None:
        """Check that elements lie packed in their ports, the first in the lowest bits."""
        layout, _ = ports(self.circuit, self.name)
        by_element: dict[int, list[int]] = {}
        for row in self.live:
            if self.op[row] == Op.INPUT and not self._constant(row):
                by_element.setdefault(self.p[row], []).append(row)
        element = 0
        for port in layout:
            bits = self.netlist.ports.get(port.identifier, [])
            at = 0
            for k in range(len(port.width)):
                width = int(port.width[k])
                for row in by_element.get(element, []):
                    if self._signal(row) is not None:
                        self._same_bits(
                            self._bits(row), bits[at : at + width], f"input {port.name}"
                        )
                at, element = at + width, element + 1
            if at != len(bits):
                raise VerificationError(f"input {port.name}: {len(bits)} bits where {at} are used")

    def _outputs(self) -> None:
        _, layout = ports(self.circuit, self.name)
        for port, output in zip(layout, self.circuit.outputs, strict=True):
            bits = self.netlist.ports.get(port.identifier, [])
            at = 0
            for k, row in enumerate(output.rows.ravel().tolist()):
                width = self.width[row]
                what = f"output {port.element(k)}"
                self._same_bits(bits[at : at + width], self._extended(row, width), what)
                at += width
            if at != len(bits):
                raise VerificationError(f"output {port.name}: {len(bits)} bits, {at} are used")

    def _same_bits(self, got: list[Bit], wanted: list[Bit], what: str) -> None:
        if got != wanted:
            raise VerificationError(f"{what}: the hardware connects other bits than its own")
        self.result.port_bits += len(got)

    # ---- rows -----------------------------------------------------------------------------------

    def _row(self, row: int) -> None:
        op, bits = Op(self.op[row]), self._bits(row)
        if op == Op.REG:
            bits = self._before_edge(row, bits)
            self.result.registers += 1
        kind = self._kind(row)
        try:
            text = describe(self.netlist, bits, self._labels(row).get)
        except RecursionError as error:
            raise VerificationError(
                f"row {row} ({op.name.lower()}): its logic goes on far behind its operands"
            ) from error
        for given in (True,) if op == Op.TABLE else (False, True):
            ends = [(self.lo[k], self.hi[k]) for k in self._operands(row)] if given else []
            key = hashlib.sha256(f"{kind}\n{ends}\n{text}".encode()).hexdigest()
            known = self.memory.get(key)
            if known is None:
                known = self._asked(row, bits, given)
                self.result.asked += 1
                self.memory.put(key, known)
            else:
                self.result.remembered += 1
            if known == "proved":
                self.result.proved[op.name] += 1
                return
        if known == "wrong":
            raise VerificationError(
                f"row {row} ({op.name.lower()}): its hardware computes something else"
            )
        self.result.open.append(f"row {row} ({op.name.lower()}): no answer in {_SECONDS:g} s")

    def _before_edge(self, row: int, bits: list[Bit]) -> list[Bit]:
        """Return what a register's flip-flops take over at the rising edge of the clock."""
        clock = self.netlist.ports.get("clk", [])
        before: list[Bit] = []
        for bit in bits:
            cell, place = self.netlist.driver.get(bit, (None, 0))
            if cell is None or cell.kind != "$dff":
                raise VerificationError(f"row {row} (reg): a bit that is no register")
            if cell.ports["CLK"] != clock or not cell.rising:
                raise VerificationError(f"row {row} (reg): another clock or edge")
            before.append(cell.ports["D"][place])
        return before

    def _labels(self, row: int) -> dict[Bit, str]:
        """Name the bits of the operands by their place; those known to be 0 are."""
        labels: dict[Bit, str] = {}
        for operand in self._operands(row):
            if self._constant(operand):
                continue
            for place, bit in enumerate(self._bits(operand)):
                if isinstance(bit, int):
                    zero = place < self.zeros[operand]
                    labels[bit] = "0" if zero else labels.get(bit, f"i{len(labels)}")
        return labels

    def _kind(self, row: int) -> str:
        """Return the operation and its operands as text, bits by their labels."""
        labels = self._labels(row)
        words = [Op(self.op[row]).name, str(self.p[row]), str(self.width[row])]
        if self.op[row] == Op.TABLE:
            table = self.circuit.tables[self.p[row]]
            words[1] = f"{table.start} {table.values.tolist()}"
        for operand in self._operands(row):
            bits = [labels.get(bit, str(bit)) for bit in self._bits(operand)]
            words.append(f"{self.lo[operand] < 0} {','.join(bits)}")
            if self._constant(operand):
                words.append(str(self.lo[operand]))
        return "\n".join(words)

    def _asked(self, row: int, bits: list[Bit], given: bool) -> str:
        words, op = self.words, Op(self.op[row])
        leaves: dict[Bit, Any] = {
            bit: words.bits(0, 1) if label == "0" else words.variable(1).term
            for bit, label in self._labels(row).items()
        }
        logic = Logic(self.netlist, words, leaves)
        values = [self._value(operand, logic) for operand in self._operands(row)]
        width = self.width[row]
        table = self.circuit.tables[self.p[row]] if op == Op.TABLE else None
        if op == Op.MUL:  # products modulo 2**width need operands modulo 2**width only
            pair = [words.wide(value, width) for value in values]
            meant = words.make("BV_MUL", pair)
        else:
            meant = words.wide(words.meaning(op, values, self.p[row], table), width)
        conditions = [
            condition
            for operand, value in zip(self._operands(row), values, strict=True)
            if given
            for condition in words.within(value, self.lo[operand], self.hi[operand])
        ]
        try:
            got = logic.vector(bits)
        except VerificationError as error:
            raise VerificationError(f"row {row} ({op.name.lower()}): {error}") from error
        answer = words.holds(words.make("EQUAL", [got, meant]), conditions, _SECONDS)
        return {True: "proved", False: "wrong", None: "open"}[answer]

    def _value(self, operand: int, logic: Logic) -> Word:
        if self._constant(operand):
            return self.words.constant(self.lo[operand])
        term, width = logic.vector(self._bits(operand)), self.width[operand]
        if self.lo[operand] < 0:
            return Word(term, width)
        return Word(self.words.make("BV_ZERO_EXTEND", [term], [1]), width + 1)
