"""Names from models become identifiers that every tool takes."""

import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from edgetrig.circuit import Builder, Input, Output
from edgetrig.rtl import identifiers, verilog
from edgetrig.rtl.names import KEYWORDS, comment
from edgetrig.verify import lint, simulate

NASTY = [
    "endmodule_finish",
    "", " ", "1x", "x", "X", "x ", "x_2", "clk", "v12", "r3", "module", "Reg", "signal", "int",
    "a__b", "a b", "a\nb", "endmodule // ", "*/", "`define", "$display", "\\esc ", "π", "name",
    "eval", "stage0", "table1", "_", "__x__", "x" * 300, "double", "trigger", "x.y/z:0", "\x00",
]  # fmt: skip


@given(st.lists(st.text() | st.sampled_from(NASTY) | st.sampled_from(sorted(KEYWORDS))))
@example(NASTY)
def test_identifiers_are_plain_distinct_and_no_keywords(names):
    chosen = identifiers(names, taken=["trigger"])
    assert len(chosen) == len(names)
    assert len({name.lower() for name in chosen} | {"trigger"}) == len(names) + 1
    for name in chosen:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert "__" not in name
        assert name.lower() not in KEYWORDS
        assert not re.fullmatch(r"clk|[vrt]\d+|stage\d+", name.lower())


def test_a_good_name_stays():
    assert identifiers(["jet_pt", "eta2", "L1A"]) == ["jet_pt", "eta2", "L1A"]


def test_a_repeated_name_gets_a_number():
    assert identifiers(["pt", "pt", "PT"]) == ["pt", "pt_2", "PT_3"]


@given(st.text())
@example("*/ endmodule \\")
def test_comments_stay_on_their_line(text):
    shown = comment(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert "*/" not in shown
    assert not shown.endswith("\\")


def nasty_circuit():
    builder = Builder(("verilator lint_off", *NASTY))
    ports, outputs = [], []
    for k, name in enumerate(NASTY):
        ports.append(Input(name, np.array([0]), np.array([3]), np.array([0])))
        row = builder.input(k, ports[-1])
        # Out of `trace`, so that outputs may carry the inputs' names.
        outputs.append(Output(name, row, np.array([0])))
    circuit = builder.finish(ports, outputs)
    circuit.rows.origin[:] = np.arange(len(NASTY)) + 1
    return circuit


def test_nasty_names_pass_the_tools():
    circuit = nasty_circuit()
    files = verilog(circuit, "endmodule; $finish")
    assert next(iter(files)) == "endmodule_finish.v"
    assert lint(files) == ""
    codes = np.random.default_rng(0).integers(0, 4, (20, len(NASTY)))
    assert (simulate(circuit, codes, name="endmodule; $finish") == codes).all()
