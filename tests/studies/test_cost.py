"""What is said of the cost of a plan."""

from __future__ import annotations

import pytest

from viseme.errors import ConfigError
from viseme.studies import cost
from viseme.studies.catalogue import study_plan
from viseme.studies.plan import Given, Plan, Step
from viseme.studies.scale import rollout_steps, run_step

SMALL = ("data.size=32", "model.base=32", "model.blocks=1", "training.batch_size=2", "training.steps=7200")


@pytest.fixture
def planned(store):
    """A plan of a training, a rollout of two clips of nine frames, and its scores."""
    clips = {"data": "<data>", "split": "test", "clips": 2, "size": 32, "frames": 10}
    steps = [
        Step("clips", "viseme.studies.stores.few_clips", "store", clips),
        run_step("a", "tiny_ddpm", SMALL),
        *rollout_steps("a", "<train/a>", "<clips>", 0, "test", ["psnr"], overrides=["sampling.steps=4"]),
    ]
    return Plan("try", {}, {"data": Given(str(store), "f")}, tuple(steps))


def test_costs_follow_from_what_was_timed(planned, monkeypatch):
    monkeypatch.setattr(cost, "pace", lambda objective, config, store: 0.5)
    monkeypatch.setattr(cost, "_frame", lambda config, clips: 0.25 * config.sampling.steps * clips)
    monkeypatch.setattr(cost._Clock, "_scored", lambda clock, metrics: 0.5)
    found = cost.costs(planned)
    assert found == {
        "train/a": "about 60 min (7\N{NARROW NO-BREAK SPACE}200 steps of 0.50 s)",
        "generate/a": "about 18 s (2 clips of 9 frames)",
        "evaluate/a": "about 9 s (18 frames)",
    }


def test_work_is_timed_in_earnest(planned):
    found = cost.costs(planned)
    assert set(found) == {"train/a", "generate/a", "evaluate/a"}
    assert all(line.startswith("about ") for line in found.values())


def test_each_kind_of_work_is_timed_once(store, monkeypatch):
    asked = []
    monkeypatch.setattr(cost, "pace", lambda objective, config, store: asked.append(config) or 0.5)
    monkeypatch.setattr(cost, "build_objective", lambda config: None)
    steps = tuple(run_step(name, "tiny_ddpm", [*SMALL, f"training.seed={seed}"]) for seed, name in enumerate("abc"))
    cost.costs(Plan("try", {}, {"data": Given(str(store), "f")}, steps))
    assert len(asked) == 1


def test_what_does_not_fit_or_is_not_here_is_said(planned, store, monkeypatch):
    monkeypatch.setattr(cost, "available_memory", lambda: 2**20)
    monkeypatch.setattr(cost, "_frame", lambda config, clips: 1.0)
    monkeypatch.setattr(cost._Clock, "_scored", lambda clock, metrics: 1.0)
    assert cost.costs(planned)["train/a"].startswith("not known: training holds ")
    monkeypatch.setattr(cost, "here", lambda part: None)
    full = study_plan("paper", store, scale="full")
    only = Plan("paper", {}, full.given, tuple(step for step in full.steps if step.name == "train/gan"))
    with pytest.raises(ConfigError, match="needs train/ddpm"):
        Plan("paper", {}, full.given, tuple(step for step in full.steps if step.name == "train/finetune"))
    assert cost.costs(only) == {"train/gan": "left out: sda and resnet18 not here"}


@pytest.mark.parametrize(
    ("seconds", "says"), [(0.2, "about 1 s"), (80, "about 80 s"), (600, "about 10 min"), (9000, "about 2.5 h")]
)
def test_durations(seconds, says):
    assert cost._duration(seconds) == says
