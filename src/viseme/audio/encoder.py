"""What every audio encoder is: sound in, one vector a video frame out, on the clock of the pictures."""

from __future__ import annotations

from typing import Protocol

from viseme.types import Float32


class AudioEncoder(Protocol):
    """An encoder of speech: 25 vectors a second, vector t about samples [640 t, 640 (t + 1))."""

    @property
    def name(self) -> str:
        """The kind: `mel`, `sda`, `wav2vec2`, ..."""

    @property
    def width(self) -> int:
        """D, numbers a frame."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of all that the numbers depend on: settings, weights, the version of the definition."""

    def __call__(self, audio: Float32, frames: int) -> Float32:
        """Features float32 `[frames,D]` of mono 16 kHz sound `[S]` at the common loudness (`loudness.levelled`).

        Sound that is missing inside the frames counts as silence; what comes after them is not heard.
        """
