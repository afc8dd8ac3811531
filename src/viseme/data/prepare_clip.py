"""One source clip to aligned frames, sound and landmarks, or to the reason why it cannot serve."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viseme.data import align
from viseme.data.audio import fit_length, read_audio
from viseme.data.corpora import SourceClip
from viseme.data.faces import FaceBackend
from viseme.data.manifest import OK, REJECTED, ClipRow
from viseme.data.quality import SHARPNESS_EVERY, Quality, clipping, face_width, jitter, loudness, sharpness
from viseme.data.shards import AUDIO, FRAMES, LANDMARKS
from viseme.data.track import track
from viseme.data.video import read_frames
from viseme.errors import InputError
from viseme.files import sha256
from viseme.types import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME, UInt8

HELD_BYTES = 256 * 2**20
"""Decoded source frames kept in memory between tracking and warping; a larger video is decoded twice."""
SILENCE = 1e-4
"""Sound that never exceeds this amplitude is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Below or beyond these a clip is rejected.

    Attributes:
        found: least share of frames in which the face is found.
        frames: fewest frames at 25 a second.
        seconds: greatest length; a clip is held in memory while it is prepared.
        missing_sound: by how many seconds sound may end before the picture; silence fills them.
        face_width: least width of the face in pixels of the source.
        jitter: greatest jitter of the landmarks as a share of the face's width.
        sharpness: least sharpness of the face.
        loudness: least root mean square of the sound in dBFS.
        clipping: greatest share of clipped samples.

    The last five are measures of `viseme.data.quality`, with room on either side of what usable corpora have.
    """

    found: float = 0.9
    frames: int = 10
    seconds: float = 60.0
    missing_sound: float = 0.2
    face_width: float = 32.0
    jitter: float = 0.05
    sharpness: float = 3.0
    loudness: float = -60.0
    clipping: float = 0.05


class Rejected(Exception):
    """This clip cannot serve; the text says why."""


def prepare_clip(
    clip: SourceClip,
    root: Path,
    split: str,
    shard: int,
    size: int,
    align_by: str,
    limits: Limits,
    backend: FaceBackend,
    face: str = "largest",
) -> tuple[ClipRow, dict[str, NDArray[np.generic]]]:
    """The row of a clip and its tensors by kind (frames, audio, landmarks); no tensors if it is rejected.

    Args:
        clip: what the corpus says of it.
        root: the folder that `ClipRow.source` is relative to.
        split: to write into the row.
        shard: to write into the row.
        size: of the aligned frames, in pixels.
        align_by: `clip`, one transform for all frames, or `frame`, one for each.
        limits: what to accept.
        backend: finds the face.
        face: which of several is followed, a name in `track.CHOICES`.
    """
    row = ClipRow(
        clip_id=clip.clip_id,
        actor=clip.actor,
        sentence=clip.sentence,
        emotion=clip.emotion,
        level=clip.level,
        split=split,
        frames=0,
        source=relative_source(clip.video, root),
        sha256="",
        crop=(),
        found=0.0,
        shard=shard,
        status=REJECTED,
        reason="",
    )
    try:
        row = dataclasses.replace(row, sha256=source_sha256(clip))
        if clip.known_bad:
            raise Rejected(f"{row.source}: {clip.known_bad}")
        return _accepted(row, clip, size, align_by, limits, backend, face)
    except (Rejected, InputError) as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename or clip.video}: cannot be read ({error.strerror or error})"
    reason = valid_text(reason.replace(f"{root}{os.sep}", "").replace("\n", " "))
    return dataclasses.replace(row, reason=reason), {}


def relative_source(video: Path, root: Path) -> str:
    """A video's path below the source folder with forward slashes; its whole path if it lies elsewhere."""
    return valid_text(video.relative_to(root).as_posix() if video.is_relative_to(root) else video.as_posix())


def valid_text(text: str) -> str:
    """Text that can be written as UTF-8: file names may hold bytes that are none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def source_sha256(clip: SourceClip) -> str:
    """The hash of the video, and of the sound file where it is separate, joined by `+`.

    Raises:
        InputError: one of them is a pipe or a device, whose bytes may never end.
        OSError: one of them cannot be read.
    """
    paths = [path for path in (clip.video, clip.audio) if path is not None]
    for path in paths:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file; give one video or sound file")
    return "+".join(sha256(path) for path in paths)


def _accepted(
    row: ClipRow, clip: SourceClip, size: int, align_by: str, limits: Limits, backend: FaceBackend, face: str
) -> tuple[ClipRow, dict[str, NDArray[np.generic]]]:
    source = _Replayed(clip.video, limits)
    followed = track(source.frames(), backend, face=face)
    count = len(followed.found)
    if count < limits.frames:
        raise Rejected(f"{row.source}: {count} frames at {FPS} a second, fewer than {limits.frames}")
    share = float(followed.found.mean())
    if share < limits.found:
        what = "no face in any frame" if share == 0 else f"a face in only {share:.0%} of its frames"
        raise Rejected(f"{row.source}: {what}")
    audio = _sound(clip.audio or clip.video, count, limits)

    seen = followed.landmarks[followed.found]
    whole = align.clip_transform(seen, size)
    matrices = align.frame_transforms(followed.landmarks, size) if align_by == "frame" else [whole] * count
    frames = np.empty((count, size, size, 3), dtype=np.uint8)
    looked_at = set(np.flatnonzero(followed.found)[::SHARPNESS_EVERY].tolist())
    sharp: list[float] = []
    for t, frame in enumerate(source.frames()):
        frames[t] = align.warp(frame, matrices[t], size)
        if t in looked_at:
            sharp.append(sharpness(frame, followed.landmarks[t]))
    quality = Quality(
        faces=followed.faces,
        face_width=face_width(seen),
        jitter=jitter(followed.landmarks, followed.found),
        sharpness=float(np.median(sharp)),
        loudness=loudness(audio),
        clipping=clipping(audio),
    )
    if (fault := _fault(quality, limits)) is not None:
        raise Rejected(f"{row.source}: {fault}")
    landmarks = np.stack([align.apply(m, p) for m, p in zip(matrices, followed.landmarks, strict=True)])
    tensors: dict[str, NDArray[np.generic]] = {
        FRAMES: frames,
        AUDIO: np.rint(audio * 32767).astype(np.int16),
        LANDMARKS: landmarks.astype(np.float32),
    }
    crop = tuple(float(number) for number in whole.ravel())
    accepted = dataclasses.replace(row, frames=count, crop=crop, found=share, status=OK, **dataclasses.asdict(quality))
    return accepted, tensors


def _fault(quality: Quality, limits: Limits) -> str | None:
    """What of a recording lies beyond the limits, first of all; None where nothing does."""
    width = quality.face_width
    if width < limits.face_width:
        return f"its face is {width:.0f} pixels wide, narrower than {limits.face_width:g}"
    if quality.jitter > limits.jitter * width:
        return f"its landmarks tremble by {quality.jitter:.1f} pixels, over {limits.jitter:.0%} of the face's width"
    if quality.sharpness < limits.sharpness:
        return f"its face is blurred: sharpness {quality.sharpness:.1f}, less than {limits.sharpness:g}"
    if quality.loudness < limits.loudness:
        return f"its sound is quiet: {quality.loudness:.1f} dBFS, less than {limits.loudness:g}"
    if quality.clipping > limits.clipping:
        return f"its sound is clipped in {quality.clipping:.1%} of its samples, over {limits.clipping:.0%}"
    return None


def _sound(path: Path, frames: int, limits: Limits) -> NDArray[np.float32]:
    audio = read_audio(path)
    missing = frames / FPS - len(audio) / SAMPLE_RATE
    if missing > limits.missing_sound:
        raise Rejected(f"{path}: its sound ends {missing:.2f} s before the picture")
    audio = fit_length(audio, frames)
    if float(np.abs(audio).max(initial=0.0)) < SILENCE:
        raise Rejected(f"{path}: its sound is silent")
    assert len(audio) == frames * SAMPLES_PER_FRAME
    return audio


class _Replayed:
    """Frames of a video, twice: from memory if they fit, else decoded again."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._most = path, round(limits.seconds * FPS)
        self._held: list[UInt8] | None = None

    def frames(self) -> Iterator[UInt8]:
        """From the first on; only a pass that ran to the end is kept."""
        if self._held is not None:
            yield from self._held
            return
        held: list[UInt8] | None = []
        for count, frame in enumerate(read_frames(self._path)):
            if count >= self._most:
                raise Rejected(f"{self._path}: longer than {self._most / FPS:g} s; cut it into utterances")
            if held is not None:
                held.append(frame)
                if frame.nbytes * len(held) > HELD_BYTES:
                    held = None
            yield frame
        self._held = held
