"""What tests of pipelined matrices share."""

import numpy as np

from edgetrig.circuit import Op, fixed_input, trace
from edgetrig.verify import evaluate


def product(rows, columns, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-31, 32, (rows, columns)) * (rng.random((rows, columns)) < 0.5)
    return trace(lambda x: x @ codes, fixed_input("x", rows, integer=7, fraction=0))


def register_bits(circuit):
    return int(circuit.widths[circuit.rows.op == Op.REG].sum())


def outputs(circuit, codes):
    return evaluate(str(circuit), [[int(v) for v in event] for event in codes])
