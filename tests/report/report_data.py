"""A small design, events for it, and measurements as Yosys and Verilator would give them."""

import numpy as np

from edgetrig import origin, quantize
from edgetrig.synthesis import Cost
from edgetrig.verify import Verification
from edgetrig.verify.proof import Proof

RNG = np.random.default_rng(3)
WEIGHTS = RNG.integers(-15, 16, (6, 4)) / 8, RNG.integers(-15, 16, (4, 3)) / 8
EVENTS = RNG.normal(0, 2, (3000, 6))
NASTY = '</title><script>alert("x")</script>'


def network(x):
    with origin(NASTY):
        x = quantize(np.maximum(x @ WEIGHTS[0], 0), 0, 3, 2, "RND", "SAT")
    with origin("scores"):
        return x @ WEIGHTS[1] + 0.375


def cost(design):
    layers = {
        name: {"lut": 10 * (k + 1), "ff": 3, "carry": 1}
        for k, name in enumerate(design.circuit.origins)
    }
    total = sum(counts["lut"] for counts in layers.values())
    counts = dict.fromkeys(["inverters", "mux", "srl", "dsp", "bram"], 0)
    return Cost(
        part="xcvu13p", family="UltraScale+", lut=total, carry=4, ff=12, depth=5, by_layer=layers,
        other={}, seconds=1.0, yosys="9.99", command="synth_none", **counts,
    )  # fmt: skip


def verification(design):
    return Verification(
        real=12_000, corner=300, random=700, reference=2000, outputs=1, bits=31, rows=10,
        latency=design.latency, seconds={"simulation": 1.0}, tools={"verilator": "5.99"},
        proof=Proof(
            language="VHDL", readers={"ghdl": "2.0", "Yosys": "9.99"},
            outputs=("solver", "form", "tested"), ranges={"operation": 9}, cells={"ADD": 1200},
            questions=3, remembered=4, registers=40, port_bits=50, latency=design.latency,
            vectors=64, open=("output 2: only tested",),
        ),
    )  # fmt: skip
