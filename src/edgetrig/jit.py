"""One way to compile a hot loop: Numba, without the GIL, cached on disk."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

from edgetrig.errors import ToolError
from edgetrig.progress import notify

Function = TypeVar("Function", bound=Callable[..., Any])

_NUMBA = "numba>=0.62,<0.69"

KEPT: Final = 4
"""States of a room's sources whose kernels stay on disk; each takes about a megabyte."""


def jit(function: Function) -> Function:
    """Compile `function` with Numba at its first call (nopython, nogil, cached)."""
    # Numba's cache looks at the file of the function alone, not at kernels of other files that it
    # calls: after a change to one of those it would run the old code. So each state of the sources
    # has a cache folder of its own. Kernels call those of their own room and of `circuit`.
    folder = _cache_folder(function.__module__.split(".")[1])
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or before)
    try:
        kernel = numba.njit(
            cache=folder is not None,
            nogil=True,
            error_model="numpy",
            no_cfunc_wrapper=True,  # nobody calls kernels through C: a twelfth of the time
        )(function)
    finally:
        numba.config.CACHE_DIR = before
    _change(kernel, folder)
    return cast(Function, kernel)


def _change(kernel: Any, folder: Path | None) -> None:
    """Change how a kernel is called by others and kept on disk: all that is not public of Numba.

    There is no public way to either. So `pyproject.toml` has a bound on Numba's version, and
    `tests/test_jit.py` has a test of each.
    """
    try:
        kernel.get_call_template = _for_any_number(kernel.get_call_template)
        kernel._cache.save_overload = _one_at_a_time(kernel._cache.save_overload, folder)
    except AttributeError as error:
        raise ToolError(
            f"numba {numba.__version__} is too new or too old: pip install '{_NUMBA}'"
        ) from error


def _for_any_number(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Let calls from other kernels with a constant share the code of those with a variable.

    Numba would compile a kernel, and all that it calls, once more for each constant: half as much
    again for a first conversion. What is gained by knowing a number LLVM gains by inlining.
    """

    def resolved(args: Iterable[Any], kws: Mapping[str, Any]) -> Any:
        plain = {name: numba.types.unliteral(kind) for name, kind in dict(kws).items()}
        return resolve(tuple(map(numba.types.unliteral, args)), plain)

    return resolved


def _one_at_a_time(save: Callable[..., Any], folder: Path | None) -> Callable[..., None]:
    """Let one process at a time save the code of kernels, and none fail for a full disk.

    Two that save code for different types of one kernel at once would choose one name for both, and
    Numba would then run the one for the other.
    """

    def saved(*given: Any) -> None:
        _say_what_takes_long()
        if folder is not None:
            with suppress(OSError), _alone(folder / "saving.lock"):
                try:
                    save(*given)
                except RuntimeError as error:
                    if "no compiled object" not in str(error):
                        raise
                    raise KeyboardInterrupt from error  # in LLVM, which passes none on

    return saved


@cache
def _say_what_takes_long() -> None:
    notify("compiling kernels, once after installing: about half a minute")


@cache
def _cache_folder(room: str) -> Path | None:
    """Return the folder for a room's kernels as its sources are; None where none can be made."""
    package = Path(__file__).parent
    state = hashlib.sha256()
    sources = [source for name in {room, "circuit"} for source in (package / name).rglob("*.py")]
    for source in sorted([*sources, Path(__file__)]):  # this file: how kernels are compiled
        status = source.stat()
        state.update(
            f"{source.relative_to(package)} {status.st_mtime_ns} {status.st_size}\n".encode()
        )
    for caches in _caches(package):
        folder = caches / f"kernels-{room}-{state.hexdigest()[:16]}"
        with suppress(OSError):
            claim(folder)
            return folder
    return None


def _caches(package: Path) -> Iterator[Path]:
    """Return where kernels may be kept, the best place first."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR) / "edgetrig"
    if os.access(package, os.W_OK):
        yield package / "__pycache__"
    with suppress(RuntimeError):  # of a user without a home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgetrig"


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
