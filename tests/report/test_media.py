from __future__ import annotations

import base64

import pytest

from viseme.report.media import Album

MP4 = b"\0\0\0\x18ftypisom" + bytes(100)


def test_a_picture_knows_its_pixels(tmp_path):
    from PIL import Image

    Image.new("RGB", (48, 12)).save(tmp_path / "strip.png")
    found = Album().picture(tmp_path / "strip.png")
    assert (found.width, found.height) == (48, 12)


def test_a_video_is_copied_byte_for_byte(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(MP4)
    kind, _, data = Album().video(path).uri.partition(",")
    assert kind == "data:video/mp4;base64"
    assert base64.b64decode(data) == MP4


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", None, "a.mp4 cannot be read (no such file or directory)."),
        ("a.mp4", b"secret text, no video", "a.mp4 is not what its name says."),
        ("a.avi", b"RIFF", "a.avi is of a kind that browsers do not show."),
        ("a.mp4", b"", "a.mp4 is not what its name says."),
    ],
)
def test_what_cannot_be_shown_says_why(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    media = Album().video(tmp_path / name)
    assert (media.uri, media.reason) == ("", reason)


def test_a_file_that_the_results_do_not_name_says_so():
    assert Album().picture(None).reason == "The results name no file for a picture."


def test_past_its_limit_an_album_names_files_instead(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(MP4)
    album = Album(limit=150)
    assert album.video(tmp_path / "a.mp4").uri
    assert "heavier" in album.video(tmp_path / "b.mp4").reason
    assert album.video(tmp_path / "a.mp4").uri
    assert album.used == len(MP4)
