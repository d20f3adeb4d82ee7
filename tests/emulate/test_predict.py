"""Floats in, floats out: quantising, shapes, threads, memory, errors."""

import itertools
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import ap_fixed, awkward_floats, random_circuits, random_codes, split_codes
from edgetrig.circuit import (
    OVERFLOWS,
    ROUNDINGS,
    Builder,
    Circuit,
    Input,
    Output,
    fixed_input,
    quantize,
    quantize_floats,
    trace,
)
from edgetrig.emulate import Emulator
from edgetrig.errors import CircuitError, DataError

TYPES = [
    (1, 3, 4),
    (0, 3, 4),
    (1, 7, -2),
    (0, -1, 6),
    (1, -3, 12),
    (0, 0, 0),
    (1, 0, 0),
    (1, 20, 9),
]


def identity(*ports: Input) -> Circuit:
    def function(*arrays):
        return {f"{port.name}_out": array for port, array in zip(ports, arrays, strict=True)}

    return trace(function, *ports)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_floats_are_quantised_as_everywhere_else(rounding: str, overflow: str) -> None:
    for k, i, f in TYPES:
        port = fixed_input(
            "x", (), signed=k, integer=i, fraction=f, rounding=rounding, overflow=overflow
        )
        values = awkward_floats(f)
        expected = quantize_floats(values, k, i, f, rounding, overflow)
        result = Emulator(identity(port)).predict(values)
        assert np.array_equal(result, expected * 2.0**-f)


@given(
    st.floats(-1e300, 1e300),
    st.integers(0, 1),
    st.integers(-4, 26),
    st.integers(-4, 26),
    st.sampled_from(ROUNDINGS),
    st.sampled_from(OVERFLOWS),
)
def test_floats_are_quantised_by_definition(
    value: float, k: int, i: int, f: int, rounding: str, overflow: str
) -> None:
    bits = max(k + i + f, 0)
    i = bits - k - f
    port = fixed_input(
        "x", (), signed=k, integer=i, fraction=f, rounding=rounding, overflow=overflow
    )
    result = Emulator(identity(port)).predict([value])
    assert Fraction(result[0]) == ap_fixed(Fraction(value), k, i, f, rounding, overflow)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_wide_circuits_quantise_alike(rounding: str, overflow: str) -> None:
    port = fixed_input(
        "x", (3,), signed=[1, 0, 1], integer=[3, 3, 7], fraction=[4, 4, -2],
        rounding=rounding, overflow=overflow,
    )  # fmt: skip
    values = awkward_floats(4)
    values = np.stack([values, -values, 8 * values], axis=1)
    narrow = Emulator(identity(port)).predict(values)
    wide = Emulator(trace(lambda x: {"y": x, "z": x * 2.0**80}, port)).predict(values)
    assert np.array_equal(wide["y"], narrow)
    assert np.array_equal(wide["z"], narrow * 2.0**80)


def test_types_of_62_bits_are_clipped_exactly() -> None:
    port = fixed_input("x", (), signed=1, integer=61, fraction=0, overflow="SAT")
    emulator = Emulator(trace(lambda x: x - (2.0**61 - 256), port))
    assert emulator.predict([1e30]).tolist() == [255.0]


def test_extreme_binary_points() -> None:
    port = fixed_input("x", (2,), signed=1, integer=[-950, 957], fraction=[957, -950])
    values = np.array([[2.0**-956, 2.0**952], [1.0, -1.0]])
    result = Emulator(identity(port)).predict(values)
    assert result.tolist() == [[2.0**-956, 2.0**952], [127 * 2.0**-957, 0.0]]


@given(random_circuits(wide=True), st.integers(0, 99))
def test_values_are_codes_with_a_binary_point(circuit: Circuit, seed: int) -> None:
    codes = random_codes(circuit, 5, seed)
    emulator = Emulator(circuit)
    exact = all(
        low >= -(1 << 53) and high <= 1 << 53
        for port in circuit.inputs
        for low, high in zip(port.lo.ravel().tolist(), port.hi.ravel().tolist(), strict=True)
    )
    if not exact:
        return
    floats = {
        port.name: array.astype(np.float64) * 2.0 ** -port.fraction.astype(np.float64)
        for port, array in zip(circuit.inputs, split_codes(circuit, codes), strict=True)
    }
    results = emulator.predict(floats)
    if len(circuit.outputs) == 1:
        results = {circuit.outputs[0].name: results}
    expected = emulator.codes(codes)
    column = 0
    for port in circuit.outputs:
        assert results[port.name].shape == (5, *port.shape)
        for element, fraction in enumerate(port.fraction.ravel().tolist()):
            got = results[port.name].reshape(5, -1)[:, element]
            wanted = [int(v) * 2.0**-fraction for v in expected[:, column + element]]
            assert got.tolist() == wanted
        column += port.rows.size


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


@pytest.fixture
def data() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(2)
    return {"x": generator.normal(0, 4, (20_001, 2, 3)), "y": generator.normal(0, 4, 20_001)}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def test_threads_change_nothing(data: dict[str, np.ndarray]) -> None:
    emulator = Emulator(network())
    one = emulator.predict(data, threads=1)
    assert one["score"].shape == (20_001,)
    assert one["hidden"].shape == (20_001, 5)
    for threads in (2, 7, None):
        assert same(emulator.predict(data, threads=threads), one)
    codes = np.random.default_rng(3).integers(0, 8, (20_001, 7))
    assert np.array_equal(emulator.codes(codes, threads=3), emulator.codes(codes, threads=1))


def test_one_emulator_serves_several_threads(data: dict[str, np.ndarray]) -> None:
    emulator = Emulator(network())
    expected = emulator.predict(data, threads=1)
    results: list[dict[str, np.ndarray]] = []
    threads = [Thread(target=lambda: results.append(emulator.predict(data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(same(result, expected) for result in results)


def test_all_kinds_of_arrays(data: dict[str, np.ndarray], tmp_path: Path) -> None:
    emulator = Emulator(network())
    x = np.round(data["x"][:500] * 8) / 8
    y = np.arange(500) % 8
    expected = emulator.predict({"x": x, "y": y.astype(float)})
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    mapped[:] = x
    every_other = np.repeat(x, 2, axis=0)[::2]
    for array in (x.tolist(), mapped, x.astype(np.float32), np.asfortranarray(x), every_other):
        assert same(emulator.predict({"x": array, "y": y}), expected)


def test_stream_yields_predictions_of_each_block(data: dict[str, np.ndarray]) -> None:
    emulator = Emulator(network())
    expected = emulator.predict(data)
    ends = (0, 1, 700, 700, 20_001)
    blocks = (
        {name: array[first:last] for name, array in data.items()}
        for first, last in itertools.pairwise(ends)
    )
    parts = list(emulator.stream(blocks))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in expected}
    assert same(joined, expected)


def test_one_port_needs_no_names() -> None:
    emulator = Emulator(identity(fixed_input("x", 2, integer=3, fraction=4)))
    values = np.array([[0.5, -1.0]])
    out = np.zeros((1, 2))
    assert emulator.predict(values, out=out) is out
    assert out.tolist() == [[0.5, -1.0]]
    assert emulator.predict({"x": values}).tolist() == [[0.5, -1.0]]
    assert emulator.predict(np.zeros((0, 2))).shape == (0, 2)


def test_out_may_be_a_file(data: dict[str, np.ndarray], tmp_path: Path) -> None:
    emulator = Emulator(network())
    expected = emulator.predict(data)
    out = {
        name: np.memmap(tmp_path / name, np.float64, "w+", shape=array.shape)
        for name, array in expected.items()
    }
    assert emulator.predict(data, out=out) is out
    assert same(out, expected)


def test_progress_reaches_the_end(data: dict[str, np.ndarray]) -> None:
    seen: list[tuple[int, int]] = []
    Emulator(network()).predict(data, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert seen[-1] == (20_001, 20_001)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_progress_raises_ends_the_work(threads: int, data: dict[str, np.ndarray]) -> None:
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Emulator(network()).predict(data, threads=threads, progress=stop)
    assert len(seen) <= threads


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    emulator = Emulator(identity(fixed_input("x", 40, integer=3, fraction=4)))

    def peak(events: int) -> int:
        # float32, backwards: nothing here can be used without a copy.
        x = np.zeros((events, 40), np.float32)[::-1]
        out = np.zeros((events, 40))
        tracemalloc.start()
        emulator.predict(x, out=out, threads=1)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1000)
    assert peak(200_000) < 1.1 * peak(20_000) + 50_000 < 8_000_000


def test_errors(data: dict[str, np.ndarray]) -> None:
    emulator = Emulator(network())
    x, y = data["x"][:9], data["y"][:9]

    def fails(message: str, *arguments, **options) -> None:
        with pytest.raises(DataError, match=message) as caught:
            emulator.predict(*arguments, **options)
        assert "\n" not in str(caught.value)

    fails(r"several inputs: give a dict with x, y", x)
    fails(r"inputs x, y are needed, x were given", {"x": x})
    fails(r"x has the shape \(9, 6\), \(events, 2, 3\) is needed", {"x": x.reshape(9, 6), "y": y})
    fails(r"y has the shape \(\), \(events\) is needed", {"x": x, "y": 3.0})
    fails(r"y has 8 events, x has 9", {"x": x, "y": y[:8]})
    fails(r"y has the type <U1", {"x": x, "y": list("abcdefghi")})
    fails(r"x has the type complex128", {"x": x * 1j, "y": y})
    fails(r"input x: an array of numbers is needed", {"x": [[1], [1, 2]], "y": y})
    fails(r"threads=0", {"x": x, "y": y}, threads=0)
    fails(r"out: a dict of 2 arrays", {"x": x, "y": y}, out=x)
    fails(r"outputs score, hidden are needed", {"x": x, "y": y}, out={"score": y})
    wrong = {"score": np.zeros(9, np.float32), "hidden": np.zeros((9, 5))}
    fails(r"out has the shape \(9,\) and type float32", {"x": x, "y": y}, out=wrong)
    fails(r"threads=1.5: a whole number", {"x": x, "y": y}, threads=1.5)
    masked = np.ma.array(x, mask=x > 0)
    fails(r"input x: values are masked, fill them", {"x": masked, "y": y})
    fails(r"out is a list", {"x": x, "y": y}, out={"score": [1.0] * 9, "hidden": wrong["hidden"]})
    closed = np.zeros(9)
    closed.flags.writeable = False
    fails(r"out is read-only", {"x": x, "y": y}, out={**wrong, "score": closed})


def test_arrays_of_all_kinds(data: dict[str, np.ndarray]) -> None:
    emulator = Emulator(network())
    x, y = data["x"][:99], data["y"][:99]
    expected = emulator.predict({"x": x, "y": y})["score"]
    for array in (
        x.astype(">f8"),
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        np.ma.array(x),
        x.astype(np.longdouble),
        x.tolist(),
    ):
        assert np.array_equal(emulator.predict({"x": array, "y": y})["score"], expected)


def predicted(engine: str) -> list[list[float]]:
    circuit = trace(lambda x: x * 3 - 1, fixed_input("x", 2, integer=3, fraction=4))
    x = np.random.default_rng(0).normal(size=(3000, 2))
    return [Emulator(circuit).predict(x, engine=engine).tolist() for _ in range(2)][1]


def forked(engine: str) -> list[list[list[float]]]:
    """Predict in this process, in four threads of it, and in two children."""
    results = [predicted(engine)]
    with ThreadPoolExecutor(4) as threads:
        results += threads.map(predicted, [engine] * 4)
    with ProcessPoolExecutor(2, get_context("fork")) as children:
        results += children.map(predicted, [engine] * 2)
    return results


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
def test_threads_and_forked_processes(engine: str) -> None:
    # In a process of its own: JAX, where it has been imported, warns of forks.
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        assert processes.submit(forked, engine).result() == [predicted("interpreted")] * 7


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_number_that_is_not_finite_is_named(
    bad: float, threads: int, data: dict[str, np.ndarray]
) -> None:
    x = data["x"].copy()
    x[15_000, 1, 2] = x[20_000, 0, 0] = bad
    with pytest.raises(DataError, match=rf"event 15000: input x\[1, 2\] is {bad}"):
        Emulator(network()).predict({"x": x, "y": data["y"]}, threads=threads)
    wide = trace(lambda x: x * 2.0**80, fixed_input("x", (), integer=3, fraction=4))
    with pytest.raises(DataError, match=rf"event 3: input x is {bad}"):
        Emulator(wide).predict([0.0, 1.0, 2.0, bad])


def test_errors_of_codes() -> None:
    emulator = Emulator(network())
    codes = np.zeros((5000, 7), np.int64)
    for bad, element, text in ((128, 4, r"x\[1, 1\]"), (-1, 6, "y"), (8, 6, "y")):
        wrong = codes.copy()
        wrong[4500, element] = bad
        for array in (wrong, wrong.astype(object), wrong.astype(np.int16)):
            with pytest.raises(DataError, match=rf"event 4500: input {text} has the code {bad},"):
                emulator.codes(array)
    with pytest.raises(DataError, match=r"shape \(5000, 6\), \(events, 7\) is needed"):
        emulator.codes(codes[:, :6])
    with pytest.raises(DataError, match="type float64, integers are needed"):
        emulator.codes(codes.astype(float))
    with pytest.raises(DataError, match="has the code 18446744073709551615"):
        emulator.codes(np.full((1, 7), 2**64 - 1, np.uint64))
    with pytest.raises(DataError, match="has the code 1208925819614629174706176"):
        emulator.codes(np.array([[2**80] * 7], object))
    for bad in (1.5, None, "1"):
        with pytest.raises(DataError, match="codes of events 0 to 0: not all integers"):
            emulator.codes(np.array([[bad] * 7], object))
    with pytest.raises(DataError, match="codes: values are masked"):
        emulator.codes(np.ma.array(codes, mask=codes == 0))
    with pytest.raises(DataError, match="out has the shape"):
        emulator.codes(codes, out=np.zeros((5000, 7), np.int64))


@pytest.mark.parametrize("block", [0, 64, 300, 8192])
def test_block_must_be_a_multiple_of_256(block: int) -> None:
    with pytest.raises(CircuitError, match=f"block={block}: a multiple of 256 up to 4096"):
        Emulator(network(), block=block)


def test_predict_needs_an_input() -> None:
    builder = Builder()
    rows = builder.constant(np.array([5]))
    circuit = builder.finish([], [Output("y", rows, np.array([1]))])
    with pytest.raises(DataError, match="no input"):
        Emulator(circuit).predict({})


def test_codes_of_wide_circuits_are_python_integers() -> None:
    port = fixed_input("x", (2,), signed=1, integer=60, fraction=0)
    emulator = Emulator(trace(lambda x: x * x, port))
    codes = np.array([[-(1 << 60), (1 << 60) - 1], [3, -3]])
    assert emulator.codes(codes).tolist() == [[1 << 120, ((1 << 60) - 1) ** 2], [9, 9]]
    assert emulator.codes(codes.astype(object)).dtype == object
