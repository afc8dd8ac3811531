"""The paper's speech encoder: the one of SDA (Vougioukas et al. 2018), 256 numbers a video frame from raw sound.

Each frame is seen through a window of 0.2 s centred on it; convolutions turn the window into 256 numbers, and a GRU
reads these from the clip's first frame on, so that a frame's features depend on all sound before it but on no more than
80 ms after it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from viseme.errors import InputError
from viseme.types import SAMPLES_PER_FRAME, Float32
from viseme.weights import known

PART = "sda"
WIDTH = 256
WINDOW = 3200
"""Samples that one frame's numbers are made of."""
BEFORE = (WINDOW - SAMPLES_PER_FRAME) // 2
"""1280 samples of the window lie before its frame, as many after."""
LAYERS = ((16, 80, 16, 32), (32, 4, 2, 1), (64, 4, 2, 1), (128, 4, 2, 1), (256, 10, 5, 3), (WIDTH, 5, 1, 0))
"""Channels, kernel, stride and padding of each convolution; the lengths are 200, 100, 50, 25, 5 and 1."""
CHUNK = 500
"""Frames encoded at once, 20 s."""
_VERSION = 1
"""Part of the fingerprint; to be raised when the same weights give other features."""
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_COUNTER = "num_batches_tracked"
_NUMPY = (
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "_codecs.encode",
)
"""What pickles call to make numpy's arrays and numbers, before and since numpy 2."""


class WindowEncoder(nn.Module):
    """Six convolutions over one window; all but the last are followed by batch norm and ReLU, the last by tanh.

    Modules are named as in the published weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cl, self.activations = nn.ModuleList(), nn.ModuleList()
        channels = 1
        for wider, kernel, stride, padding in LAYERS:
            self.cl.append(nn.Conv1d(channels, wider, kernel, stride, padding))
            self.activations.append(nn.Sequential(nn.BatchNorm1d(wider), nn.ReLU()))
            channels = wider
        self.activations[-1] = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        """Windows `[N,3200]` to codes `[N,256]` in [-1, 1]."""
        x = x[:, None]
        for convolution, activation in zip(self.cl, self.activations, strict=True):
            x = activation(convolution(x))
        return x[:, :, 0]


class SdaNetwork(nn.Module):
    """Window encoder and two-layer GRU, 1,490,896 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = WindowEncoder()
        self.rnn = nn.GRU(WIDTH, WIDTH, num_layers=2, batch_first=True)

    def forward(self, windows: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features of consecutive windows, and where the GRU stands after them.

        Args:
            windows: `[N,3200]`, each 640 samples after the one before.
            state: `[2,1,256]`, as it was given for the windows before; None at the start of the sound.

        Returns:
            Features `[N,256]` and state `[2,1,256]`.
        """
        features, state = self.rnn(self.encoder(windows)[None], state)
        return features[0], state


class SdaEncoder:
    """SDA's speech encoder with given weights, as an `AudioEncoder`.

    Attributes:
        name: `sda`.
        width: 256.
        fingerprint: hex SHA-256 of kind, version and weights; the same for the published file and its safetensors.
    """

    name = PART
    width = WIDTH

    def __init__(self, path: Path, device: torch.device | str = "cpu") -> None:
        """Read the weights.

        Args:
            path: what `read_sda` takes.
            device: where it runs.

        Raises:
            InputError: as `read_sda`.
        """
        state = read_sda(path)
        self.fingerprint = _fingerprint(state)
        with torch.device("meta"):  # initial weights would draw from the global generator
            network = SdaNetwork()
        network = network.to_empty(device=device)
        network.load_state_dict({**network.state_dict(), **state})
        self._network = network.eval().requires_grad_(False)
        self._device = torch.device(device)
        self._path = path

    @torch.inference_mode()
    def __call__(self, audio: Float32, frames: int) -> Float32:
        """Features float32 `[frames,256]` in [-1, 1] of mono 16 kHz sound `[S]`.

        The window of frame t is samples [640 t - 1280, 640 t + 1920), centred as the frame is. What lies before the
        sound or after its last frame counts as silence. Memory does not grow with the sound but for the result.

        Raises:
            ValueError: sound of more than one channel, or samples that are not finite.
            InputError: the weights give features that are not finite.
        """
        if audio.ndim != 1 or not np.isfinite(audio).all():
            raise ValueError("speech features need sound of one channel, all samples finite")
        audio = audio[: frames * SAMPLES_PER_FRAME]
        features, state = np.empty((frames, WIDTH), np.float32), None
        for start in range(0, frames, CHUNK):
            count = min(CHUNK, frames - start)
            windows = torch.from_numpy(_around(audio, start, count)).to(self._device)
            encoded, state = self._network(windows.unfold(0, WINDOW, SAMPLES_PER_FRAME), state)
            features[start : start + count] = encoded.cpu().numpy()
        if not np.isfinite(features).all():
            raise InputError(f"{self._path}: gives features that are not finite; {_advice()}")
        return features


def read_sda(path: Path) -> dict[str, Tensor]:
    """The speech encoder's weights, float32 by their published names (`encoder.cl.0.weight`, `rnn.weight_ih_l0`).

    The published file is a pickled dictionary, of which `encoder` is taken. It is read by torch's restricted unpickler,
    and the numpy arrays beside the weights are passed over, so that nothing in the file runs. The counters of batch
    norm are left out.

    Args:
        path: the published file (`crema.dat`), or a `.safetensors` of what this function returns.

    Raises:
        InputError: the file is missing, damaged, holds anything but plain tensors, or another network's.
    """
    content = _safetensors(path) if path.suffix == ".safetensors" else _encoder(_unpickled(path), path)
    state = {name: value for name, value in content.items() if not str(name).endswith(_COUNTER)}
    with torch.device("meta"):
        wanted = {name: value.shape for name, value in SdaNetwork().state_dict().items() if not name.endswith(_COUNTER)}
    differ = [f"{name} is missing" for name in wanted if name not in state]
    differ += [f"{name!r} is unknown" for name in state if name not in wanted]
    differ += [wrong for name, value in state.items() if (wrong := _wrong(name, value, wanted.get(name)))]
    if differ:
        raise InputError(f"{path}: holds another network's weights ({', '.join(differ[:3])}); {_advice()}")
    # Weights that a GPU has laid out in one block come as views of it: each is to stand alone.
    plain = {name: state[name].detach().to(torch.float32, copy=True).contiguous() for name in wanted}
    if bad := [name for name, value in plain.items() if not bool(value.isfinite().all())]:
        raise InputError(f"{path}: {bad[0]} is not finite; {_advice()}")
    return plain


def _wrong(name: str, value: Any, shape: torch.Size | None) -> str:
    """What keeps a value from being that weight; empty where nothing does."""
    if shape is None:
        return ""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        return f"{name} is no plain tensor"
    if value.shape != shape:
        return f"{name} is {tuple(value.shape)}, wanted {tuple(shape)}"
    return "" if value.dtype in _FLOATS else f"{name} is {value.dtype}, wanted float32"


class _PassedOver:
    """Stands in for whatever numpy name a pickle calls; it takes everything and makes nothing of it."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def _unpickled(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals([(_PassedOver, name) for name in _NUMPY]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_advice()}") from error
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise InputError(f"{path}: {_what(path)}; {_advice()}") from error


def _what(path: Path) -> str:
    """What a file is that torch cannot read."""
    with open(path, "rb") as file:
        if file.read(24) == b"version https://git-lfs.":
            return "is git LFS's note of where the file lies, not the file"
    return "is no whole file of plain tensors"


def _encoder(content: Any, path: Path) -> dict[str, Any]:
    # An OrderedDict's methods may be overlaid by what a pickle says: dict's own are asked.
    encoder = dict.get(content, "encoder") if isinstance(content, dict) else None
    if not isinstance(encoder, dict):
        raise InputError(f"{path}: holds no speech encoder; {_advice()}")
    return dict(dict.items(encoder))


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {_advice()}") from error
    except SafetensorError as error:
        raise InputError(f"{path}: is not a whole safetensors file; {_advice()}") from error


def _advice() -> str:
    return f"give {known(PART).file} as published"


def _around(audio: Float32, start: int, frames: int) -> Float32:
    """The sound that the windows of some frames cover, zeros where there is none, float32 `[640 frames + 2560]`."""
    first = start * SAMPLES_PER_FRAME - BEFORE
    covered = np.zeros(frames * SAMPLES_PER_FRAME + 2 * BEFORE, np.float32)
    heard = audio[max(first, 0) : first + len(covered)]
    covered[max(-first, 0) :][: len(heard)] = heard
    return covered


def _fingerprint(state: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(f"{PART} {_VERSION}".encode())
    for name in sorted(state):
        digest.update(f" {name} ".encode() + state[name].numpy().tobytes())
    return digest.hexdigest()
