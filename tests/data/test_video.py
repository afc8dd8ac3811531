"""Frames of a video: the colours, the orientation and the size of the pictures."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.video import read_frames, read_video

BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)
FORMATS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"]


def yuv_to_rgb(yuv: tuple[int, int, int], weights: tuple[float, float], *, full: bool) -> np.ndarray:
    """ITU-R BT.601 and BT.709, 8 bits."""
    red, blue = weights
    luma = yuv[0] / 255 if full else (yuv[0] - 16) / 219
    cb, cr = ((value - 128) / (255 if full else 224) for value in yuv[1:])
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.array([r, g, b]) * 255, 0, 255)


def write_yuv(
    path: Path, yuv: tuple[int, int, int], pix_fmt: str, *, size: tuple[int, int], space: int | None, full: bool
) -> Path:
    """Three lossless frames of one colour, given as 8-bit Y, Cb, Cr."""
    depth, kind = (10, "<u2") if "10" in pix_fmt else (8, "u1")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        if space is not None:
            stream.codec_context.colorspace = space
        stream.codec_context.color_range = 2 if full else 1
        for number in range(3):
            frame = av.VideoFrame(size[1], size[0], pix_fmt)
            for plane, value in zip(frame.planes, yuv, strict=True):
                row = np.full(plane.line_size // np.dtype(kind).itemsize, value << (depth - 8), kind)
                plane.update(np.tile(row, plane.height).tobytes())
            frame.pts = number
            frame.time_base = Fraction(1, 25)
            if space is not None:
                frame.colorspace = space
            frame.color_range = 2 if full else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("space", "size", "weights"),
    [
        (1, (32, 48), BT709),
        (5, (32, 48), BT601),
        (6, (32, 48), BT601),
        (5, (720, 64), BT601),
        (None, (32, 48), BT601),
        (None, (720, 64), BT709),
    ],
    ids=["709", "470bg", "170m", "601-in-hd", "untagged-sd", "untagged-hd"],
)
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_colour_matrix_and_range(
    tmp_path: Path, pix_fmt: str, space: int | None, size: tuple[int, int], weights: tuple[float, float], full: bool
) -> None:
    yuv = (120, 90, 170)
    path = write_yuv(tmp_path / "colour.mkv", yuv, pix_fmt, size=size, space=space, full=full)
    frame = next(iter(read_frames(path)))
    assert frame.shape == (*size, 3)
    assert np.abs(frame.reshape(-1, 3).mean(0) - yuv_to_rgb(yuv, weights, full=full)).max() < 1.01


def test_the_conversion_has_no_bias(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    chroma = np.array([110, 145])
    luma = rng.integers(60, 180, (64, 96)).astype(np.uint8)
    path = tmp_path / "noise.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        planes = np.concatenate([luma, np.repeat(chroma, 16 * 96).reshape(-1, 96)])
        frame = av.VideoFrame.from_ndarray(planes.astype(np.uint8), format="yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    exact = np.stack([yuv_to_rgb((value, *chroma), BT601, full=False) for value in range(256)])[luma]
    off = read_video(path)[0] - exact
    assert np.abs(off).max() < 1.01
    assert np.abs(off.mean((0, 1))).max() < 0.3  # FFmpeg's quick path is dark by 1


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "bgra", ".mkv"),
        ("ffv1", "gbrp10le", ".mkv"),
        ("utvideo", "gbrp", ".avi"),
        ("png", "rgb24", ".mov"),
        ("qtrle", "rgb24", ".mov"),
        ("rawvideo", "bgr24", ".avi"),
        ("mjpeg", "yuvj444p", ".avi"),
        ("mpeg1video", "yuv420p", ".mpg"),
    ],
)
def test_pixel_formats_come_out_in_rgb_order(
    tmp_path: Path, codec: str, pix_fmt: str, suffix: str, write_video: Callable[..., Path]
) -> None:
    colour = np.array([200, 90, 40])
    pictures = [np.broadcast_to(colour, (32, 48, 3)).astype(np.uint8)] * 5
    times = [Fraction(number, 25) for number in range(5)]
    path = tmp_path / f"format{suffix}"
    write_video(path, pictures, times, codec=codec, pix_fmt=pix_fmt, time_base=Fraction(1, 25))
    frames = read_video(path)
    assert frames.shape == (5, 32, 48, 3)
    assert np.abs(frames.reshape(-1, 3).mean(0) - colour).max() < 4


def test_gray_becomes_three_equal_channels(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    path = tmp_path / "gray.mkv"
    write_video(path, numbered(3, 50), [Fraction(n, 25) for n in range(3)], codec="ffv1", pix_fmt="gray")
    frames = read_video(path)
    assert numbers(frames, 50) == [0, 1, 2]
    assert np.ptp(frames, axis=-1).max() == 0


MATRICES = {
    "upright": (1, 0, 0, 1),
    "clockwise": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "counterclockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "flipped": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transverse": (0, -1, -1, 0),
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_display_matrix_is_applied(tmp_path: Path, name: str, write_video: Callable[..., Path]) -> None:
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:16, :24] = 240  # top left
    picture[:16, 24:] = 120  # top right; the lower half is black
    path = write_video(tmp_path / "phone.mp4", [picture] * 3, [Fraction(n, 25) for n in range(3)])
    a, b, c, d = MATRICES[name]
    unit = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    whole = path.read_bytes()
    track = whole.index(b"tkhd")
    place = whole.index(unit, track)
    path.write_bytes(whole[:place] + turned + whole[place + len(unit) :])

    # ISO/IEC 14496-12: (x', y') = (a x + c y, b x + d y), y downwards, moved back into view
    height, width = (32, 48) if a else (48, 32)
    expected = np.zeros((height, width), np.uint8)
    ys, xs = np.mgrid[:32, :48]
    to_x, to_y = a * xs + c * ys, b * xs + d * ys
    expected[to_y - to_y.min(), to_x - to_x.min()] = picture[..., 0]
    frame = read_video(path)[0]
    assert frame.shape == (height, width, 3)
    assert np.abs(frame[..., 0].astype(int) - expected).mean() < 8


def test_oblong_pixels_become_square(
    tmp_path: Path, write_video: Callable[..., Path], numbered: Callable[..., list[np.ndarray]]
) -> None:
    def oblong(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    path = tmp_path / "pal.mp4"
    write_video(path, numbered(3, 3, (36, 44)), [Fraction(n, 25) for n in range(3)], prepare=oblong)
    assert read_video(path).shape == (3, 36, 64, 3)


def test_a_change_of_size_keeps_the_first_size(
    tmp_path: Path,
    write_video: Callable[..., Path],
    numbered: Callable[..., list[np.ndarray]],
    numbers: Callable[..., list[int]],
) -> None:
    parts = []
    for name, size in (("a", (32, 48)), ("b", (64, 96))):
        path = tmp_path / f"{name}.mpg"
        times = [Fraction(n, 25) for n in range(6)]
        write_video(path, numbered(6, 10, size), times, codec="mpeg2video", time_base=Fraction(1, 25))
        parts.append(path.read_bytes())
    joined = tmp_path / "joined.mpg"
    joined.write_bytes(b"".join(parts))
    frames = read_video(joined)
    assert frames.shape[1:] == (32, 48, 3)
    assert numbers(frames, 10)[-1] == 5
