"""What was made and measured, as one page to open and one file to compute with.

`collect` gathers the facts, `render` draws them as a self-contained HTML page, `write` puts both
``report.html`` and ``report.json`` in a folder. `collect_menu`, `render_menu` and `write_menu` do
the same for a trigger menu; `edgetrig.report.plots` draws its figures for papers.
"""

from edgetrig.report.facts import FORMAT, VERSION, Hardware, Sample, collect
from edgetrig.report.menu import collect_menu, rate_facts, render_menu, write_menu
from edgetrig.report.page import render, write

__all__ = [
    "FORMAT",
    "VERSION",
    "Hardware",
    "Sample",
    "collect",
    "collect_menu",
    "rate_facts",
    "render",
    "render_menu",
    "write",
    "write_menu",
]
