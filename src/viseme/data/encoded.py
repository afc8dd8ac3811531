"""Audio features of a store's clips: computed once, kept beside the shards under the encoder's fingerprint.

Features of different encoders never mix: each fingerprint has a folder of its own, and a file is used only if it has
the encoder's shape. Mel features are quicker computed than read, and stay in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from viseme.audio.features import encode, encoder
from viseme.config.sections import AudioConfig
from viseme.data.store import ClipRow, Store
from viseme.errors import OutputError
from viseme.files import cache_dir, written_aside
from viseme.progress import progress
from viseme.types import Float32


class EncodedClips:
    """The features of some clips of a store through one encoder.

    Those of a pretrained encoder are all computed here, with a progress bar, unless they are kept already: in the
    store's folder `features`, or, where the store cannot be written, in the user's cache.

    Raises:
        InputError: the encoder's weights are not here.
        OutputError: neither place can be written.
    """

    def __init__(self, store: Store, rows: Sequence[ClipRow], config: AudioConfig) -> None:
        self.store, self.config = store, config
        self._memory: dict[str, Float32] = {}
        self._folders: tuple[Path, ...] = ()
        if config.kind in ("mel", "learned"):
            return
        name = f"{config.kind}-{encoder(config).fingerprint[:16]}"
        self._folders = (
            store.path / "features" / name,
            cache_dir() / "features" / store.fingerprint[:16] / name,
        )
        todo = [row for row in rows if self._kept(row) is None]
        if todo:
            with progress(f"encoding sound ({config.kind})", len(todo), "clips") as advance:
                for row in todo:
                    self._keep(row, self._computed(row))
                    advance(1)

    def features(self, row: ClipRow) -> Float32:
        """Float32 `[T,D]` of a clip, without context."""
        if self._folders:
            kept = self._kept(row)
            return self._computed(row) if kept is None else kept
        if row.clip_id not in self._memory:
            self._memory[row.clip_id] = self._computed(row)
        return self._memory[row.clip_id]

    def _computed(self, row: ClipRow) -> Float32:
        return encode(self.store.audio(row.clip_id), row.frames, self.config)

    def _kept(self, row: ClipRow) -> Float32 | None:
        """By memory map, so that a corpus larger than memory serves too."""
        for folder in self._folders:
            with contextlib.suppress(OSError, ValueError, EOFError):  # absent or damaged: computed again
                found = np.load(folder / f"{row.clip_id}.npy", mmap_mode="r", allow_pickle=False)
                if found.shape == (row.frames, encoder(self.config).width) and found.dtype == np.float32:
                    return np.asarray(found)
        return None

    def _keep(self, row: ClipRow, features: Float32) -> None:
        first, second = self._folders
        for folder in (first, second):
            try:
                with written_aside(folder / f"{row.clip_id}.npy") as aside:
                    np.save(aside, features, allow_pickle=False)
                return
            except OutputError:
                if folder is second:
                    raise
