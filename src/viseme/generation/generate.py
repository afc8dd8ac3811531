"""Videos from a synthesizer: one of a photo and a voice, or one for every clip of a store's split."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from viseme.data.audio import fit_length, read_audio
from viseme.data.store import Store
from viseme.errors import ConfigError, InputError, OutputError, StoreError
from viseme.files import AnyPath
from viseme.generation.controls import ChangesSound
from viseme.generation.driving import driving_landmarks
from viseme.generation.landmarks import Source, photo_source, read_landmarks, split_source
from viseme.generation.manifest import Reference, SystemInfo, VideoManifest, VideoRow
from viseme.generation.photo import read_photo
from viseme.generation.plan import Job, plan
from viseme.generation.provenance import describe, provenance
from viseme.generation.resume import kept_batches
from viseme.generation.rollout import Stopwatch, condition, generator, rollout
from viseme.generation.writer import VideoWriter
from viseme.progress import Advance, progress
from viseme.types import SAMPLE_RATE, SAMPLES_PER_FRAME, Conditioning, Float32, Synthesizer, UInt8

SHORTEST = 0.2
"""Seconds of sound below which there is nothing to say."""
SILENT = 1e-3
"""A peak below -60 dB of full scale is silence."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A video made of a photo and a voice.

    Attributes:
        path: of the MP4.
        frames: T, the photo itself included.
        seconds: that synthesis took; reading, features and encoding not counted.
        note: what the user should know (several faces, silence), or empty.
    """

    path: Path
    frames: int
    seconds: float
    note: str

    def __str__(self) -> str:
        speed = f" ({(self.frames - 1) / self.seconds:.1f} frames/s)" if self.seconds > 0 else ""
        told = f"{self.path}: {self.frames} frames, synthesis {self.seconds:.1f} s{speed}"
        return f"{told}; {self.note}" if self.note else told


def generate_talk(
    synthesizer: Synthesizer,
    image: AnyPath,
    audio: AnyPath,
    out: AnyPath,
    *,
    seed: int = 0,
    landmarks: AnyPath | None = None,
    finish: Callable[[UInt8], UInt8] | None = None,
    seen: Callable[[UInt8, int, int], None] | None = None,
) -> Talk:
    """Make the face of a photo say what is heard in a sound file.

    Args:
        synthesizer: a model.
        image: a photo; its largest face is used.
        audio: any file with sound, 0.2 s or more.
        out: an MP4, written whole or not at all.
        seed: of everything drawn.
        landmarks: for a model that is driven by them, as `landmarks.photo_source` says: `sound`, a file of points, or a
            driving video.
        finish: what is done to each frame, uint8 `[S,S,3]`, before it is written, such as a label.
        seen: told each frame as it is written, its number from 1 on, and how many there will be; what it raises ends
            the work, and no file is left.

    Raises:
        InputError: a photo without a face, no or too little sound, landmarks missing or not wanted.
        OutputError: a name that does not end in .mp4 or is one of the inputs, or no room.
    """
    _check_numbers(seed=seed)
    source = photo_source(synthesizer, landmarks)
    file = landmarks if source in ("points", "video") else None
    target = _checked_target(out, image, audio, *([] if file is None else [file]))
    heard = read_audio(audio)
    if len(heard) < SHORTEST * SAMPLE_RATE:
        raise InputError(f"{audio}: {len(heard) / SAMPLE_RATE:.2f} s of sound are too short; give {SHORTEST} s or more")
    frames = max(2, math.ceil(len(heard) / SAMPLES_PER_FRAME))
    points = read_landmarks(file, frames) if file is not None and source == "points" else None
    photo = read_photo(image, synthesizer.size)
    if file is not None and source == "video":
        points = driving_landmarks(file, frames, photo.points)
    notes = [photo.note] if photo.note else []
    if float(np.abs(heard).max()) < SILENT:
        notes.append("the sound is silent, the mouth has nothing to follow")
    sound = fit_length(heard, frames)
    moved_from = photo.points if source == "sound" else None
    given = condition(synthesizer, photo.frame, sound, frames, landmarks=points, moved_from=moved_from)
    record = provenance(describe(synthesizer, seed=seed))
    watch = Stopwatch()
    with (
        progress("generate", frames, "frames") as advance,
        VideoWriter(target, synthesizer.size, sound, metadata=record) as writer,
    ):
        for batch in rollout(synthesizer, [given], generator(seed, 0), watch):
            frame = batch[0] if finish is None else finish(batch[0])
            writer.write(frame)
            advance(1)
            if seen is not None:
                seen(frame, writer.frames, frames)
    return Talk(target, frames, watch.seconds, "; ".join(notes))


def generate_split(
    synthesizer: Synthesizer,
    store: Store | AnyPath,
    out: AnyPath,
    *,
    split: str = "test",
    seed: int = 0,
    batch_size: int = 8,
    shuffle_audio: int | None = None,
    limit: int | None = None,
    landmarks: AnyPath | None = None,
) -> VideoManifest:
    """Make a video of every clip of a split from the clip's first frame and its sound, with `manifest.json` beside.

    Clips are sorted by clip_id and made in fixed batches, each with a random generator of its own from the seed and the
    batch's number. A second call keeps whole batches and makes the others again, to the same bytes as one call. A clip
    that cannot be made is recorded with its reason and tried again by the next call.

    Args:
        store: an open store or its path; its size is a multiple of the synthesizer's.
        out: a folder, new or of the same system, seed, store and batch size.
        shuffle_audio: a seed; every clip is then driven by another clip's sound of the same actor (and that is heard).
        limit: only the first so many clips.
        landmarks: for a model that is driven by them, `sound` or `truth`, as `landmarks.split_source` says.

    Returns:
        The manifest; its `failed` names the clips without a video.

    Raises:
        StoreError: not a store, no clips in the split, or a size that it cannot give.
        InputError: landmarks that the synthesizer does not take or cannot move.
        OutputError: the folder holds something else, or cannot be written.
        ModelError: the synthesizer breaks its protocol.
    """
    _check_numbers(seed=seed, shuffle_audio=shuffle_audio)
    source = split_source(synthesizer, landmarks)
    if batch_size < 1 or (limit is not None and limit < 1):
        raise ConfigError(f"batch size {batch_size}, limit {limit}: both count clips and are 1 or more")
    store = store if isinstance(store, Store) else Store.open(store)
    if store.info.size % synthesizer.size:
        raise StoreError(
            f"{store.path}: {synthesizer.name} makes frames of {synthesizer.size} pixels, which does not divide the "
            f"store's {store.info.size}; prepare a store of a multiple of {synthesizer.size}"
        )
    folder = Path(out)
    jobs = plan(store, split, shuffle_audio, limit)
    batches = [jobs[at : at + batch_size] for at in range(0, len(jobs), batch_size)]
    system = describe(synthesizer, seed=seed, shuffled_audio=shuffle_audio, leaking=source == "truth")
    reference = Reference(store.path.resolve().name, store.fingerprint, split)
    manifest = VideoManifest(system, reference, batch_size, len(jobs))
    kept = kept_batches(folder, manifest, batches)
    manifest = replace(manifest, clips=_sorted(kept))
    manifest.save(folder)
    run = _Run(synthesizer, store, folder, system, source)
    done = sum(job.frames for number in kept for job in batches[number] if not job.reason)
    todo = sum(job.frames for job in jobs if not job.reason)
    with progress("generate", todo, "frames", done=done) as advance:
        for number, batch in enumerate(batches):
            if number not in kept:
                kept[number] = run.batch(number, batch, advance)
                manifest = replace(manifest, clips=_sorted(kept))
                manifest.save(folder)
    return manifest


@dataclass(frozen=True)
class _Run:
    """What all batches of one split share."""

    synthesizer: Synthesizer
    store: Store
    folder: Path
    system: SystemInfo
    source: Source

    def batch(self, number: int, jobs: Sequence[Job], advance: Advance) -> list[VideoRow]:
        """Make one batch; a row for each of its clips."""
        reasons = {job.clip_id: job.reason for job in jobs if job.reason}
        ready: list[tuple[Job, Conditioning, Float32]] = []
        for job in jobs:
            if not job.reason:
                try:
                    ready.append((job, *self._conditioned(job)))
                except (StoreError, InputError) as error:
                    reasons[job.clip_id] = str(error)
        watch = Stopwatch()
        if ready:
            try:
                self._make(number, ready, watch, advance)
            except (StoreError, InputError) as error:
                reasons |= {job.clip_id: str(error) for job, *_ in ready}
        made = sum(job.frames - 1 for job in jobs if job.clip_id not in reasons)
        return [_row(job, number, reasons.get(job.clip_id, ""), watch.seconds, made) for job in jobs]

    def _conditioned(self, job: Job) -> tuple[Conditioning, Float32]:
        """What drives a clip, and the sound its video carries."""
        size = self.synthesizer.size
        sound = fit_length(self.store.audio(job.audio_from), job.frames)
        points = self.store.landmarks(job.clip_id, size=size) if self.source else None
        given = condition(
            self.synthesizer,
            self.store.frame(job.clip_id, 0, size=size),
            sound,
            job.frames,
            landmarks=points if self.source == "truth" else None,
            moved_from=points[0] if points is not None and self.source == "sound" else None,
            clip_id=job.clip_id,
        )
        return given, self.synthesizer.sound(sound) if isinstance(self.synthesizer, ChangesSound) else sound

    def _make(
        self, number: int, ready: Sequence[tuple[Job, Conditioning, Float32]], watch: Stopwatch, advance: Advance
    ) -> None:
        with contextlib.ExitStack() as stack:
            writers = [
                stack.enter_context(
                    VideoWriter(
                        self.folder / job.file,
                        self.system.size,
                        sound,
                        metadata=provenance(self.system, clip_id=job.clip_id, audio_from=job.audio_from),
                        crf=self.system.crf,
                    )
                )
                for job, _, sound in ready
            ]
            rng = generator(self.system.seed, number)
            for frames in rollout(self.synthesizer, [given for _, given, _ in ready], rng, watch):
                for (job, *_), writer, frame in zip(ready, writers, frames, strict=True):
                    if writer.frames < job.frames:
                        writer.write(frame)
                        advance(1)


def _row(job: Job, number: int, reason: str, seconds: float, made: int) -> VideoRow:
    share = 0.0 if reason else round(seconds * (job.frames - 1) / made, 6)
    return VideoRow(
        clip_id=job.clip_id,
        actor=job.actor,
        file="" if reason else job.file,
        frames=0 if reason else job.frames,
        status="failed" if reason else "ok",
        reason=reason,
        audio_from=job.audio_from,
        batch=number,
        seconds=share,
    )


def _sorted(kept: Mapping[int, Sequence[VideoRow]]) -> tuple[VideoRow, ...]:
    return tuple(row for number in sorted(kept) for row in kept[number])


def _checked_target(out: AnyPath, *inputs: AnyPath) -> Path:
    target = Path(out)
    if target.suffix.lower() != ".mp4":
        raise OutputError(f"{out}: videos are written as MP4; give a name that ends in .mp4")
    if target.is_dir():
        raise OutputError(f"{out}: is a folder; give the name of a file")
    for source in inputs:
        if target.exists() and Path(source).exists() and target.samefile(source):
            raise OutputError(f"{out}: is an input too and would be lost; choose another name")
    return target


def _check_numbers(**seeds: int | None) -> None:
    for name, seed in seeds.items():
        if seed is not None and seed < 0:
            raise ConfigError(f"{name} {seed}: seeds are 0 or more")
