"""Categories that are no numbers: hardware takes their codes, and a note says which is which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def coded(feature: str, categories: Sequence[Any]) -> str:
    """Return the note that names a feature's categories, whose codes are 0, 1, ..."""
    named = ", ".join(f"{code} = {_text(label)}" for code, label in enumerate(categories))
    return f"feature {feature} takes codes of its categories: {named}; any other: -1"


def _text(label: Any) -> str:
    """Return a category in one line, whatever is in it."""
    plain = label.item() if hasattr(label, "item") else label
    return ascii(plain)
