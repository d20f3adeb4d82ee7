"""Random NumPy programs: a list of steps that traces to a circuit and also runs on fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgetrig.circuit import Circuit, Input, IntArray, fixed_input, trace
from edgetrig.fuzz.draw_steps import Step, draw_step, narrowed
from edgetrig.fuzz.steps import exact, run_step
from edgetrig.fuzz.vectors import split_codes

_OUTPUTS = 3


@dataclass(frozen=True)
class Program:
    """Input ports and steps; value ``k`` is input ``k``, then come the results of the steps.

    The outputs are the last three values.
    """

    inputs: tuple[Input, ...]
    listing: tuple[Step, ...]

    @cached_property
    def circuit(self) -> Circuit:
        """The traced program."""
        return trace(self._run, *self.inputs)

    def _run(self, *values: Any) -> dict[str, Any]:
        everything = list(values)
        for step in self.listing:
            read = [everything[k] for k in step.operands]
            everything.append(run_step(step.name, read, step.settings))
        last = everything[-_OUTPUTS:]
        return {f"y{k}": value for k, value in enumerate(last)}

    @property
    def steps(self) -> tuple[str, ...]:
        """The program in words, a line a step."""
        first = len(self.inputs)
        return tuple(f"v{first + k} = {step}" for k, step in enumerate(self.listing))

    def expected(self, codes: IntArray) -> list[list[int]]:
        """Return the output codes of every event, computed by NumPy without any circuit."""
        fraction = [int(v) for port in self.circuit.outputs for v in port.fraction.ravel()]
        ports = split_codes(self.circuit, codes)
        result = []
        for event in range(len(codes)):
            given = [
                _fractions(array[event], port.fraction)
                for array, port in zip(ports, self.inputs, strict=True)
            ]
            parts = [exact(value).ravel().astype(object) for value in self._run(*given).values()]
            scaled = [
                Fraction(v) * Fraction(2) ** f
                for v, f in zip(np.concatenate(parts), fraction, strict=True)
            ]
            assert all(v.denominator == 1 for v in scaled), "finer than the output's binary point"
            result.append([int(v) for v in scaled])
        return result


def _fractions(codes: NDArray[Any], fraction: NDArray[np.int64]) -> NDArray[Any]:
    pairs = zip(np.asarray(codes).ravel().tolist(), fraction.ravel().tolist(), strict=True)
    values = [Fraction(code) / Fraction(2) ** f for code, f in pairs]
    return np.array(values, object).reshape(fraction.shape)


@st.composite
def random_programs(draw: st.DrawFn, max_steps: int = 8, wide: bool = False) -> Program:
    """Draw NumPy programs over all that traces: arithmetic, choices, moves, types and tables.

    Parameters
    ----------
    max_steps
        Most steps, without the quantisers that keep values narrow.
    wide
        Inputs of up to 60 bits and values of up to 200; otherwise 8 and 22.
    """
    ports = tuple(_port(draw, f"x{k}", 60 if wide else 8) for k in range(draw(st.integers(1, 2))))
    listing: list[Step] = []

    def draw_all(*arrays: Any) -> Any:
        values = list(arrays)
        for _ in range(draw(st.integers(1, max_steps))):
            chosen = [draw_step(draw, values)]
            while chosen:
                step = chosen.pop()
                values.append(
                    run_step(step.name, [values[k] for k in step.operands], step.settings)
                )
                listing.append(step)
                chosen += narrowed(values, 200 if wide else 22)
        return values[-1]

    trace(draw_all, *ports)
    return Program(ports, tuple(listing))


def _port(draw: st.DrawFn, name: str, most_bits: int) -> Input:
    shape = draw(st.sampled_from(((4,), (3,), (2, 3), (2, 2), (), (1,), (2, 1, 2))))
    size = math.prod(shape)
    bits, point = draw(st.integers(1, 8) | st.integers(1, most_bits)), draw(st.integers(-2, 4))
    if draw(st.booleans()):  # one type
        sign = draw(st.integers(0, 1))
        return fixed_input(name, shape, signed=sign, integer=bits - point, fraction=point)
    width, signed = (
        np.array(draw(st.lists(numbers, min_size=size, max_size=size)), np.int64).reshape(shape)
        for numbers in (st.integers(0, bits), st.integers(0, 1))
    )
    return fixed_input(name, shape, signed=signed, integer=width - point, fraction=point)
