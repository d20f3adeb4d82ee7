"""Measure hls4ml's compiled C++ emulation; runs in its virtual environment."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import common
import hls4ml
import keras
import numpy as np

import network


def keras_model(layers: tuple[int, ...], matrices: list[Any]) -> Any:
    x = inputs = keras.Input((layers[0],), name="x")
    for k, weights in enumerate(matrices):
        x = keras.layers.Dense(weights.shape[1], use_bias=False, name=f"dense_{k}")(x)
        if k < len(matrices) - 1:
            x = keras.layers.Activation("relu", name=f"relu_{k}")(x)
    model = keras.Model(inputs, x)
    model.set_weights([weights.astype(np.float32) for weights in matrices])
    return model


def compiled(model: Any, layers: tuple[int, ...], folder: str) -> Any:
    """Convert and compile as its documentation says, with the exact type of every value."""
    config = hls4ml.utils.config_from_keras_model(
        model, granularity="name", backend="Vitis", default_precision="fixed<16,6>"
    )
    precision = {name: layer["Precision"] for name, layer in config["LayerName"].items()}
    precision["x"]["result"] = "fixed<8,4,RND,SAT>"
    for k in range(len(layers) - 1):
        # "auto" takes as many bits as the exact sum needs.
        precision[f"dense_{k}"].update(weight="fixed<6,1>", result="auto", accum="auto")
        if k < len(layers) - 2:
            precision[f"relu_{k}"]["result"] = "ufixed<6,3,RND,SAT>"
    made = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=folder, backend="Vitis", io_type="io_parallel"
    )
    made.compile()
    return made


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Conversion with its g++ run, and emulation."""
    layers = tuple(task["layers"])
    model = keras_model(layers, network.weights(layers))
    x = network.events(task["events"], layers[0]).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(None):
        made: list[Any] = []

        def convert() -> None:
            folder = str(Path(scratch, str(len(made))))
            made.append(compiled(model, layers, folder))

        seconds = common.timed(convert, task["repeats"])
        compared = network.events(task["compared"], layers[0]).astype(np.float32)
        np.save(task["outputs"], made[0].predict(compared))
        predict = common.timed(lambda: made[0].predict(x), task["repeats"])
    return {
        "versions": common.versions("hls4ml", "keras", "jax", "numpy"),
        "convert": seconds,
        "predict": predict,
        "events": len(x),
    }


if __name__ == "__main__":
    common.main(measure)
