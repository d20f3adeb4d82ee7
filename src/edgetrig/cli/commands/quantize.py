"""``edgetrig quantize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgetrig.cli.console import say, step
from edgetrig.cli.options import Columns, check_folder, words
from edgetrig.errors import Error


def quantize(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A float network or trees, of any library.")
    ],
    data: Annotated[Path, typer.Option(help="Calibration events: Parquet, HDF5, NumPy or CSV.")],
    label: Annotated[
        str | None,
        typer.Option(
            help="Column of the true class: keep the accuracy. Left out: the model's own outputs."
        ),
    ] = None,
    columns: Columns = "",
    out: Annotated[
        Path | None, typer.Option(help="Design to write; the model's name with .edgetrig.")
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TYPE",
            help="Type of a layer, of one of its roles, or of the input: dense_1=fixed<12,4>, "
            "'dense_*.weight=fixed<6,2>', input=ufixed<8,8>. May be repeated.",
        ),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="One width for everything else, without a search.")
    ] = None,
    max_bits: Annotated[int, typer.Option(help="Widest type that the search takes.")] = 16,
    tolerance: Annotated[
        float,
        typer.Option(help="Loss to stay within: of accuracy, or relative error of the outputs."),
    ] = 0.01,
    ranges: Annotated[
        str, typer.Option(help="mse: outliers are cut off where that is better; all: none is.")
    ] = "mse",
    table_bits: Annotated[
        int, typer.Option(help="Most bits of the argument of tanh, exp and other tables.")
    ] = 10,
    classes: Annotated[
        str, typer.Option(metavar="A,B,...", help="Names of the outputs, in order.")
    ] = "",
) -> None:
    """Find fixed-point types for a float model by calibration data, and compile it.

    The table shows every place that got a type: the range seen, the type, how many numbers it cuts
    off, what the layer alone loses, and how far its results can be from the float model's. Of trees
    it shows the features and the leaves.
    """
    from edgetrig import compile, quantize
    from edgetrig.cli.data import feature_columns
    from edgetrig.design import SUFFIX, design_path
    from edgetrig.files import existing_file
    from edgetrig.frontends import Forest, read
    from edgetrig.physics import read_table

    existing_file(model)
    target = design_path(out or model.with_suffix(SUFFIX))
    types = dict(_named(text) for text in precision or ())
    check_folder(target.parent)
    table = read_table(data, feature_columns(data, words(columns)), label)
    options: dict[str, Any] = {"bits": bits, "max_bits": max_bits, "tolerance": tolerance}
    with step("quantising") as progress:
        found = read(model)
        if isinstance(found, Forest) and types:
            raise Error("--precision is for networks: the features of trees take --bits")
        if not isinstance(found, Forest):
            options |= {"precision": types, "ranges": ranges, "table_bits": table_bits}
            options["progress"] = progress
        result = quantize(found, table.features, table.labels, **options)
        compile(result, classes=words(classes)).save(target)
    say(str(result))
    say(f"design: {target}")


def _named(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not equals:
        raise Error(f"--precision {text}: write NAME=TYPE, as in dense_1=fixed<12,4>")
    return name.strip(), kind.strip()
