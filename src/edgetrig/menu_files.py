"""Menus as YAML files: plain text for people, read without running anything in it.

A menu's file names those of its models, which may come from any front end: so this stands above the
rooms, and `edgetrig.trigger.menu` knows nothing of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from edgetrig import circuit
from edgetrig.circuit import Circuit
from edgetrig.design import SUFFIX
from edgetrig.errors import Error, MenuError, require
from edgetrig.files import existing_file, whole_file
from edgetrig.trigger.menu import Menu, Model, Seed

SIZE_LIMIT: Final = 4 << 20
"""Bytes of the largest menu file read."""

HINT: Final = (
    "indent with spaces, and quote text that begins with one of [ { & * ! or has ': ' in it"
)
"""What mends most YAML that cannot be read."""

_OPTIONAL: Final = ("name", "models", "bunches", "budget_khz", "latency_bx")


def read_menu(path: str | Path) -> Menu:
    """Read a menu.

    Parameters
    ----------
    path
        A YAML file with the keys ``seeds`` and, as needed, ``name``, ``models``, ``bunches``,
        ``budget_khz`` and ``latency_bx``. A seed is its expression, or a mapping with
        ``expression`` and, as needed, ``prescale``, ``parameters`` and ``budget_khz``. A model is a
        mapping with ``file`` (beside the menu) and ``inputs``. `docs/menu.md` has an example.

    Raises
    ------
    MenuError
        If the file is no menu; the line names the place.
    DataError
        If it does not exist.
    """
    file = existing_file(Path(path))
    with _named(file):
        return _menu(_parsed(file), file)


def write_tuned(path: str | Path, out: str | Path, menu: Menu) -> None:
    """Write a menu's file again, with other values of its seeds' parameters.

    Parameters
    ----------
    path
        The file; comments in it are lost.
    out
        The file to write. Names of models' files are changed as its folder asks for.
    menu
        Of the same seeds, whose parameters are taken.

    Raises
    ------
    MenuError
        If the file is no menu of these seeds.
    Error
        If `out` cannot be written.
    """
    yaml = require("yaml", "menu")
    file, target = existing_file(Path(path)), Path(out)
    with _named(file):
        content = _parsed(file)
        top = _mapping(content, "the menu", ("seeds",), _OPTIONAL)
        entries = _mapping(top["seeds"], "seeds", tuple(seed.name for seed in menu.seeds))
    for seed in menu.seeds:
        entry = entries[seed.name]
        if isinstance(entry, dict) and seed.parameters:
            entry["parameters"] = {
                name: float(value) if _is_number(value) else value
                for name, value in seed.parameters.items()
            }
    for model in (content.get("models") or {}).values():
        model["file"] = os.path.relpath(file.parent / model["file"], target.parent)
    with whole_file(target) as temporary:
        temporary.write_text(
            yaml.safe_dump(content, sort_keys=False, width=100, allow_unicode=True)
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Put the file's name in front of what is wrong with it."""
    try:
        yield
    except MenuError as error:
        raise MenuError(f"{file}: {error}") from error


def _parsed(file: Path) -> Any:
    yaml = require("yaml", "menu")

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        """Refuses a key that stands twice, which YAML would take silently."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            known = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in known:
                        place = _place(key.start_mark)
                        raise MenuError(f"{place}: '{key.value}' stands twice; remove one")
                    known.add(key.value)
            return super().construct_mapping(node, deep)

    if file.stat().st_size > SIZE_LIMIT:
        raise MenuError(f"{file.stat().st_size >> 20} MiB; a menu has at most 4")
    try:
        text = file.read_text("utf-8")
        return yaml.load(text, Loader)
    except UnicodeDecodeError as error:
        raise MenuError("not UTF-8 text; save it as such") from error
    except yaml.MarkedYAMLError as error:
        raise MenuError(_complaint(error)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"the character U+{error.character:04X} cannot stand in YAML; remove it"
        raise MenuError(f"line {line}: {what}") from error
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise MenuError(
            "holds a value that YAML cannot read, or is nested too deeply; quote texts"
        ) from error


def _complaint(error: Any) -> str:
    """Return in one line where text is no YAML, why, and what usually helps."""
    what = " ".join(error.problem.split()).removeprefix("but ")
    if error.context and error.context_mark:
        what += f", {error.context} from line {error.context_mark.line + 1}"
    return f"{_place(error.problem_mark)}: {what}; {HINT}"


def _place(mark: Any) -> str:
    """Return a place in the file, counted from 1 as editors do."""
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _menu(content: Any, file: Path) -> Menu:
    top = _mapping(content, "the menu", ("seeds",), _OPTIONAL)
    seeds = _mapping(top["seeds"], "seeds")
    models = _mapping(top.get("models") or {}, "models")
    latency = top.get("latency_bx")
    return Menu(
        name=_text(top.get("name", file.stem.replace("-", "_")), "name"),
        seeds=tuple(_seed(name, entry) for name, entry in seeds.items()),
        models=tuple(_model(name, entry, file.parent) for name, entry in models.items()),
        bunches=_whole(top.get("bunches", 2748), "bunches"),
        budget_khz=float(_number(top.get("budget_khz", 100), "budget_khz")),
        latency_bx=None if latency is None else _whole(latency, "latency_bx"),
    )


def _seed(name: str, entry: Any) -> Seed:
    if isinstance(entry, str):
        return Seed(name, entry)
    where = f"seed '{name}'"
    seed = _mapping(entry, where, ("expression",), ("prescale", "parameters", "budget_khz"))
    budget = seed.get("budget_khz")
    parameters = _mapping(seed.get("parameters") or {}, f"{where}: parameters")
    return Seed(
        name,
        _text(seed["expression"], where),
        _number(seed.get("prescale", 1), f"{where}: prescale"),
        {parameter: str(value) for parameter, value in parameters.items()},
        None if budget is None else float(_number(budget, f"{where}: budget_khz")),
    )


def _model(name: str, entry: Any, folder: Path) -> Model:
    where = f"model '{name}'"
    model = _mapping(entry, where, ("file",), ("inputs",))
    inputs = model.get("inputs") or []
    if not isinstance(inputs, list) or not all(isinstance(i, str | int) for i in inputs):
        raise MenuError(f"{where}: inputs must be a list such as [etm.et, muon[:4].(pt, eta)]")
    file = _text(model["file"], where)
    try:
        return Model(name, _circuit(folder / file), tuple(map(str, inputs)))
    except Error as error:
        message = str(error)
        raise MenuError(message if where in message else f"{where}: {message}") from error


def _circuit(path: Path) -> Circuit:
    if path.suffix == SUFFIX:
        return circuit.load(existing_file(path))
    from edgetrig.frontends import load

    return load(path).circuit


def _mapping(
    entry: Any, where: str, needed: tuple[str, ...] = (), more: tuple[str, ...] | None = None
) -> Mapping[str, Any]:
    """Return a mapping with text keys; of only the given ones where ``more`` is given."""
    if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
        raise MenuError(f"{where}: a mapping from names is needed")
    missing = [key for key in needed if key not in entry]
    if missing:
        raise MenuError(f"{where}: '{missing[0]}' is missing")
    unknown = [key for key in entry if more is not None and key not in (*needed, *more)]
    if unknown:
        known = ", ".join((*needed, *(more or ())))
        raise MenuError(f"{where}: '{unknown[0]}' is unknown; {known} are known")
    return entry


def _text(entry: Any, where: str) -> str:
    if not isinstance(entry, str):
        raise MenuError(f"{where}: text is needed, not {entry!r}")
    return entry


def _whole(entry: Any, where: str) -> int:
    number = _number(entry, where)
    if number.denominator != 1:
        raise MenuError(f"{where}: a whole number is needed, not {entry!r}")
    return int(number)


def _number(entry: Any, where: str) -> Fraction:
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not abs(entry) < 1e9:
        raise MenuError(f"{where}: a number is needed, not {entry!r}")
    return Fraction(str(entry))
