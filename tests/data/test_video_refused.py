"""Frames of a video: what is refused, and what damage leaves."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.video import read_frames, read_video
from viseme.errors import InputError


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(read_frames(path))
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_files_that_are_no_video_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is not a video\n" * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    noise = tmp_path / "noise.avi"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))
    folder = tmp_path / "folder.mp4"
    folder.mkdir()
    assert "cannot be opened" in refused(text)
    assert "empty" in refused(empty)
    refused(noise)
    assert "not a file" in refused(folder)
    assert "no such file" in refused(tmp_path / "missing.mp4")
    assert capfd.readouterr().err == ""


def test_a_pointer_of_git_lfs_is_told_from_a_film(tmp_path: Path) -> None:
    pointer = tmp_path / "pointer.flv"
    pointer.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 73567\n")
    assert "is a git-lfs pointer, not the media; run `git lfs pull`" in refused(pointer)
    with pytest.raises(InputError, match="git-lfs pointer"):
        read_audio(pointer)


def test_sound_alone_and_pictures_are_refused(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
    assert "no video stream" in refused(sound)
    for suffix, codec in ((".png", "png"), (".jpg", "mjpeg")):
        path = tmp_path / f"picture{suffix}"
        pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
        write_video(path, numbered(1), [Fraction(0)], codec=codec, pix_fmt=pix_fmt, options={"update": "1"})
        assert "picture" in refused(path)


def test_a_playlist_cannot_reach_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "playlist.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    refused(path)


def test_a_video_cut_short_gives_its_frames(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], write_video: Callable[..., Path]
) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (64, 64, 3)).astype(np.uint8) for _ in range(50)]
    path = tmp_path / "whole.mpg"
    write_video(path, pictures, [Fraction(n, 25) for n in range(50)], codec="mpeg1video", time_base=Fraction(1, 25))
    cut = tmp_path / "cut.mpg"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    whole, half = read_video(path), read_video(cut)
    assert len(whole) == 50
    assert 15 < len(half) < 35
    assert np.array_equal(half, whole[: len(half)])  # the picture that was cut through is not among them
    stub = tmp_path / "stub.mpg"
    stub.write_bytes(path.read_bytes()[:100])
    refused(stub)
    assert capfd.readouterr().err == ""


def test_an_mp4_without_its_index_is_refused(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    path = write_video(tmp_path / "cut.mp4", numbered(20), [Fraction(n, 25) for n in range(20)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "whole" in refused(path)


def test_damage_in_the_middle_keeps_the_length(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    times = [Fraction(n, 25) for n in range(40)]
    path = write_video(tmp_path / "damaged.avi", numbered(40), times, codec="mjpeg", pix_fmt="yuvj420p")
    whole = bytearray(path.read_bytes())
    place = whole.index(b"\xff\xd8", len(whole) // 2)
    whole[place : place + 300] = bytes(300)
    path.write_bytes(whole)
    seen = numbers(read_video(path))
    assert len(seen) == 40
    assert sum(number == place for place, number in enumerate(seen)) >= 37


def test_absurd_sizes_are_refused(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    path = tmp_path / "wide.mkv"
    write_video(path, [np.zeros((16, 9000, 3), np.uint8)], [Fraction(0)], codec="ffv1", pix_fmt="yuv420p")
    assert "9000x16" in refused(path)


def test_a_clock_that_jumps_is_refused(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    times = [Fraction(0), Fraction(1, 25), Fraction(7200)]
    path = write_video(tmp_path / "jump.mkv", numbered(3), times, time_base=Fraction(1, 1000))
    assert "jumps" in refused(path)


def test_two_recordings_in_one_file_are_refused(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    times = [Fraction(n, 25) for n in range(60)]
    path = write_video(tmp_path / "a.mpg", numbered(60), times, codec="mpeg2video", time_base=Fraction(1, 25))
    path.write_bytes(path.read_bytes() * 2)
    assert "jumps" in refused(path)


def test_names_that_look_like_something_else(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    for name in ("10:30.mp4", "a%03d.mp4", "ünï 'x'.mp4", "http:.mp4"):
        made = write_video(tmp_path / "made.mp4", numbered(3), [Fraction(n, 25) for n in range(3)])
        made.rename(tmp_path / name)
        assert len(read_video(tmp_path / name)) == 3


def test_read_video_refuses_what_memory_cannot_hold(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
) -> None:
    path = write_video(tmp_path / "long.mp4", numbered(30), [Fraction(n, 25) for n in range(30)])
    monkeypatch.setattr("viseme.data.video.MAX_WHOLE", 20 * 32 * 48 * 3)
    with pytest.raises(InputError, match="shorter clips"):
        read_video(path)
