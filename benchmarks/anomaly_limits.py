"""What an anomaly trigger can find: float and larger autoencoders, and classifiers that know.

``.venv/bin/python benchmarks/anomaly_limits.py FOLDER`` reads the files of
``benchmarks/anomaly.py`` and writes ``benchmarks/results/anomaly_limits.md``. The classifiers are
boosted trees trained for each signal, on its events and zero bias: an upper bound of what can be
kept with the 57 inputs, which no anomaly trigger, knowing no signal, can reach.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import xgboost

from anomaly import RATES, SIGNALS, share
from edgetrig.menu_files import read_menu
from edgetrig.training import read_anomaly_inputs
from edgetrig.training.anomaly_inputs import input_format
from edgetrig.training.anomaly_network import InputFormat, autoencoder_loss
from edgetrig.training.loop import Loop
from edgetrig.training.models import use_jax
from edgetrig.training.schedule import learning_rate
from peers import HERE, machine, paragraph, say, table, write_whole

KL_WEIGHT = 0.02
LATENT = 8
SHAPES = {"float, 57-32-16-8": (32, 16), "float, 57-128-64-32-8": (128, 64, 32)}
TREES = {"max_depth": 5, "eta": 0.1, "subsample": 0.5, "tree_method": "hist", "nthread": 2}
ROUNDS = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the events are")
    parser.add_argument("--train", type=int, default=500_000, help="crossings that train")
    parser.add_argument("--epochs", type=int, default=8)
    given = parser.parse_args()
    say("reading")
    files = sorted(given.folder.glob("zero-bias-[0-9]*.parquet"))
    zero_bias = read_anomaly_inputs(files)
    train, judge = zero_bias[: given.train], zero_bias[given.train :]
    signals = {n: read_anomaly_inputs([given.folder / f"{n}.parquet"]) for n in SIGNALS}
    fractions = [rate / read_menu(HERE / "run3.yaml").khz_of_all for rate in RATES]
    rows = []
    for name, layers in SHAPES.items():
        say(name)
        score, loss = autoencoder(layers, train, given.epochs)
        found = kept(score, judge, signals.values(), fractions)
        rows.append((name, f"{loss(judge[:20_000]):.4f}", *found))
    bounds = []
    for name, events in signals.items():
        say(name)
        half = len(events) // 2
        found = kept(trees(train, events[:half]), judge, [events[half:]], fractions)
        bounds.append((SIGNALS[name], *found))
    text = "\n\n".join(
        (
            "# What an anomaly trigger can find",
            paragraph(
                f"Written by `benchmarks/anomaly_limits.py FOLDER`, {machine()['date']},"
                f" {machine()['processor']}. {len(train):,} zero-bias crossings train for"
                f" {given.epochs} epochs, {len(judge):,} others set thresholds; weight of the"
                f" divergence {KL_WEIGHT:g}. Signals kept, %, at 1 / 5 / 10 kHz, alone."
            ),
            "## Autoencoders in floats",
            table(("encoder", "loss, held out", *(SIGNALS[n] for n in signals)), rows),
            "## Classifiers that know the signal",
            paragraph(
                f"XGBoost {xgboost.__version__}, {ROUNDS} rounds of depth {TREES['max_depth']}, on"
                " half of a signal's events; the other half judges."
            ),
            table(("signal", "kept, %"), bounds),
        )
    )
    write_whole(HERE / "results" / "anomaly_limits.md", text + "\n")
    print(text)


def kept(score: Any, judge: Any, samples: Any, fractions: list[float]) -> list[str]:
    """Return the shares of samples above thresholds that so many of the zero-bias events reach."""
    reached = np.sort(score(judge))[::-1]
    cuts = [reached[int(fraction * len(judge))] for fraction in fractions]
    return [" / ".join(share(score(events) > cut) for cut in cuts) for events in samples]


def autoencoder(layers: tuple[int, ...], train: Any, epochs: int) -> tuple[Any, Any]:
    """Return a score and the loss of an autoencoder without quantisers, trained as ours is."""
    use_jax()
    inputs = input_format(train)
    distance = autoencoder_loss(LATENT, KL_WEIGHT)
    events = train.astype(np.float32)
    loop = Loop(float_autoencoder(inputs, layers), events, inputs.scaled(train), 1024, distance)
    for epoch in range(epochs):
        order = np.random.default_rng([1, epoch]).permutation(len(events))
        loop.run(order, learning_rate(epoch, epochs, 2e-3))

    def outputs(x: Any) -> Any:
        parts = np.array_split(x, len(x) // 100_000 + 1)
        return np.concatenate([loop.evaluate(part.astype(np.float32))[0] for part in parts])

    return (
        lambda x: (outputs(x)[:, :LATENT] ** 2).sum(axis=1),
        lambda x: float(distance(outputs(x), inputs.scaled(x))),
    )


def float_autoencoder(inputs: InputFormat, layers: tuple[int, ...]) -> Any:
    import keras

    class Sampled(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.generator = keras.random.SeedGenerator(1)

        def call(self, values: Any) -> Any:
            centre, logarithm = values
            noise = keras.random.normal(keras.ops.shape(centre), seed=self.generator)
            return centre + keras.ops.exp(0.5 * logarithm) * noise

    keras.utils.set_random_seed(1)
    variance = (4.0**inputs.exponent).tolist()
    x = keras.Input(inputs.lowest.shape)
    hidden = keras.layers.Normalization(mean=[0.0] * len(variance), variance=variance)(x)
    for units in layers:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    means = keras.layers.Dense(LATENT)(hidden)
    spreads = keras.layers.Dense(LATENT, kernel_initializer="zeros")(hidden)
    decoded = Sampled()([means, spreads])
    for units in reversed(layers):
        decoded = keras.layers.Dense(units, activation="relu")(decoded)
    decoded = keras.layers.Dense(len(variance))(decoded)
    return keras.Model(x, keras.layers.Concatenate()([means, spreads, decoded]))


def trees(background: Any, signal: Any) -> Any:
    """Return the score of boosted trees that tell one signal from zero bias."""
    events = np.concatenate([background, signal])
    labels = np.repeat([0, 1], [len(background), len(signal)])
    weights = np.where(labels, len(background) / len(signal), 1.0)
    settings = {**TREES, "objective": "binary:logistic"}
    forest = xgboost.train(settings, xgboost.DMatrix(events, labels, weight=weights), ROUNDS)
    return lambda x: forest.predict(xgboost.DMatrix(x), output_margin=True)


if __name__ == "__main__":
    main()
