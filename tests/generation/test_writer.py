from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.video import read_video
from viseme.errors import InputError, OutputError
from viseme.generation.writer import VideoWriter

RECORD = {"generator": "viseme", "name": "m", "seed": 0, "ai_generated": True}


def pictures(frames: int, size: int = 64) -> np.ndarray:
    """Frame n carries its own gray level on the left, a gradient on the right."""
    made = np.empty((frames, size, size, 3), np.uint8)
    made[:, :, : size // 2] = (40 + 7 * np.arange(frames) % 160)[:, None, None, None]
    made[:, :, size // 2 :] = np.linspace(30, 220, size).astype(np.uint8)[None, :, None, None]
    return made


def chirp(seconds: float) -> np.ndarray:
    time = np.arange(round(16000 * seconds)) / 16000
    return (0.5 * np.sin(2 * np.pi * (300 + 200 * time) * time)).astype(np.float32)


def write(path: Path, frames: np.ndarray, audio: np.ndarray, **options: object) -> Path:
    with VideoWriter(path, frames.shape[1], audio, metadata=RECORD, **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)
    return path


def test_what_is_written_comes_back_in_order_and_unbiased(tmp_path: Path) -> None:
    frames = pictures(30)
    decoded = read_video(write(tmp_path / "v.mp4", frames, chirp(1.2))).astype(float)
    assert decoded.shape == frames.shape
    error = decoded - frames
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 40
    assert abs(error.mean()) < 0.2
    levels = decoded[:, :, 4:28].mean(axis=(1, 2, 3))
    assert np.allclose(levels, frames[:, 0, 0, 0], atol=1.0)


def test_a_coloured_face_keeps_its_colour(tmp_path: Path, portrait: np.ndarray) -> None:
    face = np.repeat(portrait[40:168, 160:288][None], 20, axis=0)
    error = read_video(write(tmp_path / "v.mp4", face, chirp(0.8))).astype(float) - face
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 0.3


def test_players_find_what_they_need(tmp_path: Path, streams) -> None:
    path = write(tmp_path / "v.mp4", pictures(30), chirp(1.2))
    seen = streams(path)
    assert (seen.picture, seen.pixels, seen.rate, seen.frames) == ("h264", "yuv420p", 25, 30)
    assert (seen.sound, seen.channels) == ("aac", 1)
    assert seen.seconds == pytest.approx(1.2)
    assert seen.sound_seconds == pytest.approx(1.2, abs=1e-3)
    assert seen.starts == (0, 0)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("frames", [2, 3, 7, 26, 53])
@pytest.mark.parametrize("given", [0, 500, 16000, 48000])
def test_sound_and_picture_end_together(tmp_path: Path, streams, frames: int, given: int) -> None:
    path = write(tmp_path / "v.mp4", pictures(frames, 32), chirp(3.0)[:given])
    seen = streams(path)
    assert seen.sound_seconds == pytest.approx(seen.seconds, abs=1e-3)
    heard = read_audio(path)
    assert 0 <= len(heard) - 640 * frames <= 640
    assert not np.abs(heard[given + 1500 : 640 * frames]).max(initial=0.0) > 0.02


def test_sound_stays_in_its_place(tmp_path: Path) -> None:
    clicks = np.zeros(32000, np.float32)
    places = (4000, 15555, 27001)
    for place in places:
        clicks[place - 8 : place + 9] = np.hanning(17) * 0.8
    heard = read_audio(write(tmp_path / "v.mp4", pictures(50, 32), clicks))
    for place in places:
        around = heard[place - 800 : place + 800]
        assert abs(int(np.abs(around).argmax()) - 800) <= 4


def test_speech_survives_the_codec(tmp_path: Path) -> None:
    sound = chirp(2.0)
    heard = read_audio(write(tmp_path / "v.mp4", pictures(50, 32), sound))[: len(sound)]
    assert 10 * np.log10(np.mean(sound**2) / np.mean((heard - sound) ** 2)) > 25


def test_sound_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.mp4", pictures(25, 32), 3 * chirp(1.0))
    clipped = write(tmp_path / "clipped.mp4", pictures(25, 32), np.clip(3 * chirp(1.0), -1, 1))
    assert loud.read_bytes() == clipped.read_bytes()


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    def digest(name: str, frames: np.ndarray, audio: np.ndarray) -> str:
        return hashlib.sha256(write(tmp_path / name, frames, audio).read_bytes()).hexdigest()

    frames, audio = pictures(40, 32), chirp(1.6)
    first = digest("a.mp4", frames, audio)
    assert digest("b.mp4", frames, audio) == first
    assert digest("c.mp4", frames[::-1], audio) != first
    assert digest("d.mp4", frames, -audio) != first


def test_a_smaller_factor_costs_more_and_shows_more(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    fine, coarse = (write(tmp_path / f"{crf}.mp4", frames, chirp(0.4), crf=crf) for crf in (2, 30))
    assert fine.stat().st_size > 2 * coarse.stat().st_size


@pytest.mark.parametrize("size", [33, 65, 1, 0])
def test_odd_sizes_are_refused_in_one_line(tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match=rf"v\.mp4: H\.264 needs an even size, not {size} pixels"):
        VideoWriter(tmp_path / "v.mp4", size, chirp(1), metadata=RECORD)


def test_sound_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="finite"):
        VideoWriter(tmp_path / "v.mp4", 32, np.array([0, np.nan], np.float32), metadata=RECORD)
    with pytest.raises(ValueError, match=r"\[S\]"):
        VideoWriter(tmp_path / "v.mp4", 32, np.zeros((2, 640), np.float32), metadata=RECORD)


@pytest.mark.parametrize("bad", [np.zeros((32, 30, 3), np.uint8), np.zeros((32, 32, 3), np.float32)])
def test_other_frames_are_refused_and_nothing_stays(tmp_path: Path, bad: np.ndarray) -> None:
    with (
        pytest.raises(ValueError, match=r"uint8 \[32,32,3\]"),
        VideoWriter(tmp_path / "v.mp4", 32, chirp(1), metadata=RECORD) as writer,
    ):
        writer.write(bad)
    assert not list(tmp_path.iterdir())


def write_until(path: Path, error: BaseException) -> None:
    with VideoWriter(path, 32, chirp(1), metadata=RECORD) as writer:
        for frame in pictures(60, 32):
            writer.write(frame)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_nothing_half_written_stays(tmp_path: Path, error: BaseException) -> None:
    old = write(tmp_path / "v.mp4", pictures(3, 32), chirp(1)).read_bytes()
    with pytest.raises(type(error)):
        write_until(tmp_path / "v.mp4", error)
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
    assert (tmp_path / "v.mp4").read_bytes() == old


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"v\.mp4: no room left on the disk"):
        write_until(tmp_path / "v.mp4", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert not list(tmp_path.iterdir())


def test_what_ffmpeg_cannot_write_is_noticed(tmp_path: Path) -> None:
    """A limit on file sizes stands for a full disk: FFmpeg itself meets the error, when it flushes its buffers."""
    code = f"""
import resource, numpy as np
from viseme.generation.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
rng = np.random.default_rng(0)
try:
    with VideoWriter({str(tmp_path / "v.mp4")!r}, 64, np.zeros(0, np.float32), metadata={{}}) as writer:
        for _ in range(60):
            writer.write(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
except OSError as error:
    print("told", error.errno)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["told", str(errno.EFBIG)], done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_without_rights_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        VideoWriter(tmp_path / "file" / "v.mp4", 32, chirp(1), metadata=RECORD),
    ):
        pytest.fail("the block must not be entered")


def test_a_video_without_frames_is_not_written(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="not a single frame"),
        VideoWriter(tmp_path / "v.mp4", 32, chirp(1), metadata=RECORD),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["10:30.mp4", "späť %03d.mp4", "a b#c?.mp4"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    assert read_video(write(tmp_path / name, pictures(3, 32), chirp(0.1))).shape == (3, 32, 32, 3)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    frame, sound = pictures(1, 128)[0], chirp(1)

    def peak(frames: int) -> int:
        with VideoWriter(tmp_path / "v.mp4", 128, sound, metadata=RECORD) as writer:
            for n in range(frames):
                writer.write(np.roll(frame, n, axis=1))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    short = peak(500)
    assert peak(8000) - short < 20_000  # KiB; 7500 frames of 49 KiB would be 360 MiB
