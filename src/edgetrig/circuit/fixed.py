"""Fixed-point types of `ap_fixed`, lowered into primitive operations.

Rounding and overflow modes follow "Overview of Arbitrary Precision Fixed-Point Data Types" of the
Vitis HLS user guide (UG1399) and the SystemC standard (IEEE 1666-2023, section 7.10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array, Mask, as_array
from edgetrig.circuit.circuit import Input, Ints, Table
from edgetrig.circuit.floats import (
    Overflow,
    Rounding,
    check_modes,
    fixed_types,
    quantize_floats,
)
from edgetrig.circuit.intervals import IntArray, widths
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError

LARGEST_TABLE = 1 << 20
"""Entries above which `lookup` refuses."""


def quantize(
    x: Array,
    signed: ArrayLike,
    integer: ArrayLike,
    fraction: ArrayLike,
    rounding: Rounding = "TRN",
    overflow: Overflow = "WRAP",
) -> Array:
    """Convert to a fixed-point type, element by element.

    Parameters
    ----------
    x
        Any array.
    signed, integer, fraction
        Sign bit (0 or 1), integer bits without the sign, fraction bits; each broadcasts against
        `x`. The range is ``[-signed * 2**integer, 2**integer - 2**-fraction]``. A type without
        any bits gives the constant 0.
    rounding, overflow
        Modes of `ap_fixed`.

    Raises
    ------
    CircuitError
        On an unknown mode or a type that is not one.
    """
    check_modes(rounding, overflow)
    types = fixed_types(signed, integer, fraction)
    shape = np.broadcast_shapes(x.shape, *(v.shape for v in types))
    k, i, f = (np.broadcast_to(v, shape) for v in types)
    x = x.broadcast_to(shape)
    used = (k + i + f > 0) & ~x.zero
    if not used.any():
        return as_array(x.builder, np.zeros(shape))
    result = x[used]
    k, i, f = k[used], i[used], f[used]
    result = _overflow(_round(result, f, rounding), k, i, f, overflow)
    zero = as_array(x.builder, 0)
    rows, point = np.full(shape, zero.rows), np.zeros(shape, np.int64)
    rows[used], point[used] = result.rows, result.fraction
    return Array(x.builder, rows, point)


def convert(x: Array, port: Input) -> Array:
    """Convert to the type of an input port, as `predict` converts floats.

    Parameters
    ----------
    x
        An array of the port's shape.
    port
        Its rounding and overflow apply; where it wraps, its range is a whole type.
    """
    rounding, overflow = cast(Rounding, port.rounding), cast(Overflow, port.overflow)
    rounded = quantize(x, 1, 62 - port.fraction, port.fraction, rounding, "SAT")
    if overflow in ("WRAP", "WRAP_SM"):
        signed = np.asarray(port.lo < 0, np.int64)
        integer = widths(port.lo, port.hi) - signed - port.fraction
        return quantize(rounded, signed, integer, port.fraction, "TRN", overflow)
    low, high = (
        Array(x.builder, x.builder.constant(codes, port.fraction), port.fraction)
        for codes in (port.lo, port.hi)
    )
    if overflow == "SAT_ZERO":
        outside = ar.bitwise(Op.OR)(ar.less(rounded, low), ar.less(high, rounded))
        return ar.select(outside, as_array(x.builder, 0), rounded)
    return ar.minimum(ar.maximum(rounded, low), high)


def lookup(
    x: Array,
    function: Callable[[NDArray[np.float64]], ArrayLike],
    signed: ArrayLike,
    integer: ArrayLike,
    fraction: ArrayLike,
    rounding: Rounding = "RND",
    overflow: Overflow = "SAT",
) -> Array:
    """Apply a function of one number through a table of all its values.

    Parameters
    ----------
    x
        Array whose elements have at most 20 bits.
    function
        From float64 values to float64 values, elementwise.
    signed, integer, fraction, rounding, overflow
        The result's type, as for `quantize`.

    Raises
    ------
    CircuitError
        If an element has too many codes for a table, or the function is not finite somewhere.
    """
    types = fixed_types(signed, integer, fraction)
    shape = np.broadcast_shapes(x.shape, *(v.shape for v in types))
    x = x.broadcast_to(shape)
    k, i, f = (np.broadcast_to(v, shape) for v in types)
    lo, hi = x.interval
    columns = [v.ravel().tolist() for v in (lo, hi, x.fraction, k, i, f)]
    numbers: dict[tuple[int, ...], int] = {}
    parameter = np.zeros(x.size, np.int64)
    for element, key in enumerate(zip(*columns, strict=True)):
        if key not in numbers:
            numbers[key] = x.builder.table(_tabulate(function, key, rounding, overflow))
        parameter[element] = numbers[key]
    rows = x.builder.append(Op.TABLE, x.rows, p=parameter.reshape(shape), fraction=f)
    return Array(x.builder, rows, f)


def _tabulate(
    function: Callable[..., Any], key: tuple[int, ...], rounding: Rounding, overflow: Overflow
) -> Table:
    lo, hi, point, k, i, f = key
    if max(-lo, hi) > 1 << 53:
        raise CircuitError("a table's input must have at most 53 bits; quantize it first")
    if hi - lo >= LARGEST_TABLE:
        raise CircuitError(
            f"a table over {hi - lo + 1} codes is too large; quantise its input to 20 bits or fewer"
        )
    codes = np.arange(lo, hi + 1)
    values = np.asarray(function(np.ldexp(codes.astype(np.float64), -point)), np.float64)
    if values.shape != codes.shape or not np.isfinite(values).all():
        raise CircuitError("a table's function must give one finite number for every input")
    return Table(lo, quantize_floats(values, k, i, f, rounding, overflow))


def _power(exponent: Ints) -> NDArray[np.object_]:
    """Return 2**exponent as Python integers."""
    return np.asarray(np.left_shift(np.ones(exponent.shape, object), exponent.astype(object)))


def _units(x: Array, codes: IntArray | int) -> Array:
    """Return constants with the given codes and the binary points of `x`."""
    codes = np.broadcast_to(np.asarray(codes, object), x.shape)
    return Array(x.builder, x.builder.constant(codes, x.fraction), x.fraction)


def _is_negative(x: Array) -> Array:
    """Return one unit of the last place where x < 0."""
    return ar.less(x, as_array(x.builder, 0)).with_fraction(x.fraction)


def _round(x: Array, fraction: Ints, mode: Rounding) -> Array:
    """Drop the bits behind `fraction`; elements that have none are left as they are."""
    active = x.fraction > fraction
    if not active.any():
        return x
    y = x[active]
    drop = y.fraction - fraction[active]
    if mode == "TRN_ZERO":
        y = ar.add(y, ar.select(_is_negative(y).codes, _units(y, _power(drop) - 1), _units(y, 0)))
    elif mode in ("RND", "RND_INF"):
        y = ar.add(y, _units(y, _power(drop - 1)))
        if mode == "RND_INF":
            y = ar.subtract(y, _is_negative(x[active]))
    elif mode != "TRN":
        y = ar.add(y, _units(y, _power(drop - 1) - 1))
        if mode == "RND_ZERO":
            y = ar.add(y, _is_negative(x[active]))
        elif mode == "RND_CONV":
            y = ar.add(y, _odd(x[active], drop))
    return _put(x, active, y.shift_right(drop), fraction[active])


def _odd(x: Array, drop: Ints) -> Array:
    """Return one unit of the last place where the lowest bit that stays is set."""
    return x.shift_right(drop).low(1).with_fraction(x.fraction)


def _put(x: Array, mask: Mask, new: Array, fraction: Ints) -> Array:
    rows, point = x.rows.copy(), x.fraction.copy()
    rows[mask], point[mask] = new.rows, fraction
    return Array(x.builder, rows, point)


def _overflow(x: Array, k: Ints, i: Ints, f: Ints, mode: Overflow) -> Array:
    """Bring into range; elements whose interval is in range already are left as they are."""
    lo, hi = x.interval
    # Clipping yields numbers that need all fraction bits of the type; dropping upper bits does not.
    point = f if mode != "WRAP" else x.fraction
    scale = _power(point - x.fraction)
    top = _power(np.maximum(i + point, 0)) - 1
    bottom = -(top if mode == "SAT_SYM" else top + 1) * k
    active = np.asarray((lo * scale < bottom) | (hi * scale > top), np.bool_)
    active |= i + point < 0
    if not active.any():
        return x
    y = x[active].scaled_to(point[active])
    k, bits = k[active], (k + i + point)[active]
    bottom, top = _units(y, bottom[active]), _units(y, top[active])
    if mode in ("WRAP", "WRAP_SM"):
        y = _wrap(y, k, bits, mode)
    elif mode == "SAT_ZERO":
        outside = ar.bitwise(Op.OR)(ar.less(y, bottom), ar.less(top, y))
        y = ar.select(outside, _units(y, 0), y)
    else:
        y = ar.minimum(ar.maximum(y, bottom), top)
    return _put(x, active, y, point[active])


def _wrap(x: Array, k: Ints, bits: Ints, mode: Overflow) -> Array:
    kept = x.low(np.maximum(bits, 1), signed=k.astype(bool)).where(bits > 0, 0)
    if mode == "WRAP_SM":
        # Invert all kept bits where the highest of them differs from the lowest dropped one.
        highest = x.shift_right(np.maximum(bits - 1, 0)).low(1).codes
        dropped = x.shift_right(np.maximum(bits, 0)).low(1).codes
        differ = ar.logical_not(ar.equal(highest, dropped))
        inverted = ar.invert(kept.codes).with_fraction(kept.fraction)
        kept = ar.select(differ, inverted, kept).where((k > 0) & (bits > 0), kept)
    return kept
