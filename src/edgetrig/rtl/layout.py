"""Pieces of Verilog text that several files share."""

from __future__ import annotations

from collections.abc import Iterator

_WIDE = 100


def opening(module: str, declarations: list[str]) -> Iterator[str]:
    """Yield the lines that open a module."""
    yield "/* verilator lint_off UNUSEDSIGNAL */  // bits that a shift or a wrap drops stay unused"
    if not declarations:
        yield f"module {module};"
        return
    yield f"module {module} ("
    yield ",\n".join(f"  {line}" for line in declarations)
    yield ");"


def closing() -> str:
    """Return the lines that close a module."""
    return "endmodule\n/* verilator lint_on UNUSEDSIGNAL */\n"


def wrapped(items: list[str]) -> Iterator[str]:
    """Yield items as comma-separated lines of sane length."""
    line = "   "
    for item in [*(f"{item}," for item in items[:-1]), *items[-1:]]:
        if len(line) + len(item) + 1 > _WIDE:
            yield line
            line = "   "
        line += " " + item
    if line.strip():
        yield line
