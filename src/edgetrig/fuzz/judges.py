"""The judges: everything that must give the same bits, asked one after another."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgetrig.circuit import Circuit, check, load, save
from edgetrig.emulate import Choice, Emulator
from edgetrig.errors import Error
from edgetrig.fuzz.interrupt import pass_on_interrupt
from edgetrig.fuzz.trial import Outputs, Trial
from edgetrig.optimize import (
    PASSES,
    TERNARY_STAGE,
    delays_of,
    for_hardware,
    optimize,
    pipeline,
    table_forms,
    ternary_sums,
)
from edgetrig.verify import check_balance, evaluate

_ENGINES: tuple[Choice, ...] = ("interpreted", "compiled")


class Disagreement(Exception):  # noqa: N818 - a finding, not a mistake of the caller
    """Two judges that differ, or one that failed; the message is one line.

    Parameters
    ----------
    judge
        Which one.
    message
        What it said.
    trial
        What it was asked.
    event, output
        The first vector and output element that differ, -1 where it failed altogether.
    """

    def __init__(
        self, judge: str, message: str, trial: Trial, event: int = -1, output: int = -1
    ) -> None:
        super().__init__(f"{judge}: {message}")
        self.judge, self.message, self.trial = judge, message, trial
        self.event, self.output = event, output


def judge(trial: Trial) -> Circuit:
    """Ask every judge about a trial; return its optimised circuit.

    Raises
    ------
    Disagreement
        By the first judge that differs from what is expected.
    """
    _same(trial, "tracing" if trial.program else "reference", _checked(trial.circuit))
    _same(trial, "file", _stored(trial.circuit))
    for engine in _ENGINES:
        _same(trial, f"{engine} emulator", _emulated(trial.circuit, engine))
    if not trial.combinational:
        return trial.circuit
    circuit = trial.circuit
    for number, run in enumerate(PASSES, 1):
        name = f"pass {number}, {run.__name__}"
        with _failing(trial, name):
            circuit = run(circuit)
        _same(trial, name, _checked(circuit))
    for engine in _ENGINES:
        name = f"{engine} emulator of the optimised circuit"
        _same(trial, name, _emulated(circuit, engine))
    with _failing(trial, "matrices for stages"):
        staged = optimize(trial.circuit, stage=TERNARY_STAGE, ternary=True)
    _same(trial, "matrices for stages", _checked(staged))
    with _failing(trial, "tables"):
        forms = table_forms(circuit, trial.family)
    for number, form in enumerate(forms[1:], 1):
        _same(trial, f"tables, form {number}", _checked(form))
    _judge_pipelines(trial, circuit, forms[-1])
    return circuit


def _judge_pipelines(trial: Trial, circuit: Circuit, form: Circuit) -> None:
    name = f"hardware for {trial.clock_ns} ns"
    with _failing(trial, name):
        made = for_hardware(circuit, trial.family, clock_ns=trial.clock_ns)
        check_balance(made)
    _same(trial, name, _checked(made))
    name = f"pipeline of {trial.latency} cycles"
    with _failing(trial, name):
        made = pipelined(trial, form, trial.latency)
        check_balance(made)
    _same(trial, name, _checked(made))
    _same(trial, "emulator of the pipeline", _emulated(made, _ENGINES[0]))


def pipelined(trial: Trial, form: Circuit, latency: int) -> Circuit:
    """Return a form of a trial's circuit in so many cycles, with ternary adders; 0 for none."""
    if latency:
        form = pipeline(form, delays_of(trial.family), latency=latency)
    return ternary_sums(form, trial.family, trial.clock_ns)


Ask = Callable[[Trial], Outputs]


def _checked(circuit: Circuit) -> Ask:
    def ask(trial: Trial) -> Outputs:
        check(circuit)
        return evaluate(str(circuit), trial.codes.tolist(), check_intervals=True)

    return ask


def _stored(circuit: Circuit) -> Ask:
    def ask(trial: Trial) -> Outputs:
        with tempfile.TemporaryDirectory(prefix="edgetrig-fuzz-") as folder:
            save(circuit, Path(folder, "circuit"))
            return evaluate(str(load(Path(folder, "circuit"))), trial.codes.tolist())

    return ask


def _emulated(circuit: Circuit, engine: Choice) -> Ask:
    def ask(trial: Trial) -> Outputs:
        rows = Emulator(circuit).codes(trial.codes, engine=engine).tolist()
        return [[int(value) for value in row] for row in rows]

    return ask


def _same(trial: Trial, name: str, ask: Ask) -> None:
    with _failing(trial, name):
        got = ask(trial)
    compare(trial, name, got)


def compare(trial: Trial, name: str, got: Outputs) -> None:
    """Demand that a judge gives what is expected.

    Raises
    ------
    Disagreement
        With the first event and output that differ.
    """
    if got == trial.expected:
        return
    for event, (mine, right) in enumerate(zip(got, trial.expected, strict=True)):
        for output, (value, wanted) in enumerate(zip(mine, right, strict=True)):
            if value != wanted:
                message = f"output {output} is {value}, {wanted} is expected"
                raise Disagreement(name, message, trial, event, output)


@contextmanager
def _failing(trial: Trial, name: str) -> Iterator[None]:
    """Turn any exception into a disagreement: valid circuits have no reason to fail."""
    try:
        yield
    except Disagreement:
        raise
    except Error as error:
        raise Disagreement(name, str(error), trial) from error
    except Exception as error:
        pass_on_interrupt(error)
        message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise Disagreement(name, message, trial) from error
