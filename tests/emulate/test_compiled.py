"""The compiled engine computes what the printed circuit says, on every processor it is made for."""

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import awkward_floats, integers, random_circuits, random_codes, random_programs
from edgetrig.circuit import (
    OPERANDS,
    OVERFLOWS,
    ROUNDINGS,
    Builder,
    Circuit,
    Input,
    Op,
    Output,
    Table,
    fixed_input,
    quantize,
    trace,
)
from edgetrig.emulate import Emulator, code_cache, straight
from edgetrig.emulate.compiled import CompiledEngine
from edgetrig.emulate.machine import Machine, host
from edgetrig.emulate.ports import Inputs
from edgetrig.errors import DataError
from edgetrig.verify.reference import evaluate

TRIPLE = host().triple
MACHINES = [host()]
if TRIPLE.startswith("x86_64"):
    known = set(host().features.split(","))
    MACHINES.append(Machine(TRIPLE, "x86-64"))
    MACHINES += [
        Machine(TRIPLE, f"x86-64-v{level}")
        for level, feature in ((3, "+avx2"), (4, "+avx512bw"))
        if feature in known
    ]


def compiled(circuit: Circuit, codes: np.ndarray, machine: Machine = MACHINES[0]) -> np.ndarray:
    engine = CompiledEngine(circuit, Inputs(circuit), machine)
    out = np.empty((len(codes), len(circuit.output_rows)), np.int64)
    engine.codes(engine.memory(), codes, out, 0)
    return out


def assert_same_bits(circuit: Circuit, codes: np.ndarray, machine: Machine = MACHINES[0]) -> None:
    expected = evaluate(str(circuit), codes.tolist())
    assert compiled(circuit, codes, machine).tolist() == expected


@settings(max_examples=60)
@given(
    random_circuits(max_rows=60), st.integers(0, 99), st.sampled_from(MACHINES), st.integers(1, 9)
)
def test_random_circuits(circuit: Circuit, seed: int, machine: Machine, events: int) -> None:
    assert_same_bits(circuit, random_codes(circuit, events, seed), machine)


@settings(max_examples=20)
@given(random_circuits(registers=True), st.integers(0, 99), st.integers(1, 7))
def test_functions_of_any_size(circuit: Circuit, seed: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(straight, "FUNCTION", size)
        patch.setattr(straight, "MODULE", 2 * size)
        # Other sizes are other code: what is on disk would not be for this one.
        patch.setattr(code_cache, "read", lambda name: None)
        assert_same_bits(circuit, random_codes(circuit, 40, seed))


@settings(max_examples=15)
@given(random_programs())
def test_random_programs(program) -> None:
    codes = random_codes(program.circuit, 20)
    result = Emulator(program.circuit).codes(codes, engine="compiled")
    assert result.tolist() == program.expected(codes)


@settings(max_examples=5)
@given(random_circuits(wide=True), st.integers(0, 99))
def test_wide_circuits_run_on_python_integers(circuit: Circuit, seed: int) -> None:
    codes = random_codes(circuit, 7, seed)
    result = Emulator(circuit).codes(codes, engine="compiled")
    assert result.tolist() == evaluate(str(circuit), codes.tolist())


# ---- every operation at the corners of machine words ---------------------------------------------

WORDS = (7, 8, 15, 16, 31, 32, 61, 62, 63)


def around(bits: int) -> list[tuple[int, int]]:
    one = 1 << bits
    return [(0, one - 1), (-one, one - 1), (0, one), (-one - 1, 0), (one - 2, one + 1), (-one, -1)]


def many_rows(op: Op, cases: list[tuple[list[tuple[int, int]], int]]) -> Circuit:
    """Return a circuit with the operation once for each case: intervals of its operands, and p."""
    builder = Builder()
    ends = [interval for intervals, _ in cases for interval in intervals]
    low, high = (integers([end[k] for end in ends]) for k in (0, 1))
    port = Input("x", low, high, np.zeros(len(ends), np.int64))
    rows = iter(builder.input(0, port).tolist())
    results = [
        int(builder.append(op, *([*(next(rows) for _ in intervals), 0, 0][:3]), p))
        for intervals, p in cases
    ]
    return builder.finish([port], [Output("y", np.array(results), np.zeros(len(results), int))])


def cases_of(op: Op) -> Iterator[tuple[list[tuple[int, int]], int]]:
    shifts = {Op.ADD: (0, 1, -1, 9, -9), Op.SUB: (0, 1, -1, 9, -9), Op.ADD3: (0, 1, 2)}
    single = (1, 7, 8, 9, 16, 31, 33, 62, 64, 65)
    for bits in WORDS:
        for first in around(bits):
            if op == Op.SELECT:
                yield [(0, 1), first, (-3, 5)], 0
            elif OPERANDS[op] == 1:
                yield from (([first], p) for p in (single if op != Op.NEG else (0,)))
            else:
                for p in shifts.get(op, (0,)):
                    yield [first, first, (-1, 1)][: OPERANDS[op]], p
                    yield [first, (-128, 127), first][: OPERANDS[op]], p


@pytest.mark.parametrize("op", sorted(set(Op) - {Op.INPUT, Op.CONST, Op.TABLE, Op.REG}))
def test_operations_at_word_corners(op: Op) -> None:
    cases = [case for case in cases_of(op) if all(max(map(abs, i)) < 1 << 62 for i in case[0])]
    # Every seventh case: these circuits are large, and others test the interpreter with all cases.
    circuit = many_rows(op, [case for case in cases if one_fits(op, case)][::7])
    codes = random_codes(circuit, 25)
    expected = evaluate(str(circuit), codes.tolist())
    for machine in MACHINES:
        assert compiled(circuit, codes, machine).tolist() == expected


def one_fits(op: Op, case: tuple[list[tuple[int, int]], int]) -> bool:
    intervals, p = case
    most = max(max(abs(a), abs(b)) for a, b in intervals).bit_length()
    grown = {Op.MUL: 2 * most, Op.SHL: most + p, Op.ADD3: most + 2, Op.SHR: most, Op.LOWS: most}
    grown[Op.LOW] = p
    return grown.get(op, most + abs(p if op in (Op.ADD, Op.SUB) else 0) + 1) <= 62


@pytest.mark.parametrize("ends", [(0, 255), (-128, 127), (0, 63), (-100, 120), (0, 300)])
@pytest.mark.parametrize("weight", [3, 128])
def test_matrices(ends: tuple[int, int], weight: int) -> None:
    generator = np.random.default_rng(weight)
    port = Input("x", np.full(23, ends[0]), np.full(23, ends[1]), np.zeros(23, np.int64))
    first = generator.integers(-weight, weight + 1, (23, 19)) * (generator.random((23, 19)) < 0.7)
    second = generator.integers(-weight, weight + 1, (19, 17))

    def function(x):
        hidden = quantize(np.maximum(x @ first + 7, 0), 0, 8, -2, "TRN", "SAT")
        return hidden @ second

    circuit = trace(function, port)
    codes = random_codes(circuit, 60)
    expected = evaluate(str(circuit), codes.tolist())
    for machine in MACHINES:
        assert compiled(circuit, codes, machine).tolist() == expected


@pytest.mark.parametrize("shift", [1, 6, 15])
@pytest.mark.parametrize("bits", [7, 15, 31])
def test_clips(bits: int, shift: int) -> None:
    builder = Builder()
    low, high = np.array([-(1 << bits), 0]), np.array([(1 << bits) - 1, 1 << bits])
    x, y = builder.input(0, Input("x", low, high, np.zeros(2, np.int64)))
    zero, one, top, less = builder.constant(np.array([0, 1, (1 << shift) - 1, (1 << shift) - 2]))
    shifted, negative = builder.append(Op.SHR, x, p=shift), builder.append(Op.LT, x, zero)
    inside = builder.append(Op.LT, builder.append(Op.SHR, y, p=shift), one)
    rows = [builder.append(Op.SELECT, negative, zero, shifted)]
    rows += [builder.append(Op.SELECT, inside, y, choice) for choice in (top, less)]
    port = Input("x", low, high, np.zeros(2, np.int64))
    circuit = builder.finish([port], [Output("y", np.array(rows), np.zeros(3, np.int64))])
    codes = random_codes(circuit, 60)
    expected = evaluate(str(circuit), codes.tolist())
    for engine in ("interpreted", "compiled"):
        assert Emulator(circuit).codes(codes, engine=engine).tolist() == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_tables(machine: Machine) -> None:
    builder = Builder()
    sizes = (1, 2, 3, 5, 16, 17, 64, 65, 200, 256, 1000, 3000)
    shapes = [(size, start, bits) for size in sizes for start, bits in ((-size // 2, 7), (90, 15))]
    shapes += [(300, -(1 << 40), 31), (40, 1 << 20, 61), (9, -4, 61), (70, 100_000, 7)]
    low = np.array([start for _, start, _ in shapes])
    high = low + np.array([size for size, _, _ in shapes]) - 1
    port = Input("x", low, high, np.zeros(len(low), np.int64))
    results = []
    for row, (size, start, bits) in zip(builder.input(0, port).tolist(), shapes, strict=True):
        values = (np.arange(size) * 40503 * 65537) % (2 << bits) - (1 << bits)
        if start > -(1 << 30):
            results.append(builder.append(Op.TABLE, row, p=builder.table(Table(start, values))))
    outputs = np.array(results)
    circuit = builder.finish([port], [Output("y", outputs, np.zeros(len(outputs), np.int64))])
    generator = np.random.default_rng(0)
    codes = np.concatenate([[low, high], generator.integers(low, high + 1, (500, len(low)))])
    assert_same_bits(circuit, codes, machine)


def test_a_table_larger_than_its_operand() -> None:
    builder = Builder()
    port = Input("x", np.array([-5, 0]), np.array([100, 20]), np.zeros(2, np.int64))
    tables = [Table(-1000, np.arange(5000) * 7 % 255), Table(-1000, np.arange(1100) - 3)]
    rows = [
        builder.append(Op.TABLE, row, p=builder.table(table))
        for row, table in zip(builder.input(0, port).tolist(), tables, strict=True)
    ]
    circuit = builder.finish([port], [Output("y", np.array(rows), np.zeros(2, np.int64))])
    for machine in MACHINES:
        assert_same_bits(circuit, random_codes(circuit, 50), machine)


def test_outputs_may_be_inputs_and_constants() -> None:
    builder = Builder()
    port = Input("x", np.array([-3, 0]), np.array([400, 1]), np.zeros(2, np.int64))
    x, y = builder.input(0, port)
    rows = np.array([x, builder.constant(np.array([-70000]))[0], builder.append(Op.REG, x), y, x])
    circuit = builder.finish([port], [Output("y", rows, np.zeros(5, np.int64))])
    assert_same_bits(circuit, random_codes(circuit, 5))


def test_no_inputs() -> None:
    builder = Builder()
    rows = builder.constant(np.array([5, -9]))
    circuit = builder.finish([], [Output("y", rows, np.array([1, 0]))])
    assert compiled(circuit, np.zeros((3, 0), np.int64)).tolist() == [[5, -9]] * 3


# ---- floats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_floats_are_quantised_as_by_the_interpreter(rounding: str, overflow: str) -> None:
    modes = {"rounding": rounding, "overflow": overflow}
    # One port smaller than a square of the transposition, one larger, one with negative points.
    ports = [
        fixed_input("a", 3, signed=1, integer=3, fraction=4, **modes),
        fixed_input(
            "b", 11, signed=[1, 0] * 5 + [1], integer=range(11), fraction=range(11, 0, -1), **modes
        ),
        fixed_input("c", (), signed=1, integer=7, fraction=-2, **modes),
        fixed_input("d", 9, signed=1, integer=20, fraction=9, **modes),
    ]
    for group in (ports[:2], ports[2:]):
        circuit = trace(lambda *arrays: {f"y{k}": a * 1 for k, a in enumerate(arrays)}, *group)
        emulator = Emulator(circuit)
        values = np.concatenate([awkward_floats(f) for f in (-2, 4, 9)])
        given = {port.name: spread(values, port) for port in group}
        for kind in (np.float64, np.float32):
            with np.errstate(over="ignore"):
                x = {name: array.astype(kind) for name, array in given.items()}
            x = {name: np.where(np.isfinite(array), array, 0) for name, array in x.items()}
            expected = emulator.predict(x, engine="interpreted")
            result = emulator.predict(x, engine="compiled")
            assert all(np.array_equal(result[name], expected[name]) for name in expected)


def spread(values: np.ndarray, port: Input) -> np.ndarray:
    columns = [np.roll(values, 37 * k) for k in range(port.size)]
    return np.stack(columns, axis=1).reshape(len(values), *port.shape)


def network() -> Circuit:
    weights = np.random.default_rng(1).integers(-8, 9, (6, 5)) / 8

    def function(x, y):
        hidden = quantize(np.maximum(x.reshape(6) @ weights, 0), 0, 3, 3, "RND", "SAT")
        return {"score": hidden @ weights[:5, 0], "hidden": hidden * y}

    return trace(
        function,
        fixed_input("x", (2, 3), integer=3, fraction=4),
        fixed_input("y", (), signed=0, integer=1, fraction=2, overflow="WRAP"),
    )


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(network())


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(2)
    return {"x": generator.normal(0, 4, (50_001, 2, 3)), "y": generator.normal(0, 4, 50_001)}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def test_numbers_of_events_and_threads(emulator: Emulator, data: dict[str, np.ndarray]) -> None:
    expected = emulator.predict(data, engine="interpreted")
    for events in (0, 1, 31, 1024, 16_384, 16_385, 50_001):
        for threads in (1, 3):
            part = {name: array[:events] for name, array in data.items()}
            result = emulator.predict(part, threads=threads, engine="compiled")
            assert same(result, {name: array[:events] for name, array in expected.items()})


def test_all_kinds_of_arrays(
    emulator: Emulator, data: dict[str, np.ndarray], tmp_path: Path
) -> None:
    x, y = np.round(data["x"][:3000] * 8) / 8, np.arange(3000) % 8
    expected = emulator.predict({"x": x, "y": y}, engine="interpreted")
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    mapped[:] = x
    every_other = np.repeat(x, 2, axis=0)[::2]
    unaligned = np.frombuffer(b"1" + x.tobytes(), np.float64, offset=1).reshape(x.shape)
    for array in (mapped, x.astype(np.float32), np.asfortranarray(x), every_other, unaligned):
        assert same(emulator.predict({"x": array, "y": y}, engine="compiled"), expected)
    out = {
        "score": np.zeros(6000)[::2],
        "hidden": np.zeros((5, 3000)).T,
    }
    assert emulator.predict({"x": x, "y": y}, out=out, engine="compiled") is out
    assert same(out, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_first_number_that_is_not_finite_is_named(
    bad: float, kind: type, emulator: Emulator, data: dict[str, np.ndarray]
) -> None:
    x = data["x"].astype(kind)
    x[15_000, 1, 2] = x[20_000, 0, 0] = bad
    with pytest.raises(DataError, match=rf"event 15000: input x\[1, 2\] is {bad}"):
        emulator.predict({"x": x, "y": data["y"]}, threads=2, engine="compiled")


def test_errors_of_codes(emulator: Emulator) -> None:
    codes = np.zeros((5000, 7), np.int64)
    assert emulator.codes(codes.astype(object), engine="compiled").dtype == np.int64
    for bad, element, text in ((128, 4, r"x\[1, 1\]"), (-1, 6, "y"), (8, 6, "y")):
        wrong = codes.copy()
        wrong[4500, element] = bad
        for array in (wrong, wrong.astype(object), wrong.astype(np.int16)):
            with pytest.raises(DataError, match=rf"event 4500: input {text} has the code {bad},"):
                emulator.codes(array, engine="compiled")
    with pytest.raises(DataError, match="has the code 18446744073709551615"):
        emulator.codes(np.full((1, 7), 2**64 - 1, np.uint64), engine="compiled")


# ---- the choice of the engine, and code on disk --------------------------------------------------


def test_an_unknown_engine(emulator: Emulator) -> None:
    with pytest.raises(DataError, match="engine='fast': one of auto, interpreted, compiled, gpu"):
        emulator.codes(np.zeros((1, 7), np.int64), engine="fast")


def test_machine_code_is_made_when_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgetrig.emulate.emulator.WORTHWHILE", 2000)
    circuit = trace(lambda x: x * 3 + 1, fixed_input("x", 2, integer=3, fraction=4))
    made: list[str] = []
    monkeypatch.setattr(
        "edgetrig.emulate.emulator.CompiledEngine",
        lambda *arguments: made.append("") or CompiledEngine(*arguments),
    )
    emulator = Emulator(circuit)
    x = np.random.default_rng(0).normal(size=(1500, 2))
    parts = list(emulator.stream([x[:1000]]))
    assert made == []
    parts += list(emulator.stream([x[1000:], x]))
    assert made == [""]
    expected = Emulator(circuit).predict(x, engine="interpreted")
    assert np.array_equal(np.concatenate(parts), np.concatenate([expected, expected]))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def run_network(events: int) -> float:
    codes = np.random.default_rng(0).integers(0, 8, (events, 7))
    return float(Emulator(network()).codes(codes, engine="compiled").sum())


def test_machine_code_is_read_from_disk(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_network(100)
    (file,) = own_cache.rglob("machine-code/*")
    assert file.parent.stat().st_mode & 0o077 == 0
    monkeypatch.setattr("edgetrig.emulate.compiled.make_code", None)
    assert run_network(100) == expected
    # It is used from 50 000 events on where it is there.
    codes = np.zeros((50_000, 7), np.int64)
    emulator = Emulator(network())
    emulator.codes(codes)
    assert list(emulator._engines) == ["compiled"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text"])
def test_damaged_machine_code_is_never_run(own_cache: Path, damage: str) -> None:
    expected = run_network(100)
    (file,) = own_cache.rglob("machine-code/*")
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    file.write_bytes(
        {"flip": bytes(flipped), "cut": whole[:-9], "empty": b"", "text": b"no"}[damage]
    )
    assert run_network(100) == expected
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written(own_cache: Path) -> None:
    (own_cache / "edgetrig").write_text("a file in the way")
    assert run_network(100) == run_network(100)


def test_processes_share_machine_code(own_cache: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        results = pool.map(run_network, [100] * 4)
    assert results == [run_network(100)] * 4
    assert len(list(own_cache.rglob("machine-code/*"))) == 1


def test_other_circuits_are_other_code() -> None:
    def names(port: Input, factor: float) -> str:
        return code_cache.key(trace(lambda x: x * factor, port), host())

    port = fixed_input("x", 2, integer=3, fraction=4)
    other = fixed_input("x", 2, integer=3, fraction=4, rounding="TRN")
    assert names(port, 3) == names(port, 3)
    assert len({names(port, 3), names(port, 5), names(other, 3)}) == 3
    assert code_cache.key(network(), host()) != code_cache.key(network(), Machine(TRIPLE, "x"))
