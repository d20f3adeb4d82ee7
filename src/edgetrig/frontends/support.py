"""The page of all layers: front end by front end, with what is promised of each.

``python -m edgetrig.frontends.support > docs/layers.md`` writes it from the code.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Final

ROOMS: Final = {
    "keras": "Keras 3 and HGQ2",
    "qkeras": "QKeras and Keras 2",
    "onnx": "ONNX, QONNX and Brevitas",
    "torch": "PyTorch",
}
"""Packages below ``edgetrig.frontends`` whose ``supported.SUPPORTED`` names promises."""

_HEAD: Final = """\
# Layers

Made from the code by `python -m edgetrig.frontends.support > docs/layers.md`. What is not listed is
refused with one line that names the layer and the nearest thing that works.

- **exact**: the circuit's outputs equal the library's own bit for bit wherever its float32
  arithmetic is exact.
- **exact where a quantiser follows**: a function that has no finite number of bits becomes a table,
  or a product and a shift, once the next quantiser says how many it keeps.
- **by edgetrig.quantize**: the layer has numbers inside that need types, which
  `edgetrig.quantize(model, x)` finds from data; it says what they cost.
"""


def page() -> str:
    """Return the page in Markdown."""
    rooms = [room for room in ROOMS if find_spec(f"edgetrig.frontends.{room}.supported")]
    return "\n".join([_HEAD, *(line for room in rooms for line in _section(room))])


def promises(room: str) -> Mapping[str, str]:
    """Return what a front end promises, by the name of a layer or function."""
    supported = importlib.import_module(f"edgetrig.frontends.{room}.supported").SUPPORTED
    return dict(supported)


def _section(room: str) -> Iterator[str]:
    supported = promises(room)
    yield f"## {ROOMS[room]}"
    yield "| promise | layers |"
    yield "|---|---|"
    for promise, names in _by_promise(supported).items():
        yield f"| {promise} | {', '.join(f'`{name}`' for name in names)} |"
    yield ""


def _by_promise(supported: Mapping[str, str]) -> dict[str, list[str]]:
    """Return names by promise, the shortest promise first."""
    result: dict[str, list[str]] = {}
    for name, promise in supported.items():
        result.setdefault(promise, []).append(name)
    return {promise: result[promise] for promise in sorted(result, key=lambda p: (len(p), p))}


if __name__ == "__main__":
    sys.stdout.write(page())
