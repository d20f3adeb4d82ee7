"""A folder for the firmware engineer: sources, test bench, vectors, project scripts, a README."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgetrig.circuit import Circuit, IntArray
from edgetrig.errors import DataError, Error
from edgetrig.files import whole_folder
from edgetrig.rtl import scripts
from edgetrig.rtl.describe import element_runs
from edgetrig.rtl.languages import LANGUAGES, Language
from edgetrig.rtl.names import comment, identifiers
from edgetrig.rtl.net import Net
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
) -> Path:
    """Write everything a firmware project needs; the folder appears whole or not at all.

    ``src/`` with the Verilog or VHDL, ``README.md`` (ports, bit ranges, LSBs, latency),
    ``vivado.tcl`` with an ``.xdc`` and ``quartus.tcl`` with an ``.sdc``; with `vectors` also
    ``tb/`` and ``vectors/``.

    Parameters
    ----------
    circuit
        The circuit.
    folder
        Where to; a folder of that name is replaced.
    name
        Name of the top module; turned into an identifier.
    vectors
        Input codes and expected output codes, each of shape (events, elements in port order).
    clock_ns
        Clock period, in ns; of a combinational circuit the longest path allowed.
    part
        Part for Vivado.
    language
        ``"verilog"`` or ``"vhdl"``.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    Error
        If the folder cannot be written, or `clock_ns`, `part` or `language` make no sense.
    DataError
        If `vectors` do not fit the ports.
    """
    if not (math.isfinite(clock_ns) and clock_ns > 0):
        raise Error(f"clock period {clock_ns!r} ns: a positive number is needed")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", part):
        raise Error(f"part {part!r}: letters, digits, dots and dashes are allowed")
    if language not in LANGUAGES:
        raise Error(f"language {language!r} is unknown; choose {' or '.join(LANGUAGES)}")
    files = _files(circuit, identifiers([name])[0], vectors, float(clock_ns), part, language)
    with whole_folder(folder) as temporary:
        for file, text in files.items():
            path = temporary / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return Path(folder)


def _files(
    circuit: Circuit,
    top: str,
    vectors: tuple[IntArray, IntArray] | None,
    clock_ns: float,
    part: str,
    language: str,
) -> dict[str, str]:
    words = LANGUAGES[language]
    sources = words.text(circuit, top)
    net = Net.of(circuit, top)
    inputs, outputs = net.inputs, net.outputs
    latency, clock = net.latency, bool(net.registers)
    files = {f"src/{file}": text for file, text in sources.items()}
    if vectors is not None:
        given, expected = (np.asarray(codes) for codes in vectors)
        if len(given) != len(expected) or not len(given):
            raise DataError(
                f"{len(given)} input and {len(expected)} output vectors: as many needed"
            )
        for codes, layout in ((given, inputs), (expected, outputs)):
            for file, text in vector_files(codes, layout).items():
                files[f"vectors/{file}"] = text
        files[f"tb/{top}_tb{words.bench_suffix}"] = words.bench(
            top, inputs, outputs, events=len(given), latency=latency, clock=clock, clock_ns=clock_ns
        )
    files["README.md"] = _readme(net, words, clock_ns, vectors is not None)
    files["vivado.tcl"] = scripts.vivado(top, part, list(sources))
    files["quartus.tcl"] = scripts.quartus(top, list(sources))
    files[f"{top}.xdc"] = files[f"{top}.sdc"] = scripts.constraints(
        clock, clock_ns, inputs, outputs
    )
    for cell in AMD_CELLS:
        if f"{top}_{cell}.vhd" in sources:
            files[f"amd/{top}_{cell}.vhd"] = amd_cell(top, cell, part)
    return files


def _readme(net: Net, words: Language, clock_ns: float, tested: bool) -> str:
    return "\n".join(_readme_lines(net, words, clock_ns, tested)) + "\n"


def _readme_lines(net: Net, words: Language, clock_ns: float, tested: bool) -> Iterator[str]:
    top = net.top
    yield f"# {top}"
    yield ""
    if net.registers:
        yield (
            f"Latency {net.latency} cycles ({net.latency * clock_ns:g} ns at "
            f"{clock_ns:g} ns a cycle), a new event every cycle. Registers need no reset."
        )
    else:
        yield "Combinational: no clock, no state."
    yield ""
    yield "Each port is one packed vector. Numbers are integers, two's complement where the"
    yield "smallest code is negative; the value is the code times the LSB. Elements of an array are"
    yield "counted in C order (the last index runs fastest)."
    for title, layout in (("Inputs", net.inputs), ("Outputs", net.outputs)):
        yield from ("", f"## {title}", "")
        yield "| port | in the model | elements | bits | bits each | codes | LSB |"
        yield "|---|---|---|---|---|---|---|"
        for port in layout:
            for run in element_runs(port):
                cells = [port.identifier, _markdown(port.name), run.elements, run.bits]
                cells += [str(run.width), f"{run.lo} to {run.hi}", run.lsb]
                yield f"| {' | '.join(cells)} |"
    yield from ("", "## Files", "")
    yield f"- `src/`: the {words.name}; `src/{top}{words.suffix}` is the top."
    if tested:
        bench = f"tb/{top}_tb{words.bench_suffix}"
        yield f"- `{bench}`, `vectors/`: self-checking test bench, to run in this folder:"
        yield f"  `{words.run.format(top=top, bench=bench)}`, or another simulator."
    yield f"- `vivado.tcl`, `{top}.xdc`: `vivado -mode batch -source vivado.tcl`."
    yield f"- `quartus.tcl`, `{top}.sdc`: `quartus_sh -t quartus.tcl [device]`."


def _markdown(text: str) -> str:
    """Return text with everything escaped that Markdown or HTML could take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~$&-])", r"\\\1", comment(text))
