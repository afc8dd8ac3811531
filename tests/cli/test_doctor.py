"""`viseme doctor` from the command line."""

from __future__ import annotations

import json
import platform

from viseme import api
from viseme.machine import Finding, Machine


def test_tells_what_is_here(cli):
    outcome = cli("doctor")
    assert outcome.code == 0
    assert platform.python_version() in outcome.out
    assert "libx264" in outcome.out


def test_json(cli):
    findings = {one["name"]: one for one in json.loads(cli("doctor", "--json").out)}
    assert findings["python"]["value"] == platform.python_version()
    assert findings["encoder libx264"] == {"name": "encoder libx264", "value": "here", "lack": ""}


def test_says_what_is_lacking(cli, monkeypatch):
    monkeypatch.setattr(api, "doctor", lambda: Machine((Finding("torch", "not here", "no training"),)))
    assert "lacking: torch: no training\n" in cli("doctor").out
    monkeypatch.setattr(api, "doctor", lambda: Machine((Finding("torch", "2"),)))
    assert "nothing is lacking" in cli("doctor").out
