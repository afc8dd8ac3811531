import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import viseme
from viseme.errors import ConfigError, ModelError, OutputError, StoreError
from viseme.gan.objective import GanObjective
from viseme.nn.weights import read_model
from viseme.training.checkpoint import load_tree
from viseme.types import Batch

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


@pytest.mark.parametrize(
    ("preset", "fields"), [("tiny_gan", ()), ("tiny_ddpm", ()), ("tiny_ddpm", ("training.channels_last=true",))]
)
def test_a_run_cut_in_two_ends_like_one_never_cut(
    preset: str, fields: tuple[str, ...], store: Path, tmp_path: Path
) -> None:
    whole, cut, small = tmp_path / "whole", tmp_path / "cut", [*SMALL[preset], *fields]
    viseme.train(preset, store, whole, overrides=[*small, "training.steps=6"])
    first = viseme.train(preset, store, cut, overrides=[*small, "training.steps=3"])
    assert (first.first, first.steps) == (0, 3)
    second = viseme.train(preset, store, cut, overrides=[*small, "training.steps=6"], resume=True)
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


@pytest.mark.parametrize(
    ("preset", "number"),
    [
        ("tiny_gan", signal.SIGKILL),
        ("tiny_ddpm", signal.SIGTERM),
        pytest.param("tiny_gan", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("tiny_ddpm", signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
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


AGAIN = ("training.validate_every=25", "training.rollout_clips=0")


def killed(preset: str, store: Path, run: Path, *, times: int, steps: int, rng: random.Random) -> int:
    """Train a run to its end, ending its process at random; returns how often it was."""
    settings = [*SMALL[preset], *AGAIN, f"training.steps={steps}"]
    arguments = [sys.executable, "-c", PROGRAM, preset, str(store), str(run), *settings]
    kills = 0
    while True:
        before = newest(run)
        process = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
        # Wherever it is: while it begins, learns, validates or writes; but each time it gets a little further.
        while kills < times and newest(run) == before and process.poll() is None:
            time.sleep(0.01)
        if kills < times and process.poll() is None:
            time.sleep(rng.random() * 0.3)
            process.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            kills += 1
        process.wait(timeout=300)
        if json.loads((run / "run.json").read_text(encoding="utf-8"))["done"]:
            return kills


def newest(run: Path) -> str:
    return max((path.name for path in (run / "checkpoints").glob("step-*.safetensors")), default="")


@pytest.mark.parametrize(
    ("preset", "times", "steps"),
    [
        ("tiny_ddpm", 2, 60),
        pytest.param("tiny_ddpm", 20, 600, marks=pytest.mark.slow),
        pytest.param("tiny_gan", 20, 600, marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_again_and_again_ends_like_one_never_disturbed(
    preset: str, times: int, steps: int, store: Path, tmp_path: Path
) -> None:
    run, whole = tmp_path / "run", tmp_path / "undisturbed"
    assert killed(preset, store, run, times=times, steps=steps, rng=random.Random(0)) == times
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        viseme.train(preset, store, whole, overrides=[*SMALL[preset], *AGAIN, f"training.steps={steps}"])
    finally:
        torch.set_num_threads(threads)
    for name in ("model.safetensors", "best.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    last = f"step-{steps:06d}.safetensors"
    assert (run / "checkpoints" / last).read_bytes() == (whole / "checkpoints" / last).read_bytes()
    assert not list(run.rglob(".*.safetensors"))


def test_the_best_is_kept_and_patience_ends_the_run(store: Path, tmp_path: Path) -> None:
    # The moving average forgets its beginning slowly, and so a learning rate of next to nothing makes nothing better.
    still = [*SMALL["tiny_gan"], "training.learning_rate=1.0e-20", "training.validate_every=2", "training.patience=2"]
    report = viseme.train("tiny_gan", store, tmp_path / "run", overrides=[*still, "training.steps=40"])
    assert report.steps == 6
    about = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert about["best"] == {"by": "loss", "value": report.best.value, "step": 2, "since": 0}
    assert (about["step"], about["done"]) == (6, True)
    assert read_model(tmp_path / "run" / "best.safetensors").training["steps"] == 2
    again = viseme.train("tiny_gan", store, tmp_path / "run", overrides=[*still, "training.steps=40"], resume=True)
    assert (again.first, again.steps) == (6, 6)
    patient = [*still, "training.steps=8", "training.patience=0"]
    assert viseme.train("tiny_gan", store, tmp_path / "run", overrides=patient, resume=True).steps == 8


def test_an_unknown_scalar_to_choose_by_is_one_line(store: Path, tmp_path: Path) -> None:
    settings = [*SMALL["tiny_gan"], "training.steps=1", "training.best_by=lips"]
    with pytest.raises(ConfigError, match=r"best_by=lips: validation gives .*lip, .*rollout/psnr"):
        viseme.train("tiny_gan", store, tmp_path / "run", overrides=settings)


def test_a_store_that_changes_under_a_run_ends_it(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, run = tmp_path / "store", tmp_path / "run"
    shutil.copytree(store, own)
    step = GanObjective.step

    def changed(objective: GanObjective, batch: Batch, rng: torch.Generator) -> dict[str, torch.Tensor]:
        if (run / "checkpoints" / "step-000002.safetensors").exists():
            said = (own / "store.json").read_text(encoding="utf-8")
            (own / "store.json").write_text(said.replace('"seed": 0', '"seed": 1'), encoding="utf-8")
        return step(objective, batch, rng)

    monkeypatch.setattr(GanObjective, "step", changed)
    with pytest.raises(StoreError, match=r"was changed while .* the last checkpoint is step-00000\d;") as caught:
        viseme.train("tiny_gan", own, run, overrides=[*SMALL["tiny_gan"], "training.steps=20"])
    assert "\n" not in str(caught.value)
    assert newest(run) in ("step-000002.safetensors", "step-000004.safetensors")


def test_a_full_disk_ends_the_run_and_leaves_what_was_written(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = save_file

    def full(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        if "step-000004" in str(path):
            Path(path).write_bytes(b"half")
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        written(tensors, path, metadata)

    monkeypatch.setattr("viseme.nn.weights.save_file", full)
    with pytest.raises(OutputError, match=r"step-000004.safetensors: no room left on the disk"):
        viseme.train("tiny_gan", store, tmp_path / "run", overrides=[*SMALL["tiny_gan"], "training.steps=20"])
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000002.safetensors"]
    assert load_tree(tmp_path / "run" / "checkpoints" / "step-000002.safetensors")[1]["step"] == 2


@pytest.mark.parametrize(
    "field", [pytest.param("compile", marks=pytest.mark.slow), "channels_last", "checkpoint_activations"]
)
def test_how_it_is_computed_changes_no_more_than_rounding(field: str, store: Path, tmp_path: Path) -> None:
    if field == "compile" and not shutil.which("g++"):
        pytest.skip("torch.compile needs a compiler")
    plain = [*SMALL["tiny_ddpm"], "training.steps=3", "training.precision=32-true", "training.validate_every=99"]
    viseme.train("tiny_ddpm", store, tmp_path / "plain", overrides=plain)
    viseme.train("tiny_ddpm", store, tmp_path / "other", overrides=[*plain, f"training.{field}=true"])
    exact = {"rtol": 0, "atol": 0} if field == "checkpoint_activations" else {"rtol": 0, "atol": 1e-3}
    torch.testing.assert_close(weights(tmp_path / "other"), weights(tmp_path / "plain"), **exact)


def test_activations_of_a_gan_are_not_recomputed() -> None:
    with pytest.raises(ConfigError, match="belongs to the U-Net"):
        viseme.load_config("tiny_gan", ["training.checkpoint_activations=true"])


def test_a_run_is_not_overwritten(runs: dict[str, Path], store: Path) -> None:
    with pytest.raises(OutputError, match="--resume"):
        viseme.train("tiny_gan", store, runs["gan"])
    with pytest.raises(ConfigError, match="other settings"):
        viseme.train("tiny_gan", store, runs["gan"], resume=True)
