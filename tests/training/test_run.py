import json
from pathlib import Path

import pytest

from viseme.config import load_config
from viseme.errors import ConfigError, OutputError
from viseme.training.loggers import Curves
from viseme.training.run import RunFolder, differences

AUDIO = "mel of this version"
STORE = {"name": "store", "fingerprint": "abc", "corpus": "grid"}


def test_a_run_is_begun_once_and_carried_on_by_will(tmp_path: Path) -> None:
    folder, config = RunFolder(tmp_path / "run"), load_config("tiny_gan")
    folder.begin(config, STORE, AUDIO, resume=True)  # nothing there yet: begin
    assert load_config(folder.config) == config
    with pytest.raises(OutputError, match="--resume"):
        folder.begin(config, STORE, AUDIO, resume=False)
    folder.begin(config, STORE, AUDIO, resume=True)


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(load_config("tiny_gan"), STORE, AUDIO, resume=False)
    with pytest.raises(ConfigError, match=r"training.batch_size was 12, now 7"):
        folder.begin(load_config("tiny_gan", ["training.batch_size=7"]), STORE, AUDIO, resume=True)
    with pytest.raises(ConfigError, match="store was store, now other"):
        folder.begin(load_config("tiny_gan"), {"name": "other", "fingerprint": "def"}, AUDIO, resume=True)


def test_a_longer_run_may_carry_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(load_config("tiny_gan"), STORE, AUDIO, resume=False)
    longer = load_config("tiny_gan", ["training.steps=99999", "training.checkpoint_every=7"])
    folder.begin(longer, STORE, AUDIO, resume=True)
    assert load_config(folder.config) == longer


def test_what_a_kill_left_half_written_goes_when_the_run_is_carried_on(tmp_path: Path) -> None:
    folder, config = RunFolder(tmp_path / "run"), load_config("tiny_gan")
    folder.begin(config, STORE, AUDIO, resume=False)
    folder.checkpoint(2).parent.mkdir()
    halves = [
        folder.path / ".model.1234abcd.safetensors",
        folder.checkpoint(4).with_name(".step-000004.ab.safetensors"),
    ]
    for path in (*halves, folder.checkpoint(2), folder.model):
        path.touch()
    folder.begin(config, STORE, AUDIO, resume=True)
    assert not any(path.exists() for path in halves)
    assert folder.checkpoint(2).exists()
    assert folder.model.exists()


def test_what_is_said_of_a_run_adds_up(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.last() == "there is no checkpoint yet"
    folder.say(step=3)
    folder.say(done=True, best={"step": 2})
    assert folder.read_about() == {"step": 3, "done": True, "best": {"step": 2}}
    folder.checkpoint(3).parent.mkdir()
    folder.checkpoint(3).touch()
    assert folder.last() == "the last checkpoint is step-000003"


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="ascii")
    with pytest.raises(OutputError, match="is not empty and holds no run"):
        RunFolder(tmp_path).begin(load_config("tiny_gan"), STORE, AUDIO, resume=False)
    with pytest.raises(OutputError, match="is not empty and holds no run"):
        RunFolder(tmp_path / "thesis.tex").begin(load_config("tiny_gan"), STORE, AUDIO, resume=False)


def test_differences_are_named_by_their_dotted_names() -> None:
    before = {"kind": "gan", "training": {"steps": 3, "seed": 1}, "model": {"width": 2}}
    after = {"kind": "ddpm", "training": {"steps": 9, "seed": 2}, "model": {"width": 2, "extra": 1}}
    assert differences(before, after) == [
        "kind was gan, now ddpm",
        "model.extra was None, now 1",
        "training.seed was 1, now 2",
    ]


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (200, 1000, 400, 600):
        folder.checkpoint(step).parent.mkdir(exist_ok=True)
        folder.checkpoint(step).touch()
    (tmp_path / "checkpoints" / ".step-000800.abc.safetensors").touch()  # left by a kill
    folder.forget_old_checkpoints(2)
    assert [path.stem for path in folder.checkpoints()] == ["step-000600", "step-001000"]


def test_curves_drop_what_was_logged_past_the_resumed_step(tmp_path: Path) -> None:
    lines = tmp_path / "metrics.jsonl"
    lines.write_text('{"step": 1, "split": "train"}\n{"step": 2, "split": "train"}\n{"step": 3, "spl', encoding="ascii")
    curves = Curves(lines, tmp_path / "tensorboard", from_step=1)
    curves.log(2, "train", {"loss": 0.5})
    curves.close()
    kept, logged = (json.loads(line) for line in lines.read_text(encoding="ascii").splitlines())
    assert kept == {"step": 1, "split": "train"}
    assert 0 <= logged.pop("seconds") < 60
    assert logged == {"step": 2, "split": "train", "loss": 0.5}
