"""Tracing, printing, replaying and checking whole circuits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig.circuit import (
    Builder,
    Circuit,
    Input,
    Op,
    Output,
    Table,
    check,
    fixed_input,
    lookup,
    origin,
    quantize,
    replay,
    trace,
)
from edgetrig.errors import CircuitError
from edgetrig.verify.reference import evaluate

X = fixed_input("x", 3, integer=[3, 2, 4], fraction=[2, 3, 0])


def _network(x):
    with origin("dense"):
        y = x @ np.array([[2.0, -1], [0.5, 3], [1, 0]])
    with origin("relu"):
        y = np.maximum(y, 0)
    with origin("trigger"):
        return {"sum": quantize(y, 0, 4, 1, "TRN", "SAT"), "accept": y[0] > 5.5}


def _small(x, n):
    with origin("energy"):
        total = x[0] + 3 * x[1]
    with origin("trigger"):
        return {
            "sum": quantize(total, 0, 4, 0, "TRN", "SAT"),
            "accept": (total > 5.5) & (n[0] != 2),
            "weight": lookup(n, lambda v: 1 / (1 + v), 0, 0, 4),
        }


def test_printed_form():
    x = fixed_input("x", 2, integer=[3, 2], fraction=[2, 0])
    n = fixed_input("n", 1, signed=0, integer=2, fraction=0)
    circuit = trace(_small, x, n)
    check(circuit)
    assert str(circuit) == PRINTED
    # 1.25 + 3 * 2 = 7.25 is more than 5.5; 1 / (1 + 1) in sixteenths is 8.
    assert evaluate(PRINTED, [[5, 2, 1], [5, 1, 1], [5, 2, 2]]) == [[7, 1, 8], [4, 0, 8], [7, 0, 5]]


PRINTED = """\
input x[2]
input n[1]
table 0 from 0: 15 8 5 4
%0 = input 0                         [-32, 31] /4
%1 = input 1                         [-4, 3]
%2 = input 2                         [0, 3]
%3 = const 3                         [3, 3]  energy
%4 = mul %3, %1                      [-12, 9]  energy
%5 = add %0, %4 << 2                 [-80, 67] /4  energy
%6 = shr %5, 2                       [-20, 16]  trigger
%7 = const 0                         [0, 0]  trigger
%8 = const 15                        [15, 15]  trigger
%9 = lt %6, %7                       [0, 1]  trigger
%10 = select %9, %7, %6              [0, 16]  trigger
%11 = lt %10, %8                     [0, 1]  trigger
%12 = select %11, %10, %8            [0, 15]  trigger
%13 = const 0                        [0, 0]  trigger
%14 = const 11                       [11, 11] /2  trigger
%15 = const 22                       [22, 22] /4  trigger
%16 = lt %15, %5                     [0, 1]  trigger
%17 = const 1                        [1, 1] *2  trigger
%18 = const 2                        [2, 2]  trigger
%19 = eq %2, %18                     [0, 1]  trigger
%20 = const 1                        [1, 1]  trigger
%21 = xor %19, %20                   [0, 1]  trigger
%22 = and %16, %21                   [0, 1]  trigger
%23 = table %2, 0                    [4, 15] /16  trigger
output sum[] = %12
output accept[] = %22
output weight[1] = %23 /16
"""


def test_the_documentation_prints_the_same():
    page = Path(__file__).parents[2] / "docs" / "circuit.md"
    lines = [line for line in page.read_text().splitlines() if line.startswith(("%", "output "))]
    assert len(lines) > 5
    assert set(lines) <= set(PRINTED.splitlines())


def test_every_row_knows_where_it_comes_from():
    circuit = trace(_network, X)
    names = {circuit.origins[k] for k in circuit.rows.origin}
    assert names == {"", "dense", "relu", "trigger"}
    with origin("a"), origin("b"):
        assert "a/b" in trace(lambda x: -x, X).origins


def test_a_circuit_of_constants_and_of_nothing():
    circuit = trace(lambda: {"pi": [3.25, 0, -1]})
    check(circuit)
    assert evaluate(str(circuit), [[]]) == [[13, 0, -1]]
    with pytest.raises(CircuitError, match="belongs to no trace"):
        replay(circuit)
    nothing = trace(lambda x: x[:0], X)
    check(nothing)
    assert evaluate(str(nothing), [[1, 2, 3]]) == [[]]


def test_array_looks_like_an_array():
    def program(x):
        assert (x.shape, x.ndim, x.size, len(x)) == ((3,), 1, 3, 3)
        assert repr(x) == "Array(shape=(3,))"
        assert repr(x[0]) == "Array(shape=(), in [-8, 7.75])"
        assert [value.shape for value in x] == [(), (), ()]
        with pytest.raises(IndexError):
            x[3]
        with pytest.raises(TypeError):
            x[0] = 1
        with pytest.raises(TypeError):
            hash(x)
        return x.reshape(1, 3).T.ravel().transpose()

    assert len(trace(program, X)) == 3


def test_moving_elements_costs_nothing():
    circuit = trace(lambda x: np.stack([x, x[::-1]]).T * 4 / 2 + 0, X)
    assert set(circuit.rows.op) <= {Op.INPUT, Op.CONST}


def test_a_million_rows():
    port = fixed_input("x", (64,), integer=7, fraction=0)
    weights = np.random.default_rng(0).integers(3, 127, (64, 8000)) | 1
    circuit = trace(lambda x: x @ weights, port)
    assert len(circuit) > 1_000_000
    check(circuit)


# ---- replay -------------------------------------------------------------------------------------


@given(random_circuits(registers=True) | random_circuits() | random_circuits(wide=True))
def test_replay_is_the_same_function(circuit):
    def program(*arrays):
        unused = [array + 1 for array in arrays]  # other rows come first
        assert len(unused) == len(arrays)
        return replay(circuit, *arrays)

    again = trace(program, *circuit.inputs)
    check(again)
    codes = random_codes(circuit, 20)
    assert evaluate(str(again), codes) == evaluate(str(circuit), codes)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda x: (), "1 inputs are needed, 0 were given"),
        (lambda x: (x, x), "1 inputs are needed, 2 were given"),
        (lambda x: (x[:2],), "shape"),
        (lambda x: (x * 2,), "do not fit"),
        (lambda x: (x / 2,), "do not fit"),
    ],
)
def test_replay_refuses_what_does_not_fit(give, message):
    inner = trace(_network, X)
    with pytest.raises(CircuitError, match=message):
        trace(lambda x: replay(inner, *give(x)), X)


def test_replay_takes_coarser_values():
    inner = trace(lambda x: x + 1, X)
    port = fixed_input("x", 3, integer=2, fraction=0)
    circuit = trace(lambda x: replay(inner, x), port)
    check(circuit)
    assert evaluate(str(circuit), [[1, 2, -3]]) == [[8, 24, -2]]


# ---- registers ----------------------------------------------------------------------------------


@given(random_circuits(registers=True), st.integers(0, 9))
def test_latency_is_the_cycle_of_the_outputs(circuit, seed):
    depth = np.zeros(len(circuit), int)
    for row in range(len(circuit)):
        for operand in circuit.rows.operands[row]:
            if operand >= 0 and circuit.rows.lo[operand] != circuit.rows.hi[operand]:
                depth[row] = max(depth[row], depth[operand])
        depth[row] += circuit.rows.op[row] == Op.REG
    moving = [k for k in circuit.output_rows if circuit.rows.lo[k] != circuit.rows.hi[k]]
    assert circuit.latency == max((depth[k] for k in moving), default=0)


def test_a_registered_constant_delays_nothing():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([7]), np.zeros(1, np.int64))
    x = builder.input(0, port)
    late = builder.append(Op.REG, builder.append(Op.REG, builder.constant([3])))
    total = builder.append(Op.ADD, x, late)  # of the same cycle as x
    for other, fits in ((x, True), (builder.append(Op.REG, x), False)):
        row = builder.append(Op.ADD, total, other)
        circuit = builder.finish([port], [Output("y", row, np.zeros(1, np.int64))])
        if fits:
            check(circuit)
            assert circuit.latency == 0
        else:
            with pytest.raises(CircuitError, match="different clock cycles"):
                check(circuit)


# ---- the checker --------------------------------------------------------------------------------


def _whole() -> Circuit:
    """Return a circuit with every kind of thing that can be broken."""
    builder = Builder()
    port = Input("x", np.array([-4, 0, 0]), np.array([3, 1, 7]), np.zeros(3, np.int64))
    x, bit, y = builder.input(0, port).tolist()
    three = int(builder.constant(3))
    table = builder.table(Table(-4, np.arange(8) * 2))
    total = int(builder.append(Op.ADD, x, y, p=1))
    choice = int(builder.append(Op.SELECT, bit, total, three))
    looked = int(builder.append(Op.TABLE, x, p=table))
    dropped = int(builder.append(Op.SHR, y, p=1))
    late = builder.append(Op.REG, [choice, looked, dropped]).tolist()
    last = int(builder.append(Op.ADD, late[0], late[1]))
    outputs = [Output("y", np.array([last, late[2]]), np.zeros(2, np.int64))]
    return builder.finish([port], outputs)


X_ROW, BIT, Y_ROW, THREE, TOTAL, CHOICE, LOOKED, DROPPED, LATE = range(9)
LAST = 11


def _changed(column: str, row: int, value: int) -> Circuit:
    circuit = _whole()
    values = getattr(circuit.rows, column).copy()
    values[row] = value
    return circuit.replace(rows=replace(circuit.rows, **{column: values}))


def _port(**changes: object) -> Circuit:
    circuit = _whole()
    return circuit.replace(inputs=(replace(circuit.inputs[0], **changes),))


def _output(**changes: object) -> Circuit:
    circuit = _whole()
    return circuit.replace(outputs=(replace(circuit.outputs[0], **changes),))


BROKEN = {
    "an unknown operation": (lambda: _changed("op", TOTAL, 99), "operation code 99"),
    "an operand that comes later": (lambda: _changed("a", TOTAL, LAST), "does not come before"),
    "an operand that is itself": (lambda: _changed("b", TOTAL, TOTAL), "does not come before"),
    "a negative operand": (lambda: _changed("b", TOTAL, -1), "does not come before"),
    "one operand too many": (lambda: _changed("b", DROPPED, 1), "SHR does not have"),
    "a shift by nothing": (lambda: _changed("p", DROPPED, 0), "must be positive"),
    "a parameter too many": (lambda: _changed("p", CHOICE, 1), "SELECT does not have"),
    "no such table": (lambda: _changed("p", LOOKED, 1), "table 1 does not exist"),
    "a table too short": (
        lambda: _whole().replace(tables=(Table(-3, np.arange(7)),)),
        "table 0 has no entry",
    ),
    "a table of other values": (
        lambda: _whole().replace(tables=(Table(-4, np.arange(8) * 9),)),
        "does not hold",
    ),
    "an empty table": (
        lambda: _whole().replace(tables=(Table(-4, np.zeros(0, np.int64)),)),
        "one row of int64",
    ),
    "a table of floats": (
        lambda: _whole().replace(tables=(Table(-4, np.arange(8.0)),)),
        "one row of int64",
    ),
    "a table of 63 bits": (
        lambda: _whole().replace(tables=(Table(-4, np.arange(8) + 2**62),)),
        "more than 62 bits",
    ),
    "a condition that is not one": (lambda: _changed("a", CHOICE, X_ROW), "not 0 or 1"),
    "a constant of two values": (lambda: _changed("hi", THREE, 4), "two values"),
    "an interval too high": (lambda: _changed("lo", TOTAL, -3), "does not hold"),
    "an interval too low": (lambda: _changed("hi", LAST, 5), "does not hold"),
    "an origin without name": (lambda: _changed("origin", LAST, 7), "origin 7 has no name"),
    "two rows for one input": (lambda: _changed("p", BIT, 0), "two INPUT rows"),
    "an input of no port": (lambda: _changed("p", BIT, 3), "that no port has"),
    "an input wider than its port": (lambda: _changed("hi", X_ROW, 9), "not its port's"),
    "unbalanced registers": (lambda: _changed("a", LAST, CHOICE), "different clock cycles"),
    "outputs of different cycles": (
        lambda: _output(rows=np.array([LAST, Y_ROW])),
        "outputs appear in different clock cycles",
    ),
    "an output of no row": (lambda: _output(rows=np.array([LAST, 99])), "does not exist"),
    "an output of half shape": (lambda: _output(fraction=np.zeros(1, int)), "differ in shape"),
    "an output without name": (lambda: _output(name=""), "unprintable name"),
    "an output named as an input": (lambda: _output(name="x"), "same name"),
    "a name of two lines": (lambda: _port(name="x\ninput y"), "unprintable name"),
    "an origin of two lines": (lambda: _whole().replace(origins=("\n",)), "unprintable name"),
    "an unknown mode": (lambda: _port(rounding="UP"), "is unknown"),
    "a port of half shape": (lambda: _port(lo=np.zeros(2, int)), "differ in shape"),
    "an empty interval": (lambda: _port(lo=np.full(3, 9)), "empty interval"),
    "a port of floats": (lambda: _port(lo=np.zeros(3)), "int64 is needed"),
    "a short column": (
        lambda: _whole().replace(rows=replace(_whole().rows, p=np.zeros(3, np.int32))),
        "column p has shape",
    ),
    "a column of floats": (
        lambda: _whole().replace(rows=replace(_whole().rows, a=_whole().rows.a.astype(float))),
        "column a has type float64",
    ),
    "intervals of floats": (
        lambda: _whole().replace(
            rows=replace(_whole().rows, lo=_whole().rows.lo.astype(float).astype(object))
        ),
        "not all Python integers",
    ),
    "a machine word too wide": (lambda: _changed("hi", LAST, 2**62), "more than 62 bits"),
}


def test_the_whole_circuit_is_whole():
    check(_whole())


@pytest.mark.parametrize("name", BROKEN)
def test_check_finds(name):
    make, message = BROKEN[name]
    with pytest.raises(CircuitError, match=message) as caught:
        check(make())
    assert "\n" not in str(caught.value)


def test_check_does_not_read_outside_a_table():
    """A row's interval, recomputed, may leave the table that its stored interval stays in."""
    builder = Builder()
    port = Input("x", np.array([-(2**40)]), np.array([2**40]), np.zeros(1, np.int64))
    index = builder.append(Op.NEG, builder.input(0, port))
    row = builder.append(Op.TABLE, index, p=builder.table(Table(0, np.arange(4))))
    circuit = builder.finish([port], [Output("y", row, np.zeros(1, np.int64))])
    with pytest.raises(CircuitError, match="no entry"):
        check(circuit)
    lo, hi = circuit.rows.lo.copy(), circuit.rows.hi.copy()
    lo[index], hi[index] = 0, 3
    with pytest.raises(CircuitError, match="does not hold"):
        check(circuit.replace(rows=replace(circuit.rows, lo=lo, hi=hi)))


def test_a_builder_refuses_what_has_no_width():
    with pytest.raises(CircuitError, match="4096 bits"):
        Builder().constant([1 << 5000])
    with pytest.raises(CircuitError, match="62 bits"):
        Builder().table(Table(0, np.array([2**62])))
    builder = Builder()
    one = builder.constant([1])
    with pytest.raises(CircuitError, match="4096 bits"):
        builder.append(Op.SHL, one, p=2**30)
