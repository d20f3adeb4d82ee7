"""Tables in every format: what goes in comes out, and every bad file is one line."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgetrig.errors import DataError, Error
from edgetrig.physics import SUFFIXES, iter_table, read_table, write_blocks, write_table
from edgetrig.physics.tables import read_columns

PLAIN = {"a": np.arange(7.0), "b": np.linspace(-1, 1, 7), "y": np.array([0, 1, 2, 0, 1, 2, 0])}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / f"sub/t{suffix}"
    write_table(path, PLAIN)
    table = read_table(path, label="y")
    assert table.columns == ("a", "b")
    np.testing.assert_array_equal(table.features, np.column_stack([PLAIN["a"], PLAIN["b"]]))
    np.testing.assert_array_equal(table.labels, PLAIN["y"])
    assert read_table(path, ["b", "a"]).features[3].tolist() == [PLAIN["b"][3], 3.0]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    suffix=st.sampled_from(SUFFIXES),
    kind=st.sampled_from([np.float32, np.float64]),
    rows=st.integers(1, 20),
    block=st.integers(1, 9),
)
def test_blocks_join_to_the_table(tmp_path, data, suffix, kind, rows, block):
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    columns = {name: data.draw(hnp.arrays(kind, rows, elements=finite)) for name in ("one", "two")}
    path = tmp_path / f"t{suffix}"
    cuts = range(0, rows, block)
    write_blocks(path, ({n: c[i : i + block] for n, c in columns.items()} for i in cuts))
    parts = list(iter_table(path, ["two", "one"], block=block))
    assert all(len(part) <= block for part in parts)
    table = read_table(path, ["two", "one"])
    np.testing.assert_array_equal(np.concatenate(parts), table.features)
    expected = np.column_stack([columns["two"], columns["one"]])
    # CSV has no types: 32-bit numbers are short decimals there, read with 64 bits.
    np.testing.assert_array_equal(table.features.astype(kind), expected)


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".npz"])
def test_columns_of_several_numbers_stack(tmp_path, suffix):
    rng = np.random.default_rng(0)
    columns = {"pt": rng.random((5, 4), np.float32), "eta": rng.random((5, 4), np.float32)}
    path = tmp_path / f"t{suffix}"
    write_table(path, columns | {"image": rng.random((5, 2, 3), np.float32)})
    table = read_table(path, ["pt", "eta"])
    assert table.features.shape == (5, 4, 2)
    assert table.features.dtype == np.float32
    np.testing.assert_array_equal(table.features[..., 1], columns["eta"])
    assert read_table(path, ["image"]).features.shape == (5, 2, 3)
    with pytest.raises(DataError, match="'image' has 6 numbers a row but 'pt' has 4"):
        read_table(path)


def test_plain_numpy_arrays(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
    table = read_table(tmp_path / "x.npy", label="2")
    assert table.columns == ("0", "1")
    assert table.labels.tolist() == [2, 5, 8, 11]
    np.save(tmp_path / "x.npy", np.asfortranarray(np.arange(12.0).reshape(4, 3)))
    assert [block.tolist() for block in iter_table(tmp_path / "x.npy", ["1"], block=3)] == [
        [[1.0], [4.0], [7.0]],
        [[10.0]],
    ]
    np.save(tmp_path / "x.npy", np.zeros((4, 8, 3)))
    assert read_table(tmp_path / "x.npy").features.shape == (4, 8, 3)
    write_table(tmp_path / "x.npy", {"image": np.ones((4, 8, 3))})
    assert np.load(tmp_path / "x.npy").shape == (4, 8, 3)


def test_compound_datasets_and_short_names(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        rows = np.zeros(3, [("j_zlogz", "f4"), ("j_q", "i4")])
        rows["j_zlogz"], rows["j_q"] = [-1, -2, -3], [0, 1, 0]
        file["group/jets"] = rows
        file["other/pt"] = np.arange(3.0)
        file["more/pt"] = np.arange(3.0)
        file["scalar"] = 1.0
    table = read_table(path, ["j_zlogz"], label="j_q")
    assert table.columns == ("group/jets/j_zlogz",)
    assert table.features[:, 0].tolist() == [-1, -2, -3]
    with pytest.raises(DataError, match=r"'pt' is ambiguous: more/pt, other/pt"):
        read_table(path, ["pt"])


def test_labels_may_be_text(tmp_path):
    (tmp_path / "t.csv").write_text("x,kind\n1,top\n2.5,W\n3,top\n")
    table = read_table(tmp_path / "t.csv", label="kind")
    assert table.classes == ("W", "top")
    assert table.labels.tolist() == [1, 0, 1]
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["kind"] = np.arange(2.0), ["top", "W"]
    assert read_table(tmp_path / "t.h5", label="kind").classes == ("W", "top")
    pq.write_table(pa.table({"x": [1.0, 2.0], "kind": ["top", "W"]}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", label="kind").labels.tolist() == [1, 0]


def test_late_decimals_in_csv_are_read(tmp_path):
    path = tmp_path / "t.csv"
    rows = 200_000  # more than one chunk of the reader
    path.write_text("x\n" + "1\n" * rows + "0.5\n")
    blocks = list(iter_table(path, block=1000))
    assert sum(map(len, blocks)) == rows + 1
    assert blocks[-1][-1, 0] == 0.5


def test_metadata_comes_back(tmp_path):
    for suffix in (".parquet", ".h5"):
        write_table(tmp_path / f"t{suffix}", PLAIN, {"recipe": {"seed": 1}})
        assert read_columns(tmp_path / f"t{suffix}")[1] == {"recipe": {"seed": 1}}
    with pytest.raises(DataError, match="metadata needs"):
        write_table(tmp_path / "t.csv", PLAIN, {"recipe": 1})


MEMORY = """
import resource, sys
from edgetrig.physics import iter_table
for path in sys.argv[1:]:
    rows = sum(len(block) for block in iter_table(path, block=10_000))
    print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".npy", ".csv"])
def test_streaming_is_flat_in_memory(tmp_path, suffix):
    part = np.random.default_rng(0).random((8, 50_000), np.float32).round(3)
    block = {str(i): column for i, column in enumerate(part)}
    paths = [tmp_path / f"short{suffix}", tmp_path / f"long{suffix}"]
    for path, count in zip(paths, (2, 30), strict=True):
        write_blocks(path, (block for _ in range(count)))  # 48 MB of numbers in the long one
    arguments = [sys.executable, "-c", MEMORY, *map(str, paths)]
    out = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()
    assert [out[0], out[2]] == ["100000", "1500000"]
    assert (int(out[3]) - int(out[1])) / 1024 < 15


SUFFIX_OF_TEXT = {".parquet": "parquet", ".h5": "h5", ".npy": "npy", ".npz": "npz"}


@pytest.mark.parametrize("suffix", SUFFIX_OF_TEXT)
@pytest.mark.parametrize("share", [0.0, 0.4, 0.95])
def test_truncated_files(tmp_path, suffix, share):
    path = tmp_path / f"t{suffix}"
    write_table(path, {"x": np.random.default_rng(0).random(5000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match=rf"t\{suffix}: cannot be read as {suffix[1:]}") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert "; copy it anew if it was cut off, or name it after its format" in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIX_OF_TEXT)
def test_damaged_files_are_read_or_refused(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    rng = np.random.default_rng(0)
    write_table(path, {"x": rng.random(300), "y": np.arange(300)})
    whole = path.read_bytes()
    lines = []
    for start in rng.integers(0, 4, 150):
        damaged = bytearray(whole)
        # Headers are at the start of most formats and at the end of Parquet and zip.
        first = 0 if start < 2 else max(0, len(whole) - 400)
        damaged[first + rng.integers(min(400, len(whole)))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            read_table(path, label="y")
        except DataError as error:
            lines.append(str(error))
    assert len(lines) > 10
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_another_format(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"\x00\x01not,a\ntable\xff")
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_located(tmp_path, suffix, value):
    path = tmp_path / f"t{suffix}"
    bad = PLAIN["b"].copy()
    bad[5] = value
    write_table(path, PLAIN | {"b": bad})
    with pytest.raises(DataError, match=r"column 'b', row 5: "):
        read_table(path, label="y")
    with pytest.raises(DataError, match=r"column 'b', row 5: "):
        list(iter_table(path, ["a", "b"], block=2))


def test_missing_values_are_located(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,\n")
    with pytest.raises(DataError, match="column 'y', row 1: no value"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_columns_are_named(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, PLAIN)
    with pytest.raises(DataError, match="no column 'c'; it has a, b, y"):
        read_table(path, ["a", "c"])
    with pytest.raises(DataError, match="no column 'z'"):
        read_table(path, label="z")


def test_lengths_must_agree(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.zeros(3), y=np.zeros(4))
    with pytest.raises(DataError, match="'y' has 4 rows but 'x' has 3"):
        read_table(tmp_path / "t.npz")
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["y"] = np.zeros(3), np.zeros(4)
    with pytest.raises(DataError, match="'y' has 4 rows but 'x' has 3"):
        read_table(tmp_path / "t.h5")
    assert read_table(tmp_path / "t.h5", ["y"]).features.shape == (4, 1)


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "t.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "t.npz", x=np.array([{}], dtype=object))
    for name in ("t.npy", "t.npz"):
        with pytest.raises(DataError, match="cannot be read"):
            read_table(tmp_path / name)


def test_paths_that_are_no_tables(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    (tmp_path / "t.root").touch()
    with pytest.raises(DataError, match=r"unknown format '.root'; use one of .parquet"):
        read_table(tmp_path / "t.root")
    with pytest.raises(DataError, match="unknown format"):
        write_table(tmp_path / "t.txt", PLAIN)


def test_other_unusable_tables(tmp_path):
    with pytest.raises(DataError, match="at least 1 row"):
        next(iter_table(tmp_path / "t.csv", block=0))
    (tmp_path / "t.csv").write_text("1.0,2.0\n3.0,4.0\n")
    with pytest.raises(DataError, match="must name the columns"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("x,x\n3.0,4.0\n")
    with pytest.raises(DataError, match="two columns are named 'x'"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("x,name\n3.0,abc\n")
    with pytest.raises(DataError, match="column 'name' is not numeric"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("x,y\n")
    with pytest.raises(DataError, match="has no rows; name a file with at least one"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match="has no rows; name a file with at least one"):
        list(iter_table(tmp_path / "t.csv"))
    with pytest.raises(DataError, match="has no rows; name a file with at least one"):
        read_columns(tmp_path / "t.csv")
    with pytest.raises(DataError, match="no columns to read"):
        read_table(tmp_path / "t.csv", [])
    np.save(tmp_path / "t.npy", 1.0)
    with pytest.raises(DataError, match="holds a single number"):
        read_table(tmp_path / "t.npy")
    np.savez(tmp_path / "t.npz", x=np.zeros(3), one=np.float64(1))
    with pytest.raises(DataError, match="'one' is a single number"):
        read_table(tmp_path / "t.npz")
    with zipfile.ZipFile(tmp_path / "t.npz", "a") as archive:
        archive.writestr("notes", "no array")
    with pytest.raises(DataError, match="'notes' is no array"):
        read_table(tmp_path / "t.npz", ["x", "notes"])
    pq.write_table(pa.table({"x": [[1.0], [1.0, 2.0]]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="lists of varying length"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (np.array([0.0, 1.5, 1.0]), "row 1: 1.5 is not a whole number"),
        (np.array([0.0, 1.0, math.nan]), "row 2: nan is not a whole number"),
        (np.array([0.0, math.inf, 1.0]), "row 1: inf is not a whole number"),
        (np.zeros((3, 2)), "has 2 numbers a row"),
        (np.zeros(3, complex), "neither whole numbers nor text"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, line):
    np.savez(tmp_path / "t.npz", x=np.zeros(3), y=labels)
    with pytest.raises(DataError, match=line):
        read_table(tmp_path / "t.npz", label="y")


@pytest.mark.parametrize(
    ("suffix", "columns", "line"),
    [
        (".csv", {"x": np.zeros((3, 2))}, "'x' is not flat"),
        (".npy", {"x": np.zeros((3, 2)), "y": np.zeros(3)}, "holds one column"),
        (".h5", {"x": np.zeros(3), "y": np.zeros(4)}, "'y' has 4 rows"),
        (".h5", {"x": np.array(["a"])}, "not an array of numbers"),
        (".h5", {"x": np.array(1.0)}, "not an array of numbers"),
        (".h5", {}, "no columns"),
    ],
)
def test_tables_that_cannot_be_written(tmp_path, suffix, columns, line):
    with pytest.raises(DataError, match=line):
        write_table(tmp_path / f"t{suffix}", columns)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_must_agree_and_a_failure_leaves_nothing(tmp_path, suffix):
    two = [{"x": np.zeros(3)}, {"x": np.zeros(3, np.float32)}]
    with pytest.raises(DataError, match="blocks differ"):
        write_blocks(tmp_path / f"t{suffix}", two)
    with pytest.raises(DataError, match="nothing to write"):
        write_blocks(tmp_path / f"t{suffix}", [])
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Error, match="cannot be written"):
        write_table(tmp_path / "file/t.csv", PLAIN)


FULL = """
import resource, sys
import numpy as np
from edgetrig import Error
from edgetrig.physics import write_table
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for path in sys.argv[1:]:
    try:
        write_table(path, {"x": np.random.default_rng(0).random(50_000)})
    except Error as error:
        print(error)
"""


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    paths = [str(tmp_path / f"t{suffix}") for suffix in (".parquet", ".npy", ".npz", ".csv")]
    arguments = [sys.executable, "-c", FULL, *paths]
    out = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    for path, line in zip(paths, out.splitlines(), strict=True):
        assert line.startswith(f"{path}: cannot be written (")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(Error, match=r"t\.h5: cannot be written \(No space left on device\)"):
        write_table(tmp_path / "t.h5", PLAIN)
    assert not any(tmp_path.iterdir())


class Without:
    """Python without a package."""

    def __init__(self, module):
        self.module = module

    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("module", "suffix"), [("pyarrow", ".parquet"), ("pyarrow", ".csv"), ("h5py", ".h5")]
)
def test_a_missing_package_names_the_extra(tmp_path, monkeypatch, module, suffix):
    write_table(tmp_path / f"t{suffix}", PLAIN)
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(module), *sys.meta_path])
    with pytest.raises(Error, match=r"pip install 'edgetrig\[data\]'"):
        read_table(tmp_path / f"t{suffix}")
