import json
import os
from pathlib import Path

import pytest

from viseme.config import load_config
from viseme.config.schema import to_yaml
from viseme.errors import ConfigError
from viseme.training.run import RunFolder
from viseme.training.state import panels, read_state

ROWS = [
    {"step": 10, "split": "train", "seconds": 5.0, "loss": 2.0, "lip": 0.4},
    {"step": 20, "split": "train", "seconds": 10.0, "loss": 1.0, "lip": 0.3},
    {"step": 20, "split": "val", "seconds": 12.0, "loss": 1.5},
    {"step": 20, "split": "rollout", "seconds": 15.0, "psnr": 28.0},
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path)
    made.config.write_text(to_yaml(load_config("tiny_gan", ["training.steps=120"])))
    made.metrics.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    os.utime(made.metrics, (1000, 1000))
    return made


def test_a_run_that_logs_is_running_and_knows_its_time_left(folder: RunFolder) -> None:
    found = read_state(folder, now=1030)
    assert (found.state, found.step) == ("running", 20)
    assert found.history.pace == pytest.approx(0.5)
    assert found.left == pytest.approx(50)


def test_a_silent_run_has_stopped_and_one_that_says_so_is_done(folder: RunFolder) -> None:
    assert read_state(folder, now=2000).state == "stopped"
    folder.about.write_text(json.dumps({"step": 120, "done": True}))
    found = read_state(folder, now=1030)
    assert (found.state, found.step, found.left) == ("done", 120, None)


def test_the_best_validation_is_told_where_the_run_names_it(folder: RunFolder) -> None:
    assert read_state(folder).best == ""
    folder.about.write_text(json.dumps({"best": {"name": "lip", "step": 20, "value": 0.123456789}}))
    assert read_state(folder).best == "step 20: lip 0.12346"
    for odd in ("step 20", {"step": 3}, None, [1]):
        folder.about.write_text(json.dumps({"best": odd}))
        assert read_state(folder).best == ""


@pytest.mark.parametrize("about", ["", "{", "[]", '{"step": "many"}'])
def test_a_damaged_run_json_costs_its_own_facts_alone(about: str, folder: RunFolder) -> None:
    folder.about.write_text(about)
    assert read_state(folder, now=1030).step == 20


def test_a_run_that_has_logged_nothing(folder: RunFolder) -> None:
    folder.metrics.unlink()
    found = read_state(folder)
    assert (found.state, found.step, found.left, found.pictures) == ("stopped", 0, None, ())
    assert panels(found.history) == []


def test_a_damaged_configuration_is_one_line(folder: RunFolder) -> None:
    folder.config.write_text("kind: [")
    with pytest.raises(ConfigError) as caught:
        read_state(folder)
    assert "\n" not in str(caught.value)


def test_samples_newest_first(folder: RunFolder) -> None:
    for step in (20, 40):
        folder.sample(step).parent.mkdir(exist_ok=True)
        folder.sample(step).touch()
    folder.sample(40).with_suffix(".mp4").touch()
    found = read_state(folder)
    assert [path.name for path in found.pictures] == ["step-000040.png", "step-000020.png"]
    assert [path.name for path in found.videos] == ["step-000040.mp4"]


def test_train_and_val_share_a_panel_and_rollouts_have_their_own(folder: RunFolder) -> None:
    found = panels(read_state(folder).history)
    assert [(panel.title, [curve.split for curve in panel.curves]) for panel in found] == [
        ("loss", ["train", "val"]),
        ("lip", ["train"]),
        ("rollout psnr", ["rollout"]),
    ]
