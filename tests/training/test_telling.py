import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import viseme
from viseme.data.store import Store
from viseme.training.loggers import Curves
from viseme.training.run import RunFolder
from viseme.training.telling import KEPT_VIDEOS, ClipScores, Rolled, show


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


@pytest.fixture
def curves(folder: RunFolder):
    made = Curves(folder.metrics, folder.tensorboard, 0)
    yield made
    made.close()


def roll(_synthesizer: object, path: Path, rng: torch.Generator) -> Rolled:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"video")
    psnr = {"psnr": float(rng.initial_seed())}
    return Rolled(
        psnr, (ClipScores("s1_a", "s1", 3, psnr),), np.zeros((8, 32, 3), np.uint8), np.zeros((4, 8, 8, 3), np.uint8)
    )


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_rollouts_are_logged_drawn_and_filmed(folder: RunFolder, curves: Curves, store: Path) -> None:
    found = show(curves, folder, 200, None, Store.open(store), roll, seeded())  # type: ignore[arg-type]
    assert found == {"psnr": 7.0}
    (line,) = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert (line["step"], line["split"], line["psnr"]) == (200, "rollout", 7.0)
    assert line["seconds"] >= 0
    with Image.open(folder.sample(200)) as picture:
        assert picture.size == (32, 8)
    assert json.loads(folder.sample(200).with_suffix(".json").read_text()) == [
        {"clip_id": "s1_a", "actor": "s1", "frames": 3, "values": {"psnr": 7.0}}
    ]


def test_the_newest_videos_are_kept_and_all_pictures(folder: RunFolder, curves: Curves, store: Path) -> None:
    for done in range(1, KEPT_VIDEOS + 4):
        show(curves, folder, done, None, Store.open(store), roll, seeded())  # type: ignore[arg-type]
    names = sorted(path.name for path in folder.sample(0).parent.iterdir())
    assert [name for name in names if name.endswith("mp4")] == [
        f"step-{done:06d}.mp4" for done in range(4, KEPT_VIDEOS + 4)
    ]
    assert sum(name.endswith("png") for name in names) == KEPT_VIDEOS + 3


def test_without_rollouts_a_sheet_alone(folder: RunFolder, curves: Curves, store: Path) -> None:
    frozen = viseme.load_model("control:frozen", data=store, size=32)
    assert show(curves, folder, 200, frozen, Store.open(store), None, seeded()) == {}
    assert folder.metrics.read_text() == ""
    with Image.open(folder.sample(200)) as picture:
        sheet = np.asarray(picture)
    made = sheet[32:64].reshape(32, 8, 32, 3).swapaxes(0, 1)
    assert (made == made[:1]).all(), "a frozen face is the same at all times"
    assert sorted(path.suffix for path in folder.sample(0).parent.iterdir()) == [".png"]


def test_rollouts_leave_training_alone(store: Path, tmp_path: Path) -> None:
    small = ["training.steps=3", "training.batch_size=2", "training.validation_batches=1", "training.validate_every=1"]
    small += ["model.base=8", "model.blocks=1", "model.dropout=0.2", "sampling.steps=2", "training.rollout_frames=4"]
    for clips in (0, 1):
        with torch.random.fork_rng():
            viseme.train(
                "tiny_ddpm", store, tmp_path / str(clips), overrides=[*small, f"training.rollout_clips={clips}"]
            )
    assert not list((tmp_path / "0").rglob("*.mp4"))
    assert len(list((tmp_path / "1").rglob("*.mp4"))) == 3
    alone, with_rollouts = (load_file(tmp_path / clips / "model.safetensors") for clips in "01")
    for name, weights in alone.items():
        assert torch.equal(weights, with_rollouts[name]), name
