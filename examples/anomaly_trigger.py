"""An anomaly trigger from zero-bias crossings to a menu's seed and C++, on made-up crossings.

Install: pip install '.[keras,menu,sim]'
Run it:  python examples/anomaly_trigger.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import tempfile
from pathlib import Path

import numpy as np

import edgetrig
from edgetrig.physics.l1 import CMS
from edgetrig.training import anomaly_inputs


def crossings(events, rng, scale=8.0):
    """Return trigger objects as columns of codes; in reality `read_l1` reads them from files."""
    columns = {"etm_et": rng.exponential(30, (events, 1)), "etm_phi": rng.random((events, 1)) * 144}
    for kind, mean in (("egamma", 2.0), ("muon", 0.1), ("jet", 6.0)):
        shape = (events, CMS[kind].count)
        there = np.arange(shape[1]) < rng.poisson(mean, (events, 1))
        energy = np.sort(there * rng.exponential(scale, shape), axis=1)[:, ::-1]
        columns[f"{kind}_pt"] = energy
        columns[f"{kind}_eta"] = rng.normal(0, 30, shape).clip(-57, 57) * (energy >= 1)
        columns[f"{kind}_phi"] = rng.random(shape) * 144 * (energy >= 1)
    return {name: codes.astype(np.int16) for name, codes in columns.items()}


def main() -> None:
    """Train, set the threshold at a rate, verify, and put the score into a menu and into C++."""
    rng = np.random.default_rng(1)
    zero_bias, signal = crossings(40_000, rng), crossings(2000, rng, scale=40.0)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "anomaly")
        trigger = edgetrig.train_anomaly(
            zero_bias, out=out, rate_khz=100, layers=(16,), latent=4, epochs=3, batch=256
        )
        print(
            f"{trigger.rate_khz:.0f} +- {trigger.error_khz:.0f} kHz where score >="
            f" {trigger.threshold:g}; signal kept:"
            f" {np.mean(trigger.score(signal) >= trigger.threshold):.0%}"
        )
        print(trigger.accept().verify(1000, events=anomaly_inputs(signal)[:500]))

        menu = edgetrig.compile(out / "menu.yaml")  # one seed, L1_Anomaly; write others beside it
        columns = {port.name: signal[port.name] for port in menu.traced.inputs}
        print(f"L1_Anomaly keeps {menu.predict(columns).mean():.0%} of the signal")
        files = sorted(path.name for path in trigger.design.write_cpp(out / "cpp").glob("[!.]*"))
        print(f"emulator in C++: {', '.join(files)}")


if __name__ == "__main__":
    main()
