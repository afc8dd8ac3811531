"""`viseme prepare` from the command line: good clips, bad clips, bad stores."""

from __future__ import annotations

import json
import shutil

import pytest


def test_prepares_a_store_and_finds_it_done(cli, corpus, tmp_path):
    arguments = ("prepare", "folder", corpus / "a000", tmp_path / "store", "--size", 64, "--jobs", 1)
    first = cli(*arguments)
    assert first.code == 0
    assert f"{tmp_path / 'store'}: 3 clips" in first.out
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.safetensors")}
    assert before
    assert cli(*arguments).code == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_bad_clips_are_rejected_with_their_reason_and_1(cli, corpus, tmp_path):
    source = tmp_path / "videos" / "someone"
    source.mkdir(parents=True)
    shutil.copy(corpus / "a000" / "a000_000.mp4", source)
    (source / "text.mp4").write_text("this is no video")
    outcome = cli("prepare", "folder", tmp_path / "videos", tmp_path / "store", "--size", 64, "--jobs", 1)
    assert outcome.code == 1
    assert "1 clip rejected" in outcome.line
    told = json.loads(cli("inspect", tmp_path / "store", "--json").out)
    assert told["facts"]["clips"] == 1
    (rejected,) = told["rejected clips"]
    assert rejected["source"].endswith("text.mp4")
    assert rejected["reason"]


def test_nothing_but_bad_clips_is_an_error(cli, tmp_path):
    (tmp_path / "videos" / "someone").mkdir(parents=True)
    (tmp_path / "videos" / "someone" / "text.mp4").write_text("this is no video")
    outcome = cli("prepare", "folder", tmp_path / "videos", tmp_path / "store", "--jobs", 1)
    assert outcome.code == 2
    assert "not one of 1 clips" in outcome.line


@pytest.mark.parametrize(
    ("corpus_name", "source", "says"),
    [("grid", "nowhere", "no such folder"), ("grid", ".", "holds no GRID clips"), ("gird", ".", "gird")],
)
def test_wrong_sources(cli, tmp_path, monkeypatch, corpus_name, source, says):
    monkeypatch.chdir(tmp_path)
    outcome = cli("prepare", corpus_name, source, "store")
    assert outcome.code == 2
    assert says in outcome.line


def test_unknown_actor(cli, corpus, tmp_path):
    outcome = cli("prepare", "synthetic", corpus, tmp_path / "store", "--test-actors", "a003,nobody")
    assert outcome.code == 2
    assert "nobody" in outcome.line
    assert "a000" in outcome.line


def test_other_settings_in_the_same_store_are_refused(cli, corpus, store):
    outcome = cli("prepare", "synthetic", corpus, store, "--size", 128, "--test-actors", "a003")
    assert outcome.code == 2
    assert "size" in outcome.line
