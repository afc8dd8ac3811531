"""How different each frame looks from truth's: LPIPS."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray

from viseme.nn.images import to_signed
from viseme.nn.lpips import SMALLEST, Lpips, lpips
from viseme.types import UInt8


@functools.cache
def published() -> Lpips:
    """The network with the weights that are here. Raises `InputError` where they are not."""
    return lpips()


def lpips_of(frames: UInt8, truth: UInt8, network: Lpips | None = None, batch: int = 16) -> NDArray[np.float64]:
    """LPIPS of each frame, `[T]`, 0 where the frames are equal.

    Frames are seen at their own size, so that numbers compare among videos of one size alone.

    Args:
        frames, truth: uint8 `[T,H,W,3]`, H and W at least 31.
        network: `published()` where None.
        batch: frames at a time; it changes memory and speed alone.

    Raises:
        ValueError: frames of another form, or too small.
        InputError: no network is given and the published weights are not here.
    """
    if frames.shape != truth.shape or frames.ndim != 4 or frames.shape[-1] != 3:
        raise ValueError(f"LPIPS needs two videos [T,H,W,3], not {list(frames.shape)} and {list(truth.shape)}")
    if frames.dtype != np.uint8 or truth.dtype != np.uint8:
        raise ValueError(f"LPIPS needs frames of uint8, not {frames.dtype} and {truth.dtype}")
    if min(frames.shape[1:3]) < SMALLEST:
        raise ValueError(f"LPIPS needs frames of {SMALLEST} pixels a side or more")
    network = network or published()
    device = network.shift.device
    distances = np.empty(len(frames), dtype=np.float64)
    with torch.inference_mode():
        for start in range(0, len(frames), batch):
            piece = slice(start, start + batch)
            ours, true = (to_signed(side[piece]).to(device) for side in (frames, truth))
            distances[piece] = network(ours, true).cpu().numpy()
    return distances
