"""`viseme prepare`: a folder of videos into a store of aligned clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from viseme import api
from viseme.cli.output import Engine, Jobs, Seed, count, names
from viseme.errors import SomeClipsFailed


def prepare(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="How the source is laid out: see viseme corpora.")],
    src: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the source videos.")],
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder of the store, made or carried on.")],
    size: Annotated[int, typer.Option(min=16, max=1024, help="Height and width of a frame in pixels.")] = 128,
    align: Annotated[
        Literal["clip", "frame"], typer.Option(help="One similarity transform a clip, or one a frame.")
    ] = "clip",
    face: Annotated[
        Literal["largest", "central"], typer.Option(help="Which of several faces: the largest, or the most central.")
    ] = "largest",
    test_actors: Annotated[str, typer.Option(metavar="A,B", help="Actors held out for testing.")] = "",
    val_actors: Annotated[str, typer.Option(metavar="A,B", help="Actors held out for validation.")] = "",
    seed: Seed = 0,
    jobs: Jobs = None,
    engine: Engine = "loky",
) -> None:
    """Turn a folder of videos into a store of aligned clips, split by actor."""
    report = api.prepare(
        corpus,
        src,
        store,
        size=size,
        align=align,
        face=face,
        test_actors=names(test_actors),
        val_actors=names(val_actors),
        seed=seed,
        jobs=jobs,
        engine=engine,
    )
    print(f"{store}: {count(report.accepted, 'clip')}, {count(report.frames, 'frame')} in {report.seconds:.1f} s")
    if report.rejected:
        raise SomeClipsFailed(
            f"{store}: {count(report.rejected, 'clip')} rejected; viseme inspect {store} says which and why"
        )
