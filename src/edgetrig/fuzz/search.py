"""One search by Hypothesis: trials drawn from a seed until one fails, then smaller ones that do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, Verbosity, configuration, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Flaky

from edgetrig.circuit import Builder
from edgetrig.fuzz.interrupt import pass_on_interrupt
from edgetrig.fuzz.judges import Disagreement
from edgetrig.fuzz.trial import Trial, trials
from edgetrig.fuzz.vectors import integers

_SHRINKING_SECONDS = 60.0

Ask = Callable[[Trial], object]


def search(seed: int, size: int, ask: Ask) -> Disagreement | None:
    """Ask about up to `size` trials; return the first disagreement.

    The same seed and size draw the same trials. A program that cannot even be drawn, because the
    tracer fails, is a disagreement too.
    """
    return _searched(seed, size, ask, (Phase.generate,))


def smaller(found: Disagreement, seed: int, size: int, ask: Ask) -> Disagreement:
    """Search once more, and go on with ever smaller trials for a minute at most."""
    best, end = found, time.monotonic() + _SHRINKING_SECONDS

    def ask_again(trial: Trial) -> None:
        nonlocal best
        if time.monotonic() > end:
            raise _EnoughError
        try:
            ask(trial)
        except Disagreement as again:
            if again.judge == found.judge and _size(again) < _size(best):
                best = again
            raise

    with suppress(_EnoughError):
        _searched(seed, size, ask_again, (Phase.generate, Phase.shrink))
    return best


class _EnoughError(BaseException):
    """Ends a search from inside: Hypothesis lets it pass, as it does an interrupt."""


def _size(found: Disagreement) -> tuple[int, int]:
    program = found.trial.program
    return len(program.listing) if program else 0, len(found.trial.circuit)


def _searched(seed: int, size: int, ask: Ask, phases: tuple[Phase, ...]) -> Disagreement | None:
    last: list[Disagreement] = []

    @seeded(seed)
    @settings(
        max_examples=size,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(trials())
    def run(trial: Trial) -> None:
        try:
            ask(trial)
        except Disagreement as found:
            last.append(found)
            raise

    try:
        with _no_files():
            run()
    except Disagreement as found:
        return found
    except Flaky as error:  # a judge that changes its mind: keep what it said first
        pass_on_interrupt(error)
        return last[0] if last else None
    except Exception as error:
        pass_on_interrupt(error)
        message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        nothing = Trial(Builder().finish([], []), integers([]).reshape(1, 0))
        return Disagreement("drawing", message, nothing)
    return None


@contextmanager
def _no_files() -> Iterator[None]:
    """Let Hypothesis keep what it notes on disk out of the folder that it is run in."""
    with TemporaryDirectory(prefix="edgetrig-fuzz-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)
