"""Layers that round to even and wrap are proved by forms; what is changed in them is not."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edgetrig.circuit import Op, fixed_input, quantize, tighten, trace
from edgetrig.errors import VerificationError
from edgetrig.optimize import delays_of, optimize, pipeline, ternary_sums
from edgetrig.verify import evaluate
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.ranges import prove_ranges
from edgetrig.verify.proof.rewrites import prove_rewrites


def drawn(seed):
    """Return a network of three layers, each rounded and wrapped, one of them twice."""
    rng = np.random.default_rng(seed)
    sizes = [*rng.integers(3, 8, 2).tolist(), int(rng.integers(2, 6)), 2]
    weights = [rng.integers(-7, 8, pair) / 4 for pair in pairwise(sizes)]
    bits = rng.integers(0, 4, (3, 2)).tolist()
    rectified = bool(rng.integers(2))

    def wrapped(x, integer, fraction):
        return quantize(x, 1, max(integer, 0), max(fraction, 0), "RND_CONV", "WRAP")

    def network(x):
        for number, (weight, (integer, fraction)) in enumerate(zip(weights, bits, strict=True)):
            x = wrapped(x @ weight + 0.25, integer, fraction)
            if number == 0:
                x = np.maximum(x, 0) if rectified else x
                x = wrapped(x, integer - 1, fraction - 1)
        return x

    return trace(network, fixed_input("x", sizes[0], integer=2, fraction=2))


def codes_of(circuit, count):
    (port,) = circuit.inputs
    rng = np.random.default_rng(1)
    return rng.integers(port.lo, port.hi, (count, port.size), endpoint=True).tolist()


def rewritten(traced, compiled, folder, seconds, codes):
    memory = Memory(folder)
    ranges = prove_ranges(traced, memory), prove_ranges(compiled, memory)
    return prove_rewrites(traced, compiled, ranges, codes, seconds).outputs


@pytest.mark.parametrize("seed", [1, 4, 5, 6, 7])
def test_layers_that_round_and_wrap_are_proved(seed, tmp_path):
    traced = drawn(seed)
    forms = optimize(traced)
    staged = pipeline(forms, delays_of("UltraScale+"), clock_ns=3.0)
    for compiled in (forms, ternary_sums(staged, "UltraScale+", 3.0)):
        outputs = rewritten(traced, compiled, tmp_path, 10, codes_of(traced, 64))
        assert "tested" not in outputs


@pytest.mark.parametrize("seed", [6, 7])
def test_a_changed_row_among_wraps_is_never_proved(seed, tmp_path):
    traced = drawn(seed)
    compiled = optimize(traced)
    codes = codes_of(traced, 400)
    right = evaluate(str(traced), codes)
    kinds = (Op.ADD, Op.SUB, Op.SHR, Op.LOW, Op.LOWS)
    rows = np.flatnonzero(np.isin(compiled.rows.op, kinds))
    shown = 0
    for row in rows[:: max(1, len(rows) // 6)].tolist():
        p = compiled.rows.p.copy()
        p[row] += 1
        wrong = tighten(compiled.replace(rows=replace(compiled.rows, p=p)))
        left = evaluate(str(wrong), codes)
        same = [code for code, x, y in zip(codes, left, right, strict=True) if x == y]
        if not 0 < len(same) < len(codes):
            continue
        try:
            outputs = rewritten(traced, wrong, tmp_path, 0.1, same)
        except VerificationError:
            continue
        for k, how in enumerate(outputs):
            if any(x[k] != y[k] for x, y in zip(left, right, strict=True)):
                assert how == "tested"
                shown += 1
    assert shown
