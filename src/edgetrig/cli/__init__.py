"""The command line: `edgetrig generate, train, compile, predict, verify, synth, report, demo`."""

from __future__ import annotations

import sys
from typing import Any

from edgetrig.errors import ToolError, require

_AGAIN_SECONDS = 0.1


def main() -> None:
    """Run the command line; the entry point of ``edgetrig``."""
    _keep_interrupts()
    try:
        for module in ("typer", "rich"):
            require(module, "cli")
        from edgetrig.cli.app import app

        app(prog_name="edgetrig")
    except ToolError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    except (KeyboardInterrupt, SystemError) as error:
        # Before the application looks out for it, or while Numba compiles, which may give another.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None


def _keep_interrupts() -> None:
    """Interrupt again where Ctrl-C fell into a callback, whose exceptions Python only reports.

    LLVM's and JAX's callbacks are such; the work would go on.
    """
    report = sys.unraisablehook

    def again(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            report(lost)
            return
        import signal
        import threading

        # A real signal, which also ends what the main thread waits for.
        main_thread = threading.main_thread().ident
        threading.Timer(_AGAIN_SECONDS, signal.pthread_kill, (main_thread, signal.SIGINT)).start()

    sys.unraisablehook = again


__all__ = ["main"]
