from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import viseme
from viseme.audio.features import encode, encoder
from viseme.audio.sda import SdaNetwork
from viseme.config.sections import AudioConfig
from viseme.data import encoded
from viseme.data.encoded import EncodedClips
from viseme.data.store import Store
from viseme.errors import ConfigError, ModelError
from viseme.families import load_synthesizer

SMALL = [
    "audio.kind=sda", "training.steps=2", "training.batch_size=2", "training.decay_steps=0", "model.base=8",
    "model.blocks=1", "sampling.steps=1",
]  # fmt: skip


def weights(path: Path, seed: int) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = {k: v for k, v in SdaNetwork().state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, path)
    return path


@pytest.fixture
def sda(tmp_path: Path) -> AudioConfig:
    return AudioConfig(kind="sda", checkpoint=str(weights(tmp_path / "sda.safetensors", 0)))


@pytest.fixture
def own(store: Path, tmp_path: Path) -> Store:
    """The store under a path of its own, so that its features can be looked at."""
    folder = tmp_path / "store"
    folder.mkdir()
    for entry in store.iterdir():
        if entry.name != "features":
            (folder / entry.name).symlink_to(entry)
    return Store.open(folder)


def test_features_are_computed_once_and_kept(own: Store, sda: AudioConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = own.clips("train")[:3]
    first = EncodedClips(own, rows, sda)
    folder = own.path / "features" / f"sda-{encoder(sda).fingerprint[:16]}"
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{row.clip_id}.npy" for row in rows)
    expected = encode(own.audio(rows[1].clip_id), rows[1].frames, sda)
    np.testing.assert_array_equal(first.features(rows[1]), expected)
    monkeypatch.setattr(encoded, "encode", None)  # a second run computes nothing
    np.testing.assert_array_equal(EncodedClips(own, rows, sda).features(rows[1]), expected)


def test_damaged_features_are_computed_again(own: Store, sda: AudioConfig) -> None:
    row = own.clips("train")[0]
    expected = np.array(EncodedClips(own, [row], sda).features(row))
    file = next((own.path / "features").rglob("*.npy"))
    for damage in (b"", file.read_bytes()[:200], b"\x93NUMPY rubbish"):
        file.write_bytes(damage)
        np.testing.assert_array_equal(EncodedClips(own, [row], sda).features(row), expected)
    np.save(file, expected[:, :7])  # of another encoder
    np.testing.assert_array_equal(EncodedClips(own, [row], sda).features(row), expected)


def test_a_store_that_cannot_be_written_is_kept_elsewhere(own: Store, sda: AudioConfig, cache: Path) -> None:
    (own.path / "features").write_text("in the way", encoding="ascii")
    row = own.clips("train")[0]
    EncodedClips(own, [row], sda)
    assert list((cache / "features" / own.fingerprint[:16]).rglob(f"{row.clip_id}.npy"))


def test_mel_stays_in_memory(own: Store) -> None:
    row = own.clips("train")[0]
    clips = EncodedClips(own, [row], AudioConfig())
    assert clips.features(row) is clips.features(row)
    assert not (own.path / "features").exists()


def test_a_run_knows_its_encoder_and_refuses_another(own: Store, sda: AudioConfig, tmp_path: Path) -> None:
    run, other = tmp_path / "run", weights(tmp_path / "other.safetensors", 1)
    mine = [*SMALL, f"audio.checkpoint={sda.checkpoint}"]
    viseme.train("tiny_ddpm", own.path, run, overrides=mine)
    assert load_synthesizer(run).encode(np.zeros(6400, np.float32), 10).shape == (10, 5 * 256)
    with pytest.raises(ModelError, match=r"trained on features of another sda encoder; name its weights with --set"):
        load_synthesizer(run, [f"audio.checkpoint={other}"])
    Path(sda.checkpoint).rename(tmp_path / "moved.safetensors")
    load_synthesizer(run, [f"audio.checkpoint={tmp_path / 'moved.safetensors'}"])
    weights(Path(sda.checkpoint), 1)
    encoder.cache_clear()
    with pytest.raises(ConfigError, match="the audio encoder's weights are others"):
        viseme.train("tiny_ddpm", own.path, run, overrides=[*mine, "training.steps=4"], resume=True)


@pytest.mark.parametrize("preset", ["tiny_gan", "tiny_ddpm"])
def test_a_learned_encoder_trains_with_the_model(store: Path, preset: str, tmp_path: Path) -> None:
    small = [*SMALL[1:4], "audio.kind=learned"]
    small += ["model.base=8", "model.blocks=1"] if preset == "tiny_ddpm" else ["model.width=4", "loss.adversary_from=0"]
    viseme.train(preset, store, tmp_path / "run", overrides=small)
    network = load_synthesizer(tmp_path / "run").network
    moved = [p for name, p in network.named_parameters() if name.startswith("listener.")]
    assert len(moved) == 20
    first = viseme.load_model(tmp_path / "run").encode(np.zeros(6400, np.float32), 10)
    assert first.shape == (10, 5 * 160)  # mel: what is learned is part of the network
