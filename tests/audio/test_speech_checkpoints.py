"""Checkpoints of speech encoders: where they come from, what is refused, and what tells them apart."""

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
from viseme.audio.speech import DEFAULT_CHECKPOINTS, Kind, SpeechEncoder
from viseme.weights import PARTS


def test_half_precision_on_disk_is_float32_in_memory(copied: Path, noise: Callable[..., np.ndarray]) -> None:
    weights = {name: value.half() for name, value in load_file(copied / "model.safetensors").items()}
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    settings = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**settings, "dtype": "float16"}))
    encoder = SpeechEncoder("wav2vec2", str(copied))
    assert {value.dtype for value in encoder._network.parameters()} == {torch.float32}
    assert encoder(noise(2), 2).dtype == np.float32


def test_weights_in_several_files(folders: dict[str, Path], copied: Path, noise: Callable[..., np.ndarray]) -> None:
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


def test_a_checkpoint_that_is_absent_is_not_downloaded(
    hub: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
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


def test_a_hub_name_is_found_in_the_cache(
    hub: Path, folders: dict[str, Path], noise: Callable[..., np.ndarray]
) -> None:
    cached, commit = hub / "models--some--wav2vec2", "0" * 40
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    shutil.copytree(folders["wav2vec2"], cached / "snapshots" / commit)
    named, plain = SpeechEncoder("wav2vec2", "some/wav2vec2"), SpeechEncoder("wav2vec2", str(folders["wav2vec2"]))
    np.testing.assert_array_equal(named(noise(4), 4), plain(noise(4), 4))
    assert named.fingerprint == plain.fingerprint


def test_pickled_weights_are_refused_unopened(copied: Path, refused: Callable[..., str]) -> None:
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(b"\x80\x04 whatever")
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "pickled .pytorch_model.bin., which can run code")
    (copied / "pytorch_model.bin").unlink()
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "holds no model.safetensors; get the whole checkpoint")


def test_pickled_weights_are_converted_as_advised(
    folders: dict[str, Path],
    copied: Path,
    monkeypatch: pytest.MonkeyPatch,
    noise: Callable[..., np.ndarray],
    refused: Callable[..., str],
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
def test_a_checkpoint_of_another_family_is_refused_by_name(
    folders: dict[str, Path], kind: Kind, other: str, refused: Callable[..., str]
) -> None:
    refused(lambda: SpeechEncoder(kind, str(folders[other])), f"is a {other} checkpoint, not {kind}; give another")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_config_that_is_none_is_refused(copied: Path, text: str, refused: Callable[..., str]) -> None:
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
def test_a_config_that_does_not_fit_is_refused(
    copied: Path, changed: dict[str, Any], match: str, refused: Callable[..., str]
) -> None:
    settings = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**settings, **changed}))
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), match)


def test_code_that_a_checkpoint_names_is_not_asked_for(
    copied: Path, hub: Path, noise: Callable[..., np.ndarray]
) -> None:
    plain = SpeechEncoder("wav2vec2", str(copied))(noise(3), 3)
    settings = json.loads((copied / "config.json").read_text())
    hostile = {"auto_map": {"AutoModel": "evil.Model"}, "attn_implementation": "some/kernel", "custom_pipelines": {}}
    (copied / "config.json").write_text(json.dumps({**settings, **hostile}))
    (copied / "evil.py").write_text("raise SystemExit('was run')")
    (copied / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/other"}))
    np.testing.assert_array_equal(SpeechEncoder("wav2vec2", str(copied))(noise(3), 3), plain)


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_an_extractor_for_another_rate_is_refused(copied: Path, rate: int, refused: Callable[..., str]) -> None:
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(copied)
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), f"is for sound at {rate} Hz")


@pytest.mark.parametrize("changed", [{"chunk_length": 10}, {"feature_size": 128}, {"hop_length": 320}])
def test_a_whisper_on_another_grid_is_refused(
    folders: dict[str, Path], tmp_path: Path, changed: dict[str, int], refused: Callable[..., str]
) -> None:
    shutil.copytree(folders["whisper"], tmp_path / "whisper")
    transformers.WhisperFeatureExtractor(**changed).save_pretrained(tmp_path / "whisper")
    refused(lambda: SpeechEncoder("whisper", str(tmp_path / "whisper")), "does not give 50 vectors a second")


def test_weights_that_are_not_numbers_are_refused(copied: Path, refused: Callable[..., str]) -> None:
    weights = load_file(copied / "model.safetensors")
    weights["wav2vec2.encoder.layer_norm.bias"][3] = torch.nan
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "wav2vec2.encoder.layer_norm.bias is not finite")


def test_weights_cut_short_or_incomplete_are_refused(copied: Path, refused: Callable[..., str]) -> None:
    whole = (copied / "model.safetensors").read_bytes()
    for size in (0, 5, len(whole) // 2):
        (copied / "model.safetensors").write_bytes(whole[:size])
        refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "model.safetensors: is not a whole safetensors file")
    (copied / "model.safetensors").write_bytes(whole)
    weights = load_file(copied / "model.safetensors")
    del weights["wav2vec2.encoder.layer_norm.bias"]
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    refused(lambda: SpeechEncoder("wav2vec2", str(copied)), "weights lack encoder.layer_norm.bias .1 missing.")


def test_a_library_that_is_not_installed_is_named(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(lambda: SpeechEncoder("hubert", str(folders["hubert"])), "transformers is not installed; run `pip install")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused(lambda: SpeechEncoder("hubert", "some/name"), "huggingface_hub is not installed")


def test_transformers_is_imported_when_an_encoder_is_built() -> None:
    code = "import sys, viseme.audio.speech; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_digest_is_not_computed_twice(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(checkpoint, "sha256", lambda path: asked.append(path) or "0")
    for _ in range(2):
        checkpoint.digests(copied)
    assert len(asked) == len(set(asked)) == 3
