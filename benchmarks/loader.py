"""How fast training windows come from a store, against decoding videos of the same frames on the fly.

    python benchmarks/loader.py --data STORE [--sizes 64 128] [--batch 32] [--rounds 9] [--clips 16]

A window is a target frame with its identity and motion frame, sound, landmarks and mouth mask. The plain way draws
the same windows from the clips as MP4, as `viseme store export` writes them: it seeks the last key frame, decodes up
to the frame, scales, and is given sound and landmarks from memory, so that only pictures are compared. One thread each,
in turn; the median round counts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from viseme.config.sections import AudioConfig, DataConfig
from viseme.data.store import ClipRow, Store
from viseme.data.windows import Windows
from viseme.generation.writer import VideoWriter
from viseme.nn.memory import keep_freed_memory
from viseme.types import Float32, UInt8


class Videos:
    """Frames of a store's clips, read from their videos; all else is the store's, kept in memory."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.path, self.store, self.folder = store.path, store, folder
        self.info = store.info
        self._landmarks: dict[tuple[str, int | None], Float32] = {}

    def clips(self, split: str) -> list[ClipRow]:
        """Those that have a video."""
        return [row for row in self.store.clips(split) if (self.folder / f"{row.clip_id}.mp4").is_file()]

    def audio(self, clip_id: str) -> Float32:
        """As the store has it."""
        return self.store.audio(clip_id)

    def landmarks(self, clip_id: str, size: int | None = None) -> Float32:
        """As the store has them, once read."""
        if (clip_id, size) not in self._landmarks:
            self._landmarks[clip_id, size] = self.store.landmarks(clip_id, size)
        return self._landmarks[clip_id, size]

    def frames(self, clip_id: str, start: int, stop: int, size: int) -> UInt8:
        """Frames `start` to `stop`: uint8 `[N,size,size,3]`."""
        found = []
        with av.open(str(self.folder / f"{clip_id}.mp4")) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            container.seek(round(start / 25 / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if round(frame.pts * stream.time_base * 25) >= start:
                    picture = frame.to_ndarray(format="rgb24")
                    if size != len(picture):
                        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
                    found.append(picture)
                if len(found) == stop - start:
                    break
        return np.stack(found)

    def frame(self, clip_id: str, t: int, size: int) -> UInt8:
        """One frame: uint8 `[size,size,3]`."""
        return self.frames(clip_id, t, t + 1, size)[0]


def write_videos(store: Store, rows: list[ClipRow], folder: Path) -> None:
    """The clips as MP4, as `viseme store export` writes them."""
    for row in rows:
        clip = store.clip(row.clip_id)
        with VideoWriter(folder / f"{row.clip_id}.mp4", store.info.size, clip.audio, metadata={}) as writer:
            for frame in clip.frames:
                writer.write(frame)


def speeds(ways: dict[str, Callable[[torch.Generator], object]], batch: int, rounds: int) -> dict[str, float]:
    """Windows a second of each way, the median of rounds in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, rounds):  # the first warms caches
        for name, draw in ways.items():
            rng = torch.Generator().manual_seed(max(number, 0))
            begun = time.perf_counter()
            draw(rng)
            if number >= 0:
                taken[name].append((time.perf_counter() - begun) / batch)
    return {name: 1 / statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Draw batches both ways at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clips", type=int, default=16)
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    store = Store.open(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        write_videos(store, store.clips("train")[: arguments.clips], Path(folder))
        videos = Videos(store, Path(folder))
        print(f"{'size':>4}{'store, windows/s':>20}{'MP4, windows/s':>18}{'ratio':>8}")
        for size in arguments.sizes:
            data = DataConfig(size=size, window=1, flip=0.0, colour=0.0)
            ways = {}
            for name, source in (("store", store), ("videos", videos)):
                windows = Windows(source, ["train"], data, AudioConfig())  # type: ignore[arg-type]
                windows.rows = videos.clips("train")  # the same clips for both
                ways[name] = lambda rng, windows=windows: windows.batch(arguments.batch, rng, augmented=False)
            found = speeds(ways, arguments.batch, arguments.rounds)
            ratio = found["store"] / found["videos"]
            print(f"{size:>4}{found['store']:>20.0f}{found['videos']:>18.0f}{ratio:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
