from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from viseme.evaluation.results import ClipResult, Results, save
from viseme.evaluation.summary import summarise
from viseme.studies.measures import distance, dots, loaded, mean_curve, ranked, shown_better, table


def results(name, drift, curves=None):
    """Eight clips of two actors with these brightness drifts, truth's 0, and correlations of 0.1 each."""
    clips = [
        ClipResult(
            f"c{i}",
            f"a{i % 2}",
            f"c{i}.mp4",
            30,
            "scored",
            values={"brightness_drift": value, "mouth_correlation": 0.1, "sharpness": 100.0},
            truth={"brightness_drift": 0.0, "sharpness": 130.0},
            curves=curves(i) if curves else {},
        )
        for i, value in enumerate(drift)
    ]
    metrics = summarise(clips, ["brightness_drift", "mouth_correlation", "sharpness"], 0)
    return Results({"name": name}, {"fingerprint": "f"}, {}, {}, [], metrics, clips)


PLAIN = results("plain", [10, 11, 12, 13, 9, 10, 11, 12])
CURE = results("cure", [-1, 0, 1, 0, -1, 0.5, 1, 0])
SYSTEMS = {"plain": PLAIN, "cure": CURE}


def test_the_best_is_nearest_to_what_the_metric_wants():
    assert [title for title, _ in ranked(SYSTEMS, "brightness_drift")] == ["cure", "plain"]
    assert distance(PLAIN, "brightness_drift") == pytest.approx(11.0)
    assert distance(PLAIN, "sharpness") == pytest.approx(30.0)
    assert distance(PLAIN, "mouth_correlation") == pytest.approx(-0.1)
    assert distance(PLAIN, "psnr") is None
    assert ranked(SYSTEMS, "psnr") == []


def test_a_difference_is_shown_where_its_interval_leaves_zero():
    found = shown_better(CURE, PLAIN, "brightness_drift")
    assert found is not None
    assert found.high < 0
    assert shown_better(PLAIN, CURE, "brightness_drift").low > 0
    assert shown_better(CURE, PLAIN, "mouth_correlation") is None
    assert shown_better(CURE, PLAIN, "psnr") is None


def test_few_clips_show_nothing():
    assert shown_better(results("a", [0.0] * 5), results("b", [10.0] * 5), "brightness_drift") is None


def test_the_mean_curve_ends_with_the_shortest_clip():
    curved = results(
        "c", [0.0, 0.0], lambda i: {"brightness": [1.0 + i, 2.0, 3.0 + i][: 3 - i], "identity": [1.0, 0.5]}
    )
    (curve,) = mean_curve(curved, "brightness", "c", "system0")
    assert list(curve.values) == [1.5, 2.0]
    assert list(curve.places) == [1, 2]
    (likeness,) = mean_curve(curved, "identity", "c", "system0")
    assert list(likeness.places) == [1, 6]
    assert mean_curve(curved, "spread", "c", "system0") == []


def test_dots_take_the_intervals(tmp_path):
    found = {dot.name: dot for dot in dots(SYSTEMS, "brightness_drift", {"plain": "muted"})}
    assert found["plain"].colour == "muted"
    assert found["plain"].low < found["plain"].value < found["plain"].high
    assert dots(SYSTEMS, "psnr") == []


def test_the_table_as_markdown_and_in_full():
    made = table(SYSTEMS, ["brightness_drift", "psnr", "mouth_correlation"])
    assert made.header == ["", "Brightness drift (%)", "Mouth correlation"]
    assert made.rows[0][0] == "plain"
    assert made.rows[0][1].startswith("11.00 [")
    lines = made.markdown.splitlines()
    assert len({line.count("|") for line in lines}) == 1
    rows = list(csv.DictReader(io.StringIO(made.csv)))
    assert [(row["system"], row["metric"]) for row in rows][:2] == [
        ("plain", "brightness_drift"),
        ("plain", "mouth_correlation"),
    ]
    assert float(rows[0]["mean"]) == pytest.approx(np.mean([10, 11, 12, 13, 9, 10, 11, 12]))


def test_files_are_loaded_in_the_order_of_titles(tmp_path):
    for name, found in SYSTEMS.items():
        save(found, tmp_path / f"{name}.json")
    paths = {name: str(tmp_path / f"{name}.json") for name in ("plain", "cure")}
    assert list(loaded(paths, {"cure": "Cure", "gone": "Gone", "plain": "Plain"})) == ["Cure", "Plain"]
