"""The fuzzer: random programs and circuits, drawn, judged by several means, shrunk and kept."""

from edgetrig.errors import require

require("hypothesis", "fuzz")

from edgetrig.fuzz.circuits import NARROW_BITS, intervals, pipelined, random_circuits  # noqa: E402
from edgetrig.fuzz.fixed import ap_fixed  # noqa: E402
from edgetrig.fuzz.programs import Program, random_programs  # noqa: E402
from edgetrig.fuzz.vectors import integers, random_codes, split_codes  # noqa: E402

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
