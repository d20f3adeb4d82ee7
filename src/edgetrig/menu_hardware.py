"""A trigger menu as firmware: object words in, prescales, the decision out, and its emulation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetrig.design import Design
from edgetrig.design import compile as compile_design
from edgetrig.errors import VerificationError
from edgetrig.files import whole_folder
from edgetrig.menu_latency import check_latency, design_within, latency_lines
from edgetrig.rtl import Words, Wrapper
from edgetrig.trigger.menu import SLOTS, Menu

Columns = Mapping[str, NDArray[np.generic]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Crossings:
    """What the firmware says of consecutive bunch crossings.

    ``fired`` holds the seeds' bits, ``kept`` what is left after prescales, each of shape
    (crossings, seeds); ``accept`` the menu's decision, of shape (crossings,).
    """

    fired: Bools
    kept: Bools
    accept: Bools


@dataclass(frozen=True)
class MenuHardware:
    """A menu's logic with what an experiment puts around it.

    Parameters
    ----------
    menu
        The menu.
    design
        Its logic: ``edgetrig.compile(menu)``.
    """

    menu: Menu
    design: Design

    @cached_property
    def wrapper(self) -> Wrapper:
        """The top module: see `edgetrig.rtl.Wrapper`."""
        objects: dict[str, list[tuple[str, int, int]]] = {}
        for kind, name in self.menu.columns():
            quantity = kind.fields[name]
            place = (kind.column(name), quantity.first, quantity.bits)
            objects.setdefault(kind.name, []).append(place)
        words = [
            Words(name, self.menu.types[name].count, self.menu.types[name].bits, tuple(fields))
            for name, fields in objects.items()
        ]
        names = [seed.name for seed in self.menu.seeds]
        settings = list(zip(names, self.menu.prescalers().limits.tolist(), strict=True))
        return Wrapper(self.design.pipelined, words, self.menu.name, settings)

    @classmethod
    def compile(
        cls,
        menu: Menu,
        *,
        part: str = "xcvu13p",
        clock_ns: float = 5.0,
        latency: int | None = None,
        latency_bx: int | None = None,
    ) -> MenuHardware:
        """Compile a menu to its firmware.

        Parameters
        ----------
        menu
            The menu.
        part, clock_ns, latency
            See `edgetrig.design.Target`; the latency is that of the logic alone, and must leave a
            cycle of the budget, if there is one, for the decision.
        latency_bx
            Bunch crossings from object words to the decision that it may take at most; the menu's
            own (`Menu.latency_bx`) if left out. The firmware takes fewer where that saves logic.

        Raises
        ------
        MenuError
            If the menu does not fit the budget.
        """
        if latency_bx is not None:
            menu = replace(menu, latency_bx=latency_bx)
        if menu.latency_bx is not None and latency is not None:
            check_latency(latency, clock_ns, menu.latency_bx)
        if menu.latency_bx is None or latency is not None:
            design = compile_design(menu, part=part, clock_ns=clock_ns, latency=latency)
            return cls(menu, design)
        return cls(menu, design_within(menu, part, clock_ns, menu.latency_bx))

    def summary(self) -> str:
        """Return the latency of the whole and of each path, in clock cycles, ns and crossings."""
        return "\n".join(latency_lines(self.menu, self.design, self.wrapper.latency))

    def emulate(
        self, columns: Columns, *, valid: Bools | None = None, clear: Bools | None = None
    ) -> Crossings:
        """Return what the firmware will say of consecutive crossings after a reset, bit by bit.

        Parameters
        ----------
        columns
            Codes by column name, each of shape (crossings, objects).
        valid
            Which crossings bring data; all if left out.
        clear
            Crossings (with data) before which prescale counters are set to zero.
        """
        fired = np.asarray(self.design.predict(columns), np.bool_)
        if valid is not None:
            fired &= valid[:, None]
            clear = None if clear is None else clear & valid
        kept, accept = self.menu.decide(fired, clear=clear)
        return Crossings(fired, kept, accept)

    def verify(
        self,
        columns: Columns,
        *,
        valid: Bools | None = None,
        clear: Bools | None = None,
        seed: int = 0,
        simulator: str = "verilator",
    ) -> int:
        """Simulate the firmware on consecutive crossings and demand equality of every output bit.

        Parameters
        ----------
        columns, valid, clear
            As for `emulate`.
        seed
            Of the registers' first contents.
        simulator
            One of `edgetrig.verify.SIMULATORS` that reads Verilog.

        Returns
        -------
        int
            How many crossings were compared.

        Raises
        ------
        VerificationError
            At the first crossing and output that differ.
        """
        from edgetrig.verify import simulate_text

        expected = self.emulate(columns, valid=valid, clear=clear)
        count = len(expected.accept)
        true, false = np.ones(count, np.bool_), np.zeros(count, np.bool_)
        valid = true if valid is None else valid
        bx0 = np.arange(count) % SLOTS == 0
        clear = false if clear is None else clear
        inputs, outputs = self.wrapper.ports()
        settings = [*self.menu.prescalers().limits.tolist(), *[1] * len(self.menu.seeds)]
        words = [self.menu.types[w.name].pack(columns) for w in self.wrapper.objects]
        rows = np.concatenate(
            [
                np.stack([false, valid, bx0, clear], axis=1).astype(np.uint64),
                np.broadcast_to(np.array(settings, np.uint64), (count, len(settings))),
                *words,
            ],
            axis=1,
        )
        reset, idle = rows[:1].copy(), rows[:1].copy()
        reset[:, :4], idle[:, :4] = [[1, 0, 0, 0]], 0
        # The settings must still stand when the last crossings come out.
        idle = np.repeat(idle, self.wrapper.latency, axis=0)
        got = simulate_text(
            self.wrapper.texts(),
            inputs,
            outputs,
            np.concatenate([reset, rows, idle]),
            latency=self.wrapper.latency,
            seed=seed,
            simulator=simulator,
        )[1 : count + 1]
        wanted = np.concatenate(
            [
                np.stack([valid, bx0], axis=1),
                expected.fired,
                expected.kept,
                expected.accept[:, None],
            ],
            axis=1,
        )
        names = [port.element(k) for port in outputs for k in range(len(port.width))]
        wrong = np.argwhere(got != wanted)
        if len(wrong):
            crossing, output = wrong[0]
            raise VerificationError(
                f"crossing {crossing}, output {names[output]}: simulation"
                f" {got[crossing, output]}, emulator {int(wanted[crossing, output])}"
            )
        return count

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write the firmware's Verilog, the top first, as one folder; whole or not at all."""
        with whole_folder(folder) as temporary:
            for name, text in self.wrapper.texts().items():
                (temporary / name).write_text(text)
        return Path(folder)
