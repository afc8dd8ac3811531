"""SSIM against two libraries: processor time a frame.

python benchmarks/ssim.py [--size 128]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from viseme.evaluation.fidelity import ssim


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main(frames: int = 40) -> None:
    """SSIM of random frames by three implementations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    size = parser.parse_args().size
    cv2.setNumThreads(0)
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


if __name__ == "__main__":
    main()
