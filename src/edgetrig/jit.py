"""One way to compile a hot loop: Numba, without the GIL, cached on disk."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

KEPT: Final = 4
"""States of a room's sources whose kernels stay on disk; each takes about a megabyte."""


def jit(function: Function) -> Function:
    """Compile `function` with Numba at its first call (nopython, nogil, cached)."""
    # Numba's cache looks at the file of the function alone, not at kernels of other files that it
    # calls: after a change to one of those it would run the old code. So each state of the sources
    # has a cache folder of its own. Kernels call those of their own room and of `circuit`.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_cache_folder(function.__module__.split(".")[1]))
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        numba.config.CACHE_DIR = before


@cache
def _cache_folder(room: str) -> Path:
    package = Path(__file__).parent
    state = hashlib.sha256()
    sources = (source for name in {room, "circuit"} for source in (package / name).rglob("*.py"))
    for source in sorted(sources):
        status = source.stat()
        state.update(
            f"{source.relative_to(package)} {status.st_mtime_ns} {status.st_size}\n".encode()
        )
    folder = _caches(package) / f"kernels-{room}-{state.hexdigest()[:16]}"
    with suppress(OSError):  # where no file can be written, Numba says so when it comes to it
        claim(folder)
    return folder


def _caches(package: Path) -> Path:
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR) / "edgetrig"
    if os.access(package, os.W_OK):
        return package / "__pycache__"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgetrig"


def claim(folder: Path) -> None:
    """Make a folder of kernels, hold it until this process ends, and remove forgotten ones.

    Forgotten are those of the same room beyond the `KEPT` used last. One that a process holds
    stays: it may have kernels left to compile or load.

    Raises
    ------
    OSError
        If no folder can be made there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent / "kernels.lock"):
        new = not folder.exists()
        folder.mkdir(exist_ok=True)
        fcntl.flock(_opened(folder / "held"), fcntl.LOCK_SH)  # never closed: until the end
        os.utime(folder)
        if new:
            _forget(folder)


def _forget(folder: Path) -> None:
    room = folder.name.rpartition("-")[0]
    folders = sorted(folder.parent.glob(f"{room}-*"), key=lambda path: -path.stat().st_mtime)
    for old in folders[KEPT:]:
        with suppress(OSError), _alone(old / "held", patient=False):
            shutil.rmtree(old)


@contextmanager
def _alone(file: Path, *, patient: bool = True) -> Iterator[None]:
    """Hold a lock that no other process holds, not even a shared one."""
    descriptor = _opened(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _opened(file: Path) -> int:
    return os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
