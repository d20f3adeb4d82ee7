"""Thresholds from rates: what is found is what trying every value finds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.errors import MenuError
from edgetrig.menu_files import read_menu, write_tuned
from edgetrig.trigger.menu import Budget, Fired, Menu, Rates, Seed, scan, tune

FIXED = Seed("fixed", "htt > 40")


def menu_of(*names, prescale=Fraction(1)):
    """Seeds that cut on one sum each, and one without parameters."""
    cut = {"h": "htt > threshold", "e": "etm > threshold", "t": "ett > threshold"}
    seeds = (Seed(name, cut[name], prescale, {"threshold": "10"}) for name in names)
    return Menu("test", (*seeds, FIXED))


def measure(values):
    """Rates from sums in GeV by name of the sum, without a circuit."""

    def rates(menu):
        bits = []
        for seed in menu.seeds:
            what, _, number = seed.expression.partition(" > ")
            bits.append(values[what] > float(seed.parameters.get(number, 0) or number))
        fired = Fired(len(menu.seeds))
        fired.add(np.stack([np.broadcast_to(b, values["htt"].shape) for b in bits], axis=1))
        return Rates(menu, fired)

    return rates


def draw(seed, events):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, 16, events) / 2 for name in ("htt", "etm", "ett")}


def rates_at(menu, values, data):
    parameters = [{"threshold": str(float(v))} for v in values]
    seeds = [
        Seed(s.name, s.expression, s.prescale, p)
        for s, p in zip(menu.seeds, parameters, strict=False)
    ]
    return measure(data)(Menu("test", (*seeds, FIXED)))


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 60),
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
    st.floats(0.05, 1),
    st.sampled_from([Fraction(1), Fraction(5, 2)]),
)
def test_a_whole_menu_within_its_total(seed, events, shares, total, prescale):
    data, menu = draw(seed, events), menu_of("h", "e", "t", prescale=prescale)
    budgets = [Budget(s.name, f * 1000) for s, f in zip(menu.seeds, shares, strict=False)]
    khz = total * menu.khz_of_all
    changed, tuned = tune(menu, budgets, measure(data), total_khz=khz, high=Fraction(9))
    factor = tuned[0].asked_khz / budgets[0].khz
    assert measure(data)(changed).total[0] <= khz * (1 + 1e-9)
    steps = [Fraction(k, 2) for k in range(19)]
    curves = [[rates_at(menu, [v] * 3, data).seed[0][k] for v in steps] for k in range(3)]

    def values_at(f):
        rows = zip(curves, budgets, strict=True)
        first = [[r <= f * b.khz * (1 + 1e-9) for r in curve].index(True) for curve, b in rows]
        return [steps[k] for k in first]

    assert [one.value for one in tuned] == values_at(factor)
    factors = {r / b.khz for curve, b in zip(curves, budgets, strict=True) for r in curve}
    better = [f for f in factors if f > factor * (1 + 1e-9)]
    for f in better:
        assert rates_at(menu, values_at(f), data).total[0] > khz * (1 - 1e-9)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0.001, 1), min_size=3, max_size=3))
def test_each_seed_within_its_own(seed, shares):
    data, menu = draw(seed, 50), menu_of("h", "e", "t")
    budgets = [
        Budget(s.name, f * menu.khz_of_all) for s, f in zip(menu.seeds, shares, strict=False)
    ]
    changed, tuned = tune(menu, budgets, measure(data), high=Fraction(20))
    assert changed.seeds[-1] == FIXED
    for k, (budget, one) in enumerate(zip(budgets, tuned, strict=True)):
        looser = rates_at(menu, [max(one.value - Fraction(1, 2), 0)] * 3, data).seed[0][k]
        assert one.rate_khz <= budget.khz * (1 + 1e-9)
        assert one.value == 0 or looser > budget.khz
        assert changed.seeds[k].parameters["threshold"] == f"{float(one.value):g}"
        assert one.rate_khz == pytest.approx(measure(data)(changed).seed[0][k])


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1), st.floats(1, 3))
def test_more_rate_never_raises_a_threshold(seed, share, more):
    data, menu = draw(seed, 50), menu_of("h", "e")
    khz = share * menu.khz_of_all

    def values(budget, total):
        budgets = [Budget("h", budget), Budget("e", budget / 3)]
        _, tuned = tune(menu, budgets, measure(data), total_khz=total, high=Fraction(9))
        return [one.value for one in tuned]

    assert all(a >= b for a, b in zip(values(khz, khz), values(khz, khz * more), strict=True))
    assert all(a >= b for a, b in zip(values(khz, None), values(khz * more, None), strict=True))


def test_cuts_that_always_or_never_pass_are_not_tried():
    seen = []
    data = {"htt": np.arange(1100) / 4}

    def rates(menu):
        seen.extend(float(s.parameters["threshold"]) for s in menu.seeds)
        assert menu.trees
        fired = Fired(len(menu.seeds))
        cuts = [float(seed.parameters["threshold"]) for seed in menu.seeds]
        fired.add(data["htt"][:, None] >= cuts)
        return Rates(menu, fired)

    menu = Menu("test", (Seed("a", "muon[pt >= threshold]", Fraction(1), {"threshold": "22"}),))
    _, (tuned,) = tune(menu, [Budget("a", menu.khz_of_all / 3)], rates)
    assert tuned.value == 183.5
    assert max(seen) <= 255.5
    assert min(seen) >= 0
    with pytest.raises(MenuError, match=r"no value keeps 0.1 kHz; the largest takes 2247"):
        tune(menu, [Budget("a", 0.1)], rates)


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        ([Budget("x", 1)], "menu 'test' has no seed 'x'"),
        ([Budget("fixed", 1)], "seed 'fixed' has no parameter 'threshold'; it has none; write"),
        ([Budget("h", 1, "t")], "seed 'h' has no parameter 't'; it has threshold"),
        ([Budget("h", 1), Budget("h", 2)], "seed 'h' has two budgets"),
        ([Budget("h", 0)], "seed 'h': a budget of 0 kHz; give a number above 0"),
        ([], "no seed has a budget"),
    ],
)
def test_what_cannot_be_tuned(budgets, words):
    with pytest.raises(MenuError, match=words):
        tune(menu_of("h"), budgets, measure(draw(1, 10)))


def test_rates_that_cannot_be_kept():
    menu, data = menu_of("h"), draw(1, 100)
    data["htt"][:] = 50
    with pytest.raises(MenuError, match="no values keep 5 kHz in total: the largest take 309"):
        tune(menu, [Budget("h", 1)], measure(data), total_khz=5)
    upward = Seed("h", "htt < threshold", Fraction(1), {"threshold": "10"})

    def growing(some):
        fired = Fired(len(some.seeds))
        cuts = [float(seed.parameters["threshold"]) for seed in some.seeds]
        fired.add(np.arange(30)[:, None] < cuts)
        return Rates(some, fired)

    with pytest.raises(MenuError, match=r"the rate grows with 'threshold', from .* at 0.5 to"):
        tune(Menu("test", (upward,)), [Budget("h", 1)], growing)


def test_seeds_that_others_refer_to():
    menu = Menu("test", (*menu_of("h").seeds, Seed("both", "h and fixed")))
    values = {"h": ("threshold", [Fraction(3), Fraction(4)])}
    tried, places = scan(menu, values)
    assert [seed.name for seed in tried.seeds] == ["h_at0", "h_at1"]
    assert places == {"h": [0, 1]}
    with pytest.raises(MenuError, match="seed 'both' refers to 'h', whose parameter changes"):
        scan(menu, values, others=True)
    own = Menu("test", (Seed("h", "htt > t and fixed", Fraction(1), {"t": "3"}), FIXED))
    assert [s.name for s in scan(own, {"h": ("t", [Fraction(9)])})[0].seeds] == ["fixed", "h_at0"]


def test_a_tuned_menu_is_a_menu_again(tmp_path):
    text = """
    models: {}
    seeds:
      a: htt > 3
      b: {expression: htt > t, parameters: {t: 30}, budget_khz: 12, prescale: 2}
    """
    (tmp_path / "menu.yaml").write_text(text)
    menu = read_menu(tmp_path / "menu.yaml")
    assert [seed.budget_khz for seed in menu.seeds] == [None, 12]
    b = Seed("b", "htt > t", Fraction(2), {"t": "41.5"}, 12.0)
    changed = Menu("menu", (menu.seeds[0], b))
    write_tuned(tmp_path / "menu.yaml", tmp_path / "deep" / "tuned.yaml", changed)
    assert read_menu(tmp_path / "deep" / "tuned.yaml").seeds == changed.seeds
    other = Menu("menu", (FIXED,))
    with pytest.raises(MenuError, match=r"menu.yaml: seeds: 'fixed' is missing"):
        write_tuned(tmp_path / "menu.yaml", tmp_path / "other.yaml", other)
