"""What a proof reads back from Verilog: nothing that a reader may take in two ways."""

import pytest

from edgetrig.circuit import fixed_input, lookup, trace
from edgetrig.errors import VerificationError
from edgetrig.rtl import verilog
from edgetrig.verify.proof.cells import Logic
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.netlist import read_netlist
from edgetrig.verify.proof.rows import prove_rows
from edgetrig.verify.proof.words import Words


def top(body):
    return {"top.v": f"module top(input wire [2:0] x, output wire [3:0] y);\n{body}\nendmodule\n"}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("assign y[2:0] = x; assign y[3:1] = x;", "conflicting drivers"),
        ("assign y = x; assign y[3:2] = x[1:0];", "constant 1'0 driver"),
        ("wire [2:0] v = x + w; wire [2:0] w = v & x; assign y = w;", "logic loop"),
        ("wire u; assign y = {x, u} + 4'd1;", "no driver"),
    ],
)
def test_two_drivers_loops_and_open_ends_are_refused(body, what):
    with pytest.raises(VerificationError, match=f"netlist: .*{what}"):
        read_netlist(top(body), "top")


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ("assign y = $signed(x[1:0]) >> 1;", "{1'd0, {3{x[1]}}}"),
        ("assign y = x >> 1;", "{2'd0, x[2:1]}"),
        ("localparam [7:0] T = 8'h5a; assign y = T[x];", "{3'd0, x[0] ^ x[2]}"),
        ("localparam [6:0] T = 7'h5a; assign y = T[x];", None),
        ("localparam [8:1] T = 8'h5a; assign y = T[x];", None),
        ("localparam [7:0] T = 8'h5a; assign y = T[$signed(x)];", None),
    ],
)
def test_shifts_and_selects_mean_what_the_language_says(body, same):
    """A select outside its vector is undefined: equal to nothing, itself included."""
    words = Words()
    x = words.variable(3)
    parts = []
    for text in (body, f"assign y = {same};" if same else body):
        netlist = read_netlist(top(text), "top")
        leaves = {bit: words.cut(x.term, k, 1) for k, bit in enumerate(netlist.ports["x"])}
        parts.append(Logic(netlist, words, leaves).vector(netlist.ports["y"]))
    assert words.holds(words.make("EQUAL", parts), [], 5.0) is (same is not None)


def test_a_table_that_is_too_short_is_refused(tmp_path):
    port = fixed_input("x", (), signed=0, integer=3, fraction=0)
    circuit = trace(lambda x: lookup(x, lambda v: (v * v * 5) % 8 % 3 * (v < 7), 0, 2, 0), port)
    files = verilog(circuit)
    prove_rows(circuit, read_netlist(files, "trigger"), "trigger", Memory(tmp_path))
    name = next(file for file in files if "table" in file)
    wrong = {**files, name: files[name].replace("[7:0]", "[6:0]")}
    assert wrong != files
    with pytest.raises(VerificationError, match=r"row \d+ \(table\)"):
        prove_rows(circuit, read_netlist(wrong, "trigger"), "trigger", Memory(tmp_path))
