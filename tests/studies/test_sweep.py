"""Study `sweep`: its plan, and what its page says of results that are made up."""

from __future__ import annotations

import html

import pytest

from viseme.errors import ConfigError, ModelError
from viseme.studies import sweep
from viseme.studies.catalogue import study_plan

GRID = ("sampling.steps=2,4", "loss.l1=0.1,0.2")


def test_cells_that_differ_in_sampling_share_a_model(store):
    plan = study_plan("sweep", store, scale="toy", grid=GRID)
    trainings = [step for step in plan.steps if step.call == "viseme.train"]
    assert [step.arguments["overrides"][-1] for step in trainings] == ["loss.l1=0.1", "loss.l1=0.2"]
    made = {name: plan.step[f"generate/{name}"].arguments for name in ("c1", "c2", "c3", "c4")}
    assert [arguments["model"] for arguments in made.values()] == ["<train/m0>", "<train/m1>"] * 2
    assert [arguments["overrides"] for arguments in made.values()] == [
        [f"sampling.steps={steps}"] for steps in (2, 2, 4, 4)
    ]
    assert plan.settings["grid"] == list(GRID)


def test_a_given_model_is_trained_no_more(store, runs):
    plan = study_plan("sweep", store, grid=("sampling.steps=1,2",), model=runs["ddpm"], overrides=["sampling.eta=0.5"])
    assert not any(step.call == "viseme.train" for step in plan.steps)
    assert plan.step["generate/c2"].arguments["model"] == "<model>"
    assert plan.step["generate/c2"].arguments["overrides"] == ["sampling.eta=0.5", "sampling.steps=2"]
    assert plan.given["model"].path == str(runs["ddpm"] / "model.safetensors")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"grid": ("loss.l1=1,2",), "model": True}, ConfigError, "is trained already"),
        ({"overrides": ["loss.l1=1"], "model": True}, ConfigError, "is trained already"),
        ({"grid": ("sampling.steps=2,999",)}, ConfigError, "choose 1 to 250"),
        ({"grid": ("sampling.stops=2",)}, ConfigError, "sampling.steps"),
        ({"grid": ("data.size=32,64",)}, ConfigError, "different sizes do not compare"),
        ({"model": "nowhere"}, ModelError, "no such model"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_runs(store, runs, options, error, says):
    if options.get("model") is True:
        options = {**options, "model": runs["ddpm"]}
    with pytest.raises(error, match=says):
        study_plan("sweep", store, scale="toy", **options)


def test_other_studies_have_no_grid(store):
    with pytest.raises(ConfigError, match="are for study sweep"):
        study_plan("drift", store, grid=GRID)


def test_the_page_says_who_is_on_the_front(tmp_path, made_up, videos):
    cells = {"c1": (0.3, 0.1), "c2": (0.6, 1.0), "c3": (0.5, 2.0)}
    results = {
        name: made_up(tmp_path / f"{name}.json", {"mouth_correlation": mean}, {}, 10)
        for name, (mean, _) in cells.items()
    }
    folders = {name: videos(name, seconds) for name, (_, seconds) in cells.items()}
    assert sweep.speed(folders["c1"]) == pytest.approx(100)
    page = tmp_path / "out/index.html"
    titles = {"c1": "steps 1", "c2": "steps 2", "c3": "steps 3", "c4": "steps 4"}
    sweep.draw(results, folders, titles, str(page))
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert (
        "2 cells of 3 are on the front: steps 1; steps 2. The fastest, steps 1, makes 100.0 frames a second at 0.300; "
        "the best, steps 2, 10.0 frames a second at 0.600. Means alone decide this" in text
    )
    assert "Not made, so not on this page: steps 4." in text
    assert (page.parent / "figures/mouth_correlation.png").stat().st_size > 1000
    assert "steps 3,frames_a_second," in (page.parent / "table.csv").read_text(encoding="utf-8")


def test_one_cell_may_be_the_whole_front(tmp_path, made_up, videos):
    results = {
        name: made_up(tmp_path / f"{name}.json", {"mouth_correlation": mean}, {}, 10)
        for name, mean in (("c1", 0.6), ("c2", 0.3))
    }
    folders = {"c1": videos("c1", 0.1), "c2": videos("c2", 1.0)}
    page = tmp_path / "out/index.html"
    sweep.draw(results, folders, {"c1": "steps 1", "c2": "steps 2"}, str(page))
    said = html.unescape(page.read_text(encoding="utf-8"))
    assert "Of 2 cells, steps 1 is both the fastest (100.0 frames a second) and the best (0.600)." in said
