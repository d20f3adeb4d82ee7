"""Keras and the hardware on the same events: where they differ, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.cli.data import Events
from edgetrig.design import Design
from edgetrig.progress import Progress, silent


def keras_outputs(model: Path, x: NDArray[Any], progress: Progress) -> NDArray[np.float64]:
    """Return a Keras model's own outputs."""
    from edgetrig.training import use_jax

    loaded = use_jax().saving.load_model(model, compile=False)
    progress(0, len(x))
    outputs = np.asarray(loaded.predict(x, batch_size=4096, verbose=0), np.float64)
    progress(len(x), len(x))
    return outputs


def compare(
    design: Design,
    model: Path,
    events: Events,
    keras: NDArray[np.float64],
    hardware: NDArray[np.float64],
) -> dict[str, Any]:
    """Count events in which hardware and Keras differ, and explain them.

    Keras scales its inputs in float32, which rounds; the hardware works on exact integers. An
    event whose scaled input lies within that rounding of a quantiser's step may fall on its other
    side. The test: the same events, their inputs put on the hardware's own grid, where float32 is
    exact, must give equal numbers.
    """
    wrong = np.flatnonzero((keras != hardware).any(axis=1))
    unexplained = 0
    if len(wrong):
        grid = on_grid(design, events.features[wrong])
        again = keras_outputs(model, grid.astype(np.float32), silent)
        unexplained = int((again != hardware[wrong]).any(axis=1).sum())
    words = ""
    if len(wrong):
        words = (
            f"{len(wrong) - unexplained:,} differ because float32 rounds a scaled input to the "
            f"other side of a quantiser's step: with inputs on the hardware's grid they are equal"
        )
    if unexplained:
        words += f"; {unexplained:,} differ for another reason"
    return {
        "events": len(keras),
        "equal": len(keras) - len(wrong),
        "different": len(wrong),
        "unexplained": unexplained,
        "explanation": words,
    }


def on_grid(design: Design, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return input values as the hardware takes them in, shape as given."""
    codes = design.emulator.input_codes(x)
    fraction = design.traced.inputs[0].fraction.ravel()
    values = np.ldexp(np.asarray(codes, np.float64), -fraction.astype(np.int64))
    return np.asarray(values.reshape(x.shape), np.float64)
