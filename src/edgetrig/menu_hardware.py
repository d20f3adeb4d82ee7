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
from edgetrig.menu_latency import check_latency, design_within, latency_lines
from edgetrig.rtl import Words, Wrapper, ports, write_block
from edgetrig.trigger.menu import SLOTS, Menu

Columns = Mapping[str, NDArray[np.generic]]
Bools = NDArray[np.bool_]

_VALID, _CLEAR = 7 / 8, 1 / 64  # shares of a test bench's crossings that bring data, and that clear


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

        given, expected = self._stimulus(columns, valid, clear)
        inputs, outputs = self.wrapper.ports()
        got = simulate_text(
            self.wrapper.texts(),
            inputs,
            outputs,
            given,
            latency=self.wrapper.latency,
            seed=seed,
            simulator=simulator,
        )
        names = [port.element(k) for port in outputs for k in range(len(port.width))]
        wrong = np.argwhere(got != expected)
        if len(wrong):
            cycle, output = wrong[0]
            raise VerificationError(
                f"{f'crossing {cycle - 1}' if cycle else 'reset'}, output {names[output]}:"
                f" simulation {got[cycle, output]}, emulator {expected[cycle, output]}"
            )
        return len(given) - 1 - self.wrapper.latency

    def _stimulus(
        self, columns: Columns, valid: Bools | None, clear: Bools | None
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return what enters the top module in each cycle, and what it must say of it.

        A cycle of reset comes first, then the crossings. Idle cycles come last: the settings must
        still stand when the last crossings come out.
        """
        said = self.emulate(columns, valid=valid, clear=clear)
        count = len(said.accept)
        valid = np.ones(count, np.bool_) if valid is None else valid
        clear = np.zeros(count, np.bool_) if clear is None else clear
        bx0 = np.arange(count) % SLOTS == 0
        ends = ((1, self.wrapper.latency), (0, 0))
        flags = np.pad(np.stack([np.zeros_like(valid), valid, bx0, clear], axis=1), ends)
        flags[0, 0] = True
        settings = [*self.menu.prescalers().limits.tolist(), *[1] * len(self.menu.seeds)]
        words = [self.menu.types[w.name].pack(columns) for w in self.wrapper.objects]
        given = [
            flags.astype(np.uint64),
            np.broadcast_to(np.array(settings, np.uint64), (len(flags), len(settings))),
            *(np.pad(codes, ends) for codes in words),
        ]
        expected = [flags[1 : count + 1, 1:3], said.fired, said.kept, said.accept[:, None]]
        return (
            np.concatenate(given, axis=1),
            np.pad(np.concatenate(expected, axis=1), ends).astype(np.int64),
        )

    def write(
        self,
        folder: str | os.PathLike[str],
        *,
        columns: Columns | None = None,
        vectors: int = 1_000,
        seed: int = 0,
    ) -> Path:
        """Write Verilog, test bench, vectors, port list and vendor project scripts as one folder.

        Parameters
        ----------
        folder
            Created, or replaced as a whole.
        columns
            Codes of real crossings, as for `emulate`, for up to half of the test vectors; corners
            and random codes make the rest.
        vectors
            How many crossings the test bench has; some bring no data, some clear the counters.
        seed
            Of the random codes and flags.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        Error
            If the folder cannot be written.
        """
        drawn = self._test_columns(columns, vectors, seed)
        count = len(next(iter(drawn.values())))
        generator = np.random.default_rng(seed)
        valid, clear = generator.random(count) < _VALID, generator.random(count) < _CLEAR
        return write_block(
            self.wrapper.block(),
            folder,
            vectors=self._stimulus(drawn, valid, clear),
            clock_ns=self.design.target.clock_ns,
            part=self.design.target.part,
        )

    def _test_columns(self, columns: Columns | None, vectors: int, seed: int) -> Columns:
        """Return the codes of a test bench: of real crossings, corners, and random ones."""
        from edgetrig.verify import make_vectors

        kinds = {kind.column(name): kind.fields[name] for kind, name in self.menu.columns()}
        inputs = [  # the format allows fewer codes than the ports' bits: phi has 576 of 1024
            replace(
                port,
                lo=np.maximum(port.lo, kinds[port.name].lowest),
                hi=np.minimum(port.hi, kinds[port.name].highest),
            )
            for port in ports(self.design.circuit)[0]
        ]
        sizes = [len(port.width) for port in inputs]
        real = np.zeros((0, sum(sizes)), np.int64)
        if columns is not None:
            real = self.design.emulator.input_codes(columns)[: vectors // 2]
        codes = make_vectors(inputs, real, vectors, seed).codes
        parts = np.split(codes, np.cumsum(sizes)[:-1], axis=1)
        return {port.name: part for port, part in zip(inputs, parts, strict=True)}
