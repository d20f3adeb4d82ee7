"""What the files say to a person: ports, latency, layers and ranges, in any language's comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgetrig.circuit import Op
from edgetrig.rtl.names import comment
from edgetrig.rtl.net import Net
from edgetrig.rtl.ports import Port

_RULE = "-" * 97
_REMARKED = frozenset({Op.INPUT, Op.ADD, Op.SUB, Op.NEG, Op.MUL, Op.SELECT, Op.TABLE, Op.ADD3})


def header(net: Net) -> Iterator[str]:
    """Yield the lines at the top of a design."""
    yield _RULE
    yield net.top
    latency = net.latency
    if net.registers:
        cycles = "1 clock cycle" if latency == 1 else f"{latency} clock cycles"
        yield f"Latency {cycles}: outputs are valid {latency} rising edges of clk after their"
        yield "inputs. A new event enters every clock cycle; registers need no reset."
    else:
        yield "Combinational: no clock, no state."
    yield ""
    yield "A port is one packed vector; bit ranges, lowest first, with the codes they carry"
    yield "(two's complement where negative) and the value of a code's lowest bit:"
    for direction, layout in (("input", net.inputs), ("output", net.outputs)):
        for port in layout:
            shown = "" if port.identifier == port.name else f"  (in the model: {port.name})"
            yield ""
            yield comment(f"{direction} {port.identifier}: {_bits(port.bits)}{shown}")
            yield from _element_lines(port)
    yield _RULE


def origins(net: Net, rows: list[int]) -> Iterator[str]:
    """Yield a row's layer where it changes, else nothing; for one row after the other."""
    numbers = net.circuit.rows.origin
    before = -1
    for number in numbers[rows].tolist():
        yield comment(net.circuit.origins[number]) if number != before else ""
        before = number


def remark(net: Net, row: int) -> str:
    """Return a row's codes and binary point, empty for rows that need no words."""
    if net.op[row] not in _REMARKED:
        return ""
    return f"[{net.lo[row]}, {net.hi[row]}]{_scale(int(net.circuit.rows.fraction[row]))}"


@dataclass(frozen=True)
class Run:
    """Neighbouring elements of a port that have the same type, in words."""

    elements: str
    bits: str
    width: int
    lo: int
    hi: int
    lsb: str


def element_runs(port: Port) -> Iterator[Run]:
    """Yield the runs of elements of the same type."""
    kinds = list(zip(port.lo.tolist(), port.hi.tolist(), port.fraction.tolist(), strict=True))
    first = 0
    for k in range(1, len(kinds) + 1):
        if k < len(kinds) and kinds[k] == kinds[first]:
            continue
        (lo, hi, fraction), width = kinds[first], int(port.width[first])
        bottom, top = int(port.lsb[first]), int(port.lsb[k - 1]) + width - 1
        place = f"[{top}:{bottom}]" if width else "no bits"
        elements = f"[{first}] .. [{k - 1}]" if k - 1 > first else f"[{first}]"
        yield Run(elements, place, width, lo, hi, _lsb(fraction))
        first = k


def _element_lines(port: Port) -> Iterator[str]:
    for run in element_runs(port):
        several = ".." in run.elements
        noun, each = ("elements", " each") if several else ("element", "")
        what = f"{_bits(run.width)}, codes [{run.lo}, {run.hi}], LSB {run.lsb}"
        yield f"  {run.bits:<12} {noun} {run.elements}: {what}{each}"


def _scale(fraction: int) -> str:
    """Return a binary point as the circuit prints it: ``/8``, ``*4`` or nothing."""
    if fraction == 0:
        return ""
    return f" /{2**fraction}" if fraction > 0 else f" *{2**-fraction}"


def _lsb(fraction: int) -> str:
    """Return the value of a code's lowest bit, as a power of two."""
    return "1" if fraction == 0 else f"2^{-fraction}"


def _bits(count: int) -> str:
    """Return a number of bits in words."""
    return "1 bit" if count == 1 else f"{count} bits"
