"""`viseme corpora` from the command line."""

from __future__ import annotations

import json


def test_lists_all(cli):
    outcome = cli("corpora")
    assert outcome.code == 0
    for name in ("cremad", "folder", "grid", "lrw", "mead", "ravdess", "synthetic"):
        assert f"\n{name} " in outcome.out


def test_tells_one_in_full(cli):
    outcome = cli("corpora", "grid")
    assert outcome.code == 0
    assert "licence: CC BY 4.0" in outcome.out
    assert "citation: " in outcome.out


def test_json(cli):
    known = json.loads(cli("corpora", "--json").out)
    assert {"name", "title", "licence", "citation", "layout"} == set(known[0])


def test_unknown_name(cli):
    outcome = cli("corpora", "grdi")
    assert outcome.code == 2
    assert "grdi" in outcome.line
    assert "grid" in outcome.line
