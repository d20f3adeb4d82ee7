"""The demonstration: from jets to a verified accept bit, in eight steps with one line each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.cli.comparison import compare, keras_outputs
from edgetrig.cli.console import say, step
from edgetrig.cli.data import Events, load_events
from edgetrig.design import Design, Target, compile
from edgetrig.errors import DataError, Error
from edgetrig.files import whole_file
from edgetrig.progress import silent
from edgetrig.report import Hardware, Sample, collect, write
from edgetrig.trigger import WorkingPoint

SIGNAL = "t"
WORDS = ("gluon", "quark", "W", "Z", "top")
"""The classes of the jets, as the report names them."""


@dataclass(frozen=True)
class Settings:
    """What the demonstration is asked for.

    Parameters
    ----------
    out
        Its folder.
    events
        Jets to use; None for all.
    seed
        Of split, training and test vectors.
    layers, epochs, float_epochs, cost_target
        Of the training.
    acceptance
        Share of background jets to accept at most.
    part, clock_ns
        What the hardware is made for.
    vectors
        Least number of test vectors for each design.
    command
        The command line, for the report.
    """

    out: Path
    events: int | None
    seed: int
    layers: tuple[int, ...]
    epochs: int
    float_epochs: int
    cost_target: float
    acceptance: float
    part: str
    clock_ns: float
    vectors: int
    command: str

    def __post_init__(self) -> None:
        # Said before minutes of training.
        Target(self.part, self.clock_ns)
        if not 0 < self.acceptance < 1:
            raise Error(f"--acceptance {self.acceptance:g}: use a number between 0 and 1")


@dataclass
class Demo:
    """Runs the steps; each leaves its result here for the next."""

    settings: Settings
    started: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Run all steps."""
        steps = (
            ("events", self.read_events),
            ("train", self.train),
            ("compile", self.compile),
            ("emulate", self.emulate),
            ("threshold", self.threshold),
            ("verify", self.write_and_verify),
            ("synthesise", self.synthesize),
            ("report", self.report),
        )
        for number, (name, function) in enumerate(steps, 1):
            with _timed() as seconds:
                words = function()
            say(f"{number} {name:<10} {words}  [{seconds():.0f} s]")
        total = time.monotonic() - self.started
        say(f"\nDone in {total:.0f} s. Open {self.settings.out / 'report.html'}")

    # ---- the steps ------------------------------------------------------------------------------

    def read_events(self) -> str:
        """Read the jets that come with the package."""
        jets = load_events(None, "label")
        if self.settings.events is not None:
            if not 0 < self.settings.events <= len(jets.labels):
                raise DataError(
                    f"--events {self.settings.events}: the sample has {len(jets.labels):,} jets; "
                    "make more with 'edgetrig generate jets'"
                )
            jets = jets.take(np.arange(self.settings.events))
        self.jets = jets
        return (
            f"{len(jets.labels):,} simulated jets (quark, gluon, W, Z, top), "
            f"{jets.features.shape[1]} features; {len(self.test.labels):,} kept for the test"
        )

    def train(self) -> str:
        """Train, unless the folder holds this very training already."""
        self.training = self._trained_before() or self._train()
        accuracy = self.training["accuracy"]
        return (
            f"accuracy {accuracy['quantized']:.2%} quantised, {accuracy['float']:.2%} float; "
            f"{self.training['ebops']:,} EBOPs; {self.model}{self.reused}"
        )

    def compile(self) -> str:
        """Compile the trained model and save the design."""
        with step("compiling"):
            self.design = compile(
                self.model,
                name="jets",
                classes=self.jets.classes,
                part=self.settings.part,
                clock_ns=self.settings.clock_ns,
            )
            self.design.save(self.settings.out / "jets.edgetrig")
            return _in_words(self.design)

    def emulate(self) -> str:
        """Compare the emulator with Keras on the whole test set."""
        with step("emulating") as progress:
            self.hardware = self.design.predict(self.test.features, progress=progress)
            self.keras = keras_outputs(self.model, self.test.features, progress)
            self.comparison = compare(self.design, self.model, self.test, self.keras, self.hardware)
        result = self.comparison
        line = f"{result['equal']:,} of {result['events']:,} test events equal to Keras, bit by bit"
        return f"{line}; {result['explanation']}" if result["different"] else line

    def threshold(self) -> str:
        """Choose the working point on the validation events, measure it on the test events."""
        with step("choosing the working point"):
            chosen = self.design.working_point(
                self.validation.features,
                self.validation.labels,
                signal=SIGNAL,
                acceptance=self.settings.acceptance,
            )
            self.point: WorkingPoint = self.design.measure(
                chosen, self.test.features, self.test.labels
            )
            self.bit = self.design.threshold(self.point)
            self.bit.save(self.settings.out / "accept.edgetrig")
            return f"top {self.point}; {_in_words(self.bit)}"

    def write_and_verify(self) -> str:
        """Write RTL and simulate it: the accept bit and the design with all scores."""
        self.measured: dict[str, Hardware] = {}
        for words, folder, design in self._designs:
            events = self.test.features
            with step(f"writing {words}"):
                design.write(self.settings.out / folder, events=events, seed=self.settings.seed)
            with step(f"verifying {words}") as progress:
                verification = design.verify(
                    self.settings.vectors,
                    events=events,
                    seed=self.settings.seed,
                    prove=True,
                    progress=progress,
                )
            self.measured[words] = Hardware(design, words, verification)
        last = verification
        total = sum(
            item.verification.vectors for item in self.measured.values() if item.verification
        )
        proofs = [item.verification.proof for item in self.measured.values() if item.verification]
        whole = all(proof is not None and proof.complete for proof in proofs)
        tools = ", ".join(f"{name} {version}" for name, version in last.tools.items())
        return (
            f"{total:,} vectors equal on every output bit at the stated cycle "
            f"({last.vectors:,} for the accept bit: {last.real:,} real events, {last.corner:,} "
            f"corners, {last.random:,} random){'; proved for every input' if whole else ''}; "
            f"{tools}; {self.settings.out / 'rtl'}"
        )

    def synthesize(self) -> str:
        """Measure the cost of both designs."""
        for words, _, design in self._designs:
            with step(f"synthesising {words}"):
                cost = design.synthesize()
            self.measured[words] = Hardware(design, words, self.measured[words].verification, cost)
        guess = design.estimate()
        dsp = f", {guess.dsp:,} DSP" if guess.dsp else ""
        return (
            f"accept bit: {cost.lut:,} LUT, {cost.ff:,} FF, {cost.carry:,} carry, {cost.dsp} DSP, "
            f"{cost.bram} BRAM, depth {cost.depth} (Yosys {cost.yosys}, {cost.part}); "
            f"estimate {guess.lut:,} LUT, {guess.ff:,} FF{dsp}"
        )

    def report(self) -> str:
        """Write the page and the JSON file."""
        sample = Sample(
            name=f"the test part of {self.jets.name}",
            labels=self.test.labels,
            outputs=self._outputs(),
            classes=WORDS,
            signal=self.jets.classes.index(SIGNAL),
            columns=self.jets.columns,
            comparison=self.comparison,
        )
        facts = collect(
            list(self.measured.values()),
            title="A top-jet trigger",
            sample=sample,
            working_point=self.point,
            training=self.training,
            command=self.settings.command,
            seeds=dict.fromkeys(("split", "training", "vectors"), self.settings.seed),
        )
        page = write(self.settings.out, facts)
        return f"{page}, {page.with_suffix('.json')}"

    # ---- what they share ------------------------------------------------------------------------

    @property
    def model(self) -> Path:
        """The trained model's file."""
        return self.settings.out / "model.keras"

    @property
    def float_model(self) -> Path:
        """The float reference's file."""
        return self.settings.out / "float.keras"

    @cached_property
    def test(self) -> Events:
        """The events that the training does not see."""
        from edgetrig.training import split

        return self.jets.take(split(self.jets.labels, self.settings.seed).test)

    @cached_property
    def validation(self) -> Events:
        """The events that the training only looks at to choose its best epoch."""
        from edgetrig.training import split

        return self.jets.take(split(self.jets.labels, self.settings.seed).validation)

    @property
    def _designs(self) -> tuple[tuple[str, str, Design], ...]:
        return (("all five scores", "rtl-scores", self.design), ("one accept bit", "rtl", self.bit))

    reused = ""

    def _key(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "events": len(self.jets.labels),
            "seed": settings.seed,
            "layers": list(settings.layers),
            "epochs": settings.epochs,
            "float_epochs": settings.float_epochs,
            "cost_target": settings.cost_target,
        }

    def _trained_before(self) -> dict[str, Any] | None:
        from edgetrig.training import TrainResult

        try:
            record = json.loads((self.settings.out / "training.json").read_text(encoding="utf-8"))
            whole = self.model.is_file() and self.float_model.is_file()
            same = record["settings"] == self._key() and whole
            result = TrainResult.from_dict(record["result"]).to_dict() if same else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, DataError):
            return None
        self.reused = " (of an earlier run)" if result else ""
        return result

    def _train(self) -> dict[str, Any]:
        from edgetrig.training import train

        settings = self.settings
        with step("training") as progress:
            result = train(
                self.jets.features,
                self.jets.labels,
                classes=self.jets.classes,
                out=self.model,
                float_out=self.float_model,
                layers=settings.layers,
                seed=settings.seed,
                epochs=settings.epochs,
                float_epochs=settings.float_epochs,
                cost_target=settings.cost_target,
                checkpoint=settings.out / "checkpoint",
                progress=progress,
            ).to_dict()
        with whole_file(settings.out / "training.json") as file:
            record = {"settings": self._key(), "result": result}
            file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return result

    def _outputs(self) -> Mapping[str, NDArray[Any]]:
        reference = keras_outputs(self.float_model, self.test.features, silent)
        return {"float": reference, "quantized": self.keras, "hardware": self.hardware}


@contextmanager
def _timed() -> Iterator[Any]:
    start = time.monotonic()
    yield lambda: time.monotonic() - start


def _in_words(design: Design) -> str:
    circuit = design.circuit
    return (
        f"{len(circuit):,} operations, {design.latency} clock cycles of {design.target.clock_ns:g}"
        f" ns"
    )
