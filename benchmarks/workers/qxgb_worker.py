"""Train with qxgb or convert a finished XGBoost model; runs in qxgb's virtual environment."""

import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import xgboost
from alkaid.codegen.rtl import RTLModel
from alkaid.converter import trace_model
from alkaid.trace import FVArray, trace
from qxgb import QXGBClassifier


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Train or load, convert with the argmax behind the scores, write Verilog."""
    data = np.load(task["events"])
    step = 2.0 ** task["leaf_bits"]
    start = time.process_time()
    if task["task"] == "train":
        # Its own rule is a range from 0: begin it at each tree's smallest leaf.
        trained = QXGBClassifier(
            scale=step,
            bias=lambda leaves: float(np.floor(leaves.min() * step) / step),
            n_estimators=task["rounds"],
            max_depth=task["depth"],
            learning_rate=task["learning_rate"],
            n_jobs=1,
            random_state=0,
        )
        trained.fit(data["x"], data["y"], verbose=False)
        booster = trained.ibooster()
    else:
        booster = xgboost.Booster(model_file=task["model"])
    seconds = time.process_time() - start

    def rounded(leaves: np.ndarray) -> tuple[np.ndarray, float]:
        return np.round(leaves * step), 0.0

    def convert() -> Any:
        features = FVArray.new(data["x"].shape[1]).quantize(0, 8, 0).as_new()
        options = {} if task["task"] == "train" else {"leaf_quantizer": rounded}
        _, scores = trace_model(booster, inputs=(features,), mode="mux", **options)
        return trace(features, best(scores))

    start = time.process_time()
    logic = convert()
    RTLModel(logic, Path(task["folder"]), prj_name="trigger", latency_cutoff=-1).write()
    converted = time.process_time() - start
    made = logic.predict(data["test"].astype(np.float64), n_threads=1).ravel()
    return {
        "versions": common.versions("qxgb", "alkaid", "xgboost"),
        "accuracy": float((made == data["truth"]).mean()),
        "train": seconds,
        "convert": converted,
    }


def best(scores: Any) -> Any:
    """Return the index of the largest score, the first of equal ones."""
    value, index = scores[0], None
    for k in range(1, len(scores)):
        larger = value < scores[k]
        index = larger.msb_mux(k, 0 if index is None else index)
        value = larger.msb_mux(scores[k], value)
    return FVArray(np.array([index]), scores.solver_options, scores.hwconf)


if __name__ == "__main__":
    common.main(measure)
