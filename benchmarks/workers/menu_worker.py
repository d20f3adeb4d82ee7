"""Decides on events by `benchmarks/menu.yaml`: compiled, or in awkward-array code.

With an anomaly trigger (``trigger``, the folder of `edgetrig anomaly train`) its seed comes last:
in the same circuit, or by Keras beside the awkward-array code.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import main

from edgetrig.menu_files import read_menu
from edgetrig.physics.l1 import CMS, read_l1
from edgetrig.trigger.menu import Decider

Columns = Mapping[str, np.ndarray]
BLOCK = 100_000


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Return decisions' digest, and CPU seconds for deciding, and peak memory of the process."""
    menu = read_menu(task["menu"])
    trigger = task.get("trigger")
    names = [kind.column(field) for kind, field in menu.columns()]
    decide: Callable[[Columns], np.ndarray]
    begin = time.process_time()
    decide = Decider.of(menu) if task["side"] == "edgetrig" else awkward_decider()
    if task["side"] == "awkward" and trigger:
        decide = with_score(decide, Path(trigger))
    compiling = time.process_time() - begin
    loaded = peak_mib()
    warm_up(decide, task["files"][0], names)
    digest, fired, events, seconds = hashlib.sha256(), 0, 0, 0.0
    begin = time.process_time()
    for file in task["files"]:
        for block in read_l1(file, names, BLOCK):
            start = time.process_time()
            decisions = np.ascontiguousarray(decide(block), np.bool_)
            seconds += time.process_time() - start
            digest.update(np.packbits(decisions, axis=1).tobytes())
            fired = fired + decisions.sum(axis=0)
            events += len(decisions)
    return {
        "events": events,
        "compiling": compiling,
        "seconds": seconds,
        "seconds_with_reading": time.process_time() - begin,
        "loaded_mib": loaded,
        "peak_mib": peak_mib(),
        "digest": digest.hexdigest(),
        "fired": np.asarray(fired).tolist(),
    }


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def warm_up(decide: Callable[[Columns], np.ndarray], file: str, names: list[str]) -> None:
    for _ in range(2):
        decide(next(read_l1(file, names, 1000)))


def with_score(
    decide: Callable[[Columns], np.ndarray], trigger: Path
) -> Callable[[Columns], np.ndarray]:
    """Return decisions with that of an anomaly trigger, whose encoder Keras runs in floats."""
    os.environ["KERAS_BACKEND"] = "jax"
    import hgq  # noqa: F401  (Keras finds its layers by it)
    import keras

    from edgetrig.training import anomaly_inputs

    threshold = json.loads((trigger / "anomaly.json").read_text())["threshold"]
    model = keras.models.load_model(trigger / "encoder.keras")

    def decide_too(block: Columns) -> np.ndarray:
        x = anomaly_inputs(block).astype(np.float32)
        means = np.asarray(model.predict(x, batch_size=len(x), verbose=0), np.float64)
        # The hardware rounds means to halves; where it cuts one off, that one alone passes.
        score = ((np.floor(2 * means + 0.5) / 2) ** 2).sum(axis=1)
        return np.column_stack([decide(block), score >= threshold])

    return decide_too


def awkward_decider() -> Callable[[Columns], np.ndarray]:
    """Return the menu as an analysis would write it: jagged arrays in GeV and radians."""
    import awkward as ak

    def objects(block: Columns, name: str) -> Any:
        kind = CMS[name]
        there = ak.from_regular(ak.Array(block[kind.column(kind.energy.name)])) > 0
        fields = {
            q.name: ak.from_regular(ak.Array(q.decode(block[kind.column(q.name)])))[there]
            for q in kind.quantities
            if kind.column(q.name) in block
        }
        return ak.zip(fields)

    def energy(block: Columns, name: str) -> Any:
        return CMS[name].energy.decode(block[CMS[name].column("et")][:, 0])

    def azimuth(one: Any, two: Any) -> Any:
        across = np.abs(one.phi - two.phi)
        return np.minimum(across, 2 * np.pi - across)

    # The trigger's functions of angles have three decimal digits.
    def delta_r_squared(one: Any, two: Any) -> Any:
        eta = np.round(1000 * np.abs(one.eta - two.eta))
        return eta**2 + np.round(1000 * azimuth(one, two)) ** 2

    def mass_squared(one: Any, two: Any) -> Any:
        cosh = np.round(1000 * np.cosh(one.eta - two.eta))
        return 2 * one.pt * two.pt * (cosh - np.round(1000 * np.cos(azimuth(one, two)))) / 1000

    def some(condition: Any) -> np.ndarray:
        return ak.to_numpy(ak.any(condition, axis=1))

    def count(condition: Any) -> np.ndarray:
        return ak.to_numpy(ak.sum(condition, axis=1))

    def decide(block: Columns) -> np.ndarray:
        muon, egamma, tau, jet = (objects(block, n) for n in ("muon", "egamma", "tau", "jet"))
        htt, etmhf = energy(block, "htt"), energy(block, "etmhf")
        central = np.abs(egamma.eta) < 2.5
        tight, open_ = muon[muon.quality >= 12], muon[muon.quality >= 8]
        one, two = ak.unzip(ak.combinations(tight[tight.pt >= 4], 2))
        pair = (one.charge != two.charge) & (delta_r_squared(one, two) < 1200**2)
        lead = tight[(tight.pt >= 18) & (np.abs(tight.eta) < 2.1)]
        hadronic = tau[np.abs(tau.eta) < 2.1]
        left, right = ak.unzip(ak.cartesian([lead, hadronic[hadronic.pt >= 24]]))
        first, second = ak.unzip(ak.combinations(jet[jet.pt >= 40], 2))
        seeds = [
            some(tight.pt >= 22),
            (count(open_.pt >= 15) >= 1) & (count(open_.pt >= 7) >= 2),
            some(pair),
            some((egamma.pt >= 30) & central & (egamma.isolation == 3)),
            (count((egamma.pt >= 25) & central) >= 1) & (count((egamma.pt >= 12) & central) >= 2),
            count((hadronic.pt >= 34) & (hadronic.isolation >= 1)) >= 2,
            some(delta_r_squared(left, right) > 500**2),
            some(jet.pt >= 180),
            some(mass_squared(first, second) > 400**2),
            (count((jet.pt >= 40) & (np.abs(jet.eta) < 2.5)) >= 4) & (htt >= 240),
            htt >= 360,
            etmhf >= 90,
        ]
        return np.stack(seeds, axis=1)

    return decide


if __name__ == "__main__":
    main(measure)
