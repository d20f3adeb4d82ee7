"""The facts of a report: plain numbers and text, ready for JSON."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import ADDERS, Op
from edgetrig.design import Design
from edgetrig.errors import DataError
from edgetrig.report.hardware import inputs, layers, stages
from edgetrig.trigger import WorkingPoint, check_signal, roc

if TYPE_CHECKING:
    from edgetrig.synthesis import Cost
    from edgetrig.training import TrainResult
    from edgetrig.verify import Verification

Facts = dict[str, Any]

FORMAT = "edgetrig report"
VERSION = 1
"""Of the layout of ``report.json``; grows when a field changes its meaning or goes away."""

MODELS = ("float", "quantized", "hardware")
"""The models a report compares, in the order it shows them."""

_CURVE_POINTS = 400
_LEAST_ACCEPTANCE = 1e-5
_PACKAGES = ("edgetrig", "numpy", "numba")


@dataclass(frozen=True)
class Hardware:
    """A design and what was measured on it.

    Parameters
    ----------
    design
        The design.
    title
        What it is, in a few words, for instance ``"one accept bit"``.
    verification
        Result of `Design.verify`, if it was run.
    cost
        Result of `Design.synthesize`, if it was run.
    """

    design: Design
    title: str = ""
    verification: Verification | None = None
    cost: Cost | None = None


@dataclass(frozen=True)
class Sample:
    """Events with their truth, and what models make of them.

    Parameters
    ----------
    name
        Where the events come from.
    labels
        True class of every event, shape (events,).
    outputs
        Class scores of some or all of `MODELS`, each of shape (events, classes), or (events, 1)
        where one output scores class 1 against class 0.
    classes
        Names of the classes, in the order of the outputs.
    signal
        Index of the signal class; 1 if there is one output.
    columns
        Names of the input features; may be empty.
    comparison
        How the emulator compares with the trained model, free fields of numbers and text:
        ``events``, ``equal``, ``different``, ``explanation``.
    """

    name: str
    labels: ArrayLike
    outputs: Mapping[str, ArrayLike]
    classes: Sequence[str]
    signal: int = 0
    columns: Sequence[str] = ()
    comparison: Mapping[str, Any] = field(default_factory=dict)


def collect(
    hardware: Sequence[Hardware],
    *,
    title: str = "",
    sample: Sample | None = None,
    working_point: WorkingPoint | None = None,
    training: TrainResult | Mapping[str, Any] | None = None,
    command: str = "",
    seeds: Mapping[str, int] | None = None,
) -> Facts:
    """Gather everything a report shows; sections without facts are left out.

    Parameters
    ----------
    hardware
        The designs, at least one; the verdict speaks of the last.
    title
        Title of the page; the name of the last design if empty.
    sample
        Test events.
    working_point
        The threshold that the accept bit uses.
    training
        Result of `edgetrig.training.train`, or its ``to_dict()``.
    command
        Command line that makes this report again.
    seeds
        Seeds by purpose.

    Returns
    -------
    dict
        JSON values; ``format`` and ``version`` say how to read them.

    Raises
    ------
    DataError
        If there is no design, or the sample's shapes do not fit together.
    """
    if not hardware:
        raise DataError("a report needs at least one design")
    trained = training if training is None or isinstance(training, Mapping) else training.to_dict()
    facts: Facts = {
        "format": FORMAT,
        "version": VERSION,
        "title": title or hardware[-1].design.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seeds": dict(seeds or {}),
        "hardware": [_hardware(item, sample.columns if sample else ()) for item in hardware],
        "versions": _versions(hardware, trained),
    }
    if sample is not None:
        facts["sample"] = _sample(sample)
    if working_point is not None:
        names = list(sample.classes) if sample else []
        facts["working_point"] = _working_point(working_point, names)
    if trained is not None:
        facts["training"] = {name: value for name, value in trained.items() if name != "path"}
    facts["verdict"] = _verdict(facts)
    plain: Facts = _plain(facts)
    return plain


def _hardware(item: Hardware, columns: Sequence[str]) -> Facts:
    design, target = item.design, item.design.target
    circuit, pipelined = design.circuit, design.pipelined
    facts: Facts = {
        "name": design.name,
        "title": item.title or design.name,
        "part": target.part,
        "clock_ns": target.clock_ns,
        "estimated_clock_ns": design.estimated_clock_ns,
        "latency_cycles": design.latency,
        "operations": len(circuit),
        "adders": circuit.count(*ADDERS),
        "register_bits": int(pipelined.widths[pipelined.rows.op == Op.REG].sum()),
        "input_bits": sum(element["bits"] for element in inputs(circuit, ())),
        "output_bits": int(circuit.widths[circuit.output_rows].sum()),
        "outputs": [{"name": port.name, "shape": list(port.shape)} for port in circuit.outputs],
        "inputs": inputs(circuit, columns),
        "layers": layers(design),
        "stages": stages(design),
        "estimate": design.estimate().to_dict(),
        "notes": list(design.notes),
    }
    facts["latency_ns"] = design.latency * _period(facts)
    if item.verification is not None:
        facts["verification"] = item.verification.to_dict()
    if item.cost is not None:
        facts["cost"] = item.cost.to_dict()
    return facts


def _period(facts: Facts) -> float:
    """Return the clock period in ns: the one asked for, or longer if a stage needs it."""
    return float(max(facts["clock_ns"], facts["estimated_clock_ns"]))


def _sample(sample: Sample) -> Facts:
    labels = np.asarray(sample.labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"labels of shape {labels.shape}: one class number an event is needed")
    outputs = {name: _scores(name, sample.outputs[name], sample) for name in _known(sample)}
    count = len(sample.classes)
    facts: Facts = {
        "name": sample.name,
        "events": len(labels),
        "classes": list(sample.classes),
        "signal": sample.signal,
        "events_by_class": np.bincount(labels, minlength=max(count, 2)).tolist(),
        "roc": {
            name: _curve(margin(values, sample.signal), labels, sample.signal)
            for name, values in outputs.items()
        },
        "comparison": dict(sample.comparison),
    }
    if outputs and all(values.shape[1] > 1 for values in outputs.values()):
        last = list(outputs)[-1]
        facts["accuracy"] = {
            name: float((values.argmax(axis=1) == labels).mean())
            for name, values in outputs.items()
        }
        facts["confusion"] = _confusion(labels, outputs[last].argmax(axis=1), count)
        facts["roc_by_class"] = [_curve(margin(outputs[last], k), labels, k) for k in range(count)]
    return facts


def _known(sample: Sample) -> list[str]:
    unknown = set(sample.outputs) - set(MODELS)
    if unknown:
        raise DataError(f"outputs of {', '.join(sorted(unknown))}; known are {', '.join(MODELS)}")
    return [name for name in MODELS if name in sample.outputs]


def _scores(name: str, values: ArrayLike, sample: Sample) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    array = array.reshape(len(array), -1)
    expected = (len(np.asarray(sample.labels)), max(len(sample.classes), 1))
    if array.shape != expected and (array.shape[1:], expected[1]) != ((1,), 2):
        raise DataError(f"{name} outputs have shape {array.shape}, {expected} is needed")
    return array


def margin(outputs: NDArray[np.float64], signal: int) -> NDArray[np.float64]:
    """Return the score of a class as `edgetrig.trigger.score` defines it, shape (events,)."""
    check_signal(signal, outputs.shape[1])
    if outputs.shape[1] == 1:
        return outputs[:, 0]
    others = np.delete(outputs, signal, axis=1).max(axis=1)
    return np.asarray(outputs[:, signal] - others, np.float64)


def _curve(scores: NDArray[np.float64], labels: NDArray[Any], signal: int) -> Facts:
    """Return an ROC curve thinned to what a page can show; the area is that of the whole curve."""
    curve = roc(scores, labels == signal)
    wanted = np.geomspace(_LEAST_ACCEPTANCE, 1.0, _CURVE_POINTS)
    chosen = np.searchsorted(curve.acceptance, wanted, side="right") - 1
    chosen = np.unique(chosen[chosen >= 0])
    return {
        "acceptance": curve.acceptance[chosen].round(7).tolist(),
        "efficiency": curve.efficiency[chosen].round(7).tolist(),
        "area": curve.area,
    }


def _confusion(truth: NDArray[Any], found: NDArray[np.int64], classes: int) -> list[list[int]]:
    """Return events by true class (rows) and found class (columns)."""
    flat = np.bincount(truth * classes + found, minlength=classes * classes)
    return [[int(n) for n in row] for row in flat.reshape(classes, classes)]


def _working_point(point: WorkingPoint, classes: Sequence[str]) -> Facts:
    name = classes[point.signal] if point.signal < len(classes) else f"class {point.signal}"
    return {**point.to_dict(), "signal_name": name}


def _versions(hardware: Sequence[Hardware], training: Mapping[str, Any] | None) -> dict[str, str]:
    versions = {"python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PACKAGES}
    versions |= dict((training or {}).get("versions", {}))
    for item in hardware:
        if item.verification is not None:
            versions |= item.verification.tools
        if item.cost is not None:
            versions["yosys"] = item.cost.yosys
    return versions


def _verdict(facts: Facts) -> str:
    """Return the whole result in one sentence."""
    last = facts["hardware"][-1]
    cycles, ns = last["latency_cycles"], last["latency_ns"]
    result = "One accept bit" if last["output_bits"] == 1 else f"{last['output_bits']} output bits"
    words = [f"{result} after {_counted(cycles, 'clock cycle')} ({ns:g} ns)"]
    if not cycles:
        words = [f"{result} without a clock ({last['estimated_clock_ns']:.2g} ns, an estimate)"]
    if "cost" in last:
        words.append(f"{last['cost']['lut']:,} LUTs on {last['part']}")
    point = facts.get("working_point")
    if point:
        words.append(
            f"{100 * point['efficiency']:.1f} % of {point['signal_name']} kept"
            f" at {100 * point['acceptance']:.2f} % of the background"
        )
    if "verification" in last:
        vectors = last["verification"]["vectors"]
        words.append(f"verified bit by bit on {vectors:,} vectors")
        proof = last["verification"].get("proof")
        if proof and proof["complete"]:
            words.append("proved for every input")
    return "; ".join(words) + "."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("s" if number != 1 else "")


def _plain(value: Any) -> Any:
    """Return a value with NumPy's numbers, tuples and mappings as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value
