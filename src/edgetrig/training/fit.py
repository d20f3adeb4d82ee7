"""The training as a whole: a float teacher first, then a quantised network that learns from it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError
from edgetrig.files import whole_file
from edgetrig.progress import Progress, notify, silent
from edgetrig.training.checkpoint import Checkpoint, fingerprint
from edgetrig.training.events import checked_events
from edgetrig.training.loop import Loop, accuracy, cross_entropy, softmax
from edgetrig.training.models import float_network, quantized_network, use_jax
from edgetrig.training.result import TrainResult
from edgetrig.training.schedule import CostController, learning_rate, pace
from edgetrig.training.settings import (
    check_layers,
    check_positive,
    check_seed,
    check_whole,
)
from edgetrig.training.split import split

_PEAK_RATE = 2e-3
_MARGIN = 0.97  # aimed at, so that the last epochs and the final calibration stay under the target
_SAVE_SECONDS = 5.0
_HISTORY = ("loss", "validation_loss", "validation_accuracy", "ebops", "beta")


def train(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    classes: Sequence[str],
    out: str | os.PathLike[str],
    float_out: str | os.PathLike[str] | None = None,
    layers: Sequence[int] = (64, 32, 32),
    seed: int = 0,
    epochs: int = 1000,
    float_epochs: int = 80,
    batch: int = 1024,
    cost_target: float = 1000.0,
    patience: int | None = None,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a quantised dense network with learned bit widths to a cost target.

    A float network of the same shape is trained first; it is the reference for the accuracy, and
    the quantised network learns its probabilities instead of the labels. The inputs are the
    features as they are: scaling by powers of two and offsets are part of the model and cost no
    hardware.
    The same arguments give the same weights, whether or not the training was interrupted.

    Parameters
    ----------
    features
        (events, features) finite numbers.
    labels
        (events,) class of every event, from 0.
    classes
        Names of the classes, two or more.
    out
        The ``.keras`` file to write; it gives logits.
    float_out
        A ``.keras`` file for the float reference, if it is wanted too.
    layers
        Hidden layer sizes.
    seed
        Seed of the split, the weights and the order of the events, of 32 bits.
    epochs, float_epochs
        Passes over the training set for the quantised and the float network.
    batch
        Events a step.
    cost_target
        EBOPs (effective bit operations, about one LUT each) to reach.
    patience
        Stop after this many epochs without a better validation loss under the cost target; a fifth
        of `epochs` if None. The best epoch's weights are kept in any case.
    fractions
        Shares of training, validation and test events.
    checkpoint
        Folder in which the state is saved every few seconds, and from which it is taken up again;
        of the float training only its end.
    progress
        Called with epochs done and epochs in total.

    Raises
    ------
    DataError
        On unusable features, labels, settings or checkpoints, and if the training diverges.
    ToolError
        If a package is missing or Keras runs on another backend than JAX.
    KeyboardInterrupt
        On Ctrl-C, with a line that says what is kept.

    References
    ----------
    C. Sun et al., "HGQ: High Granularity Quantization for Real-time Neural Networks on FPGAs",
    arXiv:2405.00645 (EBOPs, learned widths). G. Hinton et al., arXiv:1503.02531 (distillation).
    """
    x, y = checked_events(features, labels, classes)
    target = _checked_path(out)
    float_target = None if float_out is None else _checked_path(float_out)
    check_layers(layers)
    check_seed(seed)
    check_whole(epochs=epochs, float_epochs=float_epochs, batch=batch)
    check_positive(cost_target=cost_target)
    patience = max(epochs // 5, 1) if patience is None else patience
    check_whole(patience=patience)
    settings = _Settings(
        tuple(int(n) for n in layers),
        len(classes),
        int(seed),
        int(epochs),
        int(float_epochs),
        int(batch),
        float(cost_target),
        int(patience),
        fractions,
    )
    use_jax()
    data = _Data.of(x, y, settings)
    versions = _versions()
    key = {**vars(settings), "data": fingerprint(x, y), "versions": versions}
    saved = Checkpoint(None if checkpoint is None else Path(checkpoint), key)
    total = settings.float_epochs + settings.epochs
    started = time.monotonic()
    teacher, float_accuracy = _train_float(
        data, settings, saved, float_target, lambda n: progress(n, total)
    )
    between = time.monotonic()
    run = _train_quantized(data, settings, teacher, saved, lambda n: progress(n, total))
    ebops = _calibrate(run.loop.finish(), data)
    with whole_file(target) as path:
        run.loop.model.save(path)
    progress(total, total)
    quantized = np.asarray(run.loop.model(data.test[0], training=False))
    return TrainResult(
        path=target,
        classes=tuple(classes),
        layers=settings.layers,
        seed=settings.seed,
        cost_target=settings.cost_target,
        ebops=ebops,
        accuracy={"float": float_accuracy, "quantized": accuracy(quantized, data.test[1])},
        history={name: tuple(run.history[name]) for name in _HISTORY},
        best_epoch=run.best_epoch,
        resumed_at=run.resumed_at,
        events={
            "train": len(data.train[1]),
            "validation": len(data.validation[1]),
            "test": len(data.test[1]),
        },
        seconds={"float": between - started, "quantized": time.monotonic() - between},
        versions=versions,
    )


Pair = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class _Settings:
    layers: tuple[int, ...]
    classes: int
    seed: int
    epochs: int
    float_epochs: int
    batch: int
    cost_target: float
    patience: int
    fractions: tuple[float, float, float]


@dataclass(frozen=True)
class _Data:
    train: Pair
    validation: Pair
    test: Pair

    @staticmethod
    def of(x: NDArray[np.float32], y: NDArray[np.int64], settings: _Settings) -> _Data:
        parts = split(y, settings.seed, settings.fractions)
        sets = (parts.train, parts.validation, parts.test)
        if min(map(len, sets)) == 0:
            raise DataError(f"{len(y)} events are too few for shares of {settings.fractions}")
        return _Data(*((x[events], y[events]) for events in sets))


def _train_float(
    data: _Data,
    settings: _Settings,
    saved: Checkpoint,
    target: Path | None,
    progress: Callable[[int], None],
) -> tuple[NDArray[np.float32], float]:
    """Return the best float network's probabilities on the training set, and its test accuracy."""
    x, y = data.train
    one_hot = np.eye(settings.classes, dtype=np.float32)[y]
    model = float_network(x, settings.layers, settings.classes, settings.seed)
    loop = Loop(model, x, one_hot, settings.batch)
    found = saved.load("float")
    if found is None:
        loop.state.take(_best_float(loop, data, settings, progress))
        teacher = softmax(loop.evaluate(x)[0])
        share = accuracy(loop.evaluate(data.test[0])[0], data.test[1])
        numbers = {**loop.state.to_numpy(), "teacher": teacher}
        saved.save("float", numbers, {"accuracy": share})
    else:
        numbers, facts = found
        loop.state.take(numbers)
        teacher, share = numbers["teacher"], float(facts["accuracy"])
        progress(settings.float_epochs)
    if target is not None:
        with whole_file(target) as path:
            loop.finish().save(path)
    return teacher, share


def _best_float(
    loop: Loop, data: _Data, settings: _Settings, progress: Callable[[int], None]
) -> dict[str, NDArray[Any]]:
    """Train the float network; return its numbers after the epoch of least validation loss."""
    best, numbers = np.inf, loop.state.to_numpy()
    for epoch in range(settings.float_epochs):
        rate = learning_rate(epoch, settings.float_epochs, _PEAK_RATE, hold=0.0)
        loop.run(_order(settings.seed, -1 - epoch, len(data.train[1])), rate)
        loss = cross_entropy(loop.evaluate(data.validation[0])[0], data.validation[1])
        if loss < best:
            best, numbers = loss, loop.state.to_numpy()
        progress(epoch + 1)
    return numbers


@dataclass
class _Run:
    """A quantised training under way."""

    loop: Loop
    control: CostController
    history: dict[str, list[float]]
    best: dict[str, NDArray[Any]]
    best_loss: float = np.inf
    best_epoch: int = -1
    resumed_at: int | None = None

    @property
    def epoch(self) -> int:
        return len(self.history["loss"])

    def save(self, saved: Checkpoint) -> None:
        numbers = {f"now/{name}": v for name, v in self.loop.state.to_numpy().items()}
        numbers |= {f"best/{name}": v for name, v in self.best.items()}
        facts = {
            "history": self.history,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "start": self.control.start,
            "last": self.control.last,
            "beta": self.control.beta,
        }
        saved.save("quantized", numbers, facts)

    def restore(self, saved: Checkpoint) -> None:
        found = saved.load("quantized")
        if found is None:
            return
        numbers, facts = found
        parts: dict[str, dict[str, NDArray[Any]]] = {"now": {}, "best": {}}
        for name, value in numbers.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = value
        self.loop.state.take(parts["now"])
        self.best, self.history = parts["best"], facts["history"]
        self.best_loss, self.best_epoch = facts["best_loss"], facts["best_epoch"]
        for name in ("start", "last", "beta"):
            setattr(self.control, name, facts[name])
        self.resumed_at = self.epoch


def _train_quantized(
    data: _Data,
    settings: _Settings,
    teacher: NDArray[np.float32],
    saved: Checkpoint,
    progress: Callable[[int], None],
) -> _Run:
    x, _ = data.train
    model = quantized_network(x, settings.layers, settings.classes, settings.seed)
    loop = Loop(model, x, teacher, settings.batch)
    control = CostController(
        _MARGIN * settings.cost_target, settings.epochs, pace=pace(settings.epochs)
    )
    run = _Run(loop, control, {name: [] for name in _HISTORY}, loop.state.to_numpy())
    run.restore(saved)
    last, kept = time.monotonic(), run.epoch
    try:
        while run.epoch < settings.epochs and not _stale(run, settings):
            _one_epoch(run, data, settings)
            progress(settings.float_epochs + run.epoch)
            if time.monotonic() - last > _SAVE_SECONDS:
                run.save(saved)
                last, kept = time.monotonic(), run.epoch
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(run.epoch, kept, settings, saved)) from None
    run.save(saved)
    if run.best_epoch < 0:  # the target was never reached: the last epoch is the nearest to it
        run.best_epoch = run.epoch - 1
        notify(
            f"no epoch of {run.epoch} came below the cost target of {settings.cost_target:g} EBOPs;"
            " give more epochs or a higher target"
        )
    else:
        loop.state.take(run.best)
    return run


def _interrupted(epoch: int, kept: int, settings: _Settings, saved: Checkpoint) -> str:
    rest = f"the same command goes on from epoch {kept}"
    if saved.folder is None:
        rest = "nothing is kept without a checkpoint folder"
    return f"interrupted after {epoch} of {settings.epochs} epochs; {rest}"


def _one_epoch(run: _Run, data: _Data, settings: _Settings) -> None:
    epoch, history = run.epoch, run.history
    rate = learning_rate(epoch, settings.epochs, _PEAK_RATE)
    beta = run.control.next(epoch, history["ebops"][-1] if epoch else 0.0)
    order = _order(settings.seed, epoch, len(data.train[1]))
    loss = run.loop.run(order, rate, beta)
    logits, ebops = run.loop.evaluate(data.validation[0])
    validation = cross_entropy(logits, data.validation[1])
    values = (loss, validation, accuracy(logits, data.validation[1]), ebops, beta)
    for name, value in zip(_HISTORY, values, strict=True):
        history[name].append(float(value))
    if ebops <= settings.cost_target and validation < run.best_loss:
        run.best_loss, run.best_epoch = validation, epoch
        run.best = run.loop.state.to_numpy()


def _stale(run: _Run, settings: _Settings) -> bool:
    return run.best_epoch >= 0 and run.epoch - run.best_epoch > settings.patience


def _order(seed: int, epoch: int, events: int) -> NDArray[np.int64]:
    """Return the order of the events in an epoch; it depends on nothing else."""
    return np.random.default_rng([seed, epoch % 2**32]).permutation(events)


def _calibrate(model: Any, data: _Data) -> int:
    """Widen every wrapping type to hold all values seen; return the final EBOPs."""
    from hgq.utils import trace_minmax

    x = np.concatenate([data.train[0], data.validation[0]])
    return int(trace_minmax(model, x, batch_size=len(x), verbose=0))


def _checked_path(out: str | os.PathLike[str]) -> Path:
    path = Path(out)
    if path.suffix != ".keras":
        raise DataError(f"{path}: the model is written as a .keras file; choose such a name")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; choose another name")
    return path


def _versions() -> dict[str, str]:
    packages = ("edgetrig", "keras", "hgq2", "jax", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
