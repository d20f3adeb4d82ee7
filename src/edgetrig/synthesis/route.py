"""The routed clock of a circuit: placed and routed by nextpnr, timed by its database."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from edgetrig.circuit import Circuit
from edgetrig.errors import Error, ToolError, require
from edgetrig.printed import Printed
from edgetrig.programs import execute
from edgetrig.rtl import verilog
from edgetrig.synthesis import _yosys
from edgetrig.synthesis.families import Family, family_of
from edgetrig.synthesis.harness import HARNESS, harness

_TOP = "trigger"
_TARGET_MHZ = 500
"""A clock out of reach, so that nextpnr never stops early."""


@dataclass(frozen=True)
class Router:
    """How nextpnr routes a family: one device, the largest of its fastest grade that is free.

    Parameters
    ----------
    device
        For people.
    program
        Name of the program, as in ``nextpnr-ecp5``.
    arguments
        Of the program.
    pins
        Name and text of the file of pin locations, where the program insists on one.
    oscillator
        Verilog of a clock source in the device, where a pin does not reach the clock network.
    attempts
        Seeds to try, one after the other, where some placements cannot be routed.
    """

    device: str
    program: str
    arguments: tuple[str, ...]
    pins: tuple[str, str] | None = None
    oscillator: str = ""
    attempts: int = 1

    @property
    def package(self) -> str:
        """Name of the Python package that holds the program."""
        return f"yowasp_nextpnr_{self.program.replace('-', '_')}"

    @property
    def version(self) -> str:
        """Version of that package."""
        return metadata.version(f"yowasp-nextpnr-{self.program}")


_NEXUS_PINS = "".join(
    f"ldc_set_location -site {{{site}}} [get_ports {port}]\n"
    f"ldc_set_port -iobuf {{IO_TYPE=LVCMOS33}} [get_ports {port}]\n"
    for port, site in (("scan", "G19"), ("signature", "E17"))
)
_NEXUS_OSCILLATOR = (
    'OSCA #(.HF_OSC_EN("ENABLED"), .HF_CLK_DIV("1"), .LF_OUTPUT_EN("DISABLED"))'
    " oscillator (.HFOUTEN(1'b1), .HFSDSCEN(1'b0), .HFCLKOUT(clk));"
)
_GOWIN_PINS = 'IO_LOC "clk" H11;\nIO_LOC "scan" C13;\nIO_LOC "signature" A13;\n'

ROUTERS: Final[dict[str, Router]] = {
    "ECP5": Router(
        "LFE5UM-85F, speed grade 8",
        "ecp5",
        ("--85k", "--speed", "8", "--package", "CABGA756", "--lpf-allow-unconstrained"),
    ),
    "Nexus": Router(
        "LIFCL-40, speed grade 9",
        "nexus",
        ("--device", "LIFCL-40-9BG400C", "--pdc", "pins.pdc"),
        ("pins.pdc", _NEXUS_PINS),
        _NEXUS_OSCILLATOR,
        attempts=4,
    ),
    "Gowin": Router(
        "GW2A-18, C8/I7",
        "himbaechel-gowin",
        ("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18", "--vopt", "cst=pins.cst"),
        ("pins.cst", _GOWIN_PINS),
    ),
    "iCE40": Router("HX8K", "ice40", ("--hx8k", "--package", "ct256", "--pcf-allow-unconstrained")),
}
"""By family name."""


@dataclass(frozen=True)
class Step:
    """A piece of a critical path: ``logic``, ``routing``, ``clk-to-q`` or ``setup``, in ns."""

    kind: str
    delay_ns: float
    cell: str


@dataclass(frozen=True)
class Route(Printed):
    """A circuit, placed and routed.

    Parameters
    ----------
    part, family, device
        The part asked for, its family, and the device it was routed on.
    routed_mhz
        Fastest clock, by nextpnr's timing analysis after routing.
    cycles
        Clock cycles from input to output; 0 for a combinational circuit, whose logic all lies
        between one pair of registers.
    used, available
        Cells of the device by their type, harness included.
    harness_registers
        How many of the registers are the harness's.
    critical_path
        The slowest path, step by step.
    seed
        Of the placement; other seeds give clocks a few per cent apart. On Nexus it may be one of
        the next after the one asked for, where nextpnr cannot reach the clock network.
    seconds
        Wall time of Yosys and nextpnr.
    yosys, nextpnr
        Versions.
    """

    part: str
    family: str
    device: str
    routed_mhz: float
    cycles: int
    used: dict[str, int]
    available: dict[str, int]
    harness_registers: int
    critical_path: tuple[Step, ...]
    seed: int
    seconds: float
    yosys: str
    nextpnr: str

    @property
    def routed_ns(self) -> float:
        """Shortest clock period in ns."""
        return 1000.0 / self.routed_mhz

    @property
    def routed_latency_ns(self) -> float:
        """Time from a registered input to its registered output, in ns."""
        return max(self.cycles, 1) * self.routed_ns

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and text."""
        return asdict(self) | {
            "routed_ns": self.routed_ns,
            "routed_latency_ns": self.routed_latency_ns,
        }

    def __str__(self) -> str:
        delays = dict.fromkeys(("clk-to-q", "logic", "routing", "setup"), 0.0)
        for step in self.critical_path:
            delays[step.kind] = delays.get(step.kind, 0.0) + step.delay_ns
        path = ", ".join(f"{kind} {delay:.2f}" for kind, delay in delays.items())
        cells = ", ".join(f"{count:,} {kind}" for kind, count in self.used.items())
        period = f"{self.routed_mhz:.0f} MHz, {self.routed_ns:.2f} ns a cycle"
        tools = f"nextpnr {self.nextpnr}, Yosys {self.yosys}, seed {self.seed}"
        lines = [
            f"routed         {period}, {self.routed_latency_ns:.1f} ns from input to output",
            f"slowest path   {path} ns",
            f"cells          {cells}",
            f"  {self.harness_registers:,} registers are the harness's",
            f"{self.part} ({self.device}), {tools}, {self.seconds:.1f} s",
        ]
        return "\n".join(lines)


def router_of(family: Family) -> Router:
    """Return how to route a family.

    Raises
    ------
    Error
        If no open tool routes it.
    """
    if family.name not in ROUTERS:
        raise Error(
            f"no open tool routes {family.name}; choose a part of {', '.join(ROUTERS)}, or read"
            " the model's estimate"
        )
    return ROUTERS[family.name]


def route(
    circuit: Circuit, part: str = "ecp5", *, seed: int = 1, timeout: float | None = None
) -> Route:
    """Place and route a circuit with Yosys and nextpnr, in processes of their own.

    Parameters
    ----------
    circuit
        The circuit, with or without registers.
    part
        A part or family of `ROUTERS`.
    seed
        Of the placement.
    timeout
        Seconds after which to give up on either tool.

    Raises
    ------
    Error
        If the part is unknown, no open tool routes it, or the circuit has no inputs or outputs.
    ToolError
        If a tool is missing, fails (the circuit may not fit), or takes too long.
    """
    family = family_of(part)
    router = router_of(family)
    require(router.package, "route")
    start = time.perf_counter()
    files = verilog(circuit, _TOP)
    around, registers = harness(circuit, _TOP, router.oscillator)
    netlist = _netlist({**files, f"{HARNESS}.v": around}, family, timeout)
    report, seed = _first_report(netlist, router, seed, timeout)
    used = {kind: cells for kind, cells in report["utilization"].items() if cells["used"]}
    return Route(
        part=part,
        family=family.name,
        device=router.device,
        routed_mhz=min(clock["achieved"] for clock in report["fmax"].values()),
        cycles=circuit.latency,
        used={kind: cells["used"] for kind, cells in used.items()},
        available={kind: cells["available"] for kind, cells in used.items()},
        harness_registers=registers,
        critical_path=_critical_path(report),
        seed=seed,
        seconds=time.perf_counter() - start,
        yosys=_yosys.version(),
        nextpnr=router.version,
    )


def _netlist(files: Mapping[str, str], family: Family, timeout: float | None) -> str:
    """Return the mapped netlist as JSON, with port buffers where the family needs them."""
    command = family.command.replace(" -noiopads", "")
    script = [
        "scratchpad -set abc9.verify false",
        *_yosys.reading(files, _TOP),
        f"{command} -top {HARNESS}",
        "write_json net.json",
    ]
    [text] = _yosys.run(files, script, ["net.json"], timeout=timeout)
    return _with_open_carries(text) if family.name == "Nexus" else text


def _with_open_carries(text: str) -> str:
    """Leave the carry inputs of first cells of chains open.

    Yosys ties them to 0, a net that nextpnr cannot bring there; those cells do not read it.
    """
    design = json.loads(text)
    cells = design["modules"][HARNESS]["cells"].values()
    low = {net for cell in cells if cell["type"] == "VLO" for net in cell["connections"]["Z"]}
    for cell in cells:
        if cell["type"] == "CCU2" and cell["connections"]["CIN"][0] in low:
            del cell["connections"]["CIN"]
    return json.dumps(design)


def _first_report(
    netlist: str, router: Router, seed: int, timeout: float | None
) -> tuple[dict[str, Any], int]:
    """Return the report of the first seed that can be routed, and that seed."""
    for later in range(router.attempts - 1):
        try:
            return _report(netlist, router, seed + later, timeout), seed + later
        except ToolError as error:
            if "Failed to route" not in str(error):
                raise
    last = seed + router.attempts - 1
    return _report(netlist, router, last, timeout), last


def _report(netlist: str, router: Router, seed: int, timeout: float | None) -> dict[str, Any]:
    """Return nextpnr's report."""
    entry = f"run_nextpnr_{router.program.replace('-', '_')}"
    program = (
        f"import sys; from {router.package} import {entry} as run; sys.exit(run(sys.argv[1:]))"
    )
    arguments = [
        *router.arguments,
        *("--json", "net.json", "--report", "report.json", "--seed", str(seed)),
        *("--freq", str(_TARGET_MHZ), "--timing-allow-fail"),
    ]
    with tempfile.TemporaryDirectory(prefix="edgetrig-nextpnr-") as folder:
        for name, text in filter(None, (router.pins, ("net.json", netlist))):
            Path(folder, name).write_text(text)
        command = [sys.executable, "-c", program, *arguments]
        done = execute(command, "nextpnr", folder, timeout=timeout)
        made = Path(folder, "report.json")
        if done.returncode or not made.is_file():
            said = (done.stdout + done.stderr).splitlines()
            lines = [line for line in said if "ERROR" in line]
            words = (lines or said or ["no output"])[0]
            raise ToolError(
                f"nextpnr failed (exit {done.returncode}) on {router.device}: {words[:300]}"
            )
        report: dict[str, Any] = json.loads(made.read_text())
    if not report["fmax"]:
        # Wide multiplexers on Gowin: after routing nextpnr gives no timing.
        raise ToolError(f"nextpnr gives no timing for this circuit on {router.device}")
    return report


def _critical_path(report: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the longest path from clock edge to clock edge."""
    paths = [
        tuple(Step(step["type"], step["delay"], step["to"]["cell"]) for step in path["path"])
        for path in report["critical_paths"]
        if "<async>" not in (path["from"], path["to"])
    ]
    return max(paths, key=lambda path: sum(step.delay_ns for step in path), default=())
