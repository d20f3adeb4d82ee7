"""Prices of rows: one table a family, logic counted where a mapper would put it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_programs
from edgetrig.circuit import Builder, Input, Op, Output, Table, fixed_input, trace
from edgetrig.errors import Error
from edgetrig.optimize import (
    DELAYS,
    KINDS,
    PRICES,
    cheapest,
    lut_cover,
    optimize,
    prices_of,
    row_luts,
    work,
)

CIRCUITS = (
    random_circuits() | random_circuits(wide=True) | random_programs().map(lambda p: p.circuit)
)


def logic(circuit, family="UltraScale+"):
    """LUTs of the logic, without sums and tables."""
    return int(lut_cover(circuit, family, np.zeros(len(circuit))).luts.sum())


def traced(function, *bits):
    ports = [fixed_input(f"x{k}", (), signed=0, integer=n, fraction=0) for k, n in enumerate(bits)]
    return optimize(trace(function, *ports))


@given(circuit=CIRCUITS, family=st.sampled_from(sorted(DELAYS)))
def test_every_row_of_every_circuit_has_a_price(circuit, family):
    luts = row_luts(circuit, family)
    assert luts.shape == (len(circuit),)
    assert np.isfinite(luts).all()
    assert (luts >= 0).all()
    done = work(circuit, family)
    assert tuple(done) == KINDS
    assert luts == pytest.approx(sum(PRICES[family].luts[kind] * done[kind] for kind in KINDS))


def test_every_family_has_every_price():
    assert set(PRICES) == set(DELAYS)
    for family in DELAYS:
        assert set(prices_of(family).luts) == set(KINDS)


def test_an_unknown_family_is_refused():
    circuit = traced(lambda x: x + 1, 4)
    with pytest.raises(Error, match="'Z80'"):
        row_luts(circuit, "Z80")
    with pytest.raises(Error, match="no prices for family 'Z80'"):
        prices_of("Z80")


def test_a_rectifier_and_a_saturation_share_their_luts():
    """Each bit of the result is one LUT, and so is the question whether it saturates."""
    circuit = traced(lambda x, y: np.minimum(np.maximum(x - y, 0), 63), 8, 8)
    assert logic(circuit) in (7, 8)


def test_choices_of_choices_share_luts_up_to_six_inputs():
    def choices(a, b, x, y, z):
        return np.where(a > 0, np.where(b > 0, x, y), z)

    circuit = traced(choices, 1, 1, 5, 5, 5)
    assert logic(circuit) == 5  # a, b and a bit of each: five inputs
    assert logic(circuit, "ECP5") == 10


def test_a_choice_of_two_constants_is_wires():
    assert logic(traced(lambda a: np.where(a > 0, 21, 10), 1)) == 0


def test_what_two_rows_read_has_a_lut_of_its_own():
    def function(a, x, y):
        chosen = np.where(a > 0, x, y)
        return {"chosen": chosen, "other": np.where(x > 3, y, chosen)}

    assert logic(traced(function, 1, 3, 3)) == 6


def test_a_comparison_with_a_constant_is_a_tree_where_luts_are_large_and_a_chain_elsewhere():
    circuit = traced(lambda x: x > 37, 9)
    assert logic(circuit) == 2
    assert logic(circuit, "Gowin") == 0
    # 38 has a 0 at its end. Eight bits, and the LUT that has the answer.
    assert work(circuit, "Gowin")["less than constant"].sum() == 9
    assert work(circuit, "Gowin")["less"].sum() == 0
    assert logic(traced(lambda x: x >= 64, 7)) == 0  # a wire


def test_bits_side_by_side_are_wires():
    """Before, the sum that puts them side by side took the choice in, for nothing."""
    builder = Builder()
    x = builder.input(0, Input("x", np.zeros(4, int), np.ones(4, int), np.zeros(4, int)))
    choice = builder.append(Op.SELECT, *x[:3])
    index = builder.append(Op.ADD, x[3], choice, p=1)
    table = builder.table(Table(0, np.array([0, 1, 1, 0])))
    y = np.array([builder.append(Op.TABLE, index, p=table)])
    port = Input("x", np.zeros(4, int), np.ones(4, int), np.zeros(4, int))
    circuit = builder.finish([port], [Output("y", y, np.zeros(1, int))])
    cover = lut_cover(circuit, "UltraScale+", np.zeros(len(circuit)))
    assert (cover.luts.sum(), cover.in_sums.sum(), cover.depth.max()) == (1, 0, 1)
    assert all(work(circuit, family)["sum"].sum() == 0 for family in DELAYS)


def test_a_sum_takes_in_the_choice_in_front_of_it():
    circuit = traced(lambda a, x, y: y + np.where(a > 0, x, 0), 1, 6, 6)
    done = work(circuit, "UltraScale+")
    assert done["logic"].sum() + done["logic in sums"].sum() == 6


def table_circuit(bits, values):
    builder = Builder()
    port = Input("x", np.array([0]), np.array([2**bits - 1]), np.array([0]))
    x = builder.input(0, port)
    row = builder.append(Op.TABLE, x, p=builder.table(Table(0, np.asarray(values))))
    return builder.finish([port], [Output("y", row, np.array([0]))])


def test_a_small_table_costs_what_its_bits_depend_on():
    assert logic(table_circuit(4, np.arange(16))) == 0  # wires
    assert logic(table_circuit(4, [k.bit_count() & 1 for k in range(16)])) == 1
    assert logic(table_circuit(6, np.arange(64) ** 2 % 64)) < 6


def test_a_chain_that_logic_asks_ends_in_its_lut():
    circuit = traced(lambda x, a, b: np.where(x > 37, a, b), 9, 1, 1)
    assert work(circuit, "Gowin")["less than constant"].sum() == 8


def test_a_constant_below_the_lowest_bit_is_wires():
    circuit = traced(lambda x: 2 * x + 1, 8)
    assert row_luts(circuit).sum() == row_luts(circuit, "ECP5").sum() == 0
    asked = traced(lambda x: 2 * x + 1 > 100, 8)
    assert logic(asked) == logic(traced(lambda x: x >= 50, 8))


@pytest.mark.parametrize(
    ("function", "bits", "inverted"),
    [
        (lambda x: x + 4, 6, 1),
        (lambda x: x - 1, 8, 8),
        (lambda x: 12 - x, 8, 6),
        (lambda x: 4 * x + 5, 8, 1),
    ],
)
def test_a_constant_inverts_the_bits_in_front_of_its_chain(function, bits, inverted):
    done = work(traced(function, 8), "UltraScale+")
    assert done["constant sum"].sum() == bits
    assert done["inversion"].sum() == inverted


@pytest.mark.parametrize(
    ("values", "luts"),
    [
        (np.arange(128).astype(object).tolist(), 0),  # a wire each
        ([k.bit_count() & 1 for k in range(128)], 3),  # two truth tables and the choice
        ([k.bit_count() & 1 for k in range(256)], 3),  # two again, four places
        ([int(k >= 100) for k in range(128)], 2),  # one, and 0 below it
    ],
)
def test_a_large_table_costs_its_truth_tables_and_their_choice(values, luts):
    circuit = table_circuit(len(values).bit_length() - 1, values)
    assert work(circuit, "UltraScale+")["table"].sum() == luts


def test_differences_both_ways_count_once():
    one = traced(lambda x, y: x - y, 6, 6)
    both = traced(lambda x, y: {"a": x - y, "b": y - x}, 6, 6)
    one, both = (work(circuit, "UltraScale+")["sum"].sum() for circuit in (one, both))
    assert both == one


def test_a_form_is_taken_only_if_it_takes_clearly_less():
    def sums(*bits):
        return traced(lambda *x: {f"y{k}": v + 1 + x[0] for k, v in enumerate(x)}, *bits)

    plain, nearly, less = sums(*[30] * 18), sums(*[30] * 17, 29), sums(*[20] * 18)
    assert 0 < row_luts(plain).sum() - row_luts(nearly).sum() < 0.0025 * row_luts(plain).sum()
    assert cheapest([plain, nearly], "UltraScale+") is plain
    assert cheapest([plain, nearly, less], "UltraScale+") is less
    assert cheapest([less, plain], "UltraScale+") is less
