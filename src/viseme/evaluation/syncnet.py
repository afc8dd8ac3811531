"""SyncNet as published: its network, what it is shown, and how its weights are read.

Source: Chung and Zisserman, Out of time: automated lip sync in the wild, ACCV workshops 2016, in the second release of
its authors (`syncnet_v2.model`). Two streams give 1024 numbers each: five frames of a face, and the 20 columns of
cepstra that sound meanwhile. Where lips and sound fit, the two lie near each other; `av_sync` scores the distances.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viseme.audio.mfcc import mfcc
from viseme.errors import InputError
from viseme.types import SAMPLES_PER_FRAME, Float32, UInt8
from viseme.weights import located, read_state

SIDE = 224
"""Pixels of the faces it is shown."""
FRAMES = 5
"""Frames a window."""
COLUMNS = 20
"""Columns of cepstra a window."""
COLUMNS_PER_FRAME = 4
CEPSTRA = 13
WIDTH = 1024
"""Numbers an embedding."""
COUNTER = ".num_batches_tracked"


class SyncNet(nn.Module):
    """Both streams; names and shapes of its parameters are those of `syncnet_v2.model`, 13.6 million numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(  # [N,1,13,20]
            *_layer(nn.Conv2d(1, 64, 3, padding=1)),
            nn.Identity(),
            *_layer(nn.Conv2d(64, 192, 3, padding=1)),
            nn.MaxPool2d(3, (1, 2)),  # [N,192,11,9]
            *_layer(nn.Conv2d(192, 384, 3, padding=1)),
            *_layer(nn.Conv2d(384, 256, 3, padding=1)),
            *_layer(nn.Conv2d(256, 256, 3, padding=1)),
            nn.MaxPool2d(3, 2),  # [N,256,5,4]
            *_layer(nn.Conv2d(256, 512, (5, 4))),  # [N,512,1,1]
        )
        self.netcnnlip = nn.Sequential(  # [1,3,T,224,224]
            *_layer(nn.Conv3d(3, 96, (FRAMES, 7, 7), (1, 2, 2))),  # [1,96,T-4,109,109]
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),  # [1,96,T-4,54,54]
            *_layer(nn.Conv3d(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1))),  # [1,256,T-4,26,26]
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),  # [1,256,T-4,13,13]
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),  # [1,256,T-4,6,6]
            *_layer(nn.Conv3d(256, 512, (1, 6, 6))),  # [1,512,T-4,1,1]
        )
        self.netfcaud = _head()
        self.netfclip = _head()

    def sound(self, cepstra: Tensor) -> Tensor:
        """Embeddings `[N,1024]` of windows `[N,1,13,20]` of cepstra."""
        embeddings: Tensor = self.netfcaud(self.netcnnaud(cepstra).flatten(1))
        return embeddings

    def lips(self, frames: Tensor) -> Tensor:
        """Embeddings `[T-4,1024]` of each five successive frames of `[1,3,T,224,224]`, raw BGR in 0-255.

        Past its first layer this stream never mixes frames, so that windows need not be cut out.
        """
        embeddings: Tensor = self.netfclip(self.netcnnlip(frames)[0, :, :, 0, 0].T)
        return embeddings


def _layer(convolution: nn.Conv2d | nn.Conv3d) -> tuple[nn.Module, nn.Module, nn.Module]:
    norm = nn.BatchNorm3d if isinstance(convolution, nn.Conv3d) else nn.BatchNorm2d
    return convolution, norm(convolution.out_channels), nn.ReLU(inplace=True)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, WIDTH))


def load_syncnet(path: Path, device: torch.device | str = "cpu") -> SyncNet:
    """The network with the weights of a file in the form of `syncnet_v2.model`, ready to be asked.

    Every weight must be there, in the right shape and finite, and nothing else; batch counters, which scoring does
    not use, may be missing, as older versions of torch wrote none.

    Raises:
        InputError: missing, damaged, not a plain dictionary of tensors, or weights of another network.
    """
    state = read_state("syncnet", path)
    with torch.device("meta"):  # no weights are drawn only to be written over
        network = SyncNet()
    own = {name: value for name, value in network.state_dict().items() if not name.endswith(COUNTER)}
    given = {str(name): value for name, value in state.items() if not str(name).endswith(COUNTER)}
    wrong = [name for name in own.keys() | given.keys() if not _fits(given.get(name), own.get(name))]
    if wrong:
        raise InputError(
            f"{path}: are not SyncNet's weights: {min(wrong)} is unknown, missing or of another shape "
            f"({len(wrong)} such); give syncnet_v2.model as published"
        )
    network.load_state_dict({name: value.float() for name, value in given.items()}, assign=True)
    return network.requires_grad_(False).eval().to(device)


def _fits(value: Tensor | None, wanted: Tensor | None) -> bool:
    if value is None or wanted is None:
        return False
    return value.shape == wanted.shape and value.is_floating_point() and value.layout is torch.strided


@lru_cache(maxsize=1)
def published() -> SyncNet:
    """The network with the weights in the user's cache. Raises `InputError` where they are not there."""
    return load_syncnet(located("syncnet", instead="leave out of --metrics what rests on it"))


def embedded(frames: UInt8, audio: Float32) -> tuple[Float32, Float32]:
    """Embeddings `[W,1024]` of a video's lips and sound by the published network.

    Args:
        frames: aligned, uint8 `[T,S,S,3]` RGB at 25 fps.
        audio: float32 `[S]` at 16 kHz, from the first of these frames on.
    """
    network, windows = published(), window_count(len(frames), len(audio))
    lips = embed_faces(network, face_windows(frames), windows)
    return lips, embed_sound(network, mfcc(audio), windows)


def face_windows(frames: UInt8) -> UInt8:
    """Aligned frames as SyncNet is shown them: uint8 `[T,S,S,3]` RGB to `[T,224,224,3]` BGR.

    The published pipeline cuts a square around a detected box, from the top of the box to 0.8 of its half height below
    it, and resizes it bilinearly. An aligned frame shows about the same of a face, somewhat closer and without the
    box's jitter, so the whole of it is resized, bilinearly too. Scores therefore compare among aligned videos of one
    size, not with tables made from other crops.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"face windows need uint8 [T,S,S,3], not {frames.dtype} {frames.shape}")
    faces = np.empty((len(frames), SIDE, SIDE, 3), dtype=np.uint8)
    for face, frame in zip(faces, frames, strict=True):
        cv2.cvtColor(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2BGR, dst=face)
    return faces


def window_count(frames: int, samples: int) -> int:
    """Windows that both streams have: min(frames, whole frames of sound) - 5, at least 0.

    One less than there are runs of five frames: the last run lacks its last column of cepstra, and the published
    pipeline leaves it out.
    """
    return max(0, min(frames, samples // SAMPLES_PER_FRAME) - FRAMES)


def embed_faces(network: SyncNet, faces: UInt8, windows: int, batch: int = 8) -> Float32:
    """Embeddings `[windows,1024]` of a video's faces; window i shows frames i to i + 4.

    Args:
        network: of `load_syncnet`.
        faces: uint8 `[T,224,224,3]` BGR, T at least windows + 4.
        windows: from `window_count`.
        batch: windows at a time; the result does not depend on it but for rounding.

    Raises:
        ValueError: frames of another form, or too few.
    """
    if faces.shape[1:] != (SIDE, SIDE, 3) or (windows and len(faces) < windows + FRAMES - 1):
        raise ValueError(f"{windows} windows need {windows + FRAMES - 1} faces [224,224,3], not {faces.shape}")
    device = next(network.parameters()).device
    parts = [np.zeros((0, WIDTH), dtype=np.float32)]
    with torch.inference_mode():
        for start in range(0, windows, batch):
            stop = min(start + batch, windows)
            piece = torch.from_numpy(np.ascontiguousarray(faces[start : stop + FRAMES - 1])).to(device)
            parts.append(network.lips(piece.permute(3, 0, 1, 2)[None].float()).cpu().numpy())
    return np.concatenate(parts)


def embed_sound(network: SyncNet, cepstra: NDArray[np.floating], windows: int, batch: int = 64) -> Float32:
    """Embeddings `[windows,1024]` of a clip's sound; window i hears columns 4 i to 4 i + 19.

    Args:
        network: of `load_syncnet`.
        cepstra: `[M,13]` from `viseme.audio.mfcc.mfcc`, M at least 4 windows + 16.
        windows: from `window_count`.
        batch: windows at a time; the result does not depend on it but for rounding.

    Raises:
        ValueError: cepstra of another form, or too few columns.
    """
    needed = COLUMNS_PER_FRAME * (windows - 1) + COLUMNS
    if cepstra.ndim != 2 or cepstra.shape[1] != CEPSTRA or (windows and len(cepstra) < needed):
        raise ValueError(f"{windows} windows need {needed} columns of {CEPSTRA} cepstra, not {cepstra.shape}")
    device = next(network.parameters()).device
    parts = [np.zeros((0, WIDTH), dtype=np.float32)]
    columns = torch.from_numpy(np.ascontiguousarray(cepstra, dtype=np.float32)).to(device)
    with torch.inference_mode():
        for start in range(0, windows, batch):
            stop = min(start + batch, windows)
            piece = columns[COLUMNS_PER_FRAME * start : COLUMNS_PER_FRAME * (stop - 1) + COLUMNS]
            cut = piece.unfold(0, COLUMNS, COLUMNS_PER_FRAME)  # [B,13,20]
            parts.append(network.sound(cut[:, None]).cpu().numpy())
    return np.concatenate(parts)
