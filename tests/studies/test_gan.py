"""Study `gan`: the arms of its plan, and what its page says of courses and results that are made up."""

from __future__ import annotations

import csv
import html
import json

import numpy as np
import pytest

from viseme.config import load_config
from viseme.errors import ConfigError, InputError
from viseme.studies import gan, gan_words
from viseme.studies.course import read_course
from viseme.studies.gan import ARMS, TITLES
from viseme.studies.measures import loaded
from viseme.studies.scale import SCALES

STEPS = 100


def trained(folder, right=0.7, error=(0.3, 0.2, 0.1)):
    """A run that judged `right` of all windows right in its later half, and its errors on validation."""
    folder.mkdir(parents=True)
    rows = [
        {
            "step": step,
            "split": "train",
            "seconds": step,
            "gradient_norm": 2.0,
            "discriminator_gradient_norm": 1.0,
            "real_right": min(1.0, share + 0.01),
            "fake_right": share - 0.01 if share < 1 else share,
        }
        for step in range(10, STEPS + 1, 10)
        for share in [right if step > STEPS // 2 else 0.5]
    ]
    rows += [
        {
            "step": step,
            "split": "val",
            "seconds": step,
            "pixel": value,
            "snr": -20 * np.log10(value),
            "real_right": 0.5,
            "fake_right": 0.75,
        }
        for step, value in zip((40, 70, STEPS), error, strict=True)
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(folder)


@pytest.fixture
def written(made_up):
    """Results of the study's metrics, most 0.8 where no mean is given."""

    def write(path, lost=0, **means):
        truth = dict.fromkeys(("opening_spread", "head_motion", "blink_motion", "sharpness"), 1.0)
        values = dict.fromkeys(gan.METRICS, 0.8) | {"snr": 10.0} | means
        return made_up(path, values, truth, 50, undetected={"candidate": lost, "truth": 0})

    return write


@pytest.fixture
def said(tmp_path, written):
    """What is said of arms, `(right, error)` each, with values of their rollouts: sentence by the function's name."""

    def make(courses, **values):
        read = {
            TITLES[name]: read_course(trained(tmp_path / "runs" / name, *course)) for name, course in courses.items()
        }
        names = [*courses, *(name for name in gan.CONTROLS if name in values)]
        paths = {name: written(tmp_path / f"{name}.json", **values.get(name, {})) for name in names}
        systems = loaded(paths, {**TITLES, **gan.CONTROLS})
        return {
            "balance": gan_words.balance(read, gan.PAPERS),
            "error": gan_words.error(read),
            "motion": gan_words.motion(systems, gan.PAPERS),
            "scores": gan_words.scores(systems),
        }

    return make


FALLING, RISING = (0.3, 0.2, 0.1), (0.3, 0.1, 0.15)


def test_the_switch_that_brings_dominance_back_is_named(said):
    won, calm = (1.0, RISING), (0.7, FALLING)
    arms = {"paper": won, "paper_slow": won, "paper_fast": calm, "stable": calm, "no_r1": won, "no_mouth": calm}
    page = said(arms)
    assert page["balance"] == (
        "The paper's discriminator wins: over the later half of 100 steps it is right about more than 95 % of the "
        "windows in 100 % of the looks, and about 100 % on the mean. "
        "A learning rate alone stops it with paper: faster generator (0 %). "
        "Stable, which differs in all switches at once, stops it (0 % of the looks). "
        "Thrown back one at a time, it returns with no R1 (100 %)."
    )
    assert page["error"] == (
        "The paper's L1 on held-out windows ends 50.0 % above its least, which was at step 70 of 100: its error turns. "
        "Of 5 other runs it ends more than 5 % above its least with paper: slower discriminator (+50.0 %) and no "
        "R1 (+50.0 %). At the end it is least with paper: faster generator (0.1000) and greatest with no R1 "
        "(0.1500)."
    )


def test_no_single_switch_is_made_the_cure(said):
    won, calm = (1.0, FALLING), (0.7, FALLING)
    page = said({"paper": won, "paper_slow": won, "stable": calm, "no_r1": calm, "hinge": calm})
    assert "Another learning rate alone does not stop it: paper: slower discriminator" in page["balance"]
    assert "Of 2 switches thrown back one at a time none brings it back" in page["balance"]


def test_a_stable_that_is_won_too_stops_nothing(said):
    page = said({"paper": (1.0, FALLING), "stable": (0.99, FALLING), "hinge": (0.7, FALLING)})
    assert "Stable does not stop it either (100 % of the looks)." in page["balance"]
    assert "hrown back" not in page["balance"]


def test_a_failure_that_did_not_appear_is_told(said):
    page = said(
        {"paper": (0.8, FALLING), "stable": (0.5, FALLING), "hinge": (1.0, FALLING)},
        paper={"head_motion": 0.9, "opening_spread": 0.7},
    )
    assert page["balance"] == (
        "The paper's failure did not appear in 100 steps: its discriminator is right about more than 95 % in 0 % of "
        "the looks over the later half, and about 80 % on the mean; so no change is shown to stop it. "
        "The discriminator does win with hinge for BCE. "
        "The opposite, a discriminator right about less than 55 % in most looks, which tells its generator hardly "
        "anything, is seen with stable."
    )
    assert page["error"].startswith(
        "The paper's error did not turn in 100 steps: its L1 on held-out windows ends 0.0 %"
    )
    assert "It turns in none of 2 other runs." in page["error"]
    assert page["motion"].startswith(
        "That only the mouth moves did not appear with the paper's network: more than the mouth moves (0.90 of truth's "
        "motion outside the mouth, 0.70 of its opening's spread)."
    )


def test_motion_is_read_beside_the_frozen_photo(said):
    calm = (0.7, FALLING)
    page = said(
        dict.fromkeys(("paper", "stable", "no_memory", "no_ema"), calm),
        paper={"head_motion": 0.2, "opening_spread": 0.8, "mouth_correlation": 0.1},
        stable={"head_motion": 0.9, "snr": 12.0},
        no_memory={"head_motion": 0.3},
        no_ema={"head_motion": 0.9, "opening_spread": 0.1},
        frozen={"head_motion": 0.15, "blink_motion": 0.29, "snr": 11.0},
    )
    assert page["motion"].startswith(
        "With the paper's network only the mouth moves: 0.20 of truth's motion outside the mouth, 0.80 of its "
        "opening's spread. Likewise with one noise vector a clip."
    )
    assert "farthest from it with paper (0.20); it reads 0.15 for the frozen photo." in page["motion"]
    assert "outside the mouth is shown to be farther from truth with one noise vector a clip." in page["motion"]
    assert "lowest with paper (0.100)." in page["scores"]
    assert page["scores"].endswith("In SNR stable is shown to beat the frozen photo (11.00 dB).")


def test_the_page_tells_what_is_missing_and_what_is_doubted(tmp_path, written):
    arms = {"paper": (1.0, RISING), "stable": (0.7, FALLING)}
    runs = {name: trained(tmp_path / "runs" / name, *course) for name, course in arms.items()}
    results = {name: written(tmp_path / f"{name}.json", lost=25 * (name == "paper")) for name in (*arms, "frozen")}
    page = tmp_path / "out" / "index.html"
    gan.draw(results, runs, str(page))
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "Not made, so not on this page: paper: slower discriminator, " in text
    assert "Often no face is found with paper (50 % of frames): what rests on landmarks means nothing there" in text
    assert "What moves with the paper's network cannot be told: no face is found in too many of its frames." in text
    assert "Mouth correlation is highest with stable (0.800)." in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "")
    for name in ("balance", "error", "ends", "motion", "scores"):
        assert (page.parent / f"figures/{name}.svg").stat().st_size > 100
    rows = csv.DictReader((page.parent / "table.csv").read_text(encoding="utf-8").splitlines())
    found = {(row["system"], row["metric"]): float(row["mean"]) for row in rows}
    assert found["paper", "won"] == 100
    assert found["paper", "l1_risen"] == pytest.approx(50)
    assert found["stable", "judged_right"] == pytest.approx(70)
    assert found["stable", "held_out"] == pytest.approx(62.5)
    assert found["paper", "generator_norm"] == 2
    assert ("control: frozen photo", "won") not in found
    lines = (page.parent / "table.md").read_text(encoding="utf-8").splitlines()
    assert len({line.count("|") for line in lines}) == 1


def test_a_run_of_another_kind_is_refused(tmp_path, written):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.jsonl").write_text('{"step": 1, "split": "train", "seconds": 1, "loss": 1.0}\n')
    with pytest.raises(InputError, match="logged no discriminator"):
        gan.draw(
            {"paper": written(tmp_path / "paper.json")}, {"paper": str(tmp_path / "run")}, str(tmp_path / "i.html")
        )


@pytest.mark.parametrize("scale", SCALES)
def test_each_arm_is_one_switch_away(scale):
    """Stable's arms differ from it in the fields that their titles say; the paper's in one learning rate."""
    plan = {step.name: step.arguments for step in gan.steps(SCALES[scale], 0, ())}
    configs = {n: load_config(plan[f"train/{n}"]["preset"], plan[f"train/{n}"]["overrides"]) for n in ARMS}

    def apart(name, of):
        one, other = (configs[n].model_dump() for n in (name, of))
        return {f"{s}.{f}" for s in one if isinstance(one[s], dict) for f in one[s] if one[s][f] != other[s][f]}

    switches = {name: apart(name, "stable") for name, arm in ARMS.items() if arm.preset == "gan_64_stable"}
    assert switches == {
        "stable": set(),
        "no_r1": {"loss.r1"},
        "no_detail": {"model.identity", "model.warp", "model.pose"},
        "no_pose": {"model.pose"},
        "no_memory": {"model.noise_memory"},
        "no_augment": {"discriminator.augment"},
        "no_mouth": {"discriminator.mouth"},
        "hinge": {"loss.kind"},
        "one_rate": {"discriminator.learning_rate"},
        "no_ema": {"training.ema"},
    }
    assert apart("paper_slow", "paper") == {"discriminator.learning_rate"}
    assert apart("paper_fast", "paper") == {"training.learning_rate"}
    paper = configs["paper"]
    assert configs["paper_slow"].discriminator.learning_rate == pytest.approx(paper.discriminator.learning_rate / 4)
    assert configs["paper_fast"].training.learning_rate == pytest.approx(4 * paper.training.learning_rate)
    equal = {(c.training.steps, c.training.batch_size, c.data.window, c.training.seed) for c in configs.values()}
    assert len(equal) == 1
    assert set(TITLES) == set(ARMS)


def test_tiny_looks_forty_times_and_a_shorter_one_too():
    def training(*overrides):
        (paper,) = [step for step in gan.steps(SCALES["tiny"], 0, overrides) if step.name == "train/paper"]
        return load_config(paper.arguments["preset"], paper.arguments["overrides"]).training

    tiny, shorter = training(), training("training.steps=80")
    assert (tiny.steps, tiny.log_every, tiny.validate_every) == (400, 10, 50)
    assert (shorter.steps, shorter.log_every, shorter.validate_every) == (80, 2, 10)


def test_a_discriminator_that_joins_too_late_is_refused():
    with pytest.raises(ConfigError, match="joins at step 2000 of 3000"):
        gan.steps(SCALES["full"], 0, ["training.steps=3000"])
