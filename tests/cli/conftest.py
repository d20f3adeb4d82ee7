"""A tiny model, its data, and a way to run commands."""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest
from typer.testing import CliRunner

from edgetrig.cli.app import app
from edgetrig.physics import write_table

RNG = np.random.default_rng(5)
COLUMNS = ("pt", "eta", "mass")


@pytest.fixture(scope="session")
def run():
    """Return a function that runs a command and demands an exit code."""

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, [str(word) for word in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="session")
def events(folder):
    """Return a file of two classes in three columns."""
    labels = RNG.integers(0, 2, 900)
    values = RNG.normal(0, 1, (900, 3)) + labels[:, None]
    columns = {name: values[:, k].astype(np.float32) for k, name in enumerate(COLUMNS)}
    write_table(folder / "events.parquet", {**columns, "label": labels})
    return folder / "events.parquet"


@pytest.fixture(scope="session")
def trained(run, folder, events):
    """Return what training the tiny model printed; model.keras and model.json are in the folder."""
    return run(
        "train", events, "--out", folder / "model.keras", "--layers", "4", "--epochs", 3,
        "--float-epochs", 2, "--batch", 64, "--cost-target", 1e6,
    )  # fmt: skip


@pytest.fixture(scope="session")
def model(trained, folder):
    assert json.loads((folder / "model.json").read_text())["classes"] == ["0", "1"]
    return folder / "model.keras"


@pytest.fixture(scope="session")
def design(run, model, folder):
    target = folder / "model.edgetrig"
    run("compile", model, "--classes", "no,yes", "--clock", 2.5, "--out", target)
    return target
