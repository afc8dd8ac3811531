"""The plan of study `paper`."""

from __future__ import annotations

import pytest

from viseme.config import load_config
from viseme.errors import ConfigError
from viseme.studies.catalogue import study_plan
from viseme.studies.paper.plan import PRESETS
from viseme.studies.scale import SCALES


def fields(plan, run):
    return plan.step[f"train/{run}"].arguments["overrides"]


def config(plan, run):
    return load_config(PRESETS[run], fields(plan, run))


def test_at_full_scale_the_papers_presets_are_trained_as_they_are(store):
    plan = study_plan("paper", store, scale="full")
    for run in ("gan", "ddpm", "landmarks"):
        own, preset = config(plan, run), load_config(PRESETS[run])
        assert (own.model, own.audio, own.loss, own.data) == (preset.model, preset.audio, preset.loss, preset.data)
        assert own.training.steps == preset.training.steps
        assert own.training.learning_rate == preset.training.learning_rate
    assert plan.step["train/gan"].parts == ("sda", "resnet18")
    assert plan.step["train/ddpm"].parts == ("sda",)


@pytest.mark.parametrize("scale", [scale for scale in SCALES if scale != "full"])
def test_small_scales_need_no_download_to_train(store, scale):
    plan = study_plan("paper", store, scale=scale)
    assert not any(plan.step[f"train/{run}"].parts for run in PRESETS)
    assert config(plan, "ddpm").diffusion.prediction == "eps"


def test_the_fine_tuned_run_begins_from_the_chosen_base_model(store):
    plan = study_plan("paper", store)
    own, base = config(plan, "finetune"), config(plan, "ddpm")
    assert own.training.init == "<train/ddpm>/best.safetensors"
    assert "train/ddpm" in plan.step["train/finetune"].needs
    assert own.model == base.model
    assert (own.data.size, own.training.steps) == (2 * base.data.size, base.training.steps // 2)
    assert plan.step["losses/finetune"].arguments["overrides"] == fields(plan, "finetune")


def test_rollouts_are_of_the_test_split_by_the_weights_that_validated_best(store):
    plan = study_plan("paper", store)
    for name, steps in (("ddpm_20", 20), ("ddpm_50", 50), ("ddpm_100", 100)):
        arguments = plan.step[f"generate/{name}"].arguments
        assert arguments["model"] == "<train/ddpm>/best.safetensors"
        assert arguments["split"] == "test"
        assert arguments["overrides"] == [f"sampling.steps={steps}"]
    assert plan.step["evaluate/gan_small"].arguments["resample"]
    assert plan.step["syncnet/gan"].parts == ("syncnet",)
    assert plan.step["fid/gan"].parts == ("fid-inception",)


def test_an_override_goes_to_the_models_that_have_the_field(store):
    plan = study_plan("paper", store, overrides=["diffusion.steps=120", "loss.pixel=3", "training.steps=80"])
    assert config(plan, "ddpm").diffusion.steps == 120
    assert config(plan, "gan").loss.pixel == 3
    assert [config(plan, run).training.steps for run in PRESETS] == [80, 80, 40, 80]


@pytest.mark.parametrize(
    ("override", "says"), [("difusion.steps=3", "diffusion.steps"), ("data.size=64", "compares two sizes")]
)
def test_an_override_that_cannot_be_is_refused(store, override, says):
    with pytest.raises(ConfigError, match=says):
        study_plan("paper", store, overrides=[override])
