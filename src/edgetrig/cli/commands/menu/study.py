"""What rates, reports and plots of a menu start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgetrig.cli.commands.menu.events import Counted, Counting
from edgetrig.cli.console import step
from edgetrig.errors import Error, MenuError

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Decider, Menu, Rates, TurnOn


class Curve(NamedTuple):
    """A turn-on curve that was asked for."""

    seed: str
    column: str
    file: Path


@dataclass(frozen=True)
class Study:
    """A menu, the files of events that it is judged on, and how they count."""

    menu: Menu
    decide: Decider
    data: Sequence[Path]
    signals: Mapping[str, Sequence[Path]]
    curves: Sequence[Curve]
    counting: Counting

    @classmethod
    def of(
        cls,
        menu: Path,
        data: Sequence[Path],
        *,
        signal: Sequence[str] | None,
        turn_on: Sequence[str] | None = None,
        weight: str | None,
        luminosity: float | None,
        cross_section: Sequence[str] | None,
        dask: str | None,
    ) -> Study:
        """Read the menu and compile it, once the options are known to make sense."""
        from edgetrig.menu_files import read_menu
        from edgetrig.trigger.menu import Decider

        read = read_menu(menu)
        signals = _signals(signal)
        curves = [_curve(text) for text in turn_on or ()]
        files = [*data, *(file for some in signals.values() for file in some)]
        files += [curve.file for curve in curves]
        counting = Counting.of(files, weight, luminosity, cross_section, dask)
        for curve in curves:
            if curve.seed not in {seed.name for seed in read.seeds}:
                raise MenuError(f"no seed '{curve.seed}' in menu '{read.name}'")
        with step("compiling the menu"):
            decide = Decider.of(read)
        return cls(read, decide, data, signals, curves, counting)

    def rates(self) -> Rates:
        """Count the rates."""
        return self.counting.rates(self.menu, self.decide, self.data)

    def counted_signals(self) -> dict[str, Counted]:
        """Count the events of each signal."""
        return {name: self.counting.fired(self.decide, some) for name, some in self.signals.items()}

    def turn_on(self, curve: Curve) -> TurnOn:
        """Count a turn-on curve."""
        return self.counting.turn_on(self.decide, [curve.file], curve.seed, curve.column)


def _signals(texts: Sequence[str] | None) -> dict[str, list[Path]]:
    """Return the files of each signal from ``NAME=FILE``."""
    signals: dict[str, list[Path]] = {}
    for text in texts or ():
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise Error(f"--signal {text!r}: NAME=FILE is needed")
        signals.setdefault(name, []).append(Path(path))
    return signals


def _curve(text: str) -> Curve:
    """Return what ``SEED:COLUMN=FILE`` means."""
    what, _, file = text.partition("=")
    seed, _, column = what.partition(":")
    if not (seed and column and file):
        raise Error(f"--turn-on {text!r}: SEED:COLUMN=FILE is needed")
    return Curve(seed, column, Path(file))
