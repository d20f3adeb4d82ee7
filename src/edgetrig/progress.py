"""How long work tells how far it has come, and what it does that nobody asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; the command line draws a bar from it."""

notices: Final[list[Callable[[str], None]]] = []
"""Called with a line about work that nobody asked for; the command line prints it.

Where there is none the line goes to the logger ``edgetrig``: scripts and notebooks show it.
"""


def silent(done: int, total: int) -> None:
    """Report nothing."""


def notify(line: str) -> None:
    """Tell whoever wants to know about work that nobody asked for."""
    for notice in notices or (logging.getLogger("edgetrig").warning,):
        notice(line)
