"""The estimate: fast, marked as such, and near what Yosys finds."""

import time

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output, fixed_input, origin, trace
from edgetrig.errors import Error
from edgetrig.optimize import optimize
from edgetrig.synthesis import estimate, synthesize


def network():
    weights = np.random.default_rng(0).integers(-15, 16, (8, 6))

    def function(x):
        with origin("dense"):
            return np.maximum(x @ weights, 0)

    return optimize(trace(function, fixed_input("x", 8, integer=3, fraction=3)))


def test_a_network_is_near_the_measurement():
    circuit = network()
    cost, guess = synthesize(circuit), estimate(circuit)
    assert guess.lut == pytest.approx(cost.lut + cost.inverters, rel=0.25)
    assert guess.carry == pytest.approx(cost.carry, rel=0.25)
    assert guess.depth == pytest.approx(cost.depth, rel=0.4)


def test_it_is_marked_as_an_estimate():
    guess = estimate(network())
    assert str(guess).startswith("estimate for xcvu13p (not measured): about ")
    assert guess.to_dict()["lut"] == guess.lut


def test_it_takes_milliseconds():
    circuit = network()
    estimate(circuit)  # compiles
    start = time.perf_counter()
    estimate(circuit)
    assert time.perf_counter() - start < 0.1


def chain(registers):
    builder = Builder()
    port = Input("x", np.array([0]), np.array([255]), np.array([0]))
    x = builder.input(0, port)
    for _ in range(3):
        x = builder.append(Op.LOW, builder.append(Op.ADD, x, x, p=1), p=8)
        if registers:
            x = builder.append(Op.REG, x)
    builder.append(Op.MUL, x, x)  # nobody reads it
    return builder.finish([port], [Output("y", x, np.array([0]))])


def test_registers_count_and_cut_paths():
    flat, cut = estimate(chain(False)), estimate(chain(True))
    assert (flat.ff, cut.ff) == (0, 24)
    assert flat.depth == pytest.approx(3 * cut.depth, abs=1)
    assert flat.lut == cut.lut


def test_wiring_and_dead_rows_cost_nothing():
    builder = Builder()
    port = Input("x", np.array([-8]), np.array([7]), np.array([0]))
    x = builder.input(0, port)
    builder.append(Op.MUL, x, x)
    shifted = builder.append(Op.SHL, builder.append(Op.SHR, x, p=1), p=3)
    guess = estimate(builder.finish([port], [Output("y", shifted, np.array([0]))]))
    assert (guess.lut, guess.ff, guess.carry, guess.depth) == (0, 0, 0, 0)


def product(a, b, signed):
    ports = [
        fixed_input(name, 1, signed=sign, integer=width - sign, fraction=0)
        for name, width, sign in (("a", a, signed[0]), ("b", b, signed[1]))
    ]
    return trace(lambda x, y: x * y, *ports)


# Measured with Yosys 0.70.
@pytest.mark.parametrize(
    ("signed", "widths", "dsp"),
    [
        ((0, 0), (2, 6), 0),
        ((0, 0), (2, 8), 1),
        ((0, 0), (4, 4), 0),
        ((0, 0), (4, 5), 1),
        ((0, 0), (17, 26), 1),
        ((0, 0), (18, 18), 2),
        ((0, 0), (28, 28), 4),
        ((1, 1), (18, 27), 1),
        ((1, 1), (19, 19), 2),
        ((0, 1), (18, 28), 4),
        ((1, 0), (17, 27), 2),
    ],
)
def test_products_take_the_dsps_that_were_measured(signed, widths, dsp):
    guess = estimate(product(*widths, signed))
    assert guess.dsp == dsp
    assert (" DSP, " in str(guess)) == (dsp > 0)


@pytest.mark.parametrize("part", ["ecp5", "nexus"])
@pytest.mark.parametrize("widths", [(4, 9), (19, 19), (10, 22)])
def test_products_take_the_blocks_that_yosys_makes(part, widths):
    circuit = product(*widths, (1, 1))
    assert estimate(circuit, part).dsp == synthesize(circuit, part).dsp > 0


def test_a_product_in_a_multiplier_block_takes_no_luts():
    port = fixed_input("x", 2, integer=10, fraction=0)
    guess = estimate(trace(lambda x: x[0] * x[1], port))
    assert (guess.lut, guess.dsp, guess.depth) == (0, 1, 1)


def test_an_unknown_part_is_refused():
    with pytest.raises(Error, match="part 'zx81' is unknown"):
        estimate(network(), "zx81")


def test_a_sum_of_three_counts_a_lut_a_bit_in_front_of_registers_and_more_elsewhere():
    def circuit(registered):
        builder = Builder()
        port = Input("x", np.zeros(3, int), np.full(3, 255), np.zeros(3, int))
        row = builder.append(Op.ADD3, *builder.input(0, port))
        if registered:
            row = builder.append(Op.REG, row)
        return builder.finish([port], [Output("y", row.reshape(1), np.zeros(1, int))])

    assert estimate(circuit(registered=True)).lut == 10
    assert 15 <= estimate(circuit(registered=False)).lut <= 20
