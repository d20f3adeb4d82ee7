"""A trigger condition written in NumPy, compiled into one accept bit and verified.

Install: pip install '.[sim]'
Run it:  python examples/numpy_trigger.py
"""

import numpy as np

import edgetrig

# Six jets: pT in steps of 0.5 GeV up to 1 TeV, zero where there is no jet.
JETS = edgetrig.fixed_input("pt", 6, signed=0, integer=10, fraction=1)
FORWARD = edgetrig.fixed_input("forward", 6, signed=0, integer=1, fraction=0)


def condition(pt, forward):
    """Accept events with HT above 320 GeV from central jets, or two jets above 150 GeV."""
    central = np.where(forward == 1, 0, pt)
    ht = np.sum(np.where(central >= 30, central, 0))
    second = np.sort(central)[-2]
    return {"accept": (ht >= 320) | (second >= 150)}


def main() -> None:
    """Compile, emulate a million events, verify and estimate."""
    design = edgetrig.compile(edgetrig.trace(condition, JETS, FORWARD), name="ht_or_dijet")
    print(design.summary())

    rng = np.random.default_rng(1)
    events = {
        "pt": rng.exponential(60, (1_000_000, 6)),
        "forward": rng.integers(0, 2, (1_000_000, 6)),
    }
    accepted = design.predict(events)
    print(f"accepted {accepted.mean():.2%} of {len(accepted):,} events")
    print(design.verify(events={name: values[:2000] for name, values in events.items()}))
    print(design.estimate())


if __name__ == "__main__":
    main()
