"""The command line answers at once: heavy packages wait until they are needed."""

import subprocess
import sys

import pytest

import edgetrig
from edgetrig.cli import main
from edgetrig.cli.console import say, step


def test_help_needs_no_heavy_package():
    code = (
        "import sys, edgetrig.cli.app as app\n"
        "try:\n    app.app(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "print('loaded', *sorted({'numpy', 'numba', 'keras', 'jax'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "loaded"


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "edgetrig", "--version"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == f"edgetrig {edgetrig.__version__}\n"


def test_work_goes_on_without_an_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)  # as after `edgetrig ... >&-`
    with step("working") as progress:
        progress(1, 2)
    say("done")


def test_every_public_name_is_there():
    assert all(getattr(edgetrig, name) is not None for name in edgetrig.__all__)
    assert set(edgetrig.__all__) <= set(dir(edgetrig))


def test_rooms_are_there_after_one_import():
    code = "import edgetrig; print(edgetrig.emulate.Emulator, edgetrig.circuit.trace)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = edgetrig.nothing


@pytest.mark.parametrize(
    "place",
    ["edgetrig.cli.require", "edgetrig.cli.app.app", "typer.core.TyperGroup.make_context"],
)
def test_an_interrupt_before_the_command_runs_is_one_line(monkeypatch, capsys, place):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # put back afterwards
    monkeypatch.setattr(place, interrupted)
    monkeypatch.setattr(sys, "argv", ["edgetrig", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_interrupt_that_numba_made_another_error_of_is_one_line(monkeypatch, capsys, tmp_path):
    def interrupted(*_, **__):
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # put back afterwards
    monkeypatch.setattr("edgetrig.physics.generate_jets", interrupted)
    wanted = ["generate", "jets", "--out", str(tmp_path / "x.parquet")]
    monkeypatch.setattr(sys, "argv", ["edgetrig", *wanted])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_interrupt_in_a_callback_is_not_lost():
    code = (
        "import ctypes, signal, sys, time, edgetrig.cli.app as application\n"
        "from edgetrig.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run without\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "def work(**_):\n"
        "    ctypes.CFUNCTYPE(None)(interrupted)()\n"
        "    time.sleep(20)\n"
        "application.app = work\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (130, "interrupted\n")
