"""The page: facts in, one HTML document out that needs nothing else to open."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from edgetrig.errors import DataError, require
from edgetrig.files import whole_file
from edgetrig.report.charts import Axis, Chart, Line, Mark, shortened
from edgetrig.report.facts import FORMAT, VERSION, Facts

_NAME = 24  # most letters of a class in a chart
_COLOURS = 8  # that curves in one chart can be told apart by
_WORDS = {"float": "float", "quantized": "quantised", "hardware": "hardware"}


def write(folder: str | os.PathLike[str], facts: Facts) -> Path:
    """Write ``report.html`` and ``report.json``; other files in the folder stay.

    Parameters
    ----------
    folder
        Created if it does not exist.
    facts
        From `collect`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ToolError
        If Jinja is not installed.
    Error
        If the folder cannot be written.
    """
    return write_page(folder, facts, render(facts))


def write_page(folder: str | os.PathLike[str], facts: Facts, page: str) -> Path:
    """Write facts and their page as ``report.json`` and ``report.html``; return the page."""
    target = Path(folder) / "report.html"
    with whole_file(target.with_suffix(".json")) as file:
        file.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    with whole_file(target) as file:
        file.write_text(page, encoding="utf-8")
    return target


def render(facts: Facts) -> str:
    """Return the page: HTML with its styles and pictures inside, without scripts.

    Parameters
    ----------
    facts
        From `collect`, or read back from a ``report.json``.

    Raises
    ------
    DataError
        If these are no facts of a report, or of a later version.
    ToolError
        If Jinja is not installed.
    """
    if facts.get("format") != FORMAT or facts.get("version") != VERSION:
        raise DataError(f"not the facts of an {FORMAT} of version {VERSION}")
    page: str = template("page.html").render(
        facts=facts,
        last=facts["hardware"][-1],
        charts=_charts(facts),
        words=_WORDS,
    )
    return page


@cache
def template(name: str) -> Any:
    """Return a template of this room.

    Raises
    ------
    ToolError
        If Jinja is not installed.
    """
    jinja = require("jinja2", "report")
    environment = jinja.Environment(
        loader=jinja.PackageLoader("edgetrig.report", "."),
        autoescape=True,  # names come out of models: nothing of theirs is markup
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "number": lambda value: f"{value:,}",
        "short": lambda value: f"{value:.4g}",
        "exact": _exact,
        "step": _step,
        "widths": _widths,
        "shade": lambda share: f"{round(100 * min(max(share, 0.0), 1.0), 1)}%",
    }
    return environment.get_template(name)


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def _exact(value: float) -> str:
    """Return all digits, and no commas: somebody may copy them into a command."""
    return f"{value:.15g}"


def _step(lsb: float) -> str:
    """Return a power of two, exactly."""
    return _exact(lsb) if lsb >= 1 else f"1/{_exact(1 / lsb)}"


def _widths(layer: Mapping[str, Any]) -> str:
    """Return the range of a layer's widths in words."""
    bits = [item["bits"] for item in layer["widths"]]
    if not bits:
        return "none"
    return f"{min(bits)}" if min(bits) == max(bits) else f"{min(bits)} to {max(bits)}"


def _charts(facts: Facts) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    sample = facts.get("sample")
    if sample and sample["roc"]:
        charts["roc"] = _roc(sample, facts.get("working_point")).drawn()
    if sample and "roc_by_class" in sample:
        charts["classes"] = _by_class(sample).drawn()
    training = facts.get("training")
    if training and len(training.get("history", {}).get("loss", ())) > 1:
        charts |= _training(training)
    return charts


def _roc(sample: Facts, point: Facts | None) -> Chart:
    classes = sample["classes"]
    signal = shortened(classes[sample["signal"]], _NAME) if len(classes) > 1 else "signal"
    lines = [
        Line(c["acceptance"], c["efficiency"], name, f"{_WORDS[name]}, area {c['area']:.4f}")
        for name, c in sample["roc"].items()
    ]
    mark = None
    if point:
        mark = Mark(
            point["acceptance"],
            point["efficiency"],
            point["acceptance_interval"],
            point["efficiency_interval"],
            f"{_percent(point['efficiency'])} at {_percent(point['acceptance'], 2)}",
        )
    return Chart(
        title=f"Efficiency for {signal} against background acceptance",
        x=_acceptance_axis(sample["roc"].values(), *(mark.x_interval if mark else ())),
        y=Axis(f"efficiency for {signal}", 0.0, 1.0, percent=True),
        lines=lines,
        mark=mark,
    )


def _by_class(sample: Facts) -> Chart:
    named = list(zip(sample["classes"], sample["roc_by_class"], strict=True))
    if len(named) > _COLOURS:
        named = sorted(named, key=lambda pair: pair[1]["area"])[:_COLOURS]
    curves = [curve for _, curve in named]
    lines = [
        Line(
            curve["acceptance"],
            curve["efficiency"],
            f"class-{k}",
            f"{shortened(name, _NAME)}, area {curve['area']:.4f}",
        )
        for k, (name, curve) in enumerate(named)
    ]
    return Chart(
        title="Efficiency for each class against the acceptance of all others",
        x=_acceptance_axis(curves),
        y=Axis("efficiency for the class", 0.0, 1.0, percent=True),
        lines=lines,
    )


def _acceptance_axis(curves: Any, *more: float) -> Axis:
    """Start at the decade that holds the least acceptance shown, but not below 0.01 %."""
    values = [value for c in curves for value in c["acceptance"] if value > 0]
    least = min([*values, *(value for value in more if value > 0)], default=1e-3)
    low = next((edge for edge in (0.1, 1e-2, 1e-3) if edge <= least), 1e-4)
    return Axis("background acceptance", low, 1.0, log=True, percent=True)


def _training(training: Facts) -> dict[str, Any]:
    history = training["history"]
    epochs = list(range(1, len(history["loss"]) + 1))
    along = Axis("epoch", 1, epochs[-1])
    charts = {}
    if "validation_accuracy" in history:
        share = history["validation_accuracy"]
        y = Axis("validation accuracy", _floor(share), _ceiling(share), percent=True)
        lines = [Line(epochs, share, "hardware", "quantised network")]
        level = None
        if "float" in training.get("accuracy", {}):
            best = training["accuracy"]["float"]
            y = Axis(y.label, y.low, max(y.high, _ceiling([best])), percent=True)
            level = (best, "float, test set")
        charts["accuracy"] = Chart("Accuracy while training", along, y, lines, level=level).drawn()
    if any(history.get("ebops", ())):
        cost, target = history["ebops"], training.get("cost_target")
        shown = [value for value in [*cost, target] if value]
        y = Axis("EBOPs", 0.8 * min(shown), 1.25 * max(shown), log=True)
        lines = [Line(epochs, cost, "hardware", "quantised network")]
        level = (target, "target") if target else None
        chart = Chart("Cost while training", along, y, lines, level=level)
        charts["ebops"] = chart.drawn()
    return charts


def _floor(shares: Sequence[float]) -> float:
    """Return where an axis starts that shows how the best is reached, not the first epoch."""
    ordered = sorted(shares)
    return max(0.0, int(20 * ordered[len(ordered) // 20]) / 20)


def _ceiling(shares: Sequence[float]) -> float:
    return min(1.0, (int(50 * max(shares)) + 1) / 50)
