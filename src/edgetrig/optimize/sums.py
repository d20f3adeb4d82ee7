"""What a sum of shifted values takes: its interval and an estimate of its LUTs."""

from __future__ import annotations

from edgetrig.jit import jit
from edgetrig.optimize.rows import Ints


@jit
def bits(lo: int, hi: int) -> int:
    """Return the width of an interval in bits."""
    magnitude = max(hi, -lo - 1)
    count = 1 if lo < 0 else 0
    while magnitude > 0:
        magnitude >>= 1
        count += 1
    return count


@jit
def sum_interval(
    lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int, subtract: int
) -> tuple[int, int]:
    """Return the interval of ``a +- b * 2**shift`` (for negative shifts as SUB and ADD have it)."""
    if subtract:
        lo_b, hi_b = -hi_b, -lo_b
    if shift >= 0:
        return lo_a + (lo_b << shift), hi_a + (hi_b << shift)
    return (lo_a << -shift) + lo_b, (hi_a << -shift) + hi_b


@jit
def sum_cost(lo_a: int, hi_a: int, lo_b: int, hi_b: int, shift: int, subtract: int) -> int:
    """Estimate the LUTs of ``a +- b * 2**shift``: result bits that are not just wires."""
    lo, hi = sum_interval(lo_a, hi_a, lo_b, hi_b, shift, subtract)
    free = shift if shift >= 0 else (0 if subtract else -shift)
    # Numbers that do not overlap only stand side by side.
    if not subtract:
        if shift >= 0 and lo_a >= 0 and hi_a >> shift == 0:
            return 0
        if shift < 0 and lo_b >= 0 and hi_b >> -shift == 0:
            return 0
    return max(bits(lo, hi) - free, 1)


@jit
def triple_cost(lo: Ints, hi: Ints, shifts: Ints, signs: Ints) -> int:
    """Estimate the LUTs of a ternary adder: result bits, less the low bits of one operand alone.

    Parameters
    ----------
    lo, hi
        Interval of each term as it enters the sum, shifted and with its sign, shape (3,).
    shifts, signs
        How far each is to the left, and 1 or -1, shape (3,).
    """
    a, b, c = shifts[0], shifts[1], shifts[2]
    lowest = min(a, b, c)
    free = a + b + c - lowest - max(a, b, c)  # the middle one
    for k in range(3):
        if shifts[k] == lowest and signs[k] < 0:
            free = lowest
    return int(max(bits(lo[0] + lo[1] + lo[2], hi[0] + hi[1] + hi[2]) - free, 1))
