"""Quantisers and random weights for HGQ2 models."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from hgq.config import QuantizerConfig
from hgq.layers import Quantizer


def quantized(bits=4, **options):
    """Return a quantiser of a given number of bits."""
    options = {"k0": 1, "i0": bits - 2, "f0": 2, "overflow_mode": "SAT"} | options
    return Quantizer(QuantizerConfig("kif", "datalane", **options))


def randomize(model, rng):
    """Give all weights random values and all bit widths some spread."""
    for variable in model.variables:
        path, shape = variable.path, variable.shape
        if path.endswith("/k") or "seed" in path or path.endswith(("beta", "ebops", "decay_speed")):
            continue
        if path.endswith(("/i", "/f", "/b")):
            variable.assign(variable + rng.integers(-1, 2, shape))
        elif path.endswith("moving_variance"):
            # 1/4 - epsilon and the like give an exact root, so that Keras' float32 is exact too
            variable.assign(rng.choice([0.25, 1.0, 4.0], shape) - 1e-3)
        else:
            variable.assign(rng.normal(0, 0.5, shape))
