"""An audio encoder that is trained with the model: columns of the log-mel spectrogram around a frame to one vector."""

from __future__ import annotations

from torch import Tensor, nn

from viseme.config.sections import AudioConfig
from viseme.nn.blocks import group_norm

WIDTH = 256
"""Numbers a frame: as many as SDA's encoder gives."""


def build_listener(config: AudioConfig, width: int) -> tuple[nn.Module, int]:
    """What hears features with context of `width` numbers inside a model, and how many it gives.

    A `Listener` for a `learned` encoder; otherwise nothing, without parameters.
    """
    return (Listener(config.bands), WIDTH) if config.kind == "learned" else (nn.Identity(), width)


class Listener(nn.Module):
    """Convolutions over time and frequency, halving both down to one vector a frame.

    Args:
        bands: mel bands of a column.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.stem = nn.Conv2d(1, 32, 3, padding=1)
        self.stages = nn.Sequential(*_halving(32, 64), *_halving(64, 128))
        self.head = nn.Sequential(nn.SiLU(), nn.AdaptiveAvgPool2d((5, 1)), nn.Flatten(), nn.Linear(5 * 128, WIDTH))

    def forward(self, audio: Tensor) -> Tensor:
        """Features with context `[...,D]`, D a multiple of `bands`, to `[...,256]`."""
        columns = audio.reshape(-1, 1, audio.shape[-1] // self.bands, self.bands)  # [N,1,columns,bands]
        vectors: Tensor = self.head(self.stages(self.stem(columns + 0.7)))  # log-mel lies in about [-1.4, 0.5]
        return vectors.reshape(*audio.shape[:-1], WIDTH)


def _halving(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        group_norm(inputs),
        nn.SiLU(),
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        group_norm(outputs),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
    )
