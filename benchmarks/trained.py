"""Three sparse networks, trained by our own recipe on the carried jets, once a checkout.

``.venv/bin/python benchmarks/trained.py`` trains what is missing (some CPU minutes each) into
``benchmarks/.models`` and prints the accuracies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from peers import HERE, say, write_whole

MODELS = HERE / ".models"
TARGETS = {"trained 300": 300, "trained 1000": 1000, "trained 3000": 3000}
"""Effective bit operations aimed at, about the LUTs; the seed is 1."""


@dataclass(frozen=True)
class Trained:
    """A network on disk and what it reached on the test events."""

    file: Path
    accuracy: float
    ebops: float


def trained(name: str) -> Trained:
    """Return a network of `TARGETS`, trained now if it has not been before."""
    file = MODELS / f"{name.replace(' ', '_')}.keras"
    facts = file.with_suffix(".json")
    if not facts.is_file():
        from edgetrig.physics import load_sample
        from edgetrig.training import train

        say(f"training {name}")
        jets = load_sample("jets")
        MODELS.mkdir(exist_ok=True)
        made = train(
            jets.features,
            jets.labels,
            classes=jets.classes,
            out=file,
            cost_target=TARGETS[name],
            seed=1,
            checkpoint=MODELS / f"{name.replace(' ', '_')}-state",
        )
        accuracy = made.accuracy["quantized"]
        write_whole(facts, json.dumps({"accuracy": accuracy, "ebops": made.ebops}) + "\n")
    return Trained(file, **json.loads(facts.read_text()))


if __name__ == "__main__":
    for name in TARGETS:
        made = trained(name)
        print(f"{name}: {made.accuracy:.1%} of test events, {made.ebops:.0f} EBOPs")
