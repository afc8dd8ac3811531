"""`viseme presets` from the command line."""

from __future__ import annotations

import json

import pytest
import yaml


def test_lists_presets_with_their_parameters(cli):
    known = {row["name"]: row for row in json.loads(cli("presets", "--json").out)}
    assert known["tiny_gan"]["kind"] == "gan"
    assert known["tiny_ddpm"]["kind"] == "ddpm"
    assert known["tiny_ddpm"]["parameters"] > 1e6
    table = cli("presets").out
    assert f"{known['tiny_ddpm']['parameters'] / 1e6:.2f} M" in table


def test_prints_one_as_yaml_that_can_be_trained(cli, tmp_path):
    text = cli("presets", "tiny_gan", "--set", "training.steps=77").out
    assert yaml.safe_load(text)["training"]["steps"] == 77
    (tmp_path / "mine.yaml").write_text(text)
    assert yaml.safe_load(cli("train", tmp_path / "mine.yaml", "--dry-run").out) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("name", "millions"), [("ddpm_64", 294.17), ("ddpm_128", 426.78), ("ddpm_128_landmarks", 469.95)]
)
def test_the_papers_models_have_the_papers_parameters(cli, name, millions):
    """Table 1 of the paper: 294 and 470 million."""
    text = cli("presets", name).out
    beside = ", and 0.46 M of the landmark regressor" if name == "ddpm_128_landmarks" else ""
    assert text.splitlines()[0] == f"# {name}: {millions} M parameters{beside}"
    assert yaml.safe_load(text)["name"] == name


def test_a_preset_whose_encoder_is_not_here_is_printed_uncounted(cli, tmp_path):
    outcome = cli("presets", "ddpm_64", "--set", "audio.kind=hubert", "--set", f"audio.checkpoint={tmp_path}")
    assert outcome.code == 0
    assert "parameters not counted" in outcome.out.splitlines()[0]
    assert yaml.safe_load(outcome.out)["audio"]["kind"] == "hubert"


def test_unknown_preset_and_field(cli):
    for arguments, says in (
        (("presets", "tiny_gna"), "tiny_gan"),
        (("presets", "tiny_gan", "--set", "training.step=3"), "training.steps"),
        (("presets", "tiny_gan", "--set", "training.steps=-3"), "training.steps"),
        (("presets", "--set", "training.steps=3"), "NAME"),
    ):
        outcome = cli(*arguments)
        assert outcome.code == 2
        assert says in outcome.line
