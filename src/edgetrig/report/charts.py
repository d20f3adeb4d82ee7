"""Where lines, ticks and marks lie in a chart; the page's template draws them as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 560, 350
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 24, 14, 48
_LEGEND = 206, 19  # least width of the legend, and height of one of its lines
_KEY, _LETTER = 42, 6.6  # width of a line's key in the legend, and of a letter, about


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Parameters
    ----------
    label
        What it shows, with its unit.
    low, high
        Its ends.
    log
        Logarithmic.
    percent
        Write ticks as percentages.
    """

    label: str
    low: float
    high: float
    log: bool = False
    percent: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return values with their words."""
        return [(value, self.words(value)) for value in self._values()]

    def words(self, value: float) -> str:
        """Return how a person writes a value of this axis."""
        if self.percent:
            return f"{100 * value:.4g} %"
        return f"{value:,.6g}"

    def _values(self) -> list[float]:
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.log10(self.high)
            decades = [10.0**k for k in range(first, math.floor(last + 1e-9) + 1)]
            fine = [m * d for d in [10.0 ** (first - 1), *decades] for m in (1.0, 2.0, 5.0)]
            fine = [value for value in fine if self.low <= value <= self.high]
            return decades if len(decades) > 2 else fine
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        return [round(k * step, 12) for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _round_step(least: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))


def shortened(name: str, most: int) -> str:
    """Return a name of at most so many letters."""
    return name if len(name) <= most else name[: most - 1] + "…"


@dataclass(frozen=True)
class Line:
    """A curve: its points, how it is drawn (a CSS class of the page), and its words."""

    x: Sequence[float]
    y: Sequence[float]
    style: str
    words: str = ""


def _at(line: Line, x: float) -> float:
    """Return a curve's value at the first of its points that is not before `x`."""
    pairs = zip(line.x, line.y, strict=True)
    return next((value for place, value in pairs if place >= x), line.y[-1])


@dataclass(frozen=True)
class Mark:
    """A point with 68 % intervals and words beside it."""

    x: float
    y: float
    x_interval: tuple[float, float]
    y_interval: tuple[float, float]
    words: str


@dataclass(frozen=True)
class Chart:
    """A chart of lines.

    Parameters
    ----------
    title
        For readers who cannot see it.
    x, y
        The axes.
    lines
        Drawn in order, later ones on top.
    mark
        A point to emphasise.
    level
        A horizontal line: its value and words.
    points
        Points that are not joined, each with intervals.
    """

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    mark: Mark | None = None
    level: tuple[float, str] | None = None
    points: Sequence[Mark] = ()
    size: tuple[int, int] = field(default=(WIDTH, HEIGHT))

    def drawn(self) -> dict[str, Any]:
        """Return everything in the coordinates of the picture."""
        width, height = self.size
        picture: dict[str, Any] = {
            "title": self.title,
            "description": self._description(),
            "width": width,
            "height": height,
            "left": _LEFT,
            "right": width - _RIGHT,
            "top": _TOP,
            "bottom": height - _BOTTOM,
            "x_label": self.x.label,
            "y_label": self.y.label,
            "x_ticks": [(self._x(value), words) for value, words in self.x.ticks()],
            "y_ticks": [(self._y(value), words) for value, words in self.y.ticks()],
            "lines": [
                {"path": self._path(line), "style": line.style, "words": line.words}
                for line in self.lines
            ],
            "points": [self._mark(point) for point in self.points],
            "legend": self._legend(),
        }
        if self.mark:
            picture["mark"] = self._mark(self.mark)
        if self.level:
            picture["level"] = (self._y(self.level[0]), self.level[1])
        return picture

    def _description(self) -> str:
        """Return what is drawn, for readers who cannot see it."""
        axes = [
            f"{name} axis: {axis.label}, {axis.words(axis.low)} to {axis.words(axis.high)}"
            for name, axis in (("Horizontal", self.x), ("vertical", self.y))
        ]
        curves = [
            f"{line.words or 'curve'} from {self.y.words(line.y[0])} to {self.y.words(line.y[-1])}"
            for line in self.lines
        ]
        level = [f"{self.level[1]} at {self.y.words(self.level[0])}"] if self.level else []
        marks = [mark.words for mark in (self.mark, *self.points) if mark]
        return "; ".join([*axes, *curves, *level, *marks]) + "."

    def _x(self, value: float) -> float:
        return round(_LEFT + self.x.share(value) * (self.size[0] - _LEFT - _RIGHT), 2)

    def _y(self, value: float) -> float:
        return round(self.size[1] - _BOTTOM - self.y.share(value) * self._tall, 2)

    @property
    def _tall(self) -> float:
        return self.size[1] - _TOP - _BOTTOM

    def _legend(self) -> dict[str, float]:
        """Return the place of the legend: the upper left or lower right corner, where less is."""
        least, line = _LEGEND
        wide = max([least, *(_KEY + _LETTER * len(curve.words) for curve in self.lines)])
        tall = line * len(self.lines)
        middle = (self.x.low * self.x.high) ** 0.5 if self.x.log else (self.x.low + self.x.high) / 2
        heights = [self.y.share(_at(curve, middle)) for curve in self.lines]
        if sum(heights) > 0.5 * len(heights):
            x, y = self.size[0] - _RIGHT - wide, self.size[1] - _BOTTOM - tall - 4
        else:
            x, y = _LEFT + 8, _TOP + 4
        return {"x": x, "y": y, "width": wide, "height": tall, "line": line}

    def _path(self, line: Line) -> str:
        points = zip(line.x, line.y, strict=True)
        return "M" + " ".join(f"{self._x(x)},{self._y(y)}" for x, y in points)

    def _mark(self, mark: Mark) -> dict[str, Any]:
        return {
            "x": self._x(mark.x),
            "y": self._y(mark.y),
            "x_interval": [self._x(end) for end in mark.x_interval],
            "y_interval": [self._y(end) for end in mark.y_interval],
            "words": mark.words,
            "to_the_left": self.x.share(mark.x) > 0.35,
        }
