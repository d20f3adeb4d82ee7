"""``python -m edgetrig.cli`` is ``edgetrig``."""

from edgetrig.cli import main

main()
