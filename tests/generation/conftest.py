"""A synthesizer that costs nothing, a store of painted clips, and a portrait in the public domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image

from viseme.data.shards import write_shard
from viseme.data.store import SCHEMA, ClipRow, Store, StoreInfo, shard_path, write_info, write_manifest
from viseme.types import SAMPLE_RATE, Conditioning, Float32, UInt8


class Painter:
    """Brightens the identity frame by the sound's loudness, plus noise from the generator: every input shows."""

    def __init__(self, size: int = 32, name: str = "painter") -> None:
        self.name = name
        self.size = size
        self.fingerprint = "ab" * 32
        self.config = SimpleNamespace(name="painter_config", sampling={"steps": 3})
        self.calls: list[list[str]] = []

    def encode(self, audio: Float32, frames: int) -> Float32:
        return np.abs(audio[: 640 * frames]).reshape(frames, 640).mean(axis=1, dtype=np.float32)[:, None]

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        self.calls.append([c.clip_id for c in conditionings])
        identities = np.stack([c.identity for c in conditionings]).astype(np.float32)
        for t in range(1, max(c.frames for c in conditionings)):
            loud = np.array([c.audio[min(t, c.frames - 1), 0] for c in conditionings], np.float32)
            noise = torch.randint(0, 8, (len(conditionings), 1, 1, 1), generator=rng).numpy()
            yield np.clip(identities * 0.7 + 200 * loud[:, None, None, None] + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def painter() -> Painter:
    return Painter()


def painted_clip(number: int, frames: int, size: int) -> tuple[UInt8, Float32]:
    """A soft blob that wanders, and a tone that swells: smooth enough for video and sound codecs."""
    y, x = np.mgrid[0:size, 0:size] / size
    t = np.arange(frames)[:, None, None]
    blob = np.exp(-(((x - 0.3 - 0.01 * t) ** 2 + (y - 0.5) ** 2) / 0.05))
    tint = np.array([0.9, 0.3 + 0.1 * (number % 5), 0.5])
    pictures = 60 + 140 * blob[..., None] * tint
    time = np.arange(640 * frames) / SAMPLE_RATE
    sound = 0.4 * np.sin(2 * np.pi * (200 + 40 * number) * time) * (0.2 + 0.8 * np.sin(np.pi * time / time[-1]) ** 2)
    return np.rint(pictures).astype(np.uint8), sound.astype(np.float32)


MakeStore = Callable[..., Store]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """`make_store([(clip_id, actor, frames), ...])`: a store whose clips are all of split test."""

    def make(clips: Sequence[tuple[str, str, int]], size: int = 64, name: str = "store") -> Store:
        path = tmp_path / name
        rows, tensors = [], {}
        for number, (clip_id, actor, frames) in enumerate(clips):
            pictures, sound = painted_clip(number, frames, size)
            tensors[f"{clip_id}/frames"] = pictures
            tensors[f"{clip_id}/audio"] = np.rint(sound * 32767).astype(np.int16)
            tensors[f"{clip_id}/landmarks"] = np.full((frames, 68, 2), number, np.float32)
            crop = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
            rows.append(
                ClipRow(clip_id, actor, "", "", "", "test", frames, f"{clip_id}.mp4", "", crop, 1.0, 0, "ok", "")
            )
        write_shard(shard_path(path, 0), tensors, [asdict(row) for row in rows])
        write_info(
            path,
            StoreInfo(
                SCHEMA, size, 25, 16000, "clip", "none", "painted", "", 0, (), (), {}, len(rows), "", "0"
            ),
        )  # fmt: skip
        write_manifest(path, rows)
        return Store.open(path)

    return make


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """Three clips of actor a, two of b, one of c; seven frames at most."""
    return make_store([("a0", "a", 5), ("a1", "a", 7), ("a2", "a", 4), ("b0", "b", 6), ("b1", "b", 5), ("c0", "c", 4)])


@pytest.fixture(scope="session")
def portrait() -> UInt8:
    """The NASA portrait that comes inside scikit-image, uint8 `[512,512,3]`."""
    from skimage.data import astronaut

    return np.asarray(astronaut(), dtype=np.uint8)


@pytest.fixture
def write_wav(tmp_path: Path) -> Callable[..., Path]:
    """`write_wav(samples, "voice.wav")`: 16-bit mono at 16 kHz."""

    def write(samples: Float32, name: str = "voice.wav") -> Path:
        import wave

        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        return path

    return write


@pytest.fixture
def tone() -> Float32:
    """0.5 s of a tone that swells."""
    return painted_clip(0, 13, 2)[1][:8000]


@pytest.fixture
def psnr() -> Callable[[np.ndarray, np.ndarray], float]:
    """`psnr(a, b)` of pictures of 8 bits, dB."""
    return lambda a, b: float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.fixture
def streams() -> Callable[[Path], SimpleNamespace]:
    """`streams(path)`: what a player learns of a video before it decodes."""

    def look(path: Path) -> SimpleNamespace:
        with av.open(str(path)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            return SimpleNamespace(
                picture=picture.codec_context.name,
                pixels=picture.codec_context.pix_fmt,
                rate=picture.average_rate,
                frames=picture.frames,
                seconds=float(picture.duration * picture.time_base),
                sound=sound.codec_context.name,
                channels=sound.codec_context.layout.nb_channels,
                sound_seconds=float(sound.duration * sound.time_base),
                starts=(picture.start_time, sound.start_time),
                metadata=dict(container.metadata),
            )

    return look


@pytest.fixture
def face(portrait: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "face.png"
    Image.fromarray(portrait[0:300, 80:380]).save(path)
    return path


@pytest.fixture
def voice(write_wav, tone: np.ndarray) -> Path:
    return write_wav(tone)
