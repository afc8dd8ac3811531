"""One clip: what comes out lines up with what went in, and what cannot serve says why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from skimage import data

from viseme.data import align
from viseme.data.corpora import SourceClip
from viseme.data.faces import default_backend
from viseme.data.prepare_clip import Limits, prepare_clip
from viseme.files import sha256

SIDE = 240


def portraits(count: int, blank: int = 0) -> np.ndarray:
    """A face that moves by 2 pixels a frame, after `blank` frames without one."""
    portrait = np.ascontiguousarray(data.astronaut()[: SIDE + 40, 80 : 80 + SIDE + 60])
    frames = [portrait[t : t + SIDE, 2 * (t % 15) : 2 * (t % 15) + SIDE] for t in range(count)]
    return np.stack([np.full_like(frames[0], 90)] * blank + frames[: count - blank])


def tone(seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


def write_clip(path: Path, frames: np.ndarray, audio: np.ndarray | None) -> Path:
    """A Matroska file with near-lossless H.264 and lossless sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "8", "preset": "ultrafast", "threads": "1"})
        video.height, video.width, video.pix_fmt = *frames.shape[1:3], "yuv444p"
        sound = container.add_stream("pcm_s16le", rate=16_000, layout="mono") if audio is not None else None
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(video.encode(None))
        if sound is not None and audio is not None:
            samples = np.rint(audio * 32767).astype(np.int16)[None]
            block = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            block.rate, block.pts = 16_000, 0
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def prepared(path: Path, size: int = 64, align_by: str = "clip", **limits: Any) -> Any:
    clip = SourceClip("c", "a", path, sentence="hello")
    return prepare_clip(clip, path.parent, "train", 5, size, align_by, Limits(**limits), default_backend())


def test_frames_sound_and_landmarks_line_up(tmp_path: Path) -> None:
    frames, audio = portraits(14), tone(14 / 25)
    path = write_clip(tmp_path / "c.mkv", frames, audio)
    row, tensors = prepared(path)
    assert (row.status, row.reason, row.frames, row.found) == ("ok", "", 14, 1.0)
    assert (row.shard, row.split, row.source, row.sentence) == (5, "train", "c.mkv", "hello")
    assert row.sha256 == sha256(path)
    assert tensors["frames"].shape == (14, 64, 64, 3)
    np.testing.assert_allclose(tensors["audio"] / 32767, audio, atol=1e-4)
    expected = np.stack([align.warp(frame, np.reshape(row.crop, (2, 3)), 64) for frame in frames])
    assert np.abs(tensors["frames"].astype(int) - expected).mean() < 3
    anchors = np.median(align.anchors(tensors["landmarks"]), axis=0)
    np.testing.assert_allclose(anchors, align.template(64), atol=1.0)


def test_one_transform_a_clip_keeps_head_motion_and_one_a_frame_takes_it_out(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "c.mkv", portraits(14), tone(0.56))
    spread = {}
    for way in ("clip", "frame"):
        row, tensors = prepared(path, align_by=way)
        assert row.status == "ok"
        spread[way] = tensors["landmarks"][:, 27:36, 0].mean(axis=1).std()
    assert spread["clip"] > 2.0
    assert spread["frame"] < 0.5


def test_a_large_video_is_decoded_twice_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "c.mkv", portraits(12), tone(0.48))
    row, held = prepared(path)
    monkeypatch.setattr("viseme.data.prepare_clip.HELD_BYTES", 1000)
    again, decoded = prepared(path)
    assert again == row
    np.testing.assert_array_equal(decoded["frames"], held["frames"])


def test_sound_a_little_short_is_padded_and_long_sound_is_cut(tmp_path: Path) -> None:
    for seconds in (0.45, 2.0):
        row, tensors = prepared(write_clip(tmp_path / f"{seconds}.mkv", portraits(14), tone(seconds)))
        assert row.status == "ok"
        assert len(tensors["audio"]) == 14 * 640
        assert (tensors["audio"][round(seconds * 16_000) :] == 0).all()


@pytest.mark.parametrize(
    ("frames", "audio", "reason"),
    [
        (portraits(14), None, "holds no sound"),
        (portraits(14), tone(0.2), "its sound ends 0.36 s before the picture"),
        (portraits(14), np.zeros(8960, np.float32), "its sound is silent"),
        (portraits(9), tone(1), "9 frames at 25 a second, fewer than 10"),
        (portraits(14, blank=14), tone(1), "no face in any frame"),
        (portraits(14, blank=3), tone(1), "a face in only 79% of its frames"),
    ],
)
def test_rejections_say_why(tmp_path: Path, frames: np.ndarray, audio: np.ndarray | None, reason: str) -> None:
    row, tensors = prepared(write_clip(tmp_path / "c.mkv", frames, audio))
    assert (row.status, row.frames, tensors) == ("rejected", 0, {})
    assert row.reason.startswith("c.mkv: ")
    assert reason in row.reason
    assert len(row.sha256) == 64


def test_long_clips_are_refused_before_they_fill_memory(tmp_path: Path) -> None:
    row, _ = prepared(write_clip(tmp_path / "c.mkv", portraits(30), tone(1.2)), seconds=0.8)
    assert row.reason == "c.mkv: longer than 0.8 s; cut it into utterances"


def test_limits_can_be_loosened(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "c.mkv", portraits(14, blank=3), tone(0.2))
    row, _ = prepared(path, found=0.5, missing_sound=1.0)
    assert row.status == "ok"
    assert row.found == pytest.approx(11 / 14)


@pytest.mark.parametrize("content", [None, b"", b"these are words, not pictures\n" * 40])
def test_what_is_no_video_is_rejected_with_a_reason(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "c.mp4"
    if content is not None:
        path.write_bytes(content)
    row, tensors = prepared(path)
    assert row.status == "rejected"
    assert row.reason.startswith("c.mp4: ")
    assert tensors == {}


def test_sound_from_a_file_of_its_own_counts_in_the_hash(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "c.mkv", portraits(12), None)
    sound = write_clip(tmp_path / "s.mkv", portraits(2), tone(0.48))
    clip = SourceClip("c", "a", video, audio=sound)
    row, tensors = prepare_clip(clip, tmp_path, "train", 0, 64, "clip", Limits(), default_backend())
    assert row.sha256 == f"{sha256(video)}+{sha256(sound)}"
    assert np.abs(tensors["audio"]).max() > 5000


def test_the_recording_is_measured(tmp_path: Path) -> None:
    row, tensors = prepared(write_clip(tmp_path / "c.mkv", portraits(14), tone(0.56)))
    points = align.apply(align.inverse(np.reshape(row.crop, (2, 3))), tensors["landmarks"])
    assert row.faces == 1
    assert row.face_width == pytest.approx(np.median(np.linalg.norm(points[:, 16] - points[:, 0], axis=1)), rel=1e-4)
    assert row.loudness == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.01)
    assert (row.clipping, row.jitter > 0) == (0.0, True)
    again, _ = prepared(tmp_path / "c.mkv", size=32)
    assert (again.sharpness, again.jitter, again.face_width) == (row.sharpness, row.jitter, row.face_width)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"face_width": 500}, r"c.mkv: its face is \d+ pixels wide, narrower than 500$"),
        ({"jitter": 0.0}, r"c.mkv: its landmarks tremble by [\d.]+ pixels, over 0% of the face's width$"),
        ({"sharpness": 1e5}, r"c.mkv: its face is blurred: sharpness [\d.]+, less than 100000$"),
        ({"loudness": -5}, r"c.mkv: its sound is quiet: -13.5 dBFS, less than -5$"),
    ],
)
def test_a_poor_recording_is_rejected_with_its_measure(tmp_path: Path, limits: dict[str, float], says: str) -> None:
    row, tensors = prepared(write_clip(tmp_path / "c.mkv", portraits(12), tone(0.48)), **limits)
    assert (row.status, tensors, row.sharpness) == ("rejected", {}, None)
    assert re.search(says, row.reason), row.reason


def test_overdriven_sound_is_rejected(tmp_path: Path) -> None:
    loud = np.clip(tone(0.48) * 20, -1, 1)
    row, _ = prepared(write_clip(tmp_path / "c.mkv", portraits(12), loud))
    assert re.fullmatch(r"c.mkv: its sound is clipped in \d\d.\d% of its samples, over 5%", row.reason)


def test_of_two_faces_the_one_asked_for_is_followed(tmp_path: Path) -> None:
    portrait = np.ascontiguousarray(data.astronaut()[:SIDE, 80 : 80 + SIDE])
    frame = np.full((384, 1008, 3), 90, np.uint8)
    frame[:, :384] = align.warp(portrait, np.array([[1.6, 0, 0], [0, 1.6, 0]]), 384)
    frame[72:312, 384:624] = portrait
    path = write_clip(tmp_path / "c.mkv", np.stack([frame] * 12), tone(0.48))
    width = {}
    for face in ("largest", "central"):
        clip = SourceClip("c", "a", path)
        row, _ = prepare_clip(clip, tmp_path, "train", 0, 64, "clip", Limits(), default_backend(), face)
        assert (row.status, row.faces) == ("ok", 2)
        width[face] = row.face_width
    assert width["central"] == pytest.approx(width["largest"] / 1.6, rel=0.05)
