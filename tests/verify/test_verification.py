"""`verify` passes what agrees and names the first bit that does not."""

from dataclasses import replace

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output, Table, fixed_input, trace
from edgetrig.errors import DataError, VerificationError
from edgetrig.rtl import verilog
from edgetrig.verify import check as check_module
from edgetrig.verify import check_balance, evaluate, verify

WEIGHTS = np.array([[3, -2], [1, 5], [-7, 4]])


def network():
    return trace(
        lambda x: {"score": np.maximum(x @ WEIGHTS, 0), "best": np.argmax(x)},
        fixed_input("x", 3, integer=4, fraction=2),
    )


def emulator(circuit):
    def emulate(codes):
        values = evaluate(str(circuit), codes.tolist())
        return np.array(values, object).reshape(len(codes), -1)

    return emulate


def test_agreement_is_counted_by_kind():
    circuit = network()
    events = np.random.default_rng(0).integers(-64, 64, (50, 3))
    steps = []
    result = verify(circuit, emulator(circuit), events=events, vectors=3_000,
                    progress=lambda done, total: steps.append((done, total)))  # fmt: skip
    assert result.passed
    assert result.real == 50
    assert result.vectors == 3_000
    assert result.corner > 50
    assert result.reference == 2_000
    assert steps == [(k, 3) for k in range(4)]
    assert "simulation = emulator on all" in str(result)
    assert "50 real events" in str(result)
    record = result.to_dict()
    assert record["passed"] is True
    assert set(record["tools"]) == {"verilator", "c++"}


def test_an_emulator_that_is_off_by_one_bit_is_caught():
    circuit = network()

    def emulate(codes):
        right = emulator(circuit)(codes)
        return right ^ ((codes[:, :1] == 63) & (np.arange(3) == 1))

    with pytest.raises(VerificationError, match=r"\(corner\), output score\[1\]: simulation gives"):
        verify(circuit, emulate, vectors=1_000)


def test_an_emulator_of_another_shape_is_caught():
    with pytest.raises(VerificationError, match=r"the emulator gives shape \(1000, 1\)"):
        verify(network(), lambda codes: codes[:, :1], vectors=1_000)


@pytest.mark.parametrize(("old", "new"), [(" + ", " - "), ("? 8'd0", "? 8'd1")])
def test_a_bug_in_the_verilog_is_caught(monkeypatch, old, new):
    circuit = trace(
        lambda x: np.maximum(x[0] + x[1], 0), fixed_input("x", 2, integer=7, fraction=0)
    )
    text = verilog(circuit)["trigger.v"]
    assert old in text
    real = check_module.simulate
    broken = {"trigger.v": text.replace(old, new)}
    monkeypatch.setattr(check_module, "simulate", lambda *a, **k: real(*a, **k, files=broken))
    with pytest.raises(VerificationError, match=r"output out: simulation gives .*, emulator"):
        verify(circuit, emulator(circuit), vectors=1_000)


def test_a_wrong_interval_is_caught_where_hardware_and_emulator_agree():
    """The strongest peer's bug: both back ends trust an interval that is wrong."""
    circuit = trace(lambda x: x[0] + x[1], fixed_input("x", 2, integer=5, fraction=0))
    row = int(circuit.output_rows[0])
    lo, hi = circuit.rows.lo.copy(), circuit.rows.hi.copy()
    lo[row], hi[row] = -16, 15  # in truth -64 to 62
    wrong = circuit.replace(rows=replace(circuit.rows, lo=lo, hi=hi))

    def emulate(codes):
        return (codes.sum(axis=1, keepdims=True) + 16) % 32 - 16

    with pytest.raises(VerificationError, match=r"reference: row .*outside its interval \[-16, 15"):
        verify(wrong, emulate, vectors=1_000)


def test_unequal_registers_are_caught():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([7]), np.array([0]))
    row = builder.input(0, port)
    late = builder.append(Op.REG, row)
    mixed = builder.append(Op.ADD, row, late)
    circuit = builder.finish([port], [Output("y", mixed, np.array([0]))])
    with pytest.raises(VerificationError, match=r"output y\[0\]: paths of 0 to 1 registers"):
        check_balance(circuit)
    with pytest.raises(VerificationError, match="paths of 0 to 1 registers"):
        verify(circuit, emulator(circuit))


def test_constants_need_no_registers():
    builder = Builder()
    port = Input("x", np.array([0]), np.array([7]), np.array([0]))
    late = builder.append(Op.REG, builder.input(0, port))
    total = builder.append(Op.ADD, late, builder.constant([5]))
    number = builder.table(Table(5, np.arange(8) % 3))
    rows = np.concatenate([builder.append(Op.TABLE, total, p=number), builder.constant([3])])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(2, np.int64))])
    assert verify(circuit, emulator(circuit), vectors=500).latency == 1


def test_real_events_beyond_the_port_are_refused():
    with pytest.raises(DataError, match=r"x\[0\]: codes outside \[-64, 63\]"):
        verify(network(), emulator(network()), events=np.full((1, 3), 64), vectors=100)


def test_events_of_another_shape_are_refused():
    with pytest.raises(DataError, match=r"events of shape \(events, 3\) and integer type"):
        verify(network(), emulator(network()), events=np.zeros((5, 2), int))


def test_the_same_seed_gives_the_same_vectors():
    seen = []
    for _ in range(2):
        verify(network(), lambda codes: (seen.append(codes), emulator(network())(codes))[1],
               vectors=500, seed=3)  # fmt: skip
    assert (seen[0] == seen[1]).all()
