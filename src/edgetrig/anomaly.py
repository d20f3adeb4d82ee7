"""An anomaly trigger: an autoencoder of zero-bias events, whose encoder alone reaches hardware.

The score of an event is the sum of squares of the encoder's means, which are small for what is
common in zero bias. No step on the way can wrap around: the types of inputs hold every code that
their wires can carry, hidden values and means saturate, sums and squares have all their bits. So
the most unusual events keep the highest scores.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Array, Circuit, Input, convert, lookup, origin, quantize, replay, trace
from edgetrig.design import Design, Target
from edgetrig.errors import DataError
from edgetrig.files import whole_file
from edgetrig.progress import Progress, silent

if TYPE_CHECKING:
    from edgetrig.training import TrainedEncoder
    from edgetrig.trigger.menu import Model

Events = Mapping[str, NDArray[Any]] | NDArray[np.integer]
"""Columns of codes by name (`edgetrig.physics.l1.read_l1`), or what `edgetrig.training` makes of
them (`anomaly_inputs`)."""

ENCODER: Final = "encoder.keras"
DESIGN: Final = "anomaly.edgetrig"
MENU: Final = "menu.yaml"
RECORD: Final = "anomaly.json"
CHECKPOINT: Final = "checkpoint"
_STATE: Final = "encoder.npz"

_MEAN_FRACTION = 1
"""Bits behind the point of the means: thresholds of 1 to 10 kHz lie at squares of 50 to 1000."""

_MEAN_BITS = 7
"""Most integer bits of the means."""


@dataclass(frozen=True)
class AnomalyTrigger:
    """A trained anomaly trigger: its hardware and its threshold.

    Parameters
    ----------
    path
        The folder with its files.
    design
        From 57 hardware integers (`edgetrig.training.anomaly_inputs`) to one number, ``score``.
    threshold
        Accept where the score is at least this.
    requested_khz
        The rate that was asked for.
    accepted
        Events above the threshold among those that set it.
    rate_khz, error_khz
        Rate above the threshold and its statistical error, at least that of one event, on
        zero-bias events that neither trained the model nor set the threshold.
    bunches
        Colliding bunches in the ring, which scale rates.
    events
        Events that trained, that set the threshold, and that judged.
    encoder
        How the encoder was trained, and its ``.keras`` file, which gives the means.
    """

    path: Path
    design: Design
    threshold: float
    requested_khz: float
    accepted: int
    rate_khz: float
    error_khz: float
    bunches: int
    events: Mapping[str, int]
    encoder: TrainedEncoder

    def score(self, events: Events) -> NDArray[np.float64]:
        """Return the hardware's score of every event."""
        return np.asarray(self.design.predict(_inputs(events)))

    def accept(self) -> Design:
        """Return the design that ends in one accept bit."""
        return self.design.threshold("score", at=self.threshold)

    def model(self, name: str = "anomaly") -> Model:
        """Return the model for a menu, whose seeds may then say ``anomaly >= 90``."""
        from edgetrig.training import ANOMALY_INPUTS
        from edgetrig.trigger.menu import Model

        return Model(name, self.design.traced, ANOMALY_INPUTS)

    def to_dict(self) -> dict[str, Any]:
        """Return threshold, rate, sizes and history as plain Python values, ready for JSON."""
        return {
            "threshold": self.threshold,
            "requested_khz": self.requested_khz,
            "accepted": self.accepted,
            "rate_khz": self.rate_khz,
            "error_khz": self.error_khz,
            "bunches": self.bunches,
            "events": dict(self.events),
            "ebops": self.encoder.ebops,
            "history": dict(self.encoder.history),
            "resumed_at": self.encoder.resumed_at,
            "versions": dict(self.encoder.versions),
        }


def train_anomaly(
    events: Events,
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

    The same arguments give the same trigger, whether or not the training was interrupted.

    Parameters
    ----------
    events
        Zero-bias events, a fair sample of filled crossings: columns of codes by name, of shape
        (events, objects), as `edgetrig.physics.l1.read_l1` gives; or what
        `edgetrig.training.read_anomaly_inputs` found in files.
    out
        Folder for ``encoder.keras``, ``anomaly.edgetrig`` (the design), ``menu.yaml`` (a menu with
        one seed that cuts on the score) and ``anomaly.json`` (what happened). While the training
        runs, ``checkpoint`` in it has the state after the last epoch: the same call goes on.
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
        Called with steps of the training done and in total.

    Raises
    ------
    DataError
        On unusable events or settings, where the events are too few for the rate, and where the
        folder holds the state of another training.
    ToolError
        If a package is missing or Keras runs on another backend than JAX.
    KeyboardInterrupt
        On Ctrl-C, with a line that says how to go on.

    References
    ----------
    E. Govorkova et al., arXiv:2108.03986 (autoencoders at 40 MHz, scores from the means alone);
    CMS, "Anomaly detection in the CMS Global Trigger", CMS-DP-2023-079 (the inputs).
    """
    from edgetrig.frontends import load
    from edgetrig.training import ANOMALY_INPUTS, EncoderSettings, split, train_encoder
    from edgetrig.trigger.menu import ORBIT_HZ

    _check_positive(rate_khz=rate_khz, bunches=bunches)
    settings = EncoderSettings(
        tuple(layers), latent, seed, epochs, batch, float(cost_target), kl_weight
    )
    settings.check()
    x = _inputs(events)
    parts = split(np.zeros(len(x), np.int64), seed, fractions)
    sets = {"train": parts.train, "threshold": parts.validation, "test": parts.test}
    counts = {name: len(part) for name, part in sets.items()}
    khz_of_all = bunches * ORBIT_HZ / 1000
    _check_events(counts, rate_khz / khz_of_all)
    folder = Path(out)
    encoder = train_encoder(
        x[parts.train],
        x[parts.validation],
        settings,
        out=folder / ENCODER,
        checkpoint=folder / CHECKPOINT,
        progress=progress,
    )
    circuit = _scored(load(encoder.path).circuit, encoder)
    note = f"inputs are hardware codes, in this order: {', '.join(ANOMALY_INPUTS)}"
    target = target or Target()
    design = Design(circuit, name="anomaly", target=target, classes=("score",), notes=(note,))
    scores = np.asarray(design.predict(x[parts.validation]))
    threshold = _threshold(scores, rate_khz / khz_of_all, circuit)
    passed = int((design.predict(x[parts.test]) >= threshold).sum())
    trigger = AnomalyTrigger(
        path=folder,
        design=design,
        threshold=threshold,
        requested_khz=float(rate_khz),
        accepted=int((scores >= threshold).sum()),
        rate_khz=passed * khz_of_all / len(parts.test),
        error_khz=math.sqrt(max(passed, 1)) * khz_of_all / len(parts.test),
        bunches=bunches,
        events=counts,
        encoder=encoder,
    )
    _write(trigger)
    _remove_checkpoint(folder / CHECKPOINT)
    return trigger


def _inputs(events: Events) -> NDArray[Any]:
    from edgetrig.training import anomaly_inputs, check_anomaly_inputs

    return anomaly_inputs(events) if isinstance(events, Mapping) else check_anomaly_inputs(events)


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise DataError(f"{name}={value}: a positive number is needed")


def _check_events(counts: Mapping[str, int], fraction: float) -> None:
    if min(counts.values()) == 0:
        raise DataError(f"{sum(counts.values())} events are too few for three parts")
    if fraction >= 1:
        raise DataError("the rate is that of all crossings; ask for less")
    if counts["threshold"] * fraction < 1:
        raise DataError(
            f"{counts['threshold']} zero-bias events set the threshold, but the rate is one of"
            f" {1 / fraction:.0f} crossings; give more events or ask for a higher rate"
        )


def _scored(means: Circuit, encoder: TrainedEncoder) -> Circuit:
    """Return the circuit from the objects' codes to the sum of squares of the means.

    Means saturate at the power of two above the largest that training events have, 128 at most.
    """
    lowest, highest = encoder.inputs.lowest, encoder.inputs.highest
    objects = Input("objects", lowest, highest, np.zeros_like(lowest), "TRN", "SAT")
    largest = np.maximum(encoder.largest, 0.5) + 2.0**-_MEAN_FRACTION
    bits = np.minimum(np.ceil(np.log2(largest)).astype(np.int64), _MEAN_BITS)

    def score(x: Array) -> dict[str, Array]:
        (values,) = replay(means, convert(x, means.inputs[0])).values()
        with origin("score"):
            size = abs(quantize(values, 1, bits, _MEAN_FRACTION, "RND", "SAT_SYM"))
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


def _remove_checkpoint(folder: Path) -> None:
    """Remove the training's state; what others keep in a folder of that name stays."""
    (folder / _STATE).unlink()
    with suppress(OSError):
        folder.rmdir()


def _write(trigger: AnomalyTrigger) -> None:
    from edgetrig.training import ANOMALY_INPUTS

    trigger.design.save(trigger.path / DESIGN)
    texts = {
        MENU: _MENU.format(
            bunches=trigger.bunches,
            file=DESIGN,
            inputs=", ".join(f'"{words}"' for words in ANOMALY_INPUTS),
            threshold=trigger.threshold,
        ),
        RECORD: json.dumps(trigger.to_dict(), indent=1) + "\n",
    }
    for name, text in texts.items():
        with whole_file(trigger.path / name) as file:
            file.write_text(text, encoding="utf-8")


_MENU = """\
name: anomaly
bunches: {bunches}
budget_khz: 100
models:
  anomaly:
    file: {file}
    inputs: [{inputs}]
seeds:
  L1_Anomaly:
    expression: anomaly >= threshold
    parameters: {{threshold: {threshold:.15g}}}
"""
