"""The page of layers is the code's."""

from pathlib import Path

import pytest

from edgetrig.frontends.support import page, promises

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"


def test_page_is_made_from_the_code():
    assert page() == PAGE.read_text(), "python -m edgetrig.frontends.support > docs/layers.md"


@pytest.mark.parametrize("room", ["keras", "qkeras", "onnx"])
def test_every_promise_is_short(room):
    assert promises(room)
    assert all(0 < len(promise) < 100 for promise in promises(room).values())
