"""Features of speech encoders against transformers alone, and the clock they keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from viseme.audio.speech import CORE, MARGIN, Kind, SpeechEncoder

FRAME = 640
HIDDEN, LAYERS = 16, 3
"""Of the checkpoints of the fixture."""
KINDS: tuple[Kind, ...] = ("wav2vec2", "hubert", "whisper")
VARIANTS = {"wav2vec2": "wav2vec2", "hubert": "hubert", "whisper": "whisper", "large": "wav2vec2"}
"""Folders of the fixture, and their kinds."""


def states(name: str, folder: Path, sound: np.ndarray, layer: int | None = None) -> np.ndarray:
    """Pairs of vectors from transformers alone, the sound padded as the encoder says."""
    t: Any = transformers
    if name == "whisper":
        model, extractor = t.WhisperModel.from_pretrained(folder).encoder, t.WhisperFeatureExtractor()
        padded = np.concatenate([np.zeros(160, np.float32), sound])
        values = extractor(padded, sampling_rate=16_000, return_tensors="pt")["input_features"]
        first = 1
    else:
        model = t.AutoModel.from_pretrained(folder)
        level = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        values, first = torch.from_numpy(np.pad(level, 40).astype(np.float32))[None], 0
    with torch.no_grad():
        output = model.eval()(values, output_hidden_states=True)
    chosen = output.last_hidden_state if layer is None else output.hidden_states[layer]
    rows = chosen[0].numpy()[first:][: 2 * (len(sound) // FRAME)]
    return rows.reshape(-1, 2 * HIDDEN)


@pytest.mark.parametrize("frames", [1, 2, 25, 61])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_short_sound_is_what_transformers_says(
    folders: dict[str, Path], name: str, frames: int, noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder(VARIANTS[name], str(folders[name]))  # type: ignore[arg-type]
    sound = noise(frames)
    features = encoder(sound, frames)
    assert features.shape == (frames, encoder.width) == (frames, 2 * HIDDEN)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, states(name, folders[name], sound), atol=1e-4)
    np.testing.assert_array_equal(features, encoder(sound, frames))


@pytest.mark.parametrize("layer", range(LAYERS))
@pytest.mark.parametrize("name", VARIANTS)
def test_a_layer_within_is_what_transformers_says(
    folders: dict[str, Path], name: str, layer: int, noise: Callable[..., np.ndarray]
) -> None:
    sound = noise(9)
    features = SpeechEncoder(VARIANTS[name], str(folders[name]), layer)(sound, 9)  # type: ignore[arg-type]
    np.testing.assert_allclose(features, states(name, folders[name], sound, layer), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_layer_is_the_one_meant_by_none(
    folders: dict[str, Path], kind: Kind, noise: Callable[..., np.ndarray], refused: Callable[..., str]
) -> None:
    last, none = SpeechEncoder(kind, str(folders[kind]), LAYERS), SpeechEncoder(kind, str(folders[kind]))
    np.testing.assert_array_equal(last(noise(5), 5), none(noise(5), 5))
    assert last.fingerprint == none.fingerprint
    refused(lambda: SpeechEncoder(kind, str(folders[kind]), LAYERS + 1), "has no layer 4; give one from 0 to 3")
    refused(lambda: SpeechEncoder(kind, str(folders[kind]), -1), "has no layer -1")


@pytest.mark.parametrize("layer", [0, None])
@pytest.mark.parametrize("name", VARIANTS)
def test_an_impulse_is_heard_in_its_frame(
    folders: dict[str, Path], name: str, layer: int | None, noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder(VARIANTS[name], str(folders[name]), layer)  # type: ignore[arg-type]
    for frames in (40, 41):
        sound = noise(frames)
        quiet = encoder(sound, frames)
        for t in (0, 1, frames // 2, frames - 2, frames - 1):
            struck = sound.copy()
            struck[FRAME * t + FRAME // 2] += 1
            change = np.linalg.norm(encoder(struck, frames) - quiet, axis=1)
            assert abs(int(change.argmax()) - t) <= 1, (frames, t)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_each_vector_is_centred_on_its_half_of_the_frame(
    folders: dict[str, Path], kind: Kind, half: int, noise: Callable[..., np.ndarray]
) -> None:
    """What a vector of the convolutions hears of the sound lies evenly around its half's middle."""
    front = SpeechEncoder(kind, str(folders[kind]))._front
    network, frames, t = front.network, 12, 6
    sound = torch.from_numpy(noise(frames)).requires_grad_()
    if kind == "whisper":
        spectrum = torch.stft(
            torch.nn.functional.pad(sound, (160, 200)), 400, 160, window=torch.hann_window(400), return_complex=True
        ).abs()
        columns = torch.einsum("bf,ft->bt", torch.ones(80, 201), spectrum)[None]
        vectors = network.conv2(network.conv1(columns))[0].T
    else:
        layers = network.feature_extractor.conv_layers
        vectors = torch.nn.functional.pad(sound, (40, 40))[None, None]
        for layer in layers:  # without the norm over time, through which every vector hears everything
            vectors = layer.conv(vectors)
        vectors = vectors[0].T
        assert len(vectors) == 2 * frames
    vectors[front.first + 2 * t + half].square().sum().backward()
    assert sound.grad is not None
    heard = np.flatnonzero(sound.grad.numpy())
    middle = (heard[0] + heard[-1] + 1) / 2
    assert middle == pytest.approx(FRAME * t + FRAME / 4 + half * FRAME / 2, abs=2)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_silence_and_what_is_beyond_is_not_heard(
    folders: dict[str, Path], kind: Kind, noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder(kind, str(folders[kind]))
    sound = noise(7)[:-300]
    silent_end = np.pad(sound, (0, 300))
    np.testing.assert_array_equal(encoder(sound, 7), encoder(silent_end, 7))
    np.testing.assert_array_equal(encoder(noise(7), 3), encoder(noise(7)[: 3 * FRAME], 3))
    np.testing.assert_array_equal(encoder(np.zeros(0, np.float32), 3), encoder(np.zeros(3 * FRAME, np.float32), 3))
    for frames in (0, 1, 2):
        features = encoder(noise(2)[:800], frames)  # 50 ms
        assert features.shape == (frames, encoder.width)
        assert np.isfinite(features).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_piece_is_whole_and_one_frame_more_is_not(
    folders: dict[str, Path], kind: Kind, noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder(kind, str(folders[kind]))
    whole = encoder.whole
    assert whole == (749 if kind == "whisper" else 750)
    sound = noise(whole)
    np.testing.assert_allclose(encoder(sound, whole), states(kind, folders[kind], sound), atol=1e-4)
    longer = encoder(noise(whole + 1), whole + 1)
    assert longer.shape == (whole + 1, encoder.width)
    assert np.abs(longer[:whole] - encoder(noise(whole + 1)[: whole * FRAME], whole)).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sound_is_defined_by_windows(
    folders: dict[str, Path], kind: Kind, noise: Callable[..., np.ndarray]
) -> None:
    """Each window, cut by hand from a sound of zero mean and unit variance, gives its 20 s."""
    encoder = SpeechEncoder(kind, str(folders[kind]))
    frames = 2 * CORE + 30
    sound = noise(frames)
    features = encoder(sound, frames)
    level = encoder._front.level(sound)
    for start in range(0, frames, CORE):
        first, stop = max(0, start - MARGIN), min(frames, start + CORE + MARGIN)
        assert stop - first <= encoder.whole
        heard = level[first * FRAME : stop * FRAME]
        alone = encoder._states(encoder._front.prepare(heard)).numpy()[encoder._front.first :]
        alone = alone[: 2 * (stop - first)].reshape(stop - first, -1)
        np.testing.assert_array_equal(
            features[start : start + CORE], alone[start - first :][: min(CORE, frames - start)]
        )


def test_one_piece_is_never_longer_than_thirty_seconds(
    folders: dict[str, Path], noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    lengths: list[int] = []
    encoder._network.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[-1]))
    encoder(noise(3000), 3000)
    assert len(lengths) == 6
    assert max(lengths) == (CORE + 2 * MARGIN) * FRAME + 80


def test_gain_does_not_matter_where_the_extractor_normalises(
    folders: dict[str, Path], noise: Callable[..., np.ndarray]
) -> None:
    encoder = SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    np.testing.assert_allclose(encoder(3 * noise(9) + 0.1, 9), encoder(noise(9), 9), atol=1e-3)


def test_the_checkpoints_own_extractor_decides_on_normalisation(copied: Path, noise: Callable[..., np.ndarray]) -> None:
    normalised = SpeechEncoder("wav2vec2", str(copied))
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(copied)
    plain = SpeechEncoder("wav2vec2", str(copied))
    np.testing.assert_array_equal(plain._front.level(noise(3)), noise(3))
    level = normalised._front.level(noise(3))
    assert level.mean() == pytest.approx(0, abs=1e-5)
    assert level.std() == pytest.approx(1, abs=1e-3)
    assert plain.fingerprint != normalised.fingerprint
    (copied / "preprocessor_config.json").unlink()
    np.testing.assert_array_equal(SpeechEncoder("wav2vec2", str(copied))._front.level(noise(3)), level)


def test_no_dropout_no_masking_and_nothing_drawn(folders: dict[str, Path], noise: Callable[..., np.ndarray]) -> None:
    before = torch.get_rng_state()
    for kind in KINDS:
        encoder = SpeechEncoder(kind, str(folders[kind]))
        encoder(noise(30), 30)
        assert not any(module.training for module in encoder._network.modules())
        assert not any(value.requires_grad for value in encoder._network.parameters())
        assert {value.dtype for value in encoder._network.parameters()} == {torch.float32}
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_silent_and_leaves_the_library_as_talkative_as_it_was(
    folders: dict[str, Path], capfd: pytest.CaptureFixture[str], noise: Callable[..., np.ndarray]
) -> None:
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    capfd.readouterr()
    for kind in KINDS:
        SpeechEncoder(kind, str(folders[kind]))(noise(2), 2)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (verbosity, bars)
