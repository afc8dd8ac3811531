"""`viseme presets` from the command line."""

from __future__ import annotations

import json

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
    assert cli("train", tmp_path / "mine.yaml", "--dry-run").out == text


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
