"""Crossings from end to end: the same whatever the number of processes, and of legal codes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edgetrig.errors import DataError, ToolError
from edgetrig.physics.l1 import CMS, PROCESSES, generate_l1, make_pool, read_l1
from edgetrig.physics.l1 import generate as generation
from edgetrig.physics.l1.pool import load_pool
from edgetrig.physics.l1.processes import STRATA
from edgetrig.physics.tables import read_columns

POOL = 40


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A small pool in a cache of its own."""
    home = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        patch.setattr(generation, "ZERO_BIAS_SHARD", 25)
        seen = []
        folder = make_pool(POOL, processes=2, progress=lambda *step: seen.append(step))
        assert seen[0] == (0, POOL)
        assert seen[-1] == (POOL, POOL)
        yield folder


def test_a_pool_is_made_once(cache):
    seen = []
    assert make_pool(POOL, progress=lambda *step: seen.append(step)) == cache
    assert not seen
    pool = load_pool(cache)
    assert len(pool.collisions.truth) == POOL
    assert len(pool.shares) == len(STRATA)
    assert pool.shares.sum() == pytest.approx(1.0)
    assert 0.95 < pool.shares[0] < 0.99
    soft, hard = (pool.collisions.truth[part, -1] for part in (slice(0, 20), slice(22, 38)))
    assert soft.max() < 15 <= hard.min()


def test_zero_bias_is_the_same_for_any_number_of_processes(cache, tmp_path):
    settings = {"process": "zero-bias", "events": 60, "seed": 3, "pool": POOL, "pileup": 20.0}
    one = generate_l1(tmp_path / "one.parquet", processes=1, **settings)
    two = generate_l1(tmp_path / "two.parquet", processes=2, **settings)
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.cross_section_pb is None
    columns, metadata = read_columns(one.path)
    assert np.all(columns["weight"] == 1)
    assert 15 < columns["pileup"].mean() < 25
    assert metadata["recipe"]["process"] == "zero-bias"
    (block,) = read_l1(one.path)
    for kind in CMS.values():
        kind.check(block)
        energy = block[kind.column(kind.energy.name)].astype(int)
        assert np.all(np.diff(energy, axis=1) <= 0)
    assert block["jet_pt"].dtype == np.uint16
    assert block["egamma_phi"].dtype == np.uint8
    assert (block["etm_et"] > 0).any()


def test_a_process_has_its_cross_section_and_its_truth(cache, tmp_path):
    made = generate_l1(
        tmp_path / "h0.h5", process="h0", events=30, seed=1, pool=POOL, pileup=0.0, processes=1
    )
    columns, metadata = read_columns(made.path)
    assert columns["weight"].sum() == pytest.approx(made.cross_section_pb)
    assert metadata["cross_sections_pb"] == {"h0": made.cross_section_pb}
    assert not columns["pileup"].any()
    assert (columns["true_tau_pt"] > 0).mean() > 0.5
    assert np.median(columns["true_met"]) > 3


@pytest.mark.parametrize("events", [1, 9, 10_000])
def test_slices_share_the_events(events):
    plan = generation._plan("qcd", events, 1, 60.0, "")
    assert sum(shard.size for shard in plan) == events
    assert len({shard.name for shard in plan}) == len(plan)
    assert all(0 < shard.size <= generation.SHARD for shard in plan)


def test_every_process_is_named_in_the_documentation():
    from edgetrig.physics.l1 import processes

    for name in PROCESSES:
        assert name == "zero-bias" or f"``{name}``" in processes.__doc__


@pytest.mark.parametrize(
    ("out", "settings", "line"),
    [
        ("a.csv", {}, r"written as \.parquet"),
        ("folder.h5", {}, "is a folder"),
        ("a.h5", {"process": "higgs"}, "no process 'higgs'; there are zero-bias, qcd"),
        ("a.h5", {"events": 0}, "events is 0"),
        ("a.h5", {"seed": -1}, "seed is -1"),
        ("a.h5", {"pileup": 301.0}, "pileup is 301"),
        ("a.h5", {"pileup": float("nan")}, "pileup is nan"),
        ("a.h5", {"pool": 5}, "pool's size is 5"),
        ("a.h5", {"processes": 0}, "processes is 0"),
    ],
)
def test_settings_out_of_range(tmp_path, monkeypatch, out, settings, line):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(DataError, match=line):
        generate_l1(tmp_path / out, **({"process": "zero-bias", "events": 5, "seed": 1} | settings))


def test_a_missing_generator_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ToolError, match=r"pip install 'edgetrig\[physics\]'"):
        generate_l1(tmp_path / "a.h5", process="w", events=5, seed=1)
