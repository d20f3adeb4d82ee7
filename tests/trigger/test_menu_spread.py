"""Counting parts of the data anywhere gives what counting them here gives."""

import os
import signal
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from edgetrig.errors import DataError, ToolError
from edgetrig.physics import write_table
from edgetrig.trigger.menu import CountFired, CountTurnOn, Decider, Menu, Scaled, Seed, total

MENU = Menu(
    "test",
    (
        Seed("L1_HTT", "htt > 60", Fraction(5, 2)),
        Seed("L1_DoubleMu", "count(muon[pt >= 10]) >= 2"),
        Seed("L1_Both", "L1_HTT and L1_DoubleMu"),
    ),
)
PARTS = 24


@pytest.fixture(scope="module")
def decide():
    return Decider.of(MENU)


@pytest.fixture(scope="module")
def blocks():
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 4000, PARTS)
    return [
        {
            "muon_pt": -np.sort(-rng.exponential(9, (n, 8)).astype(np.uint16).clip(0, 511)),
            "htt_et": rng.exponential(100, (n, 1)).astype(np.uint16).clip(0, 4095),
            "true_ht": rng.exponential(80, n),
        }
        for n in sizes
    ]


@pytest.fixture(scope="module")
def files(blocks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for k, block in enumerate(blocks):
        write_table(folder / f"{k}.npz", block)
    return [folder / f"{k}.npz" for k in range(PARTS)]


def curve_of(decide):
    return CountTurnOn(decide, "L1_HTT", "true_ht", (0.0, 50.0, 100.0), {"true_ht": (10, 90)})


def test_threads_files_and_blocks_count_alike(decide, blocks, files):
    whole = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
    expected = CountFired(decide)(whole)
    told = []
    assert total(CountFired(decide), blocks, progress=lambda *done: told.append(done)) == expected
    assert told == [(k, PARTS) for k in range(1, PARTS + 1)]
    assert total(CountFired(decide), files) == expected
    assert total(CountFired(decide), files, "threads") == expected
    assert total(CountFired(decide), [*files, files[0]], "threads") == expected + CountFired(
        decide
    )(files[0])
    curve = curve_of(decide)
    for some, where in ((blocks, None), (files, None), (files, "threads")):
        assert total(curve, some, where).to_dict() == curve(whole).to_dict()


@pytest.mark.parametrize("where", [None, "threads"])
def test_every_event_of_a_file_is_told_of(decide, blocks, files, where):
    events = sum(len(block["true_ht"]) for block in blocks)
    parts = [files[0], *(Scaled(file, 2.0) for file in files[1:])]
    for task in (CountFired(decide), curve_of(decide)):
        told = []
        total(replace(task, told=told.append), parts, where)
        assert sum(told) == events


def test_decisions_travel_as_a_circuit(decide, blocks):
    assert len(decide.content) < 100_000
    assert decide(blocks[0]).shape == (len(blocks[0]["htt_et"]), 3)
    with pytest.raises(DataError, match="no column 'muon_pt' in the events"):
        decide({"htt_et": blocks[0]["htt_et"]})


def test_codes_in_memory_are_checked(decide, blocks):
    muon = blocks[0]["muon_pt"].astype(int)
    muon[0, 0] = 512
    with pytest.raises(DataError, match="muon_pt: code 512 of event 0 is outside 0 to 511"):
        total(CountFired(decide), [blocks[1], {**blocks[0], "muon_pt": muon}], "threads")


def test_nothing_to_count(decide, tmp_path):
    with pytest.raises(DataError, match="no files or blocks"):
        total(CountFired(decide), [])
    with pytest.raises(DataError, match=r"none\.npz"):
        total(CountFired(decide), [tmp_path / "none.npz"], "threads")


def test_dask_is_an_extra(decide, files, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    for where in ("threads", "tcp://127.0.0.1:1"):
        with pytest.raises(ToolError, match=r"pip install 'edgetrig\[dask\]'"):
            total(CountFired(decide), files, where)


def test_no_scheduler(decide, files):
    dask = pytest.importorskip("dask")
    patience = dask.config.set({"distributed.comm.timeouts.connect": "0.2s"})
    with patience, pytest.raises(ToolError, match="no Dask scheduler answers"):
        total(CountFired(decide), files, "tcp://127.0.0.1:1")


@pytest.mark.parametrize("address", ["thread", "tcp://host", "nowhere://x:1", ""])
def test_what_is_no_address(decide, files, address):
    with pytest.raises(ToolError, match="is no Dask scheduler: 'threads' or an address"):
        total(CountFired(decide), files, address)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_worker_is_killed_midway(decide, files, tmp_path):
    distributed = pytest.importorskip("distributed")
    settings = {"dashboard_address": None, "local_directory": str(tmp_path)}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **settings) as cluster:
        victim = cluster.workers[0].pid
        killed = []

        def kill(done, parts):
            if done == PARTS // 2:
                os.kill(victim, signal.SIGKILL)
                killed.append(done)

        task = CountFired(decide)
        # The same file again is an event again; a file computed again is not.
        got = total(task, [*files, files[0]], cluster.scheduler_address, kill)
        assert killed == [PARTS // 2]
        assert got == total(task, [*files, files[0]])
        for study in (curve_of(decide), replace(curve_of(decide), weight="true_ht")):
            curve = total(study, files, cluster.scheduler_address)
            assert curve.to_dict() == total(study, files).to_dict()
        halves = [Scaled(file, 0.5) for file in files]
        weighed = CountFired(decide, "true_ht")
        assert total(weighed, halves, cluster.scheduler_address) == total(weighed, halves)
        with pytest.raises(DataError, match=r"none\.npz"):
            total(task, [files[0], tmp_path / "none.npz"], cluster.scheduler_address)
