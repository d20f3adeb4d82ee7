"""The printed circuit: complete, so that a reader (or the reference) needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from edgetrig.circuit.circuit import Circuit
from edgetrig.circuit.ops import OPERANDS, Op

_PLAIN = re.compile(r"[\w./:+-]+", re.ASCII)
_SHIFTED = (Op.ADD, Op.SUB)
_PARAMETER = (Op.SHL, Op.SHR, Op.LOW, Op.LOWS, Op.TABLE, Op.ADD3)


def to_text(circuit: Circuit) -> str:
    """Return the circuit as text, a line a row.

    ::

        input x[2]
        table 0 from -2: 3 1 4 1
        %0 = input 0          [-128, 127] /8  input
        %1 = input 1          [0, 15]
        %2 = add %0, %1 << 3  [-128, 247] /8  dense
        output y[1] = %2 /8

    ``[lo, hi]`` is the interval of the code, ``/8`` the power of two it is divided by to get the
    value (left out when 1; ``*8`` for a multiple), the last word the origin (a layer). Names that
    are not plain words are quoted as in JSON, so that no name can break a line.
    """
    return "\n".join(_lines(circuit)) + "\n"


def _lines(circuit: Circuit) -> Iterator[str]:
    for port in circuit.inputs:
        yield f"input {_word(port.name)}[{_shape(port.shape)}]"
    for number, table in enumerate(circuit.tables):
        values = " ".join(map(str, table.values.tolist()))
        yield f"table {number} from {table.start}: {values}"
    yield from _row_lines(circuit)
    for output in circuit.outputs:
        elements = zip(output.rows.ravel().tolist(), output.fraction.ravel().tolist(), strict=True)
        rows = ", ".join(f"%{row}{_scale(fraction)}" for row, fraction in elements)
        yield f"output {_word(output.name)}[{_shape(output.shape)}] = {rows}"


def _row_lines(circuit: Circuit) -> Iterator[str]:
    rows = circuit.rows
    origins = [_word(name) if name else "" for name in circuit.origins]
    columns = (rows.op, rows.a, rows.b, rows.c, rows.p, rows.lo, rows.hi, rows.fraction)
    for number, (op, a, b, c, p, lo, hi, fraction) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        code = Op(op)
        operands = ", ".join(f"%{operand}" for operand in (a, b, c)[: OPERANDS[op]])
        if code == Op.INPUT:
            operands = str(p)
        elif code == Op.CONST:
            operands = str(lo)
        elif code in _SHIFTED and p:
            operands += f" << {p}"
        elif code in _PARAMETER:
            operands += f", {p}"
        body = f"%{number} = {code.name.lower()} {operands}"
        origin = origins[rows.origin[number]]
        yield f"{body:<36} [{lo}, {hi}]{_scale(fraction)}  {origin}".rstrip()


def _word(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def _shape(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _scale(fraction: int) -> str:
    if fraction == 0:
        return ""
    return f" /{2**fraction}" if fraction > 0 else f" *{2**-fraction}"
