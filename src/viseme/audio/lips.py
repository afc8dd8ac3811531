"""Sound as lips: small networks of our own that hear log-mel columns and say how a mouth is shaped meanwhile.

They were trained on landmarks of training clips by `tools/train_lips.py` and come with the package. What they say is
little and means the same for every speaker, so that a model of few clips need not learn to listen.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.audio.mel import COLUMNS, mel_features
from viseme.nn.weights import load_weights, read_model
from viseme.types import Float32

BANDS, WIDTH = 40, 8
"""Mel bands that are heard, and numbers that are said of a frame."""
MEMBERS = 4
"""Networks whose mean is said: of few speakers each learns something else by chance."""
_VERSION = 2


class LipsNetwork(nn.Module):
    """Convolutions over time, then an LSTM both ways; frames are normalised each alone, so that length counts nothing.

    Args:
        hidden: channels.
        dropout: share of channels that training leaves out.
    """

    def __init__(self, hidden: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        self.columns = nn.Conv1d(BANDS, hidden, 5, padding=2)
        self.frames = nn.Sequential(_FrameNorm(hidden), nn.SiLU(), nn.Conv1d(hidden, hidden, COLUMNS, stride=COLUMNS))
        self.around = nn.ModuleList(_residual(hidden, dilation, dropout) for dilation in (1, 1, 2))
        self.dropout = nn.Dropout(dropout)
        self.recurrent = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * hidden, WIDTH)

    def forward(self, columns: Tensor) -> Tensor:
        """Log-mel columns `[B,4T,40]` to `[B,T,8]`, each number of about unit variance over speech.

        The first is how far the mouth opens, the others how lips and chin are shaped (`tools/train_lips.py`).
        """
        h = self.frames(self.columns(columns.transpose(1, 2) + 0.7))  # log-mel lies in about [-1.4, 0.5]
        for block in self.around:
            h = h + block(h)
        said: Tensor = self.head(self.dropout(self.recurrent(self.dropout(h.transpose(1, 2)))[0]))
        return said


class LipsNetworks(nn.Module):
    """The mean of several of them."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(LipsNetwork() for _ in range(MEMBERS))

    def forward(self, columns: Tensor) -> Tensor:
        """Log-mel columns `[B,4T,40]` to `[B,T,8]`."""
        return torch.stack([member(columns) for member in self.members]).mean(dim=0)


class _FrameNorm(nn.LayerNorm):
    """Layer norm over the channels of `[B,C,T]`, each time alone."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.normalized_shape, self.weight, self.bias, self.eps).transpose(1, 2)


def _residual(hidden: int, dilation: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        _FrameNorm(hidden),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Conv1d(hidden, hidden, 3, padding=dilation, dilation=dilation),
        _FrameNorm(hidden),
        nn.SiLU(),
        nn.Conv1d(hidden, hidden, 1),
    )


class LipsEncoder:
    """Those networks with given weights, as an `AudioEncoder`.

    Attributes:
        name: `lips`.
        width: 8.
        fingerprint: hex SHA-256 of version and weights.
    """

    name = "lips"
    width = WIDTH

    def __init__(self, path: Path) -> None:
        """Read weights that `tools/train_lips.py` wrote. Raises `ModelError` where they are none."""
        file = read_model(path)
        with torch.device("cpu"):  # whatever a caller builds its own network on
            self.network = LipsNetworks()
        load_weights(self.network, file.weights, str(path))
        self.network.eval()
        digest = hashlib.sha256(repr((self.name, _VERSION)).encode())
        for name, weight in sorted(file.weights.items()):
            digest.update(name.encode() + weight.float().numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    @torch.inference_mode()
    def __call__(self, audio: Float32, frames: int) -> Float32:
        """Float32 `[frames,8]` of mono 16 kHz sound `[S]` at the common loudness."""
        columns = torch.from_numpy(mel_features(audio, frames, BANDS)).reshape(1, -1, BANDS)
        said: Float32 = self.network(columns)[0].numpy()
        return said


@functools.cache
def bundled_lips() -> LipsEncoder:
    """The encoder that comes with the package. Raises `ModelError` where its file is missing or damaged."""
    return LipsEncoder(Path(str(resources.files("viseme") / "bundled" / "lips.safetensors")))
