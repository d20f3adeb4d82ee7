"""Small cones as look-up tables: rows of few input bits, one 6-input LUT a result bit.

Between few bits, adders, clips and roundings cost more than the function they make together: of
six input bits any function is one LUT a result bit. For every row all small sets of earlier rows
that decide it are found (cut enumeration, as in mapping to LUTs: Cong and Ding 1994). From the
outputs back, a row becomes a table of such a set where the table takes fewer LUTs than the rows
that nothing else needs (Mishchenko et al. 2006).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from edgetrig.circuit import Circuit, Op, use_counts
from edgetrig.optimize.cone_values import cone_values
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.rows import Edit, Ints, is_narrow_and_combinational

Cut = tuple[int, ...]

CONE_BITS = 6
"""Input bits of a table: with 7 and 8 Yosys needs more LUTs than for the rows they replace."""
_MOST_CUTS = 12
_LEAST_GAIN = 0.9
_CAUTION = 1.5
"""LUTs to be saved for each that a table takes, since logic between sums merges with them."""


def small_cones(circuit: Circuit) -> Circuit:
    """Replace rows by tables of few input bits where that takes fewer 6-input LUTs.

    Parameters
    ----------
    circuit
        A combinational circuit; with registers, or with values of more than 62 bits, it stays as it
        is.
    """
    if not is_narrow_and_combinational(circuit):
        return circuit
    cuts = _cuts(circuit)
    cover = _Cover(circuit)
    for row in range(len(circuit.rows) - 1, -1, -1):
        if cuts[row] and cover.uses[row] > 0:
            cover.try_cuts(row, cuts[row])
    return _with_tables(circuit, cover.chosen) if cover.chosen else circuit


def _cuts(circuit: Circuit) -> list[list[Cut]]:
    """Return for each row the sets of earlier rows, of few bits together, that decide it."""
    operands = circuit.rows.operands.tolist()
    width, constant = circuit.widths.tolist(), circuit.constant.tolist()
    cuts: list[list[Cut]] = []
    # What a row's users may take for it: its own value, or what decides it.
    offered: list[list[Cut]] = []
    for row, every in enumerate(operands):
        found: dict[Cut, int] = {}
        read = [k for k in every if k >= 0]
        if read and not constant[row]:
            for parts in product(*(offered[k] for k in read)):
                cut = tuple(sorted(set().union(*parts)))
                bits = sum(width[k] for k in cut)
                if cut and bits <= CONE_BITS:
                    found[cut] = bits
        kept = sorted(found, key=lambda cut: (found[cut], len(cut)))[:_MOST_CUTS]
        cuts.append(kept)
        own: list[Cut] = [()] if constant[row] else [(row,)] if width[row] <= CONE_BITS else []
        offered.append(own + kept)
    return cuts


class _Cover:
    """Which rows become tables, and which rows are needed still."""

    def __init__(self, circuit: Circuit) -> None:
        rows = circuit.rows
        self._circuit = circuit
        self._operands = [[k for k in read if k >= 0] for read in rows.operands.tolist()]
        self._luts = row_luts(circuit).tolist()
        self.uses = use_counts(rows.operands, circuit.output_rows).tolist()
        self.chosen: dict[int, tuple[Cut, Ints]] = {}

    def try_cuts(self, row: int, cuts: list[Cut]) -> None:
        """Let a row be a table of its best cut, if that saves LUTs."""
        best: tuple[Cut, Ints] | None = None
        gain = _LEAST_GAIN
        for cut in cuts:
            freed = self._free(row, cut, -1)
            self._free(row, cut, 1)
            if freed <= gain:
                continue
            values = cone_values(self._circuit, row, cut)
            saved = freed - _CAUTION * _table_luts(values, int(self._circuit.widths[row]))
            if saved > gain:
                best, gain = (cut, values), saved
        if best is not None:
            self._free(row, best[0], -1)
            for leaf in best[0]:
                self.uses[leaf] += 1
            self.chosen[row] = best

    def _free(self, row: int, cut: Cut, change: int) -> float:
        """Let go of (-1), or take up (1), what a row needs down to a cut; return its LUTs."""
        luts, stack = 0.0, [row]
        while stack:
            here = stack.pop()
            luts += self._luts[here]
            for operand in self._operands[here]:
                before = self.uses[operand]
                self.uses[operand] += change
                unused = 0 in (before, self.uses[operand])
                if unused and operand not in cut:
                    stack.append(operand)
        return luts


def _table_luts(values: Ints, width: int) -> float:
    """Estimate the LUTs of a table of 2**n entries: what each result bit really depends on."""
    inputs = len(values).bit_length() - 1
    total = 0.0
    for bit in range(width):
        ones: Ints = ((values >> bit) & 1).reshape((2,) * inputs)
        for axis in range(inputs - 1, -1, -1):
            if np.array_equal(ones.take(0, axis), ones.take(1, axis)):
                ones = np.take(ones, [0], axis).squeeze(axis)
        if ones.ndim == 1:
            total += 0.5 * int(ones[0])  # a wire, or an inverter that may join what follows
        else:
            total += ones.ndim > 0
    return total


def _with_tables(circuit: Circuit, chosen: dict[int, tuple[Cut, Ints]]) -> Circuit:
    """Put tables in the place of rows; their index is the leaves' bits side by side."""
    rows, width = circuit.rows, circuit.widths
    edit = Edit(circuit)
    for row, (cut, values) in chosen.items():
        origin, used = int(rows.origin[row]), 0
        by_place = {}
        for leaf in cut:
            bits = int(width[leaf])
            signed = rows.lo[leaf] < 0
            by_place[used] = (
                int(edit.add(Op.LOW, a=leaf, p=bits, origin=origin)) if signed else leaf
            )
            used += bits
        index = edit.side_by_side(by_place, origin)
        labels = {"origin": origin, "fraction": int(rows.fraction[row])}
        edit.replace(row, int(edit.add(Op.TABLE, a=index, p=edit.table(values), **labels)))
    return edit.circuit()
