"""What the machine has: found where it is, told where it is not."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

from viseme import machine
from viseme.weights import PARTS


def test_finds_what_the_tests_run_on():
    found = {one.name: one.value for one in machine.look().findings}
    assert found["cores"] == str(len(os.sched_getaffinity(0)))
    assert found["torch"] == importlib.import_module("torch").__version__
    assert found["encoder aac"] == "here"


@pytest.mark.parametrize(
    ("module", "name"), [("torch", "torch"), ("av", "ffmpeg"), ("dlib", "dlib"), ("cv2", "opencv")]
)
def test_what_is_missing_is_a_lack_and_no_error(monkeypatch, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    lacks = {one.name: one for one in machine.look().lacks}
    assert lacks[name].value == "not here"
    assert lacks[name].lack


def test_a_missing_bundled_model_is_a_lack(monkeypatch):
    monkeypatch.setattr(machine, "BUNDLED", ("no_such_model",))
    lacks = {one.name: one for one in machine.look().lacks}
    assert "viseme demo" in lacks["model no_such_model"].lack


def test_pretrained_parts_are_counted_and_none_is_a_lack():
    found = {one.name: one for one in machine.look().findings}["pretrained parts"]
    assert f" of {len(PARTS)} here; `viseme weights` says how to get " in found.value
    assert "syncnet" in found.value
    assert "dlib" not in found.value
    assert not found.lack
