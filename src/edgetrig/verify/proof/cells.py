"""What the cells of a netlist compute, as terms of a solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgetrig.errors import VerificationError
from edgetrig.verify.proof.netlist import Bit, Cell, Netlist
from edgetrig.verify.proof.words import Words

_BINARY = {
    "$add": "BV_ADD",
    "$sub": "BV_SUB",
    "$mul": "BV_MUL",
    "$and": "BV_AND",
    "$or": "BV_OR",
    "$xor": "BV_XOR",
}
_UNARY = {"$neg": "BV_NEG", "$not": "BV_NOT"}
_COMPARING = {"$lt": "LT", "$le": "LE", "$gt": "GT", "$ge": "GE"}


class Logic:
    """Terms for bits of a netlist, given terms for some of its bits (the leaves).

    Parameters
    ----------
    netlist
        The netlist.
    words
        Where terms are made.
    leaves
        A term of one bit for each leaf. Whatever lies behind a leaf is not looked at.
    """

    def __init__(self, netlist: Netlist, words: Words, leaves: dict[Bit, Any]) -> None:
        self._netlist, self._words, self._leaves = netlist, words, leaves
        self._made: dict[str, Any] = {}

    def vector(self, bits: list[Bit]) -> Any:
        """Return the term of a vector, its lowest bit first in the list."""
        terms = [self._bit(bit) for bit in reversed(bits)]
        return terms[0] if len(terms) == 1 else self._words.make("BV_CONCAT", terms)

    def _bit(self, bit: Bit) -> Any:
        if bit in self._leaves:
            return self._leaves[bit]
        if bit in ("0", "1"):
            return self._words.bits(int(bit), 1)
        if bit == "x":
            return self._words.variable(1).term
        if bit not in self._netlist.driver:
            raise VerificationError("it depends on a signal that is not its operand")
        cell, place = self._netlist.driver[bit]
        if cell.name not in self._made:
            self._made[cell.name] = self._cell(cell)
        return self._words.cut(self._made[cell.name], place, 1)

    def _cell(self, cell: Cell) -> Any:
        make, width = self._words.make, len(cell.ports.get("Y", []))
        if cell.kind in _BINARY:
            return make(_BINARY[cell.kind], [self._port(cell, name, width) for name in "AB"])
        if cell.kind in _UNARY:
            return make(_UNARY[cell.kind], [self._port(cell, "A", width)])
        if cell.kind == "$pos":
            return self._port(cell, "A", width)
        if cell.kind == "$mux":
            is_set = make("EQUAL", [self.vector(cell.ports["S"]), self._words.bits(1, 1)])
            return make("ITE", [is_set, self.vector(cell.ports["B"]), self.vector(cell.ports["A"])])
        if cell.kind == "$pmux":
            return self._choice(cell, width)
        if cell.kind == "$shr":
            return self._shift_right(cell, width)
        if cell.kind == "$shiftx":
            return self._part_select(cell, width)
        return self._truth(self._condition(cell), width)

    def _condition(self, cell: Cell) -> Any:
        make = self._words.make
        if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
            zero = self._words.bits(0, len(cell.ports["A"]))
            kind = "EQUAL" if cell.kind == "$logic_not" else "DISTINCT"
            return make(kind, [self.vector(cell.ports["A"]), zero])
        width = max(len(cell.ports.get(name, [])) for name in "AB")
        if cell.kind in ("$eq", "$ne"):
            kind = "EQUAL" if cell.kind == "$eq" else "DISTINCT"
        elif cell.kind in _COMPARING:
            kind = f"BV_{'S' if cell.signed else 'U'}{_COMPARING[cell.kind]}"
        else:
            raise VerificationError(f"a cell of type {cell.kind} is not known to the proof")
        return make(kind, [self._port(cell, name, width) for name in "AB"])

    def _truth(self, condition: Any, width: int) -> Any:
        return self._words.make(
            "ITE", [condition, self._words.bits(1, width), self._words.bits(0, width)]
        )

    def _port(self, cell: Cell, name: str, width: int) -> Any:
        """Return an operand at the width of its operator, by the rules of Verilog."""
        bits = cell.ports[name]
        bits = bits[:width] + [bits[-1] if cell.signed else "0"] * (width - len(bits))
        return self.vector(bits)

    def _choice(self, cell: Cell, width: int) -> Any:
        """Return `A` if no bit of `S` is set, its word of `B` if one is; for several, anything."""
        make, words, select = self._words.make, self._words, self.vector(cell.ports["S"])
        chosen, size = self.vector(cell.ports["A"]), len(cell.ports["S"])
        for k in range(size):
            is_set = make("EQUAL", [words.cut(select, k, 1), words.bits(1, 1)])
            word = self.vector(cell.ports["B"][k * width : (k + 1) * width])
            chosen = make("ITE", [is_set, word, chosen])
        others = make("BV_AND", [select, make("BV_SUB", [select, words.bits(1, size)])])
        one_at_most = make("EQUAL", [others, words.bits(0, size)])
        return make("ITE", [one_at_most, chosen, words.variable(width).term])

    def _shift_right(self, cell: Cell, width: int) -> Any:
        """Return ``A >> B``: `A` by its sign at the width of the result, then zeros."""
        a, b = cell.ports["A"], cell.ports["B"]
        size = max(len(a), len(b), width)
        fill = a[-1] if cell.signs[0] else "0"
        a = a + [fill] * (width - len(a))
        left, right = (self.vector(bits + ["0"] * (size - len(bits))) for bits in (a, b))
        return self._words.cut(self._words.make("BV_SHR", [left, right]), 0, width)

    def _part_select(self, cell: Cell, width: int) -> Any:
        """Return ``A[B +: width]``; where any of it lies outside `A`, it may be anything."""
        make, a, b = self._words.make, cell.ports["A"], cell.ports["B"]
        if len(a) < width:
            return self._words.variable(width).term
        size = max(len(a), len(b))
        fill = b[-1] if cell.signs[1] else "0"
        b = b + [fill] * (size - len(b))
        left, right = (self.vector(bits + ["0"] * (size - len(bits))) for bits in (a, b))
        part = self._words.cut(make("BV_SHR", [left, right]), 0, width)
        inside = make("BV_ULE", [right, self._words.bits(len(a) - width, size)])
        return make("ITE", [inside, part, self._words.variable(width).term])


def describe(netlist: Netlist, bits: list[Bit], label: Callable[[Bit], str | None]) -> str:
    """Return the logic behind a vector as text in which signals have no names.

    `label` names leaves; two vectors of one text compute the same function of their leaves.
    """
    order: dict[str, int] = {}
    lines: list[str] = []

    def bit_text(bit: Bit) -> str:
        named = label(bit)
        if named is not None:
            return named
        if isinstance(bit, str) or bit not in netlist.driver:
            return f"?{bit}" if bit not in ("0", "1") else str(bit)
        cell, place = netlist.driver[bit]
        if cell.name not in order:
            inputs = {name: port for name, port in cell.ports.items() if name not in ("Y", "Q")}
            if cell.kind == "$dff":
                return f"?{bit}"  # another register is no logic of this row
            text = " ".join(
                f"{name}={','.join(map(bit_text, port))}" for name, port in sorted(inputs.items())
            )
            order[cell.name] = len(order)
            lines.append(f"{cell.kind} {cell.signs} {len(cell.ports['Y'])} {text}")
        return f"{order[cell.name]}.{place}"

    last = ",".join(map(bit_text, bits))
    return "\n".join([*lines, last])
