"""Events in stages, stages by threads."""

from __future__ import annotations

import itertools
import numbers
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edgetrig.errors import DataError
from edgetrig.programs import processors
from edgetrig.progress import Progress

Memory = TypeVar("Memory")


def for_all(
    work: Callable[[Memory, int, int], None],
    memory: Callable[[], Memory],
    events: int,
    stage: int,
    *,
    threads: int | None,
    progress: Progress,
) -> None:
    """Call ``work(memory, first, last)`` for all events, a stage at a time, by threads.

    Parameters
    ----------
    work
        Does the events from `first` to before `last`.
    memory
        Makes what one thread works with.
    events
        Number of all events.
    stage
        Events of a stage.
    threads
        How many threads work; all processors if None.
    progress
        Called with the number of events done and of all events.

    Raises
    ------
    DataError
        If `threads` is no whole number of at least one.
    BaseException
        What `work` or `progress` raises: of several, the earliest event's.
    """
    if threads is not None and (not isinstance(threads, numbers.Integral) or threads < 1):
        raise DataError(f"threads={threads!r}: a whole number of at least 1 is needed")
    count = -(-events // stage)
    workers = min(threads or processors(), count)
    stages = itertools.count()
    lock = threading.Lock()
    errors: dict[int, BaseException] = {}
    done = 0
    end = count  # stages from here on are not begun: all before a failing one are finished

    def worker() -> None:
        nonlocal done, end
        mine = memory()
        while (number := next(stages)) < end:
            first = number * stage
            last = min(first + stage, events)
            try:
                work(mine, first, last)
                with lock:
                    done += last - first
                    progress(done, events)
            except BaseException as error:  # raised again below, the earliest event's
                with lock:
                    errors[number] = error
                    end = min(end, number)

    if workers <= 1:
        worker()
    else:
        with ThreadPoolExecutor(workers) as pool:
            try:
                for future in [pool.submit(worker) for _ in range(workers)]:
                    future.result()
            finally:
                end = 0  # when interrupted: threads end after their stage
    if errors:
        raise errors[min(errors)]
