"""Frames at 25 a second: the clock, the colours, the orientation, and what is refused."""

from __future__ import annotations

import itertools
import struct
import tracemalloc
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.video import read_frames, read_video
from viseme.errors import InputError

HALF_MS = Fraction(1, 2000)


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[Fraction],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    time_base: Fraction = Fraction(1, 90_000),
    rate: Fraction = Fraction(25),
    options: dict[str, str] | None = None,
    prepare: Callable[[av.VideoStream], None] | None = None,
) -> Path:
    """Write RGB pictures shown from the given times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        if prepare is not None:
            prepare(stream)
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = round(time / time_base)
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbered(count: int, step: int = 3, size: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
    """Gray pictures whose brightness tells their number."""
    return [np.full((*size, 3), 16 + step * number, np.uint8) for number in range(count)]


def numbers(frames: np.ndarray, step: int = 3) -> list[int]:
    """The numbers back from the brightness."""
    return [round((float(frame.mean()) - 16) / step) for frame in frames]


def shown(times: Sequence[Fraction], end: Fraction) -> list[int]:
    """By definition: the last frame not later than n/25, to half a millisecond, as long as n/25 is before the end."""
    outputs = itertools.takewhile(lambda at: at < end, (Fraction(n, 25) for n in itertools.count()))
    return [max(i for i, time in enumerate(times) if time - times[0] <= at + HALF_MS) for at in outputs]


@pytest.mark.parametrize("rate", [Fraction(r) for r in (12, 15, 24, 25, 30, 50, 60)] + [Fraction(30000, 1001)])
def test_every_constant_rate_becomes_25(tmp_path: Path, rate: Fraction) -> None:
    count = int(rate * 6 / 5)
    times = [number / rate for number in range(count)]
    path = write_video(
        tmp_path / "rate.mp4",
        numbered(count),
        times,
        rate=rate,
        time_base=1 / rate,
        options={"crf": "1", "bf": "2"},
    )
    assert numbers(read_video(path)) == shown(times, count / rate)


def test_a_variable_rate_follows_the_presentation_times(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    gaps = rng.integers(5, 140, 39)  # milliseconds, as Matroska keeps them
    times = [Fraction(int(total), 1000) for total in np.concatenate([[0], np.cumsum(gaps)])]
    path = write_video(tmp_path / "variable.mkv", numbered(40), times, time_base=Fraction(1, 1000))
    seen = numbers(read_video(path))
    expected = shown(times, times[-1])  # how long the last picture lasts is not in the file
    assert seen[: len(expected)] == expected
    assert set(seen[len(expected) :]) == {39}


def test_times_rounded_to_milliseconds_do_not_shift_a_frame(tmp_path: Path) -> None:
    times = [Fraction(round(1000 * Fraction(number, 30)), 1000) for number in range(36)]
    path = write_video(tmp_path / "rounded.mkv", numbered(36), times, time_base=Fraction(1, 1000), rate=Fraction(30))
    exact = [Fraction(number, 30) for number in range(36)]
    assert numbers(read_video(path)) == shown(exact, Fraction(36, 30))


def test_the_clock_starts_with_the_first_frame(tmp_path: Path) -> None:
    times = [Fraction(7, 10) + Fraction(number, 25) for number in range(10)]
    path = write_video(tmp_path / "late.mkv", numbered(10), times, time_base=Fraction(1, 1000))
    assert numbers(read_video(path)) == list(range(10))


def test_a_single_frame_is_a_video_of_one(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mp4", numbered(1), [Fraction(0)], rate=Fraction(60), time_base=Fraction(1, 60))
    assert read_video(path).shape == (1, 32, 48, 3)


def test_a_gif_is_a_video(tmp_path: Path) -> None:
    times = [Fraction(number, 10) for number in range(4)]
    path = tmp_path / "four.gif"
    write_video(path, numbered(4, 60), times, codec="gif", pix_fmt="rgb8", time_base=Fraction(1, 100))
    assert len(read_video(path)) >= 8  # 0.3 s to the last picture
    assert list(dict.fromkeys(numbers(read_video(path), 60))) == [0, 1, 2, 3]


def test_frames_are_the_callers_own(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mkv", numbered(2), [Fraction(0), Fraction(1)], time_base=Fraction(1, 1000))
    frames = []
    for frame in read_frames(path):
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous
        assert frame.flags.writeable
        frames.append(frame.copy())
        frame[:] = 255  # must not reach the repeats of the same picture
    assert numbers(np.stack(frames))[:25] == [0] * 25


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    count = 300
    pictures = [np.full((96, 128, 3), number % 200, np.uint8) for number in range(count)]
    path = write_video(tmp_path / "long.mp4", pictures, [Fraction(number, 25) for number in range(count)])
    tracemalloc.start()
    assert sum(1 for _ in read_frames(path)) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * pictures[0].nbytes


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
def test_pixel_formats_come_out_in_rgb_order(tmp_path: Path, codec: str, pix_fmt: str, suffix: str) -> None:
    colour = np.array([200, 90, 40])
    pictures = [np.broadcast_to(colour, (32, 48, 3)).astype(np.uint8)] * 5
    times = [Fraction(number, 25) for number in range(5)]
    path = tmp_path / f"format{suffix}"
    write_video(path, pictures, times, codec=codec, pix_fmt=pix_fmt, time_base=Fraction(1, 25))
    frames = read_video(path)
    assert frames.shape == (5, 32, 48, 3)
    assert np.abs(frames.reshape(-1, 3).mean(0) - colour).max() < 4


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
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
def test_the_display_matrix_is_applied(tmp_path: Path, name: str) -> None:
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


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    def oblong(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    path = tmp_path / "pal.mp4"
    write_video(path, numbered(3, 3, (36, 44)), [Fraction(n, 25) for n in range(3)], prepare=oblong)
    assert read_video(path).shape == (3, 36, 64, 3)


def test_a_change_of_size_keeps_the_first_size(tmp_path: Path) -> None:
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


def test_two_recordings_in_one_file_are_refused(tmp_path: Path) -> None:
    times = [Fraction(n, 25) for n in range(60)]
    path = write_video(tmp_path / "a.mpg", numbered(60), times, codec="mpeg2video", time_base=Fraction(1, 25))
    path.write_bytes(path.read_bytes() * 2)
    assert "jumps" in refused(path)


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


def test_sound_alone_and_pictures_are_refused(tmp_path: Path) -> None:
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


def test_a_video_cut_short_gives_its_frames(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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


def test_an_mp4_without_its_index_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mp4", numbered(20), [Fraction(n, 25) for n in range(20)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "whole" in refused(path)


def test_damage_in_the_middle_keeps_the_length(tmp_path: Path) -> None:
    times = [Fraction(n, 25) for n in range(40)]
    path = write_video(tmp_path / "damaged.avi", numbered(40), times, codec="mjpeg", pix_fmt="yuvj420p")
    whole = bytearray(path.read_bytes())
    place = whole.index(b"\xff\xd8", len(whole) // 2)
    whole[place : place + 300] = bytes(300)
    path.write_bytes(whole)
    seen = numbers(read_video(path))
    assert len(seen) == 40
    assert sum(number == place for place, number in enumerate(seen)) >= 37


def test_absurd_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    write_video(path, [np.zeros((16, 9000, 3), np.uint8)], [Fraction(0)], codec="ffv1", pix_fmt="yuv420p")
    assert "9000x16" in refused(path)


def test_a_clock_that_jumps_is_refused(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 25), Fraction(7200)]
    path = write_video(tmp_path / "jump.mkv", numbered(3), times, time_base=Fraction(1, 1000))
    assert "jumps" in refused(path)


def test_names_that_look_like_something_else(tmp_path: Path) -> None:
    for name in ("10:30.mp4", "a%03d.mp4", "ünï 'x'.mp4", "http:.mp4"):
        made = write_video(tmp_path / "made.mp4", numbered(3), [Fraction(n, 25) for n in range(3)])
        made.rename(tmp_path / name)
        assert len(read_video(tmp_path / name)) == 3


def test_read_video_refuses_what_memory_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "long.mp4", numbered(30), [Fraction(n, 25) for n in range(30)])
    monkeypatch.setattr("viseme.data.video.MAX_WHOLE", 20 * 32 * 48 * 3)
    with pytest.raises(InputError, match="shorter clips"):
        read_video(path)
