"""Hardware text with one change: what the proof still accepts computes the same."""

import re

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits import random_circuits, random_codes
from edgetrig.errors import ToolError, VerificationError
from edgetrig.rtl import verilog, vhdl
from edgetrig.verify import evaluate, simulate
from edgetrig.verify.proof.memory import Memory
from edgetrig.verify.proof.netlist import read_netlist
from edgetrig.verify.proof.rows import prove_rows
from simulators import simulators

# What is replaced, and by what: operators, signs, numbers, digits, signals, edges, the branches.
SIGNALS = r"\b[vr]\d+\b"
CHANGES = {
    r"(?<= )[-+](?= )": ["+", "-"],
    r"(?<= )(<|>=|==|=)(?= )": ["<", ">=", "/=", "!="],
    r"(?<= )([&|^]|and|or|xor)(?= )": ["&", "|", "and", "or"],
    r"\$signed|\bresize\b|\bnot |~": [""],
    r"(?<![\w'\"])\d+(?!\w)": ["0", "1", "2", "3"],
    r"(?<=')d\d+|(?<=h)[0-9a-f]+|(?<=X\")[0-9A-F]+": ["d0", "d1", "0", "1"],
    r"posedge|rising": ["negedge", "falling"],
    SIGNALS: [],
    r"(?<=\? )(.*) : (.*)(?=;)": [r"\2 : \1"],
    r"(?<=<= )(.*) when (.*) else (.*)(?=;)": [r"\3 when \2 else \1"],
}


@st.composite
def changed(draw, files):
    """Return files with one change in a line that computes something."""
    name = draw(st.sampled_from(sorted(files)))
    lines = files[name].split("\n")
    places = [
        (k, pattern, found)
        for k, line in enumerate(lines)
        if re.search("=|port map", line) and not line.startswith(("--", "//"))
        for pattern in CHANGES
        for found in re.finditer(pattern, re.split("--|//", line)[0])
    ]
    if not places:
        return files
    k, pattern, found = draw(st.sampled_from(places))
    others = CHANGES[pattern] or sorted(set(re.findall(SIGNALS, files[name])))
    new = found.expand(draw(st.sampled_from(others)))
    lines[k] = lines[k][: found.start()] + new + lines[k][found.end() :]
    return {**files, name: "\n".join(lines)}


@simulators("icarus", "ghdl")
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_proved_computes_the_same(simulator, tmp_path_factory, data):
    circuit = data.draw(random_circuits(max_rows=15, registers=data.draw(st.booleans())))
    files = data.draw(changed((vhdl if simulator == "ghdl" else verilog)(circuit)))
    memory = Memory(tmp_path_factory.getbasetemp())
    try:
        proof = prove_rows(circuit, read_netlist(files, "trigger"), "trigger", memory)
    except (VerificationError, ToolError):
        return
    assert not proof.open
    codes = random_codes(circuit, 200)
    expected = np.array(evaluate(str(circuit), codes.tolist()), object)
    assert (simulate(circuit, codes, files=files, simulator=simulator) == expected).all()
