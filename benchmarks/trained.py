"""Three sparse networks, trained by our own recipe on the carried jets, once a checkout.

``.venv/bin/python benchmarks/trained.py`` trains what is missing (some CPU minutes each) into
``benchmarks/.models`` and prints the accuracies. Each network is kept as trained and once more
without its first layer, which brings features in physical units to scale: alkaid 0.8.2 cannot take
that layer in front of an input quantiser, so both compilers get the scaled events.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers import HERE, say, write_whole

os.environ["KERAS_BACKEND"] = "jax"

MODELS = HERE / ".models"
TARGETS = {"trained_300": 300, "trained_1000": 1000, "trained_3000": 3000}
"""Effective bit operations aimed at, about the LUTs; the seed is 1."""


@dataclass(frozen=True)
class Trained:
    """A network on disk, and its accuracy on the test events."""

    file: Path
    accuracy: float
    ebops: float

    @property
    def without_scaling(self) -> Path:
        """File of the same network for events that are to scale already."""
        return self.file.with_name(f"{self.file.stem}-scaled.keras")

    def events(self, count: int) -> NDArray[np.float32]:
        """Return jets to scale, in the input's type, again from the first where there are few."""
        from edgetrig.physics import load_sample

        scale = _network(self.file).layers[1]
        quantize = _network(self.without_scaling).layers[1].iq
        jets = np.asarray(quantize(scale(load_sample("jets").features)), np.float32)
        return np.resize(jets, (count, jets.shape[1]))


def trained(name: str) -> Trained:
    """Return a network of `TARGETS`, trained now if it has not been before."""
    file = MODELS / f"{name}.keras"
    facts = file.with_suffix(".json")
    if not facts.is_file():
        _train(name, file, facts)
    made = Trained(file, **json.loads(facts.read_text()))
    if not made.without_scaling.is_file():
        _drop_scaling(made)
    return made


def _train(name: str, file: Path, facts: Path) -> None:
    from edgetrig.physics import load_sample
    from edgetrig.training import train

    say(f"training {name}")
    jets = load_sample("jets")
    MODELS.mkdir(exist_ok=True)
    made = train(
        jets.features,
        jets.labels,
        classes=jets.classes,
        out=file,
        cost_target=TARGETS[name],
        seed=1,
        checkpoint=MODELS / f"{name}-state",
    )
    found = {"accuracy": made.accuracy["quantized"], "ebops": made.ebops}
    write_whole(facts, json.dumps(found) + "\n")


def _network(file: Path) -> Any:
    import hgq  # noqa: F401 - registers its layers
    import keras

    return keras.models.load_model(file, compile=False)


def _drop_scaling(made: Trained) -> None:
    import keras

    layers = _network(made.file).layers
    values = inputs = keras.Input(layers[0].output.shape[1:], name="features")
    for layer in layers[2:]:
        values = layer(values)
    keras.Model(inputs, values).save(made.without_scaling)


if __name__ == "__main__":
    for target in TARGETS:
        network = trained(target)
        print(f"{target}: {network.accuracy:.1%} of test events, {network.ebops:.0f} EBOPs")
