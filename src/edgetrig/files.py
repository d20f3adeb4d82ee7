"""Files appear whole or not at all: write beside the target, then rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edgetrig.errors import DataError, Error

_MARK: Final = ".edgetrig"
"""A file that names the files that were written here into a folder, which may be written again."""


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it onto `path` on success.

    The parent folder is created. On an exception nothing is left behind.

    Raises
    ------
    Error
        If the folder cannot be written.
    """
    target = Path(path)
    with _writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because several writers choose their format by it.
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
        )
        os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with _writable(target):
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder; put it in place of `path` on success.

    A folder of that name is replaced as a whole if all files in it were written here.

    Raises
    ------
    Error
        If the parent cannot be written, or `path` exists and is not a folder, or one that holds
        files of someone else.
    """
    target = Path(path)
    _refuse_what_is_not_ours(target)
    with _writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield temporary
        with _writable(target):
            (temporary / _MARK).write_text("\n".join(sorted(_files(temporary))))
            temporary.chmod(0o777 & ~_umask())
            if target.exists():
                old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
                target.replace(old)
                temporary.replace(target)
                shutil.rmtree(old)
            else:
                temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def existing_file(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a readable file.

    Raises
    ------
    DataError
        If it does not exist, is a folder, or cannot be read.
    """
    file = Path(path)
    try:
        folder, there = file.is_dir(), file.is_file()
    except OSError as error:  # a name too long, for one
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    if folder:
        raise DataError(f"{file}: is a folder; name a file in it")
    if not there:
        raise DataError(f"{file}: no such file; check the path")
    if not os.access(file, os.R_OK):
        raise DataError(f"{file}: cannot be read; check its permissions")
    return file


def _refuse_what_is_not_ours(folder: Path) -> None:
    with _writable(folder):
        if folder.exists() and not folder.is_dir():
            raise Error(f"{folder}: exists and is not a folder; choose another name")
        mark = folder / _MARK
        text = mark.read_text(errors="replace") if mark.is_file() else ""
        ours = {*text.splitlines(), _MARK}
        other = next((name for name in _files(folder) if name not in ours), None)
    if other is not None:
        raise Error(
            f"{folder}: holds {other!r}, which edgetrig did not write; "
            "choose another folder, or empty it"
        )


def _files(folder: Path) -> Iterator[str]:
    """Yield the names of all files in a folder and its folders, one by one: there may be many."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted([*names, *links]):
            yield str(Path(place, name).relative_to(folder))


@contextmanager
def _writable(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise Error(f"{target}: cannot be written ({reason}); choose another folder") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
