"""`viseme train` from the command line."""

from __future__ import annotations

import shutil

import pytest
import yaml

from viseme.errors import VisemeError

SMALL = [
    f"--set={field}"
    for field in (
        "training.batch_size=2",
        "training.validation_batches=1",
        "training.precision=32-true",
        "training.checkpoint_every=1",
        "model.width=8",
        "model.max_width=32",
    )
]


def test_dry_run_prints_the_configuration_and_writes_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("train", "tiny_ddpm", "--data", "nowhere", "--out", "run", "--set", "training.steps=200", "--dry-run")
    assert outcome.code == 0
    assert yaml.safe_load(outcome.out)["training"]["steps"] == 200
    # 7,316,940 float32 numbers, their gradients, AdamW's two moments of each, and their moving average
    head = ["# tiny_ddpm: 7.32 M parameters", "# in training: 0.14 GiB besides activations"]
    assert outcome.out.splitlines()[:2] == head
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_ends_with_the_same_weights(cli, store, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    arguments = ("train", "tiny_gan", "--data", store, *SMALL)
    assert cli(*arguments, "--out", whole, "--set", "training.steps=3").code == 0
    assert cli(*arguments, "--out", halves, "--set", "training.steps=2").code == 0
    refused = cli(*arguments, "--out", halves, "--set", "training.steps=3")
    assert refused.code == 2
    assert "--resume" in refused.line
    outcome = cli(*arguments, "--out", halves, "--set", "training.steps=3", "--resume")
    assert outcome.code == 0
    assert outcome.out.startswith(f"{halves}: ")
    assert (halves / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tiny_gna", "--data", "s", "--out", "r"], "no such preset"),
        (["tiny_gan", "--data", "s", "--out", "r", "--set", "training.step=1"], "training.steps"),
        (["tiny_gan", "--data", "s", "--out", "r", "--set", "training.steps"], "field=value"),
        (["tiny_gan", "--data", "nowhere", "--out", "r"], "not a store"),
        (["tiny_gan", "--out", "r"], "--data STORE is missing"),
        (["tiny_gan", "--data", "s"], "--out RUN is missing"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(cli, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    outcome = cli("train", *arguments)
    assert outcome.code == 2
    assert says in outcome.line
    assert list(tmp_path.iterdir()) == []


def test_init_is_short_for_its_field(cli):
    outcome = cli("train", "tiny_ddpm", "--init", "runs/64: the first", "--dry-run")
    assert yaml.safe_load(outcome.out)["training"]["init"] == "runs/64: the first"


def test_a_model_that_cannot_be_begun_from_is_one_line_and_leaves_nothing(cli, store, runs, tmp_path):
    for preset, model, says in (
        ("tiny_ddpm", "nothing", "no such model"),
        ("tiny_ddpm", runs["gan"], "is a gan, and a ddpm cannot begin from it"),
        ("tiny_gan", runs["gan"], "another architecture"),
    ):
        outcome = cli("train", preset, "--data", store, "--out", tmp_path / "run", "--init", model)
        assert outcome.code == 2
        assert says in outcome.line
        assert list(tmp_path.iterdir()) == []


def test_store_of_another_version(cli, store, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(store, old)
    text = (old / "store.json").read_text()
    (old / "store.json").write_text(text.replace('"schema": 1', '"schema": 0'))
    outcome = cli("train", "tiny_gan", "--data", old, "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "schema 0" in outcome.line


def test_a_folder_of_something_else_is_left_alone(cli, store, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    outcome = cli("train", "tiny_gan", "--data", store, "--out", tmp_path)
    assert outcome.code == VisemeError.exit_code
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
