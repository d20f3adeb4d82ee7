"""The parametrised detector keeps to its documented numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edgetrig.physics import detector
from edgetrig.physics.detector import detect

PION, PHOTON, KLONG, MUON, ELECTRON, NEUTRINO = 211, 22, 130, 13, 11, 12
TRIES = 20_000


def particle(pt, eta, phi):
    return [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)]


def many(code, pt, eta=0.2, phi=1.0, count=TRIES):
    """What is seen of one particle, again and again: an event each."""
    momenta = np.tile(particle(pt, eta, phi), (count, 1))
    return detect(np.full(count, code), momenta, np.ones(count, int), np.random.default_rng(0))


@pytest.mark.parametrize("pt", [5.0, 100.0, 400.0])
def test_tracks(pt):
    objects, sizes = many(PION, pt)
    # A lost one is a tower instead, and that stands elsewhere.
    found = np.isclose(objects[:, 1:], [0.2, 1.0], atol=1e-9).all(axis=1)
    assert found.mean() == pytest.approx(detector.TRACK_EFFICIENCY, abs=0.005)
    width = np.hypot(0.01, 1.5e-4 * pt)
    assert objects[found, 0].mean() == pytest.approx(pt, rel=4 * width / np.sqrt(TRIES))
    assert objects[found, 0].std() / pt == pytest.approx(width, rel=0.03)
    assert sizes.max() == 1


@pytest.mark.parametrize(
    ("code", "energy", "width", "step"),
    [
        (PHOTON, 50.0, np.hypot(0.03 / np.sqrt(50), 0.005), 2 * np.pi / 360),
        (KLONG, 400.0, np.hypot(1 / np.sqrt(400), 0.05), 2 * np.pi / 72),
    ],
)
def test_calorimeters(code, energy, width, step):
    objects, sizes = many(code, energy / np.cosh(0.2))
    assert sizes.min() == sizes.max() == 1
    # The cell's centre, its energy resolution.
    assert abs(objects[0, 1] - 0.2) <= step / 2
    assert abs(objects[0, 2] - 1.0) <= step / 2
    assert np.ptp(objects[:, 1:], axis=0).max() == 0
    measured = objects[:, 0] * np.cosh(objects[:, 1])
    assert measured.mean() == pytest.approx(energy, rel=4 * width / np.sqrt(TRIES))
    assert measured.std() / energy == pytest.approx(width, rel=0.03)


def test_cells_tile_the_detector():
    rng = np.random.default_rng(1)
    eta, phi = rng.uniform(-2.99, 2.99, 5000), rng.uniform(-np.pi, np.pi, 5000)
    for code, cells in ((PHOTON, detector.ECAL_CELLS), (KLONG, detector.HCAL_CELLS)):
        momenta = np.array(particle(200.0, eta, phi)).T
        objects, sizes = detect(np.full(5000, code), momenta, np.ones(5000, int), rng)
        assert sizes.sum() == 5000
        half = np.pi / cells
        assert np.abs(objects[:, 1] - eta).max() <= half * (1 + 1e-9)
        turn = (objects[:, 2] - phi + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turn).max() <= half * (1 + 1e-9)
        assert np.abs(objects[:, 2]).max() <= np.pi


def test_a_cell_sums_what_enters_it():
    momenta = [particle(30.0, 0.2, 1.0), particle(20.0, 0.2, 1.0), particle(40.0, -1.0, 1.0)]
    rng = np.random.default_rng(0)
    objects, sizes = detect(np.array([PHOTON] * 3), np.array(momenta), np.array([2, 1]), rng)
    assert sizes.tolist() == [1, 1]  # and events do not mix
    assert objects[:, 0] == pytest.approx([50.0, 40.0], rel=0.05)


@pytest.mark.parametrize(
    ("code", "pt", "eta"),
    [
        (NEUTRINO, 50.0, 0.0),
        (-14, 50.0, 0.0),
        (16, 50.0, 0.0),
        (PION, 50.0, 3.01),
        (PHOTON, 50.0, -3.01),
        (MUON, 50.0, 2.7),  # no track there, and nothing in the calorimeter
        (PION, 0.4, 0.0),
        (PHOTON, 0.1, 0.0),
    ],
)
def test_what_is_not_seen(code, pt, eta):
    objects, sizes = many(code, pt, eta, count=200)
    assert len(objects) == sizes.sum() == 0


@pytest.mark.parametrize(("code", "cells"), [(PION, 72), (ELECTRON, 360)])
def test_charged_particles_beyond_the_tracker_are_calorimetric(code, cells):
    objects, _ = many(code, 200.0, 2.7, count=50)
    step = 2 * np.pi / cells
    np.testing.assert_allclose(objects[:, 1], (np.floor(2.7 / step) + 0.5) * step)


def test_the_same_numbers_give_the_same_detector():
    first, second = many(KLONG, 20.0, count=100), many(KLONG, 20.0, count=100)
    np.testing.assert_array_equal(first[0], second[0])
