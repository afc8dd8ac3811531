"""Speech encoders of transformers: wav2vec 2.0, HuBERT and Whisper, two vectors a video frame, joined.

All three give 50 vectors a second, so that frame t has two, outputs 2t and 2t + 1, centred 10 and 30 ms into its 40 ms.
They are joined, not averaged: the mouth closes and opens again within a frame, which a mean would hide and which a
first linear layer can take if it wants it. Talking heads driven by HuBERT (GeneFace and what followed) do the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from viseme.audio.checkpoint import Family, digests, find, read
from viseme.errors import InputError
from viseme.types import SAMPLE_RATE, SAMPLES_PER_FRAME, Float32
from viseme.weights import PARTS

Kind = Literal["wav2vec2", "hubert", "whisper"]

DEFAULT_CHECKPOINTS: dict[Kind, str] = {
    "wav2vec2": "facebook/wav2vec2-base-960h",
    "hubert": "facebook/hubert-base-ls960",
    "whisper": "openai/whisper-base",
}
"""What each kind is, where nobody says otherwise: names on the Hugging Face hub."""
CORE = 500
"""Frames that one window of a long sound gives: 20 s."""
MARGIN = 124
"""Frames that it hears besides on each side: 4.96 s, so that the whole fits into Whisper's 30 s."""

_VERSION = 1  # raised when the same checkpoint and sound would give other numbers


class SpeechEncoder:
    """Hidden states of a pretrained speech encoder, float32 `[frames, 2 hidden]`, on the clock of the pictures.

    The sound is what `frames` frames hold: cut, or continued by silence. Up to `whole` frames (30 s; for Whisper 29.96)
    it is encoded in one piece. A longer one is *defined* by windows, since attention grows with the square of the
    length: frames [500 k, 500 k + 500) come from a window that hears 124 frames more on each side, as far as there are
    any. wav2vec 2.0 and HuBERT get the sound at zero mean and unit variance where the checkpoint's own feature
    extractor asks for it, over the whole sound and not window by window, so that a pause is not blown up to speech;
    Whisper gets its log-mel spectrogram window by window, as it was trained.

    Networks run in float32 without dropout, layer drop or masking. Devices differ by rounding: CUDA may
    convolve in TF32, as torch is set.

    Sources: Baevski et al. 2020 (wav2vec 2.0), Hsu et al. 2021 (HuBERT), Radford et al. 2022 (Whisper).

    Attributes:
        name: the kind.
        width: D, twice the width of the hidden states.
        layer: whose states these are, from 0 to the number of transformer layers.
        whole: frames up to which a sound is encoded in one piece.
        fingerprint: SHA-256 over kind, layer, the checkpoint's files and the version of this definition.
    """

    def __init__(self, kind: Kind, checkpoint: str, layer: int | None = None, device: torch.device | str = "cpu"):
        """Read a checkpoint; nothing is ever downloaded, unpickled or run from it.

        Args:
            kind: the family; a checkpoint of another is refused.
            checkpoint: a folder as `save_pretrained` writes it, or the hub name of one in the local hub cache.
            layer: 0 is what enters the first transformer layer, n what leaves layer n; None is the last, behind the
                encoder's closing norm where it has one.
            device: where the network runs.

        Raises:
            InputError: transformers is not installed, the checkpoint is absent, damaged, pickled, of another family or
                not at 50 vectors a second, or has no such layer.
        """
        folder = find(checkpoint, _fetch(kind, checkpoint))
        front, family = _FRONTS[kind]
        self._front = front(family, folder)
        self._device = torch.device(device)
        self._network = self._front.network.to(self._device)
        config = self._network.config
        self.name: str = kind
        self.whole = self._front.whole
        self.width = 2 * int(config.hidden_size)
        self._last = int(config.num_hidden_layers)
        self.layer = self._last if layer is None else layer
        if not 0 <= self.layer <= self._last:
            raise InputError(f"{folder}: has no layer {layer}; give one from 0 to {self._last}, or none for the last")
        depends_on = json.dumps([_VERSION, kind, self.layer, digests(folder)])
        self.fingerprint = hashlib.sha256(depends_on.encode()).hexdigest()

    def __call__(self, audio: Float32, frames: int) -> Float32:
        """Features float32 `[frames, D]` of mono 16 kHz sound `[S]`; what is missing counts as silence."""
        features = np.zeros((frames, self.width), np.float32)
        if not frames:
            return features
        sound = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
        heard = min(len(sound), len(audio))
        sound[:heard] = audio[:heard]
        sound = self._front.level(sound)
        for core, heard_in in _windows(frames, self.whole):
            window = sound[heard_in.start * SAMPLES_PER_FRAME : heard_in.stop * SAMPLES_PER_FRAME]
            halves = self._states(self._front.prepare(window))[self._front.first :]  # [2 frames or more, hidden]
            pairs = halves[: 2 * len(heard_in)].reshape(len(heard_in), self.width)
            features[core.start : core.stop] = pairs[core.start - heard_in.start :][: len(core)].cpu().numpy()
        return features

    @torch.inference_mode()
    def _states(self, prepared: Float32) -> Tensor:
        """Hidden states `[N, hidden]` of one window."""
        inputs = torch.from_numpy(prepared)[None].to(self._device)
        if self.layer == self._last:
            states: Tensor = self._network(inputs).last_hidden_state[0]
        else:
            states = self._network(inputs, output_hidden_states=True).hidden_states[self.layer][0]
        return states


class _Waveform:
    """The front of wav2vec 2.0 and HuBERT: samples.

    Output j of their convolutions sees samples [320 j, 320 j + 400), so its middle lies at 320 j + 200. With 40 zeros
    before the sound it lies at 320 j + 160: outputs 2t and 2t + 1 a quarter and three quarters into frame t. As many
    zeros after it, and T frames give 2T outputs exactly.
    """

    whole = 750
    first = 0

    def __init__(self, family: Family, folder: Path) -> None:
        self.network, self._extractor = read(folder, family)
        config, field, stride = self.network.config, 1, 1
        for kernel, step in zip(config.conv_kernel, config.conv_stride, strict=True):
            field, stride = field + (kernel - 1) * stride, stride * step
        if (field, stride) != (400, 320) or getattr(config, "add_adapter", False):
            raise _not_at_fifty(folder)

    def level(self, sound: Float32) -> Float32:
        """The sound as its feature extractor gives it, normalised over its whole length."""
        values = self._extractor(sound, sampling_rate=SAMPLE_RATE, return_tensors="np")["input_values"][0]
        return np.asarray(values, dtype=np.float32)

    def prepare(self, window: Float32) -> Float32:
        """`[640 n]` becomes `[640 n + 80]`."""
        return np.pad(window, 40)


class _LogMel:
    """The front of Whisper: 3000 log-mel columns, 10 ms apart, of 30 s, whatever the length of the sound.

    Its two convolutions centre output j on sample 320 j. With 160 zeros before the sound, output j + 1 is centred on
    sample 320 j + 160 of it, as for the others; output 0 is left out, which leaves 1499 and thus 749 whole frames.
    """

    whole = 749
    first = 1

    def __init__(self, family: Family, folder: Path) -> None:
        model, extractor = read(folder, family)
        self.network, config = model.get_encoder(), model.config
        bands = (extractor.feature_size, extractor.hop_length, extractor.n_samples, config.max_source_positions)
        if bands != (config.num_mel_bins, 160, 30 * SAMPLE_RATE, 1500):
            raise _not_at_fifty(folder)
        extractor.dither = 0.0  # it would be drawn from global state
        self._extractor = extractor

    def level(self, sound: Float32) -> Float32:
        """The sound as it is."""
        return sound

    def prepare(self, window: Float32) -> Float32:
        """`[640 n]` becomes `[bands, 3000]`."""
        padded = np.pad(window, (160, 0))
        columns = self._extractor(padded, sampling_rate=SAMPLE_RATE, return_tensors="np")["input_features"][0]
        return np.asarray(columns, dtype=np.float32)


_FRONTS: dict[Kind, tuple[type[_Waveform | _LogMel], Family]] = {
    "wav2vec2": (_Waveform, Family("wav2vec2", "Wav2Vec2Config", "Wav2Vec2Model", "Wav2Vec2FeatureExtractor")),
    "hubert": (_Waveform, Family("hubert", "HubertConfig", "HubertModel", "Wav2Vec2FeatureExtractor")),
    "whisper": (_LogMel, Family("whisper", "WhisperConfig", "WhisperModel", "WhisperFeatureExtractor")),
}


def _windows(frames: int, whole: int) -> Iterator[tuple[range, range]]:
    """The frames that each window gives, and those that it hears for it."""
    if frames <= whole:
        yield range(frames), range(frames)
        return
    for start in range(0, frames, CORE):
        stop = min(start + CORE, frames)
        yield range(start, stop), range(max(0, start - MARGIN), min(frames, stop + MARGIN))


def _fetch(kind: Kind, checkpoint: str) -> str:
    """The command that brings a checkpoint here."""
    listed = kind in PARTS and checkpoint == DEFAULT_CHECKPOINTS[kind]
    return f"viseme weights {kind}" if listed else f"hf download {checkpoint}"


def _not_at_fifty(folder: Path) -> InputError:
    return InputError(f"{folder}: does not give 50 vectors a second as its family does; give another checkpoint")
