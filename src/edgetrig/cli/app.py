"""The application: its commands, and one line for every error a user can meet."""

from __future__ import annotations

import errno
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edgetrig.cli import commands
from edgetrig.cli.console import say_error
from edgetrig.errors import Error
from edgetrig.progress import notices

BAD_INPUT = 2
INTERRUPTED = 130

# Wrong use of a command; Typer names this base class differently from version to version.
_USAGE: Any = typer.BadParameter.__bases__[0]

_ORDER = (
    "generate",
    "train",
    "anomaly",
    "quantize",
    "compile",
    "predict",
    "verify",
    "synth",
    "report",
    "menu",
    "demo",
    "fuzz",
)


class Commands(TyperGroup):
    """Runs a command; turns errors into one line and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands along the way from events to a report."""
        return list(_ORDER)

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """Read the options in front of the command."""
        try:
            return super().make_context(*arguments, **extra)
        except _USAGE as error:
            raise _said(error) from None
        except KeyboardInterrupt:
            say_error("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except _USAGE as error:
            raise _said(error) from None
        except Error as error:
            say_error(f"error: {error}")
            raise typer.Exit(BAD_INPUT) from None
        except OSError as error:
            if error.strerror is None or error.errno == errno.EPIPE:  # Typer's affair
                raise
            # What the system refuses: a name too long, a full disk, a folder that is gone.
            say_error(f"error: {error.filename or 'a file'}: {error.strerror}; check the path")
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt as interrupt:
            say_error(str(interrupt) or "interrupted")
            raise typer.Exit(INTERRUPTED) from None


def _said(error: Any) -> Exception:
    """Say in one line how a command was used wrongly; return what ends it."""
    words = error.format_message().rstrip(".")
    if words:  # else a group of commands was called without one, and its help has been shown
        # An option without its value comes without a context.
        command = error.ctx.command_path if error.ctx else "edgetrig"
        say_error(f"error: {words}; see '{command} --help'")
    return typer.Exit(BAD_INPUT)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    # What is not an `Error` is a bug: Python's own traceback serves best.
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
generate = typer.Typer(no_args_is_help=True, help="Simulate events.")
anomaly = typer.Typer(no_args_is_help=True, help="Triggers for what is unlike zero bias.")
menu = typer.Typer(no_args_is_help=True, help="Rates, thresholds and firmware of a menu.")
demo = typer.Typer(no_args_is_help=True, help="See the whole way, from events to a report.")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"edgetrig {version('edgetrig')}")
        raise typer.Exit


@app.callback()
def edgetrig(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """From a trained model to a verified nanosecond trigger.

    Start with [bold]edgetrig demo jets[/bold].
    """
    if say_error not in notices:
        notices.append(say_error)


def _add(group: typer.Typer, name: str, command: Any, *examples: str) -> None:
    """Register a command; its docstring is its help."""
    words = ["Example:" if len(examples) == 1 else "Examples:", *examples]
    paragraphs = [" ".join(part.split()) for part in (command.__doc__ or "").split("\n\n")]
    group.command(name, help="\n\n".join(paragraphs), epilog="\n\n".join(words))(command)


_add(
    generate,
    "jets",
    commands.generate_jets,
    "edgetrig generate jets --events 100000 --seed 1 --out jets.parquet",
    "edgetrig generate jets --events 20000 --seed 2 --constituents 32 --out jets.h5",
)
_add(
    generate,
    "l1",
    commands.generate_l1,
    "edgetrig generate l1 --process zero-bias --events 100000 --out zero-bias.parquet",
    "edgetrig generate l1 --process h0 --pileup 50 --events 5000 --seed 2 --out h0.parquet",
)
app.add_typer(generate, name="generate")
_add(
    app,
    "train",
    commands.train,
    "edgetrig train --out model.keras",
    "edgetrig train mine.h5 --label class --layers 32,16 --cost-target 500 --out model.keras",
)
_add(
    anomaly,
    "train",
    commands.anomaly_train,
    "edgetrig anomaly train zero-bias.parquet --rate 5 --out anomaly",
    "edgetrig anomaly train run-*.root --rate 1 --bunches 2340 --epochs 4 --out anomaly",
)
app.add_typer(anomaly, name="anomaly")
_add(
    app,
    "quantize",
    commands.quantize,
    "edgetrig quantize model.keras --data jets.parquet --label label --out jets.edgetrig",
    "edgetrig quantize model.onnx --data mine.h5 --tolerance 0.005 "
    "--precision 'dense_1=fixed<12,4>' --precision 'input=ufixed<8,8>'",
)
_add(
    app,
    "compile",
    commands.compile_model,
    "edgetrig compile model.keras --classes g,q,W,Z,t --out jets.edgetrig --rtl rtl",
    "edgetrig compile jets.edgetrig --signal t --acceptance 0.01 --data jets.parquet "
    "--out top.edgetrig",
    "edgetrig compile model.keras --signal 4 --threshold 1.5 --clock 2.5 --out top.edgetrig",
)
_add(
    app,
    "predict",
    commands.predict,
    "edgetrig predict jets.edgetrig jets.parquet --out scores.parquet",
    "edgetrig predict model.keras mine.csv --columns pt,eta,mass --out scores.csv",
)
_add(
    app,
    "verify",
    commands.verify,
    "edgetrig verify top.edgetrig",
    "edgetrig verify top.edgetrig --data jets.parquet --vectors 100000",
    "edgetrig verify top.edgetrig --prove",
)
_add(
    app,
    "synth",
    commands.synth,
    "edgetrig synth top.edgetrig",
    "edgetrig synth top.edgetrig --part ecp5 --route --out cost.json",
)
_add(
    app,
    "report",
    commands.report,
    "edgetrig report jets.edgetrig --data jets.parquet --signal t --acceptance 0.01 --out report",
    "edgetrig report top.edgetrig --no-synth --out report",
)
_add(
    menu,
    "rates",
    commands.menu_rates,
    "edgetrig menu rates menu.yaml zero-bias.parquet",
    "edgetrig menu rates menu.yaml zero-bias.parquet --signal top=top.parquet --out rates.json",
)
_add(
    menu,
    "tune",
    commands.menu_tune,
    "edgetrig menu tune menu.yaml zero-bias.parquet --rate L1_SingleMu=10",
    "edgetrig menu tune menu.yaml zero-bias.parquet --total 95 --out tuned.yaml",
)
_add(
    menu,
    "turn-on",
    commands.menu_turn_on,
    "edgetrig menu turn-on menu.yaml top.parquet --seed L1_SingleMu22 --variable true_muon_pt",
    "edgetrig menu turn-on menu.yaml top.parquet --seed L1_SingleMu22 --variable true_muon_pt"
    " --bins 0:80:16 --within true_muon_eta=-2.4:2.4",
)
_add(
    menu,
    "report",
    commands.menu_report,
    "edgetrig menu report menu.yaml zero-bias.parquet --signal top=top.parquet --out menu-report",
    "edgetrig menu report menu.yaml zero-bias.parquet"
    " --turn-on L1_SingleMu22:true_muon_pt=top.parquet",
)
_add(
    menu,
    "plot",
    commands.menu_plot,
    "edgetrig menu plot menu.yaml zero-bias.parquet --conditions 'pile-up 60 (13.6 TeV)'",
    "edgetrig menu plot menu.yaml zero-bias.parquet --signal top=top.parquet"
    " --scan L1_SingleMu=3:60:20 --style ATLAS",
)
_add(
    menu,
    "firmware",
    commands.menu_firmware,
    "edgetrig menu firmware menu.yaml --data zero-bias.parquet --out firmware",
)
app.add_typer(menu, name="menu")
_add(
    app,
    "fuzz",
    commands.fuzz,
    "edgetrig fuzz --seconds 600 --simulate",
    "edgetrig fuzz --cases 1000 --seed 7 --out found",
    "edgetrig fuzz --replay found",
)
_add(demo, "jets", commands.demo_jets, "edgetrig demo jets --out demo-jets")
app.add_typer(demo, name="demo")
