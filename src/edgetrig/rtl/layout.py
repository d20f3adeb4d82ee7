"""Pieces of text that several files share."""

from __future__ import annotations

from collections.abc import Iterator

_WIDE = 100


def wrapped(items: list[str]) -> Iterator[str]:
    """Yield items as comma-separated lines of sane length."""
    line = "   "
    for item in [*(f"{item}," for item in items[:-1]), *items[-1:]]:
        if len(line) + len(item) + 1 > _WIDE:
            yield line
            line = "   "
        line += " " + item
    if line.strip():
        yield line
