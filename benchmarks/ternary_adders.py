"""What a ternary adder saves against two binary ones on UltraScale+, as Yosys maps them.

    python benchmarks/ternary_adders.py [--quick]

Sums of three operands of random widths, alone between registers and in front of logic, and network
A in 8 stages with and without `ternary_sums`. Writes ``benchmarks/results/ternary_adders.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

import edgetrig
import network
from edgetrig.circuit import Builder, Circuit, Input, Op, Output
from edgetrig.optimize import delays_of, pipeline, ternary_sums
from edgetrig.synthesis import Cost, synthesize
from peers import HERE, machine, paragraph, say, table, write_whole

PART = "xcvu13p"
SEED, SUMS = 0, 40
LATENCY = 7
HEADER = ("", "LUT", "INV", "LUT + INV, binary = 1", "carry (4 bits)", "FF", "depth")


def main() -> None:
    about = machine()
    layers = network.QUICK_LAYERS if "--quick" in sys.argv else network.LAYERS
    alone = {
        "in front of registers, two binary adders": synthesize(sums(binary, True), PART),
        "in front of registers, ADD3": synthesize(sums(ternary, True), PART),
        "in front of logic, two binary adders": synthesize(sums(binary, False), PART),
        "in front of logic, ADD3": synthesize(sums(ternary, False), PART),
    }
    say("networks")
    combinational = edgetrig.compile(circuit(layers), latency=0).circuit
    plain = pipeline(combinational, delays_of("UltraScale+"), latency=LATENCY)
    fused = ternary_sums(plain, "UltraScale+")
    networks = {
        "two binary adders": synthesize(plain, PART),
        f"{fused.count(Op.ADD3)} ADD3 by `ternary_sums`": synthesize(fused, PART),
    }
    text = report(about, alone, networks, layers)
    if "--quick" not in sys.argv:
        write_whole(HERE / "results" / "ternary_adders.md", text)
    print(text)


def binary(builder: Builder, a: int, b: int, c: int, p: int) -> int:
    """Two rows: ``a +- b``, then ``+- c``."""
    first = builder.append(Op.SUB if p == 2 else Op.ADD, a, b)
    return int(builder.append(Op.SUB if p else Op.ADD, first, c))


def ternary(builder: Builder, a: int, b: int, c: int, p: int) -> int:
    """One row."""
    return int(builder.append(Op.ADD3, a, b, c, p))


def sums(form: Callable[[Builder, int, int, int, int], int], registered: bool) -> Circuit:
    """Return sums of three signed numbers of 8 to 24 bits; an XOR follows, or a register.

    Operands come from registers, so that what is read later is a path of one stage.
    """
    chance = np.random.default_rng(SEED)
    bits = chance.integers(8, 25, 3 * SUMS)
    lo, hi = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    port = Input("x", lo, hi, np.zeros(len(bits), int))
    builder = Builder()
    x = builder.append(Op.REG, builder.input(0, port)).reshape(SUMS, 3)
    totals = []
    for k, p in enumerate(chance.integers(0, 3, SUMS).tolist()):
        total = form(builder, *x[k].tolist(), p)
        if not registered:  # one LUT a bit more, which no adder can take in
            total = int(builder.append(Op.XOR, total, x[k - 1, 0]))
        totals.append(int(builder.append(Op.REG, total)))
    rows = np.array(totals)
    return builder.finish([port], [Output("y", rows, np.zeros(SUMS, int))])


def circuit(layers: tuple[int, ...]) -> Circuit:
    """Return the network of `network_a.py`."""
    matrices = network.weights(layers)

    def function(x):
        for weights in matrices[:-1]:
            x = edgetrig.quantize(np.maximum(x @ weights, 0), 0, 3, 3, "RND", "SAT")
        return x @ matrices[-1]

    return edgetrig.trace(function, edgetrig.fixed_input("x", layers[0], integer=3, fraction=4))


def report(
    about: dict[str, object], alone: dict[str, Cost], networks: dict[str, Cost], layers: tuple
) -> str:
    """Return the results as a page of Markdown."""
    first = next(iter(alone.values()))
    words = paragraph(
        f"Written by `benchmarks/ternary_adders.py`, {about['date']}, on {about['processor']}",
        f"(load {about['load']} at the start), Python {about['python']}, Yosys {first.yosys}:",
        f"`{first.command}`. A carry cell of eight bits counts as two.",
    )
    return (
        "\n\n".join(
            (
                "# Ternary adders",
                words,
                f"## {SUMS} sums of three numbers of 8 to 24 bits (seed {SEED})",
                table(HEADER, rows(alone, 2)),
                "In front of logic, each bit of a sum goes through an XOR, one LUT, in every row.",
                f"## Network {'-'.join(map(str, layers))}, {LATENCY + 1} stages",
                table(HEADER, rows(networks, len(networks))),
            )
        )
        + "\n"
    )


def rows(costs: dict[str, Cost], group: int) -> list[list[str]]:
    """Return a row a measurement; each `group` is compared with its first."""
    lines = []
    for k, (name, cost) in enumerate(costs.items()):
        base = list(costs.values())[k - k % group]
        ratio = (cost.lut + cost.inverters) / (base.lut + base.inverters)
        counts = (cost.carry, cost.ff, cost.depth)
        shown = [f"{cost.lut:,}", f"{cost.inverters:,}", f"{ratio:.3f}"]
        lines.append([name, *shown, *(f"{count:,}" for count in counts)])
    return lines


if __name__ == "__main__":
    main()
