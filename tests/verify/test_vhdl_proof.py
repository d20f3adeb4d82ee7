"""The proof of VHDL, read by GHDL: what is written is proved, and nothing else."""

import re
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_proof import TRACED, compiled

from circuits import random_circuits, random_programs
from edgetrig import compile
from edgetrig.circuit import Builder, Input, Op, Output, Table, fixed_input, quantize, trace
from edgetrig.errors import Error, ToolError, VerificationError
from edgetrig.optimize import delays_of, optimize, pipeline, ternary_sums
from edgetrig.rtl import vhdl
from edgetrig.verify.proof import prove
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.netlist import read_netlist
from edgetrig.verify.proof.rows import prove_rows

ghdl = pytest.mark.skipif(shutil.which("ghdl") is None, reason="optional: ghdl is not installed")
FEW = settings(max_examples=12, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("answers")


@ghdl
def test_a_design_is_proved_whole(folder):
    circuit = compiled()
    proof = prove(circuit, TRACED, language="vhdl", folder=folder)
    assert proof.complete, str(proof)
    assert proof.registers == circuit.count(Op.REG)
    assert "proved: for every input, the VHDL computes what was traced" in str(proof)
    assert list(proof.readers) == ["ghdl", "yosys"]


@ghdl
def test_what_a_vhdl_simulator_reads_is_proved(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = compile(TRACED, latency=1).verify(100, simulator="ghdl", prove=True)
    assert result.proof.complete
    assert result.proof.language == "VHDL"


@ghdl
@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (r" \+ ", " - ", r"row \d+ \(add"),
        (r"signed\(r", "r(", r"ghdl refuses the VHDL: trigger_stage"),
        (r" < ", " > ", r"row \d+ \(lt\)"),
        (r"  (r\d+) <= ", r"  \1 <= 1 + ", r"row \d+ \(reg\)"),
        ("rising_edge", "falling_edge", r"row \d+ \(reg\): another clock or edge"),
        (r"x\(13 downto 7\)", "x(14 downto 8)", "input x: .* bits"),
        (r"resize\(signed\(", "signed(resize(", r"ghdl refuses|row \d+ \("),
    ],
)
def test_wrong_vhdl_is_refused_at_its_place(folder, old, new, place):
    circuit = compiled()
    files = vhdl(circuit)
    wrong = {name: re.sub(old, new, text, count=1) for name, text in files.items()}
    assert wrong != files
    with pytest.raises((VerificationError, ToolError), match=place):
        prove(circuit, TRACED, files=wrong, folder=folder)


@ghdl
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("y(2 downto 0) <= x;", "port|signal"),
        ("y <= '0' & x; y(3 downto 2) <= x(1 downto 0);", "multiple|several"),
    ],
)
def test_two_drivers_and_open_ends_are_refused(statement, what):
    text = f"""\
library ieee;
use ieee.std_logic_1164.all;
entity top is
  port (x : in std_logic_vector(2 downto 0); y : out std_logic_vector(3 downto 0));
end entity top;
architecture rtl of top is
begin
  {statement}
end architecture rtl;
"""
    with pytest.raises((VerificationError, ToolError), match=what):
        read_netlist({"top.vhd": text}, "top")


def tables(values):
    """Return a circuit of one look-up for each array of values, from 0 on."""
    builder = Builder()
    high = np.array([len(table) - 1 for table in values])
    port = Input("x", np.zeros(len(values), int), high, np.zeros(len(values), int))
    rows = [int(builder.append(Op.TABLE, row, p=builder.table(Table(0, table))))
            for row, table in zip(builder.input(0, port), values, strict=True)]  # fmt: skip
    return builder.finish([port], [Output("y", np.array(rows), np.zeros(len(rows), int))])


def bits_of(code):
    return np.array([code >> k & 1 for k in range(64)])


@ghdl
def test_tables_whose_low_half_is_zero_are_what_they_say(folder):
    """GHDL 2.0 takes a constant of 64 bits whose lowest 32 are 0 for 0."""
    codes = [0xF800000000000000, 0xF80000F000000000, 0xFFFFFFFF00000000, 1, (1 << 64) - 1 << 32]
    codes += [0x8000000000000000, 0xFF00FF0000000000, 0x00000000FF00FF01]
    rng = np.random.default_rng(0)
    circuit = tables([*map(bits_of, codes), rng.integers(0, 9, 300), rng.integers(-9, 9, 128)])
    netlist = read_netlist(vhdl(circuit), "trigger")
    assert prove_rows(circuit, netlist, "trigger", Memory(folder)).proved["TABLE"] == 10


@ghdl
def test_ternary_adders_are_proved(folder):
    weights = np.random.default_rng(0).integers(-7, 8, (6, 5))
    traced = trace(
        lambda x: quantize(x @ weights, 1, 6, 0, "TRN", "SAT"),
        fixed_input("x", 6, integer=5, fraction=0),
    )
    staged = pipeline(optimize(traced), delays_of("UltraScale+"), latency=3)
    circuit = ternary_sums(staged, "UltraScale+", 4.0)
    assert circuit.count(Op.ADD3)
    assert prove(circuit, traced, language="vhdl", folder=folder).complete


@ghdl
def test_ports_named_as_ghdl_names_nets_are_proved(folder):
    """An input ``stage0_v3`` was declared twice in the netlist, once as an output of a stage."""
    ports = [fixed_input(f"n{k}_o", (), signed=0, integer=3, fraction=0) for k in range(40)]

    def names(*x):
        sums = {f"n{k}_q": x[k] + x[k + 1] for k in range(20)}
        return sums | {f"stage0_v{k}": x[0] - x[k] for k in range(30, 38)}

    circuit = pipeline(optimize(trace(names, *ports)), delays_of("UltraScale+"), latency=1)
    netlist = read_netlist(vhdl(circuit), "trigger")
    assert not prove_rows(circuit, netlist, "trigger", Memory(folder)).open


@ghdl
@FEW
@given(data=st.data())
def test_what_is_written_is_never_refused(folder, data):
    if data.draw(st.booleans()):
        traced = data.draw(random_programs()).circuit
    else:
        traced = data.draw(random_circuits(max_rows=25, wide=data.draw(st.booleans())))
    circuit = pipeline(optimize(traced), delays_of("UltraScale+"), latency=1)
    netlist = read_netlist(vhdl(circuit), "trigger")
    assert not prove_rows(circuit, netlist, "trigger", Memory(folder)).open


def test_without_ghdl_the_error_names_its_package(monkeypatch, folder):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=r"install GHDL \(Debian: .*\), or prove the Verilog"):
        read_netlist(vhdl(compiled()), "trigger")


def test_an_unknown_language_is_named(folder):
    with pytest.raises(Error, match="language 'chisel' is unknown"):
        prove(compiled(), TRACED, language="chisel", folder=folder)
