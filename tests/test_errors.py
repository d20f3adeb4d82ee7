"""What a user reads when something is wrong."""

import pytest

from edgetrig.errors import Error, ModelError


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", "a\u2028b"])
def test_a_name_from_a_file_keeps_the_message_on_one_line(name):
    assert str(ModelError(f"model.h5: weight {name} is missing")) == (
        "model.h5: weight a b is missing"
    )
    assert str(Error()) == ""
