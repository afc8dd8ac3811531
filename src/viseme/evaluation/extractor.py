"""A pretrained network that turns frames into features: what the Frechet and the kernel distance are computed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from viseme.types import Float32, UInt8


@dataclass(frozen=True, slots=True)
class Extractor:
    """Features of each frame by itself.

    Attributes:
        name: of network and resizing: what the distance is named after.
        width: D, numbers a frame.
        prepare: float32 `[N,3,H,W]` in 0-255 to what the network is shown.
        network: gives `[N,D]`; it does not train.
        device: where both run.
    """

    name: str
    width: int
    prepare: Callable[[Tensor], Tensor]
    network: nn.Module
    device: torch.device

    def __call__(self, frames: UInt8, batch: int = 4) -> Float32:
        """Features float32 `[N,D]` of frames uint8 `[N,H,W,3]` RGB; the batch changes memory and speed alone.

        Raises `ValueError` for frames of another shape or type.
        """
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ValueError(f"features need frames uint8 [N,H,W,3], not {frames.dtype} {list(frames.shape)}")
        features = np.empty((len(frames), self.width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(frames), batch):
                piece = torch.from_numpy(np.ascontiguousarray(frames[start : start + batch])).to(self.device)
                shown = self.prepare(piece.permute(0, 3, 1, 2).float())
                features[start : start + batch] = self.network(shown).cpu().numpy()
        return features
