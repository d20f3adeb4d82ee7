"""Constant matrices as shift-add graphs with shared subexpressions.

Every coefficient is written in canonical signed digits (Reitwiesner 1960: no two neighbouring
digits are non-zero, the fewest digits there are), with 4 - 1 written as 2 + 1, since sums have free
low bits and differences often not, so that each output is a sum of shifted inputs.
Pairs ``u +- v * 2**d`` that occur in several places are made once, most valuable first, as long as
no output gets deeper than its bound (Hosangadi et al. 2006; Sun et al., arXiv:2507.04535). What is
left of each output is summed in a tree, cheapest pairs first. Then better choices are looked for
(`edgetrig.optimize.search`).

Every solution is proved before it is used: the exact linear form of each output is compared with
the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import CircuitError
from edgetrig.jit import jit
from edgetrig.optimize.rows import Ints
from edgetrig.optimize.search import solve
from edgetrig.optimize.sharing import Problem
from edgetrig.programs import processors

_FORM_INPUTS: Final = 32
_DIGITS: Final = 100_000
"""Digits of all matrices together that a unit of effort shares anew: a tenth of a second's."""
_MOST_ATTEMPTS: Final = 200
"""Attempts of a unit of effort: small matrices have no more to gain."""


class Matrix(NamedTuple):
    """Sparse columns of integer coefficients, and what is known of their inputs.

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
    """

    start: Ints
    inputs: Ints
    coefficients: Ints
    bias: Ints
    bias_shift: Ints
    lo: Ints
    hi: Ints
    depth: Ints


class Sums(NamedTuple):
    """A shift-add graph. Value ``v < inputs`` is an input; ``inputs + k`` is sum ``k``.

    Sum ``k`` is ``a + b * 2**shift`` (``subtract`` 0) or ``a - b * 2**shift`` (1), with the meaning
    of ADD and SUB for negative shifts. Output ``j`` is ``sign * value * 2**shift``; value -1 is 0.
    Where ``half`` is set, only the next sum reads sum ``k``, as its `a`: the two are one of three.
    """

    a: Ints
    b: Ints
    shift: Ints
    subtract: Ints
    output: Ints
    output_shift: Ints
    output_sign: Ints
    half: NDArray[np.bool_]


def shift_add(
    matrices: Sequence[Matrix],
    *,
    extra_depth: int,
    effort: int,
    stage: int = 0,
    ternary: bool = False,
) -> list[Sums]:
    """Return a shift-add graph for every matrix; they are solved at once, on all cores.

    Parameters
    ----------
    matrices
        Independent of each other.
    extra_depth
        Adders an output may be deeper than the least possible; negative for no bound.
    effort
        How long to look for something better than the first solution: one unit is about a tenth of
        a second for all matrices together. It counts steps, so the result is always the same.
    stage
        Adders that fit between two registers of a pipeline; 0 for none. With it few bits are to
        cross the ends of stages: sums of inputs that many outputs use are made first, in front of
        the first registers, and what follows fills whole stages. The adders of the first stage add
        to the depth.
    ternary
        With stages of at least three adders: fill them with sums of three, which the family has,
        and with counters in front of them where there is more to add.

    Raises
    ------
    CircuitError
        If a graph does not equal its matrix, which would be a bug.
    """
    # Equal matrices, as of jet constituents, are solved once.
    names = [b"/".join(column.tobytes() for column in matrix) for matrix in matrices]
    distinct = dict(zip(names, matrices, strict=True))
    digits = {name: _digits(*matrix[:3]) for name, matrix in distinct.items()}
    every = sum(len(part[1]) for part in digits.values())
    attempts = min(effort * _DIGITS // max(every, 1), effort * _MOST_ATTEMPTS)
    cores = processors()
    each = max(1, cores // max(len(distinct), 1))

    def solved(name: bytes) -> Sums:
        problem = Problem(*digits[name], *distinct[name][3:])
        sums = Sums(*solve(problem, extra_depth, attempts, effort, stage, ternary, each))
        if not _is_matrix(sums, distinct[name]):
            raise CircuitError("a shift-add graph is not its matrix: please report this model")
        return sums

    # The longest first, so that none is left over at the end.
    order = sorted(digits, key=lambda name: -len(digits[name][1]))
    with ThreadPoolExecutor(cores) as pool:
        found = dict(zip(order, pool.map(solved, order), strict=True))
    return [found[name] for name in names]


@jit
def _is_matrix(sums: Sums, matrix: Matrix) -> bool:
    """Prove a graph: every output's exact linear form has the coefficients asked for.

    A form is a value's coefficient of every input; a few inputs at a time keep memory small.
    """
    a, b, shift, subtract, output, output_shift, output_sign, _ = sums
    start, inputs, coefficients, bias, bias_shift, lo, _, _ = matrix
    count = len(lo)
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
