"""One way to compile a hot loop: Numba, without the GIL, cached on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile `function` with Numba at its first call (nopython, nogil, cached)."""
    # Numba's cache looks at the file of the function alone, not at kernels of other files that it
    # calls: after a change to one of those it would run the old code. So each state of the sources
    # has a cache folder of its own. Kernels call those of their own room and of `circuit`.
    before = numba.config.CACHE_DIR
    room = function.__module__.split(".")[1]
    numba.config.CACHE_DIR = str(_cache_folder(frozenset({room, "circuit"})))
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        numba.config.CACHE_DIR = before


@cache
def _cache_folder(rooms: frozenset[str]) -> Path:
    package = Path(__file__).parent
    state = hashlib.sha256()
    for source in sorted(source for room in rooms for source in (package / room).rglob("*.py")):
        status = source.stat()
        state.update(
            f"{source.relative_to(package)} {status.st_mtime_ns} {status.st_size}\n".encode()
        )
    name = f"kernels-{state.hexdigest()[:16]}"
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR) / "edgetrig" / name
    if os.access(package, os.W_OK):
        return package / "__pycache__" / name
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgetrig" / name
