"""Rates of a menu: every figure as counted event by event."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrig.emulate import Emulator
from edgetrig.errors import DataError
from edgetrig.trigger.menu import Fired, Menu, Rates, Seed, count_fired

decisions = st.integers(1, 11).flatmap(
    lambda seeds: st.lists(
        st.lists(st.booleans(), min_size=seeds, max_size=seeds), min_size=1, max_size=40
    )
)


def menu_of(seeds, prescales):
    pairs = zip(range(seeds), prescales, strict=False)
    names = (Seed(f"s{k}", f"htt > {k}", prescale) for k, prescale in pairs)
    return Menu("test", tuple(names))


@given(decisions, st.lists(st.sampled_from([0, 1, 2, Fraction(5, 2)]), min_size=11, max_size=11))
def test_rates_are_those_of_the_events(bits, prescales):
    bits = np.array(bits, bool)
    events, seeds = bits.shape
    menu = menu_of(seeds, map(Fraction, prescales))
    fired = Fired(seeds)
    fired.add(bits)
    rates = Rates(menu, fired)
    chance = bits * [float(1 / p) if p else 0.0 for p in map(Fraction, prescales[:seeds])]
    scale = menu.khz_of_all / events
    np.testing.assert_allclose(rates.seed[0], scale * chance.sum(0))
    np.testing.assert_allclose(rates.seed[1], scale * np.sqrt((chance**2).sum(0)))
    others = [np.prod(1 - np.delete(chance, k, axis=1), axis=1) for k in range(seeds)]
    np.testing.assert_allclose(
        rates.pure[0], scale * (chance * np.array(others).T).sum(0), atol=1e-9 * scale
    )
    total = scale * (1 - np.prod(1 - chance, axis=1)).sum()
    assert rates.total[0] == pytest.approx(total)
    assert rates.added.sum() == pytest.approx(total)
    assert (np.diff(rates.cumulative[0]) >= -1e-9 * scale).all()
    np.testing.assert_allclose(
        rates.overlap - np.diag(np.diag(rates.overlap)),
        scale * (chance.T @ chance - np.diag((chance**2).sum(0))),
        atol=1e-9 * scale,
    )
    np.testing.assert_allclose(np.diag(rates.overlap), rates.seed[0])


@given(decisions, st.integers(0, 40))
def test_parts_add_up_to_the_whole(bits, cut):
    bits = np.array(bits, bool)
    whole, first, second = (Fired(bits.shape[1]) for _ in range(3))
    whole.add(bits)
    for part, events in ((first, bits[:cut]), (second, bits[cut:])):
        if len(events):
            part.add(events)
    assert (first + second).counts == whole.counts
    assert whole.events == len(bits)


def events(rng, count):
    return {"htt_et": rng.exponential(60, (count, 1)).astype(int).clip(0, 4095)}


def counter(data, rows=700):
    def count(menu):
        decide = Emulator(menu.circuit()).predict
        blocks = [{k: v[i : i + rows] for k, v in data.items()} for i in range(0, 2000, rows)]
        kinds = {kind.name: kind for kind, _ in menu.columns()}
        return count_fired(decide, blocks, len(menu.seeds), kinds.values())

    return count


def test_broken_events():
    menu = Menu("test", (Seed("a", "htt > 3"),))
    data = events(np.random.default_rng(5), 2000)
    with pytest.raises(DataError, match="htt_et: code 5000 of event 3 is outside 0 to 4095"):
        counter({"htt_et": np.where(np.arange(2000)[:, None] == 3, 5000, data["htt_et"])})(menu)
    with pytest.raises(DataError, match="no events to count"):
        count_fired(lambda block: block, [], 1)


def test_a_rate_of_no_events_has_a_limit():
    fired = Fired(3)
    fired.add(np.zeros((1000, 3), bool))
    text = str(Rates(menu_of(3, [Fraction(1), Fraction(4), Fraction(0)]), fired))
    # Pure rates too. 1 - (1 - 0.6827) / 2 is the chance to see no event at 1.84 expected.
    assert [line.split()[2:6] for line in text.splitlines()[1:4]] == [
        ["<", "56.84", "<", "56.84"],
        ["<", "14.21", "<", "14.21"],
        ["0.00", "+-", "0.00", "0.00"],
    ]
    assert "no event passed" in text
