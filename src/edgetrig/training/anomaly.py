"""An anomaly trigger: an autoencoder of zero-bias events, whose encoder alone reaches hardware.

The score of an event is the sum of squares of the encoder's means, which are small for what is
common in zero bias. No step on the way can wrap around: the types of inputs hold every code that
their wires can carry, hidden values and means saturate, sums and squares have all their bits. So
the most unusual events keep the highest scores.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Array, Circuit, Input, convert, lookup, origin, quantize, replay, trace
from edgetrig.design import Design, Target
from edgetrig.errors import DataError
from edgetrig.files import whole_file
from edgetrig.frontends import load
from edgetrig.progress import Progress, silent
from edgetrig.training.anomaly_inputs import INPUTS, anomaly_inputs, input_format
from edgetrig.training.anomaly_network import InputFormat, autoencoder, autoencoder_loss
from edgetrig.training.loop import Loop
from edgetrig.training.models import use_jax
from edgetrig.training.schedule import CostController, learning_rate
from edgetrig.training.split import Split, split
from edgetrig.trigger.menu import Model
from edgetrig.trigger.menu.menu import ORBIT_HZ

_PEAK_RATE = 2e-3
_MARGIN = 0.97  # aimed at, so that the last epochs stay under the target
_MEAN_FRACTION = 1
"""Bits behind the point of the means: thresholds of 1 to 10 kHz lie at squares of 50 to 1000."""

_MEAN_BITS = 7
"""Most integer bits of the means."""

_JUDGED = 20_000  # events on which the cost of an epoch is measured


@dataclass(frozen=True)
class AnomalyTrigger:
    """A trained anomaly trigger: its model, its hardware and its threshold.

    Parameters
    ----------
    path
        The ``.keras`` file of the encoder, which gives the means.
    design
        From 57 hardware integers (`anomaly_inputs`) to one number, ``score``.
    threshold
        Accept where the score is at least this.
    requested_khz
        The rate that was asked for.
    rate_khz, error_khz
        Rate above the threshold and its statistical error, on zero-bias events that neither trained
        the model nor set the threshold.
    ebops
        Effective bit operations, a proxy of LUTs.
    events
        Events that trained, that set the threshold, and that judged.
    history
        Per epoch: ``loss`` and ``ebops``.
    versions
        Versions of Python and of the packages that took part.
    """

    path: Path
    design: Design
    threshold: float
    requested_khz: float
    rate_khz: float
    error_khz: float
    ebops: int
    events: Mapping[str, int]
    history: Mapping[str, tuple[float, ...]]
    versions: Mapping[str, str]

    def score(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return the hardware's score of every event, from columns of codes."""
        return np.asarray(self.design.predict(anomaly_inputs(columns)))

    def model(self, name: str = "anomaly") -> Model:
        """Return the model for a menu, whose seeds may then say ``anomaly >= 90``."""
        return Model(name, self.design.traced, INPUTS)


def train_anomaly(
    columns: Mapping[str, NDArray[Any]],
    *,
    out: str | os.PathLike[str],
    rate_khz: float,
    bunches: int = 2748,
    layers: Sequence[int] = (32, 16),
    latent: int = 8,
    seed: int = 0,
    epochs: int = 8,
    batch: int = 1024,
    cost_target: float = 10_000.0,
    kl_weight: float = 0.02,
    fractions: tuple[float, float, float] = (0.5, 0.25, 0.25),
    target: Target | None = None,
    progress: Progress = silent,
) -> AnomalyTrigger:
    """Train an anomaly trigger on zero-bias events and set its threshold at a rate.

    Parameters
    ----------
    columns
        Zero-bias events, a fair sample of filled crossings: codes by column name, of shape
        (events, objects), as `edgetrig.physics.l1.read_l1` gives. `anomaly_inputs` says which.
    out
        The ``.keras`` file of the encoder to write.
    rate_khz
        Rate to take, in kHz.
    bunches
        Colliding bunches in the ring, which scale rates.
    layers, latent
        Sizes of the encoder's hidden layers and of its output.
    seed
        Seed of the split, the weights and the order of the events.
    epochs, batch
        Passes over the training events, and events a step.
    cost_target
        EBOPs (effective bit operations, about one LUT each) that the training steers to.
    kl_weight
        Weight of the divergence of the latent values from a normal distribution.
    fractions
        Shares of events that train, that set the threshold, and that measure its rate.
    target
        Device and clock of the design.
    progress
        Called with epochs done and epochs in total.

    Raises
    ------
    DataError
        On unusable events or settings, and where the events are too few for the rate.
    ToolError
        If a package is missing or Keras runs on another backend than JAX.

    References
    ----------
    E. Govorkova et al., arXiv:2108.03986 (autoencoders at 40 MHz, scores from the means alone);
    CMS, "Anomaly detection in the CMS Global Trigger", CMS-DP-2023-079 (the inputs).
    """
    path = Path(out)
    _check(
        path,
        layers,
        {
            "rate_khz": rate_khz,
            "bunches": bunches,
            "latent": latent,
            "epochs": epochs,
            "batch": batch,
            "cost_target": cost_target,
            "kl_weight": kl_weight,
        },
    )
    x = anomaly_inputs(columns)
    parts = split(np.zeros(len(x), np.int64), seed, fractions)
    khz_of_all = bunches * ORBIT_HZ / 1000
    _check_events(parts, rate_khz / khz_of_all)
    use_jax()
    inputs = input_format(x[parts.train])
    model, encoder = autoencoder(inputs, layers, latent, seed)
    events = x[parts.train].astype(np.float32)
    loss = autoencoder_loss(latent, kl_weight)
    loop = Loop(model, events, inputs.scaled(x[parts.train]), batch, loss)
    history = _train(loop, events, epochs, cost_target, seed, progress)
    ebops = _save(loop, encoder, events[:_JUDGED], path)
    largest = np.abs(loop.evaluate(events)[0][:, :latent]).max(axis=0)
    circuit = _scored(load(path).circuit, inputs, largest)
    design = Design(circuit, name="anomaly", target=target or Target(), classes=("score",))
    scores = np.asarray(design.predict(x[parts.validation]))
    threshold = _threshold(scores, rate_khz / khz_of_all, circuit)
    passed = int((design.predict(x[parts.test]) >= threshold).sum())
    scale = khz_of_all / len(parts.test)
    sets = {"train": parts.train, "threshold": parts.validation, "test": parts.test}
    return AnomalyTrigger(
        path=path,
        design=design,
        threshold=threshold,
        requested_khz=float(rate_khz),
        rate_khz=passed * scale,
        error_khz=math.sqrt(passed) * scale,
        ebops=ebops,
        events={name: len(part) for name, part in sets.items()},
        history=history,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("edgetrig", "keras", "hgq2", "jax", "numpy")},
        },
    )


def _check(path: Path, layers: Sequence[int], positive: Mapping[str, float]) -> None:
    if path.suffix != ".keras":
        raise DataError(f"{path}: the model is written as a .keras file; choose such a name")
    for name, value in positive.items():
        if not 0 < value < math.inf:
            raise DataError(f"{name}={value}: a positive number is needed")
    if min(layers, default=1) <= 0:
        raise DataError(f"layers={tuple(layers)}: positive sizes are needed")


def _check_events(parts: Split, fraction: float) -> None:
    sets = (parts.train, parts.validation, parts.test)
    if min(map(len, sets)) == 0:
        raise DataError(f"{sum(map(len, sets))} events are too few for three parts")
    if fraction >= 1:
        raise DataError("the rate is that of all crossings; ask for less")
    if len(parts.validation) * fraction < 1:
        raise DataError(
            f"{len(parts.validation)} zero-bias events set the threshold, but the rate is one of"
            f" {1 / fraction:.0f} crossings; give more events or ask for a higher rate"
        )


def _train(
    loop: Loop,
    events: NDArray[np.float32],
    epochs: int,
    cost_target: float,
    seed: int,
    progress: Progress,
) -> dict[str, tuple[float, ...]]:
    control = CostController(_MARGIN * cost_target, epochs)
    losses: list[float] = []
    costs: list[float] = []
    for epoch in range(epochs):
        beta = control.next(epoch, costs[-1] if costs else 0.0)
        order = np.random.default_rng([seed, epoch]).permutation(len(events))
        losses.append(loop.run(order, learning_rate(epoch, epochs, _PEAK_RATE), beta))
        costs.append(float(loop.evaluate(events[:_JUDGED])[1]))
        progress(epoch + 1, epochs)
    return {"loss": tuple(losses), "ebops": tuple(costs)}


def _save(loop: Loop, encoder: Any, events: NDArray[np.float32], path: Path) -> int:
    """Write the encoder, its weights' types wide enough for them; return its EBOPs."""
    from hgq.utils import trace_minmax

    loop.finish()  # the encoder's layers are the autoencoder's
    ebops = int(trace_minmax(encoder, events, batch_size=len(events), verbose=0))
    with whole_file(path) as file:
        encoder.save(file)
    return ebops


def _scored(encoder: Circuit, inputs: InputFormat, largest: NDArray[np.float32]) -> Circuit:
    """Return the circuit from the objects' codes to the sum of squares of the means.

    Means saturate at the power of two above the largest that training events have, 128 at most.
    """
    objects = Input(
        "objects", inputs.lowest, inputs.highest, np.zeros_like(inputs.lowest), "TRN", "SAT"
    )
    bits = np.ceil(np.log2(np.maximum(largest, 0.5) + 2.0**-_MEAN_FRACTION)).astype(np.int64)
    bits = np.minimum(bits, _MEAN_BITS)

    def score(x: Array) -> dict[str, Array]:
        (means,) = replay(encoder, convert(x, encoder.inputs[0])).values()
        with origin("score"):
            size = abs(quantize(means, 1, bits, _MEAN_FRACTION, "RND", "SAT_SYM"))
            # Squares as tables: of eight bits they are small, and need no multiplier.
            return {"score": np.sum(lookup(size, np.square, 0, 2 * bits, 2 * _MEAN_FRACTION))}

    return trace(score, objects)


def _threshold(scores: NDArray[np.float64], fraction: float, circuit: Circuit) -> float:
    """Return the lowest score that at most a fraction of the events reach."""
    step = 2.0 ** -int(circuit.outputs[0].fraction.ravel()[0])
    allowed = int(fraction * len(scores))
    threshold = float(np.sort(scores)[::-1][allowed]) + step
    highest = float(circuit.rows.hi[circuit.output_rows].max()) * step
    if threshold > highest:
        raise DataError(f"more than the rate's share of events have the highest score, {highest:g}")
    return threshold
