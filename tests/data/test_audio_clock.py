"""Sound at 16 kHz: the clock it shares with the pictures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.video import read_video
from viseme.errors import InputError
from viseme.types import SAMPLES_PER_FRAME

CONTAINERS = [
    (".mp4", "libx264", "yuv420p", "aac", "fltp"),
    (".mkv", "libx264", "yuv420p", "flac", "s16"),
    (".mpg", "mpeg1video", "yuv420p", "mp2", "s16"),
    (".avi", "mjpeg", "yuvj420p", "pcm_s16le", "s16"),
    (".mov", "mjpeg", "yuvj420p", "alac", "s16p"),
    (".webm", "libvpx", "yuv420p", "libopus", "s16"),
]


@pytest.fixture
def write_flash(sound_frames: Callable[..., list[av.AudioFrame]]) -> Callable[..., Path]:
    """Two seconds of black with one white picture, and of silence with one click (seconds after the first picture)."""

    def write(
        path: Path,
        flash: int,
        click: float,
        *,
        video: str,
        pix_fmt: str,
        audio: str,
        sample_fmt: str,
        rate: int = 48_000,
        late_picture: float = 0.0,
        late_sound: float = 0.0,
    ) -> Path:
        sound = np.zeros((1, 2 * rate), np.float64)
        at = round((click + late_picture - late_sound) * rate)
        sound[0, at : at + rate // 1000] = 0.9
        with av.open(str(path), "w") as container:
            pictures = container.add_stream(video, rate=25)
            pictures.height, pictures.width, pictures.pix_fmt = 32, 48, pix_fmt
            sounds = container.add_stream(audio, rate=rate, layout="mono")
            sounds.format = sample_fmt
            for number in range(50):
                frame = av.VideoFrame.from_ndarray(
                    np.full((32, 48, 3), 255 * (number == flash), np.uint8), format="rgb24"
                )
                frame.time_base = Fraction(1, 1000)
                frame.pts = 40 * number + round(1000 * late_picture)
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode(None))
            size = sounds.codec_context.frame_size or 1024
            for frame in sound_frames(sound, rate, sample_fmt, "mono", size):
                frame.pts += round(late_sound * rate)
                container.mux(sounds.encode(frame))
            container.mux(sounds.encode(None))
        return path

    return write


@pytest.mark.parametrize(("suffix", "video", "pix_fmt", "audio", "sample_fmt"), CONTAINERS)
@pytest.mark.parametrize(
    ("late_picture", "late_sound"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.4)], ids=["together", "picture-late", "sound-late"]
)
def test_sound_and_picture_share_a_clock(
    tmp_path: Path,
    suffix: str,
    video: str,
    pix_fmt: str,
    audio: str,
    sample_fmt: str,
    late_picture: float,
    late_sound: float,
    write_flash: Callable[..., Path],
) -> None:
    if suffix == ".avi" and (late_picture or late_sound):
        pytest.skip("AVI holds no start times")
    flash, click = 20, 0.8
    path = tmp_path / f"flash{suffix}"
    write_flash(
        path,
        flash,
        click,
        video=video,
        pix_fmt=pix_fmt,
        audio=audio,
        sample_fmt=sample_fmt,
        late_picture=late_picture,
        late_sound=late_sound,
    )
    frames, sound = read_video(path), read_audio(path)
    bright = frames.reshape(len(frames), -1).mean(1)
    assert int(bright.argmax()) == flash
    assert np.sort(bright)[-2] < 100 < bright.max()
    heard = int(np.abs(sound).argmax())
    assert abs(heard - flash * SAMPLES_PER_FRAME) < SAMPLES_PER_FRAME
    assert abs(heard - click * 16_000) < 200  # in fact within 12 ms


def test_sound_before_the_first_picture_is_cut(tmp_path: Path, write_flash: Callable[..., Path]) -> None:
    path = tmp_path / "early.mkv"
    write_flash(path, 5, 0.2, video="mjpeg", pix_fmt="yuvj420p", audio="pcm_s16le", sample_fmt="s16", late_picture=0.52)
    sound = read_audio(path)
    assert abs(len(sound) - 23_680) <= 16  # two seconds, 0.52 of them before the picture
    assert abs(int(np.abs(sound).argmax()) - 3_200) <= 16


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path: Path, write_flash: Callable[..., Path]) -> None:
    path = tmp_path / "late.mkv"
    write_flash(path, 30, 1.2, video="mjpeg", pix_fmt="yuvj420p", audio="pcm_s16le", sample_fmt="s16", late_sound=1.0)
    sound = read_audio(path)
    assert np.abs(sound[:15_900]).max() == 0
    assert abs(len(sound) - 48_000) <= 16
    assert abs(int(np.abs(sound).argmax()) - 19_200) <= 16


def test_a_gap_in_the_sound_is_silence(
    tmp_path: Path, sound_frames: Callable[..., list[av.AudioFrame]], sine: Callable[..., np.ndarray]
) -> None:
    path = tmp_path / "gap.mkv"
    tone = sine(500, 16_000, 2.0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for frame in sound_frames(tone, 16_000, "s16", "mono", 1_600):
            if not 8_000 <= frame.pts < 16_000:
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    audio = read_audio(path)
    assert len(audio) == 32_000
    assert np.abs(audio[8_000:16_000]).max() == 0
    tone[:, 8_000:16_000] = 0
    assert np.abs(audio - tone[0]).max() < 1e-3


def test_stamps_that_jitter_leave_no_clicks(
    tmp_path: Path, sound_frames: Callable[..., list[av.AudioFrame]], sine: Callable[..., np.ndarray]
) -> None:
    path = tmp_path / "jitter.mkv"
    tone = sine(500, 44_100, 1.0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44_100, layout="mono")
        for number, frame in enumerate(sound_frames(tone, 44_100, "s16", "mono", 1_024)):
            frame.pts += 200 * (number % 2)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    audio = read_audio(path)
    assert np.abs(audio[400:15_000] - sine(500, 16_000, 1.0)[0, 400:15_000]).max() < 5e-3


def test_a_sound_file_with_a_cover_keeps_its_own_clock(
    tmp_path: Path, sound_frames: Callable[..., list[av.AudioFrame]], sine: Callable[..., np.ndarray]
) -> None:
    path = tmp_path / "cover.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        stream.format = "s16"
        pictures = container.add_stream("mjpeg", rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = 32, 48, "yuvj420p"
        pictures.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")
        container.mux(pictures.encode(frame))
        for sound in sound_frames(sine(500, 16_000, 1.0), 16_000, "s16", "mono", 1_600):
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    assert len(read_audio(path)) == 16_000
    with pytest.raises(InputError, match="no video stream"):
        read_video(path)
