"""What each study's page says of results that are made up."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from viseme.diffusion.schedule import spaced_timesteps
from viseme.errors import InputError
from viseme.evaluation.bootstrap import Interval
from viseme.files import write_json
from viseme.studies import controls, drift, finetune, steps

FRAMES = 60


@pytest.fixture
def written(made_up):
    """Results of these metrics, 0.5 where no value is given, truth's being 0."""

    def write(path, metrics, values, curves=None):
        means = {name: values.get(name, 0.5) for name in metrics}
        return made_up(path, means, dict.fromkeys(metrics, 0.0), FRAMES, curves=curves or {})

    return write


def said(page):
    return [
        html.unescape(text) for text in re.findall(r'<p class="follow">(.*?)</p>', page.read_text(encoding="utf-8"))
    ]


def curves(slope, likeness=1.0):
    rising = (100 + slope * np.arange(FRAMES)).tolist()
    flat = [100.0] * FRAMES
    found = {"brightness": rising, "sharpness": flat, "spread": flat[:36], "identity": [likeness] * 12}
    return found | {f"{name}_truth": [100.0] * len(values) for name, values in found.items()}


def test_drift_names_who_drifts_and_who_is_shown_better(tmp_path, written):
    given = {"plain": (10.0, 1.0), "noise": (10.0, 1.0), "eps": (0.0, 0.1), "cure": (1.0, 1.0)}
    results = {
        name: written(
            tmp_path / f"{name}.json", drift.METRICS, {"brightness_drift": value}, curves(value / 60, likeness)
        )
        for name, (value, likeness) in given.items()
    }
    ratios = {"plain": str(tmp_path / "r.json")}
    write_json(tmp_path / "r.json", {"timesteps": [0, 50, 100], "mean": [9.0, 1.25, 1.0], "std": [0.1, 0.1, 0.1]})
    page = tmp_path / "out" / "index.html"
    drift.draw(results, ratios, str(page))
    first, *rest = said(page)
    assert first.startswith("Brightness drift is least with eps predicted (0.00 %) and greatest with ")
    assert "against plain it is shown to be less with eps predicted and cure: nothing carried on." in first
    assert "noisy motion frame" not in first.partition("Sharpness")[0].partition("against")[2]
    assert any("brightness drift +10.00 % without and +1.00 % with it (shown better)" in text.lower() for text in rest)
    assert any("Predicted noise is 125.0 % as large" in text for text in rest)
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "no face like the identity frame's is seen with eps predicted:" in text
    assert "Not made, so not on this page: norm before each FiLM" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "")
    for name in ("figures/drift.svg", "figures/cure.png", "table.csv", "table.md"):
        assert (page.parent / name).stat().st_size > 100


def test_steps_say_where_more_are_worse(tmp_path, written):
    names = steps.rollouts(250)
    results = {
        name: written(
            tmp_path / f"{name}.json",
            steps.METRICS,
            {
                "mouth_correlation": 0.1 if count == 100 and way.clamp == "none" else 0.5,
                "sharpness": count,
                "psnr": 250 - spaced_timesteps(250, count, way.spacing)[0],
            },
        )
        for name, (way, count) in names.items()
        if way.sampler == "ddim"
    }
    page = tmp_path / "out" / "index.html"
    steps.draw(results, 250, str(page))
    begins, _, _, table, lines, *_ = said(page)
    assert "PSNR goes from 52.00 at timestep 198 to 1.00 dB at 249 with ddim, free" in begins
    assert "Of 250 timesteps, leading begins at 245 with 50 and 198 with 100 steps." in begins
    worse = "worse than 50 with ddim, leading, free, ddim, trailing, free and ddim, linspace, free, of 6 ways"
    assert worse in table
    assert "and worst with ddim," in table
    assert lines.startswith("On means over all else, the number of steps moves it most, by 0.20")


@pytest.mark.parametrize(("likeness", "verdict"), [(-3.0, "is seen with any way"), (0.9, None)])
def test_steps_say_where_there_is_no_face_to_score(tmp_path, made_up, likeness, verdict):
    curve = {"curves": {"identity": [likeness] * 6}}
    results = {
        name: made_up(tmp_path / f"{name}.json", {"mouth_correlation": 0.5}, {}, 26, **curve)
        for name in ("ddim_leading_none_50", "ddim_leading_none_100")
    }
    page = tmp_path / "out" / "index.html"
    steps.draw(results, 250, str(page))
    text = page.read_text(encoding="utf-8")
    assert verdict in text if verdict else "no face like the identity" not in text


def test_all_timesteps_have_one_spacing():
    names = steps.rollouts(250)
    assert "ddim_leading_none_250" in names
    assert "ddim_trailing_none_250" not in names
    assert len(names) == 12 * 4 + 4
    assert len(steps.rollouts(20)) == 12 + 4


def test_controls_tell_each_signals_part(tmp_path, written):
    means = {"both": 0.6, "only_audio": 0.1, "only_landmarks": 0.55}
    results = {
        f"film_{condition}": written(tmp_path / f"{condition}.json", controls.METRICS, {"mouth_correlation": mean})
        for condition, mean in means.items()
    }
    changes = {"audio": {"frame": [1.0] * 4, "mouth": [1.0] * 4}, "landmarks": {"frame": [5.0] * 4, "mouth": [3.0] * 4}}
    write_json(tmp_path / "film.json", {"actors": ["a", "a", "b", "b"], "differences": changes})
    page = tmp_path / "out" / "index.html"
    controls.draw(results, {"film": str(tmp_path / "film.json")}, {}, str(page), "nowhere")
    influence, alone = said(page)
    assert "audio moves: FiLM 25 %" in influence
    assert re.search(r"FiLM: 0\.(60|61|59) with both signals, 0\.1\d? ?", alone)
    assert "they leak" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("audio", "landmarks", "ahead", "verdict"),
    [
        ((0.3, 0.5), (-0.1, 0.1), (0.2, 0.5), "follows the audio"),
        ((-0.1, 0.1), (0.3, 0.5), (-0.5, -0.2), "follows the landmarks"),
        ((-0.4, -0.2), (-0.6, -0.5), (0.1, 0.3), "is not shown to follow either"),
        ((0.1, 0.4), (0.1, 0.5), (-0.2, 0.1), "is not shown to follow one more than the other"),
    ],
)
def test_a_mouth_follows_only_what_it_goes_along_with(audio, landmarks, ahead, verdict):
    ends = (Interval((low + high) / 2, low, high, 8, {}, "clips") for low, high in (audio, landmarks, ahead))
    assert controls._verdict(*ends) == verdict


def test_finetune_says_which_way_is_best(tmp_path, written):
    given = {"scratch": 0.5, "same": 0.3, "grown": 0.7}
    results = {name: written(tmp_path / f"{name}.json", finetune.METRICS, {"ssim": v}) for name, v in given.items()}
    runs = {}
    for name, value in given.items():
        run = tmp_path / name
        run.mkdir()
        lines = [f'{{"step": {s}, "split": "rollout", "seconds": {s}, "ssim": {value - s / 100}}}\n' for s in (5, 10)]
        (run / "metrics.jsonl").write_text("".join(lines))
        runs[name] = str(run)
    page = tmp_path / "out" / "index.html"
    finetune.draw(results, runs, 128, str(page))
    first, progress = said(page)
    assert first.startswith("SSIM is best with grown (0.70")
    assert "shown better than fresh and same weights" in first
    assert progress == "In SSIM grown is ahead at its first check and grown at its last."


@pytest.mark.parametrize("draw", [lambda out: drift.draw({}, {}, out), lambda out: steps.draw({}, 250, out)])
def test_nothing_to_draw(tmp_path, draw):
    with pytest.raises(InputError, match="nothing to draw"):
        draw(str(tmp_path / "index.html"))
