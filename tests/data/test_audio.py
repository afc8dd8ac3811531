"""Sound at 16 kHz: the samples, and what is refused."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.audio import fit_length, read_audio
from viseme.errors import InputError


@pytest.fixture
def write_sound(sound_frames: Callable[..., list[av.AudioFrame]]) -> Callable[..., Path]:
    """`write_sound(path, sound, rate)`: float sound `[C,S]` alone."""

    def write(
        path: Path,
        sound: np.ndarray,
        rate: int,
        *,
        codec: str = "pcm_s16le",
        sample_fmt: str = "s16",
        layout: str = "mono",
    ) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, layout=layout)
            stream.format = sample_fmt
            size = stream.codec_context.frame_size or 1024
            for frame in sound_frames(sound, rate, sample_fmt, layout, size):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_becomes_16000(
    tmp_path: Path, rate: int, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
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
    tmp_path: Path,
    codec: str,
    sample_fmt: str,
    suffix: str,
    layout: str,
    write_sound: Callable[..., Path],
    sine: Callable[..., np.ndarray],
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


def test_channels_are_averaged(tmp_path: Path, write_sound: Callable[..., Path]) -> None:
    sound = np.stack([np.full(16_000, level) for level in (0.6, 0.2, 0.4, 0.0, 0.1, -0.1)])
    path = write_sound(tmp_path / "six.wav", sound, 16_000, layout="5.1")
    assert read_audio(path)[8_000] == pytest.approx(0.2, abs=1e-3)
    path = write_sound(tmp_path / "loud.wav", np.full((2, 16_000), 0.95), 48_000, layout="stereo")
    assert read_audio(path)[2_000] == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize("kind", ["flt", "dbl"])
def test_samples_that_are_not_finite_become_silence(
    tmp_path: Path, kind: str, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
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


def test_not_finite_samples_do_not_spread_when_resampled(
    tmp_path: Path, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
    sound = sine(200, 48_000, 1.0)
    sound[0, 24_000] = np.nan
    path = write_sound(tmp_path / "nan.wav", sound, 48_000, codec="pcm_f32le", sample_fmt="flt")
    audio = read_audio(path)
    assert np.isfinite(audio).all()
    clean = sine(200, 16_000, 1.0)[0]
    assert np.abs(audio[100:7_950] - clean[100:7_950]).max() < 2e-3
    assert np.abs(audio[8_050:15_900] - clean[8_050:15_900]).max() < 2e-3


def test_peaks_are_clipped_and_integers_written_as_floats_are_refused(
    tmp_path: Path, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
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


def test_sound_cut_short_gives_what_there_is(
    tmp_path: Path, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
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


def test_sound_beyond_what_is_asked_for_is_refused(
    tmp_path: Path, write_sound: Callable[..., Path], sine: Callable[..., np.ndarray]
) -> None:
    path = write_sound(tmp_path / "sine.wav", sine(440, 16_000, 2.0), 16_000)
    assert len(read_audio(path, longest=2.0)) == 32_000
    with pytest.raises(InputError, match=r"longer than 1\.5 s"):
        read_audio(path, longest=1.5)
