"""What was made and measured, as one page to open and one file to compute with.

`collect` gathers the facts, `render` draws them as a self-contained HTML page, `write` puts both
``report.html`` and ``report.json`` in a folder.
"""

from edgetrig.report.facts import FORMAT, VERSION, Hardware, Sample, collect
from edgetrig.report.page import render, write

__all__ = ["FORMAT", "VERSION", "Hardware", "Sample", "collect", "render", "write"]
