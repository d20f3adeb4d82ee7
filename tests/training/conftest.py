"""A small problem with three classes, and one training of it that several tests share."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

SETTINGS = {
    "classes": ("a", "b", "c"),
    "layers": (8,),
    "seed": 3,
    "epochs": 200,
    "float_epochs": 60,
    "batch": 256,
    "cost_target": 150.0,
}


def problem():
    """Return features of very different scales, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3000)
    centres = np.array([[0.0, 1.0, -1.0], [0.0, 0.0, 2.0], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    x = centres.T[labels] + 0.6 * rng.normal(size=(3000, 4))
    return (x * [0.02, 70.0, 1.0, 0.5] + [0.4, 100.0, -3.0, 0.0]).astype("float32"), labels


@pytest.fixture(scope="session")
def data():
    return problem()


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory):
    """A training that was never interrupted: its result and what its progress said."""
    from edgetrig.training import train

    told = []
    out = tmp_path_factory.mktemp("trained") / "model.keras"
    result = train(
        *data,
        out=out,
        float_out=out.with_name("float.keras"),
        progress=lambda *now: told.append(now),
        **SETTINGS,
    )
    return result, told
