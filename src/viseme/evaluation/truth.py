"""One true clip, wherever it lies: in a store, or in a video of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from viseme.data.audio import fit_length, read_audio
from viseme.data.store import ClipRow, Store
from viseme.data.video import opened as opened_media
from viseme.errors import InputError
from viseme.evaluation.cache import cached
from viseme.evaluation.reading import at_size, read, told_by_name
from viseme.types import Float32, UInt8

ALL = "all"
"""The split of clips that no store has split."""
UNKNOWN = "unknown"
"""The actor of clips of which nobody says who speaks."""
COUNTED_SIZE = 16
"""Pixels of frames that are read for their number alone."""


class TrueClip(Protocol):
    """What scoring asks of truth. Small, so that it can be sent to another process."""

    @property
    def clip_id(self) -> str:
        """Unique in its reference."""

    @property
    def actor(self) -> str:
        """Who speaks, or `unknown`."""

    @property
    def split(self) -> str:
        """The split of a store, or `all`."""

    @property
    def emotion(self) -> str:
        """As the corpus names it, or empty."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal keys, equal frames: what truth's features are cached by."""

    @property
    def frames(self) -> int:
        """T, frame 0 included."""

    def read(self, size: int, resample: bool = False) -> UInt8:
        """Its frames, uint8 `[T,S,S,3]` at 25 a second.

        Raises `InputError` or `StoreError` where they cannot be read, or have another size or rate and `resample` is
        not set.
        """

    def audio(self) -> Float32 | None:
        """Its sound, float32 `[640 T]` in [-1, 1] at 16 kHz; None where it has none."""


@lru_cache(maxsize=2)
def opened(store: Path, fingerprint: str) -> Store:
    """The store, opened once a process; `fingerprint` tells a store from one prepared later in the same place."""
    return Store.open(store)


@dataclass(frozen=True, slots=True)
class StoredClip:
    """A clip of a store.

    Attributes:
        store: the folder.
        fingerprint: of the store's content.
        row: of its manifest.
    """

    store: Path
    fingerprint: str
    row: ClipRow

    @property
    def clip_id(self) -> str:
        return self.row.clip_id

    @property
    def actor(self) -> str:
        return self.row.actor

    @property
    def split(self) -> str:
        return self.row.split

    @property
    def emotion(self) -> str:
        return self.row.emotion

    @property
    def key(self) -> tuple[object, ...]:
        return self.fingerprint, self.clip_id

    @property
    def frames(self) -> int:
        return self.row.frames

    def read(self, size: int, resample: bool = False) -> UInt8:
        store = opened(self.store, self.fingerprint)
        if resample and store.info.size % size:
            return np.stack([at_size(frame, size) for frame in store.frames(self.clip_id)])
        return store.frames(self.clip_id, size=size)

    def audio(self) -> Float32 | None:
        return opened(self.store, self.fingerprint).audio(self.clip_id)


@dataclass(frozen=True, slots=True)
class FilmedClip:
    """A clip in a video of its own.

    Attributes:
        clip_id, actor: as above.
        path: the video.
        sha256: of its bytes; empty where they cannot be read.
    """

    clip_id: str
    actor: str
    path: Path
    sha256: str

    @property
    def split(self) -> str:
        return ALL

    @property
    def emotion(self) -> str:
        return ""

    @property
    def key(self) -> tuple[object, ...]:
        return "video", self.sha256

    @property
    def frames(self) -> int:
        return self._counted(lambda: read(self.path, COUNTED_SIZE, resample=True))

    def read(self, size: int, resample: bool = False) -> UInt8:
        with _told_of_truth(self.path):
            frames = read(self.path, size, resample=resample)
        self._counted(lambda: frames)
        return frames

    def audio(self) -> Float32 | None:
        with _told_of_truth(self.path):
            with opened_media(self.path) as container:
                if not container.streams.audio:
                    return None
            return fit_length(read_audio(self.path), self.frames)

    def _counted(self, decoded: Callable[[], UInt8]) -> int:
        """T, kept in the cache: a video does not reliably say how many frames it gives."""
        kept = cached("truth", ("frames", self.sha256), ("frames",), lambda: {"frames": np.array(len(decoded()))})
        return int(kept["frames"])


@contextlib.contextmanager
def _told_of_truth(path: Path) -> Iterator[None]:
    """Errors name the file alone, and that it is truth's: the candidate's may have the same name."""
    try:
        with told_by_name(path):
            yield
    except InputError as error:
        raise InputError(f"truth's {error}") from error
