"""A tiny store of a talking face with its videos, made of scikit-image's public-domain portrait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data

from viseme.data import align
from viseme.data.faces import default_backend
from viseme.data.shards import write_shard
from viseme.data.store import RATES, SCHEMA, ClipRow, Store, StoreInfo, write_info, write_manifest
from viseme.types import SAMPLES_PER_FRAME, Float32, UInt8

SIZE = 64
FRAMES = 13
SPLITS = {"a_0": "train", "a_1": "train", "b_0": "train", "b_1": "train", "c_0": "test", "c_1": "test", "c_2": "test"}

WriteVideo = Callable[..., Path]


@dataclass(frozen=True)
class Portrait:
    """One aligned frame with its landmarks `[68,2]`."""

    frame: UInt8
    landmarks: Float32


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    """The portrait at 256 pixels."""
    picture = skimage.data.astronaut()
    backend = default_backend()
    points = backend.landmarks(picture, backend.detect(picture)[0])
    matrix = align.clip_transform(points[None], 256)
    return Portrait(align.warp(picture, matrix, 256), align.apply(matrix, points).astype(np.float32))


def spoken(portrait: Portrait, opened: float) -> UInt8:
    """The portrait with its mouth opened by so many of its 256 pixels: what is below the lips is pushed down."""
    rows, columns = np.mgrid[:256, :256].astype(np.float32)
    x, y = portrait.landmarks[60:68].mean(axis=0)
    side = np.exp(-(((columns - x) / 34) ** 2))
    below = np.clip((rows - y) / max(opened, 1e-3), 0, 1) * np.exp(-((np.maximum(rows - y, 0) / 60) ** 2))
    lower = (rows - opened * side * below).astype(np.float32)
    talking = cv2.remap(portrait.frame, columns, lower, cv2.INTER_LINEAR)
    if opened > 1:
        cv2.ellipse(
            talking, (int(x), int(y + opened / 2)), (20, int(opened / 2)), 0, 0, 360, (60, 20, 25), -1, cv2.LINE_AA
        )
    return talking


@dataclass(frozen=True)
class Tiny:
    """The store and what went into it."""

    path: Path
    store: Store


@pytest.fixture(scope="session")
def tiny(portrait: Portrait, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Seven clips of three actors at 64 pixels, thirteen frames each; `c` is the test actor."""
    path = tmp_path_factory.mktemp("tiny") / "faces"
    rng = np.random.default_rng(7)
    looks = {"a": (1.0, 0), "b": (0.7, 40), "c": (0.9, 10)}  # contrast, brightness
    rows, tensors = [], {}
    for clip_id, split in SPLITS.items():
        gain, lift = looks[clip_id[0]]
        opened = np.clip(8 + 7 * np.sin(np.arange(FRAMES) * rng.uniform(0.7, 1.3) + rng.uniform(0, 6)), 0, None)
        large = [np.clip(spoken(portrait, o) * gain + lift, 0, 255).astype(np.uint8) for o in opened]
        if clip_id[0] == "b":  # another face: mirrored, and narrower in the middle
            squeeze = 128 + (np.arange(256) - 128) * np.linspace(1.25, 1.0, 256)[:, None]
            grid = squeeze.astype(np.float32), np.repeat(np.arange(256, dtype=np.float32)[:, None], 256, axis=1)
            edge = cv2.BORDER_REPLICATE
            large = [cv2.remap(frame[:, ::-1], *grid, cv2.INTER_LINEAR, borderMode=edge) for frame in large]
        frames = np.stack([cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for frame in large])
        points = np.repeat(portrait.landmarks[None], FRAMES, axis=0)
        points[:, 65:68, 1] += opened[:, None]
        tensors[f"{clip_id}/frames"] = frames
        tensors[f"{clip_id}/audio"] = np.zeros(FRAMES * SAMPLES_PER_FRAME, np.int16)
        tensors[f"{clip_id}/landmarks"] = align.resize_points(points, 256, SIZE)
        rows.append(
            ClipRow(
                clip_id=clip_id,
                actor=clip_id[0],
                sentence="",
                emotion="",
                level="",
                split=split,
                frames=FRAMES,
                source=f"{clip_id}.mp4",
                sha256=clip_id,
                crop=(1, 0, 0, 0, 1, 0),
                found=1.0,
                shard=0,
                status="ok",
                reason="",
            )
        )
    return Tiny(path, written(path, rows, tensors))


def written(path: Path, rows: list[ClipRow], tensors: dict[str, np.ndarray]) -> Store:
    """A store of these clips."""
    info = StoreInfo(
        schema=SCHEMA,
        size=SIZE,
        align="clip",
        detector=default_backend().name,
        corpus="folder",
        licence="CC0",
        seed=0,
        test_actors=("c",),
        val_actors=(),
        limits={},
        clips=len(rows),
        listing="",
        version="0",
        **RATES,
    )
    write_shard(path / "shards" / "00000.safetensors", tensors, [])
    write_manifest(path, rows)
    write_info(path, info)
    return Store.open(path)


@pytest.fixture(scope="session")
def write_video() -> WriteVideo:
    """Write frames `[T,H,W,3]` without loss, 25 a second unless told otherwise (FFV1, RGB)."""

    def write(path: Path, frames: UInt8, rate: Fraction | int = 25) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=rate)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "bgr0"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def truth_videos(tiny: Tiny, write_video: WriteVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test clips themselves, as videos."""
    folder = tmp_path_factory.mktemp("truth") / "ours"
    for row in tiny.store.clips("test"):
        write_video(folder / f"{row.clip_id}.mkv", tiny.store.frames(row.clip_id))
    return folder
