from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from viseme.audio import checkpoint, speech
from viseme.audio.speech import CORE, DEFAULT_CHECKPOINTS, MARGIN, Kind, SpeechEncoder
from viseme.errors import InputError
from viseme.weights import PARTS

FRAME = 640
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
KINDS: tuple[Kind, ...] = ("wav2vec2", "hubert", "whisper")
VARIANTS = {"wav2vec2": "wav2vec2", "hubert": "hubert", "whisper": "whisper", "large": "wav2vec2"}
"""Folders of the fixture, and their kinds."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny random checkpoints with the heads that the published ones have."""
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


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, frames * FRAME).astype(np.float32)


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


def refused(call: Callable[[], object], match: str) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(InputError, match=match) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("frames", [1, 2, 25, 61])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_short_sound_is_what_transformers_says(folders: dict[str, Path], name: str, frames: int) -> None:
    encoder = SpeechEncoder(VARIANTS[name], str(folders[name]))  # type: ignore[arg-type]
    sound = noise(frames)
    features = encoder(sound, frames)
    assert features.shape == (frames, encoder.width) == (frames, 2 * HIDDEN)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, states(name, folders[name], sound), atol=1e-4)
    np.testing.assert_array_equal(features, encoder(sound, frames))


@pytest.mark.parametrize("layer", range(LAYERS))
@pytest.mark.parametrize("name", VARIANTS)
def test_a_layer_within_is_what_transformers_says(folders: dict[str, Path], name: str, layer: int) -> None:
    sound = noise(9)
    features = SpeechEncoder(VARIANTS[name], str(folders[name]), layer)(sound, 9)  # type: ignore[arg-type]
    np.testing.assert_allclose(features, states(name, folders[name], sound, layer), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_layer_is_the_one_meant_by_none(folders: dict[str, Path], kind: Kind) -> None:
    last, none = SpeechEncoder(kind, str(folders[kind]), LAYERS), SpeechEncoder(kind, str(folders[kind]))
    np.testing.assert_array_equal(last(noise(5), 5), none(noise(5), 5))
    assert last.fingerprint == none.fingerprint
    refused(lambda: SpeechEncoder(kind, str(folders[kind]), LAYERS + 1), "has no layer 4; give one from 0 to 3")
    refused(lambda: SpeechEncoder(kind, str(folders[kind]), -1), "has no layer -1")


@pytest.mark.parametrize("layer", [0, None])
@pytest.mark.parametrize("name", VARIANTS)
def test_an_impulse_is_heard_in_its_frame(folders: dict[str, Path], name: str, layer: int | None) -> None:
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
def test_each_vector_is_centred_on_its_half_of_the_frame(folders: dict[str, Path], kind: Kind, half: int) -> None:
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
def test_what_is_missing_is_silence_and_what_is_beyond_is_not_heard(folders: dict[str, Path], kind: Kind) -> None:
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
def test_the_longest_piece_is_whole_and_one_frame_more_is_not(folders: dict[str, Path], kind: Kind) -> None:
    encoder = SpeechEncoder(kind, str(folders[kind]))
    whole = encoder.whole
    assert whole == (749 if kind == "whisper" else 750)
    sound = noise(whole)
    np.testing.assert_allclose(encoder(sound, whole), states(kind, folders[kind], sound), atol=1e-4)
    longer = encoder(noise(whole + 1), whole + 1)
    assert longer.shape == (whole + 1, encoder.width)
    assert np.abs(longer[:whole] - encoder(noise(whole + 1)[: whole * FRAME], whole)).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sound_is_defined_by_windows(folders: dict[str, Path], kind: Kind) -> None:
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


def test_one_piece_is_never_longer_than_thirty_seconds(folders: dict[str, Path]) -> None:
    encoder = SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    lengths: list[int] = []
    encoder._network.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[-1]))
    encoder(noise(3000), 3000)
    assert len(lengths) == 6
    assert max(lengths) == (CORE + 2 * MARGIN) * FRAME + 80


def test_gain_does_not_matter_where_the_extractor_normalises(folders: dict[str, Path]) -> None:
    encoder = SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    np.testing.assert_allclose(encoder(3 * noise(9) + 0.1, 9), encoder(noise(9), 9), atol=1e-3)


def test_the_checkpoints_own_extractor_decides_on_normalisation(copied: Path) -> None:
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


def test_no_dropout_no_masking_and_nothing_drawn(folders: dict[str, Path]) -> None:
    before = torch.get_rng_state()
    for kind in KINDS:
        encoder = SpeechEncoder(kind, str(folders[kind]))
        encoder(noise(30), 30)
        assert not any(module.training for module in encoder._network.modules())
        assert not any(value.requires_grad for value in encoder._network.parameters())
        assert {value.dtype for value in encoder._network.parameters()} == {torch.float32}
    assert torch.equal(torch.get_rng_state(), before)


def test_half_precision_on_disk_is_float32_in_memory(copied: Path) -> None:
    weights = {name: value.half() for name, value in load_file(copied / "model.safetensors").items()}
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    settings = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**settings, "dtype": "float16"}))
    encoder = SpeechEncoder("wav2vec2", str(copied))
    assert {value.dtype for value in encoder._network.parameters()} == {torch.float32}
    assert encoder(noise(2), 2).dtype == np.float32


def test_weights_in_several_files(folders: dict[str, Path], copied: Path) -> None:
    weights = sorted(load_file(copied / "model.safetensors").items())
    (copied / "model.safetensors").unlink()
    for part, some in enumerate((weights[:20], weights[20:])):
        save_file(dict(some), copied / f"model-{part + 1:05}-of-00002.safetensors", {"format": "pt"})
    whole, parts = SpeechEncoder("wav2vec2", str(folders["wav2vec2"])), SpeechEncoder("wav2vec2", str(copied))
    np.testing.assert_array_equal(whole(noise(4), 4), parts(noise(4), 4))


def test_the_fingerprint_is_of_all_that_the_features_depend_on(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prints = [SpeechEncoder("wav2vec2", str(copied)).fingerprint]
    assert prints[0] == SpeechEncoder("wav2vec2", str(copied)).fingerprint
    prints.append(SpeechEncoder("wav2vec2", str(copied), 1).fingerprint)
    weights = load_file(copied / "model.safetensors")
    weights["wav2vec2.encoder.layer_norm.bias"] += 1
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    prints.append(SpeechEncoder("wav2vec2", str(copied)).fingerprint)
    settings = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**settings, "layer_norm_eps": 0.1}))
    prints.append(SpeechEncoder("wav2vec2", str(copied)).fingerprint)
    monkeypatch.setattr(speech, "_VERSION", 99)
    prints.append(SpeechEncoder("wav2vec2", str(copied)).fingerprint)
    assert len(set(prints)) == 5
    assert all(len(value) == 64 for value in prints)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and a network that nobody may touch."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    return tmp_path / "hub"


def test_a_checkpoint_that_is_absent_is_not_downloaded(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, name in DEFAULT_CHECKPOINTS.items():
        line = refused(lambda kind=kind, name=name: SpeechEncoder(kind, name), f"{name}: is not on this disk")  # type: ignore[misc]
        command = f"viseme weights {kind}" if kind in PARTS else f"hf download {name}"
        assert f"run `{command}`, or do without by `--set audio.kind=mel`" in line
    monkeypatch.setitem(PARTS, "wav2vec2", PARTS["syncnet"])
    refused(lambda: SpeechEncoder("wav2vec2", DEFAULT_CHECKPOINTS["wav2vec2"]), "run `viseme weights wav2vec2`")
    refused(lambda: SpeechEncoder("wav2vec2", "some/other"), "run `hf download some/other`")
    refused(lambda: SpeechEncoder("wav2vec2", "./no/such/folder"), "no such folder, and no name of the hub")
    refused(lambda: SpeechEncoder("wav2vec2", ""), "no such folder|holds no|has no readable")
    assert not hub.exists()


def test_a_hub_name_is_found_in_the_cache(hub: Path, folders: dict[str, Path]) -> None:
    cached, commit = hub / "models--some--wav2vec2", "0" * 40
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    shutil.copytree(folders["wav2vec2"], cached / "snapshots" / commit)
    named, plain = SpeechEncoder("wav2vec2", "some/wav2vec2"), SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    np.testing.assert_array_equal(named(noise(4), 4), plain(noise(4), 4))
    assert named.fingerprint == plain.fingerprint


def test_pickled_weights_are_refused_unopened(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(b"\x80\x04 whatever")
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "pickled .pytorch_model.bin., which can run code")
    (copied / "pytorch_model.bin").unlink()
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "holds no model.safetensors; get the whole checkpoint")


def test_pickled_weights_are_converted_as_advised(
    folders: dict[str, Path], copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(load_file(copied / "model.safetensors"), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    line = refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "if you trust them, run")
    monkeypatch.chdir(copied.parent)
    exec(line.split('`python -c "')[1].split('"`')[0])
    shutil.copy(copied / "preprocessor_config.json", "NEW")
    converted, plain = SpeechEncoder("wav2vec2", "NEW"), SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    np.testing.assert_array_equal(converted(noise(4), 4), plain(noise(4), 4))


@pytest.mark.parametrize(("kind", "other"), [("hubert", "wav2vec2"), ("wav2vec2", "whisper"), ("whisper", "hubert")])
def test_a_checkpoint_of_another_family_is_refused_by_name(folders: dict[str, Path], kind: Kind, other: str) -> None:
    refused(lambda: SpeechEncoder(kind, str(folders[other])), f"is a {other} checkpoint, not {kind}; give another")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_config_that_is_none_is_refused(copied: Path, text: str) -> None:
    (copied / "config.json").write_text(text)
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "no readable config.json with a model_type")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"hidden_size": 24}, "transformers cannot build it"),
        ({"hidden_size": "wide"}, "transformers cannot build it"),
        ({"conv_stride": [5, 2, 2, 2, 2, 2, 1]}, "does not give 50 vectors a second"),
        ({"conv_kernel": [10, 3, 3]}, "transformers cannot build it"),
        ({"quantization_config": {"quant_method": "gptq"}}, "its weights are quantised"),
        ({"num_hidden_layers": 5}, "its weights lack encoder.layers.3"),
        ({"add_adapter": True}, "its weights lack adapter"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(copied: Path, changed: dict[str, Any], match: str) -> None:
    settings = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**settings, **changed}))
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), match)


def test_code_that_a_checkpoint_names_is_not_asked_for(copied: Path, hub: Path) -> None:
    plain = SpeechEncoder("wav2vec2", str(copied))(noise(3), 3)
    settings = json.loads((copied / "config.json").read_text())
    hostile = {"auto_map": {"AutoModel": "evil.Model"}, "attn_implementation": "some/kernel", "custom_pipelines": {}}
    (copied / "config.json").write_text(json.dumps({**settings, **hostile}))
    (copied / "evil.py").write_text("raise SystemExit('was run')")
    (copied / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/other"}))
    np.testing.assert_array_equal(SpeechEncoder("wav2vec2", str(copied))(noise(3), 3), plain)


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_an_extractor_for_another_rate_is_refused(copied: Path, rate: int) -> None:
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(copied)
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), f"is for sound at {rate} Hz")


@pytest.mark.parametrize("changed", [{"chunk_length": 10}, {"feature_size": 128}, {"hop_length": 320}])
def test_a_whisper_on_another_grid_is_refused(
    folders: dict[str, Path], tmp_path: Path, changed: dict[str, int]
) -> None:
    shutil.copytree(folders["whisper"], tmp_path / "whisper")
    transformers.WhisperFeatureExtractor(**changed).save_pretrained(tmp_path / "whisper")
    refused(lambda: SpeechEncoder("whisper", str(tmp_path / "whisper")), "does not give 50 vectors a second")


def test_weights_that_are_not_numbers_are_refused(copied: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    weights["wav2vec2.encoder.layer_norm.bias"][3] = torch.nan
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "wav2vec2.encoder.layer_norm.bias is not finite")


def test_weights_cut_short_or_incomplete_are_refused(copied: Path) -> None:
    whole = (copied / "model.safetensors").read_bytes()
    for size in (0, 5, len(whole) // 2):
        (copied / "model.safetensors").write_bytes(whole[:size])
        refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "model.safetensors: is not a whole safetensors file")
    (copied / "model.safetensors").write_bytes(whole)
    weights = load_file(copied / "model.safetensors")
    del weights["wav2vec2.encoder.layer_norm.bias"]
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "weights lack encoder.layer_norm.bias .1 missing.")


def test_a_library_that_is_not_installed_is_named(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(lambda: SpeechEncoder("hubert", str(folders["hubert"])), "transformers is not installed; run `pip install")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused(lambda: SpeechEncoder("hubert", "some/name"), "huggingface_hub is not installed")


def test_it_is_silent_and_leaves_the_library_as_talkative_as_it_was(
    folders: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    capfd.readouterr()
    for kind in KINDS:
        SpeechEncoder(kind, str(folders[kind]))(noise(2), 2)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (verbosity, bars)


def test_transformers_is_imported_when_an_encoder_is_built() -> None:
    code = "import sys, viseme.audio.speech; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_digest_is_not_computed_twice(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(checkpoint, "sha256", lambda path: asked.append(path) or "0")
    for _ in range(2):
        checkpoint.digests(copied)
    assert len(asked) == len(set(asked)) == 3
