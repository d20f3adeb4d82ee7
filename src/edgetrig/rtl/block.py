"""A block of firmware: the text of its modules, and what a project around them must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgetrig.circuit import Circuit
from edgetrig.errors import Error
from edgetrig.rtl.languages import LANGUAGES
from edgetrig.rtl.names import identifiers
from edgetrig.rtl.net import Net
from edgetrig.rtl.ports import Port


@dataclass(frozen=True)
class Block:
    """Hardware text and what a test bench, constraints and a README need to know of it.

    Parameters
    ----------
    top, logic
        Identifiers of the top module, and of the module that is a circuit's: often the same.
    sources
        The hardware by file name, the top first, every file before those it instantiates.
    inputs, outputs
        Ports of the top module, besides its clock.
    latency
        Clock cycles from inputs to outputs.
    clock
        Whether the top module has a clock ``clk``.
    language
        A key of `edgetrig.rtl.languages.LANGUAGES`.
    start
        A sentence on how the registers start.
    notes
        Lines on the meaning of the ports, where their names and codes do not say it.
    """

    top: str
    logic: str
    sources: Mapping[str, str]
    inputs: list[Port]
    outputs: list[Port]
    latency: int
    clock: bool
    language: str = "verilog"
    start: str = "Registers need no reset."
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, circuit: Circuit, name: str, language: str) -> Block:
        """Return a circuit alone as a block; `name` is turned into an identifier.

        Raises
        ------
        Error
            If the `language` is unknown.
        """
        if language not in LANGUAGES:
            raise Error(f"language {language!r} is unknown; choose {' or '.join(LANGUAGES)}")
        top = identifiers([name])[0]
        net = Net.of(circuit, top)
        return cls(
            top=top,
            logic=top,
            sources=LANGUAGES[language].text(circuit, top),
            inputs=net.inputs,
            outputs=net.outputs,
            latency=net.latency,
            clock=bool(net.registers),
            language=language,
        )
