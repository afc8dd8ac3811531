"""The bundled encoder: what it gives, that it keeps time, that it hears, and a file that is none."""

from pathlib import Path

import numpy as np
import pytest
import torch

from viseme.audio.features import encode, encoder, feature_width
from viseme.audio.lips import WIDTH, LipsEncoder, LipsNetworks, bundled_lips
from viseme.config.sections import AudioConfig
from viseme.data.store import Store
from viseme.errors import ModelError
from viseme.evaluation.mouth import correlation, opening
from viseme.nn.weights import save_model
from viseme.types import SAMPLES_PER_FRAME, Float32

LIPS = AudioConfig(kind="lips")


@pytest.fixture(scope="module")
def speech(store: Path) -> Float32:
    """Two seconds of a rendered voice."""
    opened = Store.open(store)
    return opened.audio(opened.clips()[0].clip_id)[: 50 * SAMPLES_PER_FRAME]


def test_eight_numbers_a_frame_and_the_same_each_time(speech: Float32) -> None:
    said = encode(speech, 50, LIPS)
    assert said.shape == (50, WIDTH)
    assert said.dtype == np.float32
    assert feature_width(AudioConfig(kind="lips", context=1)) == 3 * WIDTH
    np.testing.assert_array_equal(said, encode(speech, 50, LIPS))


def test_silence_and_what_is_missing_move_nothing(speech: Float32) -> None:
    assert np.isfinite(encode(np.zeros(0, np.float32), 1, LIPS)).all()
    said = encode(speech, 150, LIPS)  # four seconds of silence after it
    assert said[80:130].std(axis=0).max() < 0.25 * said[:50].std(axis=0).max()


def test_sound_that_comes_later_is_said_later(speech: Float32) -> None:
    late, lips = np.concatenate([np.zeros(9 * SAMPLES_PER_FRAME, np.float32), speech]), encoder(LIPS)
    heard, said = lips(late, 59)[9:], lips(speech, 50)
    assert (heard - said)[10:].std() < 0.3 * (heard[1:] - said[:-1])[10:].std()  # a frame late would be far off


def test_what_follows_long_after_counts_nothing(speech: Float32) -> None:
    long = np.concatenate([speech, np.zeros(50 * SAMPLES_PER_FRAME, np.float32), speech])
    lips = encoder(LIPS)
    heard, said = lips(long, 150), lips(speech, 50)
    assert (heard[:30] - said[:30]).std() < 0.15 * said.std()


def test_it_hears_how_far_mouths_open_that_it_never_saw(store: Path) -> None:
    opened = Store.open(store)
    found = []
    for row in opened.clips():
        heard = encode(opened.audio(row.clip_id), row.frames, LIPS)[:, 0]
        found.append(correlation(heard, opening(opened.landmarks(row.clip_id))))
    assert np.mean(found) > 0.2


def test_other_weights_are_another_encoder(tmp_path: Path) -> None:
    save_model(tmp_path / "other.safetensors", LipsNetworks(), {}, {}, torch.float16)
    assert LipsEncoder(tmp_path / "other.safetensors").fingerprint != encoder(LIPS).fingerprint
    with pytest.raises(ModelError):
        LipsEncoder(tmp_path / "none.safetensors")


def test_loudness_is_no_lips(speech: Float32) -> None:
    quiet, loud = (encode(speech * np.float32(gain), 50, LIPS) for gain in (0.1, 2.0))
    np.testing.assert_allclose(quiet, loud, atol=0.05)


def test_a_model_that_is_only_counted_leaves_the_encoder_able_to_hear() -> None:
    bundled_lips.cache_clear()
    with torch.device("meta"):
        encoder = bundled_lips()
    assert np.isfinite(encoder(np.zeros(640 * 3, np.float32), 3)).all()
