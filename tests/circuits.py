"""What tests draw: the fuzzer's circuits and codes, and floats that are hard to quantise."""

import numpy as np

from edgetrig.fuzz import (
    NARROW_BITS,
    Program,
    ap_fixed,
    integers,
    intervals,
    pipelined,
    random_circuits,
    random_codes,
    random_programs,
    split_codes,
)

__all__ = [
    "NARROW_BITS",
    "Program",
    "ap_fixed",
    "awkward_floats",
    "integers",
    "intervals",
    "pipelined",
    "random_circuits",
    "random_codes",
    "random_programs",
    "split_codes",
]


def awkward_floats(fraction: int) -> np.ndarray:
    """Return floats at ties, corners, far outside, tiny and huge."""
    generator = np.random.default_rng(5)
    ties = np.arange(-600, 600) / 4 * 2.0**-fraction
    near = np.concatenate([np.nextafter(ties, -np.inf), np.nextafter(ties, np.inf)])
    powers = 2.0 ** np.arange(-60, 70)
    huge = np.array([1e30, 3.7e200, 5e-324, 0.0, 2.0**53 + 2, 2.0**62, 2.0**63 * 1.5])
    spread = generator.normal(size=500) * 2.0 ** generator.integers(-10, 20, 500)
    positive = np.concatenate([powers, powers * 1.4999, huge])
    return np.concatenate([ties, near, positive, -positive, spread])
