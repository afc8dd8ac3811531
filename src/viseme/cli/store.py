"""`viseme store verify|merge|export`: the care of stores."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from viseme import api
from viseme.cli.output import Jobs, Json, count, print_json, print_table
from viseme.errors import SomeClipsFailed

store = typer.Typer(no_args_is_help=True)
Source = Annotated[str, typer.Argument(metavar="STORE", help="Folder or URL of a store.")]


@store.callback()
def _store() -> None:
    """Verify, merge or export stores."""


@store.command()
def verify(
    path: Source,
    sums: Annotated[
        bool, typer.Option("--sums", help="Without a fault, write SHA256SUMS; later runs compare with it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read a whole store and name what is wrong with it, a line a fault."""
    found = api.verify_store(path, sums=sums)
    if as_json:
        print_json(asdict(found))
    else:
        columns = ("shards", "clips", "rejected", "frames", "MB", "compared", "faults")
        size = round(found.bytes / 1e6, 1)
        row = (found.shards, found.clips, found.rejected, found.frames, size, found.compared, len(found.faults))
        print_table(columns, [row])
        for fault in found.faults:
            print(f"{fault.where}: {fault.what}")
    if found.faults:
        first = found.faults[0]
        raise SomeClipsFailed(
            f"{path}: {count(len(found.faults), 'fault')}, the first in {first.where}; prepare again what is damaged, "
            "or take it from a copy"
        )


@store.command()
def merge(
    paths: Annotated[list[str], typer.Argument(metavar="STORE STORE... OUT", help="Stores, then the folder to write.")],
    prefix: Annotated[bool, typer.Option("--prefix", help="Put the corpus's name before clip ids and actors.")] = False,
) -> None:
    """Write one store of several; their settings must be the same, and their splits stay."""
    *stores, out = paths
    made = api.merge_stores(stores, out, prefix=prefix)
    print(f"{out}: {count(len(made.clips()), 'clip')} of {count(len(made.actors()), 'actor')}")


@store.command()
def export(
    path: Source,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write, or to carry on.")],
    crf: Annotated[int, typer.Option(min=0, max=51, help="Quality of the videos, 0 the finest.")] = 12,
    jobs: Jobs = None,
) -> None:
    """Write a store's clips as MP4, WAV and landmarks, with tables that prepare folder reads back."""
    made = api.export_store(path, out, crf=crf, jobs=jobs)
    print(f"{out}: {count(made.clips, 'clip')}, {count(made.frames, 'frame')}, {made.fresh} of the clips new")
