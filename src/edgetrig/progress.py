"""How long work tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; the command line draws a bar from it."""


def silent(done: int, total: int) -> None:
    """Report nothing."""
