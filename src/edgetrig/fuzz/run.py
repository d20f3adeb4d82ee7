"""The run: batches of trials within a budget, findings shrunk and written as they come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgetrig.errors import Error
from edgetrig.fuzz.cases import load_case, save_case
from edgetrig.fuzz.judges import Disagreement, judge
from edgetrig.fuzz.reduce import reduced
from edgetrig.fuzz.search import search, smaller
from edgetrig.fuzz.simulated import judge_simulation
from edgetrig.fuzz.trial import Trial
from edgetrig.progress import Progress, silent

_BATCH = 40
_SHOWN_ROWS = 60


@dataclass
class Summary:
    """What a run did.

    ``findings`` come with the file each was saved to (None without a folder).
    """

    seed: int
    cases: int = 0
    simulated: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    findings: list[tuple[Disagreement, Path | None]] = field(default_factory=list)

    def __str__(self) -> str:
        simulated = f", {self.simulated:,} of them simulated" if self.simulated else ""
        stopped = ", interrupted" if self.interrupted else ""
        return (
            f"fuzz: {self.cases:,} cases{simulated}, {self.seconds:.0f} s, seed {self.seed}"
            f"{stopped}: {len(self.findings)} found"
        )


def fuzz(
    *,
    seconds: float | None = None,
    cases: int | None = None,
    seed: int = 0,
    simulate: bool = False,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    found: Callable[[Disagreement, Path | None], None] = lambda finding, path: None,
) -> Summary:
    """Draw programs and circuits, ask all judges, and shrink what they disagree on.

    Parameters
    ----------
    seconds, cases
        When to stop: after a time (a shrinking that has begun is finished), or a number of trials.
    seed
        The same seed and number of cases give the same trials.
    simulate
        Ask the simulated Verilog too, many circuits in one build.
    folder
        Where findings are saved (`save_case`); made when there is one.
    progress
        Called with cases, or seconds, done and in all.
    found
        Called with each finding as it comes.

    Returns
    -------
    Summary
        Also after an interrupt (Ctrl-C), which ends the run.

    Raises
    ------
    Error
        If there is no budget.
    """
    if (seconds is None) == (cases is None) or not (seconds or cases or 0) > 0:
        raise Error("fuzz: give a positive budget, either in seconds or in cases")
    run = _Run(Summary(seed), seconds, cases, progress)
    try:
        while not run.over:
            for finding in run.batch(simulate):
                path = None if folder is None else save_case(finding, folder)
                run.summary.findings.append((finding, path))
                found(finding, path)
    except KeyboardInterrupt:
        run.summary.interrupted = True
    run.summary.seconds = run.elapsed
    return run.summary


def replay(folder: str | os.PathLike[str], *, simulate: bool = False) -> list[Disagreement]:
    """Judge every saved case of a folder again; return what still disagrees."""
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        trial = load_case(path)
        try:
            judge(trial)
        except Disagreement as finding:
            found.append(finding)
        else:
            if simulate and trial.combinational:
                found += judge_simulation([trial])
    return found


def describe(finding: Disagreement) -> str:
    """Return a finding as a person reads it: judge, vector, program and circuit."""
    trial = finding.trial
    lines = [f"{finding.judge}: {finding.message}"]
    if finding.event >= 0:
        lines.append(f"inputs {[int(v) for v in trial.codes[finding.event].tolist()]}")
    if trial.program is not None:
        lines += trial.program.steps
    circuit = str(trial.circuit).splitlines()
    lines += circuit[:_SHOWN_ROWS]
    if len(circuit) > _SHOWN_ROWS:
        lines.append(f"... {len(circuit) - _SHOWN_ROWS} more lines")
    return "\n".join(lines)


@dataclass
class _Run:
    summary: Summary
    seconds: float | None
    most: int | None
    progress: Progress
    start: float = field(default_factory=time.monotonic)
    number: int = 0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.start

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        if self.seconds is not None:
            return self.elapsed >= self.seconds
        return self.summary.cases >= (self.most or 0)

    def batch(self, simulate: bool) -> list[Disagreement]:
        """Judge up to `_BATCH` trials; end with the first finding, shrunk."""
        kept: list[Trial] = []

        def ask(trial: Trial) -> None:
            # Drawn in any case, so that what is drawn does not depend on the clock.
            if self.seconds is not None and self.over:
                return
            self.summary.cases += 1
            self._report()
            judge(trial)
            if trial.combinational and trial.circuit.inputs:
                kept.append(trial)

        size = _BATCH if self.most is None else min(_BATCH, self.most - self.summary.cases)
        seed = self.summary.seed * 1_000_003 + self.number
        latency = self.number % 4
        self.number += 1
        finding = search(seed, size, ask)
        if finding is not None:
            small = reduced(finding, judge)
            if small is finding:
                small = smaller(finding, seed, size, judge)
            return [small]
        if simulate and kept:
            self.summary.simulated += len(kept)
            return judge_simulation(kept, latency)
        return []

    def _report(self) -> None:
        if self.seconds is not None:
            self.progress(int(min(self.elapsed, self.seconds)), int(self.seconds))
        else:
            self.progress(self.summary.cases, self.most or 0)
