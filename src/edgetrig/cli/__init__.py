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
    try:
        from edgetrig.cli.app import app

        app(prog_name="edgetrig")
    except KeyboardInterrupt:  # before the application looks out for it
        sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None


__all__ = ["main"]
