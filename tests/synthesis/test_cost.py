"""Measured cost: small circuits whose mapping one can count by hand, and every family."""

import numpy as np
import pytest

from edgetrig.circuit import Builder, Input, Op, Output, fixed_input, lookup, origin, trace
from edgetrig.errors import Error, ToolError
from edgetrig.synthesis import PARTS, family_of, synthesize
from edgetrig.synthesis import cost as cost_module

XILINX = {"UltraScale+", "UltraScale", "7 series"}  # one command, the slowest of all
FAMILIES = {family.name: part for part, family in PARTS.items()}


def adder(registers=0):
    builder = Builder()
    port = Input("x", np.zeros(2, int), np.full(2, 255), np.zeros(2, int))
    x = builder.input(0, port)
    for _ in range(registers):
        x = builder.append(Op.REG, x)
    total = builder.append(Op.ADD, x[:1], x[1:])
    for _ in range(registers):
        total = builder.append(Op.REG, total)
    return builder.finish([port], [Output("y", total, np.array([0]))])


def two_layers():
    def function(x):
        with origin("first"):
            y = x[:3] + x[1:]
        with origin("second"):
            return y[:2] - 3 * y[1:]

    return trace(function, fixed_input("x", 4, integer=7, fraction=0))


def test_an_adder_is_a_lut_a_bit_and_one_chain():
    cost = synthesize(adder(registers=1))
    assert (cost.lut, cost.inverters, cost.ff, cost.dsp) == (8, 0, 25, 0)
    assert cost.carry == 3
    assert cost.depth == 2  # LUT, carry chain: registers end a path
    assert cost.by_layer == {"": {"lut": 8, "carry": 3, "ff": 25}}
    assert cost.family == "UltraScale+"
    assert cost.command == "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top trigger"
    assert cost.note == ""


def test_layers_sum_to_the_totals_of_the_same_run():
    cost = synthesize(two_layers())
    assert set(cost.by_layer) >= {"first", "second"}
    for kind in ("lut", "inverters", "carry"):
        assert sum(layer.get(kind, 0) for layer in cost.by_layer.values()) == getattr(cost, kind)
    assert cost.by_layer["first"]["lut"] >= 15
    assert cost.by_layer["second"]["carry"] >= 6
    shown = str(cost)
    assert shown.startswith("measured")
    assert "\nfirst " in shown
    assert cost.to_dict()["by_layer"] == cost.by_layer


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - XILINX))
def test_every_other_family_maps(family):
    cost = synthesize(adder(registers=1), FAMILIES[family])
    assert cost.ff == 25
    assert 0 < cost.lut + 2 * cost.carry < 40
    assert not cost.other
    assert 1 <= cost.depth <= 3


def test_luts_that_join_count_each():
    """A WIDEFN9 of Nexus is two LUTs, as a LUT5 of ECP5 is two LUT4 and a PFUMX."""
    builder = Builder()
    port = Input("x", np.zeros(5, int), np.ones(5, int), np.zeros(5, int))
    x = builder.input(0, port).tolist()
    row = builder.append(Op.SELECT, x[0], builder.append(Op.AND, *x[1:3]), x[3])
    row = builder.append(Op.SELECT, x[4], row, x[2])
    circuit = builder.finish([port], [Output("y", np.array([row]), np.zeros(1, int))])
    assert synthesize(circuit, "nexus").lut == synthesize(circuit, "ecp5").lut == 2


def test_retiming_is_passed_on_or_refused():
    assert " -dff " in synthesize(adder(registers=1), retime=True).command
    with pytest.raises(Error, match="Nexus: Yosys cannot retime there; leave retime out"):
        synthesize(adder(), "nexus", retime=True)


def test_large_deep_circuits_use_classic_abc_and_say_so(monkeypatch):
    monkeypatch.setattr(cost_module, "_ABC9_LUTS", 0)
    monkeypatch.setattr(cost_module, "_ABC9_DEPTH", 0)
    cost = synthesize(adder(registers=1))
    assert (cost.lut, cost.ff) == (8, 25)
    assert "classic ABC in place of ABC9" in cost.note
    assert cost.note in str(cost)


def test_longer_part_names_find_their_family():
    assert family_of("XCVU13P-flga2577-2-e").command.startswith("synth_xilinx -family xcup")
    assert family_of("LFE5U-85F").name == "ECP5"


def test_an_unknown_part_lists_the_known_ones():
    with pytest.raises(Error, match="part 'virtex99' is unknown; known are xcvu13p, "):
        synthesize(adder(), "virtex99")


def test_a_run_that_takes_too_long_is_ended():
    with pytest.raises(ToolError, match=r"yosys took longer than 0\.05 s; it was ended"):
        synthesize(adder(), timeout=0.05)


def test_verilog_that_yosys_refuses_is_one_line(monkeypatch):
    monkeypatch.setattr(cost_module, "verilog", lambda *_: {"trigger.v": "module oops\n"})
    with pytest.raises(ToolError, match=r"yosys failed \(exit 1\): .*syntax error"):
        synthesize(adder())


def test_a_missing_yosys_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyosys", None)
    with pytest.raises(ToolError, match=r"edgetrig\[synth\]"):
        synthesize(adder())


def test_look_ups_in_one_table_cost_as_much_as_each_alone():
    def looks(count):
        def function(x):
            return lookup(x, np.sin, 1, 2, 5, "RND", "SAT")

        return trace(function, fixed_input("x", count, integer=3, fraction=4))

    one, many = synthesize(looks(1), "ecp5"), synthesize(looks(12), "ecp5")
    assert 0 < many.lut <= 12 * one.lut
