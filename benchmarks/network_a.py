"""Network A, 16-64-32-32-5: edgetrig beside alkaid and hls4ml, all measured in one run.

``.venv/bin/python benchmarks/network_a.py`` installs the peers into ``benchmarks/.venvs``,
measures, and writes ``benchmarks/results/network_a.json`` and ``network_a.md``. ``--quick`` takes a
smaller network and fewer repeats, and only prints.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import network
from peers import HERE, Worker, install, machine, paragraph, say, table, write_whole

CUTOFF = 5
"""Delay of a stage in alkaid's model (an adder is about 1); edgetrig gets as many stages."""
COMPARED = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller network, fewer repeats")
    parser.add_argument("--no-hls4ml", action="store_true", help="leave hls4ml out")
    arguments = parser.parse_args()
    result = measure(arguments.quick, not arguments.no_hls4ml)
    text = report(result)
    if not arguments.quick:
        write_whole(HERE / "results" / "network_a.json", json.dumps(result, indent=1) + "\n")
        write_whole(HERE / "results" / "network_a.md", text)
    print(text)


def measure(quick: bool, with_hls4ml: bool) -> dict[str, Any]:
    """Run every worker, one after the other."""
    layers = network.QUICK_LAYERS if quick else network.LAYERS
    repeats = 3 if quick else 7
    count = 100_000 if quick else 1_000_000
    common: dict[str, Any] = {"layers": layers, "compared": COMPARED, "repeats": repeats}
    result: dict[str, Any] = {
        "command": "benchmarks/network_a.py" + (" --quick" if quick else ""),
        "layers": layers,
        "weight_seed": network.WEIGHT_SEED,
        "event_seed": network.EVENT_SEED,
        "repeats": repeats,
        "machine": machine(),
    }
    ours = Worker("edgetrig_worker.py")
    alkaid = Worker("alkaid_worker.py", install("alkaid"))
    with tempfile.TemporaryDirectory(prefix="edgetrig-benchmark-") as name:
        folder = Path(name)
        say("alkaid")
        result["alkaid"] = alkaid(
            **common,
            task="measure",
            cutoff=CUTOFF,
            events=count // 5,
            outputs=str(folder / "alkaid.npy"),
        )
        latency = result["alkaid"]["stages"]
        say("edgetrig")
        first = {"task": "cold", "layers": layers, "latency": latency}
        empty = {"NUMBA_CACHE_DIR": str(folder / "numba")}
        ours(**first)  # fills the cache
        result["edgetrig"] = ours(
            **common,
            task="measure",
            latency=latency,
            events=count,
            outputs=str(folder / "edgetrig.npy"),
        ) | {
            "convert_fresh_process": ours(**first),
            "convert_without_cache": ours(empty, **first),
        }
        names = ["edgetrig", "alkaid"]
        if with_hls4ml:
            say("hls4ml")
            hls4ml = Worker("hls4ml_worker.py", install("hls4ml"))
            result["hls4ml"] = hls4ml(
                layers=layers,
                compared=COMPARED,
                repeats=min(repeats, 3),
                events=count // 50,
                outputs=str(folder / "hls4ml.npy"),
            )
            names.append("hls4ml")
        outputs = {peer: np.load(folder / f"{peer}.npy").astype(np.float64) for peer in names}
        result["compared"] = COMPARED
        result["different_events"] = {
            peer: int((outputs["edgetrig"] != given).any(axis=1).sum())
            for peer, given in outputs.items()
            if peer != "edgetrig"
        }
        result["memory"] = [
            ours(task="memory", layers=layers, events=events) for events in (count, 10 * count)
        ]
    return result


def report(result: dict[str, Any]) -> str:
    """Return the result as a page of Markdown."""
    ours, alkaid = result["edgetrig"], result["alkaid"]
    hls4ml = result.get("hls4ml")
    about = result["machine"]
    nonzero, every = sum(ours["nonzero"]), sum(ours["weights"])
    layers = "-".join(map(str, result["layers"]))
    versions = {}
    for part in (alkaid, hls4ml or {}, ours):
        versions.update(part.get("versions", {}))
    lines = [
        f"# Network {layers}",
        paragraph(
            f"Written by `{result['command']}`, {about['date']}. 8-bit inputs, 6-bit weights",
            f"({nonzero:,} of {every:,} are not zero; seed {result['weight_seed']}), u6 ReLU",
            "activations (RND, SAT). CPU seconds of one thread, the least of",
            f"{result['repeats']} repeats, the median in brackets.",
        ),
        paragraph(
            f"{about['processor']}, {about['cores']} cores (load {about['load']} at the start),",
            f"{about['system']}, Python {about['python']};",
            ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
        ),
        "\n".join(_agreement(result)),
        "## Speed",
        table(
            ("", "edgetrig", "alkaid", "hls4ml", "alkaid / edgetrig", "hls4ml / edgetrig"),
            _speed(ours, alkaid, hls4ml),
        ),
        paragraph(
            "Conversion of hls4ml ends with its g++ run; alkaid's *convert* prints the Verilog",
            "text alone, *write* is its whole folder. edgetrig's first conversion in a fresh",
            f"process takes {ours['convert_fresh_process']['min']:.2f} s (kernels read from the",
            "cache); the very first after installing",
            f"{ours['convert_without_cache']['min']:.0f} s (kernels compiled).",
        ),
        _memory(result),
        paragraph(
            f"The pipelines have {ours['stages']} stages of logic (alkaid:",
            f"latency_cutoff={CUTOFF}). Adders before synthesis: edgetrig {ours['adders']:,},",
            f"alkaid {alkaid['adders']:,}. LUTs and registers are in [compiler.md](compiler.md).",
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _agreement(result: dict[str, Any]) -> list[str]:
    lines = []
    for peer, count in result["different_events"].items():
        state = "equal" if count == 0 else f"**{count:,} events differ**"
        lines.append(f"- edgetrig and {peer}: {state}, {result['compared']:,} random events")
    return lines


def _speed(
    ours: dict[str, Any], alkaid: dict[str, Any], hls4ml: dict[str, Any] | None
) -> list[list[str]]:
    def seconds(part: dict[str, Any] | None, key: str) -> str:
        if not part or key not in part:
            return ""
        return f"{part[key]['min']:.2f} ({part[key]['median']:.2f})"

    def rate(part: dict[str, Any] | None, key: str) -> str:
        if not part or key not in part:
            return ""
        best, middle = (part["events"] / part[key][which] / 1e6 for which in ("min", "median"))
        return f"{best:.3g} ({middle:.3g})"

    def slower(part: dict[str, Any] | None, key: str, own: str) -> str:
        return f"{part[key]['min'] / ours[own]['min']:.1f}" if part and key in part else ""

    def faster(part: dict[str, Any] | None, own: str) -> str:
        if not part:
            return ""
        theirs = part["events"] / part["predict"]["min"]
        ratio = ours["events"] / ours[own]["min"] / theirs
        return f"1 / {ratio:,.0f}" if ratio >= 100 else f"1 / {ratio:.1f}"

    rows = []
    for label, own, other in (
        ("trace and optimise, s", "trace", "trace"),
        ("convert to pipelined Verilog, s", "convert", "convert"),
        ("the same, ternary adders, s", "convert", "convert_ternary"),
        ("convert and write the folder, s", "convert", "write"),
    ):
        compiler = hls4ml if other == "convert" else None
        rows.append(
            [
                label,
                seconds(ours, own) if other in ("trace", "convert") else "",
                seconds(alkaid, other),
                seconds(compiler, "convert"),
                slower(alkaid, other, own),
                slower(compiler, "convert", own),
            ]
        )
    for label, own in (
        ("compiled, floats in and out, M events/s", "predict_compiled"),
        ("interpreted, floats in and out, M events/s", "predict_interpreted"),
        ("compiled, codes in and out, M events/s", "codes_compiled"),
        ("interpreted, codes in and out, M events/s", "codes_interpreted"),
    ):
        both = own.startswith("predict")
        rows.append(
            [
                label,
                rate(ours, own),
                rate(alkaid, "predict") if both else "",
                rate(hls4ml, "predict") if both else "",
                faster(alkaid, own),
                faster(hls4ml, own),
            ]
        )
    return rows


def _memory(result: dict[str, Any]) -> str:
    parts = (f"{m['growth_mib']:.1f} MiB for {m['events']:,} events" for m in result["memory"])
    what = "Private memory that `predict` adds while it reads and writes memory-mapped files"
    return f"{what}: {', '.join(parts)}."


if __name__ == "__main__":
    main()
