"""The compiled design: one object from model to verified hardware."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from edgetrig.circuit import Circuit
from edgetrig.design.files import fields_in, save_design, write_cpp, write_rtl
from edgetrig.design.summary import layers_of, summary_of
from edgetrig.design.target import Target
from edgetrig.emulate import Choice, Emulator
from edgetrig.errors import Error
from edgetrig.optimize import (
    FOR_EMULATION,
    delays_of,
    forms_without_cones,
    optimize,
    registered,
    stage_delay,
)
from edgetrig.progress import Progress, silent
from edgetrig.trigger import (
    WorkingPoint,
    accept,
    choose_working_point,
    measure_working_point,
    score,
)

if TYPE_CHECKING:
    from edgetrig.synthesis import Cost, Estimate, Route
    from edgetrig.verify import Verification


@dataclass(frozen=True)
class Design:
    """A model compiled into logic.

    Made by `edgetrig.compile`; immutable, so that what was verified is what is written.

    Parameters
    ----------
    traced
        The circuit as the model was replayed, before any pass: what the design is held to.
    name
        Name of the top module.
    target
        Device and timing.
    classes
        Names of the outputs, if they are classes.
    notes
        What the user should know about the translation.
    """

    traced: Circuit
    name: str = "trigger"
    target: Target = field(default_factory=Target)
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def circuit(self) -> Circuit:
        """The optimised circuit, without registers."""
        return optimize(self.traced, effort=self.target.effort)

    @cached_property
    def pipelined(self) -> Circuit:
        """The optimised circuit as its target holds it: in LUTs, with the registers asked for."""
        return registered(
            self.traced,
            self.circuit,
            self._family,
            clock_ns=self.target.clock_ns,
            latency=self.target.latency,
            effort=self.target.effort,
        )

    @property
    def latency(self) -> int:
        """Clock cycles from input to output."""
        return self.pipelined.latency

    @cached_property
    def estimated_clock_ns(self) -> float:
        """Shortest clock period by the delay model (an estimate), in ns."""
        return stage_delay(self.pipelined, delays_of(self._family))

    @cached_property
    def emulator(self) -> Emulator:
        """The bit-exact emulator: of the traced circuit, whose sums the engines gather."""
        return Emulator(optimize(self.traced, FOR_EMULATION))

    @property
    def _family(self) -> str:
        from edgetrig.synthesis import family_of

        return family_of(self.target.part).name

    # ---- use ------------------------------------------------------------------------------------

    def predict(
        self,
        x: ArrayLike | Mapping[str, ArrayLike],
        *,
        out: Any = None,
        threads: int | None = None,
        progress: Progress = silent,
        engine: Choice = "auto",
    ) -> Any:
        """Return what the hardware will compute, bit for bit.

        Parameters
        ----------
        x
            Events, shape (events, *shape of the input port); a mapping from port names if there are
            several. Floats are quantised as the input ports say.
        out, threads, progress, engine
            As for `edgetrig.emulate.Emulator.predict`.

        Returns
        -------
        array
            float64, shape (events, *shape of the output port); a dict if there are several.

        Raises
        ------
        DataError
            On a wrong shape, or NaN or infinite values.
        """
        return self.emulator.predict(x, out=out, threads=threads, progress=progress, engine=engine)

    def scores(self, x: ArrayLike | Mapping[str, ArrayLike], signal: str | int) -> Any:
        """Return the score of a class for every event, shape (events,): see `trigger.score`."""
        scored = score(self.traced, self.class_index(signal))
        return Emulator(optimize(scored, FOR_EMULATION)).predict(x)

    def working_point(
        self,
        x: ArrayLike | Mapping[str, ArrayLike],
        labels: ArrayLike,
        *,
        signal: str | int,
        acceptance: float,
    ) -> WorkingPoint:
        """Choose the threshold on a class's score at a background acceptance.

        Parameters
        ----------
        x
            Events, as for `predict`.
        labels
            True class index of each event, shape (events,).
        signal
            Name or index of the signal class; all others are background. A single output scores
            class 1 against class 0.
        acceptance
            Fraction of background events to accept at most, in (0, 1).
        """
        index = self.class_index(signal)
        truth = np.asarray(labels) == index
        return choose_working_point(self.scores(x, signal), truth, acceptance, index)

    def measure(
        self,
        point: WorkingPoint,
        x: ArrayLike | Mapping[str, ArrayLike],
        labels: ArrayLike,
    ) -> WorkingPoint:
        """Return a working point's efficiencies on events it was not chosen on.

        Parameters
        ----------
        point
            From `working_point`, on other events.
        x, labels
            As for `working_point`.
        """
        scores = self.scores(x, point.signal)
        return measure_working_point(point, scores, np.asarray(labels) == point.signal)

    def threshold(self, signal: str | int | WorkingPoint, *, at: float | None = None) -> Design:
        """Return a new design that ends in one accept bit.

        Parameters
        ----------
        signal
            The signal class, or a working point (which brings its threshold).
        at
            Accept where the class's score is at least this.

        Raises
        ------
        Error
            If there is no threshold, or no such class.
        """
        if isinstance(signal, WorkingPoint):
            return self.threshold(signal.signal, at=signal.threshold)
        if at is None:
            raise Error("threshold: give a working point, or a class and at=...")
        circuit = accept(self.traced, self.class_index(signal), at)
        return replace(self, traced=circuit, classes=(), name=f"{self.name}_accept")

    def class_index(self, signal: str | int) -> int:
        """Return the index of a class given by name or index.

        Raises
        ------
        Error
            If there is no such class.
        """
        if isinstance(signal, str):
            if signal not in self.classes:
                known = ", ".join(self.classes) or "none are named: use an index"
                raise Error(f"class {signal!r} is unknown; classes: {known}")
            # The only output scores class 1, and one name is that class's.
            return self.classes.index(signal) if len(self.classes) > 1 else 1
        return int(signal)

    # ---- hardware -------------------------------------------------------------------------------

    def retarget(self, **changes: Any) -> Design:
        """Return the design for another part, clock or latency (fields of `Target`)."""
        return replace(self, target=replace(self.target, **changes))

    def verify(
        self,
        vectors: int = 10_000,
        *,
        events: ArrayLike | Mapping[str, ArrayLike] | None = None,
        seed: int = 0,
        simulator: str = "verilator",
        prove: bool = False,
        progress: Progress = silent,
    ) -> Verification:
        """Simulate the hardware and demand equality on every output bit; if asked, prove it too.

        The judge is the traced circuit evaluated in plain Python integers: it has seen no pass.

        Parameters
        ----------
        vectors
            Least number of vectors: events, corner values and random codes together.
        events
            Real events, as for `predict`.
        seed
            Of the random codes.
        simulator
            One of `edgetrig.verify.SIMULATORS`: ``"verilator"``, ``"icarus"``, ``"ghdl"``, ...
        prove
            Also prove that the text `simulator` reads (Verilog; for GHDL and nvc VHDL) computes
            what was traced, for every input: the result's ``proof`` says line by line what was
            proved, how, and what was only tested.
        progress
            Called with the steps done and their number.

        Raises
        ------
        VerificationError
            At the first difference, or the first place where a proof finds something wrong.
        ToolError
            If the simulator, or what it needs, is missing; for a proof, the solver or a reader.
        """
        from edgetrig.verify import SIMULATORS, verify
        from edgetrig.verify import prove as prove_design

        result = verify(
            self.pipelined,
            self.emulator.codes,
            source=self.traced,
            events=None if events is None else self.emulator.input_codes(events),
            vectors=vectors,
            seed=seed,
            name=self.name,
            simulator=simulator,
            progress=progress,
        )
        if prove:
            tables = self.pipelined.tables
            made = prove_design(
                self.pipelined,
                self.traced,
                name=self.name,
                language=SIMULATORS[simulator].language,
                between=forms_without_cones(self.circuit, self._family) if tables else (),
                seed=seed,
                progress=progress,
            )
            result = replace(result, proof=made)
        return result

    def write(
        self,
        folder: str | os.PathLike[str],
        *,
        events: ArrayLike | Mapping[str, ArrayLike] | None = None,
        vectors: int = 1_000,
        seed: int = 0,
        language: str = "verilog",
    ) -> Path:
        """Write RTL, test bench, vectors, port list and vendor project scripts as one folder.

        Parameters
        ----------
        folder
            Created, or replaced as a whole if all files in it were written here.
        events
            Real events for up to half of the test vectors; corners and random codes make the rest.
        vectors
            How many test vectors.
        seed
            Of the random codes.
        language
            ``"verilog"`` or ``"vhdl"``.

        Returns
        -------
        Path
            The folder.
        """
        return write_rtl(self, folder, events=events, vectors=vectors, seed=seed, language=language)

    def write_cpp(self, folder: str | os.PathLike[str]) -> Path:
        """Write the emulator as C++ without dependencies, for an experiment's own software.

        A header with ``evaluate`` (hardware integers) and ``predict`` (numbers), a file that makes
        them a shared library with C linkage, and a Makefile. The folder appears whole or not at
        all.

        Raises
        ------
        CircuitError
            If a value needs more than 126 bits.
        """
        return write_cpp(self, folder)

    def synthesize(self, part: str | None = None) -> Cost:
        """Return LUTs, registers, carry cells, DSPs, memories and depth as Yosys maps them.

        Parameters
        ----------
        part
            FPGA part; the target's if left out.

        Raises
        ------
        ToolError
            If Yosys is missing or fails.
        """
        from edgetrig.synthesis import synthesize

        return synthesize(self._for(part).pipelined, part or self.target.part)

    def estimate(self, part: str | None = None) -> Estimate:
        """Return the built-in estimate of the same figures, in milliseconds."""
        from edgetrig.synthesis import estimate

        return estimate(self._for(part).pipelined, part or self.target.part)

    def route(self, part: str | None = None, *, seed: int = 1) -> Route:
        """Place and route with nextpnr: the routed clock, latency and critical path.

        Parameters
        ----------
        part
            A part of `edgetrig.synthesis.ROUTERS`; the target's if left out.
        seed
            Of the placement.

        Raises
        ------
        Error
            If no open tool routes the part.
        ToolError
            If a tool is missing or fails.
        """
        from edgetrig.synthesis import route

        return route(self._for(part).pipelined, part or self.target.part, seed=seed)

    def _for(self, part: str | None) -> Design:
        return self if part in (None, self.target.part) else self.retarget(part=part)

    # ---- files and words ------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the design to one file; `Design.load` and `edgetrig.compile` read it.

        Raises
        ------
        Error
            If the file's name does not end in ``.edgetrig``, or it cannot be written.
        """
        save_design(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Design:
        """Read a design.

        Raises
        ------
        CircuitError
            If the file is no whole design.
        """
        return cls(**fields_in(path))

    def layers(self) -> list[dict[str, Any]]:
        """Return a row a layer: name, operations, adders, and the widths of what it hands on.

        ``origin`` is the layer's name as in `Cost.by_layer`: empty for what no layer made, which
        is called ``inputs`` here.
        """
        return layers_of(self.circuit)

    def __repr__(self) -> str:
        given = ", ".join(f"{port.name}{list(port.shape)}" for port in self.traced.inputs)
        made = ", ".join(f"{port.name}{list(port.shape)}" for port in self.traced.outputs)
        return f"<Design {self.name}: {given} -> {made}, for {self.target.part}>"

    def summary(self) -> str:
        """Return a few lines on what the design is."""
        return summary_of(self)
