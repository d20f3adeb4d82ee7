"""Elementwise arithmetic on symbolic arrays; what is already known costs no row."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.circuit import Ints
from edgetrig.circuit.intervals import LARGEST
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError


def broadcast(*arrays: Array) -> list[Array]:
    """Repeat arrays to their common shape."""
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return [array.broadcast_to(shape) for array in arrays]


def aligned(*arrays: Array) -> list[Array]:
    """Repeat arrays to one shape and bring them to one binary point an element."""
    arrays = tuple(broadcast(*arrays))
    # A zero has every binary point: it never makes the others finer.
    points = [np.where(array.zero, np.iinfo(np.int64).min, array.fraction) for array in arrays]
    common = np.maximum.reduce(points)
    common = np.where(common == np.iinfo(np.int64).min, 0, common)
    return [
        array.with_fraction(np.where(array.zero, common, array.fraction)).scaled_to(common)
        for array in arrays
    ]


def add(x: Array, y: Array) -> Array:
    """Return x + y."""
    x, y = broadcast(x, y)
    return _sum(Op.ADD, x, y)


def subtract(x: Array, y: Array) -> Array:
    """Return x - y."""
    x, y = broadcast(x, y)
    negated = x.zero & ~y.zero
    if negated.all():
        return negative(y)
    if negated.any():
        rows, fraction = y.rows.copy(), y.fraction.copy()
        rest = _sum(Op.SUB, x[~negated], y[~negated])
        minus = negative(y[negated])
        rows[negated], fraction[negated] = minus.rows, minus.fraction
        rows[~negated], fraction[~negated] = rest.rows, rest.fraction
        return Array(x.builder, rows, fraction)
    return _sum(Op.SUB, x, y)


def _sum(op: Op, x: Array, y: Array) -> Array:
    rows = np.where(x.zero, y.rows, x.rows)
    fraction = np.where(x.zero, y.fraction, x.fraction)
    active = ~(x.zero | y.zero)
    if active.any():
        a, b = x[active], y[active]
        point = np.maximum(a.fraction, b.fraction)
        shift = a.fraction - b.fraction
        rows[active] = x.builder.append(op, a.rows, b.rows, p=shift, fraction=point)
        fraction[active] = point
    return Array(x.builder, rows, fraction)


def negative(x: Array) -> Array:
    """Return -x."""
    rows, active = x.rows.copy(), ~x.zero
    if active.any():
        rows[active] = x.builder.append(Op.NEG, rows[active], fraction=x.fraction[active])
    return Array(x.builder, rows, x.fraction)


def multiply(x: Array, y: Array) -> Array:
    """Return x * y; powers of two only move the binary point."""
    x, y = broadcast(x, y)
    fraction = x.fraction + y.fraction
    rows = np.zeros(x.shape, np.int64)
    todo = np.ones(x.shape, np.bool_)
    for one, other in ((x, y), (y, x)):
        lo, _ = one.interval
        known = one.constant & todo
        for value, result in ((0, one), (1, other), (-1, None)):
            mask = known & np.asarray(lo == value, np.bool_)
            if mask.any():
                rows[mask] = negative(other[mask]).rows if result is None else result.rows[mask]
                todo &= ~mask
    if todo.any():
        rows[todo] = x.builder.append(Op.MUL, x.rows[todo], y.rows[todo], fraction=fraction[todo])
    return Array(x.builder, rows, fraction)


def square(x: Array) -> Array:
    """Return x * x."""
    return multiply(x, x)


def less(x: Array, y: Array) -> Array:
    """Return 1 where x < y."""
    x, y = aligned(x, y)
    return _truth(x, x.builder.append(Op.LT, x.rows, y.rows))


def equal(x: Array, y: Array) -> Array:
    """Return 1 where x == y."""
    x, y = aligned(x, y)
    return _truth(x, x.builder.append(Op.EQ, x.rows, y.rows))


def logical_not(x: Array) -> Array:
    """Return 1 where x is 0."""
    x = truth(x)
    one = x.builder.constant(np.ones(x.shape, np.int64))
    return _truth(x, x.builder.append(Op.XOR, x.rows, one))


def truth(x: Array) -> Array:
    """Return x as truth values: itself if its codes are 0 or 1, else x != 0."""
    lo, hi = x.interval
    if ((lo >= 0) & (hi <= 1)).all():
        return Array(x.builder, x.rows, 0, boolean=True)
    zero = Array(x.builder, x.builder.constant(np.zeros(x.shape, np.int64)), x.fraction)
    return logical_not(equal(x, zero))


def bitwise(op: Op) -> Callable[[Array, Array], Array]:
    """Return the function for AND, OR or XOR of whole numbers and of truth values."""

    def apply(x: Array, y: Array) -> Array:
        boolean = x.boolean and y.boolean
        x, y = (_whole(v) for v in aligned(x, y))
        return Array(x.builder, x.builder.append(op, x.rows, y.rows), 0, boolean=boolean)

    return apply


def invert(x: Array) -> Array:
    """Return ~x: logical not of truth values, -1 - x of whole numbers."""
    if x.boolean:
        return logical_not(x)
    x = _whole(x)
    ones = x.builder.constant(np.full(x.shape, -1, np.int64))
    return Array(x.builder, x.builder.append(Op.XOR, x.rows, ones), 0)


def select(condition: Array, then: Array, other: Array) -> Array:
    """Return `then` where the condition holds, else `other`."""
    boolean = then.boolean and other.boolean
    then, other = aligned(then, other)
    condition, then, other = broadcast(truth(condition), then, other)
    same = (then.rows == other.rows) & (then.fraction == other.fraction)
    rows = then.rows.copy()
    fraction = then.fraction
    if not same.all():
        active = ~same
        rows[active] = then.builder.append(
            Op.SELECT,
            condition.rows[active],
            then.rows[active],
            other.rows[active],
            fraction=fraction[active],
        )
    return Array(then.builder, rows, fraction, boolean=boolean)


def maximum(x: Array, y: Array) -> Array:
    """Return the larger of x and y."""
    x, y = aligned(x, y)
    return select(less(x, y), y, x)


def minimum(x: Array, y: Array) -> Array:
    """Return the smaller of x and y."""
    x, y = aligned(x, y)
    return select(less(x, y), x, y)


def absolute(x: Array) -> Array:
    """Return the magnitude of x."""
    return select(less(x, as_array(x.builder, 0)), negative(x), x)


def divide(x: Array, y: Array) -> Array:
    """Return x / y for a constant y that is a power of two, or its negative.

    Raises
    ------
    CircuitError
        For any other y: the quotient has no exact binary form.
    """
    x, y = broadcast(x, y)
    codes = [int(code) for code in y.interval[0].ravel().tolist()]
    if not y.constant.all() or any(abs(code).bit_count() != 1 for code in codes):
        raise CircuitError(
            "only a division by a constant power of two is exact: multiply by a rounded constant,"
            " or use edgetrig.circuit.lookup"
        )
    power = np.array([abs(code).bit_length() - 1 for code in codes], np.int64).reshape(y.shape)
    quotient = x.with_fraction(x.fraction + power - y.fraction)
    below = np.array([code < 0 for code in codes], np.bool_).reshape(y.shape)
    if not below.any():
        return quotient
    rows = quotient.rows.copy()
    rows[below] = negative(quotient[below]).rows
    return Array(x.builder, rows, quotient.fraction)


def power(x: Array, y: Array) -> Array:
    """Return x ** y for one constant whole y in [0, 16], by repeated squaring.

    Raises
    ------
    CircuitError
        For any other y.
    """
    codes, points = (set(v.ravel().tolist()) for v in (y.interval[0], y.fraction))
    if not (y.constant.all() and len(codes) == len(points) == 1):
        raise CircuitError("an exponent must be one constant; use edgetrig.circuit.lookup")
    value = math.ldexp(codes.pop(), -points.pop())
    if value not in range(17):
        raise CircuitError(
            f"an exponent of {value:g} has no exact form: use a whole number from 0 to 16, or"
            " edgetrig.circuit.lookup"
        )
    result = None
    for bit in f"{int(value):b}":
        result = None if result is None else square(result)
        if bit == "1":
            result = x if result is None else multiply(result, x)
    return as_array(x.builder, np.ones(x.shape, np.int64)) if result is None else result


def shift(x: Array, bits: Array, sign: int) -> Array:
    """Return whole numbers x << bits (`sign` 1) or x >> bits (`sign` -1) for constant bits.

    Raises
    ------
    CircuitError
        If the bits are not constant whole numbers from 0 up.
    """
    x, bits = broadcast(_whole(x), _whole(bits))
    count, _ = bits.interval
    if not bits.constant.all() or (count < 0).any() or (count > LARGEST).any():
        raise CircuitError("a shift needs a constant number of bits, 0 or more")
    moved = x.with_fraction(-sign * count.astype(np.int64))
    return moved if sign > 0 else floor(moved)


def floor(x: Array) -> Array:
    """Return the largest whole number not above x."""
    drop = np.maximum(x.fraction, 0)
    return x.shift_right(drop).with_fraction(np.minimum(x.fraction, 0))


def _truth(x: Array, rows: Ints) -> Array:
    return Array(x.builder, rows, 0, boolean=True)


def _whole(x: Array) -> Array:
    """Return whole numbers with the binary point at 0."""
    if (x.fraction > 0).any():
        raise CircuitError("bitwise operations need whole numbers; take .codes or quantize first")
    return x.scaled_to(np.zeros(x.shape, np.int64))
