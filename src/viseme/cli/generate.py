"""`viseme generate`: a photo and a voice into a video, or every clip of a split into videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viseme import api
from viseme.cli.output import Seed, Set, count
from viseme.errors import SomeClipsFailed

if TYPE_CHECKING:
    from viseme.generation.manifest import VideoManifest


def generate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A run folder, a .safetensors file, a bundled model's name, or control:NAME."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Video (of a photo) or folder (of a split).")],
    image: Annotated[Path | None, typer.Option(metavar="FACE", help="Photo of one face.")] = None,
    audio: Annotated[Path | None, typer.Option(metavar="VOICE", help="Any sound file.")] = None,
    landmarks: Annotated[
        str | None,
        typer.Option(
            metavar="sound|truth|FILE|VIDEO",
            help="What moves the 68 points of a model driven by them: the voice, a file of points, a driving video, "
            "or with --data the truth.",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="STORE", help="Store whose clips are made anew.")] = None,
    split: Annotated[str, typer.Option(help="Which clips of the store.")] = "test",
    shuffle_audio: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEED", help="Drive each clip by another clip's sound of the same actor."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many clips, the first by name.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips made at a time.")] = 8,
    size: Annotated[int, typer.Option(min=16, help="Height and width of a control's frames.")] = 64,
    steps: Annotated[int | None, typer.Option(min=1, help="Inference steps: --set sampling.steps=N.")] = None,
    overrides: Set = None,
    seed: Seed = 0,
) -> None:
    """Make a video of a photo and a voice, or of every clip of a split."""
    if data is None and (image is None or audio is None):
        raise typer.BadParameter("give --image FACE and --audio VOICE, or --data STORE")
    if data is None and (shuffle_audio is not None or limit is not None):
        raise typer.BadParameter("--shuffle-audio and --limit go with --data STORE")
    if data is not None and (image is not None or audio is not None):
        raise typer.BadParameter("--data STORE goes without --image and --audio")
    made = api.generate(
        model,
        out=out,
        image=image,
        audio=audio,
        landmarks=landmarks,
        data=data,
        split=split,
        shuffle_audio=shuffle_audio,
        limit=limit,
        batch_size=batch_size,
        overrides=[*(overrides or ()), *([] if steps is None else [f"sampling.steps={steps}"])],
        size=size,
        seed=seed,
    )

    from viseme.generation.manifest import VideoManifest

    if isinstance(made, VideoManifest):
        _tell(made, out)
    else:
        print(made)


def _tell(manifest: VideoManifest, out: Path) -> None:
    speed = manifest.frames_per_second
    told = "" if speed is None or manifest.system.control else f", {speed:.1f} frames/s"
    print(f"{out}: {count(len(manifest.clips) - len(manifest.failed), 'video')} of {manifest.total}{told}")
    if manifest.failed:
        first = manifest.failed[0]
        raise SomeClipsFailed(
            f"{out}: {count(len(manifest.failed), 'clip')} failed; the first, {first.clip_id}: {first.reason}"
        )
