"""What the video writer costs: pixels, brightness, size, time against bare H.264 encoding, and memory.

    python benchmarks/writer.py --store STORE --split test --size 128
    python benchmarks/writer.py --minutes 10

The first writes the true clips of a store and reads them back; the second writes one long video of a moving portrait.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from viseme.data.store import Store
from viseme.data.video import read_video
from viseme.generation.writer import CRF, VideoWriter

LUMA = np.array([0.299, 0.587, 0.114])


def write(path: Path, size: int, frames: Iterator[np.ndarray], audio: np.ndarray) -> float:
    """Processor seconds that writing took, making the frames not counted."""
    spent = 0.0
    start = time.process_time()
    with VideoWriter(path, size, audio, metadata={"name": "benchmark"}) as writer:
        spent += time.process_time() - start
        for frame in frames:
            start = time.process_time()
            writer.write(frame)
            spent += time.process_time() - start
        start = time.process_time()
    return spent + time.process_time() - start


def encode_bare(path: Path, frames: np.ndarray) -> float:
    """Processor seconds of PyAV for the same pictures with x264's own settings at the same crf, without sound."""
    start = time.process_time()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(CRF), "threads": "1"})
        stream.height, stream.width = frames.shape[1:3]
        for n, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return time.process_time() - start


def clips(folder: Path, store: Store, split: str, size: int) -> None:
    """Write a split's true clips, read them back, and print what was lost."""
    rows = store.clips(split)
    psnr, luma, drift, size_of, ours, bare = [], [], [], [], 0.0, 0.0
    for row in rows:
        truth = store.frames(row.clip_id, size=size)
        ours += write(folder / "v.mp4", size, iter(truth), store.audio(row.clip_id))
        bare += encode_bare(folder / "bare.mp4", truth)
        error = read_video(folder / "v.mp4").astype(float) - truth
        brightness = (error @ LUMA).mean(axis=(1, 2))
        psnr.append(10 * np.log10(255**2 / np.mean(error**2)))
        luma.append(brightness.mean())
        drift.append(brightness[-25:].mean() - brightness[:25].mean())
        size_of.append((folder / "v.mp4").stat().st_size / len(truth) * 25 / 1000)
    frames = sum(row.frames for row in rows)
    print(f"{len(rows)} clips of {len(store.actors(split))} actors, {frames} frames at {size} pixels, crf {CRF}")
    print(f"PSNR {np.mean(psnr):.2f} dB, brightness {np.mean(luma):+.3f}, its drift {np.mean(drift):+.3f} (of 255)")
    print(
        f"{np.mean(size_of):.1f} kB a second; {1000 * ours / frames:.2f} ms of processor a frame, "
        f"{ours / bare:.2f} times bare H.264"
    )


def long(folder: Path, minutes: float, size: int) -> None:
    """Write one long video and print what memory the process holds, early and late (Linux)."""
    from skimage.data import astronaut

    face = np.asarray(astronaut(), np.uint8)[:size, 160 : 160 + size]
    count = round(minutes * 60 * 25)
    sound = np.sin(np.arange(640 * count, dtype=np.float32) * 0.1) * np.float32(0.3)
    held: list[float] = []

    def frames() -> Iterator[np.ndarray]:
        for n in range(count):
            if n in (250, count - 1):
                held.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20)
            yield np.roll(face, n % 9, axis=1)

    spent = write(folder / "v.mp4", size, frames(), sound)
    print(f"{count} frames at {size} pixels: {1000 * spent / count:.2f} ms of processor a frame")
    print(f"resident memory {held[0]:.0f} MiB after 10 s, {held[-1]:.0f} MiB at the end")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store")
    parser.add_argument("--split", default="test")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--minutes", type=float, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.store:
            clips(Path(folder), Store.open(options.store), options.split, options.size)
        if options.minutes:
            long(Path(folder), options.minutes, options.size)


if __name__ == "__main__":
    main()
