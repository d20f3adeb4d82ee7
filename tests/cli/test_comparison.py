"""Differences between Keras and hardware are counted and explained."""

import numpy as np

from edgetrig import compile, fixed_input, trace
from edgetrig.cli import comparison
from edgetrig.cli.data import Events


def test_differences_are_explained_or_counted(monkeypatch):
    design = compile(trace(lambda x: x * 2.0, fixed_input("x", 2, integer=3, fraction=1)))
    x = np.array([[0.2, 1.0], [0.7, 1.2], [3.0, 3.0]])
    hardware = design.predict(x)
    assert np.array_equal(comparison.on_grid(design, x), hardware / 2)
    keras = hardware.copy()
    keras[0, 0] += 1.0
    keras[2, 1] -= 1.0
    given = []

    def outputs(model, values, progress):
        given.append(values)
        again = np.array(values, np.float64) * 2
        again[1] += 0.5  # one of the two stays different on the hardware's grid
        return again

    monkeypatch.setattr(comparison, "keras_outputs", outputs)
    events = Events("", x, np.zeros(3, int), (), ())
    result = comparison.compare(design, "model", events, keras, hardware)
    assert np.array_equal(given[0], (hardware / 2)[[0, 2]])
    assert (result["events"], result["equal"], result["different"]) == (3, 1, 2)
    assert result["unexplained"] == 1
    assert "1 differ because float32 rounds" in result["explanation"]
    assert "1 differ for another reason" in result["explanation"]
    assert comparison.compare(design, "model", events, hardware, hardware)["explanation"] == ""
