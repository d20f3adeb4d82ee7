"""What the simulated trigger finds in crossings that are made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.physics.l1 import CMS
from edgetrig.physics.l1.collisions import (
    TRUTH,
    Collisions,
    first,
    joined,
    load_folder,
    no_collisions,
    save_folder,
)
from edgetrig.physics.l1.crossing import simulate
from edgetrig.physics.l1.detector import deposit
from edgetrig.physics.l1.overlay import Picks
from edgetrig.physics.l1.pool import Pool

LSB = 0.087 / 2


def collision(towers=(), tracks=(), truth=()):
    """One collision: (eta, phi number, ECAL, HCAL) in GeV; rows of `TRACK`; truth by name."""
    towers = np.array(towers, np.float32).reshape(-1, 4)
    row = np.zeros((1, len(TRUTH)), np.float32)
    for name, value in dict(truth).items():
        row[0, TRUTH.index(name)] = value
    return Collisions(
        (towers[:, 0] * 72 + towers[:, 1]).astype(np.int16),
        towers[:, 2].copy(),
        towers[:, 3].copy(),
        np.array([0, len(towers)]),
        np.array(tracks, np.float32).reshape(-1, 7),
        np.array([0, len(tracks)]),
        row,
    )


def crossings(pool, chosen, turn=0, mirrored=False):
    """Crossings of one collision each."""
    count = len(chosen)
    picks = Picks(
        np.array(chosen, np.int64),
        np.full(count, turn, np.int64),
        np.full(count, mirrored),
        np.arange(count + 1),
    )
    return simulate(pool, picks, no_collisions(), 0, np.random.default_rng(0))


def objects(columns, name):
    """All fields of the objects that are there, as a sorted list."""
    fields = [columns[CMS[name].column(field)][0].tolist() for field in ("pt", "eta", "phi")]
    return sorted(row for row in zip(*fields, strict=True) if row[0])


def test_an_electron_is_an_isolated_candidate_a_tau_and_a_jet():
    seen = crossings(collision([(70, 10, 40.0, 0.0), (70, 11, 3.0, 0.0)]), [0])
    eta, phi = 2 * (70 - 57) + 1, 21  # equal towers on both sides in eta: the outer half
    assert objects(seen, "egamma") == [(86, eta, phi)]
    assert seen["egamma_isolation"][0, 0] == 3
    assert objects(seen, "tau") == [(int(86 * 1.08), eta, phi)]
    assert objects(seen, "jet") == [(int(86 * 1.14 + 8), eta, phi)]
    assert seen["ett_et"][0, 0] == 86
    assert seen["etm_et"][0, 0] in (85, 86)
    # Missing energy points away.
    assert abs((seen["etm_phi"][0, 0] - (phi + 72)) % 144) <= 1


def test_a_hadron_is_no_electron():
    seen = crossings(collision([(70, 10, 20.0, 20.0)]), [0])
    assert objects(seen, "egamma") == []
    assert len(objects(seen, "jet")) == 1


def test_jets_lose_what_lies_beside_them():
    even = [(i, j, 1.0, 0.0) for i in range(114) for j in range(72)]
    seen = crossings(collision([*even, (50, 30, 60.0, 0.0)]), [0])
    assert objects(seen, "jet") == [(int(120 * 1.14 + 8), 2 * (50 - 57), 60)]


def test_no_energy_no_objects():
    seen = crossings(collision(), [0])
    for name in ("muon", "egamma", "tau", "jet"):
        assert not objects(seen, name)
    assert seen["ett_et"][0, 0] == seen["etm_et"][0, 0] == 0


def test_towers_saturate_and_codes_stay_in_their_fields():
    everything = [(i, j, 1e4, 1e4) for i in range(114) for j in range(72)]
    seen = crossings(collision(everything), [0])
    for kind in CMS.values():
        kind.check({name: seen[name] for name in map(kind.column, kind.fields)})
    assert seen["ett_et"][0, 0] == 4095


towers = st.tuples(
    st.integers(0, 113), st.integers(0, 71), st.floats(0.0, 80.0), st.floats(0.0, 80.0)
)


@settings(max_examples=40)
@given(found=st.lists(towers, max_size=60), turn=st.integers(0, 71))
def test_a_turned_crossing_has_turned_objects(found, turn):
    pool = collision(found)
    seen, turned = crossings(pool, [0]), crossings(pool, [0], turn)
    for name in ("egamma", "tau", "jet"):
        if (seen[f"{name}_pt"][0, -1]) > 0:
            continue  # the last place may go to another one of the same pt
        moved = [(pt, eta, (phi + 2 * turn) % 144) for pt, eta, phi in objects(seen, name)]
        assert objects(turned, name) == sorted(moved)
    assert seen["ett_et"] == turned["ett_et"]
    assert abs(int(seen["etmhf_et"][0, 0]) - int(turned["etmhf_et"][0, 0])) <= 1
    pts = seen["jet_pt"][0].astype(int)
    assert np.all(np.diff(pts) <= 0)


def test_muons_are_measured_about_right():
    tracks = [[30.0, 0.5, 1.0, -1.0, 1.0, 1.0, 0.0]]
    seen = crossings(collision((), tracks, {"muon_pt": 30.0, "muon_phi": 1.0}), [0] * 2000, 18)
    pt = CMS["muon"].fields["pt"].decode(seen["muon_pt"][:, 0])
    there = seen["muon_pt"][:, 0] > 0
    assert 0.94 < there.mean() < 0.98
    assert 29 < np.median(pt[there]) < 34
    spread = np.percentile(1 / pt[there], 84) - np.percentile(1 / pt[there], 16)
    assert 0.18 < spread / 2 * np.median(pt[there]) < 0.27
    assert seen["muon_charge"][there, 0].mean() > 0.97  # 1 is negative
    phi = CMS["muon"].fields["phi"].decode(seen["muon_phi"][there, 0])
    assert np.median(phi) == pytest.approx(1.0 + np.pi / 2, abs=0.01)
    assert np.median(seen["muon_eta"][there, 0]) == pytest.approx(0.5 / (0.087 / 8), abs=1)
    np.testing.assert_allclose(seen["true_muon_phi"], 1.0 + np.pi / 2, rtol=1e-5)
    assert set(seen["muon_quality"][:, 0].tolist()) == {0, 4, 8, 12}


def test_truth_is_the_hardest_of_all_and_neutrinos_add_up():
    parts = [
        collision(truth={"jet_pt": 20.0, "jet_eta": 1.0, "met_x": 3.0, "pt_hat": 17.0}),
        collision(truth={"jet_pt": 50.0, "jet_eta": 2.0, "met_y": 4.0, "pt_hat": 5.0}),
    ]
    picks = Picks(np.arange(2), np.zeros(2, np.int64), np.array([False, True]), np.array([0, 2]))
    seen = simulate(joined(parts), picks, no_collisions(), 0, np.random.default_rng(0))
    assert seen["true_jet_pt"][0] == 50
    assert seen["true_jet_eta"][0] == -2
    assert seen["true_met"][0] == pytest.approx(5.0)
    assert seen["pt_hat"][0] == 17
    assert seen["pileup"][0] == 2


def test_collisions_survive_their_folder(tmp_path):
    both = joined([collision([(1, 2, 3.0, 4.0)]), collision([(5, 6, 7.0, 8.0)] * 3)])
    save_folder(tmp_path, both)
    for one, other in zip(load_folder(tmp_path), both, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first(both, 1).tower.tolist() == [74]


def test_crossings_are_drawn_by_the_shares_of_strata():
    pool = Pool(no_collisions(), np.array([0, 5, 7]), np.array([0.75, 0.25]))
    picks = pool.draw(4000, 8.0, np.random.default_rng(1))
    numbers = np.diff(picks.ends)
    assert numbers.mean() == pytest.approx(8.0, abs=0.2)
    assert numbers.var() == pytest.approx(8.0, abs=0.8)
    assert (picks.chosen < 5).mean() == pytest.approx(0.75, abs=0.02)
    assert set(picks.chosen.tolist()) == set(range(7))
    assert set(picks.turn.tolist()) == set(range(72))


def test_the_field_bends_charged_particles():
    """One particle of each charge at 2 GeV: their towers lie apart by the angles of a helix."""
    pt = 2.0
    momenta = np.array([[pt, 0.0, 0.0, pt]] * 3)
    rng = np.random.default_rng(2)
    tower, _, _, ends, track, _ = deposit(
        np.array([22, 11, -11]), momenta, np.array([1, 1, 1]), rng
    )
    bend = np.arcsin(1.29 / 2 / (pt / (0.299792458 * 3.8)))
    for i, angle in enumerate((0.0, bend, -bend)):
        columns = tower[ends[i] : ends[i + 1]] % 72
        expected = angle / (2 * np.pi) * 72 % 72
        assert min(abs((columns + 0.5 - expected + 36) % 72 - 36)) <= 0.5
    assert len(track) == 0


def test_few_hadrons_reach_the_muon_system():
    ids = np.array([211, -321, 2212, 13, 12, 130])
    momenta = np.tile([6.0, 0.0, 3.0, np.hypot(6.0, 3.0)], (6, 1))
    rng = np.random.default_rng(2)
    *_, track, ends = deposit(ids, momenta, np.array([6]), rng)
    assert ends.tolist() == [0, 4]
    pion, kaon, proton, muon = track
    assert 0.001 < pion[4] < 0.01 < kaon[4] < 0.04
    assert proton[4] == 0
    assert muon[4] == muon[5] == 1
    assert muon[3] == kaon[3] == -1
