"""Writes the synthetic corpus: films of talking faces that nobody had to sit for, with the truth beside each.

A clip depends on (seed, actor, clip) alone, so the number of processes, the order and interruptions change nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import joblib
import numpy as np

import viseme
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.articulation import mouth_at
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.film import write_film
from viseme.data.synthetic.motion import perform
from viseme.data.synthetic.phonemes import random_sentence
from viseme.data.synthetic.voice import speak
from viseme.errors import ConfigError, OutputError
from viseme.files import write_json, written_aside
from viseme.progress import progress
from viseme.types import FPS, Float32, UInt8

SCHEMA = 1
"""Version of the tree and of the pictures; raised whenever the same seed gives something else."""
INDEX = "synthetic.json"
_CLIPS_A_JOB = 4


@dataclass(frozen=True, slots=True)
class SyntheticClip:
    """One clip before it is encoded.

    Attributes:
        frames: uint8 RGB `[T,size,size,3]`.
        audio: float32 `[640 T]`.
        landmarks: float32 `[T,68,2]` in pixels.
        phonemes: labels, in the order of time.
        starts: seconds at which each phoneme begins, float64.
        ends: and ends.
    """

    frames: UInt8
    audio: Float32
    landmarks: Float32
    phonemes: list[str]
    starts: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    ends: np.ndarray[tuple[int, ...], np.dtype[np.float64]]

    @property
    def opening(self) -> Float32:
        """Mouth opening of each frame over the distance 36-45, without smoothing, float32 `[T]`."""
        points = self.landmarks
        gap = np.mean(
            [np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in ((61, 67), (62, 66), (63, 65))], 0
        )
        return np.asarray(gap / np.linalg.norm(points[:, 36] - points[:, 45], axis=-1), dtype=np.float32)


def actor_name(number: int) -> str:
    """Folder of an actor: a000, a001, ..."""
    return f"a{number:03d}"


def clip_name(actor: int, number: int) -> str:
    """Stem of a clip's files: a000_000, ..."""
    return f"{actor_name(actor)}_{number:03d}"


def synthesize_clip(renderer: Renderer, seconds: float, rng: np.random.Generator) -> SyntheticClip:
    """Let an actor say a random sentence of the given length.

    Picture t shows the mouth at the middle of samples [640 t, 640 (t + 1)).
    """
    actor = renderer.actor
    frames = round(seconds * FPS)
    segments = random_sentence(rng, frames / FPS, actor.voice.rate)
    times = (np.arange(frames) + 0.5) / FPS
    mouth = mouth_at(segments, times, actor.voice.effort)
    poses = perform(actor, segments, times, rng)
    return SyntheticClip(
        frames=np.stack([renderer.frame(mouth.at(t), pose) for t, pose in enumerate(poses)]),
        audio=speak(segments, actor.voice, frames, rng),
        landmarks=np.stack([renderer.landmarks(mouth.at(t), pose) for t, pose in enumerate(poses)]),
        phonemes=[segment.phoneme.label for segment in segments],
        starts=np.array([segment.start for segment in segments]),
        ends=np.array([segment.end for segment in segments]),
    )


def _write_clip(folder: Path, stem: str, size: int, clip: SyntheticClip) -> None:
    with written_aside(folder / f"{stem}.npz") as aside:
        np.savez(
            aside,
            landmarks=clip.landmarks,
            phonemes=np.array(clip.phonemes),
            start=clip.starts,
            end=clip.ends,
            opening=clip.opening,
            offset=np.float32(0.0),
        )
    # The film comes last: where it is, its truth is too.
    with written_aside(folder / f"{stem}.mp4") as aside:
        write_film(aside, clip.frames, size, clip.audio)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: processes do the rest."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _make(out: Path, seed: int, size: int, seconds: tuple[float, float], actor: int, numbers: Sequence[int]) -> int:
    """Write some clips of one actor; returns how many."""
    with one_thread():
        renderer = Renderer(draw_actor(np.random.default_rng([seed, actor])), size)
        for number in numbers:
            rng = np.random.default_rng([seed, actor, number + 1])
            clip = synthesize_clip(renderer, float(rng.uniform(*seconds)), rng)
            _write_clip(out / actor_name(actor), clip_name(actor, number), size, clip)
    return len(numbers)


def check_numbers(actors: int, clips: int, seed: int, size: int, seconds: tuple[float, float]) -> None:
    """`ConfigError` where a number cannot be drawn or spoken."""
    for name, value in (("actors", actors), ("clips", clips)):
        if not 1 <= value <= 1000:
            raise ConfigError(f"{name}: {value} is out of range; ask for 1 to 1000")
    if seed < 0:
        raise ConfigError(f"seed: {seed} is negative; give 0 or more")
    if not 64 <= size <= 1024 or size % 2:
        raise ConfigError(f"size: {size} cannot be drawn; give an even number from 64 to 1024")
    low, high = seconds
    if not 0.8 <= low <= high <= 60:
        raise ConfigError(f"seconds: {low} to {high} cannot be spoken; give lengths from 0.8 to 60, the shorter first")


def _open(out: Path, settings: dict[str, object]) -> None:
    """Start a tree, or check that the one there was begun with the same settings."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; give a folder for the synthetic corpus")
    index = out / INDEX
    if index.exists():
        try:
            known = json.loads(index.read_text(encoding="utf-8"))
            different = [name for name, value in settings.items() if known[name] != value]
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{index}: is not the index of a synthetic corpus; choose another folder") from error
        if different:
            name = different[0]
            raise OutputError(
                f"{out}: was begun with {name} {known[name]}, not {settings[name]}; use the same or another folder"
            )


def synthesize_corpus(
    out: str | os.PathLike[str],
    actors: int,
    clips: int,
    seed: int = 0,
    size: int = 256,
    seconds: tuple[float, float] = (1.6, 2.6),
    jobs: int | None = None,
) -> int:
    """Write `actors` times `clips` films with their truth below `out`; clips that are there already are kept.

    Args:
        out: a folder, made if missing. It holds `synthetic.json`, and for each clip `<actor>/<clip>.mp4` and
            `<actor>/<clip>.npz` (landmarks, phonemes with start and end, opening, offset).
        actors: number of distinct people.
        clips: number of clips of each.
        seed: all of it follows from this; a larger corpus of the same seed contains the smaller.
        size: height and width in pixels, even.
        seconds: shortest and longest clip.
        jobs: processes; None takes one for each processor. It does not change the result.

    Returns:
        How many clips were written now, without those kept.

    Raises:
        ConfigError: a number out of range.
        OutputError: `out` is a file, cannot be written, or was begun with other settings.
    """
    folder = Path(out)
    span = (float(seconds[0]), float(seconds[1]))
    check_numbers(actors, clips, seed, size, span)
    settings: dict[str, object] = {"schema": SCHEMA, "seed": seed, "size": size, "seconds": list(span)}
    _open(folder, settings)
    tasks: list[tuple[int, list[int]]] = []
    for actor in range(actors):
        place = folder / actor_name(actor)
        missing = [
            number
            for number in range(clips)
            if not all((place / (clip_name(actor, number) + suffix)).exists() for suffix in (".mp4", ".npz"))
        ]
        tasks += [(actor, missing[at : at + _CLIPS_A_JOB]) for at in range(0, len(missing), _CLIPS_A_JOB)]
    write_json(
        folder / INDEX,
        {**settings, "actors": actors, "clips": clips, "fps": FPS, "offset": 0, "viseme": viseme.__version__},
    )
    workers = jobs if jobs is not None else (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    written = 0
    total = actors * clips
    with progress("synthetic", total, "clips", done=total - sum(len(numbers) for _, numbers in tasks)) as advance:
        run = joblib.Parallel(n_jobs=max(1, min(workers, len(tasks))), return_as="generator_unordered")
        for count in run(joblib.delayed(_make)(folder, seed, size, span, actor, numbers) for actor, numbers in tasks):
            written += count
            advance(count)
    return written
