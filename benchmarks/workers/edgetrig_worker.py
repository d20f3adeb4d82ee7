"""Measure edgetrig; runs in the Python that edgetrig is installed in."""

import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import common
import numpy as np

import edgetrig
import network
from edgetrig.circuit import ADDERS, Circuit, Op, fixed_input, origin, trace
from edgetrig.design import Design
from edgetrig.optimize import (
    Delays,
    constant_matrices,
    delays_of,
    optimize,
    pipeline,
    stage_delay,
)
from edgetrig.rtl import verilog
from edgetrig.synthesis import estimate
from traced import relu, traced


def circuit(layers: tuple[int, ...]) -> Circuit:
    matrices = network.weights(layers)

    def function(x: Any) -> Any:
        for k, weights in enumerate(matrices):
            with origin(f"dense_{k}"):
                x = x @ weights
            if k < len(matrices) - 1:
                with origin(f"relu_{k}"):
                    x = relu(x)
        return x

    return trace(function, fixed_input("x", layers[0], integer=3, fraction=4))


def design(layers: tuple[int, ...], latency: int) -> Design:
    return edgetrig.compile(circuit(layers), latency=latency)


def convert(layers: tuple[int, ...], latency: int) -> dict[str, str]:
    """Trace, optimise, pipeline and print Verilog."""
    return verilog(design(layers, latency).pipelined)


def cold(task: dict[str, Any]) -> dict[str, Any]:
    """Measure the first conversion of a process."""
    return common.timed(lambda: convert(tuple(task["layers"]), task["latency"]), 1)


def emulation(made: Design, x: Any, codes: Any, engine: Any, repeats: int) -> dict[str, Any]:
    """Floats in and out, and codes in and out, by one engine and one thread."""
    emulator = made.emulator
    values = emulator.predict(x, engine=engine)
    plain = emulator.codes(codes, engine=engine)

    def predict() -> None:
        emulator.predict(x, out=values, threads=1, engine=engine)

    def compute() -> None:
        emulator.codes(codes, out=plain, threads=1, engine=engine)

    return {
        f"predict_{engine}": common.timed(predict, repeats),
        f"codes_{engine}": common.timed(compute, repeats),
    }


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Conversion and emulation of the network."""
    layers, latency = tuple(task["layers"]), task["latency"]
    convert(layers, latency)
    made = design(layers, latency)
    x = network.events(task["events"], layers[0])
    codes = np.round(x * 16).astype(np.int64)
    np.save(task["outputs"], made.predict(x[: task["compared"]], threads=1))
    speeds = {}
    for engine in ("interpreted", "compiled"):
        speeds |= emulation(made, x, codes, engine, task["repeats"])
    rows = made.circuit.rows
    return {
        "versions": common.versions("edgetrig", "numpy", "numba", "llvmlite"),
        "trace": common.timed(lambda: optimize(circuit(layers)), task["repeats"]),
        "convert": common.timed(lambda: convert(layers, latency), task["repeats"]),
        "emulator": common.timed(lambda: edgetrig.emulate.Emulator(made.circuit), task["repeats"]),
        **speeds,
        "events": len(x),
        "adders": int(np.isin(rows.op, (Op.ADD, Op.SUB, Op.NEG)).sum()),
        "estimate": estimate(made.circuit).to_dict()["lut"],
        "stages": made.latency,
        "nonzero": [int(np.count_nonzero(w)) for w in network.weights(layers)],
        "weights": [int(w.size) for w in network.weights(layers)],
    }


def measure_case(task: dict[str, Any]) -> dict[str, Any]:
    """Conversion, emulation and Verilog of one circuit, combinational and pipelined."""
    name, file = task["case"], task["file"]
    wanted = {key: task[key] for key in ("clock_ns", "latency")}

    def convert() -> Design:
        model = file or traced(name)
        made = edgetrig.compile(model, **wanted)
        verilog(made.pipelined)
        return made

    made = convert()
    x = np.load(task["inputs"])
    result = {
        "versions": common.versions("edgetrig", "numpy", "numba", "llvmlite"),
        "convert": common.timed(convert, task["repeats"]),
        "events": len(x),
        "adders": made.circuit.count(*ADDERS),
        "register_bits": int(made.pipelined.widths[made.pipelined.rows.op == Op.REG].sum()),
        "stage_ns": made.estimated_clock_ns,
        "estimate": estimate(made.circuit).to_dict()["lut"],
    }
    outputs = made.predict(x[: task["compared"]], threads=1)
    np.save(task["outputs"], outputs.reshape(len(outputs), -1))
    for engine in ("interpreted", "compiled"):
        made.emulator.predict(x[:1000], threads=1, engine=engine)
        result[engine] = common.timed(
            lambda chosen=engine: made.emulator.predict(x, threads=1, engine=chosen),
            task["repeats"],
        )
    combinational = made.retarget(latency=0).pipelined
    for form, circuit in (("combinational", combinational), ("pipelined", made.pipelined)):
        folder = Path(task["rtl"], form)
        folder.mkdir(parents=True)
        for file_name, text in verilog(circuit).items():
            (folder / file_name).write_text(text)
    return result


def registers(task: dict[str, Any]) -> dict[str, Any]:
    """Pipeline one circuit by each pair of clock period (ns, or adders in a row) and latency."""
    made = optimize(traced(task["case"]))
    by_adders = Delays(lut=0.0, net=0.0, carry=1.0, carry_bit=0.0, register=0.0)
    by_time = delays_of("UltraScale+")
    placements = []
    for kind, clock, latency in task["wanted"]:
        delays = by_adders if kind == "adders" else by_time
        cut = partial(pipeline, made, delays, clock_ns=clock, latency=latency)
        after = cut()
        placements.append(
            {
                "stages": after.latency,
                "register_bits": int(after.widths[after.rows.op == Op.REG].sum()),
                "ns": stage_delay(after, by_time),
                "adders": stage_delay(after, by_adders),
                "seconds": common.timed(cut, 2)["min"],
            }
        )
    return {"versions": common.versions("edgetrig"), "rows": len(made), "placements": placements}


def memory(task: dict[str, Any]) -> dict[str, Any]:
    """Growth of private memory while predict reads and writes memory-mapped files."""
    layers, count = tuple(task["layers"]), task["events"]
    made = design(layers, 0)
    made.predict(np.zeros((20_000, layers[0])), threads=1)
    with tempfile.TemporaryDirectory() as folder:
        x = np.memmap(Path(folder, "x"), np.float32, "w+", shape=(count, layers[0]))
        out = np.memmap(Path(folder, "y"), np.float64, "w+", shape=(count, layers[-1]))
        before, peak, ended = _private_bytes(), 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(0.002):
                peak = max(peak, _private_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        made.predict(x, out=out, threads=1)
        ended.set()
        watcher.join()
    return {"events": count, "growth_mib": max(peak - before, 0) / 2**20}


def _private_bytes() -> int:
    """Resident memory that no file stands behind."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0


def matrices(task: dict[str, Any]) -> dict[str, Any]:
    """Solve one constant matrix."""
    size = task["size"]
    codes = network.matrix(np.random.default_rng(task["seed"]), size, size)
    traced = trace(lambda x: x @ codes, fixed_input("x", size, integer=7, fraction=0))
    small = network.matrix(np.random.default_rng(0), 4, 4)
    constant_matrices(trace(lambda x: x @ small, fixed_input("x", 4, integer=7, fraction=0)))
    solved = constant_matrices(traced)
    adders = np.isin(solved.rows.op, (Op.ADD, Op.SUB, Op.NEG))
    return {
        "versions": common.versions("edgetrig"),
        "seconds": common.timed(lambda: constant_matrices(traced), task["repeats"]),
        "adders": int(adders.sum()),
        "adder_bits": int(solved.widths[adders].sum()),
        "carried_bits": int((solved.widths - _free_bits(solved))[adders].clip(1).sum()),
        "depth": _depth(solved),
        "cores": _by_cores(traced, task) if size <= task["largest_searched"] else {},
    }


def _by_cores(traced: Circuit, task: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Least wall and CPU seconds with much effort on one and on two cores, taking turns."""
    times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(task["repeats"]):
        for cores, found in times.items():
            with mock.patch("os.cpu_count", return_value=cores):
                wall, cpu = time.perf_counter(), common.cpu_seconds()
                constant_matrices(traced, effort=task["effort"])
                found.append((time.perf_counter() - wall, common.cpu_seconds() - cpu))
    return {
        str(cores): {
            "wall": min(wall for wall, _ in found),
            "cpu": min(cpu for _, cpu in found),
        }
        for cores, found in times.items()
    }


def _free_bits(solved: Circuit) -> Any:
    """Low bits of every sum that are an operand's as they are."""
    p = solved.rows.p.astype(np.int64)
    return np.where(p >= 0, p, np.where(solved.rows.op == Op.ADD, -p, 0))


def _depth(solved: Circuit) -> int:
    """Most adders on a path."""
    level = [0] * len(solved.rows)
    for row, (op, operands) in enumerate(
        zip(solved.rows.op.tolist(), solved.rows.operands.tolist(), strict=True)
    ):
        before = max((level[k] for k in operands if k >= 0), default=0)
        level[row] = before + (op in (Op.ADD, Op.SUB, Op.NEG))
    return max(level)


TASKS = {
    "cold": cold,
    "measure": measure,
    "memory": memory,
    "matrices": matrices,
    "case": measure_case,
    "registers": registers,
}

if __name__ == "__main__":
    common.main(lambda task: TASKS[task["task"]](task))
