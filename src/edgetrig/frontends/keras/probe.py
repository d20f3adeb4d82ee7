"""HDF5 files are read by another process first: HDF5's library may crash, or hang, on damaged ones.

Texts (a model's architecture, the names of its weights) lie in a heap whose references the library
trusts, and so are sizes: a damaged one makes it take gigabytes. The other process, of bounded
memory where the system can bound it, reads every text once; what it survives is safe here. It
stays for the next file.
"""

from __future__ import annotations

import atexit
import json
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PATIENCE: Final = 20.0
"""Seconds after which a file hangs."""

SPARE: Final = 1 << 30
"""Bytes that reading a file's texts may take."""

_READER: Final = """
import json
import re
import sys

import h5py

class TooLarge(BaseException):
    pass

def bound_memory(spare):
    try:
        import resource
        with open("/proc/self/statm") as sizes:
            used = int(sizes.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + spare, used + spare))
    except (ImportError, OSError, ValueError):
        pass  # not every system can

def stop_if_large(error):
    if isinstance(error, MemoryError) or "allocation failed" in str(error):
        raise TooLarge

def listed(items):
    try:
        return list(items)
    except Exception:
        return []

def visit(item, names, depth):
    for name in {*listed(item.attrs), "model_config", "layer_names", "weight_names", "name"}:
        try:
            names |= set(re.findall('"name": "([^"]+)"', str(item.attrs[name])))
            names |= {str(text) for text in item.attrs["layer_names"]}
        except Exception as error:
            stop_if_large(error)  # of anything else the reader says in one line what is wrong
    if depth and hasattr(item, "keys"):
        for name in {*listed(item), *names, "model_weights", "vars"}:
            try:
                if isinstance(item.get(name, getlink=True), h5py.HardLink):
                    visit(item[name], names, depth - 1)
            except Exception as error:
                stop_if_large(error)

bound_memory(int(sys.argv[1]))
for line in sys.stdin:
    answer = "read"
    try:
        with h5py.File(json.loads(line), "r") as file:
            visit(file, set(), 8)
    except TooLarge:
        answer = "too large"
    except Exception:
        pass
    print(answer, flush=True)
"""

_running: list[subprocess.Popen[str]] = []


def survives(data: bytes) -> bool:
    """Whether another process comes back from reading all texts of an HDF5 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.h5"
        path.write_bytes(data)
        return _answers(path)


def _answers(path: Path) -> bool:
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
    except OSError:  # it is gone
        _stop()
        return False
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        answer = process.stdout.readline() if waiting.select(PATIENCE) else ""
    if not answer:
        _stop()
    return answer == "read\n"


def _process() -> subprocess.Popen[str]:
    if _running and _running[0].poll() is not None:
        _stop()
    if not _running:
        _running.append(
            subprocess.Popen(
                [sys.executable, "-c", _READER, str(SPARE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
    return _running[0]


@atexit.register
def _stop() -> None:
    while _running:
        process = _running.pop()
        process.kill()
        process.communicate()
