"""`viseme inspect` from the command line, on everything that the other commands write."""

from __future__ import annotations

import json
import re

import numpy as np
from PIL import Image


def test_store_and_its_picture(cli, store, tmp_path):
    outcome = cli("inspect", store, "--out", tmp_path / "sheet.png")
    assert outcome.code == 0
    assert outcome.out.startswith(f"{store}: store\n")
    assert "train" in outcome.out
    assert "a003" in outcome.out
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert picture.shape[2] == 3
    assert picture.std() > 10


def test_store_as_json(cli, store):
    told = json.loads(cli("inspect", store, "--json").out)
    assert told["kind"] == "store"
    assert told["facts"]["clips"] == 12
    assert {row["split"]: row["clips"] for row in told["splits"]}["test"] == 3
    assert told["rejected clips"] == []


def test_run_and_its_model(cli, runs):
    told = json.loads(cli("inspect", runs["gan"], "--json").out)
    assert told["kind"] == "run"
    assert told["facts"]["step"] == 2
    assert told["facts"]["done"] is True
    assert {row["split"] for row in told["last scalars"]} == {"train", "val", "rollout"}
    weights = json.loads(cli("inspect", runs["gan"] / "model.safetensors", "--json").out)
    assert weights["kind"] == "model"
    assert weights["facts"]["parameters"] == told["facts"]["parameters"]


def test_run_in_a_terminal_and_as_a_page(cli, runs, tmp_path):
    outcome = cli("inspect", runs["gan"], "--html", tmp_path / "page.html")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert any(line.startswith("loss") and "train" in line and "val" in line for line in lines)
    drawn = [line for line in lines if "┤" in line]
    assert drawn
    assert all(len(line) <= 80 for line in drawn)
    assert any("step 2" in line for line in lines)
    assert re.search(r"state +done", outcome.out)
    assert "step-000002.png" in outcome.out
    assert lines[-1] == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_store_as_a_page(cli, store, corpus, tmp_path):
    outcome = cli("inspect", store, "--html", tmp_path / "page.html", "--source", corpus)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == str(tmp_path / "page.html")
    assert "warning: few people" in outcome.out
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_of_something_else(cli, corpus, tmp_path):
    outcome = cli("inspect", corpus / "a000" / "a000_000.mp4", "--html", tmp_path / "page.html")
    assert outcome.code == 2
    assert "a page is made of these alone" in outcome.line


def test_video(cli, corpus):
    outcome = cli("inspect", corpus / "a000" / "a000_000.mp4")
    assert outcome.code == 0
    assert "h264 160x160" in outcome.out
    assert "25.0" in outcome.out


def test_missing(cli, tmp_path):
    outcome = cli("inspect", tmp_path / "nothing")
    assert outcome.code == 2
    assert "no such file or folder" in outcome.line


def test_empty_folder(cli, tmp_path):
    outcome = cli("inspect", tmp_path)
    assert outcome.code == 2
    assert "store.json" in outcome.line


def test_text_named_mp4(cli, tmp_path):
    (tmp_path / "text.mp4").write_text("this is no video")
    outcome = cli("inspect", tmp_path / "text.mp4")
    assert outcome.code == 2
    assert "text.mp4" in outcome.line


def test_a_picture_of_something_else_than_a_store(cli, runs, tmp_path):
    outcome = cli("inspect", runs["gan"], "--out", tmp_path / "sheet.png")
    assert outcome.code == 2
    assert not (tmp_path / "sheet.png").exists()


def test_store_of_another_version(cli, tmp_path):
    (tmp_path / "store.json").write_text(json.dumps({"schema": 99}))
    outcome = cli("inspect", tmp_path)
    assert outcome.code == 2
    assert "schema 99" in outcome.line


def test_a_store_tells_the_quality_of_its_clips(cli, store):
    told = json.loads(cli("inspect", store, "--json").out)
    assert told["facts"]["face"] == "largest"
    quality = {row["measure"]: row for row in told["quality"]}
    assert list(quality) == ["found", "faces", "face_width", "jitter", "sharpness", "loudness", "clipping"]
    assert all(row["clips"] == 12 and row["least"] <= row["median"] <= row["most"] for row in quality.values())
    assert "worst clip" in cli("inspect", store).out
