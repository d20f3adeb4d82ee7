"""A pipelined matrix of counters: simulated and proved in both languages."""

import numpy as np
import pytest

from circuits import random_codes
from edgetrig.circuit import Op, fixed_input, trace
from edgetrig.optimize import for_hardware, optimize
from edgetrig.verify import evaluate, simulate
from edgetrig.verify.proof import prove
from simulators import simulators


@pytest.fixture(scope="module")
def traced():
    rng = np.random.default_rng(4)
    codes = rng.integers(-31, 32, (120, 4)) * (rng.random((120, 4)) < 0.5)
    codes[:, 0] = -np.abs(codes[:, 0])
    return trace(lambda x: x @ codes + 5, fixed_input("x", 120, integer=7, fraction=0))


@pytest.fixture(scope="module")
def made(traced):
    counted = optimize(traced, stage=3, ternary=True)
    circuit = for_hardware(counted, "UltraScale+", clock_ns=3.0, latency=3)
    assert circuit.count(Op.XOR) > 100
    return circuit


@simulators("icarus", "ghdl", "nvc")
def test_it_equals_what_was_traced(traced, made, simulator):
    events = random_codes(traced, 100)
    expected = np.array(evaluate(str(traced), events.tolist()))
    np.testing.assert_array_equal(
        simulate(made, events, simulator=simulator).reshape(expected.shape), expected
    )


@simulators("icarus", "ghdl")
def test_it_is_proved(traced, made, simulator):
    proof = prove(made, traced, language="vhdl" if simulator == "ghdl" else "verilog")
    assert proof.complete
    assert "4 by exact linear and normal forms" in str(proof)
