"""Measure edgetrig's emulation engines; runs in the Python that edgetrig is installed in."""

import os
import resource
import tempfile
from typing import Any

import common
import edgetrig_worker
import numpy as np

import network
from edgetrig.circuit import Builder, Circuit, Input, Op, Output
from edgetrig.emulate import Emulator
from edgetrig.emulate.compiled import CompiledEngine
from edgetrig.emulate.machine import Machine, host
from edgetrig.emulate.ports import Inputs

LEVELS = ("x86-64", "x86-64-v3", "x86-64-v4")


def network_engines(task: dict[str, Any]) -> dict[str, Any]:
    """Every engine on the network, floats of both sizes and codes."""
    layers, repeats = tuple(task["layers"]), task["repeats"]
    made = edgetrig_worker.design(layers, 0)
    x = network.events(task["events"], layers[0])
    single, codes = x.astype(np.float32), np.round(x * 16).astype(np.int64)
    emulator = Emulator(made.circuit)
    expected = emulator.predict(x, engine="interpreted")
    np.save(task["outputs"], expected[: task["compared"]])
    rates = {}
    for engine in ("interpreted", "compiled", "gpu"):
        if not np.array_equal(emulator.predict(x, engine=engine), expected):
            raise SystemExit(f"{engine}: not the interpreter's numbers")
        count = len(x) // 10 if engine == "gpu" else len(x)
        out, numbers = np.empty_like(expected[:count]), emulator.codes(codes[:count])
        for name, given in (("float64", x), ("float32", single)):
            rates[f"{engine} {name}"] = _rate(
                lambda e=engine, g=given, n=count, o=out: emulator.predict(
                    g[:n], out=o, threads=1, engine=e
                ),
                count,
                repeats,
            )
        rates[f"{engine} codes"] = _rate(
            lambda e=engine, n=count, o=numbers: emulator.codes(
                codes[:n], out=o, threads=1, engine=e
            ),
            count,
            repeats,
        )
    return {
        "versions": common.versions("edgetrig", "numpy", "numba", "llvmlite", "jax"),
        "rates": rates,
        "levels": {level: _level(made.circuit, level, x, expected, repeats) for level in LEVELS},
        "make": common.timed(lambda: _fresh(made.circuit), repeats),
        "read": common.timed(lambda: CompiledEngine(made.circuit, Inputs(made.circuit)), repeats),
        "rows": len(made.circuit),
    }


def _rate(work: Any, events: int, repeats: int) -> dict[str, float]:
    times = common.timed(work, repeats)
    return {"best": events / times["min"], "median": events / times["median"]}


def _fresh(circuit: Circuit) -> None:
    """Make machine code with an empty folder to keep it in."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        CompiledEngine(circuit, Inputs(circuit))
        del os.environ["XDG_CACHE_HOME"]


def _level(
    circuit: Circuit, level: str, x: Any, expected: Any, repeats: int
) -> dict[str, float] | None:
    """Return the rate of code for a level of x86-64, or None where it does not run."""
    features = host().features.split(",")
    needed = {"x86-64": "+sse2", "x86-64-v3": "+avx2", "x86-64-v4": "+avx512bw"}[level]
    if needed not in features:
        return None
    engine = CompiledEngine(circuit, Inputs(circuit), Machine(host().triple, level))
    memory, out = engine.memory(), np.empty_like(expected)

    def work() -> None:
        for first in range(0, len(x), engine.stage):
            last = first + engine.stage
            engine.values(memory, [x[first:last]], [out[first:last]], first)

    work()
    if not np.array_equal(out, expected):
        raise SystemExit(f"{level}: not the interpreter's numbers")
    return _rate(work, len(x), repeats)


def scaling(task: dict[str, Any]) -> dict[str, Any]:
    """Compile time, memory and speed of a random circuit of about so many rows."""
    circuit = random_network(task["rows"])
    _fresh(random_network(1000))
    before = common.cpu_seconds(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        emulator = Emulator(circuit)
        codes = np.random.default_rng(0).integers(-128, 128, (task["events"], 256))
        emulator.codes(codes[:1], engine="compiled")
        made = common.cpu_seconds() - before[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[1]
    result: dict[str, Any] = {"rows": len(circuit), "seconds": made, "MiB": memory / 1024}
    expected = emulator.codes(codes, engine="interpreted")
    for engine in ("compiled", "interpreted"):
        out = np.empty_like(expected)

        def work(engine: Any = engine, out: Any = out) -> None:
            emulator.codes(codes, out=out, threads=1, engine=engine)

        work()
        if not np.array_equal(out, expected):
            raise SystemExit(f"{engine}: not the interpreter's numbers")
        result[engine] = _rate(work, len(codes), 3)
    return result


def random_network(rows: int, width: int = 256) -> Circuit:
    """Return layers of six random additions behind each other, then a shift and a clip."""
    chance = np.random.default_rng(0)
    builder = Builder()
    port = Input("x", np.full(width, -128), np.full(width, 127), np.full(width, 4))
    values = builder.input(0, port)
    zero, top = builder.constant(np.array([0, 63]))
    while len(builder) < rows:
        for _ in range(6):
            op = np.where(chance.random(width) < 0.5, Op.ADD, Op.SUB)
            shift = chance.integers(-1, 2, width) * (chance.random(width) < 0.5)
            operands = chance.permutation(values), chance.permutation(values)
            values = builder.append(op, *operands, p=shift)
        values = builder.append(Op.SHR, values, p=4)
        values = builder.append(Op.SELECT, builder.append(Op.LT, values, zero), zero, values)
        values = builder.append(Op.SELECT, builder.append(Op.LT, values, top), values, top)
    outputs = Output("y", np.asarray(values), np.zeros(width, np.int64))
    return builder.finish([port], [outputs])


TASKS = {"network": network_engines, "scaling": scaling}

if __name__ == "__main__":
    common.main(lambda task: TASKS[task["task"]](task))
