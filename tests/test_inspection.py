"""What a path is, for what the command line tests do not reach."""

from __future__ import annotations

import json
import re

import pytest

import viseme
from viseme.errors import InputError


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
    assert found.facts["damaged lines"] == 1


def test_a_run_that_goes_wrong_is_warned_of(runs, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_bytes((runs["gan"] / "config.yaml").read_bytes())
    rows = [{"step": 10 * s, "split": "train", "real_right": 1.0, "fake_right": 0.99} for s in range(1, 40)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = viseme.inspect(run)
    (line,) = found.warnings
    assert line.startswith("the discriminator wins")
    told = found.to_dict()
    assert told["warnings"] == [line]
    (real, fake) = told["curves"]
    assert (real["split"], real["name"]) == ("train", "real_right")
    assert fake["steps"] == [row["step"] for row in rows]
    assert fake["values"] == [0.99] * len(rows)
    json.dumps(told, allow_nan=False)


def test_a_page_is_whole_and_loads_nothing(runs, tmp_path):
    viseme.inspect(runs["gan"], html=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "<svg" in page
    assert "tiny_gan" in page
    assert "real_right" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert list(tmp_path.iterdir()) == [tmp_path / "page.html"]


def test_a_page_of_a_store_is_whole_and_loads_nothing(store, corpus, tmp_path):
    told = viseme.inspect(store, html=tmp_path / "page.html", source=corpus)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") >= 12 * 4
    assert told.facts["fingerprint"] in page
    assert all(line.split(":")[0] in page for line in told.warnings)
    assert "face_width" in page
    assert str(store.parent) not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    viseme.inspect(store, html=tmp_path / "again.html", source=corpus)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_a_store_elsewhere_has_a_page(store, tmp_path, monkeypatch):
    import fsspec

    monkeypatch.setenv("VISEME_CACHE", str(tmp_path / "cache"))
    fsspec.filesystem("memory").put(str(store), "/page/mine", recursive=True)
    viseme.inspect("memory://page/mine", html=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>mine</h1>" in page
    assert str(tmp_path) not in page


def test_warnings_of_a_store_are_told_to_programs(store):
    told = viseme.inspect(store).to_dict()
    assert told["warnings"][0].startswith("few people: 2 to train on")


def test_a_page_is_made_of_runs_and_stores_alone(runs, tmp_path):
    with pytest.raises(InputError, match="a page is made of these alone"):
        viseme.inspect(runs["gan"] / "model.safetensors", html=tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_source_is_for_the_page_of_a_store(store, runs, corpus, tmp_path):
    for path, html in ((store, None), (runs["gan"], tmp_path / "page.html")):
        with pytest.raises(InputError, match="give a store and --html"):
            viseme.inspect(path, html=html, source=corpus)
    with pytest.raises(InputError, match="no such folder"):
        viseme.inspect(store, html=tmp_path / "page.html", source=tmp_path / "none")
    assert not list(tmp_path.iterdir())
