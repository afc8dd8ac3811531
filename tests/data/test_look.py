"""A store looked at: pictures with landmarks where they lie, rejects out of their source, sources that are missing."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from viseme.data.inspect import Reject, describe
from viseme.data.look import CLIPS, FRAMES, PICTURES, look
from viseme.data.manifest import ClipRow
from viseme.data.pictures import SIDE, picture, source_picture, webp
from viseme.errors import InputError


def row(clip_id: str, frames: int = 20, reason: str = "", source: str = "", **known: object) -> ClipRow:
    status = "rejected" if reason else "ok"
    source = source or f"{clip_id}.mkv"
    frames = 0 if reason else frames
    plain = ClipRow(clip_id, clip_id[0], "", "", "", "train", frames, source, "", (), 1.0, 0, status, reason)
    return dataclasses.replace(plain, **known)


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("size", [32, 256])
def test_a_picture_has_its_landmarks_in_per_cent(plain_store, tmp_path, size):
    store = plain_store(tmp_path, [row("a0")], size)
    one = picture(store, store.row("a0"))
    seen = decoded(one.webp)
    assert seen.shape == (min(size, SIDE), min(size, SIDE), 3)
    assert np.abs(seen.astype(int) - (90, 100, 120)).max() <= 8
    assert one.points == pytest.approx(np.tile([850 / size, 2050 / size], (68, 1)))


def test_a_clip_of_one_frame_has_a_picture(plain_store, tmp_path):
    store = plain_store(tmp_path, [row("a0", frames=1)])
    seen = look(store, describe(store))
    assert [len(strip.pictures) for strip in seen.strips] == [1]
    assert seen.worst["a0"].webp


def test_the_long_side_is_bounded_and_small_frames_stay():
    assert decoded(webp(np.zeros((100, 400, 3), np.uint8))).shape == (32, SIDE, 3)
    assert decoded(webp(np.zeros((2000, 3, 3), np.uint8))).shape == (SIDE, 1, 3)
    assert decoded(webp(np.zeros((20, 30, 3), np.uint8))).shape == (20, 30, 3)


def test_clips_and_pictures_are_bounded(plain_store, tmp_path):
    accepted = [row(f"a{n:02d}", frames=9) for n in range(CLIPS + 5)]
    bad = [row(f"b{n:02d}", reason=f"b{n:02d}.mkv: a face in only {n}% of its frames") for n in range(PICTURES + 3)]
    store = plain_store(tmp_path / "store", accepted + bad, 16)
    seen = look(store, describe(store), tmp_path)
    assert len(seen.strips) == CLIPS
    assert all(len(strip.pictures) == FRAMES for strip in seen.strips)
    (group,) = seen.rejects
    assert len(group.clips) == PICTURES + 3
    assert len(seen.rejected) == PICTURES
    assert look(store, describe(store)).rejected == {}


def test_a_source_that_can_be_decoded_is_shown(videos, tmp_path, write_clip):
    seen = source_picture(videos, Reject("a", "a0", "a0/clip 0.mkv", "its sound is silent"))
    assert decoded(seen.webp).shape == (SIDE, SIDE, 3)
    assert (seen.points, seen.reason) == (None, "")
    write_clip(tmp_path / "whole.mkv", 0, frames=40)
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) * 2 // 3])
    assert source_picture(tmp_path, Reject("c", "a", "cut.mkv", "")).webp


def test_the_frame_at_one_second_is_taken(write_video, tmp_path):
    from fractions import Fraction

    shades = [np.full((64, 64, 3), 5 * n, np.uint8) for n in range(40)]
    write_video(tmp_path / "v.mp4", shades, [Fraction(n, 25) for n in range(40)])
    seen = decoded(source_picture(tmp_path, Reject("v", "a", "v.mp4", "")).webp)
    assert seen.mean() == pytest.approx(125, abs=4)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a1/broken.mkv", "cannot be opened as video or sound"),
        ("a1/none.mkv", "no such file"),
        ("a1", "not a file"),
        ("", "not a file"),
        ("../secret.mkv", "lies outside"),
        ("a1/../../secret.mkv", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("a\0b", "lies outside"),
    ],
)
def test_a_source_that_cannot_be_shown_says_why(videos, source, reason):
    seen = source_picture(videos, Reject("x", "a", source, ""))
    assert seen.webp == b""
    assert reason in seen.reason
    assert str(videos) not in seen.reason
    assert "\n" not in seen.reason


def test_a_folder_that_is_not_there_is_refused(plain_store, tmp_path):
    store = plain_store(tmp_path / "store", [row("a0")])
    with pytest.raises(InputError, match="no such folder; give the folder that was prepared"):
        look(store, describe(store), tmp_path / "none")


@pytest.mark.parametrize("rows", [[], [row("a0", reason="a0.mkv: no face in any frame")]])
def test_a_store_without_a_clip(plain_store, tmp_path, rows):
    store = plain_store(tmp_path, rows)
    seen = look(store, describe(store))
    assert (seen.strips, seen.distributions, seen.worst) == ((), (), {})
    assert sum(len(group.clips) for group in seen.rejects) == len(rows)
