"""Seeds decide as their text says, for every event; broken menus get one line."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from menu_reference import passes

from edgetrig.circuit import Op
from edgetrig.emulate import Emulator
from edgetrig.errors import Error, MenuError
from edgetrig.menu_files import read_menu
from edgetrig.optimize import optimize
from edgetrig.physics.l1 import CMS
from edgetrig.trigger.menu import Menu, Prescalers, Seed
from edgetrig.trigger.menu.reach import admitted

SMALL = {
    name: type(kind)(kind.name, 1 if kind.single else 3, kind.bits, kind.quantities)
    for name, kind in CMS.items()
}
"""The same objects, but three of each at most: all choices of four can be tried."""

SEEDS = {
    "single": "muon[pt >= 22 and quality >= 12]",
    "relative": "muon[abs(eta) < 1.2, pt > 3.5]",
    "double": "pair(muon[pt >= 15], muon[pt >= 7])",
    "triple": "triple(jet[pt > 100], jet[pt > 50], jet[pt > 50])",
    "mixed": "triple(muon[pt > 5], egamma[pt > 12 and isolation == 1], muon[pt > 3])",
    "counted": "count(jet[pt > 30]) >= 2",
    "few": "count(jet) < 2",
    "resonance": "pair(muon[pt > 2], muon, opposite_charge, 2 < mass < 40)",
    "three_body": "triple(muon, muon[pt > 10], muon, mass < 60)",
    "cross_mass": "pair(egamma[pt > 3], jet, mass > 55.5)",
    "near": "pair(muon, jet[pt > 20], delta_r < 0.4)",
    "far": "pair(tau, tau, delta_r > 0.5, delta_eta < 1.5)",
    "back_to_back": "pair(jet, jet, delta_phi > 2.4 or not mass < 200)",
    "wino": "pair(muon[pt > 10], etm[et > 5], 40 < transverse_mass <= 160)",
    "sum": "htt >= 280*GeV and etm.phi < 3.1*rad",
    "negated": "not single and (ett > 100 or double)",
    "inner": "egamma[not (eta > 1 or eta < -1)]",
}


def menu_of(seeds, **more):
    return Menu("test", tuple(Seed(name, text) for name, text in seeds.items()), **more)


def random_columns(columns, rng, events):
    """Return codes, with objects missing, at the same place, and at the ends of their range."""
    data = {}
    for kind, name in columns:
        quantity = kind.fields[name]
        shape = (events, kind.count)
        wide = rng.integers(quantity.lowest, quantity.highest + 1, shape)
        near = rng.integers(max(quantity.lowest, -9), min(quantity.highest, 60) + 1, shape)
        ends = rng.choice([quantity.lowest, quantity.highest], shape)
        kinds = rng.integers(0, 12, shape)
        data[kind.column(name)] = np.select([kinds < 4, kinds < 11], [wide, near], ends)
        if name == kind.energy.name:
            data[kind.column(name)] *= rng.integers(0, 4, shape) > 0
    return data


def assert_decided(menu, rng, events):
    data = random_columns(menu.columns(), rng, events)
    decided = Emulator(optimize(menu.circuit())).predict(data)
    for event in range(events):
        things = {}
        for kind, name in menu.columns():
            objects = things.setdefault(kind.name, [{} for _ in range(kind.count)])
            for number, thing in enumerate(objects):
                thing[name] = int(data[kind.column(name)][event, number])
        for kind in menu.types.values():  # fields that no seed reads
            for thing in things.get(kind.name, ()):
                for name in kind.fields:
                    thing.setdefault(name, 0)
        for seed, bit in zip(menu.seeds, decided[event], strict=True):
            expected = passes(menu.trees[seed.name], things, menu.trees)
            assert bool(bit) == expected, (seed.name, things)


def test_seeds_decide_as_they_say():
    assert_decided(menu_of(SEEDS, types=SMALL), np.random.default_rng(3), 300)


def test_seeds_of_the_full_format():
    texts = {name: SEEDS[name] for name in ("single", "double", "mixed", "sum", "resonance")}
    assert_decided(menu_of(texts), np.random.default_rng(4), 60)


@st.composite
def object_conditions(draw, kind):
    name = draw(st.sampled_from([q.name for q in kind.quantities[:3]]))
    quantity = kind.fields[name]
    code = draw(st.integers(quantity.lowest + 2, quantity.highest - 2))
    value = float(quantity.value(code)) + draw(st.sampled_from([0, 0.1]))
    text = f"{name} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {value:.3f}"
    return f"not {text}" if draw(st.booleans()) else text


@st.composite
def selections(draw):
    kind = draw(st.sampled_from([SMALL[n] for n in ("muon", "egamma", "jet", "tau")]))
    terms = draw(st.lists(object_conditions(kind), max_size=2))
    joint = f" {draw(st.sampled_from(['and', 'or']))} "
    return f"{kind.name}[{joint.join(terms)}]" if terms else kind.name


@st.composite
def seed_texts(draw):
    if draw(st.booleans()):
        return draw(selections())
    count = draw(st.integers(2, 4))
    chosen = [draw(selections()) for _ in range(count)]
    limit = draw(st.decimals(0, 30, places=1) | st.decimals(0, 800, places=1))
    relation = draw(st.sampled_from(["<=", ">", ">="]))
    masses = [f"{quantity} {relation} {limit}" for quantity in ("mass", "transverse_mass")]
    masses += [f"not {masses[0]} or mass > {limit}1"]
    angles = [f"delta_{angle} {relation} {limit % 4}" for angle in ("r", "eta", "phi")]
    quantities = {2: masses + angles, 3: masses[::2], 4: []}[count]
    shared = draw(st.lists(st.sampled_from(quantities), max_size=2)) if quantities else []
    return f"{({2: 'pair', 3: 'triple', 4: 'quad'})[count]}({', '.join([*chosen, *shared])})"


@settings(max_examples=12)
@given(st.lists(seed_texts(), min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_seed_decides_as_it_says(texts, number):
    menu = menu_of({f"seed_{k}": text for k, text in enumerate(texts)}, types=SMALL)
    try:
        assert menu.circuit().outputs
    except MenuError:  # a cut that nothing, or everything, can pass
        return
    assert_decided(menu, np.random.default_rng(number), 25)


def test_masses_of_a_menu_share_products_that_fit_one_multiplier():
    menu = menu_of(
        {
            "heavy": "pair(jet[pt >= 40], jet[pt >= 40], mass > 400)",
            "heavier": "pair(jet[pt >= 100], jet[pt >= 60, abs(eta) < 2.5], mass > 520)",
            "window": "pair(jet[pt >= 50], jet[pt >= 50], not mass < 100, mass < 400)",
        },
        types=SMALL,
    )
    circuit = optimize(menu.circuit())
    products = np.flatnonzero(circuit.rows.op == Op.MUL)
    assert len(products) == 2 * 3  # energies, then energies and angles, of three pairs
    for operand in (circuit.rows.a[products], circuit.rows.b[products]):
        assert circuit.widths[operand].max() <= 22
    narrower = np.minimum(*(circuit.widths[circuit.rows.operands[products, k]] for k in (0, 1)))
    assert narrower.max() <= 17
    assert_decided(menu, np.random.default_rng(5), 400)


def test_a_cut_on_energy_asks_for_the_object_too():
    """Before, each object had a comparison with 0 beside the cut's."""
    for text, comparisons in (("jet[pt >= 180]", 1), ("jet", 1), ("jet[abs(eta) < 2]", 3)):
        circuit = optimize(menu_of({"seed": text}, types=SMALL).circuit())
        assert np.isin(circuit.rows.op, (Op.LT, Op.EQ)).sum() == 3 * comparisons


@pytest.mark.parametrize(
    ("text", "field", "codes"),
    [
        ("jet[pt >= 40]", "pt", (80, 2047)),
        ("muon[pt > 22]", "pt", (46, 511)),
        ("muon", "pt", (1, 511)),
        ("egamma[abs(eta) < 0.1]", "eta", (-2, 1)),
        ("egamma[not abs(eta) >= 0.1]", "eta", (-2, 1)),
        ("egamma[abs(eta) > 0.1]", "eta", (-128, 127)),
        ("egamma[pt > 10 or (pt > 5 and isolation == 3)]", "pt", (11, 511)),
        ("egamma[not (pt > 10 or pt < 5)]", "pt", (10, 20)),
        ("egamma[(pt > 30 and pt < 20) or pt > 40]", "pt", (81, 511)),
        ("egamma[pt > 30 and pt < 20]", "pt", (1, 1)),
    ],
)
def test_codes_that_selections_admit(text, field, codes):
    selection = menu_of({"seed": text}).trees["seed"]
    assert admitted(selection, field) == codes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("muon[pt >= 22", "column 5: "),
        ("muons[pt > 3]", "no object or seed 'muons'; did you mean muon"),
        ("muon[energy > 3]", "muon has no 'energy'; "),
        ("muon[pt > 400]", "never or always true: the muon's pt is -0.5 to 255 GeV"),
        ("muon[eta > 22]", "never or always true"),
        ("muon[pt > 3*rad]", "a number in GeV is needed, not in rad"),
        ("muon[eta < 2*GeV]", "a number without a unit is needed, not in GeV"),
        ("muon[eta == 1.2]", "no code of eta is 1.2; use < or >"),
        ("muon[abs(eta) == 0.3]", r"column 18: no code of abs\(eta\) is 0.3; use < or >"),
        ("muon[abs(eta) != 0.3]", r"no code of abs\(eta\) is 0.3; use < or >"),
        ("jet[abs(eta) == 0]", r"no code of abs\(eta\) is 0; use < or >"),
        ("muon[abs(eta) < -1]", r"abs\(eta\) < -1 is never or always true: the muon's abs"),
        ("muon[pt]", "a cut on a field of muon must stand here"),
        ("muon[pt > 2 & quality > 3]", "write 'and' and 'or'"),
        ("muon.pt > 3", r"there are 8 muons; write muon\[pt > 20\]"),
        ("etm", "etm needs a cut: etm > 60"),
        ("htt >= x", "a plain number such as 22 or 2.5 is needed, not 'x'"),
        ("htt >= 1e9999999", "a plain number"),
        ("pair(muon, muon, mas > 3)", "no quantity 'mas' of a combination; did you mean mass"),
        ("pair(muon, etm, mass > 3)", "mass needs eta, which etm does not have"),
        ("pair(egamma, egamma, opposite_charge)", "needs charge, which egamma does not have"),
        ("triple(jet, jet, jet, delta_r < 1)", "delta_r is of 2 objects, not of 3"),
        ("pair(muon)", "pair takes 2 selections, then conditions"),
        ("pair(muon, muon, mass < -3)", "makes no sense"),
        ("score > 3", "no sum or score 'score'"),
        ("__import__('os').system('true')", "a cut, a selection"),
        ("[m for m in muon]", "a cut, a selection"),
        ("(lambda: 1)()", "a cut, a selection"),
        ("muon[" + "(" * 500 + "pt > 3" + ")" * 500 + "]", "column|nested"),
        ("not " * 2000 + "muon", "nested|column"),
        ("muon" * 5000, "20000 characters"),
    ],
)
def test_broken_seeds(text, message):
    with pytest.raises(MenuError, match=message) as caught:
        _ = menu_of({"seed": text}).trees
    assert "\n" not in str(caught.value)
    assert "seed 'seed'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair(jet, jet, mass > 1000000)", r"mass > 1e\+06 is never or always true .*\(jet, jet\)"),
        ("triple(muon, muon, muon, mass >= 0)", "mass >= 0 is never or always true"),
        ("pair(muon, etm[et > 3], transverse_mass < 99999)", "transverse_mass < 99999 is never"),
        ("pair(jet, muon, delta_phi > 4)", "delta_phi > 4 is never or always true"),
        ("pair(jet, muon, delta_r < 20)", "delta_r < 20 is never or always true"),
        ("pair(htm[et > 3], htm[et > 3], delta_phi > 1)", "2 different htm asked for, .* has 1"),
    ],
)
def test_combinations_that_decide_nothing(text, message):
    with pytest.raises(MenuError, match=f"seed 'seed': {message}") as caught:
        menu_of({"seed": text}, types=SMALL).circuit()
    assert "\n" not in str(caught.value)


def test_circular_seeds():
    with pytest.raises(MenuError, match=r"in a circle: a -> b -> a|in a circle: b -> a -> b"):
        _ = menu_of({"a": "not b", "b": "a and muon"}).trees


@given(st.lists(st.booleans(), max_size=300), st.integers(100, 1000), st.integers(0, 300))
def test_prescalers_count_as_hardware_does(bits, limit, cut):
    prescalers = Prescalers([Fraction(limit, 100), Fraction(0), Fraction(1)])
    passed = np.array(bits, bool)[:, None].repeat(3, axis=1)
    kept = np.concatenate([prescalers.keep(passed[:cut]), prescalers.keep(passed[cut:])])
    counter = 0
    for bit, (prescaled, off, every) in zip(bits, kept, strict=True):
        counter += 100 * bit
        assert prescaled == (bit and counter >= limit)
        counter -= limit * prescaled
        assert not off
        assert every == bit
    assert kept[:, 0].sum() == sum(bits) * 100 // limit
    assert prescalers.counters[0] == counter


MENU = """
name: example
bunches: 2748
budget_khz: 100
seeds:
  L1_SingleMu22: muon[pt >= 22 and quality >= 12]
  L1_SingleMuT:
    expression: muon[pt >= threshold]
    prescale: 2.5
    parameters: {threshold: 15*GeV}
"""


def test_a_menu_file(tmp_path):
    path = tmp_path / "menu.yaml"
    path.write_text(MENU)
    menu = read_menu(path)
    assert [seed.prescale for seed in menu.seeds] == [1, Fraction(5, 2)]
    assert menu.khz_of_all == pytest.approx(30_902.6, abs=0.1)
    assert [kind.column(name) for kind, name in menu.columns()] == ["muon_pt", "muon_quality"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds:", "seed:", "'seeds' is missing"),
        ("prescale: 2.5", "prescale: 0.5", "prescale 0.5; 1 or more in steps of 0.01"),
        ("prescale: 2.5", "prescale: 2.555", "in steps of 0.01"),
        ("prescale: 2.5", "prescale: often", "a number is needed, not 'often'"),
        ("prescale: 2.5", "prescaled: 2", "'prescaled' is unknown"),
        ("bunches: 2748", "bunches: 2748.5", "bunches: a whole number is needed, not 2748.5"),
        ("bunches: 2748", "bunches: 0", "bunches 0: 1 colliding bunch or more"),
        ("{threshold: 15*GeV}", "{threshold: 15*rad}", "a number in GeV is needed"),
        ("{threshold: 15*GeV}", "{}", "a plain number such as 22 or 2.5 is needed"),
        (
            "L1_SingleMuT",
            "L1_SingleMu22",
            "menu.yaml: line 7, column 3: 'L1_SingleMu22' stands twice",
        ),
        ("L1_SingleMuT", "L1 Mu", "'L1 Mu' cannot name a seed"),
        ("L1_SingleMuT", "muon", "'muon' cannot name a seed"),
        (
            "name: example",
            "name: [",
            r"menu.yaml: line 4, column 11: expected .* from line 2; indent with",
        ),
        ("name: example", "\tname: a", r"menu.yaml: line 2, column 1: .*found character '.t'"),
        ("name: example", "name: *other", r"menu.yaml: line 2, column 7: found undefined alias"),
        ("name: example", "name: a\x07b", r"menu.yaml: line 2: the character U\+0007 cannot stand"),
        ("name: example", "name: !!bool x", "a value that YAML cannot read"),
        ("name: example", "name: 2026-99-99", "a value that YAML cannot read"),
        ("name: example", "models: {a: {file: missing.edgetrig}}", "model 'a': .*missing.edgetrig"),
        ("name: example", "name: !!python/object/apply:os.system [x]", "could not determine"),
    ],
)
def test_broken_menu_files(tmp_path, old, new, message):
    path = tmp_path / "menu.yaml"
    path.write_text(MENU.replace(old, new))
    with pytest.raises(Error, match=message) as caught:
        _ = read_menu(path).trees
    assert "\n" not in str(caught.value)
    assert "unicode string" not in str(caught.value)
