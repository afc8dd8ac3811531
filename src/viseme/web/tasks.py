"""What the worker processes do for the page.

Each function is given `tell` first, which reports what it is given, if not None, and raises where the task is no longer
wanted.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np

from viseme.config.diffusion import DdpmConfig
from viseme.config.diffusion_sampling import DiffusionSampling
from viseme.data.audio import read_audio
from viseme.data.picture import picture_size
from viseme.data.video import read_frames
from viseme.errors import InputError
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.metrics import METRICS
from viseme.families import ModelSynthesizer, load_synthesizer
from viseme.generation.credentials import Signature, sign
from viseme.generation.generate import generate_talk
from viseme.generation.label import labelled
from viseme.generation.landmarks import has_regressor, photo_source
from viseme.generation.photo import read_photo
from viseme.generation.rollout import Stopwatch, condition, generator, rollout
from viseme.types import FPS, SAMPLES_PER_FRAME, UInt8
from viseme.web.examples import write_examples
from viseme.web.limits import Limits
from viseme.web.messages import Crop, Example, Made, Model, Score, Seen

Tell = Callable[[Any], None]
CROP = 256
"""Pixels a side of the crop that is shown."""
PREVIEWS = 0.3
"""Seconds between two previews."""
TIMED = 6
"""Frames made to learn how fast a model is here."""


def models(tell: Tell, names: tuple[str, ...]) -> list[Model]:
    """Load each model once and time it.

    Raises:
        ModelError: no such model.
        InputError: one that a photo and a voice are not enough for.
    """
    return [_described(name) for name in names]


def examples(tell: Tell, folder: Path) -> list[Example]:
    """Photos and a voice to try the page with, written into an existing folder."""
    return write_examples(folder)


def crop(tell: Tell, photo: str, limits: Limits) -> Crop:
    """The largest face of a photo, as models will see it."""
    _check_photo(photo, limits)
    found = read_photo(photo, CROP)
    return Crop(found.frame, f"{found.faces} faces found; the largest is used" if found.faces > 1 else "")


def talk(
    tell: Tell,
    *,
    model: str,
    overrides: tuple[str, ...],
    photo: str,
    voice: str,
    out: str,
    seed: int,
    label: str,
    signature: Signature | None,
    limits: Limits,
) -> Made:
    """Make a video, telling some of its frames as `Seen`; `label` is drawn into every frame where it is not empty."""
    _check_photo(photo, limits)
    read_audio(voice, limits.sound_seconds)
    shown = -PREVIEWS

    def seen(frame: UInt8, number: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < PREVIEWS and number < total:
            tell(None)
            return
        shown = now
        tell(Seen(number, total, _png(frame)))

    finish = functools.partial(labelled, text=label) if label else None
    made = generate_talk(_synthesizer(model, overrides), photo, voice, out, seed=seed, finish=finish, seen=seen)
    if signature is not None:
        sign(made.path, signature)
    return Made(made.frames, made.seconds, made.note)


def score(tell: Tell, *, video: str, reference: str, folder: str, limits: Limits) -> tuple[list[Score], list[str]]:
    """A video's scores against a reference, and what should be known of them; `folder` is empty and takes the files."""
    place = Path(folder)
    (place / "candidate").mkdir()
    for name, path in (("video", video), ("reference", reference)):
        _check_video(path, limits)
        link = place / ("candidate" if name == "video" else "") / f"{name}.mp4"
        link.symlink_to(path)
    (place / "pairs.csv").write_text("candidate,reference\ncandidate/video.mp4,reference.mp4\n", encoding="ascii")
    results = evaluate(place / "candidate", place / "pairs.csv", place / "results.json", jobs=1, resample=True)
    (clip,) = results.clips
    if clip.status != "scored":
        raise InputError(clip.reason)
    scores = [
        Score(metric, clip.values[name], clip.truth.get(name))
        for name, metric in METRICS.items()
        if name in clip.values
    ]
    return scores, list(results.notes)


@functools.lru_cache(maxsize=2)
def _synthesizer(model: str, overrides: tuple[str, ...]) -> ModelSynthesizer:
    """A model with its sampling as asked for; those used last stay in memory."""
    return load_synthesizer(model, overrides)


def _described(name: str) -> Model:
    synthesizer = _synthesizer(name, ())
    photo_source(synthesizer, None)
    pace, config = _pace(synthesizer), synthesizer.config
    if not isinstance(config, DdpmConfig):
        return Model(name, synthesizer.size, pace)
    samplers = get_args(DiffusionSampling.model_fields["sampler"].annotation)
    own = config.sampling
    return Model(name, synthesizer.size, pace, samplers, own.sampler, own.steps, config.diffusion.steps)


def _pace(synthesizer: ModelSynthesizer) -> float:
    """Frames a second; the first rollout warms up, the second counts."""
    photo = np.full((synthesizer.size, synthesizer.size, 3), 128, np.uint8)
    points = np.full((68, 2), synthesizer.size / 2, np.float32)
    watch = Stopwatch()
    for frames, timed in ((2, None), (TIMED + 1, watch)):
        silence = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
        given = condition(
            synthesizer, photo, silence, frames, moved_from=points if has_regressor(synthesizer) else None
        )
        for _ in rollout(synthesizer, [given], generator(0, 0), timed):
            pass
    return TIMED / watch.seconds


def _check_photo(photo: str, limits: Limits) -> None:
    width, height = picture_size(photo)
    if width * height > limits.megapixels * 1e6:
        raise InputError(f"{photo}: {width} x {height} is over {limits.megapixels:g} megapixels; scale it down")


def _check_video(video: str, limits: Limits) -> None:
    """Its frames one after another: what a header says of its length is not trusted."""
    most = round(limits.sound_seconds * FPS)
    for number, frame in enumerate(islice(read_frames(video), most + 1), start=1):
        if frame.shape[0] * frame.shape[1] > limits.megapixels * 1e6:
            raise InputError(f"{video}: its frames are over {limits.megapixels:g} megapixels; scale it down")
        if number > most:
            raise InputError(f"{video}: is longer than {limits.sound_seconds:g} s; cut it")


def _png(frame: UInt8) -> bytes:
    _, encoded = cv2.imencode(".png", frame[..., ::-1])
    return encoded.tobytes()
