"""Videos and strips as data URIs, byte for byte; what cannot be set into the page says so in its place."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20

VIDEO_KINDS = {
    ".mp4": ("video/mp4", 4, b"ftyp"),
    ".m4v": ("video/mp4", 4, b"ftyp"),
    ".mov": ("video/mp4", 4, b"ftyp"),
    ".webm": ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
}
"""Suffix -> media type that browsers play, and where which bytes stand in such a file."""

PICTURE_KINDS = {".png": ("image/png", 0, b"\x89PNG\r\n\x1a\n")}


@dataclass(frozen=True, slots=True)
class Media:
    """A `data:` URI, or the reason why there is none; of a PNG its pixels too."""

    uri: str = ""
    reason: str = ""
    width: int = 0
    height: int = 0


class Album:
    """Sets files into a page until it would become too heavy to open.

    Args:
        limit: bytes of files that the page may hold; past it each file is named in its place instead.
    """

    def __init__(self, limit: int = 12 * MIB) -> None:
        self.limit = limit
        self.used = 0
        self._known: dict[Path, Media] = {}

    def video(self, path: Path | None) -> Media:
        """A video that browsers play."""
        return self._taken(path, VIDEO_KINDS, "a video")

    def picture(self, path: Path | None) -> Media:
        """A PNG."""
        return self._taken(path, PICTURE_KINDS, "a picture")

    def webp(self, data: bytes, name: str) -> Media:
        """A WebP in memory, called `name` where there is no more room for it."""
        if self.used + len(data) > self.limit:
            return Media(reason=f"{name} would make this page heavier than {self.limit // MIB} MiB.")
        self.used += len(data)
        return Media(uri=f"data:image/webp;base64,{base64.b64encode(data).decode('ascii')}")

    def _taken(self, path: Path | None, kinds: dict[str, tuple[str, int, bytes]], what: str) -> Media:
        if path is None:
            return Media(reason=f"The results name no file for {what}.")
        if path not in self._known:
            self._known[path] = self._read(path, kinds)
        return self._known[path]

    def _read(self, path: Path, kinds: dict[str, tuple[str, int, bytes]]) -> Media:
        if path.suffix.lower() not in kinds:
            return Media(reason=f"{path.name} is of a kind that browsers do not show.")
        kind, offset, magic = kinds[path.suffix.lower()]
        try:
            size = path.stat().st_size
            if self.used + size > self.limit:
                return Media(reason=f"{path.name} would make this page heavier than {self.limit // MIB} MiB.")
            data = path.read_bytes()
        except OSError as error:
            return Media(reason=f"{path.name} cannot be read ({(error.strerror or 'error').lower()}).")
        if data[offset : offset + len(magic)] != magic:
            return Media(reason=f"{path.name} is not what its name says.")
        self.used += len(data)
        width, height = struct.unpack(">II", data[16:24]) if kind == "image/png" and len(data) >= 24 else (0, 0)
        return Media(f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}", width=width, height=height)
