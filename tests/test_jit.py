"""Folders of compiled kernels: few are kept, none in use is removed."""

import os
import subprocess
import sys

import pytest

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
