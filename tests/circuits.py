"""The fuzzer's strategies and judges' helpers, under the name that tests import them by."""

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
    "integers",
    "intervals",
    "pipelined",
    "random_circuits",
    "random_codes",
    "random_programs",
    "split_codes",
]
