"""The page of a menu is whole, escaped, and shows what the rates say."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from report_data import NASTY
from test_page import Page

from edgetrig import DataError
from edgetrig.report import collect_menu, rate_facts, render_menu, write_menu
from edgetrig.trigger.menu import Fired, Menu, Rates, Seed, TurnOn

MENU = Menu(
    f"menu {NASTY}",
    (
        Seed("L1_A", "htt > 30"),
        Seed("L1_B", "htt > t", Fraction(5, 2), {"t": "60"}),
        Seed("L1_Off", "htt > 10", Fraction(0)),
        Seed("L1_" + "long" * 20, "htt < 10"),
    ),
    budget_khz=20_000,
)


def fired_of(rng, events):
    fired = Fired(4)
    htt = rng.exponential(30, events)
    fired.add(np.stack([htt > 30, htt > 60, htt > 10, htt < 10], axis=1))
    return fired


@pytest.fixture
def rates():
    return Rates(MENU, fired_of(np.random.default_rng(1), 3000))


@pytest.fixture
def facts(rates):
    edges = np.array([0.0, 10, 20, 40])
    curve = TurnOn("L1_A", "true_ht", edges, np.array([0, 5, 8]), np.array([0, 10, 8]))
    signals = {NASTY: fired_of(np.random.default_rng(2), 50)}
    return collect_menu(rates, signals, [curve], files=[NASTY], command=f"edgetrig {NASTY}")


def test_facts_are_those_of_the_rates(rates, facts):
    assert json.loads(json.dumps(facts)) == facts
    assert facts["total_khz"] == pytest.approx(rates.total[0])
    assert [s["pure_khz"] for s in facts["seeds"]] == pytest.approx(rates.pure[0])
    assert facts["efficiency"][NASTY]["menu"] == pytest.approx(
        rates.efficiency(fired_of(np.random.default_rng(2), 50)).value[-1]
    )
    assert rate_facts(rates)["efficiency"] == {}
    assert facts["turn_ons"][0]["efficiency"] == [None, 0.5, 1]


def test_page_shows_rates_overlaps_and_curves(rates, facts):
    html = render_menu(facts)
    page = Page(html)
    for rate, error in zip(*rates.seed, strict=True):
        assert f"{rate:.2f} ± {error:.2f}" in page.words
    assert "OVER the budget of 20000 kHz" in page.words
    assert html.count('class="point"') == 2  # a bin without events has no efficiency
    assert "10 to 20: 5 of 10, 50.0 % (30.5 to 69.5 %)" in page.words
    assert html.count('class="self"') == 3  # the seed that is off has no row
    assert ">100</td>" in html  # what is above 60 is above 30
    assert "true ht [GeV]" in page.words


def test_names_are_never_markup(facts):
    page = Page(render_menu(facts))
    assert "script" not in page.tags
    assert page.words.count(NASTY) >= 4


def test_a_menu_that_nothing_passes():
    fired = Fired(4)
    fired.add(np.zeros((5, 4), bool))
    page = Page(render_menu(collect_menu(Rates(MENU, fired))))
    limit = (1 - 0.158655 ** (1 / 5)) * 2748 * 11.2455  # Clopper and Pearson, 0 of 5
    assert f"4 seeds take < {limit:.1f} kHz, within the budget of 20000 kHz" in page.words
    assert f"menu < {int(limit)}." in page.words


def test_facts_of_an_earlier_report_make_a_page(facts):
    earlier = {k: v for k, v in facts.items() if k not in ("verdict", "total_limit_khz")}
    assert render_menu(earlier) == render_menu(facts)


def test_too_few_events_do_not_judge_a_menu():
    fired = Fired(4)
    fired.add(np.zeros((1, 4), bool))
    rates = Rates(replace(MENU, budget_khz=100), fired)
    verdict = "too few events to judge the budget of 100 kHz"
    assert verdict in str(rates)
    assert verdict in Page(render_menu(collect_menu(rates))).words
    assert "total 0.00" not in str(rates)


def test_files(facts, tmp_path):
    page = write_menu(tmp_path / "out", facts)
    assert page.read_text(encoding="utf-8") == render_menu(facts)
    assert json.loads(page.with_suffix(".json").read_text()) == facts
    with pytest.raises(DataError, match="not the facts of an edgetrig menu report of version 1"):
        render_menu({**facts, "version": 2})


def test_no_event_is_a_limit_and_not_a_rate_without_error():
    fired = Fired(4)
    fired.add(np.tile([True, False, False, False], (1000, 1)))
    html = render_menu(collect_menu(Rates(MENU, fired)))
    assert html.count("&lt; 22.74") == 3  # rate, pure, and beside the bar; prescaled by 5/2
    assert "56.84" in html
