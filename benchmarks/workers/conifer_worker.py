"""Convert a finished XGBoost model with conifer; runs in conifer's virtual environment.

Its VHDL becomes Verilog by GHDL (Debian's), as Yosys reads no VHDL. The argmax is not part of it.
Its package on PyPI lacks headers: CPLUS_INCLUDE_PATH has to name the folders of ``ap_fixed.h``
(hls4ml brings them) and of ``nlohmann/json.hpp`` (Debian's ``nlohmann-json3-dev``).
"""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import common
import conifer
import numpy as np
import xgboost

# It calls `python3 -m pybind11`.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def model_of(task: dict[str, Any], backend: str, precision: str, folder: str) -> Any:
    booster = xgboost.Booster(model_file=task["model"])
    # It pads all trees to the depth that the training was asked for, which no file keeps.
    booster.set_param({"max_depth": task["depth"]})
    config = importlib.import_module(f"conifer.backends.{backend}").auto_config()
    config["OutputDir"] = folder
    for name in ("Precision", "precision"):
        if name in config:
            config[name] = precision
    model = conifer.converters.convert_from_xgboost(booster, config)
    # The intercept of multi:softprob comes out as NaN; the model's own is the same for all classes.
    model.init_predict = [0.0 if np.isnan(v) else float(v) for v in model.init_predict]
    return model


def vhdl(task: dict[str, Any]) -> dict[str, Any]:
    """Write VHDL and turn it into Verilog."""
    start = time.process_time()
    scratch = f"{task['folder']}_vhdl"
    model_of(task, "vhdl", "ap_fixed<16,10>", scratch).write()
    seconds = time.process_time() - start
    every = Path(scratch, "firmware").glob("*.vhd")
    files = [str(path) for path in every if "Test" not in path.name and "Simul" not in path.name]
    for step in (["-i", *files], ["-m", "BDTTop"]):
        ghdl = ["ghdl", step[0], "--std=08", *step[1:]]
        subprocess.run(ghdl, cwd=scratch, check=True, timeout=task["seconds"])
    text = subprocess.run(
        ["ghdl", "synth", "--std=08", "--out=verilog", "BDTTop"],
        cwd=scratch,
        check=True,
        timeout=task["seconds"],
        capture_output=True,
        text=True,
    ).stdout
    Path(task["folder"]).mkdir(parents=True)
    Path(task["folder"], "top.v").write_text(text)
    return {"versions": common.versions("conifer", "xgboost-cpu"), "convert": seconds}


def emulate(task: dict[str, Any]) -> dict[str, Any]:
    """Events per second of its compiled fixed-point C++."""
    model = model_of(task, "cpp", "ap_fixed<18,8>", f"{task['folder']}_cpp")
    model.compile()
    x = np.load(task["events"])["test"][: task["count"]].astype(np.float64)
    seconds = common.timed(lambda: model.decision_function(x), 2)["min"]
    return {"conifer": len(x) / seconds}


TASKS = {"vhdl": vhdl, "emulate": emulate}

if __name__ == "__main__":
    common.main(lambda task: TASKS[task["task"]](task))
