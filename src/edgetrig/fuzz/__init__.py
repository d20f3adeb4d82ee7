"""The fuzzer: random programs and circuits, drawn, judged by several means, shrunk and kept."""

from edgetrig.errors import require

require("hypothesis", "fuzz")

from edgetrig.fuzz.cases import load_case, save_case  # noqa: E402
from edgetrig.fuzz.circuits import NARROW_BITS, intervals, pipelined, random_circuits  # noqa: E402
from edgetrig.fuzz.fixed import ap_fixed  # noqa: E402
from edgetrig.fuzz.judges import Disagreement, judge  # noqa: E402
from edgetrig.fuzz.programs import Program, random_programs  # noqa: E402
from edgetrig.fuzz.run import Summary, describe, fuzz, replay  # noqa: E402
from edgetrig.fuzz.simulated import judge_simulation, side_by_side  # noqa: E402
from edgetrig.fuzz.trial import Trial, trials  # noqa: E402
from edgetrig.fuzz.vectors import integers, random_codes, split_codes  # noqa: E402

__all__ = [
    "NARROW_BITS",
    "Disagreement",
    "Program",
    "Summary",
    "Trial",
    "ap_fixed",
    "describe",
    "fuzz",
    "integers",
    "intervals",
    "judge",
    "judge_simulation",
    "load_case",
    "pipelined",
    "random_circuits",
    "random_codes",
    "random_programs",
    "replay",
    "save_case",
    "side_by_side",
    "split_codes",
    "trials",
]
