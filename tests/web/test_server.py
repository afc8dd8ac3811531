"""The server as a program meets it: what it makes, what it refuses, and what it leaves behind."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import struct
import time
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.streams import streams
from viseme.generation.provenance import read_provenance

from .conftest import tone

pytest.importorskip("gradio", reason="gradio is not installed")


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("face.png", b"\0" * 10_000_000)
    return packed.getvalue()


def blank() -> bytes:
    picture = io.BytesIO()
    Image.fromarray(np.full((200, 200, 3), 120, np.uint8)).save(picture, "PNG")
    return picture.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def test_a_photo_and_a_voice_become_a_video(server, face, voice, tmp_path) -> None:
    _, photo = server.upload(face)
    _, heard = server.upload(voice.read_bytes(), "voice.wav")
    event, (said, video, other) = server.call("make", photo=photo, voice=heard, models=["talk_gan"], seed=3)
    assert event == "complete"
    assert "13 frames" in said
    assert other["value"] is None
    found = tmp_path / "talk.mp4"
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
    connection.request("GET", urllib.parse.urlsplit(video["value"]["url"]).path)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    found.write_bytes(answer.read())
    connection.close()
    assert streams(found)["frames"] == 13
    record = read_provenance(found)
    assert (record["name"], record["seed"], record["ai_generated"]) == ("talk_gan", 3, True)
    assert list((server.scratch / "jobs").iterdir()) == []


def test_several_models_make_a_video_each(server, face, voice) -> None:
    _, photo = server.upload(face)
    _, heard = server.upload(voice.read_bytes(), "voice.wav")
    fields = {
        "photo": photo,
        "voice": heard,
        "models": ["talk_gan", "talk_ddpm_fast"],
        "sampler": "dpmpp_2m",
        "steps": 2,
    }
    event, (_, *videos) = server.call("make", **fields)
    assert event == "complete"
    records = [read_provenance(video["value"]["path"]) for video in videos]
    assert [record["name"] for record in records] == ["talk_gan", "talk_ddpm_fast"]
    assert (records[1]["sampling"]["sampler"], records[1]["sampling"]["steps"]) == ("dpmpp_2m", 2)
    event, said = server.call("make", **{**fields, "steps": 999})
    assert (event, said) == ("error", "The number of steps must lie from 1 to 250; 999 does not.")


def test_a_video_is_scored_against_a_reference(server, face, voice) -> None:
    _, photo = server.upload(face)
    _, heard = server.upload(voice.read_bytes(), "voice.wav")
    _, (_, video, _) = server.call("make", photo=photo, voice=heard, models=["talk_gan"])
    made = video["value"]["path"]
    event, (table,) = server.call("score", video=made, reference=made)
    assert event == "complete"
    assert '<th scope="row">PSNR</th><td>100.00 dB</td>' in table
    event, said = server.call("score", video=made, reference=photo)
    assert event == "error"
    assert said.startswith("The reference: is a picture")
    event, said = server.call("score", video=None, reference=photo)
    assert said == "Give the video to be scored first."


def test_the_crop_is_the_face(server, face) -> None:
    _, photo = server.upload(face)
    event, (crop, _) = server.call("crop", photo=photo)
    assert event == "complete"
    assert crop["path"].endswith(".webp")


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (SVG, "face.png", "is not a picture"),
        (HTML, "face.png", "is not a picture"),
        (bomb(), "face.png", "is not a picture"),
        (b"", "face.png", "is not a picture"),
        (png(30_000, 30_000), "face.png", "64 Mpx"),
        (png(5000, 5000), "face.png", "over 20 megapixels"),
        (blank(), "face.png", "no face found"),
        (blank() + HTML, "face.html", "no face found"),
        (blank(), "../../../../etc/passwd.png", "no face found"),
    ],
    ids=["svg", "html", "zip bomb", "empty", "huge", "large", "no face", "polyglot", "path in the name"],
)
def test_a_bad_photo_is_told_in_a_sentence(server, data, name, sentence) -> None:
    status, photo = server.upload(data, name)
    assert status == 200
    event, said = server.call("crop", photo=photo)
    assert event == "error"
    assert said.startswith("The photo: ")
    assert sentence in said
    assert said.endswith(".")
    assert "/" not in said
    assert server.scratch in Path(photo).parents


def test_what_was_uploaded_is_never_run_by_a_browser(server) -> None:
    _, path = server.upload(HTML, "page.html")
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
    connection.request("GET", f"/gradio_api/file={path}")
    answer = connection.getresponse()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    connection.close()


@pytest.mark.parametrize(
    ("seconds", "loud", "sentence"),
    [(0.1, 0.3, "too short"), (5.0, 0.3, "longer than 4 s"), (0.0, 0.3, "The voice: ")],
)
def test_a_bad_voice_is_told_in_a_sentence(server, face, tmp_path, seconds, loud, sentence) -> None:
    _, photo = server.upload(face)
    _, voice = server.upload(tone(tmp_path / "voice.wav", seconds, loud).read_bytes(), "voice.wav")
    event, said = server.call("make", photo=photo, voice=voice, models=["talk_gan"])
    assert event == "error"
    assert sentence in said
    assert "/" not in said


def test_silence_is_said_beside_the_video(server, face, tmp_path) -> None:
    _, photo = server.upload(face)
    _, voice = server.upload(tone(tmp_path / "voice.wav", 0.3, 0).read_bytes(), "voice.wav")
    event, (said, *_) = server.call("make", photo=photo, voice=voice, models=["talk_gan"])
    assert event == "complete"
    assert "silent" in said


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"photo": None, "voice": None}, "Give a photo first."),
        ({"photo": None, "voice": None, "models": ["nobody"]}, "nobody"),
        ({"photo": None, "voice": None, "seed": -1}, "-1"),
        ({"photo": "/etc/hostname", "voice": None}, "not uploaded"),
        ({"photo": "/", "voice": None}, "not uploaded"),
        ({"voice": None}, "refused 422"),
        ({"photo": None, "voice": None, "extra": 1}, "refused 422"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(server, fields, sentence) -> None:
    event, said = server.call("make", **fields)
    assert event != "complete"
    assert sentence in f"{event} {said}"


def test_an_address_is_not_fetched(server, loopback) -> None:
    loopback.put("/face.png", b"x")
    body = {"photo": {"path": f"{loopback.url}/face.png", "meta": {"_type": "gradio.FileData"}}}
    _, text = server.ask("/gradio_api/call/v2/crop", json.dumps(body).encode())
    _, stream = server.ask(f"/gradio_api/call/crop/{json.loads(text)['event_id']}")
    assert "not fetched" in stream
    status, _ = server.ask(f"/gradio_api/file={loopback.url}/face.png")
    assert status == 404
    assert loopback.asked == []


def test_a_file_that_announces_its_size_is_refused_before_it_comes(server) -> None:
    address = urllib.parse.urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b"Content-Length: 2000000000\r\n\r\n"
        )
        answer = b"".join(iter(lambda: line.recv(4096), b"")).decode()
    assert "413" in answer.splitlines()[0]
    assert "larger than the 2 MB" in answer


def test_a_file_that_hides_its_size_is_refused_as_it_comes(server) -> None:
    address = urllib.parse.urlsplit(server.url)
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    piece = b"\0" * 65_536
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(head), head)
        )
        with contextlib.suppress(OSError):
            for _ in range(200):
                line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    kept = [path.stat().st_size for path in (server.scratch / "files").rglob("*") if path.is_file()]
    assert max(kept) < 2_100_000
    assert server.ask("/")[0] == 200


def test_a_client_that_hangs_up_ends_its_job(server, face, tmp_path) -> None:
    _, photo = server.upload(face)
    _, voice = server.upload(tone(tmp_path / "voice.wav", 3.9).read_bytes(), "voice.wav")
    meta = {"_type": "gradio.FileData"}
    fields = {"photo": {"path": photo, "meta": meta}, "voice": {"path": voice, "meta": meta}, "models": ["talk_gan"]}
    _, text = server.ask("/gradio_api/call/v2/make", json.dumps(fields).encode())
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=30)
    connection.request("GET", f"/gradio_api/call/make/{json.loads(text)['event_id']}")
    answer = connection.getresponse()
    answer.read(20)
    answer.close()
    connection.close()
    until = time.monotonic() + 20
    while list((server.scratch / "jobs").iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert list((server.scratch / "jobs").iterdir()) == []


def test_beyond_the_queue_a_job_is_refused_politely(server, face, tmp_path) -> None:
    _, photo = server.upload(face)
    _, voice = server.upload(tone(tmp_path / "voice.wav", 3.0).read_bytes(), "voice.wav")
    meta = {"_type": "gradio.FileData"}
    fields = {"photo": {"path": photo, "meta": meta}, "voice": {"path": voice, "meta": meta}, "models": ["talk_gan"]}
    answers = [server.ask("/gradio_api/call/v2/make", json.dumps(fields).encode()) for _ in range(8)]
    taken = [json.loads(text)["event_id"] for status, text in answers if status == 200]
    refused = [text for status, text in answers if status == 503]
    assert len(taken) + len(refused) == 8
    assert 3 <= len(taken) <= 5
    assert all("Queue is full" in text for text in refused)
    for event in taken:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=60)
        connection.request("GET", f"/gradio_api/call/make/{event}")
        connection.getresponse().read(10)
        connection.close()
