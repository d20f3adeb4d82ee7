"""A circuit as straight-line machine code: functions of bounded size, ports, and what calls them.

Instructions are cut into functions of bounded length. A value that a later function reads goes
through a slot of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.emulate.dots import with_dots
from edgetrig.emulate.kernels import INSTRUCTIONS, LANES
from edgetrig.emulate.layout import Layout, Region, groups_for, regions
from edgetrig.emulate.lowering import Lowered, lower
from edgetrig.emulate.machine import Machine, assemble
from edgetrig.emulate.matrices import Matrix, with_matrices
from edgetrig.emulate.matrix_code import MatrixWriter
from edgetrig.emulate.port_code import TYPES, Column, PortWriter, exact_in_float32, quantises
from edgetrig.emulate.slots import Part, Slots
from edgetrig.emulate.tables import table_constant
from edgetrig.emulate.vector_code import FunctionWriter, Place

KINDS = tuple(TYPES)
"""Kinds of arrays, as `run` numbers them."""

FUNCTION = 4000
"""Most vector instructions of a function, where a sum takes one for each term."""

_GATHERED = 256
"""Size of shared sums that are computed anew for products of pairs."""

_MOST_REPEATED = 4
"""Products for each operation of a graph, beyond which its shared sums save more than they cost."""

_PRODUCT = 6.0
"""A multiplication of a lane of 32 bits, in instructions on bytes."""

MODULE = 16_000
"""Most instructions that LLVM holds at a time."""

_ATTRIBUTES = (
    'attributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }'
)


@dataclass(frozen=True)
class Code:
    """Machine code of a circuit, and how to call it.

    Parameters
    ----------
    layout
        Of the frame.
    kinds
        Kinds of arrays it takes as input: of ``"float32"``, ``"float64"`` and ``"int64"``.
    objects
        Object files. The first one has ``run(inputs, outputs, frame, parts, batches, in, out)``:
        pointers to a pointer for each port (``int64``: to one for all ports), the addresses of all
        functions ``part_0``, ``part_1``, ..., the number of batches, and the kinds of input and
        output as numbers (`KINDS`). It returns 0, or 1 if events must be done another way.
    parts
        Number of functions in each object.
    """

    layout: Layout
    kinds: tuple[str, ...]
    objects: tuple[bytes, ...]
    parts: tuple[int, ...]

    def description(self) -> dict[str, Any]:
        """Return all but the objects, as JSON takes it."""
        return {"layout": asdict(self.layout), "kinds": self.kinds, "parts": self.parts}

    @classmethod
    def described(cls, description: Any, objects: list[bytes]) -> Code:
        """Return the code with a description and objects."""
        fields = dict(description["layout"])
        for name in ("inputs", "outputs"):
            fields[name] = tuple(Region(**region) for region in fields[name])
        kinds, parts = (tuple(description[name]) for name in ("kinds", "parts"))
        return cls(Layout(**fields), kinds, tuple(objects), parts)


def make_code(circuit: Circuit, machine: Machine) -> Code:
    """Compile a circuit whose values fit 64 bits."""
    lowered, matrices, narrowest = _lower(circuit, machine)
    sizes = _sizes(lowered)
    parts = _parts(sizes, matrices)
    slots = Slots(lowered, parts)
    layout = _layout(circuit, lowered, slots, machine.vector >> narrowest)
    places = slots.places(lowered, layout)
    stores = _stores(lowered, slots, layout, places, parts)
    writer = FunctionWriter(
        lowered, circuit.tables, layout, places, permutes=machine.permutes_words
    )
    kinds = _kinds(circuit)
    objects: list[bytes] = []
    counts: list[int] = []
    for numbers in _modules(parts, sizes):
        lines = [f'target triple = "{machine.triple}"', _ATTRIBUTES]
        code = lowered.code[parts[numbers[0]].first : parts[numbers[-1]].last]
        lines += _table_constants(circuit, code)
        matrix_writer = MatrixWriter(layout, places)
        for number in numbers:
            part, name = parts[number], f"part_{number}"
            if part.matrix:
                lines += matrix_writer.function(name, part.matrix)
            else:
                lines += writer.function(name, part.first, part.last, stores[number])
        lines += matrix_writer.tiles()
        if not objects:
            lines += _port_functions(circuit, layout, machine, kinds)
            lines += _run(circuit, layout, kinds, len(parts))
        objects.append(assemble("\n".join(lines), machine))
        counts.append(len(numbers))
    return Code(layout, kinds, tuple(objects), tuple(counts))


def _sizes(lowered: Lowered) -> NDArray[np.int64]:
    """Return how many vector instructions there are before each instruction, and in all."""
    kind, count = lowered.code[:, 0] >> 2, lowered.code[:, 6]
    size = np.where(kind == INSTRUCTIONS.index("sum"), count - 2, 1).clip(1)
    return np.concatenate([[0], np.cumsum(size, dtype=np.int64)])


def _parts(sizes: NDArray[np.int64], matrices: list[Matrix]) -> list[Part]:
    """Return what functions compute: matrices, and the instructions between them."""
    parts: list[Part] = []
    first, count = 0, len(sizes) - 1
    for stop, matrix in [*((matrix.at, matrix) for matrix in matrices), (count, None)]:
        while first < stop:
            most = int(np.searchsorted(sizes, sizes[first] + FUNCTION, side="right")) - 1
            last = min(stop, max(most, first + 1))
            parts.append(Part(first, last))
            first = last
        if matrix:
            parts.append(Part(stop, stop, matrix))
    # The last one stores outputs that matrices make, and those that are inputs.
    return parts if parts and not parts[-1].matrix else [*parts, Part(count, count)]


def _modules(parts: list[Part], sizes: NDArray[np.int64]) -> list[range]:
    """Return the numbers of parts that LLVM holds at a time."""
    modules, first = [], 0
    for number, part in enumerate(parts):
        if sizes[part.last] - sizes[parts[first].first] > MODULE and number > first:
            modules.append(range(first, number))
            first = number
    return [*modules, range(first, len(parts))]


def _lower(circuit: Circuit, machine: Machine) -> tuple[Lowered, list[Matrix], int]:
    """Lower a circuit in the way that costs least; return its matrices and narrowest lane, too."""
    choices: list[tuple[Lowered, list[Matrix], int]] = [
        (lower(circuit, sizes=(-1,), narrowest=lane), [], lane) for lane in range(LANES)
    ]
    gathered = lower(circuit, sizes=(_GATHERED,), narrowest=1)
    if len(gathered.terms) > _MOST_REPEATED * len(choices[1][0].code):
        return min(choices, key=lambda choice: _cost(*choice))
    if machine.multiplies_bytes:
        choices.append((with_dots(gathered), [], 1))
    if machine.multiplies_words:
        choices.append((*with_matrices(gathered, bytes_too=machine.multiplies_four_bytes), 1))
    return min(choices, key=lambda choice: _cost(*choice))


def _cost(lowered: Lowered, matrices: list[Matrix], narrowest: int) -> float:
    """Return about how much work an event is, in vector instructions on bytes."""
    kind, lane = lowered.code[:, 0] >> 2, lowered.code[:, 0] & 3
    # A sum is an addition for each term but one, and a shift or a product for most.
    sums = np.flatnonzero(kind == INSTRUCTIONS.index("sum"))
    first, count = lowered.code[sums, 7], lowered.code[sums, 6]
    plain = np.concatenate([[0], np.cumsum(np.abs(lowered.terms[:, 1]) == 1)])
    work = np.ones(len(kind))
    work[sums] = 2.0 * count - 3 - (plain[first + count] - plain[first + 1])
    # What takes several registers leaves fewer for the rest; bytes can be added, but hardly more.
    work *= np.where(lane > narrowest, 1.25, 1.0) * np.where(lane == 0, 1.5, 1 << lane)
    return float(work.sum()) + _PRODUCT * sum(matrix.work for matrix in matrices)


def _kinds(circuit: Circuit) -> tuple[str, ...]:
    if not all(quantises(port) for port in circuit.inputs):
        return ("int64",)
    if not all(exact_in_float32(port) for port in circuit.inputs):
        return ("float64", "int64")
    return ("float32", "float64", "int64")


# ---- the frame ----------------------------------------------------------------------------------


def _layout(circuit: Circuit, lowered: Lowered, slots: Slots, group: int) -> Layout:
    """Return where ports lie in the frame, and how many groups of events it is made for."""
    lanes = np.zeros(sum(port.size for port in circuit.inputs), np.int64)
    given = lowered.element >= 0
    np.maximum.at(lanes, lowered.element[given], lowered.lane[given])
    inputs, end = regions([port.size for port in circuit.inputs], lanes, 0)
    stored = lowered.lane[lowered.stored]
    outputs, end = regions([port.rows.size for port in circuit.outputs], stored, end)
    size = end + slots.bytes
    return Layout(group, groups_for(group, size), inputs, outputs, size)


def _stores(
    lowered: Lowered,
    slots: Slots,
    layout: Layout,
    places: dict[int, Place],
    parts: list[Part],
) -> list[dict[int, list[Place]]]:
    """Return for each function where it stores which values; matrices store by themselves."""
    stores: list[dict[int, list[Place]]] = [{} for _ in parts]
    for value in np.flatnonzero(slots.number >= 0).tolist():
        stores[slots.made[value]].setdefault(value, []).append(places[value])
    values = iter(lowered.stored.tolist())
    for region in layout.outputs:
        for element in range(region.size):
            value = next(values)
            place = Place(layout.place(region, element), region.lane)
            maker = slots.made[value]
            number = len(parts) - 1 if maker < 0 or parts[maker].matrix else maker
            stores[number].setdefault(value, []).append(place)
    return stores


# ---- the rest of the text -----------------------------------------------------------------------


def _table_constants(circuit: Circuit, code: NDArray[np.int32]) -> list[str]:
    reads = code[code[:, 0] >> 2 == INSTRUCTIONS.index("table")]
    pairs = np.unique(np.stack([reads[:, 6], (reads[:, 0] & 3).clip(2)], axis=1), axis=0)
    return [table_constant(circuit.tables[k], k, lane) for k, lane in pairs.tolist()]


def _port_functions(
    circuit: Circuit, layout: Layout, machine: Machine, kinds: tuple[str, ...]
) -> Iterator[str]:
    """Yield functions that load and store each port from and to each kind of array."""
    width = machine.vector // 8
    stride = sum(port.size for port in circuit.inputs)
    first = 0
    for number, (port, region) in enumerate(zip(circuit.inputs, layout.inputs, strict=True)):
        for kind in kinds if port.size else ():
            column = Column(first, stride) if kind == "int64" else Column(0, port.size)
            writer = PortWriter(f"load_{kind}_{number}", layout, region, kind, column, width)
            yield from writer.load(port)
        first += port.size
    stride = len(circuit.output_rows)
    first = 0
    for number, (output, region) in enumerate(zip(circuit.outputs, layout.outputs, strict=True)):
        for kind in ("float64", "int64") if region.size else ():
            column = Column(first, stride) if kind == "int64" else Column(0, region.size)
            writer = PortWriter(f"store_{kind}_{number}", layout, region, kind, column, width)
            yield from writer.store(output)
        first += region.size


def _run(circuit: Circuit, layout: Layout, kinds: tuple[str, ...], parts: int) -> Iterator[str]:
    """Yield the function that does batch after batch."""
    arguments = "ptr %inputs, ptr %outputs, ptr %frame, ptr %parts, i64 %batches, i64 %in, i64 %out"
    yield f"define i64 @run({arguments}) {{"
    yield "entry:\n %noted = alloca i64\n store i64 0, ptr %noted\n br label %batch"
    yield "batch:\n %b = phi i64 [0, %entry], [%b1, %next]"
    yield f" %event = mul i64 %b, {layout.batch}"
    yield f" switch i64 %in, label %end [{_cases('load', kinds)}]"
    for kind in kinds:
        yield f"load_{KINDS.index(kind)}:"
        yield from _loads(circuit, kind)
        yield " br label %compute"
    yield "compute:\n br label %part"
    yield "part:\n %p = phi i64 [0, %compute], [%p1, %part]"
    yield " %place = getelementptr ptr, ptr %parts, i64 %p\n %function = load ptr, ptr %place"
    yield " call void %function(ptr %frame)\n %p1 = add i64 %p, 1"
    yield f" %again = icmp ult i64 %p1, {parts}\n br i1 %again, label %part, label %computed"
    yield "computed:"
    yield f" switch i64 %out, label %end [{_cases('store', KINDS[1:])}]"
    for kind in KINDS[1:]:
        yield f"store_{KINDS.index(kind)}:"
        yield from _stores_of(circuit, kind)
        yield " br label %next"
    yield "next:\n %b1 = add i64 %b, 1\n %more = icmp ult i64 %b1, %batches"
    yield " br i1 %more, label %batch, label %end"
    yield "end:\n %result = load i64, ptr %noted\n ret i64 %result\n}"


def _cases(name: str, kinds: tuple[str, ...]) -> str:
    numbers = (KINDS.index(kind) for kind in kinds)
    return " ".join(f"i64 {number}, label %{name}_{number}" for number in numbers)


def _loads(circuit: Circuit, kind: str) -> Iterator[str]:
    stride = sum(port.size for port in circuit.inputs)
    for number, port in enumerate(circuit.inputs):
        if port.size:
            name, one = f"load_{kind}_{number}", kind == "int64"
            yield from _line(
                name, "%inputs", 0 if one else number, kind, stride if one else port.size
            )
            yield f" %{name}_noted = call i64 @{name}(ptr %{name}, ptr %frame)"
            yield f" %{name}_old = load i64, ptr %noted"
            yield f" %{name}_new = or i64 %{name}_old, %{name}_noted"
            yield f" store i64 %{name}_new, ptr %noted"


def _stores_of(circuit: Circuit, kind: str) -> Iterator[str]:
    stride = len(circuit.output_rows)
    for number, port in enumerate(circuit.outputs):
        if port.rows.size:
            name, one = f"store_{kind}_{number}", kind == "int64"
            size = stride if one else port.rows.size
            yield from _line(name, "%outputs", 0 if one else number, kind, size)
            yield f" call void @{name}(ptr %{name}, ptr %frame)"


def _line(name: str, arrays: str, number: int, kind: str, stride: int) -> Iterator[str]:
    """Yield the address of the batch's first event in an array."""
    yield f" %{name}_place = getelementptr ptr, ptr {arrays}, i64 {number}"
    yield f" %{name}_array = load ptr, ptr %{name}_place"
    yield f" %{name}_first = mul i64 %event, {stride}"
    yield f" %{name} = getelementptr {TYPES[kind]}, ptr %{name}_array, i64 %{name}_first"
