"""A server in a process of its own, with small limits, and what is sent to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

LIMITS = ("upload_mb=2", "sound_seconds=4", "waiting=3", "job_seconds=60", "megapixels=20")


@dataclass(frozen=True)
class Server:
    """A running server: its address, the temporary folder it was given, and its process."""

    url: str
    temporary: Path
    process: subprocess.Popen[str]

    @property
    def scratch(self) -> Path:
        (found,) = self.temporary.glob("viseme-serve-*")
        return found

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
        """Status and text of an answer."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind} if body is not None else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def upload(self, data: bytes, name: str = "face.png") -> tuple[int, str]:
        """Upload one file; in the end its path on the server."""
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
        status, text = self.ask("/gradio_api/upload", body, f"multipart/form-data; boundary={mark}")
        return status, json.loads(text)[0] if status == 200 else text

    def call(self, name: str, **fields: Any) -> tuple[str, Any]:
        """Call an endpoint and wait: `complete` and its outputs, or `error` and the sentence."""
        files = {key: value for key, value in fields.items() if isinstance(value, str) and value.startswith("/")}
        meta = {"_type": "gradio.FileData"}
        body = {**fields, **{key: {"path": path, "meta": meta} for key, path in files.items()}}
        status, text = self.ask(f"/gradio_api/call/v2/{name}", json.dumps(body).encode())
        if status != 200:
            return f"refused {status}", text
        _, stream = self.ask(f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")
        *_, last = [block for block in stream.split("\n\n") if block.strip()]
        event, data = last.split("\n", 1)
        value = json.loads(data.removeprefix("data: "))
        return event.removeprefix("event: "), value["error"] if event == "event: error" else value


def start(temporary: Path, *arguments: str) -> Server:
    """A server on a free port, once it serves."""
    temporary.mkdir(exist_ok=True)
    limits = [part for limit in LIMITS for part in ("--set", limit)]
    command = [
        sys.executable,
        "-m",
        "viseme",
        "serve",
        "talk_gan",
        "talk_ddpm_fast",
        "--port",
        "0",
        *limits,
        *arguments,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)}, cwd=temporary
    )
    line = process.stdout.readline()
    assert line.startswith("http://"), "the server did not start"
    return Server(line.split("/ ")[0], temporary, process)


def stop(server: Server, number: int = signal.SIGTERM) -> int:
    """End a server; returns its exit code."""
    server.process.send_signal(number)
    code = server.process.wait(30)
    server.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of both bundled models."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    assert stop(running) == 0


@pytest.fixture(scope="session")
def face(server: Server) -> bytes:
    """A rendered face, PNG."""
    return (server.scratch / "examples" / "rendered_0.png").read_bytes()


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a tone that swells, WAV."""
    return tone(tmp_path_factory.mktemp("sound") / "voice.wav", 0.5)


def tone(path: Path, seconds: float, loud: float = 0.3) -> Path:
    """A tone as 16-bit WAV at 16 kHz."""
    times = np.arange(round(seconds * 16_000)) / 16_000
    samples = loud * np.sin(2 * np.pi * 220 * times) * np.abs(np.sin(2 * np.pi * 3 * times))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path
