"""The 16 features against FastJet, against plain formulas, and against their own laws."""

from __future__ import annotations

import itertools
import math

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.errors import DataError
from edgetrig.physics import FEATURES, jet_features

INDEX = {name: i for i, name in enumerate(FEATURES)}


def random_jet(rng, size):
    """A jet with a falling spectrum, mostly collinear, some of it wide."""
    pt = rng.exponential(20.0, size) + 0.5
    spread = rng.choice([0.02, 0.15, 0.4], size)
    angles = rng.normal(0.0, spread, (2, size))
    return np.column_stack([pt, 0.3 + angles[0], 3.0 + angles[1]])


def one(jet):
    return dict(zip(FEATURES, jet_features(jet, np.array([len(jet)]))[0], strict=True))


def four_vectors(jet):
    pt, eta, phi = jet.T
    return np.column_stack(
        [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)]
    )


def rapidity_phi(p):
    return 0.5 * math.log((p[3] + p[2]) / (p[3] - p[2])), math.atan2(p[1], p[0])


def turn(phi):
    return (phi + math.pi) % (2 * math.pi) - math.pi


def groomed(jet):
    """Cambridge/Aachen and mMDT in the plainest way: all pairs, nested tuples."""
    branches = [((i,), p) for i, p in enumerate(four_vectors(jet))]
    trees = [None] * len(branches)
    while len(branches) > 1:
        places = [rapidity_phi(p) for _, p in branches]
        distances = {
            (i, j): (places[i][0] - places[j][0]) ** 2 + turn(places[i][1] - places[j][1]) ** 2
            for i, j in itertools.combinations(range(len(branches)), 2)
        }
        a, b = min(distances, key=distances.__getitem__)
        merged = (branches[a][0] + branches[b][0], branches[a][1] + branches[b][1])
        tree = ((branches[a], trees[a]), (branches[b], trees[b]))
        branches = [x for i, x in enumerate(branches) if i not in (a, b)] + [merged]
        trees = [x for i, x in enumerate(trees) if i not in (a, b)] + [tree]
    branch, tree = branches[0], trees[0]
    while tree is not None:
        two = sorted(tree, key=lambda item: math.hypot(*item[0][1][:2]))
        soft, hard = (math.hypot(*item[0][1][:2]) for item in two)
        if soft / (soft + hard) > 0.1:
            break
        branch, tree = two[1]
    p = branch[1]
    mass = math.sqrt(max(p[3] ** 2 - p[0] ** 2 - p[1] ** 2 - p[2] ** 2, 0.0))
    return jet[sorted(branch[0])], (mass if len(branch[0]) > 1 else 0.0)


def reference(jet):
    """Every feature as its definition reads."""
    core, mass = groomed(jet)
    z = core[:, 0] / core[:, 0].sum()

    def angle(i, j):
        return math.hypot(core[i, 1] - core[j, 1], turn(core[i, 2] - core[j, 2]))

    def e2(beta):
        return sum(z[i] * z[j] * angle(i, j) ** beta for i, j in pairs)

    def e3(v, beta):
        total = 0.0
        for i, j, k in itertools.combinations(range(len(core)), 3):
            angles = sorted([angle(i, j), angle(i, k), angle(j, k)])
            total += z[i] * z[j] * z[k] * math.prod(angles[:v]) ** beta
        return total

    pairs = list(itertools.combinations(range(len(core)), 2))
    share = jet[:, 0] / jet[:, 0].sum()
    values = {
        "zlogz": float((share * np.log(share)).sum()),
        "c1_b0_mmdt": e2(0),
        "c1_b1_mmdt": e2(1),
        "c1_b2_mmdt": e2(2),
        "d2_a1_b1_mmdt": e3(3, 1) / e2(1) ** 3,
        "d2_a1_b2_mmdt": e3(3, 1) / e2(2) ** 1.5,
        "mass_mmdt": mass,
        "multiplicity": float(len(jet)),
    }
    for b in (1, 2):
        values[f"c2_b{b}_mmdt"] = e3(3, b) / e2(b) ** 2
        values[f"d2_b{b}_mmdt"] = e3(3, b) / e2(b) ** 3
        values[f"m2_b{b}_mmdt"] = e3(1, b) / e2(b)
        values[f"n2_b{b}_mmdt"] = e3(2, b) / e2(b) ** 2
    return values


@pytest.mark.parametrize("seed", range(12))
def test_features_are_their_plain_formulas(seed):
    jet = random_jet(np.random.default_rng(seed), 4 + 2 * seed)
    measured, expected = one(jet), reference(jet)
    for name in FEATURES:
        # The mass of a narrow pair is the small difference of large numbers.
        assert measured[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-6), name


def sequence(jet, algorithm, radius):
    px, py, pz, energy = four_vectors(jet).T
    vectors = ak.zip({"px": px, "py": py, "pz": pz, "E": energy}, with_name="Momentum4D")
    return fastjet.ClusterSequence(vectors, fastjet.JetDefinition(algorithm, radius))


@pytest.mark.parametrize("seed", range(20))
def test_features_are_those_of_fastjet_contrib(seed):
    jet = random_jet(np.random.default_rng(100 + seed), 30 + 3 * seed)
    measured = one(jet)
    whole = sequence(jet, fastjet.cambridge_algorithm, 10.0)
    soft_drop = whole.exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=0.1, R0=0.8)
    mass = np.sqrt(max(float(np.asarray(soft_drop["msoftdrop"]).item()), 0.0) ** 2)
    assert measured["mass_mmdt"] == pytest.approx(mass, rel=1e-7, abs=1e-6)

    core, _ = groomed(jet)
    assert len(core) > 2
    kept = sequence(core, fastjet.cambridge_algorithm, 10.0)

    def correlator(**options):
        return float(np.asarray(kept.exclusive_jets_energy_correlator(1, **options)).item())

    for b in (0, 1, 2):
        value = correlator(beta=b, npoint=2, angles=-1, func="generalized", normalized=True)
        assert measured[f"c1_b{b}_mmdt"] == pytest.approx(value, rel=1e-9)
    for b in (1, 2):
        pair = correlator(beta=b, npoint=2, angles=-1, func="generalized", normalized=True)
        e3 = {
            v: correlator(beta=b, npoint=3, angles=v, func="generalized", normalized=True)
            for v in (1, 2, 3)
        }
        assert measured[f"c2_b{b}_mmdt"] == pytest.approx(e3[3] / pair**2, rel=1e-9)
        assert measured[f"d2_b{b}_mmdt"] == pytest.approx(e3[3] / pair**3, rel=1e-9)
        assert measured[f"m2_b{b}_mmdt"] == pytest.approx(e3[1] / pair, rel=1e-9)
        assert measured[f"n2_b{b}_mmdt"] == pytest.approx(e3[2] / pair**2, rel=1e-9)
        for func in ("c2", "d2", "m2", "n2"):
            value = correlator(beta=b, func=func)
            assert measured[f"{func}_b{b}_mmdt"] == pytest.approx(value, rel=1e-9)


jets = st.builds(
    lambda seed, size: random_jet(np.random.default_rng(seed), size),
    st.integers(0, 2**32),
    st.integers(1, 40),
)


def assert_same(left, right, *, mass=1.0):
    for name in FEATURES:
        scale = mass if name == "mass_mmdt" else 1.0
        assert right[name] == pytest.approx(left[name] * scale, rel=1e-7, abs=1e-5), name


@settings(max_examples=60, deadline=None)
@given(jets, st.randoms(use_true_random=False))
def test_order_of_constituents_does_not_matter(jet, random):
    order = list(range(len(jet)))
    random.shuffle(order)
    assert_same(one(jet), one(jet[order]))


@settings(max_examples=60, deadline=None)
@given(jets, st.floats(-10.0, 10.0), st.floats(-1.5, 1.5))
def test_rotation_and_boost_along_the_beam_do_not_matter(jet, phi, eta):
    assert_same(one(jet), one(jet + np.array([0.0, eta, phi])))


@settings(max_examples=60, deadline=None)
@given(jets, st.floats(0.1, 10.0))
def test_only_the_mass_grows_with_pt(jet, scale):
    assert_same(one(jet), one(jet * np.array([scale, 1.0, 1.0])), mass=scale)


@settings(max_examples=40, deadline=None)
@given(st.lists(jets, min_size=1, max_size=5))
def test_jets_do_not_see_each_other(many):
    together = jet_features(np.concatenate(many), np.array([len(jet) for jet in many]))
    for jet, row in zip(many, together, strict=True):
        assert list(one(jet).values()) == row.tolist()


def test_two_prongs_have_known_values():
    values = one(np.array([[60.0, 0.0, 3.1], [40.0, 0.3, 3.5 - 2 * math.pi]]))
    assert values["c1_b0_mmdt"] == pytest.approx(0.24)
    assert values["c1_b1_mmdt"] == pytest.approx(0.24 * 0.5)
    assert values["c1_b2_mmdt"] == pytest.approx(0.24 * 0.25)
    assert values["zlogz"] == pytest.approx(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert values["mass_mmdt"] == pytest.approx(
        math.sqrt(2 * 60 * 40 * (math.cosh(0.3) - math.cos(0.4)))
    )
    assert values["n2_b1_mmdt"] == 0.0


def test_a_soft_branch_is_dropped_and_counted():
    core = np.array([[60.0, 0.0, 0.0], [40.0, 0.1, 0.0]])
    wide = np.vstack([core, [5.0, 0.7, 0.0]])
    assert one(wide)["mass_mmdt"] == pytest.approx(one(core)["mass_mmdt"])
    assert one(wide)["multiplicity"] == 3


@pytest.mark.parametrize("jet", [[[50.0, 0.1, 0.2]], [[50.0, 0.1, 0.2]] * 3])
def test_degenerate_jets_give_zeros(jet):
    values = one(np.array(jet))
    assert all(math.isfinite(value) for value in values.values())
    assert values["mass_mmdt"] == pytest.approx(0.0, abs=1e-5)
    assert values["d2_b1_mmdt"] == values["n2_b2_mmdt"] == 0.0


@pytest.mark.parametrize(
    ("constituents", "counts", "line"),
    [
        (np.ones((3, 3)), [2], "do not fit"),
        (np.ones((3, 2)), [3], "do not fit"),
        (np.ones((2, 3)), [2, 0], "jet 1 has no constituents"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [2], "constituent 1"),
        ([[1.0, math.nan, 0.0]], [1], "constituent 0"),
    ],
)
def test_bad_input_is_named(constituents, counts, line):
    with pytest.raises(DataError, match=line):
        jet_features(np.array(constituents), np.array(counts))
