"""The pretrained networks that distances between sets rest on: which frames each is shown, and by which weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viseme.errors import InputError
from viseme.evaluation.identity import EVERY
from viseme.types import Float32, UInt8
from viseme.weights import fingerprint, located


@dataclass(frozen=True, slots=True)
class Network:
    """One network with one file of weights.

    Attributes:
        name: `fid-inception`, `efficientnet-lite0` or `i3d`.
        path: of its weights.
        sha256: of that file.
    """

    name: str
    path: Path
    sha256: str

    def features(self, frames: UInt8) -> Float32:
        """Features float32 `[M,D]` of the scored frames `[T,S,S,3]`, uint8.

        Inception is shown every frame (M = T), as tables of FID are; EfficientNet-Lite0 every fifth, since neighbours
        are nearly the same; I3D windows of 16 frames.
        """
        return _loaded(self.name, self.path)(frames)

    def check(self) -> None:
        """Raise `InputError` where the file is not what it should be."""
        _loaded(self.name, self.path)


def opened(name: str, path: Path | None = None) -> Network:
    """The network with the weights given, or with those that are here. Raises `InputError` where there are none."""
    place = located(name, instead="leave out of --metrics what rests on it") if path is None else path
    try:
        return Network(name, place.absolute(), fingerprint(name, place))
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}); give the weights of {name}") from error


@functools.cache
def _loaded(name: str, path: Path) -> Callable[[UInt8], Float32]:
    """Once a process."""
    if name == "i3d":
        from viseme.evaluation.i3d import video_extractor, windows

        video = video_extractor(path)

        def watched(frames: UInt8) -> Float32:
            pieces = windows(frames)
            return video(pieces) if len(pieces) else np.zeros((0, video.width), np.float32)

        return watched
    if name == "fid-inception":
        from viseme.evaluation.inception import inception

        return inception(path)
    from viseme.evaluation.efficientnet import efficientnet_lite0

    extract = efficientnet_lite0(path)
    return lambda frames: extract(frames[::EVERY])
