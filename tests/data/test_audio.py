"""Sound at 16 kHz: the samples, the clock it shares with the pictures, and what is refused."""

from __future__ import annotations

import math
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.audio import fit_length, read_audio
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


def sound_frames(sound: np.ndarray, rate: int, sample_fmt: str, layout: str, size: int) -> list[av.AudioFrame]:
    """Float sound `[C,S]` as encoder frames of `size` samples, stamped from 0."""
    frames = []
    for start in range(0, sound.shape[1], size):
        piece = sound[:, start : start + size]
        if not sample_fmt.startswith(("flt", "dbl")):
            peak = {"u8": 127, "s16": 32767, "s32": 2**31 - 1}[sample_fmt.rstrip("p")]
            piece = np.round(piece.astype(np.float64) * peak) + (128 if sample_fmt.startswith("u8") else 0)
        kind = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}[sample_fmt.rstrip("p")]
        piece = piece.astype(kind)
        planes = piece if sample_fmt.endswith("p") else piece.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=sample_fmt, layout=layout)
        frame.sample_rate = rate
        frame.pts = start
        frame.time_base = Fraction(1, rate)
        frames.append(frame)
    return frames


def write_sound(
    path: Path, sound: np.ndarray, rate: int, *, codec: str = "pcm_s16le", sample_fmt: str = "s16", layout: str = "mono"
) -> Path:
    """Write float sound `[C,S]` alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.format = sample_fmt
        size = stream.codec_context.frame_size or 1024
        for frame in sound_frames(sound, rate, sample_fmt, layout, size):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_flash(
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
    """Two seconds of black with one white picture, and of silence with one click (seconds after the first picture)."""
    sound = np.zeros((1, 2 * rate), np.float64)
    at = round((click + late_picture - late_sound) * rate)
    sound[0, at : at + rate // 1000] = 0.9
    with av.open(str(path), "w") as container:
        pictures = container.add_stream(video, rate=25)
        pictures.height, pictures.width, pictures.pix_fmt = 32, 48, pix_fmt
        sounds = container.add_stream(audio, rate=rate, layout="mono")
        sounds.format = sample_fmt
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 255 * (number == flash), np.uint8), format="rgb24")
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


def sine(frequency: float, rate: int, seconds: float, channels: int = 1, amplitude: float = 0.5) -> np.ndarray:
    tone = amplitude * np.sin(2 * math.pi * frequency * np.arange(round(rate * seconds)) / rate)
    return np.tile(tone, (channels, 1))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_becomes_16000(tmp_path: Path, rate: int) -> None:
    audio = read_audio(write_sound(tmp_path / "sine.wav", sine(440, rate, 1.0), rate))
    assert audio.dtype == np.float32
    assert abs(len(audio) - 16_000) <= 1
    inner = slice(800, 15_200)  # a resampler rings at both ends
    assert np.abs(audio[inner] - sine(440, 16_000, 1.0)[0, inner]).max() < 2e-3


@pytest.mark.parametrize(
    ("codec", "sample_fmt", "suffix"),
    [
        ("pcm_u8", "u8", ".wav"),
        ("pcm_s16be", "s16", ".aiff"),
        ("pcm_s24le", "s32", ".wav"),
        ("pcm_s32le", "s32", ".wav"),
        ("pcm_f32le", "flt", ".wav"),
        ("pcm_f64le", "dbl", ".wav"),
        ("flac", "s16", ".flac"),
        ("alac", "s32p", ".m4a"),
        ("aac", "fltp", ".m4a"),
        ("libmp3lame", "fltp", ".mp3"),
        ("libopus", "s16", ".ogg"),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_format_keeps_level_and_place(
    tmp_path: Path, codec: str, sample_fmt: str, suffix: str, layout: str
) -> None:
    channels = 1 + (layout == "stereo")
    tone = sine(300, 48_000, 1.0, channels)
    tone[:, :24_000] = 0  # where the tone sets in tells a delay
    path = tmp_path / f"tone{suffix}"
    write_sound(path, tone, 48_000, codec=codec, sample_fmt=sample_fmt, layout=layout)
    audio = read_audio(path)
    expected = sine(300, 16_000, 1.0)[0]
    expected[:8_000] = 0
    length = min(len(audio), len(expected))
    assert length > 15_800
    assert np.abs(audio[:7_500]).max() < 0.02
    assert np.corrcoef(audio[:length], expected[:length])[0, 1] > 0.995  # 5 samples late would give 0.83
    assert np.abs(audio[9_000:15_000]).max() == pytest.approx(0.5, abs=0.03)


def test_channels_are_averaged(tmp_path: Path) -> None:
    sound = np.stack([np.full(16_000, level) for level in (0.6, 0.2, 0.4, 0.0, 0.1, -0.1)])
    path = write_sound(tmp_path / "six.wav", sound, 16_000, layout="5.1")
    assert read_audio(path)[8_000] == pytest.approx(0.2, abs=1e-3)
    path = write_sound(tmp_path / "loud.wav", np.full((2, 16_000), 0.95), 48_000, layout="stereo")
    assert read_audio(path)[2_000] == pytest.approx(0.95, abs=1e-3)


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


def test_sound_before_the_first_picture_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "early.mkv"
    write_flash(path, 5, 0.2, video="mjpeg", pix_fmt="yuvj420p", audio="pcm_s16le", sample_fmt="s16", late_picture=0.52)
    sound = read_audio(path)
    assert abs(len(sound) - 23_680) <= 16  # two seconds, 0.52 of them before the picture
    assert abs(int(np.abs(sound).argmax()) - 3_200) <= 16


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    write_flash(path, 30, 1.2, video="mjpeg", pix_fmt="yuvj420p", audio="pcm_s16le", sample_fmt="s16", late_sound=1.0)
    sound = read_audio(path)
    assert np.abs(sound[:15_900]).max() == 0
    assert abs(len(sound) - 48_000) <= 16
    assert abs(int(np.abs(sound).argmax()) - 19_200) <= 16


def test_a_gap_in_the_sound_is_silence(tmp_path: Path) -> None:
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


def test_stamps_that_jitter_leave_no_clicks(tmp_path: Path) -> None:
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


def test_a_sound_file_with_a_cover_keeps_its_own_clock(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("kind", ["flt", "dbl"])
def test_samples_that_are_not_finite_become_silence(tmp_path: Path, kind: str) -> None:
    sound = sine(200, 16_000, 1.0)
    sound[0, 5_000] = np.nan
    sound[0, 6_000] = np.inf
    path = tmp_path / "nan.wav"
    write_sound(path, sound, 16_000, codec="pcm_f32le" if kind == "flt" else "pcm_f64le", sample_fmt=kind)
    audio = read_audio(path)
    assert audio[5_000] == audio[6_000] == 0
    good = np.isfinite(sound[0])
    assert np.abs(audio[good] - sound[0, good]).max() < 1e-6
    write_sound(path, np.full((1, 1_000), np.nan), 16_000, codec="pcm_f32le", sample_fmt="flt")
    with pytest.raises(InputError, match="finite"):
        read_audio(path)


def test_not_finite_samples_do_not_spread_when_resampled(tmp_path: Path) -> None:
    sound = sine(200, 48_000, 1.0)
    sound[0, 24_000] = np.nan
    path = write_sound(tmp_path / "nan.wav", sound, 48_000, codec="pcm_f32le", sample_fmt="flt")
    audio = read_audio(path)
    assert np.isfinite(audio).all()
    clean = sine(200, 16_000, 1.0)[0]
    assert np.abs(audio[100:7_950] - clean[100:7_950]).max() < 2e-3
    assert np.abs(audio[8_050:15_900] - clean[8_050:15_900]).max() < 2e-3


def test_peaks_are_clipped_and_integers_written_as_floats_are_refused(tmp_path: Path) -> None:
    loud = write_sound(
        tmp_path / "loud.wav", sine(100, 16_000, 0.5, amplitude=1.5), 16_000, codec="pcm_f32le", sample_fmt="flt"
    )
    audio = read_audio(loud)
    assert audio.max() == 1
    assert audio.min() == -1
    scaled = write_sound(
        tmp_path / "int.wav", sine(100, 16_000, 0.5, amplitude=20_000), 16_000, codec="pcm_f32le", sample_fmt="flt"
    )
    with pytest.raises(InputError, match="20000"):
        read_audio(scaled)


def test_what_holds_no_sound_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    text = tmp_path / "text.wav"
    text.write_text("no sound in here\n" * 50)
    none = tmp_path / "none.wav"
    with wave.open(str(none), "wb") as header:
        header.setparams((1, 2, 16_000, 0, "NONE", ""))
    (tmp_path / "folder.wav").mkdir()
    empty = tmp_path / "empty.wav"
    empty.touch()
    for path, words in (
        (silent, "no sound"),
        (text, "cannot be opened"),
        (none, "no samples"),
        (tmp_path / "folder.wav", "not a file"),
        (empty, "empty"),
        (tmp_path / "missing.wav", "no such file"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            read_audio(path)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
    assert capfd.readouterr().err == ""


def test_sound_cut_short_gives_what_there_is(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "whole.flac", sine(440, 16_000, 2.0), 16_000, codec="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audio = read_audio(path)
    assert 4_000 < len(audio) < 24_000
    assert np.abs(audio[:4_000] - sine(440, 16_000, 2.0)[0, :4_000]).max() < 2e-3


def test_fit_length() -> None:
    audio = np.arange(1, 1_001, dtype=np.float32) / 1_000
    assert np.array_equal(fit_length(audio, 1), audio[:640])
    longer = fit_length(audio, 2)
    assert longer.dtype == np.float32
    assert longer.shape == (1_280,)
    assert np.array_equal(longer[:1_000], audio)
    assert not longer[1_000:].any()
    assert fit_length(audio, 0).shape == (0,)
