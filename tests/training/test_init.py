"""A run that begins from another's weights: they are loaded once, before the first step, and recorded."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import viseme
from viseme.errors import ConfigError, ModelError
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


@pytest.fixture(scope="module")
def base(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at 32 pixels."""
    run = tmp_path_factory.mktemp("runs") / "base"
    viseme.train("tiny_ddpm", store, run, overrides=[*SMALL["ddpm"], "data.size=32", "training.steps=1"])
    return run


@pytest.mark.parametrize(
    ("overrides", "growth"), [([], 1), (["model.patch=4", "diffusion.shift=2"], 2)], ids=["paper", "grown"]
)
def test_a_model_is_carried_on_at_twice_its_size(
    overrides: list[str], growth: int, store: Path, base: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    large = [*SMALL["ddpm"], "data.size=64", *overrides, f"training.init={base}", "training.steps=1"]
    report = viseme.train("tiny_ddpm", store, run, overrides=large)
    assert math.isfinite(report.validation["loss"])
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["init"]["growth"] == growth
    viseme.generate(run, data=store, out=tmp_path / "videos", limit=1)
    assert inspect(tmp_path / "videos").facts["size"] == 64


def test_growing_that_does_not_fit_is_one_line_and_leaves_nothing(store: Path, base: Path, tmp_path: Path) -> None:
    settings = [*SMALL["ddpm"], "model.patch=4", "data.size=32", f"training.init={base}"]
    with pytest.raises(ModelError, match=r"model.patch=2 at data.size=32, and the run 4 at 32"):
        viseme.train("tiny_ddpm", store, tmp_path / "run", overrides=settings)
    assert list(tmp_path.iterdir()) == []
