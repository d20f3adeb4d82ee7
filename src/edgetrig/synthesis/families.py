"""Which Yosys command serves which device: one row a part, in one visible place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgetrig.errors import Error


@dataclass(frozen=True)
class Family:
    """A family of devices as Yosys sees it.

    Parameters
    ----------
    name
        For people.
    command
        The synthesis command, without ``-top``.
    retime
        Option that lets ABC9 work across flip-flops; empty where the command has none.
    """

    name: str
    command: str
    retime: str = ""


def _xilinx(name: str, family: str) -> Family:
    return Family(name, f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf", "-dff")


_ULTRASCALE_PLUS = _xilinx("UltraScale+", "xcup")
_ULTRASCALE = _xilinx("UltraScale", "xcu")
_SERIES7 = _xilinx("7 series", "xc7")
_ECP5 = Family("ECP5", "synth_ecp5", "-dff")

PARTS: Final[dict[str, Family]] = {
    "xcvu13p": _ULTRASCALE_PLUS,
    "xcvu9p": _ULTRASCALE_PLUS,
    "xcvu7p": _ULTRASCALE_PLUS,
    "xcvu5p": _ULTRASCALE_PLUS,
    "xcvu3p": _ULTRASCALE_PLUS,
    "xcku15p": _ULTRASCALE_PLUS,
    "xcku5p": _ULTRASCALE_PLUS,
    "xczu": _ULTRASCALE_PLUS,
    "xcu250": _ULTRASCALE_PLUS,
    "xcku115": _ULTRASCALE,
    "xcku040": _ULTRASCALE,
    "xcvu080": _ULTRASCALE,
    "xc7": _SERIES7,
    "artix7": _SERIES7,
    "kintex7": _SERIES7,
    "virtex7": _SERIES7,
    "ecp5": _ECP5,
    "lfe5": _ECP5,
    "nexus": Family("Nexus", "synth_nexus"),
    "gowin": Family("Gowin", "synth_gowin -noiopads"),
    "ice40": Family("iCE40", "synth_ice40", "-dff"),
}
"""Part names, as prefixes: ``xcvu13p-flga2577-2-e`` is an ``xcvu13p``."""


def family_of(part: str) -> Family:
    """Return the family of a part.

    Raises
    ------
    Error
        If no known part is a prefix of the name.
    """
    matches = [known for known in PARTS if part.lower().startswith(known)]
    if not matches:
        raise Error(f"part {part!r} is unknown; known are {', '.join(PARTS)}")
    return PARTS[max(matches, key=len)]
