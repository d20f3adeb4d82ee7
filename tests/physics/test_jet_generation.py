"""Jets from end to end: the same whatever happens on the way, and physical."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from edgetrig.errors import DataError, Error, ToolError
from edgetrig.physics import (
    CLASSES,
    FEATURES,
    generate,
    generate_jets,
    iter_table,
    jet_features,
    load_sample,
    read_jets,
    shards,
    write_table,
)

SMALL = {"events": 42, "seed": 11, "constituents": 128}
SCRIPT = """
import json, signal, sys, time
from edgetrig.physics import generate
generate.SHARD = 8
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
def halfway(done, total):
    time.sleep(600 if done >= 20 else 0)  # never done before the test interrupts it
try:
    generate.generate_jets(sys.argv[1], processes=2, progress=halfway, **json.loads(sys.argv[2]))
except KeyboardInterrupt as stop:
    print(stop)
"""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(generate, "SHARD", 8)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run from start to end."""
    path = tmp_path_factory.mktemp("jets") / "jets.parquet"
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "SHARD", 8)
        summary = generate_jets(
            path, processes=2, progress=lambda *step: seen.append(step), **SMALL
        )
    return summary, seen


def start(path):
    arguments = [sys.executable, "-c", SCRIPT, str(path), json.dumps(SMALL)]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def command_lines():
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may just have ended
            yield file.read_text(errors="replace")


def wait_for_shards(folder, count, process):
    while len(list(folder.glob("[!.]*.npz"))) < count:
        assert process.poll() is None
        time.sleep(0.02)


def test_a_run_tells_what_it_made(reference):
    summary, seen = reference
    assert summary.jets == {"g": 9, "q": 9, "W": 8, "Z": 8, "t": 8}
    assert 0.3 < summary.efficiency <= 1.0
    assert summary.generated >= 42 / 2
    assert summary.cpu_seconds > 0
    assert seen[0] == (0, 42)
    assert seen[-1] == (42, 42)
    assert [path.name for path in summary.path.parent.iterdir()] == ["jets.parquet"]


def test_jets_and_their_constituents_agree(reference):
    jets = read_jets(reference[0].path)
    assert jets.features.shape == (42, 16)
    assert jets.constituents.shape == (42, 128, 3)
    assert np.bincount(jets.labels).tolist() == [9, 9, 8, 8, 8]
    assert jets.metadata["recipe"]["command"] == (
        "edgetrig generate jets --events 42 --seed 11 --constituents 128"
    )
    pt = jets.constituents[..., 0]
    assert np.all(np.diff(pt, axis=1) <= 0)
    assert np.all(np.abs(jets.constituents[..., 1:]) < 1.3)
    complete = jets.features[:, 15] <= 128
    assert complete.any()
    for jet, row, axis in zip(
        jets.constituents[complete], jets.features[complete], jets.kinematics[complete], strict=True
    ):
        kept = jet[jet[:, 0] > 0].astype(float)
        again = jet_features(kept, np.array([len(kept)]))[0]
        assert again[-1] == row[-1]
        # Rounding can move a splitting across the groomer's threshold, but hardly ever does.
        np.testing.assert_allclose(again, row, rtol=0.02, atol=0.02)
        px, py = kept[:, 0] @ np.cos(kept[:, 2]), kept[:, 0] @ np.sin(kept[:, 2])
        assert np.hypot(px, py) == pytest.approx(axis[0], rel=1e-3)
        assert py == pytest.approx(0.0, abs=0.5)


def test_a_killed_run_goes_on_to_the_same_bytes(reference, tmp_path):
    path = tmp_path / "jets.parquet"
    folder = tmp_path / ".jets.parquet.shards"
    process = start(path)
    wait_for_shards(folder, 3, process)
    process.kill()
    process.communicate()
    assert not path.exists()
    until = time.monotonic() + 10.0
    while any(str(folder) in line for line in command_lines()):  # the workers end by themselves
        assert time.monotonic() < until
        time.sleep(0.02)
    made = sorted(folder.glob("[!.]*.npz"))
    made[0].write_bytes(made[0].read_bytes()[:500])  # and the power failed
    seen = []
    generate_jets(path, processes=1, progress=lambda *step: seen.append(step), **SMALL)
    assert seen[0][0] > 0
    assert path.read_bytes() == reference[0].path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["jets.parquet"]


def test_ctrl_c_is_one_line_and_keeps_what_was_made(tmp_path):
    folder = tmp_path / ".jets.parquet.shards"
    process = start(tmp_path / "jets.parquet")
    wait_for_shards(folder, 1, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert err == ""
    assert out.count("\n") == 1
    assert "of 42 jets made; the same command goes on from there" in out
    assert list(folder.glob("[!.]*.npz"))


def test_hdf5_holds_the_same_jets(reference, tmp_path):
    path = tmp_path / "jets.h5"
    generate_jets(path, processes=2, **(SMALL | {"events": 10}))
    short, long = read_jets(path), read_jets(reference[0].path)
    assert short.metadata["recipe"]["events"] == 10
    assert len(short.labels) == sum(map(len, iter_table(path, FEATURES, block=4))) == 10
    # A shorter run is the beginning of each class of a longer one.
    rows = {tuple(row): i for i, row in enumerate(long.features.tolist())}
    same = [rows[tuple(row)] for row in short.features.tolist()]
    for name in ("labels", "kinematics", "constituents"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[same])


def test_the_shards_of_another_run_are_kept(tmp_path):
    folder = tmp_path / ".jets.h5.shards"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"seed": 12}))
    with pytest.raises(DataError, match=r"jets\.h5\.shards holds an unfinished run with other"):
        generate_jets(tmp_path / "jets.h5", events=5, seed=11)
    assert (folder / "recipe.json").exists()


def test_two_runs_do_not_share_a_file(tmp_path):
    folder = tmp_path / ".jets.h5.shards"
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Error, match="another run is making it"):
            generate_jets(tmp_path / "jets.h5", events=5, seed=11)


def test_a_worker_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ToolError, match="ended with code 1; the same command goes on"):
        generate_jets(tmp_path / "jets.h5", events=5, seed=11)


def test_a_worker_that_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "_plan", lambda *_: [shards.Shard(0, 0, 1, -1, 0)])
    with pytest.raises(ToolError, match="class 'g' failed"):
        generate_jets(tmp_path / "jets.h5", events=5, seed=11)


@pytest.mark.parametrize(
    ("out", "settings", "line"),
    [
        ("jets.csv", {}, r"written as \.parquet, \.h5, \.hdf5"),
        ("folder.h5", {}, "is a folder"),
        ("jets.h5", {"events": 0}, "events is 0"),
        ("jets.h5", {"seed": -1}, "seed is -1"),
        ("jets.h5", {"constituents": 129}, "constituents is 129"),
        ("jets.h5", {"processes": 0}, "processes is 0"),
    ],
)
def test_settings_out_of_range(tmp_path, out, settings, line):
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(DataError, match=line):
        generate_jets(tmp_path / out, **({"events": 5, "seed": 1} | settings))


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Error, match="cannot be written"):
        generate_jets(tmp_path / "file/jets.h5", events=5, seed=1)


def test_a_missing_generator_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ToolError, match=r"pip install 'edgetrig\[physics\]'"):
        generate_jets(tmp_path / "jets.h5", events=5, seed=1)


def test_files_that_are_no_jets(tmp_path):
    write_table(tmp_path / "t.h5", {"x": np.zeros(3)})
    with pytest.raises(DataError, match=r"no column 'zlogz'; is it a file of 'edgetrig generate"):
        read_jets(tmp_path / "t.h5")
    with pytest.raises(DataError, match="no sample 'muons'; there is jets"):
        load_sample("muons")


def test_rounding_keeps_thirteen_bits():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.lognormal(0, 8, 10_000), -rng.random(1000), np.arange(8193.0)])
    short = shards.rounded(values)
    assert np.all(short[-8193:] == np.arange(8193))
    np.testing.assert_allclose(short, values, rtol=2.0**-13)
    assert np.all(short.view(np.uint32) & 0x7FF == 0)


# The sample that comes with the package ------------------------------------------------------


@pytest.fixture(scope="module")
def sample():
    return load_sample("jets")


def test_the_sample_is_small_and_balanced(sample):
    assert (files("edgetrig.physics") / "data/jets.parquet").stat().st_size < 6e6
    assert np.bincount(sample.labels).tolist() == [20_000] * 5
    assert np.isfinite(sample.features).all()
    assert np.isfinite(sample.kinematics).all()
    first = np.bincount(sample.labels[:10_000])
    assert first.tolist() == [2000] * 5  # any part of it is balanced


def test_the_sample_was_made_by_this_code(sample, monkeypatch):
    monkeypatch.undo()
    recipe = sample.metadata["recipe"]
    settings = recipe["events"], recipe["seed"], recipe["constituents"]
    assert json.loads(json.dumps(generate._recipe(*settings))) == recipe
    group = [shard for shard in generate._plan(*settings) if shard.place == 0]
    position = np.argsort(generate.shuffle(group))
    for label in range(5):
        again = shards.make_shard(group[label]._replace(size=12))
        rows = position[label * generate.SHARD :][:12]
        assert np.all(sample.labels[rows] == label)
        # The last digit of a sine may differ between processors, and with it the last bit kept.
        expected = np.column_stack([again[name] for name in FEATURES])
        np.testing.assert_allclose(sample.features[rows], expected, rtol=2e-4)
        expected = np.column_stack([again[name] for name in shards.KINEMATICS])
        np.testing.assert_allclose(sample.kinematics[rows], expected, rtol=2e-4)


def test_the_sample_is_physical(sample):
    column = {name: sample.features[:, i] for i, name in enumerate(FEATURES)}
    mass = {name: column["mass_mmdt"][sample.labels == i] for i, name in enumerate(CLASSES)}
    counts = {name: np.histogram(m, np.arange(20.0, 250.0, 2.0)) for name, m in mass.items()}
    for name, peak, width in (("W", 80.4, 2.0), ("Z", 91.2, 3.0), ("t", 172.5, 4.0)):
        heights, edges = counts[name]
        assert edges[np.argmax(heights)] + 1.0 == pytest.approx(peak, abs=width)
    near = {name: np.mean(np.abs(mass[name] - 85.0) < 20.0) for name in CLASSES}
    assert min(near["W"], near["Z"]) > 0.75
    assert max(near["q"], near["g"], near["t"]) < 0.2

    pt = [np.median(sample.kinematics[sample.labels == i, 0]) for i in range(5)]
    np.testing.assert_allclose(pt, 1000.0, atol=5.0)
    size = {n: column["multiplicity"][sample.labels == i].mean() for i, n in enumerate(CLASSES)}
    assert size["g"] > 1.3 * size["q"]  # gluons radiate more
    assert size["t"] > 1.3 * size["W"]
    prong = {n: np.median(column["n2_b1_mmdt"][sample.labels == i]) for i, n in enumerate(CLASSES)}
    assert max(prong["W"], prong["Z"]) < 0.85 * min(prong["q"], prong["g"])


def test_features_of_the_sample_are_in_range(sample):
    column = {name: sample.features[:, i] for i, name in enumerate(FEATURES)}
    assert column["zlogz"].max() <= 0
    assert 0 <= column["c1_b0_mmdt"].min() <= column["c1_b0_mmdt"].max() <= 0.5
    assert min(values.min() for name, values in column.items() if name != "zlogz") >= 0
    assert column["multiplicity"].min() >= 1
    np.testing.assert_array_equal(column["d2_a1_b1_mmdt"], column["d2_b1_mmdt"])
