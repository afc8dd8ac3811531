"""`viseme evaluate` from the command line, on controls whose scores are known beforehand."""

from __future__ import annotations

import json

import pytest

QUICK = ("--metrics", "psnr,ssim,ofm", "--jobs", 1)


@pytest.fixture
def videos(cli, store, tmp_path):
    """The true clips, re-encoded."""
    folder = tmp_path / "videos"
    assert cli("generate", "control:reencoded", "--data", store, "--out", folder).code == 0
    return folder


def test_truth_scores_well_and_every_clip_is_counted(cli, store, videos, tmp_path):
    outcome = cli("evaluate", videos, "--reference", store, "--out", tmp_path / "r.json", *QUICK)
    assert outcome.code == 0
    assert "3 of 3 clips scored" in outcome.out
    results = json.loads((tmp_path / "r.json").read_text())
    assert set(results["metrics"]) == {"psnr", "ssim", "ofm"}
    assert results["metrics"]["psnr"]["mean"] > 30
    assert [clip["status"] for clip in results["clips"]] == ["scored"] * 3


def test_json_is_the_results_file(cli, store, videos, tmp_path):
    outcome = cli("evaluate", videos, "--reference", store, "--out", tmp_path / "r.json", "--json", *QUICK)
    assert outcome.out == (tmp_path / "r.json").read_text()


def test_a_missing_and_a_broken_video_are_named_and_1(cli, store, videos, tmp_path):
    first, second, _ = sorted(videos.glob("*.mp4"))
    first.unlink()
    second.write_text("this is no video")
    outcome = cli("evaluate", videos, "--reference", store, "--out", tmp_path / "r.json", *QUICK)
    assert outcome.code == 1
    assert "2 clips failed" in outcome.line
    clips = {clip["clip_id"]: clip for clip in json.loads((tmp_path / "r.json").read_text())["clips"]}
    assert [clips[path.stem]["status"] for path in (first, second)] == ["failed", "failed"]
    assert all(clips[path.stem]["reason"] for path in (first, second))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["VIDEOS", "--reference", "nowhere", "--out", "r.json"], "not a store"),
        (["nowhere", "--reference", "STORE", "--out", "r.json"], "nowhere"),
        (["EMPTY", "--reference", "STORE", "--out", "r.json"], "no video"),
        (["VIDEOS", "--reference", "STORE", "--out", "r.json", "--metrics", "pnsr"], "psnr"),
        (["VIDEOS", "--reference", "STORE"], "--out"),
    ],
)
def test_bad_input_is_one_line(cli, store, videos, tmp_path, monkeypatch, arguments, says):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    places = {"VIDEOS": videos, "STORE": store, "EMPTY": tmp_path / "empty"}
    outcome = cli("evaluate", *(places.get(one, one) for one in arguments))
    assert outcome.code == 2
    assert says in outcome.line
    assert not (tmp_path / "r.json").exists()
