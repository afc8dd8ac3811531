"""How fast `viseme evaluate` is, against what dlib alone needs for the same frames, and SSIM against two libraries.

    python benchmarks/evaluate.py                   # on a store made of the synthetic corpus
    python benchmarks/evaluate.py --store STORE --clips 4 --size 64

The candidate is truth through a lossy encoder. All is processor time of one process, so that other work on the machine
counts little.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from viseme.data.faces import default_backend
from viseme.data.store import Store
from viseme.data.track import scored_landmarks
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.features import describe
from viseme.evaluation.fidelity import ssim
from viseme.evaluation.identity import EVERY
from viseme.evaluation.videos import read_candidate


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def synthetic_store(folder: Path) -> Path:
    """Three actors with two clips each."""
    import viseme

    viseme.synthetic(folder / "corpus", actors=3, clips=2, seed=0, size=160)
    viseme.prepare("synthetic", folder / "corpus", folder / "store", size=64, test_actors=["a002"])
    return folder / "store"


def encode(path: Path, frames: np.ndarray) -> None:
    """H.264 at crf 12."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def scoring(store: Store, count: int, size: int, folder: Path) -> None:
    """Evaluate a few clips twice; the second time truth comes from the cache."""
    rows = store.clips("test")[:count]
    videos = folder / "videos"
    videos.mkdir()
    for row in rows:
        encode(videos / f"{row.clip_id}.mp4", store.frames(row.clip_id, size=size))
    frames = sum(row.frames - 1 for row in rows)

    def run() -> None:
        evaluate(videos, store.path, folder / "results.json", jobs=1)

    first, again = timed(run), timed(run)
    backend = default_backend()

    def dlib_alone() -> None:
        for row in rows:
            candidate = read_candidate(videos / f"{row.clip_id}.mp4", row.frames, size)[1:]
            track = scored_landmarks(candidate, backend)
            describe(candidate[::EVERY], track.landmarks[::EVERY], backend)

    limit = timed(dlib_alone)
    print(f"{len(rows)} clips, {frames} frames of {size} pixels")
    print(f"evaluate, nothing cached    {1000 * first / frames:6.1f} ms a frame")
    print(f"evaluate, truth cached      {1000 * again / frames:6.1f} ms a frame")
    print(f"dlib alone                  {1000 * limit / frames:6.1f} ms a frame")
    print(f"evaluate, truth cached, needs {again / limit:.2f} times what dlib alone does")


def similarity(size: int, frames: int = 40) -> None:
    """SSIM of random frames by three implementations."""
    import torch
    from skimage.metrics import structural_similarity
    from torchmetrics.functional.image import structural_similarity_index_measure

    torch.set_num_threads(1)
    a, b = np.random.default_rng(0).integers(0, 256, (2, frames, size, size, 3), dtype=np.uint8)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    x, y = (torch.from_numpy(side).permute(0, 3, 1, 2).float() for side in (a, b))
    ways: dict[str, Callable[[], object]] = {
        "viseme": lambda: ssim(a, b),
        "scikit-image": lambda: [
            structural_similarity(p, q, data_range=255, **settings) for p, q in zip(a, b, strict=True)
        ],
        "torchmetrics": lambda: structural_similarity_index_measure(x, y, data_range=255.0, reduction="none"),
    }
    seconds = {name: min(timed(work) for _ in range(5)) for name, work in ways.items()}
    for name, taken in seconds.items():
        ratio = taken / seconds["viseme"]
        print(f"SSIM, {name:22}{1000 * taken / frames:6.2f} ms a frame; {ratio:.1f} times viseme's")


def main() -> None:
    """Run both on the store given, or on one made of the synthetic corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        store = Store.open(arguments.store or synthetic_store(folder))
        scoring(store, arguments.clips, arguments.size, folder)
    similarity(arguments.size)


if __name__ == "__main__":
    main()
