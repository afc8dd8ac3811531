"""The sheet to guess from: what is on it, and that the key tells it."""

from __future__ import annotations

import json

import cv2
import pytest

import viseme
from viseme.errors import InputError
from viseme.studies.blind import COLUMNS, FRAMES, MARGIN, SIDE, draw


@pytest.fixture(scope="module")
def folders(store, tmp_path_factory):
    made = tmp_path_factory.mktemp("blind")
    for name in ("frozen", "reencoded", "shifted:3"):
        viseme.generate(f"control:{name}", data=store, split="train", size=32, out=made / name.split(":")[0])
    return made


def test_half_of_the_strips_are_true_and_no_clip_is_shown_twice(folders, tmp_path):
    models = {"one": str(folders / "frozen"), "two": str(folders / "shifted")}
    draw(models, str(folders / "reencoded"), str(tmp_path / "a"), seed=3)
    key = json.loads((tmp_path / "a/key.json").read_text())
    systems = [entry["system"] for entry in key.values()]
    clips = [entry["clip"] for entry in key.values()]
    assert systems.count("truth") == len(systems) // 2
    assert abs(systems.count("one") - systems.count("two")) <= 1
    assert len(set(clips)) == len(clips)
    sheet = cv2.imread(str(tmp_path / "a/sheet.png"))
    assert sheet.shape == (-(-len(key) // COLUMNS) * (SIDE + 4), COLUMNS * (MARGIN + FRAMES * SIDE), 3)
    draw(models, str(folders / "reencoded"), str(tmp_path / "b"), seed=3)
    assert (tmp_path / "a/sheet.png").read_bytes() == (tmp_path / "b/sheet.png").read_bytes()
    draw(models, str(folders / "reencoded"), str(tmp_path / "c"), seed=4)
    assert key != json.loads((tmp_path / "c/key.json").read_text())


def test_a_strip_of_a_frozen_photo_stands_still_and_truth_does_not(folders, tmp_path):
    draw({"still": str(folders / "frozen")}, str(folders / "reencoded"), str(tmp_path), seed=0)
    key = json.loads((tmp_path / "key.json").read_text())
    sheet = cv2.imread(str(tmp_path / "sheet.png")).astype(int)
    down = -(-len(key) // COLUMNS)
    for number, entry in key.items():
        column, row = divmod(int(number) - 1, down)
        x, y = column * (MARGIN + FRAMES * SIDE) + MARGIN, row * (SIDE + 4) + 2
        frames = [sheet[y : y + SIDE, x + at * SIDE : x + (at + 1) * SIDE] for at in range(FRAMES)]
        moved = max(abs(frame - frames[0]).mean() for frame in frames)
        assert (moved > 1.5) == (entry["system"] == "truth"), (number, entry, moved)


def test_too_few_clips_are_said(folders, store, tmp_path):
    viseme.generate("control:frozen", data=store, split="train", size=32, limit=1, out=tmp_path / "one")
    with pytest.raises(InputError, match="too few to guess from"):
        draw({"one": str(tmp_path / "one")}, str(folders / "reencoded"), str(tmp_path / "out"))
