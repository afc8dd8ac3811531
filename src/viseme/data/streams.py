"""What a media file says of itself: its container, the first video and sound in it, its length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from viseme.data.video import opened


def streams(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Name -> value, in the order of reading. Raises `InputError` where it is no video or sound."""
    with opened(path) as container:
        return dict(_streams(container))


def _streams(container: Any) -> Iterator[tuple[str, Any]]:
    yield "container", container.format.name
    for stream in container.streams.video:
        yield "video", f"{stream.codec_context.name} {stream.width}x{stream.height} {stream.pix_fmt or ''}".strip()
        yield "frames per second", None if stream.average_rate is None else round(float(stream.average_rate), 3)
        yield "frames", stream.frames or None
        break
    for stream in container.streams.audio:
        yield "sound", f"{stream.codec_context.name} {stream.rate} Hz, {stream.channels} channel(s)"
        break
    if container.duration:
        yield "seconds", round(container.duration / 1e6, 3)
