"""Compiled kernels: one code for all numbers, few folders kept, none in use removed."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import edgetrig
from edgetrig import jit
from edgetrig.errors import ToolError
from edgetrig.jit import KEPT, claim

HOLDER = (
    "import sys; from pathlib import Path; from edgetrig.jit import claim;"
    "claim(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def folders(tmp_path):
    """Folders of one room, the first used longest ago."""
    made = [tmp_path / f"kernels-physics-{k}" for k in range(KEPT + 2)]
    for k, folder in enumerate(made):
        folder.mkdir()
        (folder / "kernel").write_text("code")
        os.utime(folder, (k, k))
    return made


def test_a_new_folder_removes_those_of_its_room_used_longest_ago(folders, tmp_path):
    other = tmp_path / "kernels-optimize-0"
    other.mkdir()
    os.utime(other, (0, 0))
    claim(folders[0])  # used again
    assert all(folder.exists() for folder in folders)
    new = tmp_path / "kernels-physics-new"
    claim(new)
    kept = [folders[0], *folders[-(KEPT - 2) :], new]
    assert sorted(tmp_path.glob("kernels-physics-*")) == sorted(kept)
    assert other.exists()


def test_a_folder_that_a_process_holds_stays(folders, tmp_path):
    command = [sys.executable, "-c", HOLDER, str(folders[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        os.utime(folders[0], (0, 0))
        claim(tmp_path / "kernels-physics-new")
        assert (folders[0] / "kernel").exists()
        assert not folders[1].exists()
        holder.communicate(b"")
    claim(tmp_path / "kernels-physics-newer")
    assert not folders[0].exists()


KERNELS = """
from edgetrig.jit import jit

@jit
def power(base, exponent):
    result = 1
    for _ in range(exponent):
        result *= base
    return result

@jit
def powers(base, exponent):
    return power(base, 2) + power(base, 3) + power(base, exponent)
"""


@pytest.fixture
def house(tmp_path):
    """A package with one room of two kernels."""
    package = tmp_path / "edgetrig"
    (package / "room").mkdir(parents=True)
    (package / "room" / "kernels.py").write_text(KERNELS)
    for name in ("__init__", "errors", "jit", "progress"):
        shutil.copy(Path(edgetrig.__file__).with_name(f"{name}.py"), package)
    return tmp_path


def prints(house, code, **environment):
    """Run code with the kernels of a house; return what it prints."""
    variables = {**os.environ, "PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"}
    variables |= {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(house / "cache"), **environment}
    command = [sys.executable, "-c", f"from edgetrig.room.kernels import power, powers; {code}"]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_calls_with_constants_share_code(house):
    assert prints(house, "print(powers(2, 4), len(power.signatures))") == "28 1"


def test_kernels_are_read_from_disk(house):
    assert prints(house, "powers(2, 4); print(powers.stats.cache_misses)")
    again = "print(powers(2, 4), sum(powers.stats.cache_misses.values()))"
    assert prints(house, again) == "28 0"


def test_kernels_run_where_no_file_can_be_written(house):
    for place in ("edgetrig/__pycache__", "cache", "numba"):
        (house / place).write_text("a file where a folder is wanted")
    everywhere = {"NUMBA_CACHE_DIR": str(house / "numba")}
    assert prints(house, "print(powers(2, 4))", **everywhere) == "28"


def test_kernels_are_kept_at_the_next_best_place(house):
    (house / "edgetrig" / "__pycache__").write_text("a file where a folder is wanted")
    assert prints(house, "print(powers(2, 4))") == "28"
    assert list((house / "cache").rglob("*.nbc"))


def test_a_full_disk_leaves_nothing_behind(house):
    full = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (0, 0)); print(powers(2, 4))"
    assert prints(house, full) == "28"
    again = "print(powers(2, 4), sum(powers.stats.cache_misses.values()))"
    assert prints(house, again) == "28 1"
    assert prints(house, again) == "28 0"


def test_whoever_wants_hears_that_kernels_are_compiled_once(house):
    heard = "from edgetrig.progress import notices; notices.append(print); powers(2, 4)"
    assert prints(house, heard).count("compiling kernels") == 1
    assert prints(house, heard) == ""


def test_a_script_hears_it_from_the_log(house):
    logged = "import logging, sys; logging.basicConfig(stream=sys.stdout); powers(2, 4)"
    assert prints(house, logged).startswith("WARNING:edgetrig:compiling kernels, once")


def test_the_bound_on_numba_is_the_one_in_the_package():
    """Raise both together, once all tests of this file pass with the new version."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert jit._NUMBA in project["project"]["dependencies"]


def test_a_numba_that_is_made_otherwise_is_named(monkeypatch):
    monkeypatch.setattr(jit.numba, "njit", lambda **options: lambda function: function)
    with pytest.raises(ToolError, match=r"numba .* too new or too old: pip install 'numba>="):
        jit.jit(claim)


def test_ctrl_c_that_llvm_swallowed_is_ctrl_c(house):
    """LLVM goes on without the code it was making, for which Numba then has an error of its own."""
    lines = [
        "from numba.core.caching import CompileResultCacheImpl",
        "def reduce(*_): raise RuntimeError('no compiled object yet')",
        "CompileResultCacheImpl.reduce = reduce",
        "try: powers(2, 4)",
        "except KeyboardInterrupt: print('interrupted')",
    ]
    assert prints(house, "\n".join(["pass", *lines])) == "interrupted"
