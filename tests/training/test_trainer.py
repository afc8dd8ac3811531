import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import viseme
from viseme.errors import ConfigError, ModelError, OutputError
from viseme.nn.weights import read_model
from viseme.training.checkpoint import load_tree

TINY = [
    "training.batch_size=2",
    "training.validation_batches=1",
    "training.rollout_frames=9",
    "training.checkpoint_every=2",
    "training.log_every=1",
    "training.decay_steps=0",
]
SMALL = {
    "tiny_gan": [
        *TINY,
        "model.width=4",
        "model.max_width=8",
        "model.hidden=8",
        "discriminator.width=4",
        "loss.adversary_from=1",
    ],
    "tiny_ddpm": [*TINY, "model.base=8", "model.blocks=1", "model.dropout=0.1", "sampling.steps=2"],
}


@pytest.fixture(autouse=True)
def own_random_state() -> Iterator[None]:
    with torch.random.fork_rng():
        yield


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


@pytest.mark.parametrize("preset", ["tiny_gan", "tiny_ddpm"])
def test_a_run_cut_in_two_ends_like_one_never_cut(preset: str, store: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    viseme.train(preset, store, whole, overrides=[*SMALL[preset], "training.steps=6"])
    first = viseme.train(preset, store, cut, overrides=[*SMALL[preset], "training.steps=3"])
    assert (first.first, first.steps) == (0, 3)
    second = viseme.train(preset, store, cut, overrides=[*SMALL[preset], "training.steps=6"], resume=True)
    assert (second.first, second.steps) == (3, 6)
    for name, value in weights(whole).items():
        assert torch.equal(weights(cut)[name], value), name
    trees = [load_tree(run / "checkpoints" / "step-000006.safetensors")[0] for run in (whole, cut)]
    for name in trees[0]["objective"]:
        assert str(trees[0]["objective"][name]) == str(trees[1]["objective"][name])


PROGRAM = """
import sys
import viseme
viseme.train(sys.argv[1], sys.argv[2], sys.argv[3], overrides=sys.argv[4:], resume=True)
"""


@pytest.mark.parametrize("preset", ["tiny_gan", "tiny_ddpm"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_carries_on_to_the_same_weights(
    preset: str, number: signal.Signals, store: Path, tmp_path: Path
) -> None:
    settings = [*SMALL[preset], "training.steps=400", "training.checkpoint_every=2", "training.validate_every=400"]
    arguments = [sys.executable, "-c", PROGRAM, preset, str(store), str(tmp_path / "run"), *settings]
    process = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "checkpoints" / "step-000004.safetensors").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    process.wait(timeout=60)
    steps = [int(path.stem[5:]) for path in (tmp_path / "run" / "checkpoints").glob("step-*.safetensors")]
    last = max(steps)
    assert 4 <= last < 400
    goal = f"training.steps={last + 5}"
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        resumed = viseme.train(preset, store, tmp_path / "run", overrides=[*settings, goal], resume=True)
        viseme.train(preset, store, tmp_path / "undisturbed", overrides=[*settings, goal])
    finally:
        torch.set_num_threads(threads)
    assert resumed.first == last
    for name, value in weights(tmp_path / "undisturbed").items():
        assert torch.equal(weights(tmp_path / "run")[name], value), name


def test_what_a_run_leaves_behind(runs: dict[str, Path]) -> None:
    run = runs["ddpm"]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["split"] for line in lines} == {"train", "val", "rollout"}
    assert {"l1", "ssim", "mouth_correlation_raw"} <= lines[-1].keys()
    assert (run / "samples" / "step-000002.mp4").stat().st_size > 1000
    assert lines[-1]["step"] == 2
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["done"] is True
    assert list((run / "tensorboard").iterdir())
    with Image.open(run / "samples" / "step-000002.png") as picture:
        assert picture.size == (8 * 64, 4 * 64) or picture.size == (8 * 64, 2 * 64)
    training = read_model(run / "model.safetensors").training
    assert training["steps"] == 2
    assert "a003" not in training["actors"]
    assert training["viseme"] == viseme.__version__


def test_the_same_seed_gives_the_same_file_and_another_does_not(store: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        viseme.train(
            "tiny_gan",
            store,
            tmp_path / name,
            overrides=[*SMALL["tiny_gan"], "training.steps=2", f"training.seed={seed}"],
        )
    contents = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_a_loss_that_is_no_longer_finite_stops_the_run_with_one_line(store: Path, tmp_path: Path) -> None:
    wild = [*SMALL["tiny_ddpm"], "training.steps=40", "training.learning_rate=1e30", "training.warmup_steps=0"]
    with pytest.raises(ModelError, match=r"no longer finite at step \d+.*learning_rate lower") as caught:
        viseme.train("tiny_ddpm", store, tmp_path / "run", overrides=wild)
    assert "\n" not in str(caught.value)


def test_a_run_is_not_overwritten(runs: dict[str, Path], store: Path) -> None:
    with pytest.raises(OutputError, match="--resume"):
        viseme.train("tiny_gan", store, runs["gan"])
    with pytest.raises(ConfigError, match="other settings"):
        viseme.train("tiny_gan", store, runs["gan"], resume=True)
