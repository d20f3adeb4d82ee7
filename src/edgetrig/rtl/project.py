"""A folder for the firmware engineer: sources, test bench, vectors, project scripts, a README."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import numpy as np

from edgetrig.circuit import Circuit, IntArray
from edgetrig.errors import DataError, Error
from edgetrig.files import whole_folder
from edgetrig.rtl import scripts
from edgetrig.rtl.block import Block
from edgetrig.rtl.describe import element_runs
from edgetrig.rtl.languages import LANGUAGES
from edgetrig.rtl.names import comment
from edgetrig.rtl.ports import Port
from edgetrig.rtl.ternary import AMD_CELLS, amd_cell
from edgetrig.rtl.vectors import vector_files


def write(
    circuit: Circuit,
    folder: str | os.PathLike[str],
    *,
    name: str = "trigger",
    vectors: tuple[IntArray, IntArray] | None = None,
    clock_ns: float = 5.0,
    part: str = "xcvu13p-flga2577-2-e",
    language: str = "verilog",
    notes: Sequence[str] = (),
) -> Path:
    """Write a circuit with everything a firmware project needs: see `write_block`.

    Parameters
    ----------
    circuit
        The circuit.
    folder, vectors, clock_ns, part
        As for `write_block`.
    name
        Name of the top module; turned into an identifier.
    language
        ``"verilog"`` or ``"vhdl"``.
    notes
        What the user of the hardware should know besides; any text, for the README.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    Error
        As `write_block`, or if the `language` is unknown.
    DataError
        If `vectors` do not fit the ports.
    """
    lines = [line for note in notes for line in wrap(note, 95, subsequent_indent="  ")]
    block = replace(Block.of(circuit, name, language), notes=[comment(line) for line in lines])
    return write_block(block, folder, vectors=vectors, clock_ns=clock_ns, part=part)


def write_block(
    block: Block,
    folder: str | os.PathLike[str],
    *,
    vectors: tuple[IntArray, IntArray] | None = None,
    clock_ns: float = 5.0,
    part: str = "xcvu13p-flga2577-2-e",
) -> Path:
    """Write everything a firmware project needs; the folder appears whole or not at all.

    ``src/`` with the Verilog or VHDL, ``README.md`` (ports, bit ranges, LSBs, latency),
    ``vivado.tcl`` with an ``.xdc`` and ``quartus.tcl`` with an ``.sdc``; with `vectors` also
    ``tb/`` and ``vectors/``.

    Parameters
    ----------
    block
        The hardware.
    folder
        Where to; a folder of that name is replaced if all files in it were written here.
    vectors
        Input codes and expected output codes, each of shape (events, elements in port order).
    clock_ns
        Clock period, in ns; without a clock the longest path allowed.
    part
        Part for Vivado.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    Error
        If the folder cannot be written or holds other files, or `clock_ns` or `part` make no
        sense.
    DataError
        If `vectors` do not fit the ports.
    """
    if not (math.isfinite(clock_ns) and clock_ns > 0):
        raise Error(f"clock period {clock_ns!r} ns: a positive number is needed")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", part):
        raise Error(f"part {part!r}: letters, digits, dots and dashes are allowed")
    files = _files(block, vectors, float(clock_ns), part)
    with whole_folder(folder) as temporary:
        for file, text in files.items():
            path = temporary / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return Path(folder)


def _files(
    block: Block, vectors: tuple[IntArray, IntArray] | None, clock_ns: float, part: str
) -> dict[str, str]:
    top, names = block.top, list(block.sources)
    files = {f"src/{file}": text for file, text in block.sources.items()}
    if vectors is not None:
        files |= _test_files(block, *vectors, clock_ns)
    files["README.md"] = "\n".join(_readme(block, clock_ns, part, vectors is not None)) + "\n"
    files["vivado.tcl"] = scripts.vivado(top, part, names, block.logic)
    files["quartus.tcl"] = scripts.quartus(top, names)
    files[f"{top}.xdc"] = files[f"{top}.sdc"] = scripts.constraints(
        block.clock, clock_ns, block.inputs, block.outputs
    )
    for cell in AMD_CELLS:
        if f"{block.logic}_{cell}.vhd" in names:
            files[f"amd/{block.logic}_{cell}.vhd"] = amd_cell(block.logic, cell, part)
    return files


def _test_files(
    block: Block, given: IntArray, expected: IntArray, clock_ns: float
) -> dict[str, str]:
    """Return the test bench and its vectors."""
    given, expected = np.asarray(given), np.asarray(expected)
    if len(given) != len(expected) or not len(given):
        raise DataError(f"{len(given)} input and {len(expected)} output vectors: as many needed")
    files = {}
    for codes, layout in ((given, block.inputs), (expected, block.outputs)):
        for file, text in vector_files(codes, layout).items():
            files[f"vectors/{file}"] = text
    files[_bench(block)] = LANGUAGES[block.language].bench(
        block.top,
        block.inputs,
        block.outputs,
        events=len(given),
        latency=block.latency,
        clock=block.clock,
        clock_ns=clock_ns,
    )
    return files


def _bench(block: Block) -> str:
    return f"tb/{block.top}_tb{LANGUAGES[block.language].bench_suffix}"


def _readme(block: Block, clock_ns: float, part: str, tested: bool) -> Iterator[str]:
    yield f"# {block.top}"
    yield ""
    if block.clock:
        cycles = "1 cycle" if block.latency == 1 else f"{block.latency} cycles"
        yield (
            f"Latency {cycles} ({block.latency * clock_ns:g} ns at {clock_ns:g} ns a cycle), a new "
            f"event every cycle. {block.start}"
        )
    else:
        yield "Combinational: no clock, no state."
    yield ""
    yield "Each port is one packed vector. Numbers are integers, two's complement where the"
    yield "smallest code is negative; the value is the code times the LSB. Elements of an array are"
    yield "counted in C order (the last index runs fastest)."
    if any((port.hi - port.lo + 1 != 2**port.width).any() for port in block.inputs):
        yield "Inputs carry only the codes stated: what feeds the block clips numbers to them;"
        yield "other codes of as many bits give results that are not the model's."
    for title, layout in (("Inputs", block.inputs), ("Outputs", block.outputs)):
        yield from ("", f"## {title}", "", *_port_table(layout))
    if block.notes:
        yield from ("", "## Notes", "", *(f"    {line}".rstrip() for line in block.notes))
    yield from ("", "## In a design of yours", "", *_use(block, part))
    yield from ("", "## Files", "", *_file_list(block, tested))


def _port_table(layout: list[Port]) -> Iterator[str]:
    yield "| port | in the model | elements | bits | bits each | codes | LSB |"
    yield "|---|---|---|---|---|---|---|"
    for port in layout:
        for run in element_runs(port):
            cells = [port.identifier, _markdown(port.name), run.elements, run.bits]
            cells += [str(run.width), f"{run.lo} to {run.hi}", run.lsb]
            yield f"| {' | '.join(cells)} |"


def _use(block: Block, part: str) -> Iterator[str]:
    """Yield how the block is instantiated, and what its sources need to be told."""
    language = LANGUAGES[block.language]
    ports = [port.identifier for port in (*block.inputs, *block.outputs) if port.bits]
    instance = language.instance(block.top, (["clk"] if block.clock else []) + ports)
    yield from (f"    {line}" for line in instance)
    defines = scripts.primitives(part, list(block.sources), block.logic)
    if defines and block.language == "verilog":
        names = " ".join(defines)
        yield from ("", f"With `src/*.v` for {part}, as `vivado.tcl` does:")
        yield f"`set_property verilog_define {{{names}}} [current_fileset]`. Without these"
        yield "defines the function is the same, in plain logic that takes more LUTs."
    elif defines:
        yield from (
            "",
            "Take the files of `amd/` in place of those of the same names in `src/`, as",
        )
        yield "`vivado.tcl` does. With the plain ones the function is the same, in more LUTs."


def _file_list(block: Block, tested: bool) -> Iterator[str]:
    top, words = block.top, LANGUAGES[block.language]
    yield f"- `src/`: the {words.name}; `src/{top}{words.suffix}` is the top."
    if tested:
        bench = _bench(block)
        yield f"- `{bench}`, `vectors/`: self-checking test bench, to run in this folder:"
        yield from (f"  `{run.format(top=top, bench=bench)}`, or" for run in words.runs)
        yield "  another simulator."
    yield f"- `vivado.tcl`, `{top}.xdc`: `vivado -mode batch -source vivado.tcl`."
    yield f"- `quartus.tcl`, `{top}.sdc`: `quartus_sh -t quartus.tcl [device]`."


def _markdown(text: str) -> str:
    """Return text with everything escaped that Markdown or HTML could take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~$&-])", r"\\\1", comment(text))
