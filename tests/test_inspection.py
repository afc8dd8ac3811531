"""What a path is, for what the command line tests do not reach."""

from __future__ import annotations

import json

import viseme


def test_videos_and_results_of_a_split_with_failures(store, tmp_path):
    viseme.generate("control:frozen", data=store, out=tmp_path / "v", size=32)
    next((tmp_path / "v").glob("*.mp4")).unlink()
    videos = viseme.inspect(tmp_path / "v")
    assert (videos.kind, videos.facts["videos"], videos.facts["control"]) == ("videos", 3, "frozen")
    viseme.evaluate(tmp_path / "v", store, tmp_path / "r.json", metrics=["psnr", "ofm"], jobs=1)
    results = viseme.inspect(tmp_path / "r.json")
    assert results.kind == "results"
    assert results.facts["scored"] == 2
    assert [row[0] for row in results.tables["metrics"].rows] == ["psnr", "ofm"]
    assert len(results.tables["failed clips"].rows) == 1
    json.dumps(results.to_dict(), allow_nan=False)


def test_a_curve_cut_short_by_a_crash_is_still_read(runs, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_bytes((runs["gan"] / "config.yaml").read_bytes())
    (run / "metrics.jsonl").write_text('{"step": 1, "split": "train", "loss": 2.0}\n{"step": 2, "spl')
    found = viseme.inspect(run)
    assert list(found.tables["last scalars"].rows) == [("train", 1, "loss", 2.0)]
    assert found.facts["done"] is False
