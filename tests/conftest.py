"""What many tests share: a small synthetic corpus, its store, two barely trained runs, and the program in-process."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SMALL = (
    "training.steps=2",
    "training.batch_size=2",
    "training.validation_batches=1",
    "training.rollout_frames=9",
    "training.precision=32-true",
)
"""What makes training a matter of seconds."""
SMALL_GAN = (*SMALL, "model.width=8", "model.max_width=32")
SMALL_DDPM = (*SMALL, "model.base=32", "model.blocks=1", "sampling.steps=2")


def pytest_configure() -> None:
    """A shell ignores SIGINT for what it runs in the background, and children inherit that: tests interrupt theirs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("viseme: ")
        return lines[0]


Run = Callable[..., Outcome]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the program in this process: `cli("prepare", "grid", source, store)`."""
    from viseme.cli import main

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@dataclass
class Page:
    """What a server gives at one address, and how it misbehaves."""

    body: bytes = b""
    status: int = 0
    """Answer this and the body, nothing else."""
    busy: int = 0
    """Answer 429 so many times before anything else."""
    retry: str = ""
    """What it says of waiting when it is busy."""
    ranges: bool = True
    """Whether it can go on in the middle."""
    cut: int | None = None
    """End every answer after so many bytes, whatever was promised."""
    promised: int | None = None
    """The length that it claims, where that is a lie."""
    location: str = ""
    """Where it sends those who ask."""
    answer: Callable[[bytes], bytes] | None = None
    """What it makes of a body that is posted."""


@dataclass
class Loopback:
    """A server on this machine, and what it was asked: method, path and range."""

    url: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def put(self, path: str, body: bytes, **behaviour: object) -> Page:
        self.pages[path] = Page(body, **behaviour)
        return self.pages[path]

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            server.asked.append((self.command, self.path, wanted))
            server.headers.append(dict(self.headers))
            posted = self.rfile.read(int(self.headers["Content-Length"] or 0))
            page = server.pages.get(self.path, Page(status=404))
            busy, page.busy = page.busy > 0, page.busy - 1
            body = page.answer(posted) if page.answer else page.body
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and page.ranges else 0
            status = 429 if busy else page.status or (206 if start else 200)
            if status == 206 and start >= len(body):
                status = 416
            sent = body[start:] if status < 400 else page.body if page.status else b""
            self.send_response(status)
            self.send_header("Retry-After", page.retry)
            if page.location:
                self.send_header("Location", page.location)
            self.send_header("Content-Length", str(len(sent) if page.promised is None else page.promised))
            self.end_headers()
            self.wfile.write(sent[: page.cut])

        do_POST = do_GET

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A server with nothing on it yet."""
    monkeypatch.setenv("no_proxy", "*")
    ours = Loopback()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(ours))
    ours.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ours
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of these tests, away from the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VISEME_CACHE", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "viseme"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """One worker at a time; whoever comes second finds the work done."""
    with open(folder / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def corpus(shared_folder: Path) -> Path:
    """A synthetic corpus of 4 actors with 3 clips each; read only."""
    import viseme

    folder = shared_folder / "corpus"
    with _alone(shared_folder, "corpus"):
        viseme.synthetic(folder, actors=4, clips=3, seed=1, size=160, jobs=1)
    return folder


@pytest.fixture
def plain_store() -> Callable[..., Any]:
    """`plain_store(path, rows, size=32, **info)`: a store of plain frames whose landmarks all lie at x = 8, y = 20."""
    import numpy as np

    from viseme.data.shards import write_shard
    from viseme.data.store import Store, StoreInfo, shard_path, write_info, write_manifest

    def make(path: Path, rows: list[Any], size: int = 32, **changed: Any) -> Store:
        tensors: dict[str, Any] = {}
        for one in rows:
            if one.status == "ok":
                tensors[f"{one.clip_id}/frames"] = np.full((one.frames, size, size, 3), (90, 100, 120), np.uint8)
                tensors[f"{one.clip_id}/audio"] = np.zeros(640 * one.frames, np.int16)
                tensors[f"{one.clip_id}/landmarks"] = np.full((one.frames, 68, 2), (8, 20), np.float32)
        info = StoreInfo(
            schema=1, size=size, fps=25, rate=16_000, align="clip", detector="none", corpus="folder", licence="none",
            seed=0, test_actors=("c",), val_actors=(), limits={"found": 0.9}, clips=len(rows), listing="", version="0",
        )  # fmt: skip
        write_shard(shard_path(path, 0), tensors, [dataclasses.asdict(one) for one in rows])
        write_info(path, dataclasses.replace(info, **changed))
        write_manifest(path, rows)
        return Store.open(path)

    return make


@pytest.fixture(scope="session")
def store(corpus: Path, shared_folder: Path) -> Path:
    """The store of that corpus at 64 pixels, a003 held out for testing; read only."""
    import viseme

    folder = shared_folder / "store"
    with _alone(shared_folder, "store"):
        report = viseme.prepare("synthetic", corpus, folder, size=64, test_actors=["a003"], jobs=1)
    assert report.rejected == 0
    return folder


@pytest.fixture(scope="session")
def runs(store: Path, shared_folder: Path) -> dict[str, Path]:
    """A GAN and a DDPM, small and trained for two steps on that store, by kind; read only."""
    import viseme

    folders = {"gan": shared_folder / "run_gan", "ddpm": shared_folder / "run_ddpm"}
    for kind, small in (("gan", SMALL_GAN), ("ddpm", SMALL_DDPM)):
        with _alone(shared_folder, kind):
            if not (folders[kind] / "model.safetensors").exists():
                viseme.train(f"tiny_{kind}", store, folders[kind], overrides=small)
    return folders


@pytest.fixture(scope="session")
def voice(shared_folder: Path) -> Path:
    """A second of sound, as WAV."""
    import wave

    import numpy as np

    path = shared_folder / "voice.wav"
    with _alone(shared_folder, "voice"):
        if not path.exists():
            samples = np.random.default_rng(0).normal(0, 3000, 16_000).astype("<i2")
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16_000)
                file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="session")
def portrait(shared_folder: Path) -> Path:
    """NASA's public-domain portrait of an astronaut, as PNG."""
    from PIL import Image
    from skimage import data

    path = shared_folder / "portrait.png"
    with _alone(shared_folder, "portrait"):
        if not path.exists():
            Image.fromarray(data.astronaut()).save(path)
    return path
