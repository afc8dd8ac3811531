"""A label that is seen: words in the lower left corner of a frame, for viewers who look at no metadata."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from viseme.errors import InputError
from viseme.types import UInt8

SHARE = 10
"""Letters are a tenth of the frame high, but never below `SMALLEST` pixels."""
SMALLEST = 9
DIM = 0.45
"""How bright the picture stays behind the words."""


def labelled(frame: UInt8, text: str) -> UInt8:
    """The frame `[S,S,3]` with white words on a darkened strip; a copy.

    Raises:
        InputError: words that are wider than the frame.
    """
    letters = _letters(text, frame.shape[1])  # [h,w] from 0 to 1
    height, width = letters.shape
    labelled = frame.copy()
    corner = labelled[-height:, :width].astype(np.float32) * DIM
    corner += (255 - corner) * letters[..., None]
    labelled[-height:, :width] = np.rint(corner).astype(np.uint8)
    return labelled


@functools.lru_cache(maxsize=8)
def _letters(text: str, side: int) -> np.ndarray:
    """The strip's letters, float32 `[h,w]` in [0, 1]."""
    font = ImageFont.load_default(max(SMALLEST, side // SHARE))
    left, top, right, bottom = font.getbbox(text)
    width, height = int(right - left) + 4, int(bottom - top) + 4
    if width > side:
        raise InputError(f"label {text!r}: is {width} pixels wide, and the frame {side}; give a shorter one")
    strip = Image.new("L", (width, height))
    ImageDraw.Draw(strip).text((2 - left, 2 - top), text, fill=255, font=font)
    return np.asarray(strip, dtype=np.float32) / 255
