"""The simulated collisions: hard process, polarisation, truth matching."""

from __future__ import annotations

import numpy as np
import pytest
import pythia8mc

from edgetrig.errors import ToolError
from edgetrig.physics import CLASSES, events
from edgetrig.physics.events import Collisions


@pytest.mark.parametrize("name", ["W", "Z"])
def test_bosons_are_longitudinal(name):
    """cos^2 of a quark's angle in the boson's frame: 1/5 if longitudinal, 2/5 if transverse."""
    pythia = pythia8mc.Pythia("", False)
    for line in (*events.settings(name), "Random:seed = 1", "PartonLevel:all = off"):
        assert pythia.readString(line)
    assert pythia.init()
    squares = []
    while len(squares) < 4000:
        assert pythia.next()
        record = pythia.process
        for i in (6, 7):
            boson, quark = record[i], record[record[i].daughter1()]
            assert abs(boson.id()) == {"W": 24, "Z": 23}[name]
            assert abs(quark.id()) <= 5
            # A massless decay product carries (1 + beta cos) / 2 of the boson's energy.
            beta = boson.pAbs() / boson.e()
            squares.append(((2 * quark.e() / boson.e() - 1) / beta) ** 2)
    assert np.mean(squares) == pytest.approx(0.2, abs=0.015)


@pytest.mark.parametrize("name", CLASSES)
def test_a_batch_is_in_its_windows(name):
    collisions = Collisions(name, np.random.SeedSequence(4))
    jets = collisions.batch()
    assert 0 < collisions.generated <= events.BATCH
    assert 0.4 * events.BATCH < len(jets.counts) <= 2 * events.BATCH
    pt, eta, phi, mass = jets.axis.T
    assert np.all((pt >= 800) & (pt < 1200) & (np.abs(eta) < 1.7) & (np.abs(phi) <= np.pi))
    assert np.all((mass > 0) & (mass < pt))
    assert len(jets.constituents) == jets.counts.sum()
    assert jets.counts.min() >= 2
    # The constituents are the jet's: their vector sum is its momentum.
    owner = np.repeat(np.arange(len(pt)), jets.counts)
    part = jets.constituents
    px = np.bincount(owner, part[:, 0] * np.cos(part[:, 2]))
    py = np.bincount(owner, part[:, 0] * np.sin(part[:, 2]))
    pz = np.bincount(owner, part[:, 0] * np.sinh(part[:, 1]))
    np.testing.assert_allclose(np.hypot(px, py), pt)
    np.testing.assert_allclose(np.arcsinh(pz / pt), eta, atol=1e-9)
    np.testing.assert_allclose(np.arctan2(py, px), phi, atol=1e-9)


def test_a_jet_matches_only_if_it_holds_the_whole_decay():
    axis = np.array([[1000.0, 0.0, 3.1, 80.0], [1000.0, 1.0, 0.0, 80.0]])
    event = np.array([0, 1])
    inside = [[0.0, 5.0, 0.3, -3.0], [0.0, 5.0, -0.3, 3.0]]  # across the seam of phi
    outside = [[0.0, 5.0, 0.3, -3.0], [0.0, 5.0, -0.9, 3.0]]
    elsewhere = [[1.0, 5.0, -1.0, 0.0]]

    def matched(partons):
        return events._matched(axis, event, np.array(partons), 0.8).tolist()

    assert matched(inside) == [True, False]
    assert matched(outside) == [False, False]
    assert matched([*inside, *elsewhere]) == [True, False]
    assert matched([*outside, [0.0, 6.0, 0.1, 3.1]]) == [True, False]  # the other hard object


def test_hard_partons_of_a_top_pair():
    """t (1) -> b W, tbar (2) -> bbar W: three quarks each, though two have another mother."""
    #       system  t   tbar  W+   b   W-   bbar  u   dbar  d  ubar  shower
    ids = [90, 6, -6, 24, 5, -24, -5, 2, -1, 1, -2, 21]
    status = [-11, -62, -62, -22, -23, -22, -23, -23, 23, -23, 23, 51]
    mother = [0, 0, 0, 1, 1, 2, 2, 3, 3, 5, 5, 7]
    momenta = np.tile([3.0, 4.0, 0.0, 5.0], (12, 1))
    arrays = [np.array(a) for a in (ids, status, mother)]
    rows = events._hard_partons(*arrays, momenta, np.array([12]))
    assert rows[:, 1].tolist() == [0, 1, 0, 0, 1, 1]
    assert np.all(rows[:, 0] == 0)
    assert np.all(rows[:, 2:] == [0.0, np.arctan2(4, 3)])


def test_a_refused_setting_is_told(monkeypatch):
    monkeypatch.setitem(events._PROCESSES, "g", ("HardQCD:nonsense = on",))
    with pytest.raises(ToolError, match=r"refused the setting 'HardQCD:nonsense = on'"):
        Collisions("g", np.random.SeedSequence(1))


def test_a_process_that_cannot_start_is_told(monkeypatch):
    monkeypatch.setitem(events._PROCESSES, "g", ())
    with pytest.raises(ToolError, match="could not start class 'g'"):
        Collisions("g", np.random.SeedSequence(1))
