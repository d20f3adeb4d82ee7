"""Where the bars of a menu's rates lie; the page's template draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgetrig.report.charts import Axis, shortened

WIDTH = 1180
_ROW, _BAR, _TOP, _BOTTOM = 24, 13, 6, 44
_LETTER, _DIGIT = 7.4, 6.7  # widths of letters of the seeds' names and of the numbers, about
_MOST_LETTERS = 44


def bar_chart(seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return where a bar for each seed's rate, its error and its pure rate lie in the picture.

    Parameters
    ----------
    seeds
        As in `rate_facts`.
    """
    names = [shortened(seed["name"], _MOST_LETTERS) for seed in seeds]
    words = [
        f"{seed['rate_khz']:.2f} ± {seed['rate_error_khz']:.2f}"
        if seed["rate_khz"] or not seed["limit_khz"]
        else f"< {seed['limit_khz']:.2f}"
        for seed in seeds
    ]
    left = 16 + _LETTER * max(map(len, names))
    right = WIDTH - 12 - _DIGIT * max(map(len, words))
    most = max(seed["rate_khz"] + seed["rate_error_khz"] for seed in seeds) or 1.0
    axis = Axis("rate [kHz]", 0.0, most)

    def x(value: float) -> float:
        return round(left + axis.share(value) * (right - left), 2)

    height = _TOP + _ROW * len(seeds) + _BOTTOM
    bars = []
    for k, (name, seed) in enumerate(zip(names, seeds, strict=True)):
        rate, error = seed["rate_khz"], seed["rate_error_khz"]
        bars.append(
            {
                "name": name,
                "y": _TOP + _ROW * k + (_ROW - _BAR) / 2,
                "rate": round(x(rate) - x(0), 2),
                "pure": round(x(seed["pure_khz"]) - x(0), 2),
                "error": (x(rate - error), x(rate + error)),
                "words": words[k],
            }
        )
    return {
        "width": WIDTH,
        "height": height,
        "left": left,
        "right": right,
        "top": _TOP,
        "bottom": height - _BOTTOM,
        "thick": _BAR,
        "label": axis.label,
        "ticks": [(x(value), words) for value, words in axis.ticks()],
        "bars": bars,
    }
