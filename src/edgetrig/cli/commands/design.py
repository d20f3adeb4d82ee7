"""``edgetrig compile``, ``verify`` and ``synth``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import (
    Columns,
    DesignFile,
    Label,
    Latency,
    OwnClock,
    OwnEffort,
    OwnPart,
    Seed,
    SplitSeed,
    Vectors,
    words,
)
from edgetrig.errors import Error
from edgetrig.files import whole_file

if TYPE_CHECKING:
    from edgetrig.design import Design


def open_design(path: Path) -> Design:
    """Return a saved design as it is, or a model compiled with the defaults."""
    from edgetrig.design import SUFFIX, Design, compile
    from edgetrig.files import existing_file

    if path.suffix == SUFFIX:
        return Design.load(existing_file(path))
    return compile(path)


def class_of(design: Design, signal: str) -> int:
    """Return the index of a class given by its name or number."""
    if signal.isdecimal() and signal not in design.classes:
        return int(signal)
    return design.class_index(signal)


def compile_model(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A model file, a menu (.yaml) or a design (.edgetrig)."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Design to write; the model's name with .edgetrig.")
    ] = None,
    input_type: Annotated[
        str | None,
        typer.Option(
            metavar="fixed<W,I>", help="Type of the inputs of a model that does not quantise them."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the top module.")] = None,
    classes: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Names of the outputs, in order; of a single one: background and signal.",
        ),
    ] = "",
    signal: Annotated[
        str | None,
        typer.Option(
            help="End in one accept bit for this class (name, or number from 0; a single output "
            "is class 1's)."
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Accept where the class leads the others by this score.")
    ] = None,
    acceptance: Annotated[
        float | None,
        typer.Option(help="Choose the threshold: share of background to accept at most, in DATA."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Events for --acceptance.")] = None,
    label: Label = "label",
    columns: Columns = "",
    split_seed: SplitSeed = None,
    part: OwnPart = None,
    clock: OwnClock = None,
    latency: Latency = None,
    effort: OwnEffort = None,
    rtl: Annotated[
        Path | None,
        typer.Option(help="Folder for RTL, test bench, vectors and project scripts."),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the RTL: verilog or vhdl.")] = "verilog",
    cpp: Annotated[
        Path | None, typer.Option(help="Folder for the emulator as C++ without dependencies.")
    ] = None,
) -> None:
    """Compile a trained model into trigger logic, bit by bit what the model computes."""
    from edgetrig.cli.data import held_out, load_events
    from edgetrig.design import SUFFIX, compile, design_path
    from edgetrig.files import existing_file

    _check_threshold(signal, threshold, acceptance, data)
    existing_file(model)
    target = design_path(out or model.with_suffix(SUFFIX))
    if signal is not None and out is None and target == model:
        raise Error(f"{model}: its accept bit would take its place; name another file with --out")
    with step("compiling"):
        design = compile(
            model,
            input_type=input_type,
            name=name,
            classes=words(classes),
            part=part,
            clock_ns=clock,
            latency=latency,
            effort=effort,
        )
        if signal is not None and acceptance is not None:
            events = held_out(load_events(data, label, words(columns), design), split_seed)
            index = class_of(design, signal)
            point = design.working_point(
                events.features, events.labels, signal=index, acceptance=acceptance
            )
            say(str(point))
            design = design.threshold(point)
        elif signal is not None:
            design = design.threshold(class_of(design, signal), at=threshold)
            _check_choice(design, threshold)
        text = design.summary()
        if rtl is not None:
            design.write(rtl, language=language)
        if cpp is not None:
            design.write_cpp(cpp)
        design.save(target)
    say(text)
    written = {"design": target, "RTL": rtl, "C++": cpp}
    say(", ".join(f"{what}: {path}" for what, path in written.items() if path is not None))


def _check_threshold(
    signal: str | None, threshold: float | None, acceptance: float | None, data: Path | None
) -> None:
    if signal is None and (threshold is not None or acceptance is not None):
        raise Error("--threshold and --acceptance need --signal: name the class to accept")
    if signal is not None and (threshold is None) == (acceptance is None):
        raise Error("--signal needs either --threshold, or --acceptance with --data")
    if acceptance is not None and data is None:
        raise Error("--acceptance needs --data: events on which to choose the threshold")


def _check_choice(design: Design, threshold: float | None) -> None:
    """Demand that a threshold of the user's decides something."""
    (bit,) = design.circuit.outputs[0].rows.ravel()
    if design.circuit.constant[bit]:
        passes = "every" if design.circuit.rows.lo[bit] else "no"
        raise Error(
            f"--threshold {threshold:g}: {passes} event passes, whatever its inputs; "
            "'edgetrig predict' shows the scores"
        )


def verify(
    design: DesignFile,
    data: Annotated[Path | None, typer.Option(help="Real events to add to the vectors.")] = None,
    columns: Columns = "",
    vectors: Vectors = 10_000,
    seed: Seed = 0,
    simulator: Annotated[
        str, typer.Option(help="verilator, system-verilator, icarus; of the VHDL: ghdl, nvc.")
    ] = "verilator",
    prove: Annotated[
        bool,
        typer.Option("--prove", help="Also prove, for every input, the text that is simulated."),
    ] = False,
) -> None:
    """Simulate the hardware and demand equality with the emulator on every output bit."""
    from edgetrig.cli.data import check_shape, feature_columns
    from edgetrig.physics import read_table

    compiled = open_design(design)
    events = None
    if data is not None:
        events = read_table(data, feature_columns(data, words(columns))).features
        check_shape(str(data), events, compiled)
    with step("verifying") as progress:
        result = compiled.verify(
            vectors, events=events, seed=seed, simulator=simulator, prove=prove, progress=progress
        )
    say(str(result))


def synth(
    design: DesignFile,
    part: Annotated[
        str | None, typer.Option(help="FPGA part or family; the design's own by default.")
    ] = None,
    route: Annotated[
        bool, typer.Option("--route", help="Place and route, too: ECP5, Nexus, Gowin, iCE40.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the placement.")] = 1,
    out: Annotated[Path | None, typer.Option(help="File for all figures, as JSON.")] = None,
) -> None:
    """Measure the cost with Yosys: LUT, FF, carry, DSP, BRAM and depth, by layer.

    With --route nextpnr places and routes the design: the routed clock and latency, beside the
    delay model's estimate.
    """
    compiled = open_design(design)
    if part is not None:
        compiled = compiled.retarget(part=part)
    figures: dict[str, Any] = {}
    lines = []
    if route:
        with step("placing and routing"):
            routed = compiled.route(seed=seed)
        figures["routed"] = routed.to_dict()
        period = compiled.estimated_clock_ns
        figures["estimated_clock"] = {"ns": period, "mhz": 1000 / period}
        lines = [str(routed), f"estimated clock {1000 / period:.0f} MHz, {period:.2f} ns (model)"]
    with step("synthesising"):
        cost = compiled.synthesize()
    estimate = compiled.estimate()
    figures |= {"measured": cost.to_dict(), "estimated": estimate.to_dict()}
    if out is not None:
        with whole_file(out) as path:
            path.write_text(json.dumps(figures, indent=1) + "\n")
    say("\n".join([str(cost), str(estimate), *lines]))
