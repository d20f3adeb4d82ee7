"""Measure alkaid; runs in its virtual environment."""

import math
import os
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import common
import numpy as np
from alkaid.cmvm import cmvm_solve
from alkaid.codegen.rtl import RTLModel
from alkaid.codegen.rtl.verilog.fsm import fsm_logic_gen
from alkaid.trace import FVArray, HWConfig, trace
from alkaid.types import QInterval

import network
from cases import CASES

ADD, SUB = 0, 1


def traced(layers: tuple[int, ...], matrices: list[Any]) -> Any:
    ones = np.ones(layers[0])
    x = FVArray.from_kif(
        ones.astype(bool),
        (3 * ones).astype(int),
        (4 * ones).astype(int),
        HWConfig(1, -1, -1),
        0,
        {},
    )
    y = x
    for k, weights in enumerate(matrices):
        y = y @ weights
        if k < len(matrices) - 1:
            y = relu(y)
    return trace(x, y)


def traced_case(name: str, file: str) -> Any:
    """Trace a case of `cases`, or a Keras model if there is a file."""
    if file:
        from alkaid.converter import trace_model

        # It takes no saturating quantiser at an input: give it inputs of just that type.
        kif = [np.asarray(part)[0] for part in loaded(file).layers[1].iq.quantizer.kif]
        x = FVArray.from_kif(*(part.astype(int) for part in kif), HWConfig(1, -1, -1), 0, {})
        return trace(*trace_model(loaded(file), HWConfig(1, -1, -1), inputs=(x,)))
    case = CASES[name]
    ones = np.ones(case.shape)
    x = FVArray.from_kif(
        ones.astype(bool),
        (case.integer * ones).astype(int),
        (case.fraction * ones).astype(int),
        HWConfig(1, -1, -1),
        0,
        {},
    )
    return trace(x, case.program(x, partial(relu, wraps=case.wraps)))


def relu(y: Any, wraps: bool = False) -> Any:
    bits = np.full(y.shape, 3)
    if wraps:
        y = y.quantize(np.ones(y.shape, bool), bits, bits + 1, "WRAP", "TRN")
    overflow = "WRAP" if wraps else "SAT"
    return y.relu().quantize(np.zeros(y.shape, bool), bits, bits, overflow, "RND")


@cache
def loaded(file: str) -> Any:
    import hgq  # noqa: F401 - registers its layers
    import keras

    return keras.models.load_model(file, compile=False)


def measure_case(task: dict[str, Any]) -> dict[str, Any]:
    """Conversion, emulation and Verilog of one circuit."""
    name, file = task["case"], task["file"]
    logic = traced_case(name, file)
    result: dict[str, Any] = {"versions": common.versions("alkaid", "numpy"), "stages": {}}
    with tempfile.TemporaryDirectory() as scratch:

        def convert() -> None:
            """Trace, pipeline and print Verilog, without its other files."""
            made = model(traced_case(name, file), Path(scratch), task["cutoff"], False)
            fsm_logic_gen(made.fsm, "trigger", print_latency=True, timescale="`timescale 1ns/1ps")

        result["convert"] = common.timed(convert, task["repeats"])
    x = np.load(task["inputs"])
    x = x.reshape(len(x), -1)
    outputs = logic.predict(x[: task["compared"]], n_threads=1)
    np.save(task["outputs"], outputs.reshape(len(outputs), -1))
    result["predict"] = common.timed(lambda: logic.predict(x, n_threads=1), task["repeats"])
    result["events"] = len(x)
    result["adders"] = sum(op.opcode in (ADD, SUB) for op in logic.ops)
    for kind, ternary in (("binary", False), ("ternary", True)):
        for form, cutoff in (("combinational", -1), ("pipelined", task["cutoff"])):
            folder = Path(task["rtl"], f"{kind}_{form}")
            made = model(logic, folder, cutoff, ternary)
            made.write()
            result["stages"][f"{kind}_{form}"] = len(made.fsm.logic)
            shutil.rmtree(folder / "sim")
    return result


def model(logic: Any, folder: Path, cutoff: float, ternary: bool) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    return RTLModel(logic, folder, prj_name="trigger", latency_cutoff=cutoff, ternary_fuse=ternary)


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Conversion and emulation of the network."""
    layers = tuple(task["layers"])
    matrices = network.weights(layers)
    logic = traced(layers, matrices)
    x = network.events(task["events"], layers[0])
    result: dict[str, Any] = {"versions": common.versions("alkaid", "numpy")}
    with tempfile.TemporaryDirectory() as scratch:

        def text(ternary: bool) -> None:
            """Trace, pipeline and print Verilog, without its other files."""
            made = model(traced(layers, matrices), Path(scratch), task["cutoff"], ternary)
            fsm_logic_gen(made.fsm, "trigger", print_latency=True, timescale="`timescale 1ns/1ps")

        def write() -> None:
            model(traced(layers, matrices), Path(scratch), task["cutoff"], True).write()

        write()
        result["trace"] = common.timed(lambda: traced(layers, matrices), task["repeats"])
        result["convert"] = common.timed(lambda: text(False), task["repeats"])
        result["convert_ternary"] = common.timed(lambda: text(True), task["repeats"])
        result["write"] = common.timed(write, task["repeats"])
    np.save(task["outputs"], logic.predict(x[: task["compared"]], n_threads=1))
    result["predict"] = common.timed(lambda: logic.predict(x, n_threads=1), task["repeats"])
    result["events"] = len(x)
    result["adders"] = sum(op.opcode in (ADD, SUB) for op in logic.ops)
    with tempfile.TemporaryDirectory() as scratch:
        result["stages"] = len(model(logic, Path(scratch), task["cutoff"], False).fsm.logic)
    return result


def pipeline_stages(task: dict[str, Any]) -> dict[str, Any]:
    """Cut one circuit into stages; return what each computes and what is registered behind it."""
    logic = traced_case(task["case"], task.get("file", ""))
    with tempfile.TemporaryDirectory() as scratch:
        fsm = model(logic, Path(scratch), task["cutoff"], False).fsm
    stages = []
    for part in fsm.logic.values():
        # Carried bits, 0 for whatever is no adder (opcode 4 adds a constant).
        adders = [_width(op.qint) if op.opcode == 4 else _carried_bits(part, op) for op in part.ops]
        selects = [op.opcode == 6 for op in part.ops]
        stages.append(
            {
                "operands": [list(op.addr) for op in part.ops],
                "adders": adders,
                "selects": selects,
                "register_bits": int(sum(int(bits) for kif in part.out_kifs for bits in kif)),
            }
        )
    return {"versions": common.versions("alkaid"), "stages": stages}


def matrices(task: dict[str, Any]) -> dict[str, Any]:
    """Solve one constant matrix."""
    size = task["size"]
    codes = network.matrix(np.random.default_rng(task["seed"]), size, size).astype(np.float32)
    intervals = [QInterval(-128.0, 127.0, 1.0)] * size
    solved: list[Any] = []

    def work() -> None:
        solved[:] = cmvm_solve(codes, qintervals=intervals)

    work()
    adders = [op for part in solved for op in part.ops if op.opcode in (ADD, SUB)]
    return {
        "versions": common.versions("alkaid"),
        "seconds": common.timed(work, task["repeats"]),
        "adders": len(adders),
        "adder_bits": sum(_width(op.qint) for op in adders),
        "carried_bits": sum(_carried_bits(part, op) for part in solved for op in part.ops),
    }


def _width(interval: Any) -> int:
    low, high = round(interval.min / interval.step), round(interval.max / interval.step)
    return int(low < 0) + max(high, -low - 1).bit_length()


def _carried_bits(part: Any, op: Any) -> int:
    """Bits of a sum that are not just wires."""
    if op.opcode not in (ADD, SUB):
        return 0
    a, b = (round(math.log2(part.ops[k].qint.step)) for k in op.addr)
    b += op.data[0]
    free = 0 if op.opcode == SUB and a > b else abs(a - b)
    return max(_width(op.qint) - free, 1)


TASKS = {
    "measure": measure,
    "matrices": matrices,
    "case": measure_case,
    "stages": pipeline_stages,
}

if __name__ == "__main__":
    common.main(lambda task: TASKS[task["task"]](task))
