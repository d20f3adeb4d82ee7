"""A float Keras model becomes fixed-point logic: types are found from data, shown and verified.

Install: pip install '.[keras,sim]'
Run it:  python examples/quantize_keras.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers

import edgetrig

CLASSES = ("g", "q", "W", "Z", "t")


def jets(events, rng):
    """Return 16 features on different scales, and which of five classes each event is."""
    labels = rng.integers(0, len(CLASSES), events)
    centres = np.random.default_rng(0).normal(0, 1, (len(CLASSES), 16))
    features = centres[labels] + rng.normal(0, 1.5, (events, 16))
    return (features * np.geomspace(0.1, 1000, 16)).astype("float32"), labels


def trained(x, y):
    """Return a small float network, trained for a few epochs."""
    standardise = layers.Normalization(name="standardise")
    standardise.adapt(x)
    model = keras.Sequential(
        [
            keras.Input((16,), name="features"),
            standardise,
            layers.Dense(16, name="hidden_1"),
            layers.BatchNormalization(name="norm_1"),
            layers.ReLU(name="relu_1"),
            layers.Dense(8, activation="tanh", name="hidden_2"),
            layers.Dense(len(CLASSES), activation="softmax", name="scores"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=4, batch_size=256, verbose=0)
    return model


def main() -> None:
    """Train, quantise, compile and verify."""
    rng = np.random.default_rng(1)
    x, y = jets(8000, rng)
    model = trained(x, y)

    quantised = edgetrig.quantize(
        model, x, y, tolerance=0.01, precision={"hidden_2.weight": "fixed<6,1>"}
    )
    print(quantised)

    design = edgetrig.compile(quantised, name="tagger", classes=CLASSES)
    fresh, truth = jets(4000, rng)
    floats = np.mean(model.predict(fresh, verbose=0).argmax(axis=1) == truth)
    fixed = np.mean(design.predict(fresh).argmax(axis=1) == truth)
    print(f"accuracy on new events: {floats:.2%} in floats, {fixed:.2%} in hardware")
    print(design.verify(2000, events=fresh[:1000]))


if __name__ == "__main__":
    main()
