from __future__ import annotations

import pytest

from viseme.config import load_config
from viseme.errors import ConfigError, StoreError
from viseme.studies.catalogue import STUDIES, study_plan
from viseme.studies.plan import called
from viseme.studies.scale import SCALES


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_a_plan_at_every_scale(store, study, scale):
    plan = study_plan(study, store, scale=scale, seed=3)
    assert plan.steps[-1].makes == "index.html"
    assert plan.steps[-1].gathers
    assert all(callable(called(step.call)) for step in plan.steps)
    trainings = [step for step in plan.steps if step.call == "viseme.train"]
    assert bool(trainings) == (study != "bundled")
    assert all(step.arguments["resume"] for step in trainings)
    assert all("training.seed=3" in step.arguments["overrides"] for step in trainings)


@pytest.mark.parametrize("study", [study for study in STUDIES if study != "bundled"])
def test_overrides_go_to_every_training(store, study):
    plan = study_plan(study, store, overrides=["training.ema=0.5"])
    for step in plan.steps:
        if step.call == "viseme.train":
            assert "training.ema=0.5" in step.arguments["overrides"]


def test_the_models_of_the_plain_recipes_can_be_trained(store):
    for study, name in (("drift", "train/plain"), ("steps", "train/model"), ("finetune", "train/small")):
        arguments = study_plan(study, store).step[name].arguments
        config = load_config(arguments["preset"], arguments["overrides"])
        scale = SCALES["tiny"]
        assert config.training.steps == (scale.eps_steps if study == "steps" else scale.steps)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("drifts", {}, "there are bundled, controls"),
        ("drift", {"scale": "huge"}, "toy, tiny"),
        ("drift", {"seed": -1}, "seed -1"),
        ("bundled", {"overrides": ["training.ema=0.5"]}, "trains nothing"),
    ],
)
def test_what_is_not_known_is_refused(store, name, options, says):
    with pytest.raises(ConfigError, match=says):
        study_plan(name, store, **options)


def test_no_store(tmp_path):
    with pytest.raises(StoreError):
        study_plan("drift", tmp_path)
