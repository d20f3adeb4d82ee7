"""Imports run one way through the house: which rooms each room knows."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import edgetrig

HOUSE = Path(edgetrig.__file__).parent
BASE = {"errors", "files", "jit", "printed", "programs", "progress"}
KNOWS = {
    "circuit": "",
    "physics": "",
    "frontends": "circuit",
    "training": "physics frontends",
    "optimize": "circuit",
    "emulate": "circuit",
    "rtl": "circuit",
    "synthesis": "circuit optimize rtl",
    "verify": "circuit rtl synthesis",
    "trigger": "circuit physics optimize emulate",
    "fuzz": "circuit optimize emulate verify",
    "design": "circuit frontends optimize emulate rtl synthesis verify trigger menu_files",
    "report": "circuit training optimize synthesis verify trigger design",
}
"""Which others a room may import: no back end a front end, and no front end a back end."""


def imported(file):
    """Return which modules of the house a file imports, late imports included."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "edgetrig":
            names = [f"edgetrig.{alias.name}" for alias in node.names]
        else:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[1:] for name in names if name.startswith("edgetrig."))


def test_every_room_has_its_place():
    # The command line stands above all rooms, and may use each.
    rooms = {folder.parent.name for folder in HOUSE.glob("*/__init__.py")}
    assert rooms == {*KNOWS, "cli"}


def test_no_circle():
    graph = {room: known.split() for room, known in KNOWS.items()}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", KNOWS)
def test_imports_run_one_way(room):
    allowed = {room, *BASE, *KNOWS[room].split()}
    for file in sorted((HOUSE / room).rglob("*.py")):
        others = {room for room, *_ in imported(file)} - allowed
        assert not others, f"{file.relative_to(HOUSE)} imports {', '.join(sorted(others))}"


@pytest.mark.parametrize("room", [*KNOWS, "cli", ""])
def test_other_rooms_are_entered_by_a_door(room):
    files = (HOUSE / room).rglob("*.py") if room else HOUSE.glob("*.py")
    for file in sorted(files):
        past = [
            ".".join(names)
            for names in imported(file)
            if len(names) > 1 and names[0] != room and not HOUSE.joinpath(*names).is_dir()
        ]
        assert not past, f"{file.relative_to(HOUSE)} imports {past[0]} past its room's door"
