"""What all workers share: the task file, CPU time, repetition. Standard library and NumPy only."""

import json
import resource
import statistics
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(run: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Run a task file (first argument) and write the results (second argument)."""
    task = json.loads(Path(sys.argv[1]).read_text())
    result = run(task)
    Path(sys.argv[2]).write_text(json.dumps(result))


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended (a C++ compiler)."""
    usage = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def timed(work: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """CPU seconds of a piece of work: each repeat, the least and the median."""
    times = []
    for _ in range(repeats):
        start = cpu_seconds()
        work()
        times.append(cpu_seconds() - start)
    return {"min": min(times), "median": statistics.median(times), "all": times}


def versions(*names: str) -> dict[str, str]:
    """Versions of installed packages."""
    return {name: metadata.version(name) for name in names}
