"""Training of an anomaly trigger's encoder, on zero-bias events alone."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from math import ceil, inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.files import whole_file
from edgetrig.progress import Progress, silent
from edgetrig.training.anomaly_inputs import input_format
from edgetrig.training.anomaly_network import InputFormat, autoencoder, autoencoder_loss
from edgetrig.training.checkpoint import Checkpoint, fingerprint
from edgetrig.training.loop import Loop
from edgetrig.training.models import use_jax
from edgetrig.training.schedule import CostController, learning_rate
from edgetrig.training.settings import (
    WIDEST,
    check_layers,
    check_positive,
    check_seed,
    check_whole,
)

_PEAK_RATE = 2e-3
_MARGIN = 0.97  # aimed at, so that the last epochs stay under the target
_JUDGED = 20_000  # events on which an epoch's cost, and its loss on held-out ones, are measured
_PIECE = 64  # most steps between two looks at the cost, and at the keyboard
_LOOKS = 100  # least number of looks at the cost, where there are so many steps
_BLOCK = 100_000  # events whose hidden values are in memory at once
_HISTORY = ("loss", "held_out_loss", "ebops")


@dataclass(frozen=True)
class TrainedEncoder:
    """A trained encoder.

    Parameters
    ----------
    path
        The ``.keras`` file, from 57 codes to the latent means.
    inputs
        Ranges and scales of the codes.
    largest
        Largest absolute value of each mean among the training events.
    ebops
        Effective bit operations, a proxy of LUTs.
    history
        Per epoch: ``loss`` on the training events, ``held_out_loss`` on others, ``ebops``.
    resumed_at
        The epoch at which a checkpoint was taken up, or None.
    versions
        Versions of Python and of the packages that took part.
    """

    path: Path
    inputs: InputFormat
    largest: NDArray[np.float32]
    ebops: int
    history: dict[str, tuple[float, ...]]
    resumed_at: int | None
    versions: dict[str, str]


@dataclass(frozen=True)
class EncoderSettings:
    """How an encoder is trained.

    Parameters
    ----------
    layers, latent
        Sizes of the encoder's hidden layers and of its output.
    seed
        Of the weights and the order of the events.
    epochs, batch
        Passes over the training events, and events a step.
    cost_target
        EBOPs (effective bit operations, about one LUT each) that the training steers to.
    kl_weight
        Weight of the divergence of the latent values from a normal distribution.
    """

    layers: Sequence[int]
    latent: int
    seed: int
    epochs: int
    batch: int
    cost_target: float
    kl_weight: float

    def check(self) -> None:
        """Demand sizes and weights that can be.

        Raises
        ------
        DataError
            If one cannot.
        """
        check_whole(WIDEST, latent=self.latent)
        check_whole(epochs=self.epochs, batch=self.batch)
        check_positive(cost_target=self.cost_target, kl_weight=self.kl_weight)
        check_layers(self.layers)
        check_seed(self.seed)


def train_encoder(
    x: NDArray[np.int16],
    held_out: NDArray[np.int16],
    settings: EncoderSettings,
    *,
    out: str | os.PathLike[str],
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> TrainedEncoder:
    """Train an autoencoder of zero-bias events; keep its encoder.

    The same arguments give the same weights, whether or not the training was interrupted.

    Parameters
    ----------
    x
        (events, 57) codes that train, from `anomaly_inputs`.
    held_out
        (events, 57) others, on which the loss is only measured.
    settings
        Sizes, lengths and weights.
    out
        The ``.keras`` file to write.
    checkpoint
        Folder in which the state is saved after each epoch, and from which it is taken up again.
    progress
        Called with steps done and steps in total.

    Raises
    ------
    DataError
        On unusable settings, or a checkpoint of another training.
    ToolError
        If a package is missing or Keras runs on another backend than JAX.
    KeyboardInterrupt
        On Ctrl-C, with a line that says how to go on.
    """
    settings.check()
    use_jax()
    versions = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("edgetrig", "keras", "hgq2", "jax", "numpy")},
    }
    key = {**asdict(settings), "data": fingerprint(x, held_out), "versions": versions}
    saved = Checkpoint(None if checkpoint is None else Path(checkpoint), key)
    inputs = input_format(x)
    model, encoder = autoencoder(inputs, settings.layers, settings.latent, settings.seed)
    events = x.astype(np.float32)
    loss = autoencoder_loss(settings.latent, settings.kl_weight)
    loop = Loop(model, events, inputs.scaled(x), settings.batch, loss)
    pieces = _pieces(len(x) // loop.batch, settings.epochs)
    control = CostController(_MARGIN * settings.cost_target, settings.epochs * pieces)
    run = _Run(loop, control, pieces)
    run.restore(saved)
    resumed_at = run.epoch or None
    try:
        while run.epoch < settings.epochs:
            _one_epoch(run, events, held_out[:_JUDGED], inputs, settings, progress)
            run.save(saved)
    except KeyboardInterrupt:
        rest = "" if checkpoint is None else "; the same command goes on from there"
        raise KeyboardInterrupt(
            f"interrupted after {run.epoch} of {settings.epochs} epochs{rest}"
        ) from None
    path = Path(out)
    ebops = _save(loop, encoder, events[:_JUDGED], path)
    return TrainedEncoder(
        path=path,
        inputs=inputs,
        largest=_largest_means(loop, events, settings.latent),
        ebops=ebops,
        history={name: tuple(run.history[name]) for name in _HISTORY},
        resumed_at=resumed_at,
        versions=versions,
    )


@dataclass
class _Run:
    """A training under way."""

    loop: Loop
    control: CostController
    pieces: int
    """Parts of an epoch; after each the cost is looked at and its weight in the loss is set."""

    ebops: float = 0.0
    history: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in _HISTORY})

    @property
    def epoch(self) -> int:
        return len(self.history["ebops"])

    def save(self, saved: Checkpoint) -> None:
        control = self.control
        facts = {
            "history": self.history,
            "ebops": self.ebops,
            "control": {"start": control.start, "last": control.last, "beta": control.beta},
        }
        saved.save("encoder", self.loop.state.to_numpy(), facts)

    def restore(self, saved: Checkpoint) -> None:
        found = saved.load("encoder")
        if found is None:
            return
        numbers, facts = found
        self.loop.state.take(numbers)
        self.history, self.ebops = facts["history"], facts["ebops"]
        for name, value in facts["control"].items():
            setattr(self.control, name, value)


def _one_epoch(
    run: _Run,
    events: NDArray[np.float32],
    held_out: NDArray[np.int16],
    inputs: InputFormat,
    settings: EncoderSettings,
    progress: Progress,
) -> None:
    epoch, loop, total = run.epoch, run.loop, settings.epochs * run.pieces
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(events))
    # Pieces of one size are compiled once; fewer steps than there are pieces are left out.
    size = len(order) // loop.batch // run.pieces * loop.batch
    losses = []
    for piece in range(run.pieces):
        done = epoch * run.pieces + piece
        beta = run.control.next(done, run.ebops)
        rate = learning_rate(done, total, _PEAK_RATE)
        losses.append(loop.run(order[piece * size : (piece + 1) * size], rate, beta))
        run.ebops = float(loop.evaluate(events[:_JUDGED])[1])
        progress(done + 1, total)
    outputs, _ = loop.evaluate(held_out.astype(np.float32))
    loss = autoencoder_loss(settings.latent, settings.kl_weight)
    run.history["loss"].append(float(np.mean(losses)))
    run.history["held_out_loss"].append(float(loss(outputs, inputs.scaled(held_out))))
    run.history["ebops"].append(run.ebops)


def _pieces(steps: int, epochs: int) -> int:
    """Return into how many parts an epoch of so many steps is divided."""
    return min(steps, max(ceil(steps / _PIECE), ceil(_LOOKS / epochs)))


def _save(loop: Loop, encoder: Any, events: NDArray[np.float32], path: Path) -> int:
    """Write the encoder, its weights' types wide enough for them; return its EBOPs."""
    from hgq.utils import trace_minmax

    loop.finish()  # the encoder's layers are the autoencoder's
    ebops = int(trace_minmax(encoder, events, batch_size=len(events), verbose=0))
    with whole_file(path) as file:
        encoder.save(file)
    return ebops


def _largest_means(loop: Loop, events: NDArray[np.float32], latent: int) -> NDArray[np.float32]:
    largest = np.full(latent, -inf, np.float32)
    for start in range(0, len(events), _BLOCK):
        means = loop.evaluate(events[start : start + _BLOCK])[0][:, :latent]
        largest = np.maximum(largest, np.abs(means).max(axis=0))
    return largest
