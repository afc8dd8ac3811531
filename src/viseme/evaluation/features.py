"""What several metrics share and what is costly: landmarks, face descriptors and flow of a clip's frames.

Truth's are cached on disk; a candidate's are computed each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viseme.data import align
from viseme.data.faces import FaceBackend, resized
from viseme.data.track import SCORED_SIZE, Track, scored_landmarks
from viseme.evaluation.cache import Arrays, cached
from viseme.evaluation.identity import EVERY
from viseme.evaluation.motion import FARNEBACK, optical_flow
from viseme.evaluation.networks import Network
from viseme.types import Float32, UInt8

VERSION = 1
"""Part of the cache's key: raise it when anything below computes other numbers."""


def describe(frames: UInt8, landmarks: Float32, backend: FaceBackend) -> NDArray[np.float64]:
    """Face descriptors `[M,128]` of frames `[M,S,S,3]`, enlarged as for landmarks, with their points `[M,68,2]`."""
    size = frames.shape[1]
    large = max(size, SCORED_SIZE)
    points = align.resize_points(landmarks, size, large)
    found = [backend.describe(resized(f, large / size), p) for f, p in zip(frames, points, strict=True)]
    return np.stack(found) if found else np.zeros((0, 128))


@dataclass(frozen=True)
class Features:
    """Of the scored frames of one video.

    Attributes:
        frames: uint8 `[T,S,S,3]`.
        backend: finds faces.
    """

    frames: UInt8
    backend: FaceBackend

    @cached_property
    def track(self) -> Track:
        """Landmarks of every frame."""
        return scored_landmarks(self.frames, self.backend)

    @property
    def undetected(self) -> int | None:
        """Frames without a detected face; None if no metric asked for landmarks."""
        return int((~self.track.found).sum()) if "track" in self.__dict__ else None

    @cached_property
    def descriptors(self) -> NDArray[np.float64]:
        """`[M,128]` of every fifth frame."""
        return describe(self.frames[::EVERY], self.track.landmarks[::EVERY], self.backend)

    @cached_property
    def flow(self) -> NDArray[np.float64]:
        """`[T-1]` mean flow magnitude in pixels."""
        return optical_flow(self.frames)

    def seen_by(self, network: Network) -> Float32:
        """What a network makes of the frames, `[M,D]`."""
        return network.features(self.frames)


@dataclass(frozen=True)
class TruthFeatures(Features):
    """Of truth's frames 1, 2, ..., kept on disk.

    Attributes:
        identity: uint8 `[S,S,3]`, truth's frame 0.
        key: store fingerprint, clip and size.
    """

    identity: UInt8
    key: tuple[object, ...]

    @cached_property
    def track(self) -> Track:
        """Landmarks of every frame."""

        def compute() -> Arrays:
            track = scored_landmarks(self.frames, self.backend)
            return {"landmarks": track.landmarks, "found": track.found, "faces": np.array(track.faces)}

        kept = self._kept("landmarks", ("landmarks", "found", "faces"), compute)
        return Track(kept["landmarks"], kept["found"], int(kept["faces"]))

    @cached_property
    def descriptors(self) -> NDArray[np.float64]:
        """`[M,128]` of every fifth frame."""
        return self._described["descriptors"]

    @cached_property
    def identity_descriptor(self) -> NDArray[np.float64]:
        """`[128]` of the identity frame."""
        return self._described["identity"]

    @cached_property
    def flow(self) -> NDArray[np.float64]:
        """`[T-1]` mean flow magnitude in pixels."""
        return self._kept("flow", ("flow",), lambda: {"flow": optical_flow(self.frames)}, FARNEBACK)["flow"]

    def seen_by(self, network: Network) -> Float32:
        """What a network makes of the frames, `[M,D]`."""

        def compute() -> Arrays:
            return {"features": network.features(self.frames)}

        return self._kept(network.name, ("features",), compute, (network.sha256, EVERY))["features"]

    @cached_property
    def _described(self) -> Arrays:
        landmarks = self.track.landmarks  # here, so that what is counted undetected does not depend on the cache

        def compute() -> Arrays:
            first = Features(self.identity[None], self.backend)
            rest = describe(self.frames[::EVERY], landmarks[::EVERY], self.backend)
            return {"descriptors": rest, "identity": first.descriptors[0]}

        return self._kept("descriptors", ("descriptors", "identity"), compute, (EVERY,))

    def _kept(self, what: str, names: tuple[str, ...], compute: Any, more: tuple[object, ...] = ()) -> Arrays:
        # The number of frames counts, because a candidate one frame short is scored against a truth as short.
        key = (VERSION, what, self.backend.name, self.key, self.frames.shape, *more)
        return cached("truth", key, names, compute)
