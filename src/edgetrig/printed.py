"""Results that notebooks show as they are printed."""

from __future__ import annotations

from typing import Any


class Printed:
    """Base of results whose ``str`` is a text for people; their ``repr`` stays that of the data."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the text where IPython or Jupyter would show the ``repr``."""
        printer.text(str(self))
