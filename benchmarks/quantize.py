"""Types found after training: what the search saves against one width for all.

``.venv/bin/python benchmarks/quantize.py`` trains a float 16-64-32-32-5 network on the jets that
come with the package, gives it types in several ways, and writes
``benchmarks/results/quantize.json`` and ``quantize.md``. ``--quick`` takes a small network, and
only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from importlib.metadata import version
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers

import edgetrig
from edgetrig.frontends.quantization import Quantized
from edgetrig.physics import load_sample
from peers import HERE, machine, paragraph, say, table, write_whole

HLS4ML = dict.fromkeys(("dense*", "batch_normalization*", "scores*"), "fixed<16,6>")

CASES: dict[str, dict[str, Any]] = {
    "fixed<16,6> for every layer, hls4ml's default": {"precision": HLS4ML, "bits": 16},
    "the least width for all, tolerance 0.005": {"uniform": 0.005},
    "search, tolerance 0.002": {"tolerance": 0.002},
    "search, tolerance 0.005": {"tolerance": 0.005},
    "search, tolerance 0.01": {"tolerance": 0.01},
    "search, tolerance 0.005, all numbers covered": {"tolerance": 0.005, "ranges": "all"},
    "search without labels, tolerance 0.05": {"tolerance": 0.05, "labels": False},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small network")
    arguments = parser.parse_args()
    result = measure((8,) if arguments.quick else (64, 32, 32))
    text = report(result)
    if not arguments.quick:
        write_whole(HERE / "results" / "quantize.json", json.dumps(result, indent=1) + "\n")
        write_whole(HERE / "results" / "quantize.md", text)
    print(text)


def measure(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Train once, quantise in every way."""
    keras.utils.set_random_seed(0)
    jets = load_sample()
    order = np.random.default_rng(0).permutation(len(jets.labels))
    features, labels = jets.features[order].astype("float32"), jets.labels[order]
    train, calibrate, test = np.split(np.arange(len(order)), [70_000, 80_000])
    say("training")
    model = network(features[train], labels[train], sizes)
    own = np.mean(model.predict(features[test], verbose=0).argmax(axis=1) == labels[test])
    rows = {}
    for name, case in CASES.items():
        say(name)
        start = time.process_time()
        quantised = quantize(model, features[calibrate], labels[calibrate], **case)
        seconds = time.process_time() - start
        start = time.process_time()
        design = edgetrig.compile(quantised, latency=0)
        estimate = design.estimate()
        rows[name] = {
            "accuracy": float(
                np.mean(design.predict(features[test]).argmax(axis=1) == labels[test])
            ),
            "loss": quantised.loss,
            "lut": estimate.lut,
            "search_cpu_seconds": seconds,
            "compile_cpu_seconds": time.process_time() - start,
        }
        say(str(rows[name]))
    versions = {name: version(name) for name in ("edgetrig", "keras", "jax", "numpy")}
    about = {"machine": machine(), "versions": versions, "sizes": sizes, "float": float(own)}
    return about | {"rows": rows}


def quantize(
    model: keras.Model,
    x: Any,
    y: Any,
    uniform: float | None = None,
    labels: bool = True,
    **options: Any,
) -> Quantized:
    """Quantise in one way; ``uniform`` is the tolerance of one width for all."""
    if uniform is None:
        return edgetrig.quantize(model, x, y if labels else None, **options)
    for bits in range(2, 17):
        quantised = edgetrig.quantize(model, x, y, bits=bits)
        if quantised.loss <= uniform:
            break
    return quantised


def network(x: Any, y: Any, sizes: tuple[int, ...]) -> keras.Model:
    """Return a float network with batch norms, trained."""
    standardise = layers.Normalization(name="standardise")
    standardise.adapt(x)
    stack: list[Any] = [keras.Input((x.shape[1],)), standardise]
    for size in sizes:
        stack += [layers.Dense(size), layers.BatchNormalization(), layers.ReLU()]
    model = keras.Sequential([*stack, layers.Dense(5, activation="softmax", name="scores")])
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=8, batch_size=512, verbose=0)
    return model


def chosen(design: edgetrig.Design, x: Any) -> Any:
    """Return the class that the hardware ranks first."""
    return design.predict(x).argmax(axis=1)


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows = [
        [
            name,
            f"{row['accuracy']:.2%}",
            f"{row['loss']:.4f}",
            f"{row['lut']:,}",
            f"{row['search_cpu_seconds']:.0f}",
            f"{row['compile_cpu_seconds']:.0f}",
        ]
        for name, row in result["rows"].items()
    ]
    shape = "-".join(map(str, (16, *result["sizes"], 5)))
    about = paragraph(
        f"Written by `benchmarks/quantize.py`. {versions}. A float {shape} network with batch"
        f" norms, trained on 70,000 jets: accuracy {result['float']:.2%} on 20,000 others. Types",
        "are found on 10,000 further ones; accuracy is the hardware's (emulator) on the 20,000.",
        "LUTs are the built-in estimate, without registers.",
    )
    head = [
        "types",
        "accuracy",
        "loss, calibration events",
        "LUTs",
        "quantize, CPU s",
        "compile, CPU s",
    ]
    return f"# Types found after training\n\n{about}\n\n{table(head, rows)}\n"


if __name__ == "__main__":
    main()
