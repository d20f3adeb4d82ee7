"""The firmware around a menu: simulated, it says what the emulator says, counters included."""

from fractions import Fraction

import numpy as np
import pytest

import edgetrig
from edgetrig.errors import VerificationError
from edgetrig.menu_hardware import MenuHardware
from edgetrig.trigger.menu import Menu, Seed
from simulators import PROGRAMS, run_as_the_readme_says, simulators

SEEDS = (
    Seed("L1_SingleMu5", "muon[pt >= 5]", Fraction(7, 2)),
    Seed("L1_Near", "pair(muon, muon, delta_r < 1.5, opposite_charge)", Fraction(137, 100)),
    Seed("L1_Off", "htt > 20", Fraction(0)),
    Seed("L1_Either", "L1_SingleMu5 or htt > 60"),
)


def crossings(menu, rng, count):
    columns = {}
    for kind, name in menu.columns():
        quantity = kind.fields[name]
        codes = rng.integers(quantity.lowest, quantity.highest + 1, (count, kind.count))
        if name == kind.energy.name:
            codes = rng.exponential(12, (count, kind.count)).astype(int).clip(0, quantity.highest)
        columns[kind.column(name)] = codes
    return columns


@simulators("verilator", "icarus")
def test_firmware_counts_as_the_emulator_does(simulator):
    menu = Menu("l1_menu", SEEDS if simulator == "verilator" else SEEDS[:1])
    hardware = MenuHardware(menu, edgetrig.compile(menu))
    rng = np.random.default_rng(1)
    count = 12_000 if simulator == "verilator" else 500
    columns = crossings(menu, rng, count)
    valid, clear = rng.random(count) < 0.8, rng.random(count) < 0.002
    decided = hardware.emulate(columns, valid=valid, clear=clear)
    assert decided.accept.any()
    assert not decided.kept[:, 2:3].any()
    assert 0 < decided.kept[:, 0].sum() < decided.fired[:, 0].sum()
    assert hardware.verify(columns, valid=valid, clear=clear, simulator=simulator) == count


@simulators("icarus")
def test_a_wrong_prescale_is_seen(simulator):
    menu = Menu("l1_menu", SEEDS[:1])
    hardware = MenuHardware(menu, edgetrig.compile(menu, latency=0))
    columns = crossings(menu, np.random.default_rng(2), 300)
    expected = hardware.emulate(columns)
    assert hardware.wrapper.latency == 1
    assert hardware.verify(columns, simulator=simulator) == 300

    class Thinning(MenuHardware):
        def emulate(self, *args, **kwargs):
            return expected

    thinner = Menu("l1_menu", (Seed("a", "muon[pt >= 5]", Fraction(3)),))
    wrong = Thinning(thinner, hardware.design)
    with pytest.raises(VerificationError, match=r"crossing \d+, output kept\[0\]: simulation"):
        wrong.verify(columns, simulator=simulator)


def test_the_folder_has_every_file(tmp_path):
    menu = Menu("l1_menu", SEEDS)
    hardware = MenuHardware.compile(menu, clock_ns=2.5, part="xcku040")
    folder = hardware.write(tmp_path / "firmware", vectors=20)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    sources = {"src/l1_menu.v", "src/l1_menu_prescaler.v", "src/l1_menu_logic.v"}
    scripts = {"vivado.tcl", "l1_menu.xdc", "quartus.tcl", "l1_menu.sdc"}
    assert sources | scripts | {"README.md", "tb/l1_menu_tb.sv", "vectors/accept.hex"} <= names
    assert "edgetrig" not in (folder / "src/l1_menu_prescaler.v").read_text()
    vivado = (folder / "vivado.tcl").read_text()
    assert "set top l1_menu\nset part xcku040\n" in vivado
    assert "src/l1_menu_logic_lut6.v" in names  # a cell of the logic, not of the top
    assert "-verilog_define EDGETRIG_LUT6" in vivado
    constraints = (folder / "l1_menu.xdc").read_text()
    assert "create_clock -name clk -period 2.5 [get_ports clk]" in constraints
    assert (
        "set_input_delay -clock clk 0 [get_ports {reset valid bx0 clear prescale[*]" in constraints
    )
    readme = (folder / "README.md").read_text()
    assert f"Latency {hardware.wrapper.latency} cycles" in readme
    assert "    clear        with valid: zeroes the counters" in readme
    assert "      1          137  L1_Near\n" in readme


@simulators("icarus")
@pytest.mark.parametrize("name", ["valid", "Kept", "muon"])
def test_a_menu_may_have_the_name_of_a_port(simulator, name):
    menu = Menu(name, (Seed("a", "muon[pt >= 5]"),))
    hardware = MenuHardware(menu, edgetrig.compile(menu, latency=1))
    columns = crossings(menu, np.random.default_rng(4), 50)
    assert hardware.verify(columns, simulator=simulator) == 50
    inputs, outputs = hardware.wrapper.ports()
    assert {"valid", "reset"} <= {port.identifier for port in inputs}
    assert [port.identifier for port in outputs][2:] == ["fired", "kept", "accept"]


@simulators("icarus")
@pytest.mark.parametrize(("seeds", "latency"), [(4, None), (1, 0)])
def test_the_written_bench_passes_and_sees_one_altered_vector(simulator, seeds, latency, tmp_path):
    menu = Menu("l1_menu", SEEDS[:seeds])
    hardware = MenuHardware(menu, edgetrig.compile(menu, latency=latency))
    columns = crossings(menu, np.random.default_rng(3), 100)
    folder = hardware.write(tmp_path / "firmware", columns=columns, vectors=300)
    status, said = run_as_the_readme_says(folder, PROGRAMS[simulator])
    assert (status, said.count("PASS: ")) == (0, 1), said
    assert "arning" not in said
    file = folder / "vectors" / "kept.hex"
    lines = file.read_text().splitlines()
    event = next(k for k, line in enumerate(lines) if k > 50 and int(line, 16))
    lines[event] = f"{int(lines[event], 16) ^ 1:x}"
    file.write_text("\n".join(lines) + "\n")
    status, said = run_as_the_readme_says(folder, PROGRAMS[simulator])
    assert status != 0
    assert f"FAIL: event {event}, output kept: expected {lines[event]}" in said


def test_the_header_says_what_the_bits_are(tmp_path):
    menu = Menu(
        "l1_menu",
        (Seed("L1_Mu", "muon[pt >= 5]"), Seed("L1_é", "count(muon[pt >= 3]) > 1", Fraction(5, 2))),
    )
    text = (
        MenuHardware(menu, edgetrig.compile(menu)).write(tmp_path / "f", vectors=10)
        / "src/l1_menu.v"
    )
    header = text.read_text(encoding="ascii").split("module")[0]
    assert "//   muon         8 of 64 bits, the first lowest: pt [18:10]" in header
    assert "//   0          100  L1_Mu" in header
    assert "//   1          250  L1_\\xe9" in header
