"""Fit the constants of `edgetrig.synthesis.estimate` to Yosys, and record what was measured.

    python benchmarks/calibrate_estimate.py [record.json]

Synthesizes a set of circuits for UltraScale+, prints measured and estimated figures, and the
constants that fit best (least squares on relative errors). Copy them into ``estimate.py``.
"""

from __future__ import annotations

import itertools
import json
import sys

import numpy as np

from edgetrig.circuit import Circuit, fixed_input, lookup, origin, quantize, trace
from edgetrig.optimize import delays_of, optimize, pipeline
from edgetrig.synthesis import estimate, synthesize
from edgetrig.synthesis.estimate import LUTS_PER_BIT, features


def network(sizes, *, bits=6, density=0.5, activation="relu", seed=0):
    rng = np.random.default_rng(seed)
    weights = [
        rng.integers(1 - 2 ** (bits - 1), 2 ** (bits - 1), pair) * (rng.random(pair) < density)
        for pair in itertools.pairwise(sizes)
    ]

    def function(x):
        for k, w in enumerate(weights):
            with origin(f"dense{k}"):
                x = x @ (w / 2 ** (bits - 2))
            if k == len(weights) - 1:
                return x
            with origin(f"activation{k}"):
                if activation == "relu":
                    x = quantize(np.maximum(x, 0), 0, 3, 3, "RND", "SAT")
                else:
                    x = quantize(x, 1, 3, 4, "TRN", "SAT")
                    x = lookup(x, np.tanh, 1, 0, 5, "RND", "SAT")
        return x

    return trace(function, fixed_input("x", sizes[0], integer=3, fraction=4))


def trees(*, count=20, depth=4, seed=1):
    rng = np.random.default_rng(seed)

    def tree(x, level):
        if level == 0:
            return x[0] * 0 + int(rng.integers(-100, 100))
        at, cut = int(rng.integers(8)), int(rng.integers(-100, 100)) / 16
        return np.where(x[at] > cut, tree(x, level - 1), tree(x, level - 1))

    def function(x):
        return sum(tree(x, depth) for _ in range(count))

    return trace(function, fixed_input("x", 8, integer=3, fraction=4))


def selection():
    def function(pt, eta):
        best = np.sort(pt)[-3:]
        near = np.abs(eta[:, None] - eta[None, :]) < 1.5
        return {"best": best, "ht": np.sum(pt), "pairs": np.sum(near), "arg": np.argmax(pt)}

    jets = fixed_input("pt", 8, signed=0, integer=9, fraction=1)
    return trace(function, jets, fixed_input("eta", 8, integer=3, fraction=5))


def circuits() -> dict[str, Circuit]:
    small, medium = network((8, 8, 5)), network((16, 32, 16, 5), density=0.4, seed=2)
    made = {
        "dense 8-8-5, 6 bit": small,
        "dense 16-16-5, 8 bit": network((16, 16, 5), bits=8, density=0.3, seed=3),
        "dense 16-32-16-5, 6 bit": medium,
        "dense 16-16-5, 3 bit": network((16, 16, 5), bits=3, density=0.8, seed=4),
        "dense 10-12-4 with tanh tables": network((10, 12, 4), activation="tanh", seed=5),
        "20 trees of depth 4": trees(),
        "jet selection": selection(),
    }
    made = {name: optimize(circuit) for name, circuit in made.items()}
    delays = delays_of("UltraScale+")
    for name in ("dense 8-8-5, 6 bit", "dense 16-32-16-5, 6 bit", "jet selection"):
        made[f"{name}, 4 cycles"] = pipeline(made[name], delays, latency=4)
    return made


def main(record: str | None = None) -> None:
    rows, measured, results = [], [], []
    for name, circuit in circuits().items():
        cost, guess = synthesize(circuit), estimate(circuit)
        luts = cost.lut + cost.inverters
        rows.append([float(bits.sum()) for bits in features(circuit).values()])
        measured.append(luts)
        results.append(
            {
                "circuit": name, "rows": len(circuit), "seconds": round(cost.seconds, 1),
                "lut": [luts, guess.lut], "ff": [cost.ff, guess.ff],
                "carry": [cost.carry, guess.carry], "depth": [cost.depth, guess.depth],
            }
        )  # fmt: skip
        print(json.dumps(results[-1]), flush=True)
    weights = 1 / np.array(measured)
    prior = np.array([LUTS_PER_BIT[name] for name in LUTS_PER_BIT])
    # A little pull towards the present constants: few circuits, some kinds of work are rare.
    system = np.vstack([np.array(rows) * weights[:, None], 0.05 * np.eye(len(prior))])
    target = np.concatenate([np.ones(len(rows)), 0.05 * prior])
    fitted = np.linalg.lstsq(system, target, rcond=None)[0]
    ratio = np.array(rows) @ fitted / measured
    constants = dict(zip(LUTS_PER_BIT, np.round(fitted, 2).tolist(), strict=True))
    print("fitted LUTs a bit:", constants)
    print("estimate / measured with them:", np.round(ratio, 2).tolist())
    if record:
        with open(record, "w") as file:
            json.dump({"yosys": cost.yosys, "fitted": constants, "runs": results}, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:2])
