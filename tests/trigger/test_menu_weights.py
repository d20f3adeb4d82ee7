"""Weighted events and processes with cross sections: rates, efficiencies and their intervals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edgetrig.cli.app import app
from edgetrig.errors import DataError, MenuError
from edgetrig.physics import write_table
from edgetrig.trigger.menu import (
    CountFired,
    CountTurnOn,
    Decider,
    Fired,
    Menu,
    Rates,
    Seed,
    TurnOn,
    clopper_pearson,
    khz_of,
    mixed,
    samples_of,
    total,
    weight_column,
    weighted_interval,
)

MENU = Menu("test", (Seed("L1_Soft", "htt > 60"), Seed("L1_Hard", "htt > 200")))

weights = st.floats(0.01, 100)
weighted = st.lists(st.tuples(st.booleans(), weights), min_size=1, max_size=40)


def sums_of(passed, weight):
    passed, weight = np.asarray(passed, bool), np.asarray(weight, float)
    return [np.array([(weight[k] ** p).sum()]) for p in (1, 2) for k in (passed, passed | True)]


def interval_of(passed, weight):
    some, every, some_squares, all_squares = sums_of(passed, weight)
    return np.ravel(weighted_interval(some, every, some_squares, all_squares))


@given(st.lists(st.booleans(), min_size=1, max_size=60), weights)
def test_equal_weights_change_nothing(passed, weight):
    expected = np.ravel(clopper_pearson([sum(passed)], [len(passed)]))
    np.testing.assert_allclose(interval_of(passed, [weight] * len(passed)), expected, atol=1e-9)


@given(weighted, weights)
def test_the_interval_holds_the_efficiency_whatever_the_unit(events, unit):
    passed, weight = (np.array(column) for column in zip(*events, strict=True))
    low, high = interval_of(passed, weight)
    assert 0 <= low <= (weight @ passed / weight.sum()) + 1e-9
    assert weight @ passed / weight.sum() <= high + 1e-9 <= 1 + 2e-9
    np.testing.assert_allclose(interval_of(passed, weight * unit), (low, high), atol=1e-7)
    other = 1 - interval_of(~passed, weight)[::-1]
    np.testing.assert_allclose(other, (low, high), atol=1e-7)


@pytest.mark.parametrize("kind", ["smooth", "heavy fails", "heavy passes", "signed"])
@pytest.mark.parametrize(("events", "efficiency"), [(20, 0.3), (200, 0.03), (200, 0.9)])
def test_intervals_of_weighted_events_cover(kind, events, efficiency):
    rng = np.random.default_rng(7)
    held, tries = 0, 1500
    slices, shares = np.array([100.0, 10, 1]), np.array([0.1, 1, 1]) * efficiency
    if kind == "heavy passes":
        shares = shares[::-1]
    sums = []
    for _ in range(tries):
        chance, truth = np.full(events, efficiency), efficiency
        weight = rng.lognormal(0, 1, events)
        if kind == "signed":
            weight = np.where(rng.random(events) < 0.1, -1.0, 1.0)
        elif kind != "smooth":
            which = rng.integers(0, 3, events)
            weight, chance = slices[which], shares[which]
            truth = slices @ shares / slices.sum()
        sums.append(np.ravel(sums_of(rng.random(events) < chance, weight)))
    some, every, some_squares, all_squares = np.array(sums).T
    low, high = weighted_interval(some, every, some_squares, all_squares)
    held = ((low <= truth) & (truth <= high)).mean()
    assert held > 0.683 - 3 * (0.683 * 0.317 / tries) ** 0.5


def test_negative_weights():
    low, high = weighted_interval([-1.0], [80.0], [1.0], [100.0])
    assert low == 0 < high < 0.1
    with pytest.raises(DataError, match="weights of -3 in total leave no efficiency"):
        weighted_interval([1.0], [-3.0], [1.0], [9.0])
    curve = TurnOn("a", "x", np.array([0.0, 1]), *np.ones((2, 1), int), np.full((4, 1), -1.0))
    with pytest.raises(DataError, match="a against x: weights of -1 in total"):
        curve.interval()


@given(weighted, st.integers(0, 40))
def test_rates_of_weighted_events(events, cut):
    passed, weight = (np.array(column) for column in zip(*events, strict=True))
    bits = np.stack([passed, passed & (weight > 1)], axis=1)
    whole, parts = Fired(2), [Fired(2), Fired(2)]
    whole.add(bits, weight)
    for part, some in zip(parts, (slice(cut), slice(cut, None)), strict=True):
        part.add(bits[some], weight[some])
    both = parts[0] + parts[1]
    assert both.counts == whole.counts
    for key, expected in whole.weights.items():
        assert both.weights[key] == pytest.approx(expected)
    rates = Rates(MENU, whole, 5.0)
    scale = 5.0 / weight.sum()
    np.testing.assert_allclose(rates.seed[0], scale * (weight @ bits))
    np.testing.assert_allclose(rates.seed[1], scale * np.sqrt(weight**2 @ bits))
    kept = Rates(MENU, whole).efficiency(whole.scaled(3))
    np.testing.assert_allclose(kept.value[:2], weight @ bits / weight.sum())
    np.testing.assert_allclose([kept.low[-1], kept.high[-1]], interval_of(passed, weight))


def test_events_without_weight_have_no_rate():
    fired = Fired(2)
    fired.add(np.ones((2, 2), bool), np.array([1.0, -1.0]))
    with pytest.raises(DataError, match="a total weight of 0 have no rate"):
        Rates(MENU, fired)
    with pytest.raises(DataError, match="a total weight of 0 cannot be scaled"):
        mixed([(fired, 3.0)])
    with pytest.raises(DataError, match="no processes"):
        mixed([])


def test_weights_that_are_none(tmp_path):
    events = {"htt_et": np.ones((3, 1), np.uint16)}
    decide = Decider.of(MENU)
    broken = {
        r"event 1 of its block: nan": [1, np.nan, 1],
        r"event 2 of its block: weight 1e\+200": [1, 1, 1e200],
        r"shape \(3, 2\) and the type float64; one number": np.ones((3, 2)),
    }
    for words, weight in broken.items():
        write_table(tmp_path / "a.npz", {**events, "w": np.array(weight)})
        task = CountTurnOn(decide, "L1_Soft", "htt_et", (0, 9), weight="w")
        for count in (task, CountFired(decide, "w")):
            with pytest.raises(DataError, match=rf"a\.npz: column 'w'.*{words}"):
                count(tmp_path / "a.npz")


def columns(rng, count, mean):
    """Events whose HT is exponential, with weights that undo what was drawn twice as often."""
    htt = rng.exponential(mean, count).astype(int).clip(0, 4000)
    return {
        "htt_et": htt.astype(np.uint16)[:, None],
        "true_ht": htt / 2.0,
        "weight": rng.choice([0.5, 2.0], count),
        "true_none": np.zeros(count),
        "genWeight": rng.choice([-1.0, 4.0], count),
    }


def noted(process, sigma, events):
    return {"recipe": {"process": process, "events": events}, "cross_sections_pb": {"": sigma}}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(2)
    plan = {"qcd-1": ("qcd", 1e6), "qcd-2": ("qcd", 3e6), "top": ("top", 800.0), "zb": (None, 0)}
    for k, (name, (process, sigma)) in enumerate(plan.items()):
        count = 500 * (k + 1)
        metadata = noted(process, sigma, count) if process else {}
        write_table(folder / f"{name}.h5", columns(rng, count, 60 + 60 * k), metadata)
    alike = columns(rng, 100, 50)
    write_table(folder / "alike.h5", {k: v for k, v in alike.items() if "eight" not in k})
    write_table(folder / "odd.h5", alike, {"cross_sections_pb": [3]})
    write_table(folder / "none.h5", alike, noted("x", 0.0, 100))
    return folder


def test_files_of_a_process_are_one_sample(files):
    names = ("qcd-1", "top", "qcd-2")
    qcd, top = samples_of([files / f"{name}.h5" for name in names])
    assert (qcd.process, top.process) == ("qcd", "top")
    assert [part.factor for part in qcd.parts] == pytest.approx([1 / 3, 2 / 3])
    assert qcd.cross_section_pb == pytest.approx((1e6 * 500 + 3e6 * 1000) / 1500)
    given = samples_of([files / "zb.h5", files / "qcd-1.h5"], {"*.h5": 12.0})
    assert [(s.process, s.cross_section_pb, len(s.parts)) for s in given] == [("*.h5", 12.0, 2)]


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (("odd",), {}, "odd.h5: what it says of its process cannot be read"),
        (("none",), {}, "none.h5: says that its process has 0 pb"),
        (("zb",), {"zb*": 1.0, "z*": 2.0}, "two cross sections, of zb. and z."),
        (("zb",), {"y*": 1.0}, "cross section of y.: no such file"),
        (("zb",), {"z*": 0.0}, "0 pb of z.: a number above 0"),
    ],
)
def test_cross_sections_that_are_none(files, names, given, words):
    with pytest.raises(DataError, match=words):
        samples_of([files / f"{name}.h5" for name in names], given)


def test_which_files_have_weights(files):
    assert weight_column([files / "zb.h5", files / "top.h5"]) == "weight"
    assert weight_column([files / "zb.h5"], "1") is None
    assert weight_column([files / "alike.h5"]) is None
    assert weight_column([files / "zb.h5"], "genWeight") == "genWeight"
    with pytest.raises(DataError, match=r"alike\.h5: no column 'weight' of weights"):
        weight_column([files / "zb.h5", files / "alike.h5"])


@settings(deadline=None, max_examples=5)
@given(st.sampled_from([None, "threads"]))
def test_weighted_studies_anywhere(files, where):
    decide = Decider.of(MENU)
    parts = [part for s in samples_of(sorted(files.glob("qcd-*"))) for part in s.parts]
    fired = total(CountFired(decide, "weight"), parts, where)
    curve = total(CountTurnOn(decide, "L1_Soft", "true_ht", (0, 30, 200), weight="weight"), parts)
    from edgetrig.physics.tables.read import read_columns

    read = [read_columns(part.file)[0] for part in parts]
    weight = np.concatenate([b["weight"] * p.factor for b, p in zip(read, parts, strict=True)])
    htt = np.concatenate([block["htt_et"][:, 0] for block in read]) / 2
    assert Rates(MENU, fired, 1.0).seed[0] == pytest.approx(
        [weight[htt > cut].sum() / weight.sum() for cut in (60, 200)]
    )
    inside = (htt / 1 > 0) & (htt <= 30), (htt > 30) & (htt <= 200)
    assert curve.efficiency == pytest.approx(
        [weight[k & (htt > 60)].sum() / weight[k].sum() for k in inside]
    )
    assert (curve + curve).to_dict()["weighted"]
    with pytest.raises(MenuError, match="with and without weights"):
        curve + TurnOn(curve.seed, curve.variable, curve.edges, curve.passed, curve.total)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in ("menu", *words)])


@pytest.fixture
def menu(tmp_path):
    (tmp_path / "menu.yaml").write_text("seeds: {L1_Soft: htt > 60, L1_Hard: htt > 200}")
    return tmp_path / "menu.yaml"


def test_rates_of_processes(files, menu, tmp_path):
    processes = [files / f"{name}.h5" for name in ("qcd-1", "qcd-2", "top")]
    words = ["rates", menu, *processes, "--luminosity", "2e34", "--out", tmp_path / "rates.json"]
    result = run(*words, "--signal", f"top={files / 'top.h5'}")
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "rates.json").read_text())
    sigma = (1e6 * 500 + 3e6 * 1000) / 1500 + 800
    assert (
        figures["khz_of_all"] == pytest.approx(khz_of(sigma, 2e34)) == pytest.approx(sigma * 2e-5)
    )
    top = figures["efficiency"]["top"]
    assert top["rate_khz"] == pytest.approx(top["menu"] * 800 * 2e-5)
    assert top["menu_low"] < top["menu"] < top["menu_high"]
    assert "Hz" in result.output
    given = [f"zb*={sigma}", "--weight", "genWeight"]
    result = run("rates", menu, files / "zb.h5", "--luminosity", "1e34", "--cross-section", *given)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["top"], "no fair sample of crossings; give --luminosity"),
        (["top", "zb", "--luminosity", "2e34"], "zb.h5: has no cross section, as other files"),
        (["zb", "--luminosity", "0"], "--luminosity 0: a number above 0"),
        (["zb", "--weight", "true_none"], "zb.h5: weights of 0 in total; more than 0"),
        (["zb", "--weight", "x"], "zb.h5: no column 'x' of weights"),
        (["zb", "--cross-section", "zb*=q"], "FILES=PB is needed"),
        (["zb", "--cross-section", "y*=3"], "--cross-section y*: no file of that name"),
    ],
)
def test_what_the_command_refuses(files, menu, words, message):
    named = [files / f"{word}.h5" if (files / f"{word}.h5").exists() else word for word in words]
    result = run("rates", menu, *named)
    assert result.exit_code == 2, result.output
    assert message in result.output
