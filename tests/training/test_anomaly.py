"""The anomaly trigger: exact scores that never wrap around, a threshold at a rate, a menu seed."""

import numpy as np
import pytest

from edgetrig.errors import DataError
from edgetrig.physics.l1 import CMS
from edgetrig.training import anomaly_inputs, split, train_anomaly

FIELDS = ("pt", "eta", "phi")
COUNTS = {"etm": 1, "egamma": 4, "muon": 4, "jet": 10}


def crossings(events, seed=0):
    """Return made-up zero-bias events: soft objects, the hardest first, some missing."""
    rng = np.random.default_rng(seed)
    columns = {}
    for kind, used in COUNTS.items():
        shape = (events, CMS[kind].count)
        energy = np.sort(rng.exponential(8, shape), axis=1)[:, ::-1].astype(np.int64)
        energy[:, used // 2 + 1 :] *= rng.random((events, 1)) < 0.3
        there = energy > 0
        columns[f"{kind}_{'et' if kind == 'etm' else 'pt'}"] = energy
        columns[f"{kind}_phi"] = rng.integers(0, 144, shape) * there
        if kind != "etm":
            columns[f"{kind}_eta"] = rng.integers(-57, 57, shape) * there
    return columns


@pytest.fixture(scope="session")
def zero_bias():
    return crossings(6000)


@pytest.fixture(scope="session")
def anomaly(zero_bias, tmp_path_factory):
    out = tmp_path_factory.mktemp("anomaly") / "encoder.keras"
    return train_anomaly(
        zero_bias, out=out, rate_khz=500, layers=(6,), latent=2, epochs=2, batch=256, seed=2
    )


def extremes():
    """Return inputs at the ends of their wires, together and one by one, and random ones."""
    ranges = [(0, CMS["etm"].fields["et"].highest), (0, 0), (0, CMS["etm"].fields["phi"].highest)]
    for kind, used in list(COUNTS.items())[1:]:
        fields = [CMS[kind].fields[name] for name in FIELDS]
        ranges += [(f.lowest, f.highest) for f in fields] * used
    low, high = np.array(ranges).T
    rng = np.random.default_rng(1)
    one = np.where(np.eye(57, dtype=bool), high, 0)
    return np.concatenate([[low, high, 0 * low], one, rng.integers(low, high + 1, (500, 57))])


def expected(path, x, trained_on):
    """Return the score from Keras' own means, in floats; each saturates as training events say."""
    import keras

    model = keras.models.load_model(path)
    largest = np.abs(np.asarray(model(trained_on.astype(np.float32)))).max(axis=0)
    limit = 2 ** np.ceil(np.log2(largest + 0.5)) - 0.5
    means = np.asarray(model(x.astype(np.float32)), np.float64)
    return (np.clip(np.floor(2 * means + 0.5) / 2, -limit, limit) ** 2).sum(axis=1)


def test_inputs_are_the_57_quantities(zero_bias):
    x = anomaly_inputs(zero_bias)
    assert x.shape == (6000, 57)
    np.testing.assert_array_equal(x[:, 0], zero_bias["etm_et"][:, 0])
    assert not x[:, 1].any()
    np.testing.assert_array_equal(x[:, 3:6].T, [zero_bias[f"egamma_{f}"][:, 0] for f in FIELDS])
    np.testing.assert_array_equal(x[:, 24:27].T, [zero_bias[f"muon_{f}"][:, 3] for f in FIELDS])
    np.testing.assert_array_equal(x[:, 54:].T, [zero_bias[f"jet_{f}"][:, 9] for f in FIELDS])


def test_the_score_is_the_sum_of_squares_of_keras_means(anomaly, zero_bias):
    x = anomaly_inputs(zero_bias)
    trained_on = x[split(np.zeros(len(x), int), 2, (0.5, 0.25, 0.25)).train]
    for given in (x, extremes()):  # at the extremes means saturate, and nothing wraps around
        wanted = expected(anomaly.path, given, trained_on)
        np.testing.assert_array_equal(anomaly.design.predict(given), wanted)
    assert anomaly.design.predict(extremes())[1] > anomaly.threshold  # all at their highest


def test_the_threshold_keeps_the_rate(anomaly, zero_bias):
    share = anomaly.requested_khz / (2748 * 11.2455)
    assert anomaly.events == {"train": 3000, "threshold": 1500, "test": 1500}
    assert anomaly.rate_khz == pytest.approx(500, abs=5 * anomaly.error_khz)
    passed = anomaly.score(zero_bias) >= anomaly.threshold
    assert 0.3 * share < passed.mean() < 3 * share
    accept = anomaly.design.threshold("score", at=anomaly.threshold)
    np.testing.assert_array_equal(accept.predict(anomaly_inputs(zero_bias)), passed)


def test_hardware_equals_the_emulator(anomaly, zero_bias):
    anomaly.design.verify(400, events=anomaly_inputs(zero_bias)[:200])


def test_a_menu_cuts_on_the_score(anomaly, zero_bias):
    from edgetrig.emulate import Emulator
    from edgetrig.trigger.menu import Menu, Seed

    seeds = (Seed("L1_Anomaly", f"anomaly >= {anomaly.threshold:g}"), Seed("L1_Jet", "jet[pt>30]"))
    menu = Menu("menu", seeds, (anomaly.model(),))
    bits = Emulator(menu.circuit()).predict(
        {k.column(n): zero_bias[k.column(n)] for k, n in menu.columns()}
    )
    np.testing.assert_array_equal(bits[:, 0], anomaly.score(zero_bias) >= anomaly.threshold)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"out": "encoder.h5"}, ".keras"),
        ({"rate_khz": 0.001}, "give more events"),
        ({"rate_khz": 1e6}, "ask for less"),
        ({"rate_khz": float("nan")}, "rate_khz=nan"),
        ({"layers": (0,)}, "layers"),
        ({"fractions": (1.0, 0.0, 0.0)}, "too few"),
    ],
)
def test_unusable_settings_are_refused(zero_bias, tmp_path, change, words):
    settings = {"out": tmp_path / "encoder.keras", "rate_khz": 500} | change
    with pytest.raises(DataError, match=words):
        train_anomaly(zero_bias, **settings)


def test_unusable_events_are_refused(zero_bias):
    with pytest.raises(DataError, match="jet_eta"):
        anomaly_inputs({k: v for k, v in zero_bias.items() if k != "jet_eta"})
    with pytest.raises(DataError, match="muon_pt: code 512"):
        anomaly_inputs(zero_bias | {"muon_pt": np.full((6000, 8), 512)})
    with pytest.raises(DataError, match="has 5 events"):
        anomaly_inputs(zero_bias | {"etm_phi": np.zeros((5, 1), np.int64)})
