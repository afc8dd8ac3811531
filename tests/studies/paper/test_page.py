"""The page of study `paper`, of runs and results that are made up."""

from __future__ import annotations

import csv
import html
import json

import numpy as np
import pytest

from viseme.config import load_config
from viseme.config.schema import to_yaml
from viseme.errors import InputError
from viseme.evaluation.results import SetResult, load, save
from viseme.files import write_json
from viseme.studies.catalogue import study_plan
from viseme.studies.paper import courses, page, tables
from viseme.studies.paper.made import Made
from viseme.studies.paper.plan import METRICS, PRESETS
from viseme.studies.paper.published import published

ZEROS = dict.fromkeys(METRICS[:-1], 1.0)
TRUTH = dict.fromkeys(("ofm", "f_mse", "sync_offset", "sharpness", "brightness"), 1.0)


@pytest.fixture(scope="module")
def overrides(store):
    """Of each run at the smallest scale."""
    plan = study_plan("paper", store, scale="toy")
    return {run: plan.step[f"train/{run}"].arguments["overrides"] for run in PRESETS}


@pytest.fixture
def trained(tmp_path, overrides):
    """Writes a run that validated at steps 1, 2, 3 with these scalars, and gives its folder."""

    def write(run, **scalars):
        folder = tmp_path / "runs" / run
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(to_yaml(load_config(PRESETS[run], overrides[run])))
        write_json(folder / "run.json", {"best": {"step": 2}})
        rows = [
            {"step": step, "split": split, "seconds": step, **{name: values[at] for name, values in scalars.items()}}
            for at, step in enumerate((1, 2, 3))
            for split in ("train", "val")
        ]
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return str(folder)

    return write


@pytest.fixture
def scored(tmp_path, made_up):
    """Writes results with these means, and Fréchet distance, and gives their path."""

    def write(name, frechet, **means):
        path = tmp_path / f"{name}.json"
        made_up(path, ZEROS | means, TRUTH, 20)
        results = load(path)
        results.sets["frechet_lite0"] = SetResult("Fréchet distance, Lite0", "", "lower", 2, frechet, None, 8, "frames")
        save(results, path)
        return str(path)

    return write


@pytest.fixture
def made(store, tmp_path, trained, scored):
    """Everything but videos."""
    runs = {
        "gan": {"discriminator": [1, 0.5, 0.2], "generator": [3, 1, 2], "pixel": [0.3, 0.1, 0.2], "snr": [5, 8, 7],
                    "real_right": [0.5, 0.9, 1.0], "fake_right": [0.5, 0.9, 0.9]},
        "ddpm": {"mse": [0.4, 0.3, 0.2], "lip": [0.8, 0.7, 0.6]},
        "landmarks": {"mse": [0.4, 0.3, 0.2], "lip": [0.4, 0.4, 0.5]},
        "finetune": {"mse": [0.03, 0.02, 0.01], "lip": [0.05, 0.04, 0.03]},
    }  # fmt: skip
    results = {
        "gan": scored("gan", 30.0, ofm=0.5, f_mse=3.0),
        "gan_small": scored("gan_small", 10.0, ofm=0.5),
        "ddpm_20": scored("ddpm_20", 22.0, sync_confidence=0.1),
        "ddpm_50": scored("ddpm_50", 20.0, ofm=2.0, sync_confidence=0.3),
        "ddpm_100": scored("ddpm_100", 21.0, sync_confidence=0.2),
    }
    write_json(tmp_path / "start.json", {"mse": 0.04, "lip": 0.08})
    paths = {f"train/{run}": trained(run, **scalars) for run, scalars in runs.items()}
    paths |= {f"evaluate/{name}": path for name, path in results.items()}
    paths["losses/finetune"] = str(tmp_path / "start.json")
    missing = {"generate/landmarks": "train/landmarks failed: out of memory", "fid/gan": "fid-inception is not here"}
    missing |= {f"syncnet/{name}": "syncnet is not here" for name in results}
    return Made(str(store), paths, missing, 32, 64)


def cells(table):
    return {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.rows}


def test_the_page_has_every_section_and_says_why_some_are_holes(made, tmp_path):
    out = tmp_path / "study/index.html"
    page.draw(made.data, made.paths, made.missing, {"small": 32, "large": 64}, str(out))
    text = html.unescape(out.read_text(encoding="utf-8"))
    for of in page.SECTIONS:
        assert f"<h2>{of}: " in text
    assert "Not here. train/landmarks failed: out of memory" in text
    assert "levels do not compare" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "")
    report = (out.parent / "report.md").read_text(encoding="utf-8")
    assert "## Table 5: Denoising steps, at 32 pixels" in report
    assert "| 50 steps | 32 | 81.682 | - |" in report
    for name in ("figure_2.svg", "figure_3.png", "figure_8.svg"):
        assert (out.parent / "figures" / name).stat().st_size > 1000
    with (out.parent / "tables/table_3.csv").open(encoding="utf-8") as file:
        rows = {(row["system"], row["metric"]): row for row in csv.DictReader(file)}
    assert rows["GAN", "fid"] == {"system": "GAN", "pixels": "64", "metric": "fid", "paper": "94.255", "here": ""}
    assert float(rows["GAN", "frechet_lite0"]["here"]) == 30.0


def test_nothing_at_all_leaves_a_page_of_holes(store, tmp_path):
    out = tmp_path / "study/index.html"
    page.draw(str(store), {}, {"train/gan": "train/gan failed: no room"}, {"small": 32, "large": 64}, str(out))
    text = out.read_text(encoding="utf-8")
    assert "Not here. train/gan failed: no room" in text
    assert "Of preset gan_128" in text
    assert "469.95" in text


def test_table_3_mixes_sizes_as_the_paper_did_and_says_so(made):
    mixed, one = tables.table_3(made), tables.table_3_one_size(made)
    assert "Fréchet distance, Lite0 is lower with diffusion (GAN 30.00, diffusion 20.00)" in mixed.says
    assert "Fréchet distance, Lite0 is lower with GAN (GAN 10.00, diffusion 20.00)" in one.says
    assert "Mouth-audio confidence is higher with GAN" in mixed.says
    rows = cells(mixed.table)
    assert (rows["GAN"]["Pixels"], rows["Truth"]["Pixels"]) == ("64", "32")
    assert rows["Diffusion, 50 steps"]["FID, paper"] == "81.682"
    assert any(flag.startswith("Mixed as in the paper: the GAN's frames have 64 pixels") for flag in mixed.flags)
    assert any("syncnet is not here" in flag for flag in mixed.flags)
    assert not any("Mixed" in flag for flag in one.flags)


def test_diffused_heads_is_rescaled_by_truth_only_where_a_ratio_means_something(made):
    assert tables.rescaled("4", "ofm", 1.38, "truth_large") == pytest.approx(2 * 0.643)
    assert tables.rescaled("3", "lse_c", 3.306) == pytest.approx(2.91)
    for metric in ("fid", "av_offset"):
        assert tables.rescaled("3", metric, 5.0) is None
    assert tables.rescaled("4", "ofm", None, "truth_large") is None
    baseline = cells(tables.table_4(made).table)["Diffused Heads (rescaled)"]
    assert baseline["OFM, paper"] == "0.643"
    assert float(baseline["OFM, here"]) == pytest.approx(0.643 / 0.690, abs=0.002)
    assert sum(flag.startswith("Not rescaled: ") for flag in tables.table_3(made).flags) == 2


def test_table_4_is_read_against_truth(made):
    says = tables.table_4(made).says
    assert "OFM: GAN has 50 % of truth's and diffusion has 200 % of truth's." in says
    assert "F-MSE: GAN has 300 % of truth's" in says


def test_table_5_names_the_best_number_of_steps_and_the_papers(made):
    says = tables.table_5(made).says
    assert "Fréchet distance, Lite0 is best with 50 steps: 22.00 with 20, 20.00 with 50 and 21.00 with 100." in says
    assert "Mouth-audio confidence is best with 50 steps" in says
    assert "(the paper: " in says.partition("OFM is best")[2]


def test_without_scores_a_table_is_a_hole(store):
    nothing = Made(str(store), {}, {"evaluate/ddpm_50": "train/ddpm failed: lost"}, 32, 64)
    for table in (tables.table_3, tables.table_3_one_size, tables.table_4, tables.table_5):
        with pytest.raises(InputError, match="train/ddpm failed: lost"):
            table(nothing)


def test_curves_say_where_they_turned(made):
    clips, batch = len(made.store.clips("train")), 2
    epoch = 2 * batch / clips
    assert f"is least at epoch {epoch:.1f} (0.100)" in courses.figure_5(made).says
    assert "and ends at 0.200. The paper's turned after epoch 60." in courses.figure_5(made).says
    assert "SNR on validation is highest" in courses.figure_6(made).says
    assert "In the later half it judges 92 % of windows right." in courses.figure_4(made).says


def test_curves_that_still_fall_have_not_turned(store, trained):
    run = trained("gan", pixel=[0.3, 0.2, 0.1])
    says = courses.figure_5(Made(str(store), {"train/gan": run}, {}, 32, 64)).says
    assert "the last of the run: it has not turned" in says


def test_the_gap_of_the_lip_loss_is_compared(made):
    assert "the lip loss 3.00 times as high as the MSE" in courses.figure_7(made).says
    assert "MSE falls by 50 % and the lip loss rises by 25 %." in courses.figure_8(made).says
    assert "2.50 with landmarks, 3.00 for the base model: the gap is smaller." in courses.figure_8(made).says


def test_table_2_begins_before_the_first_step(made):
    section = courses.table_2(made)
    lip = cells(section.table)["Lip"]
    assert [lip["0 epochs, paper"], lip["50 epochs, paper"], lip["0 epochs, here"]] == ["8.816", "6.940", "80.000"]
    assert "MSE goes from 40.00 to 10.00 and the lip loss from 80.00 to 30.00" in section.says
    assert "lip over MSE rises from 2.00 to 3.00" in section.says
    assert "it goes from 2.56 to 2.52" in section.says


def test_a_run_without_validation_is_a_hole(store, trained):
    run = trained("gan")
    with pytest.raises(InputError, match="logged no pixel"):
        courses.figure_5(Made(str(store), {"train/gan": run}, {}, 32, 64))


def test_the_papers_numbers_are_whole():
    told = published()
    assert set(told.tables) == {"1", "2", "3", "4", "5"}
    assert set(told.figures) == {str(number) for number in range(1, 14)}
    assert told.tables["5"]["50"]["fid"] == told.tables["3"]["ddpm"]["fid"] == 81.682
    assert told.tables["4"]["truth_small"]["ofm"] == told.tables["5"]["truth"]["ofm"]
    flat = [value for rows in told.tables.values() for row in rows.values() for value in row.values()]
    assert all(isinstance(value, str) or np.isfinite(value) for value in flat)
