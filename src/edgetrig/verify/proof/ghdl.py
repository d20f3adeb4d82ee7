"""VHDL read by GHDL, which writes its netlist as Verilog for Yosys.

GHDL is a third party here, as Yosys is: it reads the text by the rules of the language and knows
nothing of the circuit. Signals keep their names; those that no output needs are left out.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgetrig.errors import ToolError, VerificationError
from edgetrig.programs import execute
from edgetrig.verify._run import on_path, version_of

_PACKAGE = "GHDL (Debian: apt-get install ghdl)"


def as_verilog(files: Mapping[str, str], top: str) -> str:
    """Return GHDL's netlist of VHDL files, as Verilog.

    Parameters
    ----------
    files
        VHDL by file name, every file before those it instantiates.
    top
        Name of the top entity.

    Raises
    ------
    ToolError
        If GHDL is missing or refuses the text.
    VerificationError
        If it warns, for instance of a port that nothing drives.
    """
    program = on_path("ghdl", _PACKAGE, "prove the Verilog")
    command = [program, "--synth", "--std=08", "--out=verilog", *reversed([*files]), "-e", top]
    with tempfile.TemporaryDirectory(prefix="edgetrig-ghdl-") as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        done = execute(command, "ghdl", folder)
    remarks = [line for line in done.stderr.splitlines() if re.match(r"\S+:\d+:\d+:", line)]
    if done.returncode:
        errors = [line for line in remarks if not re.search(r":(note|warning):", line)]
        what = next(iter(errors), f"exit {done.returncode}")
        raise ToolError(f"ghdl refuses the VHDL: {what[:300]}")
    for line in remarks:
        if ":warning:" in line:
            raise VerificationError(f"netlist: {line[:300]}")
    return _sized(done.stdout)


def version() -> str:
    """Return the version of GHDL."""
    return version_of("ghdl", "--version")


def _sized(verilog: str) -> str:
    """Mend what GHDL 2.0 writes of a constant of more than 32 bits.

    Its digits are a string; its sign is the bit of a constant, which is no Verilog.
    """
    sized = re.sub('"([01]+)"', lambda digits: f"{len(digits[1])}'b{digits[1]}", verilog)
    return re.sub(
        r"\d+'b([01]+)\[(\d+)\]", lambda found: f"1'b{found[1][-1 - int(found[2])]}", sized
    )
