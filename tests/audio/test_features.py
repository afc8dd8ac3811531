from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from viseme.audio.features import encode, encode_with_context, encoder, feature_width
from viseme.audio.loudness import levelled
from viseme.audio.mel import mel_features
from viseme.audio.sda import SdaNetwork
from viseme.config import load_config
from viseme.config.sections import AudioConfig
from viseme.errors import ConfigError, InputError


@pytest.fixture
def sda(tmp_path: Path) -> Path:
    """Random weights of SDA's speech encoder."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = {k: v for k, v in SdaNetwork().state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "sda.safetensors")
    return tmp_path / "sda.safetensors"


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.02, 640 * frames).astype(np.float32)


def test_mel_is_the_default_at_the_common_loudness() -> None:
    found = encode(noise(7), 7, AudioConfig())
    np.testing.assert_array_equal(found, mel_features(levelled(noise(7)), 7))
    assert feature_width(AudioConfig(bands=20, context=1)) == 3 * 80


@pytest.mark.parametrize("kind", ["mel", "learned", "sda"])
def test_every_kind_ignores_the_gain_of_a_recording(kind: str, sda: Path) -> None:
    config = AudioConfig(kind=kind, checkpoint=str(sda) if kind == "sda" else "")
    quiet, loud = (encode_with_context(noise(9) * np.float32(g), 9, config) for g in (1, 20))
    assert quiet.shape == (9, feature_width(config))
    np.testing.assert_allclose(quiet, loud, atol=2e-3)


def test_fingerprints_tell_encoders_apart(sda: Path) -> None:
    configs = [AudioConfig(), AudioConfig(bands=20), AudioConfig(kind="sda", checkpoint=str(sda))]
    assert len({encoder(config).fingerprint for config in configs}) == 3
    assert encoder(AudioConfig(kind="learned")).fingerprint == encoder(AudioConfig()).fingerprint


def test_missing_weights_name_the_way_out() -> None:
    with pytest.raises(InputError, match=r"sda: crema\.dat can only be had by hand"):
        encode(noise(2), 2, AudioConfig(kind="sda"))
    assert feature_width(AudioConfig(kind="sda")) == 5 * 256  # known without them


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (["audio.layer=3"], "layer belongs to a speech encoder"),
        (["audio.kind=sda", "audio.layer=3"], "layer belongs to a speech encoder"),
        (["audio.checkpoint=x"], "checkpoint belongs to an encoder whose weights are brought"),
        (["audio.kind=lips", "audio.checkpoint=x"], "checkpoint belongs to an encoder whose weights are brought"),
        (["audio.kind=sda", "data.tract=0.1"], "data.tract and data.tilt change mel bands"),
        (["audio.kind=whispers"], "audio.kind"),
    ],
)
def test_settings_that_mean_nothing_are_refused(fields: list[str], says: str) -> None:
    for preset in ("tiny_gan", "tiny_ddpm"):
        with pytest.raises(ConfigError, match=says):
            load_config(preset, fields)
