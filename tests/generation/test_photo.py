from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.align import apply, clip_transform, warp
from viseme.data.faces import Box, default_backend, find_faces
from viseme.data.picture import picture_size, read_picture
from viseme.errors import InputError
from viseme.generation import photo
from viseme.generation.photo import read_photo


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> Image.Image:
    """The portrait's face with some room: small, quick to search."""
    return Image.fromarray(portrait[0:300, 80:380])


@pytest.fixture(scope="module")
def aligned(face: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("photo") / "face.png"
    face.save(path)
    return read_photo(path, 64).frame


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def test_a_photo_is_aligned_as_prepare_aligns_a_clip(face: Image.Image, aligned: np.ndarray) -> None:
    backend, pixels = default_backend(), np.array(face)
    points = backend.landmarks(pixels, find_faces(pixels, backend)[0])
    np.testing.assert_array_equal(aligned, warp(pixels, clip_transform(points[None], 64), 64))
    assert aligned.shape == (64, 64, 3)
    assert aligned.dtype == np.uint8


def test_its_points_lie_on_the_aligned_frame(face: Image.Image, tmp_path: Path, monkeypatch) -> None:
    backend, pixels = default_backend(), np.array(face)
    points = backend.landmarks(pixels, find_faces(pixels, backend)[0])
    face.save(tmp_path / "a.png")
    plain = read_photo(tmp_path / "a.png", 64).points
    assert (plain.shape, plain.dtype) == ((68, 2), np.float32)
    np.testing.assert_allclose(plain, apply(clip_transform(points[None], 64), points), atol=1e-4)
    monkeypatch.setattr(photo, "SEARCHED_PIXELS", 40_000)  # searched reduced, and taken from all pixels at 256
    assert np.abs(read_photo(tmp_path / "a.png", 256).points / 256 - plain / 64).max() < 0.04


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.jpg", {"quality": 95}), ("a.webp", {"lossless": True}), ("a.bmp", {}), ("a.tiff", {}), ("no_suffix", {})],
)
def test_formats(face: Image.Image, aligned: np.ndarray, tmp_path: Path, name: str, options: dict) -> None:
    face.save(tmp_path / name, **{"format": "PNG" if name == "no_suffix" else None, **options})
    seen = read_photo(tmp_path / name, 64)
    assert (seen.faces, seen.note) == (1, "")
    assert distance(seen.frame, aligned) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(face: Image.Image, aligned: np.ndarray, tmp_path: Path, orientation: int) -> None:
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpose that undoes each orientation
    turned = face if orientation == 1 else face.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(tmp_path / "a.png", exif=exif)
    assert distance(read_photo(tmp_path / "a.png", 64).frame, aligned) < 1


def test_gray_palette_and_cmyk(face: Image.Image, tmp_path: Path) -> None:
    for mode, name in [("L", "l.png"), ("LA", "la.png"), ("P", "p.png"), ("CMYK", "c.jpg"), ("CMYK", "c.tiff")]:
        face.convert(mode).save(tmp_path / name)
        expected = np.array(face.convert(mode).convert("RGB"))
        assert distance(read_picture(tmp_path / name), expected) < (3 if name == "c.jpg" else 0.01)
        assert read_photo(tmp_path / name, 64).faces == 1
    face.convert("1", dither=Image.Dither.NONE).save(tmp_path / "one.png")
    assert set(np.unique(read_picture(tmp_path / "one.png"))) == {0, 255}


def test_sixteen_bits_and_floats(face: Image.Image, tmp_path: Path) -> None:
    gray = np.array(face.convert("L"))
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "a.png")
    Image.fromarray(gray.astype(np.int32) * 257).save(tmp_path / "i.tiff")
    Image.fromarray(gray.astype(np.float32) / 255).save(tmp_path / "f.tiff")
    Image.fromarray(gray.astype(np.float32)).save(tmp_path / "g.tiff")
    for name in ("a.png", "i.tiff", "f.tiff", "g.tiff"):
        np.testing.assert_array_equal(read_picture(tmp_path / name), np.repeat(gray[..., None], 3, axis=2))
    assert read_photo(tmp_path / "a.png", 64).faces == 1
    Image.fromarray(np.full((40, 40), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    assert not read_picture(tmp_path / "nan.tiff").any()


def test_transparency_lies_over_mid_gray(face: Image.Image, aligned: np.ndarray, tmp_path: Path) -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png") == 128).all()
    clear.convert("P").save(tmp_path / "p.png", transparency=clear.convert("P").getpixel((0, 0)))
    assert (read_picture(tmp_path / "p.png") == 128).all()
    face.convert("RGBA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png", 64).frame, aligned)


def test_the_first_picture_of_an_animation_serves(face: Image.Image, aligned: np.ndarray, tmp_path: Path) -> None:
    face.save(tmp_path / "a.webp", save_all=True, append_images=[Image.new("RGB", face.size)], lossless=True)
    assert distance(read_photo(tmp_path / "a.webp", 64).frame, aligned) < 1


def test_the_largest_of_several_faces_is_used_and_told(face: Image.Image, aligned: np.ndarray, tmp_path: Path) -> None:
    both = Image.new("RGB", (520, 300))
    both.paste(face.resize((200, 200)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), (0, 50))
    both.paste(face, (220, 0))
    both.save(tmp_path / "two.png")
    seen = read_photo(tmp_path / "two.png", 64)
    assert seen.faces == 2
    assert seen.note == "2 faces found, the largest is used"
    assert distance(seen.frame, aligned) < 8 < distance(seen.frame[:, ::-1], aligned)


def test_large_photos_are_searched_reduced_and_small_faces_taken_from_all_pixels(
    face: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    class Watching:
        name = "watching"

        def detect(self, frame: np.ndarray) -> list[Box]:
            searched.append(frame.shape)
            return default_backend().detect(frame)

        def landmarks(self, frame: np.ndarray, box: Box) -> np.ndarray:
            return default_backend().landmarks(frame, box)

        describe = None

    large = Image.new("RGB", (1200, 800), (90, 90, 90))
    large.paste(face.resize((600, 600)), (300, 100))
    large.save(tmp_path / "large.png")
    monkeypatch.setattr(photo, "SEARCHED_PIXELS", 120_000)
    wide = read_photo(tmp_path / "large.png", 64, Watching())
    assert max(h * w for h, w, _ in searched) <= 121_000
    fine = read_photo(tmp_path / "large.png", 256, Watching())
    monkeypatch.setattr(photo, "SEARCHED_PIXELS", 1200 * 800)
    whole = read_photo(tmp_path / "large.png", 256)
    assert distance(wide.frame, read_photo(tmp_path / "large.png", 64).frame) < 4
    assert distance(fine.frame, whole.frame) < 4
    assert sharpness(fine.frame) > 0.8 * sharpness(whole.frame)


def sharpness(frame: np.ndarray) -> float:
    return float(np.var(np.diff(frame.astype(float).mean(axis=2), n=2, axis=0)))


def test_a_small_face_is_found_and_told(face: Image.Image, aligned: np.ndarray, tmp_path: Path) -> None:
    face.resize((110, 110), Image.Resampling.BOX).save(tmp_path / "small.png")
    seen = read_photo(tmp_path / "small.png", 128)
    assert seen.frame.shape == (128, 128, 3)
    assert "enlarged" in seen.note


def bomb(path: Path) -> None:
    """A PNG that says it has 20,000 x 20,000 pixels, in 60 bytes."""
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(b"\0")]
    packed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def test_what_cannot_serve_is_refused_in_one_line(face: Image.Image, tmp_path: Path) -> None:
    def made(name: str, content: bytes | Image.Image) -> Path:
        path = tmp_path / name
        path.write_bytes(content) if isinstance(content, bytes) else content.save(path)
        return path

    jpeg = made("face.jpg", face).read_bytes()
    bomb(tmp_path / "bomb.png")
    cases = [
        (tmp_path / "none.png", "no such file; give a photo"),
        (tmp_path, "is not a file"),
        (made("text.png", b"This is no picture."), "is not a picture that Pillow can read"),
        (made("page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "is not a picture"),
        (made("empty.png", b""), "is not a picture"),
        (made("cut.jpg", jpeg[: len(jpeg) // 2]), "is damaged and cannot be decoded"),
        (made("one.png", Image.new("RGB", (1, 1))), "1 x 1 pixels are too few"),
        (made("line.png", Image.new("RGB", (4000, 2))), "4000 x 2 pixels are too few"),
        (tmp_path / "bomb.png", "Mpx; scale it down"),
        (made("blank.png", Image.new("RGB", (300, 300), (200, 180, 160))), "no face found"),
        (made("sideways.png", face.rotate(90)), "no face found; give a photo of one face, upright"),
        (made("large.png", Image.new("1", (9000, 9000))), "9000 x 9000 is over 64 Mpx"),
    ]
    for path, line in cases:
        with pytest.raises(InputError) as caught:
            read_photo(path, 64)
        assert line in str(caught.value)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_a_size_is_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    assert picture_size(path) == (70, 90)
    with pytest.raises(InputError, match="damaged"):
        read_picture(path)
    path.write_bytes(b"<svg></svg>")
    with pytest.raises(InputError, match="not a picture"):
        picture_size(path)


def test_a_face_turned_aside_is_told(face: Image.Image, tmp_path: Path) -> None:
    """One half squeezed to half its width about the nose, as a head turned by some 40 degrees is seen."""
    pixels, middle = np.asarray(face), 145
    x = np.arange(pixels.shape[1])
    source = np.where(x < middle, middle - (middle - x) / 0.5, middle + (x - middle) / 1.5).round().astype(int)
    Image.fromarray(pixels[:, source.clip(0, pixels.shape[1] - 1)]).save(tmp_path / "turned.png")
    face.save(tmp_path / "straight.png")
    assert "turned aside" in read_photo(tmp_path / "turned.png", 64).note
    assert "aside" not in read_photo(tmp_path / "straight.png", 64).note
