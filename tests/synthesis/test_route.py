"""Placed and routed circuits: a clock, a latency, a path that adds up, and plain errors."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from edgetrig.circuit import Builder, Output, fixed_input, trace
from edgetrig.errors import Error, ToolError
from edgetrig.optimize import delays_of, pipeline
from edgetrig.synthesis import ROUTERS, family_of, route
from edgetrig.synthesis.harness import HARNESS, harness


def circuit():
    return trace(lambda x: np.stack([x[0] + x[1], x[0] - x[2]]), _port())


def _port():
    return fixed_input("x", 3, integer=5, fraction=0)


def installed(part):
    pytest.importorskip(ROUTERS[family_of(part).name].package)
    return part


@pytest.mark.parametrize("part", ["nexus"])
def test_a_routed_circuit_has_a_clock_and_a_latency(part):
    registered = pipeline(circuit(), delays_of(family_of(part).name), latency=2)
    done = route(registered, installed(part), timeout=300)
    assert done.family == family_of(part).name
    assert 50 < done.routed_mhz < 2000
    assert done.cycles == 2
    assert done.routed_latency_ns == pytest.approx(2 * 1000 / done.routed_mhz)
    path = sum(step.delay_ns for step in done.critical_path)
    assert path == pytest.approx(done.routed_ns, rel=0.02)
    assert done.harness_registers == 18 + 2 * 14
    registers = sum(count for kind, count in done.used.items() if kind.endswith("_FF"))
    assert registers >= done.harness_registers
    shown = str(done)
    assert shown.startswith(f"routed         {done.routed_mhz:.0f} MHz")
    assert json.loads(json.dumps(done.to_dict()))["routed_ns"] == done.routed_ns


def test_the_harness_needs_three_pins_and_reaches_every_bit():
    text, registers = harness(circuit(), "trigger")
    assert f"module {HARNESS} (input wire clk, input wire scan, output wire signature)" in text
    assert ".x(inputs[17:0]), .p_out(outputs[13:0])" in text
    assert registers == 18 + 2 * 14


@pytest.mark.parametrize("part", ["xcvu13p", "xc7", "xcku040"])
def test_families_that_no_open_tool_routes_are_refused(part):
    with pytest.raises(Error, match=r"no open tool routes .*; choose a part of ECP5, Nexus"):
        route(circuit(), part)


def test_a_circuit_without_bits_is_refused():
    builder = Builder()
    zero = builder.constant(0)
    nothing = builder.finish([], [Output("y", np.array(zero).reshape(1), np.zeros(1, np.int64))])
    with pytest.raises(Error, match="without inputs cannot be routed"):
        route(nothing, installed("nexus"))


def test_a_failure_of_the_tool_is_said_in_a_line(monkeypatch):
    router = replace(ROUTERS["Nexus"], arguments=("--device", "LIFCL-0"))
    monkeypatch.setitem(ROUTERS, "Nexus", router)
    with pytest.raises(ToolError, match="Unknown device") as caught:
        route(circuit(), installed("nexus"), timeout=300)
    assert "\n" not in str(caught.value)


def test_a_time_limit_ends_the_tool():
    with pytest.raises(ToolError, match=r"yosys took longer than 0\.01 s"):
        route(circuit(), installed("nexus"), timeout=0.01)


def test_another_seed_is_tried_where_a_placement_cannot_be_routed(monkeypatch):
    from edgetrig.synthesis import _yosys

    module = sys.modules["edgetrig.synthesis.route"]
    seeds = []

    def report(netlist, router, seed, timeout):
        seeds.append(seed)
        if seed < 6:
            raise ToolError(
                "nextpnr failed (exit 125): ERROR: Failed to route arc 0.0 of net 'clk'"
            )
        return {"fmax": {"clk": {"achieved": 250.0}}, "critical_paths": [], "utilization": {}}

    monkeypatch.setattr(module, "_report", report)
    monkeypatch.setattr(module, "_netlist", lambda *arguments: "")
    monkeypatch.setattr(_yosys, "version", lambda: "0")
    done = route(circuit(), installed("nexus"), seed=5)
    assert (done.seed, done.routed_mhz, seeds) == (6, 250.0, [5, 6])
    with pytest.raises(ToolError, match="Failed to route"):
        route(circuit(), installed("nexus"), seed=0)
