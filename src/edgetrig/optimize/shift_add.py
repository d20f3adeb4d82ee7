"""Constant matrices as shift-add graphs with shared subexpressions.

Every coefficient is written in canonical signed digits (Reitwiesner 1960: no two neighbouring
digits are non-zero, the fewest digits there are), with 4 - 1 written as 2 + 1, since sums have free
low bits and differences often not, so that each output is a sum of shifted inputs.
Pairs ``u +- v * 2**d`` that occur in several places are made once, most valuable first, as long as
no output gets deeper than its bound (Hosangadi et al. 2006; Sun et al., arXiv:2507.04535). What is
left of each output is summed in a tree of the least depth, close neighbours first.

Every solution is proved before it is used: the exact linear form of each output is compared with
the matrix.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgetrig.errors import CircuitError
from edgetrig.jit import jit
from edgetrig.optimize.digits import Columns, Digits, Values, put_in
from edgetrig.optimize.pairs import share_pairs
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.trees import add_up

_FORM_INPUTS = 32


class Sums(NamedTuple):
    """A shift-add graph. Value ``v < inputs`` is an input; ``inputs + k`` is sum ``k``.

    Sum ``k`` is ``a + b * 2**shift`` (``subtract`` 0) or ``a - b * 2**shift`` (1), with the meaning
    of ADD and SUB for negative shifts. Output ``j`` is ``sign * value * 2**shift``; value -1 is 0.
    """

    a: Ints
    b: Ints
    shift: Ints
    subtract: Ints
    output: Ints
    output_shift: Ints
    output_sign: Ints


def shift_add(
    start: Ints,
    inputs: Ints,
    coefficients: Ints,
    bias: Ints,
    bias_shift: Ints,
    lo: Ints,
    hi: Ints,
    depth: Ints,
    extra_depth: int,
) -> Sums:
    """Return a shift-add graph for sparse columns of integer coefficients.

    Parameters
    ----------
    start
        Where each output's terms begin, shape (outputs + 1,).
    inputs, coefficients
        Input number and coefficient (non-zero, below 2**61) of every term.
    bias, bias_shift
        For each output the number of an input to be added unshared (a constant), or -1, and how
        far to the left.
    lo, hi, depth
        Interval of every input, and how many adders lie in front of it.
    extra_depth
        Adders an output may be deeper than the least possible; negative for no bound.
    """
    digits, values, shifts, signs = _digits(start, inputs, coefficients)
    sums = Sums(
        *_solve(digits, values, shifts, signs, bias, bias_shift, lo, hi, depth, extra_depth)
    )
    if not _is_matrix(*sums, start, inputs, coefficients, bias, bias_shift, len(lo)):
        raise CircuitError("a shift-add graph does not equal its matrix: please report this model")
    return sums


@jit
def _is_matrix(
    a: Ints,
    b: Ints,
    shift: Ints,
    subtract: Ints,
    output: Ints,
    output_shift: Ints,
    output_sign: Ints,
    start: Ints,
    inputs: Ints,
    coefficients: Ints,
    bias: Ints,
    bias_shift: Ints,
    count: int,
) -> bool:
    """Prove a graph: every output's exact linear form has the coefficients asked for.

    A form is a value's coefficient of every input; a few inputs at a time keep memory small.
    """
    for first in range(0, count, _FORM_INPUTS):
        forms = np.zeros((count + len(a), _FORM_INPUTS), np.int64)
        for value in range(first, min(first + _FORM_INPUTS, count)):
            forms[value, value - first] = 1
        for k in range(len(a)):
            sign = -1 if subtract[k] else 1
            left, right = max(-shift[k], 0), max(shift[k], 0)
            for i in range(_FORM_INPUTS):
                forms[count + k, i] = (forms[a[k], i] << left) + sign * (forms[b[k], i] << right)
        wanted = np.zeros(_FORM_INPUTS, np.int64)
        for column in range(len(output)):
            wanted[:] = 0
            for term in range(start[column], start[column + 1]):
                if first <= inputs[term] < first + _FORM_INPUTS:
                    wanted[inputs[term] - first] += coefficients[term]
            if first <= bias[column] < first + _FORM_INPUTS:
                wanted[bias[column] - first] += 1 << bias_shift[column]
            for i in range(_FORM_INPUTS):
                got = 0
                if output[column] >= 0:
                    got = output_sign[column] * (forms[output[column], i] << output_shift[column])
                if got != wanted[i]:
                    return False
    return True


@jit
def _digits(start: Ints, inputs: Ints, coefficients: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Write all coefficients in signed digits, column by column."""
    count = 0
    for c in coefficients:
        rest = abs(c)
        while rest:
            count += rest & 1
            rest = (rest - (2 - (rest & 3)) * (rest & 1)) >> 1
    begin = np.zeros(len(start), np.int64)
    values, shifts, signs = (
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    at = 0
    for column in range(len(start) - 1):
        for term in range(start[column], start[column + 1]):
            rest, shift, first = coefficients[term], 0, at
            while rest != 0:
                if rest & 1:
                    digit = 2 - (rest & 3)
                    rest -= digit
                    values[at], shifts[at], signs[at] = inputs[term], shift, digit
                    if at > first and shifts[at - 1] == shift - 2 and signs[at - 1] == -digit:
                        shifts[at], signs[at - 1] = shift - 1, digit  # 4 - 1 = 2 + 1
                    at += 1
                rest >>= 1
                shift += 1
        begin[column + 1] = at
    return begin, values, shifts, signs


@jit
def _solve(
    begin: Ints,
    digit_value: Ints,
    digit_shift: Ints,
    digit_sign: Ints,
    bias: Ints,
    bias_shift: Ints,
    lo: Ints,
    hi: Ints,
    depth: Ints,
    extra_depth: int,
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Share pairs, then add up what is left; return the fields of `Sums`."""
    inputs, outputs = len(lo), len(begin) - 1
    digits, columns, values = _problem(
        begin, digit_value, digit_shift, digit_sign, lo, hi, depth, outputs
    )
    for column in range(outputs):
        for k in range(begin[column], begin[column + 1]):
            columns.kraft[column] += 2.0 ** depth[digit_value[k]]
        if bias[column] >= 0:
            columns.kraft[column] += 2.0 ** depth[bias[column]]
        if extra_depth >= 0 and columns.kraft[column] > 0:
            least = np.ceil(np.log2(columns.kraft[column]))
            columns.bound[column] = 2.0 ** (least + extra_depth)
    made = share_pairs(digits, columns, values, inputs)
    return add_up(digits, columns, bias, bias_shift, inputs, made, values)


@jit
def _problem(
    begin: Ints,
    digit_value: Ints,
    digit_shift: Ints,
    digit_sign: Ints,
    lo: Ints,
    hi: Ints,
    depth: Ints,
    outputs: int,
) -> tuple[Digits, Columns, Values]:
    """Return the digits, value by value, in their columns."""
    inputs, count = len(lo), len(digit_value)
    most = inputs + count + 2 * outputs + 1
    places = 2 * count  # every sum takes two digits for one
    digits = Digits(
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.bool_),
        np.zeros(1, np.int64),
    )
    columns = Columns(
        np.full(outputs, -1),
        np.zeros(outputs, np.int64),
        np.zeros(outputs, np.float64),
        np.full(outputs, np.inf),
    )
    values = Values(
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros((4, most), np.int64),
        np.arange(places),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
    )
    values.lo[:inputs], values.hi[:inputs], values.depth[:inputs] = lo, hi, depth
    column = np.searchsorted(begin, np.arange(count), side="right") - 1
    for new, old in enumerate(np.argsort(digit_value, kind="mergesort")):
        value = digit_value[old]
        digits.value[new], digits.column[new] = value, column[old]
        digits.shift[new], digits.sign[new] = digit_shift[old], digit_sign[old]
        if values.living[value] == 0:
            values.first[value] = new
        values.living[value] += 1
        put_in(new, digits, columns)
    return digits, columns, values
