"""Which step comes next in a random program, given the values there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgetrig.circuit import OVERFLOWS, ROUNDINGS, Array, widths
from edgetrig.fuzz import steps

_LARGEST = 40
"""Elements of an array; those with more are cut to a slice."""


@dataclass(frozen=True)
class Step:
    """One call: a name of `steps.STEPS`, the values it reads, its settings (as JSON holds them)."""

    name: str
    operands: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [f"v{k}" for k in self.operands]
        words += [f"{name}={value!r}" for name, value in self.settings.items()]
        return f"{self.name}({', '.join(words)})"


def draw_step(draw: st.DrawFn, values: list[Array]) -> Step:
    """Draw a step on the values so far, most often on a late one."""
    k = draw(st.integers(0, len(values) - 1).map(lambda v: len(values) - 1 - v))
    x = values[k]
    if x.boolean:
        return _truth_step(draw, values, k)
    kinds = (_unary, _binary, _constant, _typed, _reduce, _move, _whole, _product, _join)
    return draw(st.sampled_from(kinds))(draw, values, k)


def narrowed(values: list[Array], most_bits: int) -> list[Step]:
    """Return a step that makes the last value smaller where it has grown too wide or too large."""
    last = len(values) - 1
    if values[last].size > _LARGEST:
        return [Step("ravel", (last,))] if values[last].ndim != 1 else [_cut(last)]
    if int(widths(*values[last].interval).max(initial=0)) > most_bits:
        kind = {"signed": 1, "integer": 6, "fraction": 4, "modes": ["RND", "SAT"]}
        return [Step("quantize", (last,), kind)]
    return []


def _cut(value: int) -> Step:
    return Step("index", (value,), {"slices": [[0, 8, None]]})


# ---- numbers ------------------------------------------------------------------------------------

_CONSTANT = st.integers(-40, 40).map(lambda v: v / 8)
_WIDE_CONSTANT = st.integers(-(1 << 70), 1 << 70)
_NEAR = st.integers(-2, 4)


def _constants(draw: st.DrawFn, *shape: int) -> Any:
    """Draw constants as nested lists: eighths, seldom wide whole numbers."""
    size = math.prod(shape)
    number: st.SearchStrategy[Any] = _CONSTANT
    if draw(st.integers(0, 15)) == 15:
        number = _WIDE_CONSTANT
    drawn = draw(st.lists(number, min_size=size, max_size=size))
    return np.array(drawn, object).reshape(shape).tolist()


def _name(draw: st.DrawFn, functions: dict[str, Any]) -> str:
    return draw(st.sampled_from(list(functions)))


def _unary(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    name = draw(st.sampled_from((*steps.UNARY, "power", "divide", "floor_divide", "clip", "sort")))
    if name == "power":
        return Step(name, (k,), {"exponent": draw(st.integers(0, 4))})
    if name in ("divide", "floor_divide"):
        power = draw(st.sampled_from((2, 1, 4, 64, 0.5, 0.125)))
        return Step(name, (k,), {"by": power * draw(st.sampled_from((1, -1)))})
    if name == "clip":
        low, high = sorted((draw(_CONSTANT), draw(_CONSTANT)))
        return Step(name, (k,), {"low": low, "high": high})
    if name == "sort":
        if not values[k].ndim:
            return Step("ravel", (k,))
        return Step(name, (k,), {"axis": draw(st.integers(-values[k].ndim, values[k].ndim - 1))})
    return Step(name, (k,))


def _numbers(values: list[Array]) -> list[int]:
    return [n for n, value in enumerate(values) if not value.boolean and value.size]


def _binary(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    name = _name(draw, {**steps.BINARY, **steps.COMPARING})
    numbers = _numbers(values)
    shape = values[k].shape
    same = [n for n in numbers if values[n].shape == shape]
    form = draw(st.sampled_from(("same", "first", "outer")))
    if form == "same":
        return Step(name, (k, draw(st.sampled_from(same))))
    if form == "outer" and name in steps.BINARY:
        return Step(f"{name}.outer", (k, draw(st.sampled_from(numbers))))
    return Step(f"{name}.first", (k, draw(st.sampled_from(numbers))))


def _constant(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    shape = values[k].shape
    form = draw(st.sampled_from(("matmul", "left", "einsum", "elementwise", "dot")))
    if form == "elementwise" or not shape:
        name = _name(draw, {**steps.BINARY, **steps.COMPARING})
        scalar = draw(st.booleans())
        known = _constants(draw) if scalar else _constants(draw, *shape)
        return Step(f"{name}.constant", (k,), {"constant": known, "left": draw(st.booleans())})
    columns = draw(st.integers(1, 3))
    if form == "left" and len(shape) <= 2:
        known = _constants(draw, columns, shape[0])
        return Step("matmul.constant", (k,), {"constant": known, "left": True})
    known = _constants(draw, shape[-1], columns)
    if form == "einsum" and len(shape) == 2:
        subscripts = draw(st.sampled_from(("ij,jk->ki", "ij,jk->ik", "ij,jk->k", "ij,jk->ijk")))
        return Step("einsum.constant", (k,), {"constant": known, "subscripts": subscripts})
    if form == "dot" and len(shape) <= 2:
        return Step("dot.constant", (k,), {"constant": known})
    return Step("matmul.constant", (k,), {"constant": known})


def _product(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    """Contract two symbolic arrays."""
    x = values[k]
    fitting = [
        n
        for n in _numbers(values)
        if x.ndim and values[n].ndim == 1 and values[n].shape[0] == x.shape[-1]
    ]
    if not fitting:
        return Step("square", (k,))
    other = draw(st.sampled_from(fitting))
    if x.ndim == 2 and draw(st.booleans()):
        subscripts = draw(st.sampled_from(("ij,j->i", "ij,j->j", "ij,j->ji")))
        return Step("einsum", (k, other), {"subscripts": subscripts})
    return Step("matmul", (k, other))


# ---- types --------------------------------------------------------------------------------------


def _typed(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    x = values[k]
    modes: list[str] = [draw(st.sampled_from(ROUNDINGS)), draw(st.sampled_from(OVERFLOWS))]
    signed, bits, point = draw(st.integers(0, 1)), draw(st.integers(-1, 7)), draw(_NEAR)
    if draw(st.booleans()) and int(widths(*x.interval).max(initial=0)) <= 9:
        function = draw(st.sampled_from(sorted(steps.TABULATED)))
        kind = [signed, bits - point, point, *modes]
        return Step("lookup", (k,), {"function": function, "kind": kind})
    if draw(st.booleans()):
        return Step(
            "quantize",
            (k,),
            {"signed": signed, "integer": bits - point, "fraction": point, "modes": modes},
        )

    def each(least: int, most: int) -> Any:
        drawn = draw(st.lists(st.integers(least, most), min_size=x.size, max_size=x.size))
        return np.array(drawn, np.int64).reshape(x.shape).tolist()

    types = {"signed": each(0, 1), "integer": each(-3, 6), "fraction": each(-2, 6)}
    return Step("quantize", (k,), {**types, "modes": modes})


def _whole(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    """Draw a step on bits; numbers with a fraction are rounded down first."""
    whole = [n for n in _numbers(values) if not (values[n].fraction > 0).any()]
    if k not in whole:
        return Step("floor", (k,))
    form = draw(st.sampled_from(("invert", "left_shift", "right_shift", "constant", "pair")))
    if form == "constant":
        known = draw(st.integers(-9, 40))
        return Step(f"{_name(draw, steps.BITWISE)}.constant", (k,), {"constant": known})
    if form == "pair":
        same = [n for n in whole if values[n].shape == values[k].shape]
        return Step(_name(draw, steps.BITWISE), (k, draw(st.sampled_from(same))))
    return Step(form, (k,), {} if form == "invert" else {"bits": draw(st.integers(0, 9))})


# ---- reductions, moves, joins -------------------------------------------------------------------


def _reduce(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    x = values[k]
    axes: list[Any] = [None, *range(-x.ndim, x.ndim)]
    if x.ndim > 1:
        axes.append([0, 1])
    if draw(st.integers(0, 3)) == 3:
        axis = draw(st.sampled_from([a for a in axes if not isinstance(a, list)]))
        return Step(_name(draw, steps.ARG_REDUCING), (k,), {"axis": axis})
    name, axis = _name(draw, steps.REDUCING), draw(st.sampled_from(axes))
    chosen = range(x.ndim) if axis is None else axis if isinstance(axis, list) else [axis]
    count = math.prod(x.shape[a] for a in chosen)
    if (name == "mean" and count & (count - 1)) or (
        name in ("prod", "multiply.reduce") and count > 6
    ):
        name = "sum"
    axis = tuple(axis) if isinstance(axis, list) else axis
    return Step(name, (k,), {"axis": axis, "keepdims": draw(st.booleans())})


def _move(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    x = values[k]
    name = _name(draw, steps.MOVING)
    if not x.ndim or (x.ndim == 1 and name in ("moveaxis", "swapaxes", "diagonal")):
        name = draw(st.sampled_from(("ravel", "expand_dims", "broadcast_to")))
    axis = draw(st.integers(-x.ndim, x.ndim - 1)) if x.ndim else 0
    length, first = (x.shape[axis], x.shape[0]) if x.ndim else (1, 1)
    other = draw(st.integers(-x.ndim, x.ndim - 1)) if x.ndim else 0
    small = draw(st.integers(1, 3))
    every: dict[str, dict[str, Any]] = {
        "expand_dims": {"axis": draw(st.integers(0, x.ndim))},
        "reshape": {"shape": [-1, length]},
        "broadcast_to": {"shape": [small, *x.shape]},
        "moveaxis": {"source": axis, "destination": other},
        "swapaxes": {"axis1": axis, "axis2": other},
        "take": {"indices": [small % length, 0, length - 1], "axis": axis},
        "flip": {"axis": axis},
        "roll": {"shift": small, "axis": axis},
        "repeat": {"repeats": small, "axis": axis},
        "tile": {"reps": small},
        "index": {"slices": [_slice(draw) for _ in x.shape]},
        "split": {"parts": first, "piece": small % first},
        "array_split": {"parts": min(small, first), "piece": 0},
        "pad": {"width": small, "mode": _padding(draw)},
    }
    return Step(name, (k,), every.get(name, {}))


def _padding(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(("constant", "edge", "reflect", "symmetric", "wrap")))


def _slice(draw: st.DrawFn) -> list[int | None]:
    """Draw a slice that never is empty."""
    return draw(st.sampled_from(([None, None, -1], [None, None, 2], [0, 1, None], [-1, None, None],
                                 [None, None, None], [-2, None, None])))  # fmt: skip


def _join(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    if draw(st.booleans()):
        return Step("concatenate", (k, draw(st.sampled_from(range(len(values))))))
    same = [n for n, value in enumerate(values) if value.shape == values[k].shape]
    axis = draw(st.integers(-1, values[k].ndim))
    return Step("stack", (k, draw(st.sampled_from(same))), {"axis": axis})


# ---- truth values -------------------------------------------------------------------------------


def _truth_step(draw: st.DrawFn, values: list[Array], k: int) -> Step:
    x = values[k]
    kinds = ("where", "first", "not", "number", "reduce", "pair", "bits", "arg")
    kind = draw(st.sampled_from(kinds))
    numbers = _numbers(values)
    same = [n for n, value in enumerate(values) if value.shape == x.shape]
    if kind == "first" and numbers:
        pair = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
        return Step("where.first", (k, *pair))
    if kind == "where":
        return Step("where", (k, draw(st.sampled_from(same)), draw(st.sampled_from(same))))
    if kind == "not":
        return Step(draw(st.sampled_from(("invert", "logical_not"))), (k,))
    axis = draw(st.sampled_from((None, *range(-x.ndim, x.ndim))))
    if kind == "reduce":
        return Step(_name(draw, steps.TRUTH_REDUCING), (k,), {"axis": axis})
    if kind == "arg":
        return Step(_name(draw, steps.ARG_REDUCING), (k,), {"axis": axis})
    if kind == "pair":
        return Step(_name(draw, steps.LOGICAL), (k, draw(st.sampled_from(same))))
    if kind == "bits":
        truths = [n for n in same if values[n].boolean]
        return Step(_name(draw, steps.BITWISE), (k, draw(st.sampled_from(truths))))
    return Step("number", (k,))
