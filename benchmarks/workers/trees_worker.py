"""Train XGBoost, compile trees with edgetrig, write the baseline; in edgetrig's Python."""

import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import xgboost

import edgetrig
from edgetrig.circuit import fixed_input, replay, trace
from edgetrig.frontends.trees import Forest, read_file, translate
from edgetrig.rtl import verilog
from edgetrig.training import boost
from tree_events import BITS, CLASSES, FEATURES, TRAINING, events
from treelut import predict
from treelut import verilog as baseline_text


def train(task: dict[str, Any]) -> dict[str, Any]:
    """Train the float model that all post-training conversions start from."""
    x, y = events()
    settings = {"objective": "multi:softprob", "num_class": CLASSES, "tree_method": "hist"}
    settings |= {"max_depth": task["depth"], "eta": 0.3, "nthread": 1, "seed": 0}
    data = xgboost.DMatrix(x[:TRAINING], label=y[:TRAINING])
    booster = xgboost.train(settings, data, task["rounds"])
    booster.save_model(task["model"])
    margins = booster.inplace_predict(x[TRAINING:], predict_type="margin")
    np.savez(task["events"], x=x[:TRAINING], y=y[:TRAINING], test=x[TRAINING:], truth=y[TRAINING:])
    return {
        "versions": common.versions("edgetrig", "xgboost-cpu", "numpy", "pyosys"),
        "accuracy": accuracy(margins.argmax(axis=1)),
    }


def accuracy(chosen: Any) -> float:
    return float((np.ravel(chosen) == events()[1][TRAINING:]).mean())


def baseline(task: dict[str, Any]) -> dict[str, Any]:
    """Write the published method's Verilog."""
    forest, x = read_file(task["model"]), events()[0][TRAINING:]
    start = time.process_time()
    write(task["folder"], {"trigger.v": baseline_text(forest, task["leaf_bits"], BITS)})
    seconds = time.process_time() - start
    return {"accuracy": accuracy(predict(forest, task["leaf_bits"], x)), "convert": seconds}


def compiled(task: dict[str, Any]) -> dict[str, Any]:
    """Compile a finished model, or one boosted with rounded leaves, with the argmax behind it."""
    x, y = events()
    options: dict[str, Any] = {}
    start = time.process_time()
    if task["how"] == "boost":
        made: Forest = boost(
            x[:TRAINING],
            y[:TRAINING],
            rounds=task["rounds"],
            depth=task["depth"],
            **task["settings"],
        )
    else:
        made = read_file(task["model"])
        options = {"leaf_bits": task["leaf_bits"]}
        if task["how"] == "calibrated":
            options["data"] = x[:TRAINING]
    trained = time.process_time() - start
    port = fixed_input("x", FEATURES, signed=0, integer=BITS, fraction=0)
    compile_design(made, port, {}, None)  # compiles the compiler's own kernels
    start = time.process_time()
    design = compile_design(made, port, options, task["latency"])
    write(task["folder"], verilog(design.pipelined, "trigger"))
    seconds = time.process_time() - start
    return {
        "accuracy": accuracy(design.predict(x[TRAINING:])),
        "train": trained,
        "convert": seconds,
        "latency": design.latency,
        "notes": design.notes,
    }


def compile_design(forest: Forest, port: Any, options: dict[str, Any], latency: int | None) -> Any:
    scores = translate(forest, inputs=port, **options)
    chosen = trace(
        lambda x: {"best": np.argmax(next(iter(replay(scores.circuit, x).values())))}, port
    )
    design = edgetrig.compile(chosen, latency=latency)
    assert design.pipelined
    return design


def write(folder: str, files: dict[str, str]) -> None:
    Path(folder).mkdir(parents=True)
    for name, text in files.items():
        Path(folder, name).write_text(text)


def emulate(task: dict[str, Any]) -> dict[str, Any]:
    """Scores of many events, floats in and out: both engines, and XGBoost's own prediction."""
    forest, x = read_file(task["model"]), events()[0]
    x = np.tile(x, (task["events"] // len(x), 1))
    port = fixed_input("x", FEATURES, signed=0, integer=BITS, fraction=0)
    design = edgetrig.compile(translate(forest, inputs=port))
    booster = xgboost.Booster({"nthread": 1}, model_file=task["model"])
    narrow, wide = x.astype(np.float32), x.astype(np.float64)

    def rate(work: Any) -> float:
        work()
        return float(len(x) / common.timed(work, 3)["min"])

    return {
        "compiled": rate(lambda: design.predict(wide, threads=1, engine="compiled")),
        "interpreted": rate(lambda: design.predict(wide, threads=1, engine="interpreted")),
        "xgboost": rate(lambda: booster.inplace_predict(narrow, predict_type="margin")),
    }


TASKS = {"train": train, "baseline": baseline, "compile": compiled, "emulate": emulate}

if __name__ == "__main__":
    common.main(lambda task: TASKS[task["task"]](task))
