"""The trigger around a menu's logic: object words in, prescales, masks, the final decision out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np

from edgetrig.circuit import Circuit
from edgetrig.errors import Error
from edgetrig.rtl.block import Block
from edgetrig.rtl.names import identifiers
from edgetrig.rtl.ports import Port, ports
from edgetrig.rtl.verilog import verilog
from edgetrig.rtl.verilog_text import vector

LIMIT_BITS: Final = 24
"""Width of a prescale's setting, in hundredths."""

_FIXED: Final = (
    *("clk", "reset", "valid", "bx0", "clear", "prescale", "mask"),
    *("valid_out", "bx0_out", "fired", "kept", "accept"),
)
"""Ports that the text calls by name: the top module must have another."""

_PORTS: Final = """\
reset        synchronous, active high: empties the pipeline, zeroes the prescales' counters
valid        this cycle brings a crossing; without it no seed fires and no counter moves
bx0          passes through to bx0_out
clear        with valid: zeroes the counters before this crossing is counted
prescale     24 bits a seed: 100 times the prescale, from 100 on; 0 turns the seed off
mask         which seeds take part in accept
             (prescale and mask act on the crossing that leaves in the next cycle: hold them)
fired, kept  each seed before and after its prescale
accept       a seed of the mask is kept

Words of the objects, and the bits of each that are read:"""
"""The ports of every trigger, as the header explains them."""


@dataclass(frozen=True)
class Words:
    """One input of the trigger: the words of all objects of a type.

    Parameters
    ----------
    name
        Name of the port.
    count, bits
        How many words, and the width of each.
    fields
        For each input port of the logic that it feeds: its name, lowest bit and width in a word.
    """

    name: str
    count: int
    bits: int
    fields: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Wrapper:
    """A menu's logic as a block of firmware.

    Every clock cycle may bring a crossing. ``reset`` empties the pipeline and zeroes the prescales'
    counters; ``clear`` zeroes them before the crossing that it comes with; ``prescale`` holds each
    seed's prescale in hundredths (0 is off), ``mask`` which seeds take part in the final decision.
    All outputs of a crossing come `latency` rising edges after it went in.

    Parameters
    ----------
    circuit
        The logic: its inputs are arrays of object fields, its one output has one bit a seed.
    objects
        The inputs.
    name
        Name of the top module.
    settings
        Each seed's name and its prescale in hundredths, for the header of the text.
    """

    circuit: Circuit
    objects: Sequence[Words]
    name: str = "trigger"
    settings: Sequence[tuple[str, int]] = ()

    def __post_init__(self) -> None:
        fed = {field for words in self.objects for field, _, _ in words.fields}
        missing = [port.name for port in self.circuit.inputs if port.name not in fed]
        if missing:
            raise Error(f"no object word feeds input '{missing[0]}' of the logic")

    @property
    def latency(self) -> int:
        """Clock cycles from a crossing to its decision."""
        return self.circuit.latency + 1

    @property
    def seeds(self) -> int:
        """Bits of the logic's output."""
        return self.circuit.outputs[0].rows.size

    def ports(self) -> tuple[list[Port], list[Port]]:
        """Return the input and output ports of the top module."""
        given: list[tuple[str, int, int]] = [
            ("reset", 1, 1),
            ("valid", 1, 1),
            ("bx0", 1, 1),
            ("clear", 1, 1),
            ("prescale", self.seeds, LIMIT_BITS),
            ("mask", self.seeds, 1),
            *((words.name, words.count, words.bits) for words in self.objects),
        ]
        made = [
            ("valid_out", 1, 1),
            ("bx0_out", 1, 1),
            ("fired", self.seeds, 1),
            ("kept", self.seeds, 1),
            ("accept", 1, 1),
        ]
        names = [name for name, _, _ in given + made]
        chosen = dict(zip(names, identifiers(names, taken=[self._top, "clk"]), strict=True))
        return (
            [_port(name, chosen[name], count, bits) for name, count, bits in given],
            [_port(name, chosen[name], count, bits) for name, count, bits in made],
        )

    def block(self) -> Block:
        """Return the whole with what its project must know."""
        inputs, outputs = self.ports()
        return Block(
            top=self._top,
            logic=self._core,
            sources=self.texts(),
            inputs=inputs,
            outputs=outputs,
            latency=self.latency,
            clock=True,
            start="`reset` is synchronous; one cycle of it is needed before the first event.",
            notes=tuple(self._notes()),
        )

    def texts(self) -> dict[str, str]:
        """Return the Verilog by file name: the top, then what it instantiates."""
        prescaler = resources.files("edgetrig.rtl").joinpath("cells/prescaler.v").read_text()
        files = {f"{self._top}.v": "\n".join(self._lines()) + "\n"}
        files[f"{self._top}_prescaler.v"] = prescaler.replace(
            "edgetrig_prescaler", f"{self._top}_prescaler"
        )
        return files | verilog(self.circuit, self._core)

    @property
    def _top(self) -> str:
        return identifiers([self.name], taken=_FIXED)[0]

    @property
    def _core(self) -> str:
        return f"{self._top}_logic"

    def _lines(self) -> Iterator[str]:
        inputs, outputs = self.ports()
        yield from self._header()
        yield "/* verilator lint_off UNUSEDSIGNAL */  // bits of the words that no seed reads"
        yield f"module {self._top} ("
        yield "  input wire clk,"
        yield from (f"  input wire {vector(p.bits)}{p.identifier}," for p in inputs)
        last = outputs[-1]
        yield from (f"  output reg {vector(p.bits)}{p.identifier}," for p in outputs[:-1])
        yield f"  output reg {vector(last.bits)}{last.identifier}"
        yield ");"
        yield f"  wire {vector(self.seeds)}logic_seeds;"
        yield from self._logic({port.name: port.identifier for port in inputs})
        yield ""
        yield from self._flags()
        yield ""
        yield from self._decision()
        yield "endmodule"

    def _header(self) -> Iterator[str]:
        """Yield the comment at the top of the text."""
        yield f"// {self._top}: object words in, {self.seeds} seeds with prescales, a decision out."
        yield f"// Latency {self.latency} clock cycles; a crossing may enter every cycle."
        yield "// All outputs are registers, and hold what they say of a crossing for one cycle."
        yield "//"
        yield from (f"// {line}".rstrip() for line in self._notes())

    def _notes(self) -> Iterator[str]:
        """Yield what a person who connects the ports must know."""
        yield from _PORTS.splitlines()
        for words in self.objects:
            size = f"{words.count} of {words.bits} bits"
            yield f"  {words.name:<12} {size}, the first lowest: {_fields(words)}"
        if self.settings:
            yield ""
            yield "Bit of prescale, mask, fired and kept; the menu's setting of prescale:"
            for bit, (name, limit) in enumerate(self.settings):
                yield f"  {bit:<4} {limit:>9}  {ascii(name)[1:-1]}"

    def _logic(self, words_of: Mapping[str, str]) -> Iterator[str]:
        """Yield the instance of the logic, each of its inputs gathered from the object words."""
        inputs, outputs = ports(self.circuit, self._core)
        place = {
            field: (words, first, bits)
            for words in self.objects
            for field, first, bits in words.fields
        }
        connections = [".clk(clk)"] if self.circuit.latency else []
        for port in inputs:
            if not port.bits:
                continue
            words, first, bits = place[port.name]
            if (port.width != bits).any() or len(port.width) != words.count:
                raise Error(f"input '{port.name}' of the logic does not fit the object words")
            word = words_of[words.name]
            slices = [
                f"{word}[{words.bits * k + first + bits - 1}:{words.bits * k + first}]"
                for k in reversed(range(words.count))
            ]
            yield f"  wire {vector(port.bits)}logic_{port.identifier} = {{"
            yield ",\n".join(f"    {piece}" for piece in slices)
            yield "  };"
            connections.append(f".{port.identifier}(logic_{port.identifier})")
        connections += [f".{port.identifier}(logic_seeds)" for port in outputs if port.bits]
        yield f"  {self._core} logic_core ("
        yield ",\n".join(f"    {connection}" for connection in connections)
        yield "  );"

    def _flags(self) -> Iterator[str]:
        """Yield the flags that travel beside the logic's pipeline."""
        depth = self.circuit.latency
        yield "  // valid, bx0 and clear of the crossing whose seeds the logic gives now"
        if not depth:
            yield "  wire here = valid & ~reset, here_bx0 = bx0, here_clear = clear;"
            return
        yield f"  reg [{depth - 1}:0] valids, bx0s, clears;"
        here = f"[{depth - 1}]"
        yield f"  wire here = valids{here}, here_bx0 = bx0s{here}, here_clear = clears{here};"
        yield "  always @(posedge clk) begin"
        for line, flag in (("valids", "valid"), ("bx0s", "bx0"), ("clears", "clear")):
            shifted = f"{{{line}[{depth - 2}:0], {flag}}}" if depth > 1 else flag
            yield f"    {line} <= reset ? {{{depth}{{1'b0}}}} : {shifted};"
        yield "  end"

    def _decision(self) -> Iterator[str]:
        count, bits = self.seeds, LIMIT_BITS
        yield f"  wire [{count - 1}:0] now_fired = logic_seeds & {{{count}{{here}}}};"
        yield f"  wire [{count - 1}:0] now_kept;"
        yield "  genvar k;"
        yield "  generate"
        yield f"    for (k = 0; k < {count}; k = k + 1) begin : g_seed"
        yield f"      {self._top}_prescaler #(.BITS({bits})) prescaler ("
        yield "        .clk(clk), .reset(reset), .clear(here & here_clear),"
        yield f"        .fired(now_fired[k]), .limit(prescale[{bits} * k +: {bits}]),"
        yield "        .kept(now_kept[k])"
        yield "      );"
        yield "    end"
        yield "  endgenerate"
        yield "  always @(posedge clk) begin"
        yield "    valid_out <= here & ~reset;"
        yield "    bx0_out <= here_bx0 & ~reset;"
        yield f"    fired <= now_fired & {{{count}{{~reset}}}};"
        yield f"    kept <= now_kept & {{{count}{{~reset}}}};"
        yield "    accept <= |(now_kept & mask) & ~reset;"
        yield "  end"


def _port(name: str, identifier: str, count: int, bits: int) -> Port:
    """Return a port of unsigned elements that use every one of their bits."""
    width = np.full(count, bits)
    low = np.zeros(count, object)
    high = np.full(count, (1 << bits) - 1, object)
    fraction = np.zeros(count, np.int64)
    return Port(name, identifier, (count,), low, high, fraction, np.cumsum(width) - width, width)


def _fields(words: Words) -> str:
    prefix = f"{words.name}_"
    return ", ".join(
        f"{name.removeprefix(prefix)} [{first + bits - 1}:{first}]"
        for name, first, bits in words.fields
    )
