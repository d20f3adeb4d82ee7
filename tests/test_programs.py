"""Programs end with whoever waits for them, and so do their children."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgetrig.errors import ToolError
from edgetrig.programs import call_all, execute

_LONG = "echo $$ > {name}.tmp; mv {name}.tmp {name}; sleep 600 & echo $! > {name}-child; wait"
_WAITING = """
import signal, sys
from edgetrig.programs import call, call_all
signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run without
{work}
"""
MANY = "call_all([['sh', '-c', text] for text in sys.argv[1:]], 'a shell')"
ONE = "call(['sh', '-c', sys.argv[1]], 'a shell')"


def long(folder, name):
    return _LONG.format(name=folder / name)


def number(file):
    """Return the process number in a file, once it is there."""
    deadline = time.monotonic() + 120
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < deadline, file
        time.sleep(0.02)
    return int(file.read_text())


def ends(process):
    """Wait until a process is gone, or only waits for its parent to notice."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def all_end(folder, *names):
    return all(ends(number(folder / file)) for name in names for file in (name, f"{name}-child"))


def test_all_commands_run(tmp_path):
    call_all([["touch", str(tmp_path / str(k))] for k in range(20)], "touch")
    assert len(list(tmp_path.iterdir())) == 20


def test_one_that_fails_ends_the_others(tmp_path):
    fails = f"while [ ! -s {tmp_path}/a-child ]; do sleep 0.1; done; echo error >&2; exit 3"
    with pytest.raises(ToolError, match=r"a shell failed \(exit 3\): error"):
        call_all([["sh", "-c", fails], ["sh", "-c", long(tmp_path, "a")]], "a shell")
    assert all_end(tmp_path, "a")


@pytest.mark.parametrize(("work", "names"), [(MANY, ("a", "b")), (ONE, ("a",))])
def test_an_interrupt_of_the_main_process_ends_all(tmp_path, work, names):
    texts = [long(tmp_path, name) for name in names]
    command = [sys.executable, "-c", _WAITING.format(work=work), *texts]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for name in names:
        number(tmp_path / f"{name}-child")
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate()[1]
    assert all_end(tmp_path, *names)


def test_a_limit_ends_all(tmp_path):
    with pytest.raises(ToolError, match="a shell took longer than 2 s; it was ended"):
        execute(["sh", "-c", long(tmp_path, "a")], "a shell", timeout=2.0)
    assert all_end(tmp_path, "a")
