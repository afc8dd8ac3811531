from pathlib import Path

import numpy as np
import pytest
import torch

from viseme.config import load_config
from viseme.errors import ConfigError, ModelError
from viseme.families import (
    build_network,
    bundled_models,
    count_parameters,
    load_synthesizer,
    model_path,
)
from viseme.files import sha256
from viseme.types import Conditioning, Synthesizer


@pytest.mark.parametrize("preset", ["tiny_ddpm", "tiny_gan"])
def test_parameters_are_counted_without_making_them(preset: str) -> None:
    config = load_config(preset)
    assert count_parameters(config) == sum(p.numel() for p in build_network(config).parameters())


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_a_run_loads_from_its_folder_and_from_its_file(kind: str, runs: dict[str, Path]) -> None:
    run = runs[kind]
    for source in (run, run / "model.safetensors", str(run)):
        model = load_synthesizer(source)
        assert isinstance(model, Synthesizer)
        assert (model.name, model.size) == (f"tiny_{kind}", 64)
    assert model.fingerprint == sha256(run / "model.safetensors")


def test_sampling_can_be_overridden(runs: dict[str, Path]) -> None:
    assert load_synthesizer(runs["ddpm"], ["sampling.steps=7"]).config.sampling.steps == 7  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="no such field"):
        load_synthesizer(runs["ddpm"], ["sampling.speed=7"])


def test_an_override_of_the_network_does_not_fit_the_weights(runs: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="another architecture"):
        load_synthesizer(runs["ddpm"], ["model.base=64"])


@pytest.mark.parametrize("name", ["talk_gan", "talk_ddpm", "talk_ddpm_fast"])
def test_a_bundled_model_makes_frames(name: str) -> None:
    assert name in bundled_models()
    assert model_path(name).stat().st_size < 20e6
    model = load_synthesizer(name)
    identity = np.full((64, 64, 3), 128, np.uint8)
    features = model.encode(np.zeros(640 * 4, np.float32), 4)
    frames = list(model.synthesize([Conditioning(identity, features)], torch.Generator().manual_seed(0)))
    assert [frame.shape for frame in frames] == [(1, 64, 64, 3)] * 3


def test_what_is_no_model_is_one_clear_line(tmp_path: Path) -> None:
    for given, says in (
        (tmp_path, "holds no model.safetensors yet"),
        (tmp_path / "gone.safetensors", "no such file"),
        ("nonsense", "no such model; give a run folder"),
    ):
        with pytest.raises(ModelError, match=says) as caught:
            load_synthesizer(given)
        assert "\n" not in str(caught.value)
