"""The emulator computes what the printed circuit says: all operations, lanes and widths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import integers, random_circuits, random_codes, random_programs
from edgetrig.circuit import Builder, Circuit, Input, Op, Output, Table
from edgetrig.emulate import Emulator
from edgetrig.verify.reference import evaluate


def assert_same_bits(circuit: Circuit, codes: np.ndarray, **options: int) -> None:
    expected = evaluate(str(circuit), codes.tolist())
    assert Emulator(circuit, **options).codes(codes, threads=1).tolist() == expected


@given(random_circuits(max_rows=60), st.integers(0, 99), st.sampled_from((1, 3, 256, 300)))
def test_random_circuits(circuit: Circuit, seed: int, events: int) -> None:
    assert_same_bits(circuit, random_codes(circuit, events, seed))


@given(random_circuits(registers=True), st.integers(0, 99))
def test_registers_change_nothing(circuit: Circuit, seed: int) -> None:
    assert_same_bits(circuit, random_codes(circuit, 7, seed))


@given(random_circuits(wide=True), st.integers(0, 99))
def test_wide_circuits(circuit: Circuit, seed: int) -> None:
    assert_same_bits(circuit, random_codes(circuit, 7, seed))


@given(random_programs())
def test_random_programs(program) -> None:
    codes = random_codes(program.circuit, 20)
    assert Emulator(program.circuit).codes(codes).tolist() == program.expected(codes)


def one_row(op: Op, intervals: list[tuple[int, int]], p: int) -> Circuit:
    """Return the circuit of one operation on inputs of the given intervals."""
    builder = Builder()
    low, high = (integers([ends[k] for ends in intervals]) for k in (0, 1))
    port = Input("x", low, high, np.zeros(len(intervals), np.int64))
    rows = [int(row) for row in builder.input(0, port)]
    if op == Op.TABLE:
        entries = (np.arange(low[0], high[0] + 1) * 40503) % (2 * p) - p
        p = builder.table(Table(int(low[0]), entries))
    a, b, c = ([*rows, 0, 0])[:3]
    result = np.atleast_1d(builder.append(op, a, b, c, p))
    return builder.finish([port], [Output("y", result, np.zeros(1, np.int64))])


def around(bits: int) -> list[tuple[int, int]]:
    """Return intervals at, one below and one above the corners of a machine word."""
    one = 1 << bits
    return [(0, one - 1), (-one, one - 1), (0, one), (-one - 1, 0), (one - 2, one + 1), (-one, -1)]


WORDS = (7, 8, 15, 16, 31, 32, 61, 62, 63)


@pytest.mark.parametrize("bits", WORDS)
@pytest.mark.parametrize("op", [Op.ADD, Op.SUB, Op.MUL, Op.LT, Op.EQ, Op.AND, Op.OR, Op.XOR])
def test_two_operands_at_word_corners(op: Op, bits: int) -> None:
    for first in around(bits):
        for second in [first, (-1, 1), (-128, 127)]:
            for p in (0, 1, -1, 9, -9) if op in (Op.ADD, Op.SUB) else (0,):
                circuit = one_row(op, [first, second], p)
                assert_same_bits(circuit, random_codes(circuit, 12))


@pytest.mark.parametrize("bits", WORDS)
@pytest.mark.parametrize("op", [Op.NEG, Op.SHL, Op.SHR, Op.LOW, Op.LOWS])
def test_one_operand_at_word_corners(op: Op, bits: int) -> None:
    for ends in around(bits):
        for p in (1, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65) if op != Op.NEG else (0,):
            circuit = one_row(op, [ends], p)
            assert_same_bits(circuit, random_codes(circuit, 12))


@pytest.mark.parametrize("bits", WORDS)
def test_select_at_word_corners(bits: int) -> None:
    for first in around(bits):
        for second in [first, (-3, 5)]:
            circuit = one_row(Op.SELECT, [(0, 1), first, second], 0)
            assert_same_bits(circuit, random_codes(circuit, 12))


@pytest.mark.parametrize("bits", [7, 8, 15, 16, 31, 32, 60])
@pytest.mark.parametrize("ends", [(-128, 127), (0, 255), (1000, 1300), (-(1 << 40), 5 - (1 << 40))])
def test_tables(ends: tuple[int, int], bits: int) -> None:
    circuit = one_row(Op.TABLE, [ends], 1 << bits)
    codes = np.arange(ends[0], ends[1] + 1)[:, None]
    assert_same_bits(circuit, codes)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("bits", WORDS)
def test_maximum_and_minimum(bits: int, swap: bool) -> None:
    for ends in around(bits):
        builder = Builder()
        low, high = integers([ends[0], -5]), integers([ends[1], 9])
        port = Input("x", low, high, np.zeros(2, np.int64))
        x, y = builder.input(0, port)
        smaller = builder.append(Op.LT, x, y)
        extreme = builder.append(Op.SELECT, smaller, *((y, x) if swap else (x, y)))
        wrapped = builder.append(Op.LOWS, extreme, p=4)
        rows = np.array([extreme, wrapped, smaller]).ravel()
        circuit = builder.finish([port], [Output("y", rows, np.zeros(3, np.int64))])
        assert_same_bits(circuit, random_codes(circuit, 12))


def test_a_wide_sum_that_wraps_is_computed_in_narrow_lanes() -> None:
    builder = Builder()
    port = Input("x", np.full(40, -(1 << 30)), np.full(40, 1 << 30), np.zeros(40, np.int64))
    rows = builder.input(0, port)
    total = rows[0]
    for row in rows[1:]:
        total = builder.append(Op.ADD, total, row)
    wrapped = np.atleast_1d(builder.append(Op.LOWS, total, p=7))
    circuit = builder.finish([port], [Output("y", wrapped, np.zeros(1, np.int64))])
    assert_same_bits(circuit, random_codes(circuit, 40))


@pytest.mark.parametrize("inputs", [3, 40, 1500])
def test_matrices_and_long_sums(inputs: int) -> None:
    generator = np.random.default_rng(inputs)
    builder = Builder()
    port = Input("x", np.full(inputs, -100), np.full(inputs, 27), np.zeros(inputs, np.int64))
    sums = rows = builder.input(0, port)
    while len(sums) > 3:
        # Neighbours meet with shifts and signs, and every fourth sum is read by two others.
        op = np.where(generator.random(len(sums) // 2) < 0.5, Op.ADD, Op.SUB)
        shift = generator.integers(-1, 2, len(op))
        more = builder.append(op, sums[: len(op)], sums[-len(op) :], p=shift)
        sums = np.concatenate([more[::4][:2], more]) if len(more) > 6 else more
    weights = builder.constant(generator.integers(-9, 9, len(rows)))
    total = builder.append(Op.MUL, rows[0], weights[0])
    for row, weight in zip(rows[1:], weights[1:], strict=True):
        total = builder.append(Op.ADD, total, builder.append(Op.MUL, weight, row))
    outputs = np.concatenate([sums, [total, builder.append(Op.SUB, total, total)]])
    circuit = builder.finish([port], [Output("y", outputs, np.zeros(len(outputs), np.int64))])
    assert_same_bits(circuit, random_codes(circuit, 9))


def test_a_sum_that_cancels() -> None:
    builder = Builder()
    port = Input("x", np.array([-3, 0]), np.array([400, 1]), np.zeros(2, np.int64))
    x, y = builder.input(0, port)
    five = builder.constant(np.array([5]))[0]
    total = builder.append(Op.ADD, builder.append(Op.ADD, x, five), y, p=3)
    rows = [builder.append(Op.SUB, total, x), builder.append(Op.SUB, total, total)]
    rows += [builder.append(Op.LT, rows[1], five), builder.append(Op.NEG, five)]
    circuit = builder.finish([port], [Output("y", np.array(rows), np.zeros(4, np.int64))])
    assert_same_bits(circuit, random_codes(circuit, 9))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("bits", [7, 15, 31, 61])
def test_a_choice_by_a_comparison(bits: int, shared: bool) -> None:
    for first in around(bits):
        builder = Builder()
        low, high = integers([first[0], -5, -70, 0]), integers([first[1], 9, 3, 40_000])
        port = Input("x", low, high, np.zeros(4, np.int64))
        a, b, c, d = builder.input(0, port)
        smaller = builder.append(Op.LT, a, b)
        rows = [builder.append(Op.SELECT, smaller, c, d), builder.append(Op.SELECT, smaller, d, a)]
        outputs = np.array(rows if shared else rows[:1])
        circuit = builder.finish([port], [Output("y", outputs, np.zeros(len(outputs), np.int64))])
        assert_same_bits(circuit, random_codes(circuit, 20))


def test_outputs_may_be_inputs_constants_and_each_other() -> None:
    builder = Builder()
    port = Input("x", np.array([-3, 0]), np.array([400, 1]), np.zeros(2, np.int64))
    x, y = builder.input(0, port)
    constant = builder.constant(np.array([-70000]))[0]
    late = builder.append(Op.REG, x)
    rows = np.array([x, constant, late, y, x])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(5, np.int64))])
    assert_same_bits(circuit, random_codes(circuit, 5))


def test_no_inputs() -> None:
    builder = Builder()
    rows = builder.constant(np.array([5, -9]))
    circuit = builder.finish([], [Output("y", rows, np.array([1, 0]))])
    codes = Emulator(circuit).codes(np.zeros((3, 0), np.int64))
    assert codes.tolist() == [[5, -9]] * 3


@pytest.mark.parametrize("block", [256, 512, 4096])
def test_blocks_with_ragged_ends(block: int) -> None:
    circuit = one_row(Op.TABLE, [(100, 140)], 1 << 20)
    emulator = Emulator(circuit, block=block)
    every = random_codes(circuit, 9000)
    expected = np.array(evaluate(str(circuit), every.tolist()))
    for events in (0, 1, 255, 257, 4095, 4097, 9000):
        result = emulator.codes(every[:events])
        assert result.dtype == np.int64
        assert np.array_equal(result, expected[:events])
