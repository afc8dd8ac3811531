import importlib
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import viseme
from viseme.config import load_config
from viseme.errors import ConfigError
from viseme.training.boards import TensorBoard, WeightsAndBiases, gif, tag
from viseme.training.telling import boards, check_boards


def moving(count: int = 6, size: int = 16) -> np.ndarray:
    """Frames that grow brighter, uint8 `[T,S,S,3]`."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None] * 40, (count, size, size, 3)).copy()


def test_a_gif_holds_every_second_frame_at_the_true_speed() -> None:
    with Image.open(io.BytesIO(gif(moving()))) as picture:
        assert (picture.n_frames, picture.size, picture.info["duration"]) == (3, (16, 16), 80)
        for index in range(3):
            picture.seek(index)
            assert np.asarray(picture.convert("RGB")).mean() == pytest.approx(80 * index, abs=3)


def test_curves_pictures_and_videos_reach_tensorboard(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.scalars(5, "train", {"loss": 2.0})
    board.scalars(5, "rollout", {"psnr": 30.0})
    board.picture(5, moving()[0])
    board.video(5, tmp_path / "v.mp4", moving())
    board.close()
    accumulator: Any = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss/train", "rollout/psnr"}
    (point,) = events.Scalars("rollout/psnr")
    assert (point.step, point.value) == (5, 30.0)
    (video,) = events.Images("rollouts")
    assert (video.width, video.height) == (16, 16)
    with Image.open(io.BytesIO(video.encoded_image_string)) as picture:
        assert picture.format == "GIF"
    assert events.Images("samples")


def test_a_run_carried_on_hides_what_was_logged_past_its_checkpoint(tmp_path: Path) -> None:
    first = TensorBoard(tmp_path)
    for step in (1, 2, 3):
        first.scalars(step, "train", {"loss": float(step)})
    first.close()
    second = TensorBoard(tmp_path, from_step=1)
    second.scalars(2, "train", {"loss": 20.0})
    second.close()
    accumulator: Any = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    points = accumulator.EventAccumulator(str(tmp_path)).Reload().Scalars("loss/train")
    assert [(point.step, point.value) for point in points] == [(1, 1.0), (2, 20.0)]


def test_tags() -> None:
    assert (tag("train", "loss"), tag("rollout", "psnr")) == ("loss/train", "rollout/psnr")


class Stub:
    """A wandb that remembers what it was told."""

    def __init__(self, fails: str = "") -> None:
        self.begun: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.axes: list[tuple[str, str | None]] = []
        self.finished = 0
        self.fails = fails

    def init(self, **settings: Any) -> Any:
        if self.fails:
            raise RuntimeError(self.fails)
        self.begun.append(settings)

        def finish() -> None:
            self.finished += 1

        def define_metric(name: str, step_metric: str | None = None) -> None:
            self.axes.append((name, step_metric))

        return SimpleNamespace(log=self.logged.append, finish=finish, define_metric=define_metric)

    def Image(self, picture: np.ndarray) -> tuple[str, tuple[int, ...]]:
        return "picture", picture.shape

    def Video(self, path: str, format: str) -> tuple[str, str, str]:
        return "video", path, format


def test_wandb_is_told_everything_on_an_axis_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Stub()
    monkeypatch.setitem(sys.modules, "wandb", stub)
    board = WeightsAndBiases(tmp_path / "gan", {"kind": "gan"})
    board.scalars(5, "val", {"loss": 2.0})
    board.picture(5, moving()[0])
    board.video(5, tmp_path / "v.mp4", moving())
    board.close()
    assert stub.begun[0]["config"] == {"kind": "gan"}
    assert stub.begun[0]["dir"] == str(tmp_path / "gan")
    assert "mode" not in stub.begun[0], "WANDB_MODE decides"
    assert stub.axes == [("step", None), ("*", "step")]
    assert stub.logged == [
        {"step": 5, "loss/val": 2.0},
        {"step": 5, "samples": ("picture", (16, 16, 3))},
        {"step": 5, "rollouts": ("video", str(tmp_path / "v.mp4"), "mp4")},
    ]
    assert stub.finished == 1


def test_a_run_carried_on_keeps_its_name_at_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Stub()
    monkeypatch.setitem(sys.modules, "wandb", stub)
    for run in ("a", "a", "b"):
        WeightsAndBiases(tmp_path / run, {})
    ids = [settings["id"] for settings in stub.begun]
    assert ids[0] == ids[1] != ids[2]
    assert {settings["resume"] for settings in stub.begun} == {"allow"}


def test_wandb_that_is_not_installed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match="pip install wandb") as caught:
        WeightsAndBiases(tmp_path / "run", {})
    assert "\n" not in str(caught.value)


def test_a_run_that_asks_for_wandb_in_vain_leaves_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match="pip install wandb"):
        viseme.train("tiny_gan", store, tmp_path / "run", overrides=["training.logger=wandb", "model.width=4"])
    assert not (tmp_path / "run").exists()


def test_wandb_that_cannot_begin_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", Stub(fails="api_key not configured\n(no-tty)"))
    with pytest.raises(ConfigError, match=r"api_key not configured \(no-tty\).*WANDB_MODE=offline") as caught:
        WeightsAndBiases(tmp_path / "run", {})
    assert "\n" not in str(caught.value)


def test_the_configuration_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert boards(load_config("tiny_gan"), tmp_path) == []
    check_boards(load_config("tiny_gan"))
    wanted = load_config("tiny_gan", ["training.logger=wandb"])
    with pytest.raises(ConfigError, match="wandb"):
        boards(wanted, tmp_path)
    with pytest.raises(ConfigError, match="wandb"):
        check_boards(wanted)
    with pytest.raises(ConfigError, match="logger"):
        load_config("tiny_gan", ["training.logger=paper"])
