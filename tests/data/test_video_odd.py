"""Videos that are rare but real, held against the same pictures encoded plainly, and headers that lie."""

from __future__ import annotations

import contextlib
import io
import struct
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, Interpolation
from PIL import Image
from skimage import data

from viseme.data.audio import read_audio
from viseme.data.dynamic_range import PEAK, WHITE, pq_signal
from viseme.data.video import read_frames, read_video
from viseme.errors import InputError

COUNT = 12
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""BT.2087-0, section 2.1: light of BT.709's primaries in those of BT.2020."""
BT2020 = 9  # matrix of non-constant luminance


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """uint8 `[12,160,160,3]`: a face that moves by a pixel a frame."""
    portrait = data.astronaut()
    return np.stack([portrait[20:180, 135 + number : 295 + number] for number in range(COUNT)])


def clock(count: int) -> list[Fraction]:
    return [Fraction(number, 25) for number in range(count)]


def pq(light: np.ndarray) -> np.ndarray:
    return pq_signal(np.maximum(light, 0))


def hlg(light: np.ndarray) -> np.ndarray:
    """BT.2100, table 5: light on a display of 1000 cd/m2 to HLG's signal."""
    shown = np.maximum(light / PEAK, 0)
    luminance = np.maximum(shown @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None]
    scene = shown * luminance ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def write_high(path: Path, signals: np.ndarray, trc: int, codec: str, options: dict[str, str]) -> Path:
    """R'G'B' in [0, 1] as 10 bits of BT.2020, 4:2:0, limited range."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *signals.shape[1:3], "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_range = BT2020, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT2020, trc
        for number, signal in enumerate(signals):
            codes = np.rint(np.clip(signal, 0, 1) * 65_535).astype(np.uint16)
            frame = av.VideoFrame.from_ndarray(codes, format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=BT2020, dst_color_range=ColorRange.MPEG)
            frame.colorspace, frame.color_range = BT2020, ColorRange.MPEG
            frame.color_primaries, frame.color_trc = ColorPrimaries.BT2020, trc
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("trc", "transfer"), [(ColorTrc.SMPTE2084, pq), (ColorTrc.ARIB_STD_B67, hlg)], ids=["pq", "hlg"]
)
@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("ffv1", ".mkv", {}),
        ("libx265", ".mp4", {"crf": "12", "preset": "ultrafast", "x265-params": "log-level=none:pools=none"}),
    ],
)
def test_high_dynamic_range_looks_as_the_plain_video(
    tmp_path: Path,
    faces: np.ndarray,
    trc: int,
    transfer: Callable[[np.ndarray], np.ndarray],
    codec: str,
    suffix: str,
    options: dict[str, str],
) -> None:
    light = WHITE * (faces / 255.0) ** 2.4 @ TO_2020.T
    frames = read_video(write_high(tmp_path / f"phone{suffix}", transfer(light), trc, codec, options))
    assert frames.shape == faces.shape
    below = faces.max(axis=-1) < 150  # under the knee
    error = frames.astype(float) - faces
    assert np.abs(error[below]).mean() < 4
    assert np.abs(error[below].mean(axis=0)).max() < 2
    assert np.abs(error).mean() < 6
    assert 200 < frames[faces.min(axis=-1) > 245].mean() < 240  # white gives room to what is brighter


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv422p10le"])
def test_chroma_and_range_give_the_same_face(tmp_path: Path, faces: np.ndarray, pix_fmt: str, full: bool) -> None:
    span = ColorRange.JPEG if full else ColorRange.MPEG
    path = tmp_path / "face.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 160, 160, pix_fmt
        stream.codec_context.color_range = span
        for number, face in enumerate(faces):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(face), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_color_range=span)
            frame.color_range, frame.pts, frame.time_base = span, number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    error = read_video(path).astype(float) - faces
    assert np.abs(error).mean() < 4
    assert np.abs(error.mean((0, 1, 2))).max() < 1.5


@pytest.mark.parametrize("size", [(97, 131), (161, 96)])
def test_odd_sizes_stay(
    tmp_path: Path, faces: np.ndarray, size: tuple[int, int], write_video: Callable[..., Path]
) -> None:
    pictures = [face[: size[0], : size[1]] for face in np.pad(faces, ((0, 0), (0, 1), (0, 0), (0, 0)))]
    path = write_video(tmp_path / "odd.mkv", pictures, clock(COUNT), codec="ffv1")
    frames = read_video(path)
    assert frames.shape == (COUNT, *size, 3)
    assert np.abs(frames.astype(float) - pictures).mean() < 4


@pytest.mark.parametrize("codec", ["flv1", "libx264"])
def test_a_flash_film_cut_short_gives_its_frames(
    tmp_path: Path, faces: np.ndarray, codec: str, write_video: Callable[..., Path]
) -> None:
    noisy = np.clip(faces + np.random.default_rng(0).integers(-20, 20, faces.shape), 0, 255).astype(np.uint8)
    path = write_video(
        tmp_path / "whole.flv", list(noisy), clock(COUNT), codec=codec, time_base=Fraction(1, 1000), options={"g": "1"}
    )
    whole = read_video(path)
    assert len(whole) == COUNT
    cut = tmp_path / "cut.flv"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    part = read_video(cut)
    assert 4 <= len(part) < COUNT
    assert np.array_equal(part, whole[: len(part)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_picture_by_the_name_of_a_video_is_refused(tmp_path: Path, faces: np.ndarray, kind: str) -> None:
    path = tmp_path / "portrait.mp4"
    Image.fromarray(faces[0]).save(path, format=kind)
    with pytest.raises(InputError, match=r"portrait\.mp4: is a picture, not a video"):
        read_video(path)


def patched(whole: bytes, box: bytes, offset: int, layout: str, *values: int) -> bytes:
    """The bytes with numbers written `offset` bytes after the name of a box or chunk."""
    changed = bytearray(whole)
    struct.pack_into(layout, changed, whole.index(box) + offset, *values)
    return bytes(changed)


needs_peak = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is Linux's")


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """The process's peak inside lies less than 100 MiB above what it held before, FFmpeg's own memory included."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = kibibytes("VmHWM")
    yield
    assert kibibytes("VmHWM") - before < 100 * 1024


def kibibytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


@needs_peak
@pytest.mark.parametrize("codec", ["ffv1", "rawvideo", "mjpeg", "mpeg4"])
@pytest.mark.parametrize("side", [1_000_000, 65_535, 30_000])
def test_a_header_that_claims_a_vast_picture_takes_no_memory(
    tmp_path: Path, faces: np.ndarray, codec: str, side: int, write_video: Callable[..., Path]
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_video(
        tmp_path / "vast.avi", list(faces), clock(COUNT), codec=codec, pix_fmt=pix_fmt, time_base=Fraction(1, 25)
    )
    path.write_bytes(patched(path.read_bytes(), b"strf", 12, "<ii", side, side))
    frames: list[np.ndarray] = []
    with little_memory(), contextlib.suppress(InputError):  # a codec whose pictures do not say their size themselves
        frames = list(read_frames(path))
    assert {frame.shape for frame in frames} <= {faces.shape[1:]}


@needs_peak
def test_a_header_that_claims_a_thousand_million_frames_gives_those_that_are_there(
    tmp_path: Path, faces: np.ndarray, write_video: Callable[..., Path]
) -> None:
    many = 10**9
    path = write_video(tmp_path / "many.avi", list(faces), clock(COUNT), codec="mpeg4", time_base=Fraction(1, 25))
    path.write_bytes(patched(patched(path.read_bytes(), b"avih", 24, "<I", many), b"strh", 40, "<I", many))
    with little_memory():
        assert len(read_video(path)) == COUNT
    path = write_video(tmp_path / "many.mp4", list(faces), clock(COUNT))
    path.write_bytes(patched(path.read_bytes(), b"stts", 12, ">I", many))
    with little_memory():
        assert len(read_video(path)) == COUNT
    path.write_bytes(patched(path.read_bytes(), b"stsz", 8, ">II", 100, many))  # all of one size
    with little_memory(), pytest.raises(InputError, match="not a single frame"):
        read_video(path)


def test_a_picture_of_8k_is_read(tmp_path: Path, faces: np.ndarray) -> None:
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qscale": "3"})
        stream.height, stream.width, stream.pix_fmt = 4320, 7680, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(faces[0]), format="rgb24")
        container.mux(stream.encode(frame.reformat(7680, 4320, "yuv420p", interpolation=Interpolation.POINT)))
        container.mux(stream.encode(None))
    frame = next(iter(read_frames(path)))
    assert frame.shape == (4320, 7680, 3)
    assert np.abs(frame[13::27, 24::48].astype(float) - faces[0]).mean() < 6


def test_sound_that_never_ends_is_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(2 * 16_000 * 3))
    path = tmp_path / "long.wav"
    path.write_bytes(made.getvalue())
    with pytest.raises(InputError, match=r"long\.wav: its sound is longer than 1 s"):
        read_audio(path, longest=1)
