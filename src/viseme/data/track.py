"""Landmarks of one face through a clip: found by the detector now and then, followed by its own landmarks between.

`track` is for source videos, where speed counts; `scored_landmarks` is the one definition behind every score, with the
detector on every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.data import align
from viseme.data.faces import Box, FaceBackend, find_faces, overlap, resized
from viseme.types import Bool, Float32, UInt8

SCORED_SIZE = 256
"""Frames are enlarged to this many pixels before landmarks are taken for scores."""
CONFIRMED_WIDTHS = (110, 200)
"""A followed face narrower or wider than this many pixels is enlarged or reduced before the detector confirms it."""
FINE_WIDTH = 250
"""A face narrower than this many pixels is enlarged before its landmarks are taken, because they are whole pixels."""


@dataclass(frozen=True, slots=True)
class Track:
    """One face through T frames.

    Attributes:
        landmarks: float32 `[T,68,2]` in pixels of the frames; interpolated where no face was found.
        found: bool `[T]`, whether the face is there (`track`) or the detector found it (`scored_landmarks`).
        faces: the most faces seen in one frame; more than one means that one was chosen.
    """

    landmarks: Float32
    found: Bool
    faces: int


def largest(boxes: Sequence[Box], frame: UInt8) -> Box:
    """The box of the greatest area."""
    return max(boxes, key=lambda box: box.area)


def central(boxes: Sequence[Box], frame: UInt8) -> Box:
    """The box whose middle is nearest to the frame's."""
    height, width = frame.shape[:2]
    return min(
        boxes, key=lambda box: (box.left + box.right + 1 - width) ** 2 + (box.top + box.bottom + 1 - height) ** 2
    )


CHOICES: dict[str, Callable[[Sequence[Box], UInt8], Box]] = {"largest": largest, "central": central}
"""Which of several faces is followed, by name."""


def aligned_box(size: int) -> Box:
    """Where the detector's box lies on an aligned frame of `size` pixels."""
    return Box(*(edge * size - 0.5 for edge in align.ALIGNED_BOX))


def box_of(landmarks: Float32) -> Box:
    """Where the detector would put its box around a face with these landmarks `[68,2]`."""
    back = align.inverse(align.clip_transform(landmarks[None], SCORED_SIZE))
    unit = aligned_box(SCORED_SIZE)
    half = align.scale(back) * unit.width / 2
    x, y = align.apply(back, [(unit.left + unit.right) / 2, (unit.top + unit.bottom) / 2])
    return Box(x - half, y - half, x + half, y + half)


def track(frames: Iterable[UInt8], backend: FaceBackend, every: int = 15, face: str = "largest") -> Track:
    """Follow one face of the first frame that has any.

    The detector looks at every `every`-th frame, at each frame after the face was lost until it is found again, and
    wherever the landmarks jump. When it finds nothing where a face was followed to, the frames since it last did are
    searched one by one, so that `found` is exact to the frame for a face that leaves or comes.

    How the detector's boxes lay on this face decides where landmarks are looked for between its looks: people differ,
    and landmarks follow the box.

    Args:
        frames: uint8 RGB `[H,W,3]` each; an array `[T,H,W,3]` or any stream, of which `every` frames are held.
        backend: finds faces.
        every: frames between two looks of the detector.
        face: which one, a name in `CHOICES`.
    """
    follower = _Follower(backend, every, CHOICES[face])
    for frame in frames:
        follower.feed(frame)
    return follower.finish()


class _Follower:
    """The state of `track`: what is known of the frames so far."""

    def __init__(
        self, backend: FaceBackend, every: int, choose: Callable[[Sequence[Box], UInt8], Box] = largest
    ) -> None:
        self.backend, self.every, self.choose = backend, max(1, every), choose
        self.points: list[Float32 | None] = []
        self.looks: list[tuple[float, float, float]] = []
        """How the detector's boxes lay on this face: right of and below `box_of`'s, and as wide, in widths of that."""
        self.faces = 0
        self.unsure: list[tuple[int, UInt8]] = []
        """Frames followed since the detector last agreed."""

    def feed(self, frame: UInt8) -> None:
        before = self.points[-1] if self.points else None
        if before is not None:
            box = self._expected(before)
            sure = len(self.unsure) + 1 >= self.every
            seen = _confirmed(frame, box, self.backend) if sure else None
            if seen or not sure:
                now = fine_landmarks(frame, box, self.backend)
                if _plausible(before, now, frame):
                    self._learn(seen, now)
                    self.unsure = [] if sure else [*self.unsure, (len(self.points), frame)]
                    self.points.append(now)
                    return
        self._look_back()
        self.points.append(self._searched(frame))

    def finish(self) -> Track:
        self._look_back()
        found = np.array([points is not None for points in self.points], dtype=np.bool_)
        landmarks = np.zeros((len(found), 68, 2), dtype=np.float32)
        if found.any():
            where = np.flatnonzero(found)
            known = np.stack([points for points in self.points if points is not None]).reshape(len(where), -1)
            flat = landmarks.reshape(len(found), -1)
            for column in range(flat.shape[1]):
                flat[:, column] = np.interp(np.arange(len(found)), where, known[:, column])
        return Track(landmarks, found, self.faces)

    def _searched(self, frame: UInt8) -> Float32 | None:
        """Landmarks of the face nearest to where it was last, or of the one chosen; None where there is none."""
        boxes = find_faces(frame, self.backend)
        self.faces = max(self.faces, len(boxes))
        if not boxes:
            return None
        box = self.choose(boxes, frame)
        near = next((points for points in reversed(self.points) if points is not None), None)
        if near is not None and len(boxes) > 1:
            expected = self._expected(near)
            box = max(boxes, key=lambda candidate: overlap(candidate, expected))
        points = fine_landmarks(frame, box, self.backend)
        self._learn(box, points)
        return points

    def _expected(self, points: Float32) -> Box:
        """Where the detector would put its box around these landmarks, by where it has put it around this face."""
        box = box_of(points)
        right, below, wide = np.mean(self.looks, axis=0) if self.looks else (0.0, 0.0, 1.0)
        x, y = (box.left + box.right) / 2 + right * box.width, (box.top + box.bottom) / 2 + below * box.width
        half = wide * box.width / 2
        return Box(x - half, y - half, x + half, y + half)

    def _learn(self, seen: Box | None, points: Float32) -> None:
        if seen is not None and (box := box_of(points)).width >= 2:
            right, below = seen.left + seen.right - box.left - box.right, seen.top + seen.bottom - box.top - box.bottom
            self.looks.append((right / (2 * box.width), below / (2 * box.width), seen.width / box.width))

    def _look_back(self) -> None:
        """Search anew the frames that were followed to where no face is, back to one that the detector confirms."""
        for index, frame in reversed(self.unsure):
            points = self.points[index]
            if points is not None and _confirmed(frame, self._expected(points), self.backend):
                break
            self.points[index] = self._searched(frame)
        self.unsure = []


def _confirmed(frame: UInt8, box: Box, backend: FaceBackend) -> Box | None:
    """Where the detector, looking around a followed box alone, finds the face. Costs less than a whole frame."""
    height, width = frame.shape[:2]
    margin = 0.5 * box.width
    left, top = max(0, int(box.left - margin)), max(0, int(box.top - margin))
    right, bottom = min(width, int(box.right + margin)), min(height, int(box.bottom + margin))
    if right - left < 2 or bottom - top < 2 or box.width < 2:
        return None
    factor = min(max(box.width, CONFIRMED_WIDTHS[0]), CONFIRMED_WIDTHS[1]) / box.width
    around = resized(frame[top:bottom, left:right], factor)
    expected = Box(box.left - left, box.top - top, box.right - left, box.bottom - top).scaled(factor)
    best = max(backend.detect(around), key=lambda found: overlap(found, expected), default=None)
    if best is None or overlap(best, expected) <= 0.5:
        return None
    back = best.scaled(1 / factor)
    return Box(back.left + left, back.top + top, back.right + left, back.bottom + top)


def _plausible(before: Float32, now: Float32, frame: UInt8) -> bool:
    """Whether landmarks can follow those of the frame before: no jump, no change of size, inside the picture."""
    was, is_now = align.anchors(before), align.anchors(now)
    eyes_before, eyes_now = (float(np.linalg.norm(p[1] - p[0])) for p in (was, is_now))
    if eyes_before < 2 or not 0.75 < eyes_now / eyes_before < 1.33:
        return False
    if float(np.linalg.norm(is_now - was, axis=1).max()) > 0.35 * eyes_before:
        return False
    height, width = frame.shape[:2]
    x, y = now.mean(axis=0)
    return bool(0 <= x < width and 0 <= y < height)


def fine_landmarks(frame: UInt8, box: Box, backend: FaceBackend) -> Float32:
    """Landmarks `[68,2]` to fractions of a pixel if the face is small: its surroundings are enlarged."""
    factor = min(4.0, FINE_WIDTH / max(box.width, 1.0))
    if factor < 1.25:
        return backend.landmarks(frame, box)
    height, width = frame.shape[:2]
    margin = 0.4 * box.width
    left, top = max(0, int(box.left - margin)), max(0, int(box.top - margin))
    right, bottom = min(width, int(box.right + margin) + 1), min(height, int(box.bottom + margin) + 1)
    if right - left < 2 or bottom - top < 2:
        return backend.landmarks(frame, box)
    around = resized(frame[top:bottom, left:right], factor)
    factors = np.array([around.shape[1] / (right - left), around.shape[0] / (bottom - top)])
    shift = np.array([left, top])
    corners = (np.array([[box.left, box.top], [box.right, box.bottom]]) - shift + 0.5) * factors - 0.5
    points = backend.landmarks(around, Box(*corners.ravel().tolist()))
    return np.asarray((points + 0.5) / factors - 0.5 + shift, dtype=np.float32)


def scored_landmarks(frames: Iterable[UInt8], backend: FaceBackend, box: Box | None = None) -> Track:
    """Landmarks of aligned frames as every score takes them, the same for truth, candidate and controls.

    Each frame `[S,S,3]` is enlarged (bicubic) to 256 pixels if it is smaller. The detector looks at every frame; of
    several faces the one nearest to the aligned box counts. Without a detection the aligned box serves and `found` is
    False there. Points come back in pixels of the given frames.

    Args:
        frames: aligned frames, uint8 `[T,S,S,3]` or a stream of `[S,S,3]`.
        backend: finds faces.
        box: where the face lies in pixels of the given frames; the aligned box by default.
    """
    points: list[Float32] = []
    found: list[bool] = []
    faces = 0
    for frame in frames:
        factor = max(1.0, SCORED_SIZE / max(frame.shape[:2]))
        large = resized(np.ascontiguousarray(frame), factor)
        expected = (box or aligned_box(max(frame.shape[:2]))).scaled(factor)
        boxes = backend.detect(large)
        best = max(boxes, key=lambda candidate: overlap(candidate, expected), default=expected)
        points.append(np.asarray((backend.landmarks(large, best) + 0.5) / factor - 0.5, dtype=np.float32))
        found.append(bool(boxes))
        faces = max(faces, len(boxes))
    landmarks = np.stack(points) if points else np.zeros((0, 68, 2), dtype=np.float32)
    return Track(landmarks, np.array(found, dtype=np.bool_), faces)
