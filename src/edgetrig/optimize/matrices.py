"""Find the constant matrices in a circuit and make shift-add graphs of them.

Sums, shifts and products with constants are gathered into matrices wherever they stand: a dense
layer, its bias, a folded batch norm, the rounding constant of the quantiser behind it, or a sum
that a user wrote. A value that several sums use is an input of theirs (what it stands for is
shared as it is), so a chain of two layers is never multiplied out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import WIRING, Circuit, Op, linear_scales, merge_forms, use_counts
from edgetrig.errors import CircuitError
from edgetrig.jit import jit
from edgetrig.optimize.rows import Column, Edit, Ints, trailing_zeros
from edgetrig.optimize.shift_add import Matrix, Sums, shift_add
from edgetrig.optimize.sum_rows import add_sums

TERNARY_STAGE: Final = 3
"""Adders of a stage from which on two sums of three in a row fit, too."""
_LIMIT = 2.0**60
_REG = int(Op.REG)


def constant_matrices(
    circuit: Circuit,
    extra_depth: int = 2,
    *,
    effort: int = 1,
    stage: int = 0,
    ternary: bool = False,
) -> Circuit:
    """Replace every linear part by a shift-add graph with shared subexpressions.

    Parameters
    ----------
    circuit
        Any circuit; those with values of more than 62 bits are returned as they are.
    extra_depth
        Adders that an output may be deeper than the least possible; negative for no bound.
    effort
        How long to look for smaller graphs, in units of about a tenth of a second of one core;
        0 takes the first. The result depends on nothing else: it is the same on every machine.
    stage
        Adders that fit between two registers, where few register bits are worth some more LUTs and
        depth; 0 for the fewest LUTs.
    ternary
        Fill stages, of at least three adders, with sums of three, and with counters in front of
        them where there is more to add.

    Raises
    ------
    CircuitError
        If the effort or the stage is negative, or a stage has no room for sums of three.
    """
    if effort < 0:
        raise CircuitError(f"an effort of {effort}: use 0 or more")
    if stage < 0:
        raise CircuitError(f"a stage of {stage} adders: use 0 or more")
    if ternary and stage < TERNARY_STAGE:
        raise CircuitError(
            f"sums of three in stages of {stage} adders: use {TERNARY_STAGE} or more"
        )
    rows = circuit.rows
    if rows.lo.dtype == object:
        return circuit
    forms = Forms(
        *_forms(
            rows.op, rows.a, rows.b, rows.p, rows.lo, rows.hi, rows.operands, circuit.output_rows
        )
    )
    targets = np.flatnonzero(forms.target)
    if not len(targets):
        return circuit
    depth = _depth(rows.operands, np.isin(rows.op, list(WIRING)))
    groups = _groups(targets, forms.ends, forms.atoms, len(rows))
    found = [_matrix(circuit, group, forms, depth) for group in groups]
    solved = shift_add(
        [matrix for matrix, _, _ in found],
        extra_depth=extra_depth,
        effort=effort,
        stage=stage,
        ternary=ternary,
    )
    edit = Edit(circuit)
    for group, (matrix, inputs, constants), sums in zip(groups, found, solved, strict=True):
        origin = edit.columns["origin"][forms.source[group]]
        added = edit.add(Op.CONST, lo=constants, hi=constants, origin=origin[0])
        names = np.concatenate([inputs, added])
        made = add_sums(edit, names, matrix.lo, matrix.hi, sums, origin)
        names = np.concatenate([names, made])
        _point_targets(edit, group, names, sums)
    return edit.circuit()


class Forms(NamedTuple):
    """The linear form of every row, and which rows are to be built of theirs: see `_forms`."""

    ends: Ints
    atoms: Ints
    coefficients: Ints
    offset: Ints
    target: NDArray[np.bool_]
    source: Ints


def _matrix(
    circuit: Circuit, targets: Ints, forms: Forms, depth: Ints
) -> tuple[Matrix, Ints, Ints]:
    """Return the matrix of some targets, the rows that are its inputs, and its constants."""
    terms = [np.arange(*forms.ends[row]) for row in targets]
    every = np.concatenate(terms)
    inputs, number = np.unique(forms.atoms[every], return_inverse=True)
    # Constants are added in the trees, each (its odd part) as an input of its own.
    bias = forms.offset[targets]
    bias_shift = trailing_zeros(bias)
    bias = bias >> bias_shift
    constants = np.unique(bias[bias != 0])
    rows = circuit.rows
    lo, hi = (
        np.concatenate([column[inputs], constants]).astype(np.int64)
        for column in (rows.lo, rows.hi)
    )
    # Depths count from the least deep input: powers of two of them stay finite in deep circuits.
    level = depth[inputs] - depth[inputs].min(initial=depth.max(initial=0))
    matrix = Matrix(
        np.cumsum([0, *map(len, terms)]),
        number,
        forms.coefficients[every],
        np.where(bias != 0, len(inputs) + np.searchsorted(constants, bias), -1),
        bias_shift,
        lo,
        hi,
        np.concatenate([level, np.zeros(len(constants), np.int64)]),
    )
    return matrix, inputs, constants


def _point_targets(edit: Edit, targets: Ints, names: Ints, sums: Sums) -> None:
    labels = {name: edit.columns[name][targets] for name in ("origin", "fraction")}
    rows = np.append(names, 0)[sums.output]  # -1, for an output that is 0, finds the last
    for mask, op, p in (
        (sums.output < 0, Op.CONST, np.zeros_like(sums.output)),
        (sums.output_sign < 0, Op.NEG, np.zeros_like(sums.output)),
        (sums.output_shift > 0, Op.SHL, sums.output_shift),
    ):
        a = np.where(mask & (op != Op.CONST), rows, 0)[mask]
        new = {name: column[mask] for name, column in labels.items()}
        rows[mask] = edit.add(op, a=a, p=p[mask], **new)
    edit.replace(targets, rows)


@jit
def _depth(operands: NDArray[np.int32], wiring: NDArray[np.bool_]) -> Ints:
    """Return how many rows of logic lie between the inputs and each row."""
    depth = np.zeros(len(operands), np.int64)
    for row in range(len(operands)):
        for k in range(3):
            if operands[row, k] >= 0:
                depth[row] = max(depth[row], depth[operands[row, k]])
        depth[row] += not wiring[row]
    return depth


@jit
def _forms(  # noqa: PLR0912 - one scan
    op: Column,
    a: Column,
    b: Column,
    p: Column,
    lo: Ints,
    hi: Ints,
    operands: NDArray[np.int32],
    outputs: Ints,
) -> tuple[Ints, Ints, Ints, Ints, NDArray[np.bool_], Ints]:
    """Return each row's linear form and whether it is one to build.

    The form of row r has terms ``ends[r, 0]..ends[r, 1]`` of ``atoms`` and ``coefficients`` and a
    constant ``offset[r]``. A user looks through a row if it is the only user, or if the row is just
    one value times a constant. ``source[r]`` is the row that brings most terms: its layer is where
    the sum belongs, even if a rounding constant of the next layer was added last.
    """
    count = len(op)
    uses = use_counts(operands, outputs)
    is_output = np.zeros(count, np.bool_)
    for row in outputs:
        is_output[row] = True
    source = np.arange(count)
    ends, offset = np.zeros((count, 2), np.int64), np.zeros(count, np.int64)
    # What users see: the form where they may look through, else the row itself.
    seen, seen_offset = np.zeros((count, 2), np.int64), np.zeros(count, np.int64)
    linear, opaque = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    atoms = np.zeros(4 * count + 16, np.int64)
    coefficients = np.zeros(len(atoms), np.int64)
    used = 0
    for row in range(count):
        x, y = a[row], b[row]
        room = used + 2 + seen[x, 1] - seen[x, 0] + seen[y, 1] - seen[y, 0]
        while room > len(atoms):
            atoms = np.concatenate((atoms, np.zeros_like(atoms)))
            coefficients = np.concatenate((coefficients, np.zeros_like(coefficients)))
        if lo[row] == hi[row]:
            seen[row, 0], seen[row, 1], seen_offset[row] = used, used, lo[row]
            continue
        is_linear, other, scale_x, scale_y = linear_scales(op[row], x, y, p[row], lo, hi)
        if is_linear and op[row] != _REG:
            other = y if scale_y != 0 else row  # row itself has no terms yet: an empty form
            end = merge_forms(atoms, coefficients, used, x, other, seen, scale_x, scale_y)
            total = seen_offset[x] * scale_x + seen_offset[other] * scale_y
            reach = abs(float(seen_offset[x]) * scale_x) + abs(float(seen_offset[other]) * scale_y)
            for k in range(used, end):
                size = max(abs(float(lo[atoms[k]])), abs(float(hi[atoms[k]])))
                reach += abs(float(coefficients[k])) * size
            if reach < _LIMIT:
                linear[row] = True
                longest = other if seen[other, 1] - seen[other, 0] > seen[x, 1] - seen[x, 0] else x
                if linear[longest] and not opaque[longest] and longest != row:
                    source[row] = source[longest]
                ends[row, 0], ends[row, 1], offset[row] = used, end, total
                used = end
                single = ends[row, 1] - ends[row, 0] == 1 and total == 0
                if single or (uses[row] == 1 and not is_output[row]):
                    seen[row, 0], seen[row, 1] = ends[row, 0], ends[row, 1]
                    seen_offset[row] = total
                    continue
                opaque[row] = True
        atoms[used], coefficients[used] = row, 1
        seen[row, 0], seen[row, 1] = used, used + 1
        used += 1
    target = np.zeros(count, np.bool_)
    for row in range(count):
        target[row] = linear[row] and (opaque[row] or is_output[row])
    for row in range(count):
        if not linear[row]:
            for k in range(3):
                if operands[row, k] >= 0 and linear[operands[row, k]]:
                    target[operands[row, k]] = True
    return ends, atoms, coefficients, offset, target, source


@jit
def _components(targets: Ints, ends: Ints, atoms: Ints, count: int) -> Ints:
    """Group the targets by which of them share inputs, directly or through others."""
    parent = np.arange(count)
    for row in targets:
        for k in range(ends[row, 0], ends[row, 1]):
            x, y = atoms[k], atoms[ends[row, 0]]
            while parent[x] != x:
                parent[x] = parent[parent[x]]
                x = parent[x]
            while parent[y] != y:
                parent[y] = parent[parent[y]]
                y = parent[y]
            parent[max(x, y)] = min(x, y)
    result = np.zeros(len(targets), np.int64)
    for k in range(len(targets)):
        row = targets[k]
        if ends[row, 0] == ends[row, 1]:
            result[k] = count + k
            continue
        x = atoms[ends[row, 0]]
        while parent[x] != x:
            x = parent[x]
        result[k] = x
    return result


def _groups(targets: Ints, ends: Ints, atoms: Ints, count: int) -> list[Ints]:
    component = _components(targets, ends, atoms, count)
    order = np.argsort(component, kind="stable")
    edges = np.flatnonzero(np.diff(component[order])) + 1
    return np.split(targets[order], edges)
