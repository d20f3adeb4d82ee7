"""The command line: `edgetrig generate, train, compile, predict, verify, synth, report, demo`."""

from __future__ import annotations

import sys

from edgetrig.errors import ToolError, require


def main() -> None:
    """Run the command line; the entry point of ``edgetrig``."""
    try:
        for module in ("typer", "rich"):
            require(module, "cli")
    except ToolError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    from edgetrig.cli.app import app

    app(prog_name="edgetrig")


__all__ = ["main"]
