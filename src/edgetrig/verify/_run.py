"""What every simulator is given: hardware text, ports, and packed input vectors."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ToolError
from edgetrig.programs import call
from edgetrig.rtl import Port

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Run:
    """One simulation, in a folder of its own.

    Parameters
    ----------
    folder
        An empty folder.
    texts
        The hardware by file name, the top first, every file before those it instantiates.
    inputs, outputs
        The ports; those without bits do not exist in the hardware.
    stimulus
        Input vectors, shape (events, words of all input ports in order): `edgetrig.rtl.pack`.
    latency
        Rising clock edges from an event's inputs to its outputs.
    seed
        Of the registers' first contents, where a simulator can choose them.
    """

    folder: Path
    texts: Mapping[str, str]
    inputs: list[Port]
    outputs: list[Port]
    stimulus: Words
    latency: int
    seed: int

    @property
    def top(self) -> str:
        """Name of the top module."""
        return Path(next(iter(self.texts))).stem

    @property
    def clock(self) -> bool:
        """Whether the top module has a clock."""
        text = next(iter(self.texts.values()))
        return bool(re.search(r"^\s*(input wire clk\b|clk : in )", text, re.MULTILINE))

    @property
    def words(self) -> int:
        """64-bit words of the outputs of one event."""
        return sum(port.words for port in self.outputs)

    def write_texts(self) -> list[str]:
        """Write the hardware into the folder; return the file names."""
        for name, text in self.texts.items():
            (self.folder / name).write_text(text)
        return list(self.texts)


def places(layout: list[Port]) -> list[tuple[Port, int]]:
    """Return the ports that have bits, each with its first word in a packed vector."""
    first, found = 0, []
    for port in layout:
        if port.bits:
            found.append((port, first))
        first += port.words
    return found


def on_path(program: str, package: str, instead: str = "choose another simulator") -> str:
    """Return the path of a program; without it the error names its package, and a way around it.

    Raises
    ------
    ToolError
        If it is not on PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise ToolError(f"{program} is not on PATH: install {package}, or {instead}")
    return found


def version_of(program: str, option: str) -> str:
    """Return the version that a program on PATH names.

    Raises
    ------
    ToolError
        If it is not on PATH or fails.
    """
    words = call([on_path(program, program), option], program).split()
    return next(word for word in words if word[0].isdigit())
