"""``python -m edgetrig`` is ``edgetrig``."""

from edgetrig.cli import main

main()
