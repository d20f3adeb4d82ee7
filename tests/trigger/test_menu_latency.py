"""A menu's firmware keeps its budget of bunch crossings, or one line says what is too long."""

from dataclasses import replace

import numpy as np
import pytest

from edgetrig.circuit import trace
from edgetrig.errors import MenuError
from edgetrig.menu_files import read_menu
from edgetrig.menu_hardware import MenuHardware
from edgetrig.menu_latency import CrossingClock, seed_cycles
from edgetrig.physics.l1 import CMS
from edgetrig.trigger.menu import Menu, Model, Seed

SMALL = {name: replace(kind, count=min(kind.count, 3)) for name, kind in CMS.items()}

MENU = Menu(
    "timed",
    (
        Seed("L1_SingleMu5", "muon[pt >= 5]"),
        Seed("L1_DoubleJet_Mass", "pair(jet[pt >= 40], jet[pt >= 40], mass > 400)"),
    ),
    types=SMALL,
)


@pytest.mark.parametrize(
    ("clock_ns", "cycles", "taken_ns"),
    [
        (25.0, 1, 24.951),
        (12.5, 2, 12.475),
        (4.1667, 6, 4.158),
        (2.7778, 9, 2.772),
        (2.0, 12, 2.0),
        (3.0, 8, 3.0),
    ],
)
def test_clocks_count_whole_cycles_of_a_crossing(clock_ns, cycles, taken_ns):
    clock = CrossingClock.of(clock_ns)
    assert clock.cycles == cycles
    assert clock.clock_ns == pytest.approx(taken_ns, abs=1e-3)


@pytest.mark.parametrize("clock_ns", [26.0, 0.0, -5.0])
def test_clocks_slower_than_crossings_are_refused(clock_ns):
    with pytest.raises(MenuError, match=r"bunch crossings come every 24\.95 ns"):
        CrossingClock.of(clock_ns)


def test_firmware_keeps_the_budget():
    free = MenuHardware.compile(MENU, clock_ns=2.7778)
    budgeted = MenuHardware.compile(MENU, clock_ns=2.7778, latency_bx=1)
    assert free.wrapper.latency <= budgeted.wrapper.latency <= 9
    cycles = seed_cycles(budgeted.design)
    assert cycles["L1_SingleMu5"] < cycles["L1_DoubleJet_Mass"] <= budgeted.wrapper.latency
    first, whole, longest, *_ = budgeted.summary().splitlines()
    assert first == "timed: 2 seeds for xcvu13p"
    assert f"  {budgeted.wrapper.latency} clock cycles" in whole
    assert "the budget is 1 BX (9 cycles of 2.772 ns a crossing)" in whole
    assert longest.startswith("  L1_DoubleJet_Mass: ")
    assert "L1_" not in free.summary().splitlines()[1]
    assert "TOO FAST" not in free.summary()


def test_a_clock_that_no_stage_keeps_up_with_is_said():
    hurried = MenuHardware.compile(MENU, clock_ns=0.2)
    assert "TOO FAST: one stage takes " in hurried.summary()


def test_budgets_too_small_name_the_longest_path():
    with pytest.raises(MenuError, match=r"seed 'L1_DoubleJet_Mass' takes \d clock cycles") as error:
        MenuHardware.compile(MENU, clock_ns=12.5, latency_bx=1, part="ice40")
    assert "the budget of 1 BX is 2 cycles" in str(error.value)
    assert "\n" not in str(error.value)


def test_operations_longer_than_the_clock_are_named():
    with pytest.raises(MenuError, match=r"'L1_DoubleJet_Mass' has an operation of \d\.\d\d ns"):
        MenuHardware.compile(MENU, clock_ns=1.5, latency_bx=9)


def test_a_latency_that_is_asked_for_keeps_the_budget():
    budgeted = replace(MENU, latency_bx=1)
    hardware = MenuHardware.compile(budgeted, clock_ns=4.158, latency=5)
    assert hardware.wrapper.latency == 6
    with pytest.raises(MenuError, match="the budget of 1 BX is 6 cycles: take 5"):
        MenuHardware.compile(budgeted, clock_ns=4.158, latency=6)


def test_models_have_a_latency_of_their_own():
    model = Model("sums", _sum_of_squares())
    seeds = (*MENU.seeds[:1], Seed("L1_Sums", "sums > 90000"))
    menu = replace(MENU, seeds=seeds, models=(model,))
    hardware = MenuHardware.compile(menu, latency_bx=3)
    assert any(line.startswith("  model sums: ") for line in hardware.summary().splitlines())
    with pytest.raises(MenuError, match=r"of the models 'sums' takes most, \d+ cycles"):
        MenuHardware.compile(menu, clock_ns=24.95, latency_bx=1, part="ice40")


def _sum_of_squares():
    ports = [port for port in MENU.circuit().inputs if port.name == "jet_pt"]
    return trace(lambda pt: np.sum(pt * pt), *ports)


def test_a_budget_in_the_menu_file(tmp_path):
    path = tmp_path / "menu.yaml"
    path.write_text("latency_bx: 3\nseeds: {a: 'muon[pt > 5]'}\n")
    assert read_menu(path).latency_bx == 3
    for wrong, message in (
        ("2.5", "latency_bx: a whole number is needed, not 2.5"),
        ("0", "latency_bx 0: 1 bunch crossing or more"),
        ("soon", "latency_bx: a number is needed"),
    ):
        path.write_text(f"latency_bx: {wrong}\nseeds: {{a: 'muon[pt > 5]'}}\n")
        with pytest.raises(MenuError, match=message):
            read_menu(path)
