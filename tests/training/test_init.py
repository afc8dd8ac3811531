"""A run that begins from another's weights: they are loaded once, before the first step, and recorded."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import viseme
from viseme.errors import ConfigError
from viseme.files import sha256
from viseme.inspection import inspect
from viseme.nn.weights import read_model

STEPS = [
    "training.batch_size=2",
    "training.validation_batches=1",
    "training.rollout_clips=0",
    "training.precision=32-true",
    "training.ema=0",
    "training.warmup_steps=0",
    "training.decay_steps=0",
]
STILL = "training.learning_rate=1.0e-20"
SMALL = {
    "gan": [*STEPS, "model.width=8", "model.max_width=32"],
    "ddpm": [*STEPS, "model.base=32", "model.blocks=1", "sampling.steps=2"],
}
"""The architectures of the runs that all tests share, at a pace that changes no weight."""


@pytest.fixture(scope="module")
def large_store(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared corpus at 128 pixels."""
    folder = tmp_path_factory.mktemp("large") / "store"
    viseme.prepare("synthetic", corpus, folder, size=128, test_actors=["a003"], jobs=1)
    return folder


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_a_run_begins_from_anothers_weights_and_says_so(
    kind: str, store: Path, runs: dict[str, Path], tmp_path: Path
) -> None:
    begin = [*SMALL[kind], STILL, f"training.init={runs[kind]}", "training.steps=1"]
    viseme.train(f"tiny_{kind}", store, tmp_path / "run", overrides=begin)
    torch.testing.assert_close(weights(tmp_path / "run"), weights(runs[kind]), rtol=0, atol=1e-12)
    origin = {"name": runs[kind].name, "sha256": sha256(runs[kind] / "model.safetensors"), "growth": 1}
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["init"] == origin
    assert read_model(tmp_path / "run" / "model.safetensors").training["init"] == origin
    assert inspect(tmp_path / "run").facts["begun from"] == f"{runs[kind].name} ({origin['sha256'][:12]})"


def test_a_run_that_begins_from_nothing_names_nothing(runs: dict[str, Path]) -> None:
    assert "init" not in json.loads((runs["ddpm"] / "run.json").read_text(encoding="utf-8"))
    assert "init" not in read_model(runs["ddpm"] / "model.safetensors").training
    assert inspect(runs["ddpm"]).facts["begun from"] is None


def test_a_resumed_run_does_not_begin_again(store: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    """It carries on to the same bytes where the weights that it began from have gone, and still names them."""
    begun_from = tmp_path / "base.safetensors"
    begun_from.write_bytes((runs["ddpm"] / "model.safetensors").read_bytes())
    settings = [*SMALL["ddpm"], f"training.init={begun_from}"]
    viseme.train("tiny_ddpm", store, tmp_path / "whole", overrides=[*settings, "training.steps=4"])
    viseme.train("tiny_ddpm", store, tmp_path / "cut", overrides=[*settings, "training.steps=2"])
    begun_from.unlink()
    report = viseme.train("tiny_ddpm", store, tmp_path / "cut", overrides=[*settings, "training.steps=4"], resume=True)
    assert report.first == 2
    files = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert files[0] == files[1]
    with pytest.raises(ConfigError, match=r"training.init was .*base.safetensors, now $"):
        viseme.train("tiny_ddpm", store, tmp_path / "cut", overrides=[*SMALL["ddpm"], "training.steps=4"], resume=True)


def test_a_run_killed_before_its_first_checkpoint_begins_there_again(
    store: Path, runs: dict[str, Path], tmp_path: Path
) -> None:
    settings = [*SMALL["ddpm"], f"training.init={runs['ddpm']}", "training.steps=2"]
    viseme.train("tiny_ddpm", store, tmp_path / "whole", overrides=settings)
    viseme.train("tiny_ddpm", store, tmp_path / "cut", overrides=settings)
    for path in (tmp_path / "cut" / "checkpoints").iterdir():
        path.unlink()
    report = viseme.train("tiny_ddpm", store, tmp_path / "cut", overrides=settings, resume=True)
    assert report.first == 0
    files = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("overrides", "growth"), [([], 1), (["model.patch=4", "diffusion.shift=2"], 2)], ids=["paper", "grown"]
)
def test_a_model_of_64_pixels_is_carried_on_at_128(
    overrides: list[str], growth: int, large_store: Path, runs: dict[str, Path], tmp_path: Path
) -> None:
    large = [*SMALL["ddpm"], "data.size=128", *overrides]
    report = viseme.train(
        "tiny_ddpm",
        large_store,
        tmp_path / "run",
        overrides=[*large, f"training.init={runs['ddpm']}", "training.steps=1"],
    )
    about = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert about["init"]["growth"] == growth
    viseme.generate(tmp_path / "run", data=large_store, out=tmp_path / "videos", limit=1)
    assert viseme.inspect(tmp_path / "videos").facts["size"] == 128
    assert report.validation["loss"] > 0
