"""`viseme study` from the command line: a study cut down to its smallest, end to end."""

from __future__ import annotations

import pytest
import yaml

from viseme.files import write_json
from viseme.studies import drift, noise

ARGUMENTS = ("--scale", "toy", "--set", "data.size=32")


def ratios(model, data, out, count, seed):
    """Stands for a look at the network, which has tests of its own."""
    write_json(out, {"timesteps": [0], "mean": [1.0], "std": [0.0]})


def test_dry_run_prints_the_plan_and_writes_nothing(cli, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("study", "steps", "--data", store, "--dry-run", *ARGUMENTS)
    assert outcome.code == 0
    plan = yaml.safe_load(outcome.out)
    assert plan["steps"][0]["name"] == "train/model"
    assert "data.size=32" in plan["steps"][0]["arguments"]["overrides"]
    assert list(tmp_path.iterdir()) == []


def test_a_study_from_store_to_page(cli, store, tmp_path, monkeypatch):
    """Of two variants, of which one asks for a field that no model has."""
    broken = drift.Variant("broken", ("model.wings=true",))
    monkeypatch.setattr(drift, "VARIANTS", {"plain": drift.VARIANTS["plain"], "broken": broken})
    monkeypatch.setattr(drift, "CURE", "plain")
    monkeypatch.setattr(noise, "write_ratios", ratios)
    arguments = ("study", "drift", "--data", store, "--out", tmp_path / "study", *ARGUMENTS)
    outcome = cli(*arguments)
    assert outcome.code == 1
    assert "1 step failed" in outcome.line
    assert "train/broken" in outcome.line
    assert "train/plain: done" in outcome.out
    page = (tmp_path / "study/index.html").read_text(encoding="utf-8")
    assert "Not made, so not on this page: broken." in page
    assert "plain" in (tmp_path / "study/table.md").read_text(encoding="utf-8")
    again = cli(*arguments)
    assert again.code == 1
    assert "train/plain: kept" in again.out
    assert again.out.count(": done") == 1  # the page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["drifts", "--out", "o"], "there are bundled, controls"),
        (["drift"], "--out DIR is missing"),
        (["drift", "--out", "o", "--scale", "huge"], "scale"),
        (["drift", "--out", "o", "--set", "data.sise=3"], "data.size"),
    ],
)
def test_bad_input_is_one_line(cli, store, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    outcome = cli("study", *arguments, "--data", store)
    assert outcome.code == 2
    assert says in outcome.line
    assert list(tmp_path.iterdir()) == []


def test_no_store(cli, tmp_path):
    outcome = cli("study", "drift", "--data", tmp_path / "nowhere", "--out", tmp_path / "o")
    assert outcome.code == 2
    assert "not a store" in outcome.line


def test_a_printed_plan_can_be_changed_and_run(cli, store, tmp_path):
    printed = cli("study", "steps", "--data", store, "--dry-run", *ARGUMENTS)
    plan = yaml.safe_load(printed.out)
    assert plan["steps"][0]["cost"].startswith("about ")
    plan["steps"] = [step for step in plan["steps"] if step["name"] == "clips"]
    plan["steps"][0]["arguments"]["clips"] = 1
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    outcome = cli("study", "steps", "--data", store, "--plan", path, "--out", tmp_path / "study")
    assert outcome.code == 0
    assert "clips: done" in outcome.out
    refused = cli("study", "steps", "--data", store, "--plan", path, "--out", tmp_path / "o", "--set", "data.size=32")
    assert refused.code == 2
    assert "says all settings" in refused.line


@pytest.mark.slow
def test_the_paper_from_store_to_page(cli, store, tmp_path):
    arguments = ("study", "paper", "--data", store, "--out", tmp_path / "study", "--scale", "toy")
    outcome = cli(*arguments)
    assert outcome.code == 0
    text = (tmp_path / "study/index.html").read_text(encoding="utf-8")
    assert "Not here." not in text
    assert text.count("<figure") == 13
    assert len(list((tmp_path / "study/tables").glob("*.csv"))) == 6
    again = cli(*arguments)
    assert again.out.count(": done") == 1  # the page


def test_a_sweep_of_a_given_model(cli, store, runs, tmp_path):
    arguments = ("--data", store, "--out", tmp_path / "study", "--scale", "toy")
    outcome = cli("study", "sweep", *arguments, "--model", runs["ddpm"], "--grid", "sampling.steps=1,2")
    assert outcome.code == 0
    assert "train/" not in outcome.out
    table = (tmp_path / "study/table.md").read_text(encoding="utf-8")
    assert "| steps 1 |" in table
    assert "Frames a second" in table
    assert "fastest" in (tmp_path / "study/index.html").read_text(encoding="utf-8")
