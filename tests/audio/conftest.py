"""Tiny checkpoints of speech encoders, sound to hear, and the one line of a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from viseme.errors import InputError

HIDDEN, LAYERS = 16, 3
WAVEFORM = {
    "conv_dim": (32,) * 7,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
    "initializer_range": 0.2,
}
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
"""What the large models have."""
MEL = {
    "d_model": HIDDEN,
    "encoder_layers": LAYERS,
    "encoder_attention_heads": 1,
    "encoder_ffn_dim": 16,
    "decoder_layers": 1,
    "decoder_attention_heads": 1,
    "decoder_ffn_dim": 8,
    "vocab_size": 8,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "decoder_start_token_id": 0,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "init_std": 0.2,
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny random checkpoints with the heads that the published ones have."""
    import transformers

    torch.manual_seed(0)
    t: Any = transformers
    models = {
        "wav2vec2": t.Wav2Vec2ForCTC(t.Wav2Vec2Config(**WAVEFORM)),
        "large": t.Wav2Vec2ForCTC(t.Wav2Vec2Config(**WAVEFORM, **STABLE)),
        "hubert": t.HubertModel(t.HubertConfig(**WAVEFORM)),
        "whisper": t.WhisperForConditionalGeneration(t.WhisperConfig(**MEL)),
    }
    base = tmp_path_factory.mktemp("checkpoints")
    for name, model in models.items():
        model.save_pretrained(base / name)
        extractor = t.WhisperFeatureExtractor() if name == "whisper" else t.Wav2Vec2FeatureExtractor()
        extractor.save_pretrained(base / name)
    return {name: base / name for name in models}


@pytest.fixture
def copied(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A wav2vec 2.0 checkpoint to spoil."""
    shutil.copytree(folders["wav2vec2"], tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """`noise(frames, seed=0)`: float32 `[640 * frames]`."""

    def draw(frames: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).normal(0, 0.05, frames * 640).astype(np.float32)

    return draw


@pytest.fixture
def refused() -> Callable[..., str]:
    """`refused(call, match)`: the one line that a call is refused with."""

    def told(call: Callable[[], object], match: str) -> str:
        with pytest.raises(InputError, match=match) as error:
            call()
        assert "\n" not in str(error.value)
        return str(error.value)

    return told
