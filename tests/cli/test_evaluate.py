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
        (["VIDEOS", "--reference", "EMPTY", "--out", "r.json"], "holds no true videos"),
        (["VIDEOS", "--reference", "BAD.csv", "--out", "r.json"], "its first line must be candidate,reference"),
    ],
)
def test_bad_input_is_one_line(cli, store, videos, tmp_path, monkeypatch, arguments, says):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("a.mp4,b.mp4\n")
    places = {"BAD.csv": tmp_path / "bad.csv", "VIDEOS": videos, "STORE": store, "EMPTY": tmp_path / "empty"}
    outcome = cli("evaluate", *(places.get(one, one) for one in arguments))
    assert outcome.code == 2
    assert says in outcome.line
    assert not (tmp_path / "r.json").exists()


def test_true_videos_and_pairs_serve_as_well(cli, store, videos, tmp_path):
    """The re-encoded truth against itself, by name and by a CSV; its manifest says who speaks."""
    rows = [f"videos/{path.name},videos/{path.name},a003" for path in sorted(videos.glob("*.mp4"))]
    (tmp_path / "pairs.csv").write_text("\n".join(["candidate,reference,actor", *rows]))
    for reference in (videos, tmp_path / "pairs.csv"):
        out = tmp_path / f"{reference.stem}.json"
        outcome = cli("evaluate", videos, "--reference", reference, "--out", out, *QUICK)
        assert outcome.code == 0
        results = json.loads(out.read_text())
        assert results["metrics"]["psnr"]["by_actor"] == {"a003": 100}
        assert results["provenance"]["weights"]


def test_truth_as_soft_as_a_system_s_videos(cli, store, videos, tmp_path):
    blurred = tmp_path / "blurred"
    assert cli("generate", "control:blurred:1.5", "--data", store, "--out", blurred).code == 0
    again = tmp_path / "again"
    assert cli("generate", f"control:blurred:{blurred}", "--data", store, "--out", again).code == 0
    manifest = json.loads((again / "manifest.json").read_text())
    kind, _, sigma = manifest["system"]["control"].partition(":")
    assert kind == "blurred"
    assert float(sigma) == pytest.approx(1.5, abs=0.02)
    assert str(tmp_path) not in json.dumps(manifest)
    outcome = cli("generate", f"control:blurred:{tmp_path / 'gone'}", "--data", store, "--out", tmp_path / "none")
    assert outcome.code == 2
    assert "neither a sigma nor a results file" in outcome.line
