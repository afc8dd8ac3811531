"""`viseme weights` from the command line."""

from __future__ import annotations

import json


def test_lists_all(cli):
    outcome = cli("weights")
    assert outcome.code == 0
    for name in ("fid-inception", "syncnet", "efficientnet-lite0"):
        assert f"\n{name} " in outcome.out


def test_json_says_what_is_here(cli):
    known = {part["name"]: part for part in json.loads(cli("weights", "--json").out)}
    assert known["efficientnet-lite0"]["here"] is True
    assert known["syncnet"]["here"] is False
    assert len(known["syncnet"]["sha256"]) == 64


def test_a_file_that_is_not_the_published_one_is_refused(cli, tmp_path):
    (tmp_path / "syncnet_v2.model").write_bytes(b"nothing of the kind")
    outcome = cli("weights", "syncnet", "--path", tmp_path / "syncnet_v2.model")
    assert outcome.code == 2
    assert "SHA-256" in outcome.line


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
