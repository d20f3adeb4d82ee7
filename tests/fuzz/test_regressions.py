"""What was found once is judged again: every case in tests/regressions."""

from pathlib import Path

from edgetrig.fuzz import describe, replay

FOLDER = Path(__file__).parent.parent / "regressions"


def test_saved_cases_agree_now():
    again = replay(FOLDER)
    assert not again, "\n".join(map(describe, again))
