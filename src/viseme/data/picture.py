"""Still pictures of any format as plain RGB arrays."""

from __future__ import annotations

import contextlib
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from viseme.errors import InputError
from viseme.types import UInt8

MAX_PIXELS = 64 * 2**20
"""Larger pictures are refused before they are decoded."""
MIN_SIDE = 32
MID_GRAY = 128

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "PPM", "JPEG2000")
"""Pillow knows more, of which one starts another program to read it."""

# what Pillow's decoders raise, by format, for damaged data
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError),
    *(struct.error, zlib.error),
)


def read_picture(path: str | os.PathLike[str]) -> UInt8:
    """Any still picture as uint8 `[H,W,3]` RGB, upright.

    Raises:
        InputError: missing, not a picture, damaged, over 64 Mpx, or under 32 pixels a side.
    """
    with _opened(path) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        return np.array(_rgb(upright))


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of a still picture as its header says, nothing decoded. Raises as `read_picture` does."""
    with _opened(path) as image:
        return image.size


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """A picture whose header is read and whose size will do; what goes wrong with it is an `InputError`."""
    if not Path(path).is_file():
        what = "is not a file" if Path(path).exists() else "no such file"
        raise InputError(f"{path}: {what}; give a photo")
    try:
        # Pillow's own alarm about pixels comes later than ours, but would show as a warning
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=_formats()) as image:
            _check_size(path, *image.size)
            yield image
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: has over {MAX_PIXELS >> 20} Mpx; scale it down") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: is not a picture that Pillow can read; give a JPEG or PNG photo") from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    except _DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: is damaged and cannot be decoded ({reason}); save it again") from error


def _formats() -> list[str]:
    """Those of `FORMATS` that this build of Pillow reads."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(path: str | os.PathLike[str], width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(f"{path}: {width} x {height} is over {MAX_PIXELS >> 20} Mpx; scale it down")
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{path}: {width} x {height} pixels are too few; give a photo of {MIN_SIDE} a side or more")


def _rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of any of Pillow's modes."""
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        below = Image.new("RGBA", image.size, (MID_GRAY, MID_GRAY, MID_GRAY, 255))
        image = Image.alpha_composite(below, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(levels: np.ndarray) -> UInt8:
    """Gray levels of more than 8 bits: whole numbers beyond 255 are taken for 16 bits, fractions up to 1 for shares."""
    finite = np.nan_to_num(levels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(finite.max())
    wide = levels.dtype.itemsize == 2 or top > 255
    full = 65535.0 if wide else (1.0 if levels.dtype.kind == "f" and top <= 1 else 255.0)
    return np.rint(np.clip(finite / full, 0, 1) * 255).astype(np.uint8)
