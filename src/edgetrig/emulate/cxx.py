"""A circuit as a C++ header without dependencies, for the software of an experiment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np

from edgetrig.circuit import OPERANDS, Circuit, Input, Op, live_rows, width
from edgetrig.errors import CircuitError

_T = TypeVar("_T")

CHUNK: Final = 2000
"""Rows in one C++ function; a compiler's time grows faster than a function's length."""

WIDEST: Final = 126
"""Bits that the widest integers of GCC and Clang hold, with room for one sum."""

_BINARY: Final = {Op.MUL: "*", Op.LT: "<", Op.EQ: "==", Op.AND: "&", Op.OR: "|", Op.XOR: "^"}


def cpp_files(circuit: Circuit, name: str) -> dict[str, str]:
    """Return C++ that computes a circuit's outputs exactly, by file name.

    ``NAME.h`` holds the namespace ``NAME`` with ``evaluate`` on hardware integers and ``predict``
    on numbers; ``NAME.cpp`` makes them a shared library with C linkage; ``Makefile`` builds it.

    Parameters
    ----------
    circuit
        The circuit; registers only delay and are left out.
    name
        Name of the files and the namespace; turned into an identifier.

    Raises
    ------
    CircuitError
        If a value needs more than 126 bits.
    """
    space = re.sub(r"\W", "_", name, flags=re.ASCII)
    # No C++ keyword begins like this, and no identifier with a digit.
    space = space if re.match(r"[A-Za-z]\w*_", space) else f"trigger_{space}"
    writer = _Writer(circuit)
    return {
        f"{space}.h": "\n".join(writer.header(space)) + "\n",
        f"{space}.cpp": _LIBRARY.format(name=space),
        "Makefile": _MAKEFILE.format(name=space),
    }


class _Writer:
    """Writes the rows of one circuit."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        rows = circuit.rows
        self.rows = np.flatnonzero(live_rows(rows.operands, circuit.output_rows)).tolist()
        self.op, self.p = rows.op.tolist(), rows.p.tolist()
        self.operands = rows.operands.tolist()
        self.lo, self.hi = rows.lo.tolist(), rows.hi.tolist()
        self.wide = {row: self._is_wide(row) for row in self.rows}
        self.counts = [0, 0]
        self.place: dict[int, int] = {}
        for row in self.rows:
            self.place[row] = self.counts[self.wide[row]]
            self.counts[self.wide[row]] += 1

    def _is_wide(self, row: int) -> bool:
        """Whether a row, or a term in it, needs more than 63 bits."""
        shift = self.p[row] if self.op[row] in (Op.ADD, Op.SUB) else 0
        scale = (max(-shift, 0), max(shift, 0), 0)
        count = OPERANDS[self.op[row]]
        bits = [width(self.lo[row], self.hi[row])]
        for k, operand in enumerate(self.operands[row][:count]):
            bits.append(width(self.lo[operand], self.hi[operand]) + scale[k])
        needed = max(bits) + 2  # a sum of three terms, and a sign
        if needed > WIDEST:
            raise CircuitError(f"a value of {needed} bits; C++ has integers of {WIDEST}")
        return needed > 64

    def header(self, space: str) -> Iterator[str]:
        """Yield the lines of the header."""
        circuit = self.circuit
        inputs = sum(port.size for port in circuit.inputs)
        outputs = len(circuit.output_rows)
        yield f"// {space}: the bits that the hardware computes. C++11, no dependencies."
        for port in circuit.inputs:
            yield f"//   input {_plain(port.name)}: {port.size} numbers"
        for out in circuit.outputs:
            yield f"//   output {_plain(out.name)}: {out.rows.size} numbers"
        yield from (f"#ifndef {space.upper()}_H", f"#define {space.upper()}_H", "")
        yield from ("#include <cmath>", "#include <cstdint>", "", f"namespace {space} {{", "")
        yield f"constexpr int n_inputs = {inputs};"
        yield f"constexpr int n_outputs = {outputs};"
        yield from ("using value = std::int64_t;", "", "namespace detail {", "")
        if any(self.wide.values()):
            yield from ("__extension__ typedef __int128 wide;", "")
        for mode in sorted({port.rounding for port in circuit.inputs}):
            yield from _rounding(mode)
        yield _RANGES
        yield from self._tables()
        names = []
        for number, chunk in enumerate(_batches(self.rows, CHUNK)):
            names.append(f"part{number}")
            yield from self._function(names[-1], chunk)
        yield from ("}  // namespace detail", "")
        yield from self._evaluate(names)
        yield from self._predict()
        yield from ("", f"}}  // namespace {space}", "#endif")

    def _tables(self) -> Iterator[str]:
        used = sorted({self.p[row] for row in self.rows if self.op[row] == Op.TABLE})
        for number in used:
            entries = [str(int(v)) for v in self.circuit.tables[number].values]
            yield f"static const value table{number}[{len(entries)}] = {{"
            yield from (f"  {', '.join(line)}," for line in _batches(entries, 16))
            yield from ("};", "")

    def _function(self, name: str, rows: Sequence[int]) -> Iterator[str]:
        """Yield a function of some rows: what others read it leaves in ``v`` and ``w``."""
        arrays = "value* v, wide* w" if any(self.wide.values()) else "value* v"
        yield f"inline void {name}(const value* in, {arrays}) {{"
        yield "  (void)in;"
        yield from (f"  {self._name(row)} = {self._expression(row)};" for row in rows)
        yield from ("}", "")

    def _name(self, row: int) -> str:
        return f"{'w' if self.wide[row] else 'v'}[{self.place[row]}]"

    def _expression(self, row: int) -> str:
        op, p = self.op[row], self.p[row]
        kind = "wide" if self.wide[row] else "value"
        terms = [f"{kind}({self._name(k)})" for k in self.operands[row][: OPERANDS[op]]]
        a, b, c = [*terms, "", "", ""][:3]
        if op == Op.INPUT:
            return f"in[{p}]"
        if op == Op.CONST:
            return _literal(self.lo[row], kind)
        if op in (Op.ADD, Op.SUB):
            sign = "+" if op == Op.ADD else "-"
            left, right = _literal(1 << max(-p, 0), kind), _literal(1 << max(p, 0), kind)
            return f"{a} * {left} {sign} {b} * {right}"
        if op == Op.ADD3:
            return f"{a} {'-' if p == 2 else '+'} {b} {'-' if p else '+'} {c}"
        if op == Op.NEG:
            return f"-{a}"
        if op == Op.SHL:
            return f"{a} * {_literal(1 << p, kind)}"
        if op == Op.SHR:
            return f"{a} >> {min(p, 127 if kind == 'wide' else 63)}"
        if op in (Op.LOW, Op.LOWS):
            return self._low(row, a, kind)
        if op == Op.SELECT:
            return f"{a} ? {b} : {c}"
        if op == Op.TABLE:
            start = self.circuit.tables[p].start
            return f"table{p}[{a} - {_literal(start, kind)}]"
        if op == Op.REG:
            return a
        return f"{a} {_BINARY[op]} {b}"

    def _low(self, row: int, a: str, kind: str) -> str:
        p = self.p[row]
        operand = self.operands[row][0]
        signed = self.op[row] == Op.LOWS
        whole = p > width(self.lo[operand], self.hi[operand])
        if whole and (signed or self.lo[operand] >= 0):
            return a  # nothing is cut off
        mask = _literal((1 << p) - 1, kind)
        if not signed:
            return f"{a} & {mask}"
        sign = _literal(1 << (p - 1), kind)
        return f"(({a} & {mask}) ^ {sign}) - {sign}"

    def _evaluate(self, names: list[str]) -> Iterator[str]:
        wide = any(self.wide.values())
        yield "// Hardware integers in, hardware integers out, all ports in order."
        yield "inline void evaluate(const value* in, value* out) {"
        yield f"  value v[{max(self.counts[0], 1)}];"
        if wide:
            yield f"  detail::wide w[{max(self.counts[1], 1)}];"
        arguments = "in, v, w" if wide else "in, v"
        yield from (f"  detail::{name}({arguments});" for name in names)
        for number, row in enumerate(self.circuit.output_rows.tolist()):
            if width(self.lo[row], self.hi[row]) + (self.lo[row] >= 0) > 64:
                raise CircuitError("an output has more than 64 bits, which C++ cannot return")
            yield f"  out[{number}] = value({self._name(row)});"
        yield from ("}", "")

    def _predict(self) -> Iterator[str]:
        yield "// Numbers in, quantised as the input ports say; numbers out."
        yield "inline void predict(const double* x, double* y) {"
        yield "  value in[n_inputs + 1], out[n_outputs + 1];"
        first = 0
        for port in self.circuit.inputs:
            for line in _conversions(port, first):
                yield f"  {line}"
            first += port.size
        yield "  evaluate(in, out);"
        fractions = [f for port in self.circuit.outputs for f in port.fraction.ravel().tolist()]
        for number, fraction in enumerate(fractions):
            yield f"  y[{number}] = std::ldexp(double(out[{number}]), {-fraction});"
        yield "}"


def _conversions(port: Input, first: int) -> Iterator[str]:
    """Yield the statements that round and clip a port's numbers."""
    columns = (port.lo, port.hi, port.fraction)
    elements = zip(*(column.ravel().tolist() for column in columns), strict=True)
    for k, (lo, hi, fraction) in enumerate(elements):
        if max(-lo, hi) >= 1 << 53:
            raise CircuitError(f"input {port.name}: codes beyond 53 bits have no exact double")
        code = f"detail::{port.rounding.lower()}(std::ldexp(x[{first + k}], {fraction}))"
        bring = _INTO_RANGE[port.overflow]
        yield f"in[{first + k}] = value(detail::{bring}({code}, {float(lo)!r}, {float(hi)!r}));"


_UP_AND_DOWN: Final = {
    "TRN": ("false", "rest < 0"),
    "TRN_ZERO": ("false", "false"),
    "RND": ("rest >= 0.5", "rest < -0.5"),
    "RND_MIN_INF": ("rest > 0.5", "rest <= -0.5"),
    "RND_ZERO": ("rest > 0.5", "rest < -0.5"),
    "RND_INF": ("rest >= 0.5", "rest <= -0.5"),
}


def _rounding(mode: str) -> Iterator[str]:
    """Yield a function that rounds to whole numbers; the rest behind the point is exact."""
    yield f"inline double {mode.lower()}(double x) {{"
    if mode == "RND_CONV":
        yield "  return std::nearbyint(x);"
    else:
        up, down = _UP_AND_DOWN[mode]
        yield "  double whole = std::trunc(x), rest = x - whole;"
        yield "  (void)rest;"
        yield f"  return whole + ({up}) - ({down});"
    yield from ("}", "")


_RANGES: Final = """inline double clip(double x, double lo, double hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

inline double zero_outside(double x, double lo, double hi) {
  return x < lo || x > hi ? 0 : x;
}

inline double wrap(double x, double lo, double hi) {
  double span = hi - lo + 1, rest = std::fmod(x - lo, span);
  return (rest < 0 ? rest + span : rest) + lo;
}

// Inverts the kept bits where the highest of them and the lowest dropped one differ.
inline double wrap_magnitude(double x, double lo, double hi) {
  double once = wrap(x, lo, hi), twice = wrap(x, 2 * lo, 2 * hi + 1);
  return lo < 0 && once != twice ? -1 - once : once;
}
"""

_INTO_RANGE: Final = {
    "SAT": "clip",
    "SAT_SYM": "clip",
    "SAT_ZERO": "zero_outside",
    "WRAP": "wrap",
    "WRAP_SM": "wrap_magnitude",
}


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _literal(number: int, kind: str) -> str:
    """Return an integer; C++ has no literals beyond 64 bits and none for the lowest one."""
    if kind == "wide" and not -(1 << 62) < number < 1 << 62:
        high, low = number >> 62, number & ((1 << 62) - 1)
        return f"(wide({high}LL) * wide({1 << 62}LL) + wide({low}LL))"
    return f"{kind}({number}LL)"


def _plain(text: str) -> str:
    """Return a name fit for a comment of one line."""
    return re.sub(r"[^\w ./:-]", "_", text)


_LIBRARY = """// C linkage for the functions of {name}.h, over many events at once.
#include "{name}.h"

#include <cstddef>

extern "C" void {name}_evaluate(const std::int64_t* in, std::int64_t* out, std::size_t events) {{
  for (std::size_t k = 0; k < events; ++k)
    {name}::evaluate(in + k * {name}::n_inputs, out + k * {name}::n_outputs);
}}

extern "C" void {name}_predict(const double* x, double* y, std::size_t events) {{
  for (std::size_t k = 0; k < events; ++k)
    {name}::predict(x + k * {name}::n_inputs, y + k * {name}::n_outputs);
}}
"""

_MAKEFILE = """CXXFLAGS ?= -O2
lib{name}.so: {name}.cpp {name}.h
\t$(CXX) -std=c++11 $(CXXFLAGS) -shared -fPIC -o $@ {name}.cpp
"""
