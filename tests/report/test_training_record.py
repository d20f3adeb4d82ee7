"""A record of a training comes from a file: it draws a page, or one line says what is wrong."""

import json
from pathlib import Path

import pytest

from edgetrig.errors import DataError
from edgetrig.report import render
from edgetrig.training import TrainResult

RESULT = TrainResult(
    path=Path("model.keras"),
    classes=("a", "b"),
    layers=(4,),
    seed=1,
    cost_target=200.0,
    ebops=190,
    accuracy={"float": 0.7, "quantized": 0.69},
    history={
        "loss": (0.9, 0.8),
        "validation_loss": (0.9, 0.8),
        "validation_accuracy": (0.6, 0.7),
        "ebops": (300.0, 190.0),
        "beta": (1e-7, 1e-6),
    },
    best_epoch=1,
    resumed_at=None,
    events={"train": 70, "validation": 15, "test": 15},
    seconds={"float": 1.0, "quantized": 2.5},
    versions={"keras": "3.99"},
)


def places(value, place=()):
    """Yield the place of every value in a record."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inside:
        yield (*place, key)
        if isinstance(item, dict | list):
            yield from places(item, (*place, key))


def test_comes_back():
    assert TrainResult.from_dict(json.loads(json.dumps(RESULT.to_dict()))) == RESULT


@pytest.mark.parametrize(
    "value", [None, True, -1, 0, 10**30, 1e308, float("nan"), "x", [], {}, [[1]], {"loss": 3}]
)
def test_other_values_draw_a_page_or_give_one_line(bare, value):
    text = json.dumps(RESULT.to_dict())
    for place in list(places(json.loads(text))):
        record = json.loads(text)
        inner = record
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        try:
            result = TrainResult.from_dict(record)
        except DataError as error:
            assert f"field {place[0]!r}" in str(error)  # noqa: PT017
            continue
        render({**bare, "training": result.to_dict()})


def test_no_record():
    for record in (None, 3, [], {}, {"accuracy": {}}):
        with pytest.raises(DataError):
            TrainResult.from_dict(record)
