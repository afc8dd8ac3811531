"""`viseme weights` from the command line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from viseme.files import sha256
from viseme.weights import PARTS


def test_lists_all_and_how_to_get_each(cli):
    lines = cli("weights").out.splitlines()[1:]
    ends = {"syncnet": "viseme weights syncnet", "sda": "viseme weights sda --path crema.dat", "dlib-landmarks": "here"}
    assert [line.split()[0] for line in lines] == list(PARTS)
    for line in lines:
        assert line.endswith(ends.get(line.split()[0], ""))


def test_json_says_what_is_here(cli):
    known = {part["name"]: part for part in json.loads(cli("weights", "--json").out)}
    assert known["efficientnet-lite0"]["here"] is True
    assert known["efficientnet-lite0"]["path"].endswith(known["efficientnet-lite0"]["file"])
    assert known["syncnet"]["here"] is False
    assert known["syncnet"]["path"] is None
    assert known["syncnet"]["command"] == "viseme weights syncnet"
    assert len(known["syncnet"]["sha256"]) == 64
    assert known["hubert"]["from"] == "facebook/hubert-base-ls960 at refs/pr/2"


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A file in the place of the published one."""
    path = tmp_path / "syncnet_v2.model"
    torch.save({"a": torch.ones(3)}, path)
    monkeypatch.setitem(PARTS, "syncnet", replace(PARTS["syncnet"], size=path.stat().st_size, sha256=sha256(path)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


def test_one_part_is_told_whole(cli, drawn, tmp_path):
    outcome = cli("weights", "syncnet", "--path", drawn)
    assert outcome.code == 0
    facts = dict(line.split("  ", 1) for line in outcome.out.splitlines())
    kept = tmp_path / "cache" / "viseme" / "weights" / "syncnet.safetensors"
    assert facts["lies in"].strip() == str(kept)
    assert facts["sha256"].strip() == sha256(drawn)
    assert facts["page"].strip() == PARTS["syncnet"].page
    drawn.unlink()
    again = json.loads(cli("weights", "syncnet", "--json").out)
    assert again["path"] == str(kept)
    assert again["licence"] == PARTS["syncnet"].licence


def test_a_file_that_is_not_the_published_one_is_refused(cli, drawn):
    drawn.write_bytes(b"nothing of the kind")
    outcome = cli("weights", "syncnet", "--path", drawn)
    assert outcome.code == 2
    assert "19 bytes instead of" in outcome.line


def test_a_speech_encoder_is_not_taken_from_a_file(cli, tmp_path):
    outcome = cli("weights", "wav2vec2", "--path", tmp_path)
    assert outcome.code == 2
    assert "--set audio.checkpoint=FOLDER" in outcome.line


def test_what_can_only_be_had_by_hand_says_where(cli):
    outcome = cli("weights", "sda")
    assert outcome.code == 2
    assert "--path crema.dat" in outcome.line


def test_an_unknown_part_is_one_line(cli):
    outcome = cli("weights", "syncnot")
    assert outcome.code == 2
    assert "fid-inception" in outcome.line


def test_a_path_needs_a_name(cli, tmp_path):
    assert cli("weights", "--path", tmp_path / "x").code == 2
