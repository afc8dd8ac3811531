"""A folder of odd files, prepared in one go: each becomes what the plain clip becomes, or says why it cannot."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

import viseme
from viseme.data.prepare import prepare
from viseme.data.store import Store
from viseme.errors import StoreError
from viseme.types import Clip

FRAMES = 13
LENGTH = Fraction(1, 2)
SIDE = 160
SIZE = 64
MIDDLE = slice(SIZE // 4, 3 * SIZE // 4)  # the edge is a matter of what the picture held


def face(time: Fraction, width: int = SIDE) -> np.ndarray:
    """A portrait that moves by a pixel in a 25th of a second."""
    left = 135 + round(25 * time)
    return np.ascontiguousarray(data.astronaut()[20 : 20 + SIDE, left : left + width])


def film(path: Path) -> list[np.ndarray]:
    """The first pictures of a video."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(video=0), PLAIN, strict=False)]


def clock(rate: int) -> list[Fraction]:
    return [Fraction(number, rate) for number in range(int(LENGTH * rate))]


def tone(seconds: float = 0.52, rate: int = 16_000, channels: int = 1) -> np.ndarray:
    return np.tile(0.3 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate), (channels, 1))


def write(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[Fraction],
    sound: np.ndarray | None,
    *,
    rate: int = 16_000,
    codec: str = "pcm_s16le",
    sample_fmt: str = "s16",
    pix_fmt: str = "yuv420p",
    aspect: Fraction | None = None,
    fps: int = 25,
) -> Path:
    """H.264 shown from the given times, and sound `[C,S]` in [-1, 1]."""
    with av.open(str(path), "w") as container:
        if len(pictures):
            video = container.add_stream("libx264", rate=fps, options={"crf": "8", "preset": "ultrafast", "bf": "0"})
            video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], pix_fmt
            video.codec_context.time_base = Fraction(1, 1000)
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
        if sound is not None:
            heard = container.add_stream(codec, rate=rate, layout="stereo" if len(sound) == 2 else "mono")
            heard.format = sample_fmt
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(video.encode(frame))
        if len(pictures):
            container.mux(video.encode(None))
        if sound is not None:
            kind, full = {"s16": ("<i2", 2**15 - 1), "s32": ("<i4", 2**31 - 1), "flt": ("<f4", 1)}[sample_fmt]
            codes = (sound * full).astype(kind)
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(codes.T).reshape(1, -1), format=sample_fmt, layout=heard.layout
            )
            block.sample_rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
            container.mux(heard.encode(block))
            container.mux(heard.encode(None))
    return path


UNIT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def write_turned(path: Path, quarters: int) -> None:
    """As a phone held otherwise: the pictures lie turned, and the display matrix of the track turns them back."""
    stored = [np.rot90(face(time), quarters) for time in clock(25)]
    write(path, [*stored, np.rot90(face(Fraction(12, 25)), quarters)], [*clock(25), Fraction(12, 25)], tone())
    a, b = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[quarters]  # clockwise by so many quarters
    turned = struct.pack(">9i", a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)
    whole = path.read_bytes()
    place = whole.index(UNIT, whole.index(b"tkhd"))
    path.write_bytes(whole[:place] + turned + whole[place + len(UNIT) :])


PLAIN = [*clock(25), Fraction(12, 25)]
UNEVEN = [Fraction(n, 1000) for n in (0, 20, 50, 110, 140, 210, 230, 270, 330, 370, 400, 450, 480)]
NAMES = {"names a": 'it\'s "so".mkv', "names b": "two\nlines.mkv", "names c": "плёнка 映画 é.mkv"}


def write_good(folder: Path) -> None:
    """What must become what the plain clip becomes."""
    plain = [face(time) for time in PLAIN]
    write(folder / "plain.mkv", plain, PLAIN, tone())
    for fps in (12, 60):
        write(folder / f"fps{fps}.mkv", [face(time) for time in clock(fps)], clock(fps), tone(), fps=fps)
    write(folder / "uneven.mkv", [face(time) for time in UNEVEN], UNEVEN, tone())
    for quarters in (1, 2, 3):
        write_turned(folder / f"turned{quarters}.mov", quarters)
    squeezed = [np.asarray(Image.fromarray(picture).resize((SIDE // 2, SIDE))) for picture in plain]
    write(folder / "oblong.mkv", squeezed, PLAIN, tone(), aspect=Fraction(2))
    write(folder / "full chroma.mkv", plain, PLAIN, tone(), pix_fmt="yuv444p")
    write(folder / "odd size.mkv", [picture[:157, :155] for picture in plain], PLAIN, tone(), pix_fmt="yuv444p")
    stereo = tone(0.52, 48_000, 2)
    write(folder / "stereo24.mkv", plain, PLAIN, stereo, rate=48_000, codec="pcm_s24le", sample_fmt="s32")
    write(folder / "rate8000.mkv", plain, PLAIN, tone(0.52, 8000), rate=8000)
    write(folder / "long sound.mkv", plain, PLAIN, tone(3.0))
    holed = tone()
    holed[0, 4000:4010] = np.nan
    write(folder / "not finite.mkv", plain, PLAIN, holed, codec="pcm_f32le", sample_fmt="flt")
    for name in NAMES.values():
        write(folder / name, plain, PLAIN, tone())
    (folder / "linked.mkv").symlink_to(write(folder.parent / "elsewhere.mkv", plain, PLAIN, tone()))


def write_bad(folder: Path) -> dict[str, str]:
    """What cannot serve, by file name, and what its reason says."""
    plain = [face(time) for time in PLAIN]
    blank = np.full_like(plain[0], 90)
    whole = write(folder / "cut.mp4", plain, PLAIN, None).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n" * 50)
    Image.fromarray(plain[0]).save(folder / "picture.mp4", format="PNG")
    write(folder / "mute.mkv", plain, PLAIN, None)
    write(folder / "sound alone.mkv", [], [], tone())
    write(folder / "one frame.mkv", plain[:1], PLAIN[:1], tone())
    write(folder / "silent.mkv", plain, PLAIN, np.zeros((1, 8320)))
    write(folder / "short sound.mkv", plain, PLAIN, tone(0.2))
    write(folder / "leaves.mkv", [*plain[:6], *[blank] * 7], PLAIN, tone())
    write(folder / "nobody.mkv", [blank] * FRAMES, PLAIN, tone())
    write(folder / "nothing finite.mkv", plain, PLAIN, tone() * np.nan, codec="pcm_f32le", sample_fmt="flt")
    (folder / "vast.mkv").write_bytes(b"YUV4MPEG2 W1000000 H1000000 F25:1 C420jpeg\nFRAME\n" + bytes(100))
    (folder / "gone.mkv").symlink_to(folder / "nowhere.mkv")
    os.mkfifo(folder / "pipe.mkv")
    (folder / "device.mkv").symlink_to("/dev/zero")
    return {
        "cut.mp4": "is the file whole?",
        "empty.mp4": "the file is empty",
        "text.mp4": "cannot be opened",
        "picture.mp4": "is a picture, not a video",
        "mute.mkv": "holds no sound",
        "sound alone.mkv": "holds no video stream",
        "one frame.mkv": "fewer than 10",
        "silent.mkv": "its sound is silent",
        "short sound.mkv": "its sound ends 0.32 s before the picture",
        "leaves.mkv": "a face in only",
        "nobody.mkv": "no face in any frame",
        "nothing finite.mkv": "no sample of its sound is a finite number",
        "vast.mkv": "cannot be opened",
        "gone.mkv": "cannot be read (No such file or directory)",
        "pipe.mkv": "not a file",
        "device.mkv": "not a file",
    }


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, str]]:
    """The store of one run over all of them, and the reasons that some of them must have."""
    root = tmp_path_factory.mktemp("odd")
    folder = root / "src" / "actor"
    folder.mkdir(parents=True)
    write_good(folder)
    wanted = write_bad(folder)
    prepare("folder", root / "src", root / "store", size=SIZE, jobs=1)
    return Store.open(root / "store"), wanted


def test_what_cannot_serve_says_why_in_a_line_and_nothing_else_is_lost(odd: tuple[Store, dict[str, str]]) -> None:
    store, wanted = odd
    said = {Path(row.source).name: row.reason for row in store.rows if row.status != "ok"}
    assert said.keys() == wanted.keys(), {name: said[name] for name in said.keys() - wanted.keys()}
    for name, reason in wanted.items():
        assert reason in said[name]
        assert said[name].startswith(f"actor/{name}: ")
        assert "\n" not in said[name]


@pytest.mark.parametrize(
    ("name", "frames", "points"),
    [
        ("fps12.mkv", 12.0, 2.5),  # a picture stays for two frames
        ("fps60.mkv", 6.0, 1.0),
        ("uneven.mkv", 10.0, 2.0),
        ("turned1.mov", 3.0, 0.7),
        ("turned2.mov", 3.0, 0.7),
        ("turned3.mov", 3.0, 0.7),
        ("oblong.mkv", 6.0, 1.0),
        ("full chroma.mkv", 3.0, 0.7),
        ("odd size.mkv", 3.0, 1.0),
        ("stereo24.mkv", 0.0, 0.0),
        ("rate8000.mkv", 0.0, 0.0),
        ("long sound.mkv", 0.0, 0.0),
        ("not finite.mkv", 0.0, 0.0),
        ("linked.mkv", 0.0, 0.0),
        *((name, 0.0, 0.0) for name in NAMES.values()),
    ],
)
def test_what_is_odd_becomes_what_the_plain_clip_becomes(
    odd: tuple[Store, dict[str, str]], name: str, frames: float, points: float
) -> None:
    store, _ = odd
    ids = {Path(row.source).name: row.clip_id for row in store.clips()}
    plain, clip = store.clip(ids["plain.mkv"]), store.clip(ids[name])
    assert clip.frames.shape == plain.frames.shape == (FRAMES, SIZE, SIZE, 3)
    off = np.abs(clip.frames.astype(float) - plain.frames)
    assert off[:, MIDDLE, MIDDLE].mean() <= frames
    assert clip.landmarks is not None
    assert plain.landmarks is not None
    assert np.linalg.norm(clip.landmarks - plain.landmarks, axis=-1).mean() <= points
    assert len(clip.audio) == len(plain.audio) == 640 * FRAMES
    assert np.abs(clip.audio - plain.audio)[800:-800].max() < (0.31 if name == "not finite.mkv" else 0.01)


def test_of_two_faces_the_larger_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "a"
    folder.mkdir(parents=True)
    small = [np.asarray(Image.fromarray(face(time)).resize((120, 120))) for time in PLAIN]
    pairs = [
        np.concatenate([np.pad(one, ((0, 40), (0, 0), (0, 0)), mode="edge"), face(time)], axis=1)
        for one, time in zip(small, PLAIN, strict=True)
    ]
    write(folder / "pair.mkv", pairs, PLAIN, tone())
    write(folder / "plain.mkv", [face(time) for time in PLAIN], PLAIN, tone())
    prepare("folder", tmp_path / "src", tmp_path / "store", size=SIZE, jobs=1)
    store = Store.open(tmp_path / "store")
    assert {row.clip_id: row.faces for row in store.clips()} == {"a_pair": 2, "a_plain": 1}
    pair, plain = store.clip("a_pair"), store.clip("a_plain")
    assert np.linalg.norm(pair.landmarks - plain.landmarks, axis=-1).mean() < 1.0


def test_of_two_rendered_faces_the_one_asked_for_is_followed_to_its_end(corpus: Path, tmp_path: Path) -> None:
    """The larger face stands to the left, the smaller one in the middle; each becomes what it becomes alone."""
    small, large = (film(next((corpus / actor).glob("*.mp4"))) for actor in ("a000", "a001"))
    large = [np.asarray(Image.fromarray(one).resize((256, 256), Image.Resampling.BICUBIC)) for one in large]
    both = [np.full((256, 672, 3), 90, np.uint8) for _ in PLAIN]
    for frame, left, middle in zip(both, large, small, strict=True):
        frame[:, :256], frame[48:208, 256:416] = left, middle
    shown = {"both": both, "central": small, "largest": large}
    for name, frames in shown.items():
        (tmp_path / name / "a").mkdir(parents=True)
        write(tmp_path / name / "a" / "clip.mkv", frames, PLAIN, tone())
    alone, together = {}, {}
    for choice in ("central", "largest"):
        for src, held in ((choice, alone), ("both", together)):
            store = tmp_path / f"{src} {choice} store"
            viseme.prepare("folder", tmp_path / src, store, size=SIZE, face=choice, jobs=1)
            held[choice] = Store.open(store).clip("a_clip")
            assert Store.open(store).row("a_clip").faces == (2 if src == "both" else 1)

    def apart(one: Clip, other: Clip) -> float:
        return float(np.abs(one.frames[:, MIDDLE, MIDDLE] / 1.0 - other.frames[:, MIDDLE, MIDDLE]).mean())

    for choice, other in (("central", "largest"), ("largest", "central")):
        followed = together[choice]
        assert np.linalg.norm(followed.landmarks - alone[choice].landmarks, axis=-1).mean() < 1.0
        assert apart(followed, alone[choice]) < apart(followed, alone[other]) / 3


def test_a_store_of_a_newer_version_is_left_alone(
    copy: Path, make: Callable[..., object], contents: Callable[[Path], dict[str, bytes]]
) -> None:
    said = json.loads((copy / "store.json").read_text())
    (copy / "store.json").write_text(json.dumps({**said, "schema": 99}))
    (copy / "manifest.parquet").unlink()
    before = contents(copy)
    with pytest.raises(StoreError, match="store of schema 99, this viseme reads 1; upgrade viseme"):
        make(copy)
    assert contents(copy) == before
