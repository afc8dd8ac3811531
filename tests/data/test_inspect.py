"""What is told of a store: counts that add up, reasons, and landmarks drawn where they lie."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from viseme.data.inspect import contact_sheet, describe, save_contact_sheet
from viseme.data.store import ClipRow, Store
from viseme.errors import ConfigError, OutputError

SIZE = 32
PAINT = (90, 100, 120)  # of a plain store; no caption has this colour
PlainStore = Callable[..., Store]


def row(clip_id: str, split: str, frames: int = 20, found: float = 1.0, reason: str = "") -> ClipRow:
    status = "rejected" if reason else "ok"
    crop = () if reason else (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    frames = 0 if reason else frames
    return ClipRow(clip_id, clip_id[0], "", "", "", split, frames, f"{clip_id}.mp4", "", crop, found, 0, status, reason)


ROWS = [
    row("a0", "train", 20),
    row("a1", "train", 30, found=0.9),
    row("a2", "seen", 10),
    row("b0", "val", 25),
    row("b1", "val", found=0.1, reason="b1.mp4: a face in only 10% of its frames"),
    row("c0", "test", 50),
    row("d0", "train", reason="d0.mp4: holds no sound; give a file with a sound stream"),
]


def test_counts_add_up(tmp_path: Path, plain_store: PlainStore) -> None:
    summary = describe(plain_store(tmp_path, ROWS))
    assert (summary.accepted, summary.frames, summary.seconds) == (5, 135, 5.4)
    assert summary.found == pytest.approx((135 - 3) / 135)
    splits = {one.split: (one.actors, one.clips, one.frames) for one in summary.splits}
    assert splits == {
        "train": (("a",), 2, 50),
        "val": (("b",), 1, 25),
        "seen": (("a",), 1, 10),
        "test": (("c",), 1, 50),
    }
    assert list(splits) == ["train", "val", "seen", "test"]
    actors = {one.actor: one for one in summary.actors}
    assert list(actors) == ["a", "b", "c", "d"]
    assert actors["a"].clips == {"train": 2, "seen": 1}
    assert (actors["b"].frames, actors["b"].rejected) == (25, 1)
    assert (actors["d"].clips, actors["d"].frames, actors["d"].rejected, actors["d"].found) == ({}, 0, 1, 0.0)
    assert [(one.clip_id, one.reason[:6]) for one in summary.rejected] == [("b1", "b1.mp4"), ("d0", "d0.mp4")]
    assert sum(one.frames for one in summary.actors) == sum(one.frames for one in summary.splits) == summary.frames


def test_measures_are_spread_over_the_clips_that_have_them(tmp_path: Path, plain_store: PlainStore) -> None:
    jitters = {"a0": 0.25, "a1": 0.75, "b0": 0.5}
    rows = [dataclasses.replace(one, jitter=jitters.get(one.clip_id)) for one in ROWS]
    found, jitter = describe(plain_store(tmp_path, rows)).quality
    assert (found.measure, found.clips, found.least, found.median, found.worst) == ("found", 5, 0.9, 1.0, "a1")
    assert dataclasses.astuple(jitter) == ("jitter", "px", 3, 0.25, 0.5, 0.75, "a1")


def test_the_summary_is_json(tmp_path: Path, plain_store: PlainStore) -> None:
    store = plain_store(tmp_path, ROWS)
    told = json.loads(json.dumps(describe(store).to_dict(), allow_nan=False))
    assert told["info"]["size"] == SIZE
    assert told["fingerprint"] == store.fingerprint
    assert told["rejected"][0]["source"] == "b1.mp4"


def test_a_store_of_rejects_alone(tmp_path: Path, plain_store: PlainStore) -> None:
    store = plain_store(tmp_path, [row("a0", "train", reason="a0.mp4: no face in any frame")])
    summary = describe(store)
    assert (summary.accepted, summary.found, summary.splits) == (0, 0.0, ())
    assert contact_sheet(store).ndim == 3


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_landmarks_are_drawn_where_they_lie(tmp_path: Path, plain_store: PlainStore, size: int) -> None:
    sheet = contact_sheet(plain_store(tmp_path, [row("a0", "train")], size), columns=1, rows=1)
    green = (sheet[..., 1].astype(int) - sheet[..., 0]) > 75
    ys, xs = np.nonzero(green)
    scale = max(1, -(-192 // size))
    plain = np.argwhere(np.all(sheet == PAINT, axis=-1))
    top, left = plain.min(0)
    assert len(np.unique(plain[:, 1])) == size * scale
    assert ys.mean() - top == pytest.approx((20 + 0.5) * scale - 0.5, abs=0.6)
    assert xs.mean() - left == pytest.approx((8 + 0.5) * scale - 0.5, abs=0.6)


def rows_of(sheet: np.ndarray) -> int:
    """How many rows of pictures a sheet of plain frames has."""
    plain = np.all(sheet == PAINT, axis=-1).any(1).astype(int)
    return int((np.diff(plain) == 1).sum())


def test_every_actor_is_seen_before_one_is_seen_twice(
    tmp_path: Path, plain_store: PlainStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    put_text = cv2.putText

    def noted(image: np.ndarray, text: str, *rest: object) -> object:
        captions.append(text)
        return put_text(image, text, *rest)

    monkeypatch.setattr(cv2, "putText", noted)
    store = plain_store(tmp_path, ROWS)
    sheet = contact_sheet(store, columns=3, rows=3)
    assert [text.split()[0] for text in captions] == ["a0", "b0", "c0"]
    assert "face in 100%" in captions[0]
    assert rows_of(sheet) == 3
    captions.clear()
    contact_sheet(store, columns=3, rows=4)
    assert [text.split()[0] for text in captions] == ["a0", "a1", "b0", "c0"]
    captions.clear()
    contact_sheet(store, columns=3, rows=2)
    assert [text.split()[0] for text in captions] == ["a0", "c0"]


def test_small_stores_and_short_clips_give_small_sheets(tmp_path: Path, plain_store: PlainStore) -> None:
    store = plain_store(tmp_path, [row("a0", "train", frames=2)])
    sheet = contact_sheet(store, columns=5, rows=9)
    assert rows_of(sheet) == 1
    assert np.all(sheet == PAINT, axis=-1).any(0).sum() == 2 * 192
    with pytest.raises(ConfigError, match="0 columns"):
        contact_sheet(store, columns=0)


def test_the_sheet_is_saved_whole(tmp_path: Path, plain_store: PlainStore) -> None:
    store = plain_store(tmp_path / "store", ROWS)
    out = tmp_path / "sheet.png"
    save_contact_sheet(store, out, columns=2, rows=2)
    saved = cv2.imread(str(out))
    assert saved is not None
    assert np.array_equal(saved[..., ::-1], contact_sheet(store, 2, 2))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        save_contact_sheet(store, tmp_path / "file" / "sheet.png")
