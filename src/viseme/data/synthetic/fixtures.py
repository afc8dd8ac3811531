"""Rendered clips in the tree, the names, the containers and the codecs of a published corpus.

They stand in for its files wherever its own may not be copied or are too many: a first run, a test, a bug report.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import joblib
import numpy as np

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.film import write_media
from viseme.data.synthetic.layouts import LAYOUTS, File
from viseme.data.synthetic.make import check_numbers, one_thread, synthesize_clip
from viseme.errors import ConfigError, OutputError
from viseme.files import write_text, written_aside
from viseme.progress import progress
from viseme.types import FPS, Float32, UInt8


def synthesize_layout(
    out: str | os.PathLike[str],
    layout: str,
    actors: int,
    clips: int,
    seed: int = 0,
    size: int = 256,
    jobs: int | None = None,
) -> int:
    """Write `actors` times `clips` rendered clips as the corpus `layout` would ship them, whole or not at all.

    Faces, voices and sentences are those of `make.synthesize_corpus` of the same seed; what the names say of words and
    emotions is not what is spoken and shown.

    Args:
        out: a folder, new or empty.
        layout: a name in `layouts.LAYOUTS`.
        actors: number of distinct people.
        clips: number of clips of each.
        seed: all of it follows from this.
        size: height and width of the rendered face in pixels, even; it is scaled to the height of the corpus's videos.
        jobs: processes; None takes one for each processor. It does not change the result.

    Returns:
        How many clips were written.

    Raises:
        ConfigError: an unknown layout, or a number out of range or beyond what the corpus has.
        OutputError: `out` is a file, holds something, or cannot be written.
    """
    folder = Path(out)
    if layout not in LAYOUTS:
        raise ConfigError(f"layout: {layout!r} is unknown; give one of {', '.join(sorted(LAYOUTS))}")
    known = LAYOUTS[layout]
    check_numbers(actors, clips, seed, size, known.seconds)
    for name, value, most in (("actors", actors, known.actors), ("clips", clips, known.clips)):
        if value > most:
            raise ConfigError(f"{name}: {value} is more than {layout} has; ask for 1 to {most}")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder}: is there already; give a new or an empty folder for the layout {layout}")
    with written_aside(folder.resolve()) as aside:
        aside.mkdir()
        try:
            _write(aside, layout, actors, clips, seed, size, jobs)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    return actors * clips


def _write(root: Path, layout: str, actors: int, clips: int, seed: int, size: int, jobs: int | None) -> None:
    for name, text in LAYOUTS[layout].texts(actors, clips).items():
        write_text(root / name, text)
    workers = jobs if jobs is not None else (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    run = joblib.Parallel(n_jobs=max(1, min(workers, actors)), return_as="generator_unordered")
    with progress("synthetic", actors * clips, "clips") as advance:
        for count in run(joblib.delayed(_make)(root, layout, actors, a, clips, seed, size) for a in range(actors)):
            advance(count)


def _make(root: Path, layout: str, actors: int, actor: int, clips: int, seed: int, size: int) -> int:
    known = LAYOUTS[layout]
    with one_thread():
        renderer = Renderer(draw_actor(np.random.default_rng([seed, actor])), size)
        for number in range(clips):
            rng = np.random.default_rng([seed, actor, number + 1])
            clip = synthesize_clip(renderer, float(rng.uniform(*known.seconds)), rng)
            for file in known.files(actors, actor, number):
                _write_file(root, file, clip.frames, clip.audio)
    return clips


def _write_file(root: Path, file: File, frames: UInt8, audio: Float32) -> None:
    path = root / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    shown: Iterable[UInt8] = ()
    if (pictures := file.pictures) is not None:
        shown = (on_canvas(frame, pictures.width, pictures.height) for frame in at_rate(frames, pictures.rate))
    write_media(path, file.container, file.pictures, shown, file.sound, audio)


def at_rate(frames: UInt8, rate: Fraction) -> UInt8:
    """Frames of 25 a second as a camera of another rate would have taken them: each time the nearest in time.

    Args:
        frames: `[T,H,W,3]`; frame t is taken at (t + 1/2) / 25 s.
        rate: of the result, whose frame n is taken at (n + 1/2) / rate s.
    """
    count = round(len(frames) * rate / FPS)
    middles = [(n + Fraction(1, 2)) * FPS / rate - Fraction(1, 2) for n in range(count)]
    return frames[[min(max(round(middle), 0), len(frames) - 1) for middle in middles]]


def on_canvas(picture: UInt8, width: int, height: int) -> UInt8:
    """A square picture scaled to `height`, its left and right edges drawn out to `width`: uint8 `[height,width,3]`."""
    scaled = picture
    if len(picture) != height:
        method = cv2.INTER_AREA if len(picture) > height else cv2.INTER_CUBIC
        scaled = np.asarray(cv2.resize(picture, (height, height), interpolation=method), dtype=np.uint8)
    left = (width - height) // 2
    return np.pad(scaled, ((0, 0), (left, width - height - left), (0, 0)), mode="edge")
