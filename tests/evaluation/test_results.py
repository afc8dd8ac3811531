from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from viseme.errors import InputError, OutputError
from viseme.evaluation.results import ClipResult, MetricResult, Results, load, paired, paired_gap, save


def scored(name: str, values: dict[str, float], metric: str = "ssim", truth: float | None = None) -> Results:
    better = {"ssim": "higher", "ofm": "truth", "identity_drift": "zero", "mean_curve_raw": "none"}[metric]
    return Results(
        system={"name": name, "size": 64},
        reference={"store": "faces", "fingerprint": "f" * 64, "split": "test", "actors": ["a"]},
        provenance={"seed": 0},
        counts={"clips": len(values), "scored": len(values), "failed": 0, "frames": 12, "undetected": {}},
        notes=["a caution"],
        metrics={metric: MetricResult("Title", "", better, 3, 0.5, 0.4, 0.6, len(values), truth, {"a": 0.5})},  # type: ignore[arg-type]
        clips=[
            ClipResult(
                clip_id=clip,
                actor="a",
                video=f"{clip}.mp4",
                frames=12,
                status="scored",
                values={metric: value},
                truth={} if truth is None else {metric: truth},
                missing={"csim": "no scale"},
                curves={"opening": [0.1, 0.2]},
            )
            for clip, value in values.items()
        ],
    )


@pytest.fixture
def results() -> Results:
    return scored("ours", {"x": 0.1, "y": 1 / 3})


def test_what_is_saved_is_what_is_loaded(results: Results, tmp_path: Path) -> None:
    save(results, tmp_path / "results.json")
    assert load(tmp_path / "results.json") == results
    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert next(iter(written)) == "schema"
    assert written["schema"] == 1
    assert written["clips"][1]["values"]["ssim"] == 1 / 3


def test_failed_clips(results: Results) -> None:
    bad = ClipResult("z", "a", None, 0, "failed", "z.mp4: no such file")
    assert replace(results, clips=[*results.clips, bad]).failed == [bad]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_nan_is_written(results: Results, tmp_path: Path, number: float) -> None:
    results.clips[0].values["ssim"] = number
    with pytest.raises(ValueError, match="JSON"):
        save(results, tmp_path / "results.json")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(results: Results, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save(results, tmp_path / "file" / "results.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not readable JSON"),
        ("[1]", "is no results file"),
        ('{"schema": 1}', "is no results file"),
        ('{"schema": 1, "metrics": NaN}', "holds NaN"),
        ('{"schema": 2, "metrics": {}}', "is of schema 2, this version reads 1"),
        ('{"schema": 1, "metrics": {}}', "system: field required"),
        ("[" * 100_000, "is not readable JSON"),
        ("\xff", "is not readable JSON"),
    ],
)
def test_a_damaged_file_gives_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "results.json")
    assert str(caught.value).startswith("results.json: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_of_the_wrong_kind_is_named(results: Results, tmp_path: Path) -> None:
    save(results, tmp_path / "results.json")
    value = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    value["clips"][1]["status"] = "lost"
    (tmp_path / "results.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=r"results.json: clips\.1\.status: "):
        load(tmp_path / "results.json")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json: cannot be read \(No such file"):
        load(tmp_path / "nothing.json")


def test_paired_is_over_common_clips() -> None:
    a, b = scored("a", {"x": 0.5, "y": 0.7, "only_a": 9}), scored("b", {"y": 0.4, "x": 0.1, "only_b": -9})
    found = paired(a, b, "ssim", np.random.default_rng(0))
    assert found.mean == pytest.approx((0.4 + 0.3) / 2)
    assert found.n == 2
    assert (found.low, found.high) == (pytest.approx(0.3), pytest.approx(0.4))


def test_paired_is_narrower_than_either_alone() -> None:
    rng = np.random.default_rng(0)
    levels = rng.normal(size=30)
    a = scored("a", {f"c{i}": x + 0.1 for i, x in enumerate(levels)})
    b = scored("b", {f"c{i}": x + 0.01 * rng.normal() for i, x in enumerate(levels)})
    assert paired(a, b, "ssim", rng).low > 0.08


def test_gap_of_a_truth_metric_is_the_distance_to_truth() -> None:
    a, b = scored("a", {"x": 0.9, "y": 1.3}, "ofm", truth=1), scored("b", {"x": 0.5, "y": 1.5}, "ofm", truth=1)
    found = paired_gap(a, b, "ofm", np.random.default_rng(0))
    assert found.mean == pytest.approx(((0.1 - 0.5) + (0.3 - 0.5)) / 2)
    assert found.high < 0  # a is nearer in both


def test_gap_of_a_drift_is_its_size() -> None:
    a, b = scored("a", {"x": -0.3}, "identity_drift"), scored("b", {"x": 0.1}, "identity_drift")
    assert paired_gap(a, b, "identity_drift", np.random.default_rng(0)).mean == pytest.approx(0.2)


def test_nothing_to_pair(results: Results) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="share no clip with ssim"):
        paired(results, scored("b", {"z": 1}), "ssim", rng)
    with pytest.raises(InputError, match="share no clip with psnr"):
        paired(results, results, "psnr", rng)
    control = scored("c", {"x": 1}, "mean_curve_raw")
    with pytest.raises(InputError, match="share no clip"):
        paired_gap(control, control, "mean_curve_raw", rng)
    elsewhere = replace(results, reference={**results.reference, "fingerprint": "0"})
    with pytest.raises(InputError, match="different references"):
        paired(results, elsewhere, "ssim", rng)
