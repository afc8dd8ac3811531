"""`viseme synthetic`: a corpus of rendered talking faces whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from viseme import api
from viseme.cli.output import Jobs, Seed, count


def synthetic(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the corpus into.")],
    actors: Annotated[int, typer.Option(min=1, help="Distinct faces and voices.")] = 4,
    clips: Annotated[int, typer.Option(min=1, help="Clips of each actor.")] = 4,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Height and width of a video in pixels.")] = 256,
    seed: Seed = 0,
    layout: Annotated[
        Literal["cremad", "grid", "lrw", "mead", "ravdess"] | None,
        typer.Option(help="Files, names and codecs of this corpus; without the truth.", show_default=False),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Write a corpus of rendered talking faces with known truth."""
    made = api.synthetic(out, actors=actors, clips=clips, seed=seed, size=size, layout=layout, jobs=jobs)
    print(f"{out}: {count(made, 'clip')} of {count(actors, 'actor')}")
