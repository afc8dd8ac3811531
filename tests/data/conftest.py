"""Clips made from a public-domain portrait, the store that an undisturbed run makes of them, and tools to encode."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from skimage import data

from viseme.data import prepare as module
from viseme.data.prepare import PrepareReport, prepare

WriteClip = Callable[..., None]
Make = Callable[..., PrepareReport]


@pytest.fixture(scope="session")
def write_clip() -> WriteClip:
    """Write a clip: `write_clip(path, number, frames=10)`."""
    return _write_clip


def _write_clip(path: Path, number: int, frames: int = 10) -> None:
    portrait = np.ascontiguousarray(data.astronaut()[:230, 90 + 3 * number : 320 + 3 * number])
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "threads": "1"})
        video.height, video.width, video.pix_fmt = 230, 230, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for _ in range(frames):
            container.mux(video.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
        container.mux(video.encode(None))
        samples = np.random.default_rng(number).integers(-9000, 9000, (1, 640 * frames), dtype=np.int16)
        block = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        block.rate, block.pts = 16_000, 0
        container.mux(sound.encode(block))
        container.mux(sound.encode(None))


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four actors with three clips each, and one file that is no video."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(12):
        _write_clip(folder / f"a{number // 3}" / f"clip {number % 3}.mkv", number)
    (folder / "a1" / "broken.mkv").write_bytes(b"no video at all" * 30)
    return folder


@pytest.fixture
def make(videos: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Prepare these videos at 32 pixels, four clips a shard."""
    monkeypatch.setattr(module, "CHUNK", 4)

    def run(store: Path, src: Path = videos, **changes: Any) -> PrepareReport:
        return prepare("folder", src, store, **{"size": 32, "test_actors": ["a3"], "jobs": 1, **changes})

    return run


@pytest.fixture(scope="session")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of an undisturbed run."""
    store = tmp_path_factory.mktemp("whole") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", 4)
        report = prepare("folder", videos, store, size=32, test_actors=["a3"], jobs=1)
    assert (report.accepted, report.rejected, report.fresh) == (12, 1, 13)
    assert report.frames == 120
    return store


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of that store to do harm to."""
    return Path(shutil.copytree(whole, tmp_path / "store"))


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """All files of a store."""
    return lambda store: {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


@pytest.fixture
def sound_frames() -> Callable[..., list[av.AudioFrame]]:
    """`sound_frames(sound, rate, sample_fmt, layout, size)`: float `[C,S]` in frames of `size`, stamped from 0."""

    def cut(sound: np.ndarray, rate: int, sample_fmt: str, layout: str, size: int) -> list[av.AudioFrame]:
        frames = []
        for start in range(0, sound.shape[1], size):
            piece = sound[:, start : start + size]
            if not sample_fmt.startswith(("flt", "dbl")):
                peak = {"u8": 127, "s16": 32767, "s32": 2**31 - 1}[sample_fmt.rstrip("p")]
                piece = np.round(piece.astype(np.float64) * peak) + (128 if sample_fmt.startswith("u8") else 0)
            kind = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}[sample_fmt.rstrip("p")]
            piece = piece.astype(kind)
            planes = piece if sample_fmt.endswith("p") else piece.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=sample_fmt, layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            frame.time_base = Fraction(1, rate)
            frames.append(frame)
        return frames

    return cut


@pytest.fixture
def sine() -> Callable[..., np.ndarray]:
    """`sine(frequency, rate, seconds, channels=1, amplitude=0.5)`: float64 `[C,S]`."""

    def draw(frequency: float, rate: int, seconds: float, channels: int = 1, amplitude: float = 0.5) -> np.ndarray:
        tone = amplitude * np.sin(2 * math.pi * frequency * np.arange(round(rate * seconds)) / rate)
        return np.tile(tone, (channels, 1))

    return draw


@pytest.fixture
def write_video() -> Callable[..., Path]:
    """`write_video(path, pictures, times)`: RGB pictures shown from the given times."""

    def write(
        path: Path,
        pictures: Sequence[np.ndarray],
        times: Sequence[Fraction],
        *,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        time_base: Fraction = Fraction(1, 90_000),
        rate: Fraction = Fraction(25),
        options: dict[str, str] | None = None,
        prepare: Callable[[av.VideoStream], None] | None = None,
    ) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = pix_fmt
            stream.codec_context.time_base = time_base
            if prepare is not None:
                prepare(stream)
            for picture, time in zip(pictures, times, strict=True):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts = round(time / time_base)
                frame.time_base = time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def numbered() -> Callable[..., list[np.ndarray]]:
    """`numbered(count)`: gray pictures whose brightness tells their number."""

    def paint(count: int, step: int = 3, size: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
        return [np.full((*size, 3), 16 + step * number, np.uint8) for number in range(count)]

    return paint


@pytest.fixture
def numbers() -> Callable[..., list[int]]:
    """`numbers(frames)`: the numbers back from the brightness."""

    def read(frames: np.ndarray, step: int = 3) -> list[int]:
        return [round((float(frame.mean()) - 16) / step) for frame in frames]

    return read
