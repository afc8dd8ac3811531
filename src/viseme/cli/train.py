"""`viseme train`: a preset on a store into a run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from viseme import api
from viseme.cli.output import Set, print_table
from viseme.cli.presets import counted


def train(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset, or a YAML file.")],
    data: Annotated[str | None, typer.Option("--data", metavar="STORE", help="Store to learn from.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Folder of the run.")] = None,
    overrides: Set = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="training.init: the weights of a run, a file or a bundled model to begin from.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Carry on the run in RUN exactly where it stopped.")] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes a node that share each batch, each with a GPU.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start the command on each by torchrun or srun.")] = 1,
    strategy: Annotated[
        Literal["auto", "ddp", "fsdp"], typer.Option(help="ddp: every process has the whole model.")
    ] = "auto",
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "16-mixed"] | None,
        typer.Option(help="training.precision.", show_default=False),
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(min=1, help="training.accumulate: learn each batch in parts.", show_default=False)
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Train 25 steps aside, keep nothing, and tell where the time goes.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the resolved configuration and stop.")] = False,
) -> None:
    """Train a model on a store."""
    # Quoted, since what is set is read as YAML.
    short = {"precision": precision, "accumulate": accumulate, "init": None if init is None else json.dumps(init)}
    fields = [*(overrides or ()), *(f"training.{name}={value}" for name, value in short.items() if value is not None)]
    if dry_run:
        from viseme.config.schema import to_yaml

        config = api.load_config(preset, fields)
        print(counted(config), to_yaml(config), sep="\n", end="")
        return
    if data is None or (out is None and not profile):
        raise typer.BadParameter(f"{'--data STORE' if data is None else '--out RUN'} is missing")
    if profile:
        for heading, rows in api.profile(preset, data, overrides=fields).tables():
            print_table(heading, rows)
            print()
        return
    assert out is not None
    report = api.train(
        preset, data, out, overrides=fields, resume=resume, devices=devices, nodes=nodes, strategy=strategy
    )
    if report.rank == 0:
        steps = api.load_config(preset, fields).training.steps
        why = "" if report.steps == steps else f"; no validation was better than that of step {report.best.step}"
        print(f"{out}: step {report.steps} of {steps}{why}")
