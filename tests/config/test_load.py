from pathlib import Path

import pytest
import yaml

from viseme.config import DdpmConfig, GanConfig, load_config, override, parse_config, preset_names
from viseme.config.schema import to_dict, to_yaml
from viseme.errors import ConfigError


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_survives_its_own_yaml(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    assert load_config(path) == config
    assert config.name == name


def test_kind_chooses_the_family() -> None:
    assert isinstance(load_config("tiny_ddpm"), DdpmConfig)
    assert isinstance(load_config("tiny_gan"), GanConfig)


def test_the_defaults_are_the_papers() -> None:
    config = DdpmConfig()
    assert (config.diffusion.steps, config.diffusion.prediction, config.loss.mouth_weight) == (250, "eps", 1.2)
    assert (config.training.learning_rate, config.sampling.steps) == (5e-5, 50)
    assert (config.model.base, config.model.multipliers, config.model.blocks) == (192, (1, 2, 3, 4), 3)


def test_overrides_reach_nested_fields_and_leave_the_rest() -> None:
    before = load_config("tiny_ddpm")
    after = override(before, ["training.steps=7", "model.multipliers=[1, 2]", "sampling.clamp=none", "name=mine"])
    assert (after.training.steps, after.name) == (7, "mine")
    assert isinstance(after, DdpmConfig)
    assert after.model.multipliers == (1, 2)
    assert after.sampling.clamp == "none"
    changed = to_dict(after)
    for section in ("audio", "data", "diffusion", "loss", "motion"):
        assert changed[section] == to_dict(before)[section]


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("training.stpes=3", "did you mean training.steps?"),
        ("training.steps", "write it as field=value"),
        ("training.steps=0", "training.steps: input should be greater than 0, got 0"),
        ("training.steps=many", "training.steps"),
        ("training.precision=8-bit", "training.precision"),
        ("sampling.steps=[", "not YAML"),
        ("model=3", "model"),
        ("training.steps.more=1", "no such field"),
    ],
)
def test_a_bad_override_is_one_clear_line(assignment: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny_ddpm", [assignment])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean tiny_ddpm"):
        load_config("tiny_dpm")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: ddpm\nsurprise: 1\n", "surprise: extra inputs are not permitted"),
        ("kind: flow\n", "kind"),
        ("name: x\n", "kind"),
        ("- a\n", "holds no fields"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_bad_file_is_one_clear_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "missing.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(binary)


def test_yaml_is_read_safely() -> None:
    with pytest.raises(ConfigError, match="not YAML"):
        load_config("tiny_ddpm", ["name=!!python/object/apply:os.getcwd []"])


def test_configurations_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_config("tiny_gan").training.steps = 3  # type: ignore[misc]


def test_parse_config_takes_what_to_dict_gives() -> None:
    config = load_config("tiny_gan")
    assert parse_config(yaml.safe_load(yaml.safe_dump(to_dict(config)))) == config
