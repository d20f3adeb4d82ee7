"""Rows of one kind each on inputs of their own, for `mapping_costs.py` to map: the rigs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from edgetrig.circuit import Builder, Circuit, Input, Op, Output, Table, origin

LANES = 2
"""Copies of each rig, with constants and table entries of their own."""
_WIDTHS = (3, 6, 9, 14)

Make = Callable[[Builder, list[int], np.random.Generator], int]
"""From the builder, the rows of the operands and a source of constants to the resulting row."""


@dataclass(frozen=True)
class Rig:
    """Rows of one kind.

    Parameters
    ----------
    name
        For people, and the origin of its rows.
    widths
        Bits of each operand; negative for signed ones.
    make
        Appends the rows of one lane.
    """

    name: str
    widths: tuple[int, ...]
    make: Make


def without_tables() -> list[Rig]:
    """Return all rigs but those of look-ups."""
    return [*_sums(), *_choices(), *_products(), *_certain_constants()]


def tables() -> list[Rig]:
    """Return the rigs of look-ups."""
    return list(_tables())


def circuit(rigs: list[Rig]) -> Circuit:
    """Return rigs side by side; every row's origin is the name of its rig."""
    builder, chance = Builder(), np.random.default_rng(1)
    widths = np.array([width for rig in rigs for width in rig.widths * LANES])
    lo = np.where(widths < 0, -(2 ** (np.abs(widths) - 1)), 0)
    hi = np.where(widths < 0, 2 ** (np.abs(widths) - 1), 2 ** np.abs(widths)) - 1
    port = Input("x", lo, hi, np.zeros(len(widths), int))
    inputs = iter(builder.input(0, port).tolist())
    outputs = []
    for rig in rigs:
        with origin(rig.name):
            for _ in range(LANES):
                made = rig.make(builder, [next(inputs) for _ in rig.widths], chance)
                outputs.append(int(made))
    rows = np.array(outputs)
    return builder.finish([port], [Output("y", rows, np.zeros(len(rows), int))])


def _row(op: Op, operands: int, p: int = 0) -> Make:
    return lambda builder, x, chance: int(builder.append(op, *x[:operands], p=p))


def _registered(make: Make) -> Make:
    return lambda builder, x, chance: int(builder.append(Op.REG, make(builder, x, chance)))


def _xored(make: Make) -> Make:
    return lambda builder, x, chance: int(builder.append(Op.XOR, make(builder, x, chance), x[-1]))


def _shifted(make: Make) -> Make:
    """Shift the second and third operand, as those of most sums in a matrix are."""

    def shifted(builder: Builder, x: list[int], chance: np.random.Generator) -> int:
        moved = [int(builder.append(Op.SHL, x[k], p=k + 1)) for k in (1, 2)]
        return make(builder, [x[0], *moved], chance)

    return shifted


def _added(make: Make) -> Make:
    return lambda builder, x, chance: int(builder.append(Op.ADD, x[-1], make(builder, x, chance)))


def _constant(builder: Builder, chance: np.random.Generator, width: int) -> int:
    """Append an odd constant in the upper half of what fits beside a signed number."""
    return int(builder.constant(int(chance.integers(2 ** (width - 3), 2 ** (width - 2))) * 2 + 1))


def _certain(op: Op, constant: int) -> Make:
    return lambda builder, x, chance: int(builder.append(op, x[0], builder.constant(constant)))


def _with_constant(op: Op, width: int, *, first: bool = False) -> Make:
    def make(builder: Builder, x: list[int], chance: np.random.Generator) -> int:
        both = [x[0], _constant(builder, chance, width)]
        return int(builder.append(op, *(both[::-1] if first else both)))

    return make


def _sums() -> Iterator[Rig]:
    """Yield sums of two and three, with constants, in front of logic and of registers."""
    for width, shift, op in product((1, *_WIDTHS), (0, 2), (Op.ADD, Op.SUB)):
        name, two = f"{op.name} {width} << {shift}", _row(op, 2, shift)
        yield Rig(name, (-width,) * 2, two)
        yield Rig(f"{name}, XOR", (-width,) * 3, _xored(two))
    for width, p in product(_WIDTHS, (0, 1, 2)):
        name, three = f"ADD3 {width}, {p} subtracted", _row(Op.ADD3, 3, p)
        yield Rig(f"{name}, registered", (-width,) * 3, _registered(three))
        yield Rig(f"{name}, shifted, XOR", (-width,) * 4, _xored(_shifted(three)))
    for width in _WIDTHS:
        yield Rig(f"ADD {width} with constant", (-width,), _with_constant(Op.ADD, width))
        yield Rig(f"SUB {width} with constant", (-width,), _with_constant(Op.SUB, width))
        made = _with_constant(Op.SUB, width, first=True)
        yield Rig(f"SUB {width} from constant", (-width,), made)
        yield Rig(f"NEG {width}", (-width,), _row(Op.NEG, 1))


def _choices() -> Iterator[Rig]:
    """Yield comparisons, choices and bitwise operations: alone, and in front of a sum."""
    for width in _WIDTHS:
        both = (-width, -width)
        for op in (Op.LT, Op.EQ):
            yield Rig(f"{op.name} {width}", both, _row(op, 2))
            yield Rig(f"{op.name} {width} with constant", both[:1], _with_constant(op, width))
        yield from _twice(f"AND {width}", both, _row(Op.AND, 2))
        yield from _twice(f"XOR {width}", both, _row(Op.XOR, 2))
        yield from _twice(f"SELECT {width}", (1, *both), _row(Op.SELECT, 3))
        yield from _twice(f"SELECT {width}, constant", (1, -width), _select_constant(width))
        yield from _twice(f"maximum {width}", both, _maximum)
        yield from _twice(f"rectifier {width}", (-width,), _rectifier)
        yield Rig(f"SELECT {width}, constants", (1,), _select_constants(width))


def _twice(name: str, widths: tuple[int, ...], make: Make) -> Iterator[Rig]:
    yield Rig(name, widths, make)
    yield Rig(f"{name}, ADD", (*widths, widths[-1]), _added(make))


def _select_constant(width: int) -> Make:
    return lambda builder, x, chance: int(
        builder.append(Op.SELECT, x[0], x[1], _constant(builder, chance, width))
    )


def _select_constants(width: int) -> Make:
    def make(builder: Builder, x: list[int], chance: np.random.Generator) -> int:
        branches = [_constant(builder, chance, width) for _ in range(2)]
        return int(builder.append(Op.SELECT, x[0], *branches))

    return make


def _maximum(builder: Builder, x: list[int], _: object) -> int:
    return int(builder.append(Op.SELECT, builder.append(Op.LT, *x[:2]), x[1], x[0]))


def _rectifier(builder: Builder, x: list[int], _: object) -> int:
    zero = builder.constant(0)
    return int(builder.append(Op.SELECT, builder.append(Op.LT, x[0], zero), zero, x[0]))


def _tables() -> Iterator[Rig]:
    """Yield look-ups of 5 to 10 bits: random entries, and those of a smooth function."""
    for bits, out in ((5, 1), (5, 4), (6, 4), (7, 1), (7, 4), (8, 1), (8, 4), (10, 1)):
        for smooth in (False, True):
            form = "smooth" if smooth else "random"
            yield Rig(f"TABLE {bits} to {out}, {form}", (bits,), _look_up(bits, out, smooth))
    for bits in (7, 8, 9, 10):
        yield Rig(f"TABLE {bits} to 6, tanh", (-bits,), _tanh(bits))


def _look_up(bits: int, out: int, smooth: bool) -> Make:
    def make(builder: Builder, x: list[int], chance: np.random.Generator) -> int:
        values = chance.integers(0, 2**out, 2**bits)
        if smooth:
            slope, middle = chance.uniform(4, 12), chance.uniform(0.3, 0.7)
            curve = 1 / (1 + np.exp(-slope * (np.arange(2**bits) / 2**bits - middle)))
            values = np.round((2**out - 1) * curve).astype(np.int64)
        return int(builder.append(Op.TABLE, x[0], p=builder.table(Table(0, values))))

    return make


def _tanh(bits: int) -> Make:
    def make(builder: Builder, x: list[int], chance: np.random.Generator) -> int:
        codes = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1))
        values = np.clip(np.round(32 * np.tanh(codes * chance.uniform(7, 14) / 2**bits)), -32, 31)
        table = builder.table(Table(int(codes[0]), values.astype(np.int64)))
        return int(builder.append(Op.TABLE, x[0], p=table))

    return make


def _products() -> Iterator[Rig]:
    for a, b in ((3, 3), (5, 4), (6, 6)):
        yield Rig(f"MUL {a} x {b}", (-a, -b), _row(Op.MUL, 2))


def _certain_constants() -> Iterator[Rig]:
    """Yield sums with constants of one 1 or of many, and comparisons with one that logic reads."""
    for width in _WIDTHS:
        for constant in (1, -1):
            name = f"ADD {width} with {constant}"
            yield Rig(name, (-width,), _certain(Op.ADD, constant))
            yield Rig(f"{name}, XOR", (-width,) * 2, _xored(_certain(Op.ADD, constant)))
        less = _with_constant(Op.LT, width)
        yield Rig(f"LT {width} with constant, SELECT", (-width, 1, 1), _selecting(less))


def _selecting(make: Make) -> Make:
    return lambda builder, x, chance: int(
        builder.append(Op.SELECT, make(builder, x, chance), *x[1:3])
    )
